// PDQ of a JPEG that was decoded at a half, a quarter or an eighth of its size, from weights of its whole size.
//
// A decoder that reduces by 8 / N gives N samples of each block of 8 x 8, which tell its N lowest frequencies on either
// axis. The filter is applied to the block that has just these: where R filters one axis of the whole image, the reduced
// one has R blockdiag(D8[:N]^T D_N sqrt(8 / N)), with D_n the orthonormal DCT of n points.

#include <algorithm>
#include <cmath>
#include <exception>
#include <vector>

#include "axis.h"
#include "core.h"
#include "pdq.h"

namespace hashmatch {
namespace {

constexpr size_t kBlock = 8;

// Row k, sample i of the orthonormal DCT of n points.
double dct_basis(size_t n, size_t k, size_t i) {
    const double angle = 3.14159265358979323846 * static_cast<double>(k * (2 * i + 1)) / static_cast<double>(2 * n);
    return std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n)) * std::cos(angle);
}

// Each output of one axis as a weighted sum of consecutive reduced samples.
struct Projection {
    struct Output {
        size_t first;
        std::vector<float> weights;
    };
    std::vector<Output> outputs;

    Projection(const Axis& axis, size_t factor) : samples_(kBlock / factor), length_((axis.n + factor - 1) / factor) {
        for (size_t p = 0; p < kBlock; p++) {
            for (size_t m = 0; m < samples_; m++) {
                spread_[p][m] = 0;
                for (size_t k = 0; k < samples_; k++) spread_[p][m] += dct_basis(kBlock, k, p) * dct_basis(samples_, k, m);
                spread_[p][m] *= std::sqrt(static_cast<double>(kBlock) / static_cast<double>(samples_));
            }
        }
        std::vector<std::vector<double>> whole(64, std::vector<double>(2 * axis.window - 1));
        for (const Run& run : runs_of(axis))
            for (size_t i = 0; i < run.outputs; i++)
                for (size_t k = 0; k < run.weights.size(); k++)
                    whole[run.output + i][run.first[i] + k - axis.first(run.output + i)] += run.weights[k] * run.scale;
        for (size_t i = 0; i < 64; i++) outputs.push_back(project(whole[i], axis.first(i)));
    }

  private:
    size_t samples_, length_;  // samples of a block, and of the reduced axis
    double spread_[kBlock][kBlock];  // how much of sample m of its block there is in pixel p

    // The end of a block that the image ends within is not there: its last sample stands for it.
    Output project(const std::vector<double>& weights, size_t first) const {
        const size_t begin = first / kBlock * samples_, end = ((first + weights.size() - 1) / kBlock + 1) * samples_;
        Output output{begin, std::vector<float>(std::min(end, length_) - begin)};
        for (size_t m = begin; m < end; m++) {
            const size_t block = m / samples_ * kBlock;
            double weight = 0;
            for (size_t p = std::max(block, first); p < std::min(block + kBlock, first + weights.size()); p++)
                weight += weights[p - first] * spread_[p - block][m % samples_];
            output.weights[std::min(m, length_ - 1) - begin] += static_cast<float>(weight);
        }
        return output;
    }
};

void filter_reduced(const Image& image, const Projection& down, const Projection& across, float out[64][64]) {
    std::vector<float> sums(image.cols);
    std::vector<uint8_t> room(image.cols);
    for (size_t i = 0; i < 64; i++) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (size_t k = 0; k < down.outputs[i].weights.size(); k++) {
            const uint8_t* const row = image.pixels(down.outputs[i].first + k, 0, image.cols, room.data());
            const float weight = down.outputs[i].weights[k];
            for (size_t x = 0; x < image.cols; x++) sums[x] += weight * static_cast<float>(row[x]);
        }
        for (size_t j = 0; j < 64; j++) {
            const Projection::Output& output = across.outputs[j];
            float sum = 0;
            for (size_t k = 0; k < output.weights.size(); k++) sum += output.weights[k] * sums[output.first + k];
            out[i][j] = sum;
        }
    }
}

}  // namespace

bool pdq_reduced(const Kernels& kernels, const Image& image, size_t rows, size_t cols, size_t factor, Result& result) noexcept {
    result = Result{};
    result.variant = kernels.name;
    if (rows < kMinSide || cols < kMinSide) return true;
    try {
        float a[64][64];
        filter_reduced(image, Projection(Axis(rows), factor), Projection(Axis(cols), factor), a);
        finish(kernels, image, a, result);
    } catch (const std::exception&) {
        return false;
    }
    return true;
}

}  // namespace hashmatch
