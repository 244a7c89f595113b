// Kernels for any CPU that the ABI allows.

#include "axis.h"
#include "core.h"

namespace hashmatch {
namespace portable {

constexpr int kVectorBytes = 16;

#include "kernels.inl"

typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));

struct Divisor {
    Quad count;

    Divisor() = default;
    explicit Divisor(size_t value) : count(Quad{} + static_cast<float>(value)) {}
    explicit Divisor(const float* counts) : count(*(const Quad*)counts) {}
};

inline Quad quotient(Quad sum, const Divisor& by) { return sum / by.count; }

inline void luma_row(const uint8_t* pixels, float out[kBand]) {
    for (size_t x = 0; x < kBand; x++) out[x] = pixels[x];
}

inline void colour_row(const uint8_t* pixels, bool bgr, float out[kBand]) {
    const uint8_t *red = pixels + (bgr ? 2 : 0), *green = pixels + 1, *blue = pixels + (bgr ? 0 : 2);
    for (size_t x = 0; x < kBand; x++) out[x] = 0.299f * red[3 * x] + 0.587f * green[3 * x] + 0.114f * blue[3 * x];
}

inline Quad whole(const uint16_t* words) {
    return Quad{static_cast<float>(words[0]), static_cast<float>(words[1]), static_cast<float>(words[2]), static_cast<float>(words[3])};
}

// In steps of 1, 2 and 4 within 8 at a time.
inline void running_sums(const uint8_t* pixels, size_t count, uint16_t* out) {
    typedef uint8_t Bytes __attribute__((vector_size(8), aligned(1), may_alias));
    typedef uint16_t Words __attribute__((vector_size(16), aligned(2), may_alias));
    const Words none = {};
    Words before = {};
    for (size_t x = 0; x < count; x += 8) {
        uint8_t last[8] = {};
        const uint8_t* const at = x + 8 <= count ? pixels + x : static_cast<uint8_t*>(__builtin_memcpy(last, pixels + x, count - x));
        Words sums = __builtin_convertvector(*(const Bytes*)at, Words);
        sums += __builtin_shufflevector(none, sums, 0, 8, 9, 10, 11, 12, 13, 14);
        sums += __builtin_shufflevector(none, sums, 0, 1, 8, 9, 10, 11, 12, 13);
        sums += __builtin_shufflevector(none, sums, 0, 1, 2, 3, 8, 9, 10, 11);
        sums += before;
        before = __builtin_shufflevector(sums, sums, 7, 7, 7, 7, 7, 7, 7, 7);
        *(Words*)(out + x) = sums;
    }
}

#include "transpose.inl"
#include "exact.inl"
#include "hamming.inl"

void add_rows(const Taps& taps, size_t width, bool add, int32_t* sums) {
    typedef uint8_t Bytes __attribute__((vector_size(8), aligned(1), may_alias));
    typedef uint16_t Words __attribute__((vector_size(16)));
    typedef int32_t Sums __attribute__((vector_size(32), aligned(4), may_alias));
    constexpr size_t kVectors = 8;
    add_blocks<8 * kVectors>(taps, width, add, sums, [&](size_t x, bool more, int32_t* out) {
        Words words[kVectors] = {};
        for (int k = 0; k < taps.count; k++) {
            const Bytes* row = (const Bytes*)(taps.row[k] + x);
            const uint16_t weight = taps.weight[k];
            for (size_t v = 0; v < kVectors; v++) words[v] += __builtin_convertvector(row[v], Words) * weight;
        }
        for (size_t v = 0; v < kVectors; v++) {
            Sums wide = __builtin_convertvector(words[v], Sums);
            if (more) wide += ((const Sums*)out)[v];
            ((Sums*)out)[v] = wide;
        }
    });
}

void grey_row(const uint8_t* pixels, size_t width, bool bgr, uint8_t* out) { grey_pixels(pixels, 0, width, bgr, out); }

typedef int16_t Sample;

// The compiler makes this the multiply-add of pairs of 16 bits.
inline void dot(const int16_t* const rows[kDotRows], size_t first, const int16_t* weights, size_t count, int32_t* sums) {
    for (size_t r = 0; r < kDotRows; r++) {
        const int16_t* const row = rows[r] + first;
        int32_t sum = 0;
        for (size_t k = 0; k < (count + kDotLanes - 1) / kDotLanes * kDotLanes; k++) sum += row[k] * weights[k];
        sums[r] = sum;
    }
}

#include "resample.inl"

}  // namespace portable

extern const Kernels kPortable{"portable",
    portable::add_rows, portable::mix_columns, portable::filter_exact, portable::dct, nullptr, portable::gradients, portable::middle,
    portable::grey_row, portable::lanczos, portable::split, nullptr, portable::resample_along,
    portable::among, portable::between, 5.4};

}  // namespace hashmatch
