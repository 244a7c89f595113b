// Kernels for any CPU that the ABI allows.

#include "axis.h"
#include "core.h"

namespace hashmatch {
namespace portable {

constexpr int kVectorBytes = 16;

#include "kernels.inl"

struct Divisor {
    float count;

    Divisor() = default;
    explicit Divisor(size_t value) : count(static_cast<float>(value)) {}
};

template <class Floats>
inline Floats quotient(Floats sum, const Divisor& by) {
    return sum / by.count;
}

inline void luma_row(const uint8_t* pixels, float out[kBand]) {
    for (size_t x = 0; x < kBand; x++) out[x] = pixels[x];
}

inline void colour_row(const uint8_t* pixels, bool bgr, float out[kBand]) {
    const uint8_t *red = pixels + (bgr ? 2 : 0), *green = pixels + 1, *blue = pixels + (bgr ? 0 : 2);
    for (size_t x = 0; x < kBand; x++) out[x] = 0.299f * red[3 * x] + 0.587f * green[3 * x] + 0.114f * blue[3 * x];
}

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
