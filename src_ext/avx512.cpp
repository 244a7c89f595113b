// Kernels for x86-64 with AVX-512 as it is since Ice Lake and Zen 4, which count the ones of words by themselves, and have
// permutations and products of bytes. They are here where 512 bits win: elsewhere those of AVX2 serve. Measured on Zen 4:
// a scan of codes takes a third of the time, and with benchmarks/bench_kernel.py the sums over rows and columns gain a
// fifth to a third of the fast kernel's time, luma of colour half of its own, resampling a third to a half; the exact
// filter and the tail, bound by sums that wait for one another, gain nothing or lose.

#include "core.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <utility>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vnni,avx512vpopcntdq"))), apply_to = function)
#else
// Bug 105593 of GCC 12: its own header's undefined vectors are reported.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vbmi,avx512vnni,avx512vpopcntdq")
#endif

namespace hashmatch {
namespace avx2 {

Function<decltype(Kernels::filter_exact)> filter_exact;
Function<decltype(Kernels::dct)> dct;
Function<decltype(Kernels::idct)> idct;
Function<decltype(Kernels::gradients)> gradients;
Function<decltype(Kernels::middle)> middle;
Function<decltype(Kernels::lanczos)> lanczos;
Function<decltype(Kernels::split)> split;
Function<decltype(Kernels::among)> among;
Function<decltype(Kernels::between)> between;

}  // namespace avx2

namespace avx512 {

#include "blocks.inl"
#include "grey.inl"

// Stores, or adds, 16 sums of 16 bits.
inline void widen(const __m256i& words, bool add, int32_t* sums) {
    const __m512i wide = _mm512_cvtepu16_epi32(words);
    _mm512_storeu_si512(sums, add ? _mm512_add_epi32(wide, _mm512_loadu_si512(sums)) : wide);
}

// As in avx2.cpp, with twice the columns; `low` and `high` are put in order by one permutation of words each.
void add_rows(const Taps& taps, size_t width, bool add, int32_t* sums) {
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    add_blocks<128>(taps, width, add, sums, [&](size_t x, bool more, int32_t* out) {
        __m512i words[4] = {};
        for (int k = 0; k < taps.count; k += 2) {
            const bool paired = k + 1 < taps.count;
            const uint8_t* const upper = taps.row[k] + x;
            const uint8_t* const lower = paired ? taps.row[k + 1] + x : upper;
            const __m512i weights = _mm512_set1_epi16(static_cast<short>(taps.weight[k] | (paired ? taps.weight[k + 1] << 8 : 0)));
            for (int v = 0; v < 2; v++) {
                const __m512i a = _mm512_loadu_si512(upper + 64 * v), b = _mm512_loadu_si512(lower + 64 * v);
                words[2 * v] = _mm512_add_epi16(words[2 * v], _mm512_maddubs_epi16(_mm512_unpacklo_epi8(a, b), weights));
                words[2 * v + 1] = _mm512_add_epi16(words[2 * v + 1], _mm512_maddubs_epi16(_mm512_unpackhi_epi8(a, b), weights));
            }
        }
        for (int v = 0; v < 2; v++) {
            const __m512i low = _mm512_permutex2var_epi64(words[2 * v], first, words[2 * v + 1]);
            const __m512i high = _mm512_permutex2var_epi64(words[2 * v], second, words[2 * v + 1]);
            int32_t* const at = out + 64 * v;
            widen(_mm512_castsi512_si256(low), more, at);
            widen(_mm512_extracti64x4_epi64(low, 1), more, at + 16);
            widen(_mm512_castsi512_si256(high), more, at + 32);
            widen(_mm512_extracti64x4_epi64(high, 1), more, at + 48);
        }
    });
}

// As in kernels.inl: a vector holds all the lanes.
void mix_columns(const int32_t* sums, const size_t* first, size_t outputs, const double* weights, size_t taps,
                 double* out) {
    for (size_t i = 0; i < outputs; i++) {
        const int32_t* const values = sums + first[i];
        __m512d lanes = _mm512_setzero_pd();
        for (size_t k = 0; k < taps; k += kLanes) {
            const __m512d wide = _mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i*)(values + k)));
            lanes = _mm512_add_pd(lanes, _mm512_mul_pd(wide, _mm512_loadu_pd(weights + k)));
        }
        const __m256d half = _mm256_add_pd(_mm512_castpd512_pd256(lanes), _mm512_extractf64x4_pd(lanes, 1));
        const __m128d pair = _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
        out[i] = pair[0] + pair[1];
    }
}

