// Kernels for x86-64 with AVX2 and FMA, which came together.

#include "axis.h"
#include "core.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace hashmatch {
namespace avx2 {

constexpr int kVectorBytes = 32;

#include "kernels.inl"
#include "idct.inl"

// What sums are divided by, whole numbers below 2^22: their reciprocals, and how much those are off.
struct Divisor {
    __m256 reciprocal, rest;

    Divisor() = default;
    explicit Divisor(const __m256& count) : reciprocal(_mm256_div_ps(_mm256_set1_ps(1), count)) {
        rest = _mm256_div_ps(_mm256_fnmadd_ps(reciprocal, count, _mm256_set1_ps(1)), count);
    }
    explicit Divisor(size_t value) : Divisor(_mm256_set1_ps(static_cast<float>(value))) {}
    explicit Divisor(const float* counts) : Divisor(_mm256_loadu_ps(counts)) {}
};

// sum / count, rounded as a division rounds it, in a fraction of its time. What is rounded last is less than 2^-47 of itself
// off. A quotient by c is at least 1 / 2c of a unit, and so 2^-25 / c of itself, away from where rounding changes.
inline __m256 quotient(const __m256& sum, const Divisor& by) {
    return _mm256_fmadd_ps(sum, by.reciprocal, _mm256_mul_ps(sum, by.rest));
}

inline void luma_row(const uint8_t* pixels, float out[kBand]) {
    for (size_t x = 0; x < kBand; x += 8)
        _mm256_storeu_ps(out + x, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)(pixels + x)))));
}

// The bytes at first, first + 3, first + 6 and first + 9 of either half, as floats.
inline __m256 channel(const __m256i& bytes, int first) {
    const __m256i thirds = _mm256_setr_epi32(0, 3, 6, 9, 0, 3, 6, 9), zeros = _mm256_set1_epi32(static_cast<int>(0x80808000));
    const __m256i places = _mm256_or_si256(_mm256_add_epi32(thirds, _mm256_set1_epi32(first)), zeros);
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, places));
}

inline void colour_row(const uint8_t* pixels, bool bgr, float out[kBand]) {
    const __m256 red_share = _mm256_set1_ps(0.299f), green_share = _mm256_set1_ps(0.587f), blue_share = _mm256_set1_ps(0.114f);
    for (int half = 0; half < 2; half++) {
        const int skipped = 4 * half;  // so that nothing is read past the block
        const uint8_t* const at = pixels + 24 * half - skipped;
        const __m256i bytes = _mm256_loadu2_m128i((const __m128i*)(at + 12), (const __m128i*)at);
        const __m256 red = channel(bytes, skipped + (bgr ? 2 : 0)), green = channel(bytes, skipped + 1);
        const __m256 blue = channel(bytes, skipped + (bgr ? 0 : 2));
        const __m256 both = _mm256_add_ps(_mm256_mul_ps(red_share, red), _mm256_mul_ps(green_share, green));
        _mm256_storeu_ps(out + 8 * half, _mm256_add_ps(both, _mm256_mul_ps(blue_share, blue)));
    }
}

inline __m256 whole(const uint16_t* words) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)words)));
}

// In steps of 1, 2 and 4 within either half of 16, and then across them.
void running_sums(const uint8_t* pixels, size_t count, uint16_t* out) {
    const __m256i last_word = _mm256_set1_epi16(0x0f0e);
    __m256i before = _mm256_setzero_si256();
    for (size_t x = 0; x < count; x += 16) {
        uint8_t last[16] = {};
        const uint8_t* const at = x + 16 <= count ? pixels + x : static_cast<uint8_t*>(__builtin_memcpy(last, pixels + x, count - x));
        __m256i sums = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)at));
        sums = _mm256_add_epi16(sums, _mm256_slli_si256(sums, 2));
        sums = _mm256_add_epi16(sums, _mm256_slli_si256(sums, 4));
        sums = _mm256_add_epi16(sums, _mm256_slli_si256(sums, 8));
        const __m256i totals = _mm256_shuffle_epi8(sums, last_word), lower = _mm256_permute2x128_si256(totals, totals, 0x08);
        _mm256_storeu_si256((__m256i*)(out + x), _mm256_add_epi16(_mm256_add_epi16(sums, lower), before));
        const __m256i both = _mm256_add_epi16(totals, _mm256_permute2x128_si256(totals, totals, 0x01));
        before = _mm256_add_epi16(before, both);
    }
}

#include "transpose.inl"
#include "exact.inl"
#include "hamming.inl"

// out (+)= 32 sums of 16 bits: `low` has columns 0-7 and 16-23, `high` 8-15 and 24-31, as unpacking leaves them.
inline void widen(const __m256i& low, const __m256i& high, bool add, int32_t* out) {
    const __m256i halves[2] = {_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31)};
    for (int i = 0; i < 4; i++) {
        const __m128i words = i % 2 ? _mm256_extracti128_si256(halves[i / 2], 1) : _mm256_castsi256_si128(halves[i / 2]);
        __m256i* const sums = (__m256i*)(out + 8 * i);
        const __m256i wide = _mm256_cvtepu16_epi32(words);
        _mm256_storeu_si256(sums, add ? _mm256_add_epi32(wide, _mm256_loadu_si256(sums)) : wide);
    }
}

