// Range search: queries in groups, those that are dear to probe scanned together.

#include "mih_search.h"

namespace hashmatch {
namespace {

// Answers the first queries of a group, one at least; `hits` gets those of each. Returns how many.
size_t answer(Search& search, const uint8_t* queries, size_t count, size_t bytes, size_t most,
              std::vector<std::vector<Hit>>& hits) {
    std::vector<const uint8_t*> unprobed;
    std::vector<size_t> places;
    hits.assign(count, {});
    size_t total = 0;
    for (size_t k = 0; k < count; k++) {
        if (!search.probe(queries + k * bytes, hits[k])) {
            unprobed.push_back(queries + k * bytes);
            places.push_back(k);
        }
        total += hits[k].size();
        if (total >= most) count = k + 1;
    }
    std::vector<std::vector<Hit>> scanned(unprobed.size());
    const size_t left = unprobed.empty() ? 0 : search.scan(unprobed, most - std::min(total, most), scanned);
    for (size_t k = 0; k < left; k++) hits[places[k]].swap(scanned[k]);
    return left < places.size() ? places[left] : count;
}

}  // namespace

void Matches::split(int32_t* distances, int64_t* positions) const {
    for (size_t k = 0; k < hits.size(); k++) {
        distances[k] = hits[k].distance;
        positions[k] = hits[k].position;
    }
}

bool mih_range_search(const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, int radius,
                      size_t most, Matches& matches) noexcept try {
    const size_t bytes = mih.codes.bytes;
    Search search(kernels, mih, radius, count);
    std::vector<std::vector<Hit>> hits;
    matches.limits.assign(1, 0);
    for (size_t first = 0; first < count; first += kTogether) {
        const size_t group = std::min(kTogether, count - first);
        const size_t answered = answer(search, queries + first * bytes, group, bytes, most - matches.hits.size(), hits);
        for (size_t k = 0; k < answered; k++) {
            matches.hits.insert(matches.hits.end(), hits[k].begin(), hits[k].end());
            matches.limits.push_back(static_cast<int64_t>(matches.hits.size()));
        }
        if (answered < group || matches.hits.size() >= most) break;
    }
    return true;
} catch (const std::bad_alloc&) {
    return false;
}

}  // namespace hashmatch