// The luma of 16 pixels times 2^16, from the bytes at the places given: 4 a pixel, of which two are green, times what is left
// of the weights once those are written to the base 256, the upper digits first and then the lower, which have a sign.
// Either green byte has half the weight.
inline __m512i grey_16(const __m512i& bytes, const __m512i& places, const __m512i& upper, const __m512i& lower) {
    const __m512i colours = _mm512_permutexvar_epi8(places, bytes);
    const __m512i high = _mm512_dpbusd_epi32(_mm512_set1_epi32(0x80), colours, upper);
    return _mm512_dpbusd_epi32(_mm512_slli_epi32(high, 8), colours, lower);
}

void grey_row(const uint8_t* pixels, size_t width, bool bgr, uint8_t* out) {
    const auto digits = [&](int red, int half_green, int blue) {
        const int first = bgr ? blue : red, last = bgr ? red : blue;
        return _mm512_set1_epi32(last * (1 << 24) | half_green << 16 | half_green << 8 | (first & 255));
    };
    const __m512i upper = digits(77, 75, 29), lower = digits(kRed - (77 << 8), kGreen / 2 - (75 << 8), kBlue - (29 << 8));
    const __m512i steps = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    const __m512i places = _mm512_add_epi32(_mm512_mullo_epi32(steps, _mm512_set1_epi32(0x01010101)), _mm512_set1_epi32(0x02010100));
    const __m512i last_places = _mm512_add_epi32(places, _mm512_set1_epi32(0x10101010));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const auto luma = [&](const __m512i& bytes, const __m512i& at) { return _mm512_srli_epi32(grey_16(bytes, at, upper, lower), 16); };
    size_t x = 0;
    for (; x + 64 <= width; x += 64) {
        const uint8_t* const at = pixels + 3 * x;
        const __m512i a = luma(_mm512_loadu_si512(at), places), b = luma(_mm512_loadu_si512(at + 48), places);
        const __m512i c = luma(_mm512_loadu_si512(at + 96), places), d = luma(_mm512_loadu_si512(at + 128), last_places);
        const __m512i bytes = _mm512_packus_epi16(_mm512_packus_epi32(a, b), _mm512_packus_epi32(c, d));
        _mm512_storeu_si512(out + x, _mm512_permutexvar_epi32(order, bytes));
    }
    for (; x < width; x += 16) {
        const unsigned count = width - x < 16 ? static_cast<unsigned>(width - x) : 16;
        const __m512i bytes = _mm512_maskz_loadu_epi8((1ull << 3 * count) - 1, pixels + 3 * x);
        _mm512_mask_cvtepi32_storeu_epi8(out + x, static_cast<__mmask16>((1u << count) - 1), luma(bytes, places));
    }
}

#include "bytes.inl"

constexpr size_t kCodes = 8;
// How many codes ahead memory is asked for: as many as a core can wait for at once.
constexpr size_t kAhead = 32;
constexpr size_t kWide = 32;

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
    if (codes.bytes != kWide) return avx2::among(codes, ids, count, query, radius, hits);
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
    if (codes.bytes != kWide && codes.bytes != sizeof(uint64_t))
        return avx2::between(codes, first, count, query, radius, hits);
    size_t k = 0, found = 0;
    if (codes.bytes == kWide) {
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

}  // namespace avx512

extern const Kernels kAvx512{"avx512",
    avx512::add_rows, avx512::mix_columns, avx2::filter_exact, avx2::dct, avx2::idct, avx2::gradients, avx2::middle,
    avx512::grey_row, avx2::lanczos, avx2::split, avx512::arrange, avx512::resample,
    avx512::among, avx512::between, 0.4};

}  // namespace hashmatch

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