// Two rows at a time: their bytes are interleaved, and one instruction multiplies and adds each pair into 16 bits.
void add_rows(const Taps& taps, size_t width, bool add, int32_t* sums) {
    add_blocks<64>(taps, width, add, sums, [&](size_t x, bool more, int32_t* out) {
        __m256i words[4] = {};
        for (int k = 0; k < taps.count; k += 2) {
            const bool paired = k + 1 < taps.count;
            const uint8_t* const upper = taps.row[k] + x;
            const uint8_t* const lower = paired ? taps.row[k + 1] + x : upper;
            const __m256i weights = _mm256_set1_epi16(static_cast<short>(taps.weight[k] | (paired ? taps.weight[k + 1] << 8 : 0)));
            for (int v = 0; v < 2; v++) {
                const __m256i a = _mm256_loadu_si256((const __m256i*)upper + v);
                const __m256i b = _mm256_loadu_si256((const __m256i*)lower + v);
                words[2 * v] = _mm256_add_epi16(words[2 * v], _mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), weights));
                words[2 * v + 1] = _mm256_add_epi16(words[2 * v + 1], _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), weights));
            }
        }
        widen(words[0], words[1], more, out);
        widen(words[2], words[3], more, out + 32);
    });
}

// The luma of 4 pixels from `row` on and of 4 from 8 pixels further on, in 32 bits each; 4 bytes beyond are read. Half the
// weight of green goes with each of the others.
inline __m256i grey_8(const uint8_t* row, const __m256i& first, const __m256i& last) {
    const __m256i upper = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1));
    const __m256i lower = _mm256_broadcastsi128_si256(_mm_setr_epi8(2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1));
    const __m256i bytes = _mm256_loadu2_m128i((const __m128i*)(row + 24), (const __m128i*)row);
    const __m256i luma = _mm256_add_epi32(_mm256_madd_epi16(_mm256_shuffle_epi8(bytes, upper), first),
                                          _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, lower), last));
    return _mm256_srli_epi32(_mm256_add_epi32(luma, _mm256_set1_epi32(0x8000)), 16);
}

void grey_row(const uint8_t* pixels, size_t width, bool bgr, uint8_t* out) {
    constexpr int kHalfGreen = kGreen / 2 << 16;
    const __m256i first = _mm256_set1_epi32((bgr ? kBlue : kRed) | kHalfGreen);
    const __m256i last = _mm256_set1_epi32((bgr ? kRed : kBlue) | kHalfGreen);
    const auto words = [&](const uint8_t* at) { return _mm256_packus_epi32(grey_8(at, first, last), grey_8(at + 12, first, last)); };
    size_t x = 0;
    for (; x + 34 <= width; x += 32) {  // 32 pixels, and the 4 bytes more that are read
        const __m256i bytes = _mm256_packus_epi16(words(pixels + 3 * x), words(pixels + 3 * x + 48));
        _mm256_storeu_si256((__m256i*)(out + x), _mm256_permute4x64_epi64(bytes, 0xd8));
    }
    for (; x + 18 <= width; x += 16) {
        const __m256i half = words(pixels + 3 * x);
        _mm_storeu_si128((__m128i*)(out + x), _mm_packus_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
    }
    grey_pixels(pixels, x, width, bgr, out);
}

// The sum of each vector's lanes.
inline __m256i add_lanes(const __m256i total[kDotRows]) {
    __m256i halves[2];
    for (size_t r = 0; r < kDotRows; r += 4)
        halves[r / 4] = _mm256_hadd_epi32(_mm256_hadd_epi32(total[r], total[r + 1]), _mm256_hadd_epi32(total[r + 2], total[r + 3]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(halves[0], halves[1], 0x20), _mm256_permute2x128_si256(halves[0], halves[1], 0x31));
}

typedef int16_t Sample;

inline void dot(const int16_t* const rows[kDotRows], size_t first, const int16_t* weights, size_t count, int32_t* sums) {
    __m256i total[kDotRows] = {};
    for (size_t k = 0; k < count; k += kDotLanes) {
        const __m256i weight = _mm256_load_si256((const __m256i*)(weights + k));
        for (size_t r = 0; r < kDotRows; r++) {
            const __m256i row = _mm256_load_si256((const __m256i*)(rows[r] + first + k));
            total[r] = _mm256_add_epi32(total[r], _mm256_madd_epi16(row, weight));
        }
    }
    _mm256_store_si256((__m256i*)sums, add_lanes(total));
}

#include "resample.inl"

}  // namespace avx2

extern const Kernels kAvx2{"avx2",
    avx2::add_rows, avx2::mix_columns, avx2::filter_exact, avx2::dct, avx2::idct, avx2::gradients, avx2::middle,
    avx2::grey_row, avx2::lanczos, avx2::split, nullptr, avx2::resample_along,
    avx2::among, avx2::between, 1.4};

}  // namespace hashmatch

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
