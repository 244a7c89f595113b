// The tables of multi-index hashing: one counting sort a substring.

#include <atomic>
#include <system_error>
#include <thread>

#include "mih.h"

namespace hashmatch {
namespace {

// How many codes ahead memory is asked for: as many as a core can wait for at once.
constexpr size_t kAhead = 24;

// Counting sort from the last code to the first: after the sums `starts` has the end of every value, and each code
// placed moves it towards the start.
void sort_codes(const Codes& codes, const Substring& part) noexcept {
    const size_t values = size_t{1} << part.width;
    uint32_t* const starts = part.starts;
    __builtin_memset(starts, 0, (values + 1) * sizeof *starts);
    for (size_t i = 0; i < codes.count; i++) {
        if (i + kAhead < codes.count) __builtin_prefetch(starts + part.value(codes.at(i + kAhead)), 1);
        starts[part.value(codes.at(i))]++;
    }
    uint32_t sum = 0;
    for (size_t v = 0; v <= values; v++) starts[v] = sum += starts[v];
    for (size_t i = codes.count; i-- > 0;) {
        if (i >= 2 * kAhead) __builtin_prefetch(starts + part.value(codes.at(i - 2 * kAhead)), 1);
        if (i >= kAhead) __builtin_prefetch(part.ids + starts[part.value(codes.at(i - kAhead))] - 1, 1);
        part.ids[--starts[part.value(codes.at(i))]] = static_cast<uint32_t>(i);
    }
}

}  // namespace

size_t mih_items(const Codes& codes, int count, int first, int last) {
    const size_t bits = codes.bytes * 8;
    size_t items = 0;
    for (int i = first; i < last; i++)
        items += (size_t{1} << (bits * (i + 1) / count - bits * i / count)) + 1 + codes.count;
    return items;
}

Mih::Mih(const Codes& codes, int count, uint32_t* tables, int first) : codes(codes), count(count), substrings() {
    const size_t bits = codes.bytes * 8;
    for (int i = 0; i < count; i++) {
        const size_t begin = bits * i / count;
        const size_t last = codes.bytes - sizeof(uint64_t);
        Substring& part = substrings[i];
        part.width = static_cast<int>(bits * (i + 1) / count - begin);
        part.word = begin / 8 < last ? begin / 8 : last;
        part.shift = static_cast<int>(begin - 8 * part.word);
        if (i < first) continue;
        part.starts = tables;
        part.ids = tables + (size_t{1} << part.width) + 1;
        tables = part.ids + codes.count;
    }
}

void mih_build(const Mih& mih, int first, int last, int threads) noexcept {
    std::atomic<int> next{first};
    const auto work = [&] {
        for (int i; (i = next++) < last;) sort_codes(mih.codes, mih.substrings[i]);
    };
    std::thread others[kMaxSubstrings];
    int started = 0;
    try {
        while (started + 1 < threads && started + 1 < last - first) {
            others[started] = std::thread(work);
            started++;
        }
    } catch (const std::system_error&) {
        // The threads there are do it all.
    }
    work();
    for (int i = 0; i < started; i++) others[i].join();
}

}  // namespace hashmatch
