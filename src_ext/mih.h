// Multi-index hashing: codes found by their substrings (Norouzi, Punjani and Fleet, CVPR 2012).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core.h"

namespace hashmatch {

// A code is cut into at most so many substrings, of at most so many bits each.
constexpr int kMaxSubstrings = 32;
constexpr int kMaxSubstringBits = 31;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "substrings are read as little-endian words");

// A run of a code's bits, and its table: `starts`, 2^width + 1 items, and after them `ids`, as many as there are codes.
struct Substring {
    int width;
    int shift;        // of its lowest bit in the word
    size_t word;      // byte of the code at which a word that contains all of it begins
    uint32_t* starts; // the positions of the codes that have value v are ids[starts[v]] to ids[starts[v + 1]], exclusive
    uint32_t* ids;    // positions of all codes, by value, then ascending

    uint32_t value(const uint8_t* code) const {
        uint64_t bits;
        __builtin_memcpy(&bits, code + word, sizeof bits);
        return static_cast<uint32_t>(bits >> shift) & ((1u << width) - 1);
    }
};

// The tables of a set of codes, one after another. All memory is the caller's; searching only reads it.
struct Mih {
    Codes codes;
    int count;  // of substrings
    Substring substrings[kMaxSubstrings];

    // `tables` has mih_items() items of the substrings [first, count); those before `first` have no table.
    Mih(const Codes& codes, int count, uint32_t* tables, int first = 0);
};

// Items of the tables of the substrings [first, last), of codes that are cut into `count`.
size_t mih_items(const Codes& codes, int count, int first, int last);

// Fills the tables of the substrings [first, last), with so many threads at most. Throws nothing.
void mih_build(const Mih& mih, int first, int last, int threads) noexcept;

// Codes within the radius of some queries: those of query i are hits[limits[i]] to hits[limits[i + 1]], exclusive.
struct Matches {
    std::vector<int64_t> limits;
    std::vector<Hit> hits;

    void split(int32_t* distances, int64_t* positions) const;
};

// Finds every code within `radius` bits, inclusive, of each query: contiguous codes of the same width.
//
// Answers the first of the queries, one at least, and all where their hits are fewer than `most`; the answer is in any
// case shorter than `most` and twice the codes. Returns false where there is no memory. Throws nothing.
bool mih_range_search(const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, int radius,
                      size_t most, Matches& matches) noexcept;

// Finds the `most` codes that are nearest to each query, nearest first, ties by position: query i's at i * most. Where
// there are fewer codes, the rest is left as it is. Returns false where there is no memory. Throws nothing.
bool mih_search(const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, size_t most,
                int32_t* distances, int64_t* positions) noexcept;

}  // namespace hashmatch
