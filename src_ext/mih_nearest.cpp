// The nearest codes: range searches of growing radius, and a scan with a shrinking one where they cost more.

#include "mih_search.h"

namespace hashmatch {
namespace {

bool nearer(const Hit& one, const Hit& other) {
    return one.distance != other.distance ? one.distance < other.distance : one.position < other.position;
}

// Reduces hits to the `most` nearest, in order.
void keep_nearest(std::vector<Hit>& hits, size_t most) {
    const auto end = hits.begin() + static_cast<ptrdiff_t>(std::min(most, hits.size()));
    std::partial_sort(hits.begin(), end, hits.end(), nearer);
    hits.erase(end, hits.end());
}

// Compares all codes; once a query has `most` hits, only what is nearer than the worst of them is looked for.
void scan_nearest(const Kernels& kernels, const Mih& mih, const std::vector<const uint8_t*>& queries, size_t most,
                  std::vector<std::vector<Hit>>& hits) {
    Hit found[kScanned];
    for (size_t first = 0; first < mih.codes.count; first += kScanned) {
        const size_t codes = std::min(kScanned, mih.codes.count - first);
        for (size_t k = 0; k < queries.size(); k++) {
            std::vector<Hit>& heap = hits[k];
            const int all = static_cast<int>(8 * mih.codes.bytes);
            const int radius = heap.size() < most ? all : heap.front().distance - 1;
            if (radius < 0) continue;
            const size_t count = kernels.between(mih.codes, first, codes, queries[k], radius, found);
            for (size_t j = 0; j < count; j++) {
                const Hit hit{static_cast<uint32_t>(first + found[j].position), found[j].distance};
                if (heap.size() == most) {
                    if (!nearer(hit, heap.front())) continue;
                    std::pop_heap(heap.begin(), heap.end(), nearer);
                    heap.pop_back();
                }
                heap.push_back(hit);
                std::push_heap(heap.begin(), heap.end(), nearer);
            }
        }
    }
    for (std::vector<Hit>& heap : hits) std::sort_heap(heap.begin(), heap.end(), nearer);
}

// The hits of some queries.
void answer(const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, size_t most,
            std::vector<std::vector<Hit>>& hits) {
    std::vector<size_t> open(count), dear;
    for (size_t k = 0; k < count; k++) open[k] = k;
    for (int units = 1; !open.empty(); units++) {
        // As far as so many units on every substring reach.
        const int radius = std::min(units * mih.count - 1, static_cast<int>(8 * mih.codes.bytes));
        Search search(kernels, mih, radius, open.size());
        std::vector<size_t> next;
        for (const size_t k : open) {
            hits[k].clear();
            if (!search.probe(queries + k * mih.codes.bytes, hits[k])) {
                dear.push_back(k);
            } else if (hits[k].size() < std::min(most, mih.codes.count)) {
                next.push_back(k);
            } else {
                keep_nearest(hits[k], most);
            }
        }
        open.swap(next);
    }
    std::vector<const uint8_t*> unprobed;
    for (const size_t k : dear) unprobed.push_back(queries + k * mih.codes.bytes);
    std::vector<std::vector<Hit>> scanned(dear.size());
    scan_nearest(kernels, mih, unprobed, most, scanned);
    for (size_t k = 0; k < dear.size(); k++) hits[dear[k]].swap(scanned[k]);
}

}  // namespace

bool mih_search(const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, size_t most,
                int32_t* distances, int64_t* positions) noexcept try {
    for (size_t first = 0; first < count; first += kTogether) {
        const size_t group = std::min(kTogether, count - first);
        std::vector<std::vector<Hit>> hits(group);
        answer(kernels, mih, queries + first * mih.codes.bytes, group, most, hits);
        for (size_t k = 0; k < group; k++) {
            for (size_t j = 0; j < hits[k].size(); j++) {
                distances[(first + k) * most + j] = hits[k][j].distance;
                positions[(first + k) * most + j] = hits[k][j].position;
            }
        }
    }
    return true;
} catch (const std::bad_alloc&) {
    return false;
}

}  // namespace hashmatch
