// Hamming distances: included once by every variant, within its namespace and its target.

inline int ones(uint64_t bits) {
#if defined(__POPCNT__) || !defined(__x86_64__)
    return __builtin_popcountll(bits);
#else
    // Knuth, The Art of Computer Programming 4A, 7.1.3 (62): sums of 2, 4 and 8 bits, and the bytes by a product.
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return static_cast<int>(bits * 0x0101010101010101 >> 56);
#endif
}

// How many codes ahead memory is asked for: as many as a core can wait for at once.
constexpr size_t kAhead = 32;

// One pass over codes of `kWords` words of 64 bits; `position` gives that of the k-th.
template <size_t kWords, typename Position>
inline size_t within(const Codes& codes, const uint8_t* query, int radius, size_t count, Hit* hits, Position position) {
    uint64_t wanted[kWords];
    __builtin_memcpy(wanted, query, sizeof wanted);
    size_t found = 0;
    for (size_t k = 0; k < count; k++) {
        const uint8_t* const code = codes.data + position(k) * sizeof wanted;
        int distance = 0;
        for (size_t w = 0; w < kWords; w++) {
            uint64_t word;
            __builtin_memcpy(&word, code + w * sizeof word, sizeof word);
            distance += ones(word ^ wanted[w]);
        }
        if (__builtin_expect(distance <= radius, 0)) hits[found++] = {static_cast<uint32_t>(k), distance};
    }
    return found;
}

template <typename Position>
inline size_t within(const Codes& codes, const uint8_t* query, int radius, size_t count, Hit* hits, Position position) {
    switch (codes.bytes) {
        case 8: return within<1>(codes, query, radius, count, hits, position);
        case 16: return within<2>(codes, query, radius, count, hits, position);
        case 24: return within<3>(codes, query, radius, count, hits, position);
        default: return within<4>(codes, query, radius, count, hits, position);
    }
}

size_t among(const Codes& codes, const uint32_t* ids, size_t count, const uint8_t* query, int radius, Hit* hits) {
    return within(codes, query, radius, count, hits, [=](size_t k) {
        if (k + kAhead < count) __builtin_prefetch(codes.at(ids[k + kAhead]));
        return size_t{ids[k]};
    });
}

size_t between(const Codes& codes, size_t first, size_t count, const uint8_t* query, int radius, Hit* hits) {
    return within(codes, query, radius, count, hits, [=](size_t k) { return first + k; });
}
