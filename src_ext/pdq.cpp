// PDQ (Meta, 2019) over the kernel table: https://github.com/facebook/ThreatExchange/tree/main/pdq
//
// Two box passes an axis and sampling are a separable linear map with integer tent weights 1..w..1 over w^2. So one
// pass over the bytes, in integers, gives what the reference's four passes over floats give, up to its rounding.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "axis.h"
#include "core.h"
#include "pdq.h"

namespace hashmatch {

// Where the last tent is clipped, the last of its boxes has one sample less and so another scale: the last output is
// then what is left of the tent, and that box.
std::vector<Run> runs_of(const Axis& axis) {
    const int w = static_cast<int>(axis.window);
    const double scale = 1.0 / (static_cast<double>(w) * w);
    const size_t last = axis.first(63);
    Run tents{0, axis.clipped() ? size_t{63} : size_t{64}, {}, {}, scale};
    for (size_t i = 0; i < tents.outputs; i++) tents.first.push_back(axis.first(i));
    for (int i = 1 - w; i < w; i++) tents.weights.push_back(w - std::abs(i));
    if (!axis.clipped()) return {tents};
    Run rest{63, 1, {last}, tents.weights, scale};
    rest.weights.pop_back();
    for (int i = w - 1; i < 2 * w - 2; i++) rest.weights[i]--;
    Run box{63, 1, {last + w - 1}, std::vector<int>(w - 1, 1), scale * w / (w - 1)};
    return {tents, rest, box};
}

namespace {

// ---- Filtering. ---------------------------------------------------------------------------------------------------

// Largest window down the image whose sums fit int32_t.
constexpr size_t kMaxWindow = 2901;

// sums[x] = sum of weights[k] times row first + k, in groups of taps that the kernel can add in 16 bits. `room` has
// kMaxTaps rows, or is null where the image is packed.
void sum_rows(const Kernels& kernels, const Image& image, const std::vector<int>& weights, size_t first, uint8_t* room,
              int32_t* sums) {
    const size_t width = image.cols * image.depth();
    Taps taps{};
    int total = 0;
    bool add = false;
    const auto flush = [&] {
        kernels.add_rows(taps, width, add, sums);
        add = true;
        taps.count = total = 0;
    };
    for (size_t k = 0; k < weights.size(); k++) {
        for (int left = weights[k]; left > 0; left -= kMaxTapWeight) {
            const int weight = std::min(left, kMaxTapWeight);
            if (taps.count == kMaxTaps || total + weight > kMaxWeightSum) flush();
            taps.row[taps.count] = image.pixels(first + k, 0, image.cols, room ? room + taps.count * width : nullptr);
            taps.weight[taps.count++] = static_cast<uint8_t>(weight);
            total += weight;
        }
    }
    flush();
}

// A run of pixels as one of interleaved channels: weights in thousandths of luma, where there is colour, padded with
// zeros to whole groups of lanes.
struct Mix {
    Run run;
    std::vector<double> weights;

    Mix(const Run& pixels, const Image& image) : run(pixels) {
        constexpr double kRgb[3] = {299, 587, 114};
        const size_t channels = image.depth(), taps = run.weights.size() * channels;
        for (size_t& first : run.first) first *= channels;
        if (channels == 3) run.scale /= 1000;
        weights.resize((taps + kLanes - 1) / kLanes * kLanes);
        for (size_t i = 0; i < taps; i++) {
            const size_t channel = i % channels;
            const double luma = channels == 1 ? 1.0 : kRgb[image.bgr ? 2 - channel : channel];
            weights[i] = run.weights[i / channels] * luma;
        }
    }
};

// The 64 x 64 image in one pass over the pixels; every sum is exact, up to 2^53.
void filter_fast(const Kernels& kernels, const Image& image, const Axis& down, const Axis& across, float out[64][64]) {
    std::vector<Mix> mixes;
    for (const Run& run : runs_of(across)) mixes.emplace_back(run, image);
    std::vector<int32_t> sums(image.cols * image.depth() + kLanes);
    std::vector<uint8_t> room(image.packed() ? 0 : kMaxTaps * image.cols * image.depth());
    double mixed[64], total[64][64] = {};
    for (const Run& run : runs_of(down)) {
        for (size_t i = 0; i < run.outputs; i++) {
            if (i == 0 || run.first[i] != run.first[i - 1])
                sum_rows(kernels, image, run.weights, run.first[i], room.empty() ? nullptr : room.data(),
                         sums.data());
            for (const Mix& mix : mixes) {
                kernels.mix_columns(sums.data(), mix.run.first.data(), mix.run.outputs, mix.weights.data(),
                                    mix.weights.size(), mixed);
                for (size_t j = 0; j < mix.run.outputs; j++)
                    total[run.output + i][mix.run.output + j] += mixed[j] * (run.scale * mix.run.scale);
            }
        }
    }
    for (int i = 0; i < 64; i++) std::copy_n(total[i], 64, out[i]);
}

// The 64 x 64 image bit for bit as the reference has it.
void filter_exact(const Kernels& kernels, const Image& image, const Axis& down, const Axis& across, float out[64][64]) {
    const ExactScratch scratch(down, across, image.packed() ? 0 : image.cols * image.depth());
    kernels.filter_exact(image, down, across, scratch, out);
}

// ---- From the 64 x 64 image to bits. ------------------------------------------------------------------------------

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

// Writes a pair of orientations; returns the distance between the two middle coefficients.
float write_pair(const Kernels& kernels, const float b[16][16], const Pair& pair, uint8_t hash[8][32]) {
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
    return upper - lower;
}

// How far a middle coefficient of the fast kernel may be from the reference's, whose sums drift the longer they run.
// Measured, not proven: near the middle, photographs of any size and other images of up to 1,000 pixels a side were at
// most 0.0017 off, and the gap at most 0.0013; large periodic images had coefficients up to 0.09 off, but the gap not
// more. benchmarks/certified.py compares, and fuzz/pdq.cpp looks for what is worse.
float coefficient_error(const Image& image) {
    return std::max(0.005f, 2.5e-6f * static_cast<float>(image.rows + image.cols));
}

// The same for the difference of two neighbours in the 64 x 64 image, in hundredths of the range.
constexpr float kGradientError = 0.004f;

// What contrast of limited luma is to that of full: no bit changes with it, but the quality grows.
constexpr float kFullRange = 255.0f / 219;

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
    for (const Pair& pair : kPairs)
        result.gap = std::min(result.gap, write_pair(kernels, result.coefficients, pair, result.hash));
    return result.gap > 2 * coefficient_error(image) && quality_of(sums[0]) == quality_of(sums[2]);
}

bool pdq(const Kernels& kernels, const Image& image, Mode mode, Result& result) noexcept {
    result = Result{};
    result.variant = kernels.name;
    if (image.rows < kMinSide || image.cols < kMinSide) return true;
    try {
        float a[64][64];
        const Axis down(image.rows), across(image.cols);
        if (mode != Mode::exact && down.window <= kMaxWindow) {
            filter_fast(kernels, image, down, across, a);
            if (finish(kernels, image, a, result) || mode == Mode::fast) return true;
        }
        filter_exact(kernels, image, down, across, a);
        finish(kernels, image, a, result);
        result.exact = true;
    } catch (const std::exception&) {
        return false;
    }
    return true;
}

}  // namespace hashmatch
