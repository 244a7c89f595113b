// The end of PDQ: from the 64 x 64 image to quality and bits, and whether those are the reference's.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core.h"
#include "pdq.h"

namespace hashmatch {
namespace {

// Rows 1 to 16 of the 64-point DCT, rounded as the reference's table is.
struct Basis {
    float d[16][64], t[64][16];

    Basis() {
        const float scale = static_cast<float>(std::sqrt(2.0 / 64));
        for (int i = 0; i < 16; i++) {
            for (int j = 0; j < 64; j++) {
                const double angle = 3.14159265358979323846 / 2.0 / 64.0 * (i + 1) * (2 * j + 1);
                d[i][j] = t[j][i] = static_cast<float>(scale * std::cos(angle));
            }
        }
    }
};

const Basis kBasis;

int quality_of(int gradient) { return std::min(gradient / 90, 100); }

// How far the difference of two neighbours in the 64 x 64 image may be from the reference's, in hundredths of the range.
constexpr float kGradientError = 0.004f;

// What contrast of limited luma is to that of full: no bit changes with it, but the quality grows.
constexpr float kFullRange = 255.0f / 219;

// Coefficients of mirrored images are those of the original with the sign of every other row or column changed, those
// of turned ones are transposed besides. So the orientations come in pairs with the same signs, and the same median.
struct Pair {
    bool negate_even_rows, negate_even_cols;
    int plain, transposed;  // numbers in the order of hashmatch.types.Orientation; signs are those before transposition
};

constexpr Pair kPairs[4] = {{false, false, 0, 6}, {false, true, 5, 1}, {true, false, 4, 3}, {true, true, 2, 7}};

// Integers in the order of the floats whose bits they are; its own inverse.
int32_t ordered(int32_t bits) { return bits < 0 ? bits ^ 0x7fffffff : bits; }

// Bit 16 * row + column of an orientation is whether its coefficient is above the lower median of the 256; the bytes
// go from the last bits to the first.
void write_bits(const float values[16][16], float median, uint8_t hash[32], uint8_t transposed[32]) {
    uint16_t rows[16], cols[16] = {};
    for (int i = 0; i < 16; i++) {
        unsigned row = 0;
        for (int j = 0; j < 16; j++) {
            const unsigned above = values[i][j] > median;
            row |= above << j;
            cols[j] = static_cast<uint16_t>(cols[j] | above << i);
        }
        rows[i] = static_cast<uint16_t>(row);
    }
    for (int i = 0; i < 16; i++) {
        hash[31 - 2 * i] = static_cast<uint8_t>(rows[i]);
        hash[30 - 2 * i] = static_cast<uint8_t>(rows[i] >> 8);
        transposed[31 - 2 * i] = static_cast<uint8_t>(cols[i]);
        transposed[30 - 2 * i] = static_cast<uint8_t>(cols[i] >> 8);
    }
}

// How far coefficients of the fast kernel may be from the reference's, in multiples of kDrifts: its sums run along the axes
// and gather what was rounded. Measured, not proven: of 4,250 images, most of them photographs, none had a coefficient near
// the middle more than half its bound off; of 5,000 made-up ones up to 3,500 pixels a side, periodic ones came as near as
// 0.95 of it, for coefficients of the first row. benchmarks/certified.py compares, and fuzz/pdq.cpp looks for what is worse.
float drift_of(const Image& image) {
    return std::max(0.005f, 2.5e-6f * static_cast<float>(image.rows + image.cols));
}

// Of what drifts along an axis, a part of so many waves is the smaller the more they are; a steady drift is nearly all in
// the first.
struct Drifts {
    float times[16][16];

    Drifts() {
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 16; j++) times[i][j] = share(i) + share(j);
    }

  private:
    static float share(int waves) { return waves == 0 ? 2.0f : 1.0f / static_cast<float>(waves + 1); }
};

const Drifts kDrifts;

// Whether the reference rounds nothing, as all that it divides by is 1 or 2: then the fast kernel has its very image.
bool rounds_nothing(const Image& image) { return image.depth() == 1 && image.rows <= 256 && image.cols <= 256; }

// Whether all values above the lower median stay above all others, wherever within their drifts they are.
bool stays(const float values[16][16], float median, float drift) {
    float least[16], most[16];
    std::fill_n(least, 16, INFINITY);
    std::fill_n(most, 16, -INFINITY);
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            const float value = values[i][j], off = drift * kDrifts.times[i][j];
            const float lower = value > median ? value - off : INFINITY, upper = value > median ? -INFINITY : value + off;
            least[j] = lower < least[j] ? lower : least[j];
            most[j] = upper > most[j] ? upper : most[j];
        }
    }
    return *std::min_element(least, least + 16) > *std::max_element(most, most + 16);
}

// What a pair of orientations hangs on.
struct Split {
    float gap;  // the distance between the two middle coefficients
    bool sure;  // whether no bit changes where no coefficient is farther off than its drift
};

// Writes a pair of orientations.
Split write_pair(const Kernels& kernels, const float b[16][16], const Pair& pair, float drift, uint8_t hash[8][32]) {
    float values[16][16];
    int32_t keys[256];
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            const bool negate = (pair.negate_even_rows && i % 2 == 0) != (pair.negate_even_cols && j % 2 == 0);
            values[i][j] = negate ? -b[i][j] : b[i][j];
        }
    }
    std::memcpy(keys, values, sizeof keys);
    for (int32_t& key : keys) key = ordered(key);
    int32_t middle[2];
    kernels.middle(keys, &middle[0], &middle[1]);
    for (int32_t& key : middle) key = ordered(key);
    float lower, upper;
    std::memcpy(&lower, &middle[0], sizeof lower);
    std::memcpy(&upper, &middle[1], sizeof upper);
    write_bits(values, lower, hash[pair.plain], hash[pair.transposed]);
    return {upper - lower, upper > lower && stays(values, lower, drift)};
}

}  // namespace

bool finish(const Kernels& kernels, const Image& image, const float a[64][64], Result& result) {
    int sums[3];
    if (image.limited) {
        float full[64][64];
        for (int i = 0; i < 64; i++)
            for (int j = 0; j < 64; j++) full[i][j] = a[i][j] * kFullRange;
        kernels.gradients(full, kGradientError * kFullRange, sums);
    } else {
        kernels.gradients(a, kGradientError, sums);
    }
    result.quality = quality_of(sums[1]);
    kernels.dct(a, kBasis.d, kBasis.t, result.coefficients);
    result.gap = INFINITY;
    bool sure = quality_of(sums[0]) == quality_of(sums[2]);
    for (const Pair& pair : kPairs) {
        const Split split = write_pair(kernels, result.coefficients, pair, drift_of(image), result.hash);
        result.gap = std::min(result.gap, split.gap);
        sure &= split.sure;
    }
    return sure || rounds_nothing(image);
}

}  // namespace hashmatch
