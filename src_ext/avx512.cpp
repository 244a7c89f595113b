// Kernels for x86-64 with AVX-512 as it is since Ice Lake and Zen 4, which count the ones of words by themselves, and have
// permutations and products of bytes. They are here where 512 bits win: elsewhere those of AVX2 serve. Measured on Zen 4:
// a scan of codes takes a third of the time, and with benchmarks/bench_kernel.py the sums over rows and columns gain a
// fifth to a third of the fast kernel's time, luma of colour half of its own, resampling a third to a half, the exact filter
// a twentieth, and a seventh where another thread has the same core; the tail, bound by sums that wait for one another,
// gains nothing or loses.

#include "axis.h"
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

Function<decltype(Kernels::dct)> dct;
Function<decltype(Kernels::idct)> idct;
Function<decltype(Kernels::gradients)> gradients;
Function<decltype(Kernels::middle)> middle;
Function<decltype(Kernels::lanczos)> lanczos;
Function<decltype(Kernels::split)> split;
Function<decltype(Kernels::among)> among;
Function<decltype(Kernels::between)> between;
void running_sums(const uint8_t* pixels, size_t count, uint16_t* out);

}  // namespace avx2

namespace avx512 {

constexpr int kVectorBytes = 64;

#include "blocks.inl"
#include "grey.inl"

using avx2::running_sums;

// As in avx2.cpp.
struct Divisor {
    __m512 reciprocal, rest;

    Divisor() = default;
    explicit Divisor(const __m512& count) : reciprocal(_mm512_div_ps(_mm512_set1_ps(1), count)) {
        rest = _mm512_div_ps(_mm512_fnmadd_ps(reciprocal, count, _mm512_set1_ps(1)), count);
    }
    explicit Divisor(size_t value) : Divisor(_mm512_set1_ps(static_cast<float>(value))) {}
    explicit Divisor(const float* counts) : Divisor(_mm512_loadu_ps(counts)) {}
};

inline __m512 quotient(const __m512& sum, const Divisor& by) {
    return _mm512_fmadd_ps(sum, by.reciprocal, _mm512_mul_ps(sum, by.rest));
}

inline __m512 whole(const uint16_t* words) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)words)));
}

inline void luma_row(const uint8_t* pixels, float out[kBand]) {
    _mm512_storeu_ps(out, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)pixels))));
}

// The bytes at first, first + 3 and so on, as floats.
inline __m512 channel(const __m512i& bytes, int first) {
    const __m512i thirds = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    const __m512i places = _mm512_add_epi32(thirds, _mm512_set1_epi32(first));
    return _mm512_cvtepi32_ps(_mm512_maskz_permutexvar_epi8(0x1111111111111111, places, bytes));
}

inline void colour_row(const uint8_t* pixels, bool bgr, float out[kBand]) {
    const __m512i bytes = _mm512_maskz_loadu_epi8((1ull << 48) - 1, pixels);
    const __m512 red = channel(bytes, bgr ? 2 : 0), green = channel(bytes, 1), blue = channel(bytes, bgr ? 0 : 2);
    const __m512 both = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(0.299f), red), _mm512_mul_ps(_mm512_set1_ps(0.587f), green));
    _mm512_storeu_ps(out, _mm512_add_ps(both, _mm512_mul_ps(_mm512_set1_ps(0.114f), blue)));
}

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

// The luma of 16 pixels times 2^16, from bytes of which 4 are of each, two of them green, each with half the weight: times what
// is left of the weights once those are written to the base 256, the upper digits first and then the lower, which have a sign.
inline __m512i grey_16(const __m512i& colours, const __m512i& upper, const __m512i& lower) {
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
    const __m512i quarters = _mm512_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112, 0, 16, 32, 48, 64, 80, 96, 112);
    const __m512i thirds = _mm512_add_epi32(_mm512_mullo_epi32(quarters, _mm512_set1_epi32(0x01010101)), _mm512_set1_epi32(0x0e0a0602));
    const auto luma_of = [&](const uint8_t* at, const __m512i& from) {
        return grey_16(_mm512_permutexvar_epi8(from, _mm512_loadu_si512(at)), upper, lower);
    };
    size_t x = 0;
    for (; x + 64 <= width; x += 64) {
        const uint8_t* const at = pixels + 3 * x;
        const __m512i left = _mm512_permutex2var_epi8(luma_of(at, places), thirds, luma_of(at + 48, places));
        const __m512i right = _mm512_permutex2var_epi8(luma_of(at + 96, places), thirds, luma_of(at + 128, last_places));
        _mm512_storeu_si512(out + x, _mm512_mask_blend_epi64(0xf0, left, right));
    }
    for (; x < width; x += 16) {
        const unsigned count = width - x < 16 ? static_cast<unsigned>(width - x) : 16;
        const __m512i bytes = _mm512_maskz_loadu_epi8((1ull << 3 * count) - 1, pixels + 3 * x);
        const __m512i luma = _mm512_srli_epi32(grey_16(_mm512_permutexvar_epi8(places, bytes), upper, lower), 16);
        _mm512_mask_cvtepi32_storeu_epi8(out + x, static_cast<__mmask16>((1u << count) - 1), luma);
    }
}

// Of 16 rows, a quarter of each of four as one vector.
inline void transpose(const float* in, size_t in_stride, float* out, size_t out_stride) {
    for (size_t x = 0; x < kBand; x += 4) {
        __m512 row[4];
        for (size_t i = 0; i < 4; i++) {
            const float* const at = in + i * in_stride + x;
            row[i] = _mm512_castps128_ps512(_mm_loadu_ps(at));
            row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(at + 4 * in_stride), 1);
            row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(at + 8 * in_stride), 2);
            row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(at + 12 * in_stride), 3);
        }
        const __m512d low = _mm512_castps_pd(_mm512_unpacklo_ps(row[0], row[1])), high = _mm512_castps_pd(_mm512_unpackhi_ps(row[0], row[1]));
        const __m512d low2 = _mm512_castps_pd(_mm512_unpacklo_ps(row[2], row[3])), high2 = _mm512_castps_pd(_mm512_unpackhi_ps(row[2], row[3]));
        _mm512_storeu_pd(out + x * out_stride, _mm512_unpacklo_pd(low, low2));
        _mm512_storeu_pd(out + (x + 1) * out_stride, _mm512_unpackhi_pd(low, low2));
        _mm512_storeu_pd(out + (x + 2) * out_stride, _mm512_unpacklo_pd(high, high2));
        _mm512_storeu_pd(out + (x + 3) * out_stride, _mm512_unpackhi_pd(high, high2));
    }
}

#include "exact.inl"

#include "bytes.inl"

#include "hamming512.inl"

}  // namespace avx512

extern const Kernels kAvx512{"avx512",
    avx512::add_rows, avx512::mix_columns, avx512::filter_exact, avx2::dct, avx2::idct, avx2::gradients, avx2::middle,
    avx512::grey_row, avx2::lanczos, avx2::split, avx512::arrange, avx512::resample,
    avx512::among, avx512::between, 0.4};

}  // namespace hashmatch

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
