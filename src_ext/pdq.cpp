// PDQ (Meta, 2019) over the kernel table: https://github.com/facebook/ThreatExchange/tree/main/pdq
//
// Two box passes an axis and sampling are a separable linear map with integer tent weights 1..w..1 over w^2. So one
// pass over the bytes, in integers, gives what the reference's four passes over floats give, up to its rounding.

#include <algorithm>
#include <cstdlib>
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
    const ExactScratch scratch(down, across, image.depth(), image.packed());
    kernels.filter_exact(image, down, across, scratch, out);
}

}  // namespace

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
