// Pillow's grey conversion and its Lanczos resampling of 8 bits, in its own fixed point arithmetic:
// https://github.com/python-pillow/Pillow/tree/main/src/libImaging (Convert.c, Resample.c).

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core.h"
#include "small.h"

namespace hashmatch {
namespace {

constexpr double kLobes = 3;
// Rows that are resampled at once, sharing the loads of weights.
constexpr size_t kTogether = kRowsAtOnce;

double sinc(double x) {
    if (x == 0) return 1;
    const double angle = x * 3.14159265358979323846;
    return std::sin(angle) / angle;
}

double lanczos(double x) { return -kLobes <= x && x < kLobes ? sinc(x) * sinc(x / kLobes) : 0; }

struct alignas(sizeof(int16_t) * kDotLanes) Samples {
    int16_t values[kDotLanes];
};

// Of all that there are, one after the other.
template <class Vector>
auto first_of(Vector& samples) -> decltype(samples.data()->values + 0) {
    return samples.data()->values;
}

size_t round_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

// The weights of one axis, of which `axis` is a view.
class Lanczos {
  public:
    Lanczos(const Kernels& kernels, size_t length, size_t count)
        : length_(length), count_(count), period_(count / std::gcd(length, count)) {
        outputs_.reserve(count);
        for (size_t i = 0; i < count; i++) add(kernels, i);
        int32_t most = 0;
        for (const int32_t weight : weights_) most = std::max(most, std::abs(weight));
        while (most >> shift_ >= INT16_MAX) shift_++;
        high_.resize(weights_.size() / kDotLanes);
        low_.resize(weights_.size() / kDotLanes);
        for (Resampling::Output& output : outputs_) split(output);
    }

    Resampling axis() const {
        return {outputs_.data(), count_, first_of(high_), first_of(low_), shift_};
    }

  private:
    const size_t length_, count_, period_;  // outputs so many apart are a whole number of samples apart
    int shift_ = 0;
    std::vector<Resampling::Output> outputs_;
    std::vector<Samples> high_, low_;
    std::vector<double> scratch_;
    std::vector<int32_t> weights_;

    // Where the weights of an output are, zeros left out; `sure` where they are rounded exactly, as Pillow rounds them
    // then too wherever their output is.
    struct Made {
        size_t first, offset, taps;
        bool sure;
    };
    std::vector<Made> made_;

    // Appends the weights of output i, in fixed point, with zeros before and after so that all loads are aligned.
    void add(const Kernels& kernels, size_t i) {
        const double scale = static_cast<double>(length_) / static_cast<double>(count_);
        const double stretch = std::max(scale, 1.0), support = kLobes * stretch, unit = 1 / stretch;
        const double centre = (static_cast<double>(i) + 0.5) * scale;
        const size_t first = static_cast<size_t>(std::max(centre - support + 0.5, 0.0));
        const size_t taps = std::min(static_cast<size_t>(centre + support + 0.5), length_) - first;
        const size_t lead = first % kDotLanes, offset = weights_.size();
        outputs_.push_back({first - lead, offset, round_up(lead + taps, kDotLanes), 0, 0});
        weights_.resize(offset + outputs_.back().taps);
        int32_t* const weights = weights_.data() + offset + lead;
        bool sure = copied(i, first, taps, weights);
        if (!sure) {
            scratch_.resize(taps + 3);
            sure = kernels.lanczos(first, centre, unit, taps, scratch_.data(), weights);
            if (!sure) exactly(first, centre, unit, taps, weights);
        }
        made_.push_back({first, offset + lead, taps, sure});
    }

    // Takes the weights from the output a whole number of samples before, or from the mirrored one, if they are sure.
    bool copied(size_t i, size_t first, size_t taps, int32_t* weights) const {
        if (i >= period_) {
            const Made& before = made_[i - period_];
            if (before.sure && before.taps == taps && before.first + period_ * length_ / count_ == first) {
                std::copy_n(weights_.data() + before.offset, taps, weights);
                return true;
            }
        }
        if (i <= count_ - 1 - i) return false;
        const Made& mirrored = made_[count_ - 1 - i];
        if (!mirrored.sure || mirrored.taps != taps || mirrored.first + taps + first != length_) return false;
        std::reverse_copy(weights_.data() + mirrored.offset, weights_.data() + mirrored.offset + taps, weights);
        return true;
    }

    // As `kernels.lanczos`, with Pillow's operations in its order.
    void exactly(size_t first, double centre, double unit, size_t taps, int32_t* weights) {
        double sum = 0;
        for (size_t x = 0; x < taps; x++) {
            scratch_[x] = lanczos((static_cast<double>(x + first) - centre + 0.5) * unit);
            sum += scratch_[x];
        }
        for (size_t x = 0; x < taps; x++) {
            const double weight = scratch_[x] / sum * kOne;
            weights[x] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
    }

    void split(Resampling::Output& output) {
        int32_t less = 0, more = 0;
        const int32_t half = 1 << shift_ >> 1;
        const int32_t* const weights = weights_.data() + output.offset;
        int16_t* const uppers = first_of(high_) + output.offset;
        int16_t* const lowers = first_of(low_) + output.offset;
        for (size_t k = 0; k < output.taps; k++) {
            const int32_t upper = (weights[k] + half) >> shift_, lower = weights[k] - upper * (1 << shift_);
            uppers[k] = static_cast<int16_t>(upper);
            lowers[k] = static_cast<int16_t>(lower);
            less += std::min(lower, 0);
            more += std::max(lower, 0);
        }
        output.less = 255 * less;
        output.more = 255 * more;
    }
};

// Rows of samples, aligned, with room to read beyond their ends.
class Lines {
  public:
    Lines(size_t count, size_t length)
        : step_(round_up(length + kDotLanes, kDotLanes)), samples_(round_up(count, kTogether) * step_ / kDotLanes) {}

