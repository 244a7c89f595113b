// Kernels for x86-64 with AVX-512, where 512 bits win: elsewhere those of AVX2 serve. Measured on Zen 4 with
// benchmarks/bench_kernel.py: the sums over rows and columns gain a fifth to a third of the fast kernel's time; the
// exact filter and the tail, bound by division and by sums that wait for one another, gain nothing or lose.

#include "core.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw"))), apply_to = function)
#else
// Bug 105593 of GCC 12: its own header's undefined vectors are reported.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw")
#endif

namespace hashmatch {
namespace avx2 {

Function<decltype(Kernels::filter_exact)> filter_exact;
Function<decltype(Kernels::dct)> dct;
Function<decltype(Kernels::gradients)> gradients;
Function<decltype(Kernels::middle)> middle;
Function<decltype(Kernels::grey_row)> grey_row;
Function<decltype(Kernels::lanczos)> lanczos;
Function<decltype(Kernels::dot_rows)> dot_rows;
Function<decltype(Kernels::among)> among;
Function<decltype(Kernels::between)> between;

}  // namespace avx2

namespace avx512 {

#include "blocks.inl"

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

}  // namespace avx512

extern const Kernels kAvx512{"avx512",
    avx512::add_rows, avx512::mix_columns, avx2::filter_exact, avx2::dct, avx2::gradients, avx2::middle,
    avx2::grey_row, avx2::lanczos, avx2::dot_rows,
    avx2::among, avx2::between};

}  // namespace hashmatch

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
