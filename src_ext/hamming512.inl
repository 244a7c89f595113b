// Codes within a radius by the instruction that counts the ones of eight words: included by avx512.cpp.

constexpr size_t kCodes = 8;
// How many codes ahead memory is asked for: as many as a core can wait for at once.
constexpr size_t kAhead = 32;
constexpr size_t kWideCode = 32;

inline __m512i pair(const uint8_t* first, const uint8_t* second) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i*)first)),
                              _mm256_loadu_si256((const __m256i*)second), 1);
}

// Adds those of 8 codes of 32 bytes, given two a vector, that are near to the query in both halves of `wanted`. A field
// of 16 bits sums the ones of a word for each of the four vectors, so that four codes are added up at once.
inline size_t keep(const __m512i codes[4], __m512i wanted, int radius, size_t first, Hit* hits) {
    __m512i sums = _mm512_setzero_si512();
    for (int v = 4; v-- > 0;)
        sums = _mm512_add_epi64(_mm512_slli_epi64(sums, 16), _mm512_popcnt_epi64(_mm512_xor_si512(codes[v], wanted)));
    sums = _mm512_add_epi64(sums, _mm512_shuffle_epi32(sums, (_MM_PERM_ENUM)0x4e));
    sums = _mm512_add_epi64(sums, _mm512_shuffle_i64x2(sums, sums, 0xb1));
    const __mmask32 near = _mm512_cmple_epu16_mask(sums, _mm512_set1_epi16(static_cast<short>(radius)));
    if (__builtin_expect(!(near & 0x000f000f), 1)) return 0;
    uint16_t all[32];
    _mm512_storeu_si512(all, sums);
    size_t found = 0;
    for (size_t lane = 0; lane < kCodes; lane++) {
        const int distance = all[lane / 2 + 16 * (lane % 2)];
        if (distance <= radius) hits[found++] = {static_cast<uint32_t>(first + lane), distance};
    }
    return found;
}

// The same of 8 codes of 8 bytes.
inline size_t keep(__m512i codes, __m512i wanted, int radius, size_t first, Hit* hits) {
    const __m512i distances = _mm512_popcnt_epi64(_mm512_xor_si512(codes, wanted));
    unsigned near = _mm512_cmple_epi64_mask(distances, _mm512_set1_epi64(radius));
    if (__builtin_expect(!near, 1)) return 0;
    int64_t all[kCodes];
    _mm512_storeu_si512(all, distances);
    size_t found = 0;
    for (; near; near &= near - 1) {
        const unsigned lane = static_cast<unsigned>(__builtin_ctz(near));
        hits[found++] = {static_cast<uint32_t>(first + lane), static_cast<int32_t>(all[lane])};
    }
    return found;
}

// Adds what a slot of another variant finds from the k-th code on, where `found` hits are there already.
template <typename Rest>
inline size_t finish(size_t k, size_t found, Hit* hits, Rest rest) {
    const size_t more = rest(hits + found);
    for (size_t j = found; j < found + more; j++) hits[j].position += static_cast<uint32_t>(k);
    return found + more;
}

size_t among(const Codes& codes, const uint32_t* ids, size_t count, const uint8_t* query, int radius, Hit* hits) {
    if (codes.bytes != kWideCode) return avx2::among(codes, ids, count, query, radius, hits);
    const __m512i wanted = pair(query, query);
    size_t k = 0, found = 0;
    for (; k + kCodes <= count; k += kCodes) {
        for (size_t j = k + kAhead; j < k + kAhead + kCodes && j < count; j++) __builtin_prefetch(codes.at(ids[j]));
        __m512i eight[4];
        for (int v = 0; v < 4; v++) eight[v] = pair(codes.at(ids[k + 2 * v]), codes.at(ids[k + 2 * v + 1]));
        found += keep(eight, wanted, radius, k, hits + found);
    }
    return finish(k, found, hits, [&](Hit* room) { return avx2::among(codes, ids + k, count - k, query, radius, room); });
}

size_t between(const Codes& codes, size_t first, size_t count, const uint8_t* query, int radius, Hit* hits) {
    if (codes.bytes != kWideCode && codes.bytes != sizeof(uint64_t))
        return avx2::between(codes, first, count, query, radius, hits);
    size_t k = 0, found = 0;
    if (codes.bytes == kWideCode) {
        const __m512i wanted = pair(query, query);
        for (; k + kCodes <= count; k += kCodes) {
            const __m512i* const at = (const __m512i*)codes.at(first + k);
            const __m512i eight[4] = {_mm512_loadu_si512(at), _mm512_loadu_si512(at + 1), _mm512_loadu_si512(at + 2),
                                      _mm512_loadu_si512(at + 3)};
            found += keep(eight, wanted, radius, k, hits + found);
        }
    } else {
        int64_t word;
        __builtin_memcpy(&word, query, sizeof word);
        const __m512i wanted = _mm512_set1_epi64(word);
        for (; k + kCodes <= count; k += kCodes) {
            found += keep(_mm512_loadu_si512(codes.at(first + k)), wanted, radius, k, hits + found);
        }
    }
    return finish(k, found, hits, [&](Hit* room) { return avx2::between(codes, first + k, count - k, query, radius, room); });
}