    int16_t* line(size_t i) { return first_of(samples_) + i * step_; }
    size_t step() const { return step_; }

  private:
    size_t step_;
    std::vector<Samples> samples_;
};

// So many columns are turned grey at once; those of a tall image still fit the cache.
constexpr size_t kStrip = 128;
// The pixels beyond a strip that are read too, where there are any, so that no kernel has to end there.
constexpr size_t kBeyond = 2;

using Tile = int16_t[8][kStrip + kBeyond];

// Turns the 8 x 8 samples from column x of the tile on, into lines[x .. x + 8) from sample `at` on.
void transpose(const Tile& tile, size_t x, Lines& lines, size_t at) {
    typedef int16_t Words __attribute__((vector_size(16), aligned(2), may_alias));
    typedef int16_t Values __attribute__((vector_size(16)));
    Values rows[8], other[8];
    for (int i = 0; i < 8; i++) rows[i] = *(const Words*)(tile[i] + x);
    const auto interleave = [](const Values* from, Values* to) {
        for (int i = 0; i < 4; i++) {
            to[2 * i] = __builtin_shufflevector(from[i], from[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
    };
    interleave(rows, other);
    interleave(other, rows);
    interleave(rows, other);
    for (int i = 0; i < 8; i++) *(Words*)(lines.line(x + i) + at) = other[i];
}

void read_rows(const Kernels& kernels, const Image& image, size_t first, size_t count, Lines& lines) {
    std::vector<uint8_t> room(image.packed() ? 0 : image.cols * image.depth());
    for (size_t i = 0; i < count; i++)
        kernels.grey_row(image.pixels(first + i, 0, image.cols, room.data()), image.cols, image, lines.line(i));
}

void read_columns(const Kernels& kernels, const Image& image, size_t first, size_t count, Lines& lines) {
    const size_t cols = std::min(count + kBeyond, image.cols - first);
    uint8_t room[3 * (kStrip + kBeyond)];
    Tile tile = {};
    for (size_t y = 0; y < image.rows; y += 8) {
        const size_t rows = std::min(size_t{8}, image.rows - y);
        for (size_t i = 0; i < rows; i++) kernels.grey_row(image.pixels(y + i, first, cols, room), cols, image, tile[i]);
        for (size_t x = 0; x < count; x += 8) transpose(tile, x, lines, y);
    }
}

// Resamples along lines, then across them: small(i, j) = output i of the lines, output j along them.
void both_passes(const Kernels& kernels, const Image& image, bool turned, size_t along, size_t across, uint8_t* small) {
    const size_t length = turned ? image.rows : image.cols, count = turned ? image.cols : image.rows;
    const Lanczos first(kernels, length, along), second(kernels, count, across);
    const Resampling along_lines = first.axis(), across_lines = second.axis();
    const size_t strip = turned ? kStrip : kTogether;
    Lines lines(strip, length), between(along, round_up(count, kTogether));
    const int16_t* rows[kTogether];
    for (size_t at = 0; at < count; at += strip) {
        const size_t here = std::min(strip, count - at);
        (turned ? read_columns : read_rows)(kernels, image, at, here, lines);
        for (size_t i = 0; i < here; i += kTogether) {
            for (size_t r = 0; r < kTogether; r++) rows[r] = lines.line(i + r);
            kernels.resample(along_lines, rows, between.line(0) + at + i, between.step());
        }
    }
    int16_t out[kMostSide * kTogether];
    for (size_t j = 0; j < along; j += kTogether) {
        for (size_t c = 0; c < kTogether; c++) rows[c] = between.line(j + c);
        kernels.resample(across_lines, rows, out, kTogether);
        for (size_t i = 0; i < across; i++)
            for (size_t c = 0; c < std::min(kTogether, along - j); c++)
                small[i * along + j + c] = static_cast<uint8_t>(out[i * kTogether + c]);
    }
}

}  // namespace

void shrink(const Kernels& kernels, const Image& image, Small& small) {
    // Since Pillow 13, what loses more than twice as many rows as columns is resampled down before it is across.
    const ptrdiff_t rows = static_cast<ptrdiff_t>(image.rows - small.rows), cols = static_cast<ptrdiff_t>(image.cols - small.cols);
    if (rows <= 0 || rows <= 2 * cols) return both_passes(kernels, image, false, small.cols, small.rows, small.pixels);
    uint8_t turned[sizeof small.pixels];
    both_passes(kernels, image, true, small.rows, small.cols, turned);
    for (size_t y = 0; y < small.rows; y++)
        for (size_t x = 0; x < small.cols; x++) small.pixels[y * small.cols + x] = turned[x * small.rows + y];
}

}  // namespace hashmatch
