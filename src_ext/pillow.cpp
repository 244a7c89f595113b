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

template <class Item>
struct alignas(kWeightGroup) Group {
    Item items[kWeightGroup];
};

// Whole groups, aligned, one after the other.
template <class Item>
using Groups = std::vector<Group<Item>>;

template <class Item>
Item* items_of(Groups<Item>& groups) {
    return groups.data()->items;
}

size_t round_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

// The weights of one axis, of which `axis` is a view.
class Lanczos {
  public:
    Lanczos(const Kernels& kernels, size_t length, size_t count)
        : length_(length), count_(count), period_(count / std::gcd(length, count)) {
        outputs_.reserve(count);
        made_.reserve(count);
        for (size_t i = 0; i < count; i++) add(kernels, i);
        const int32_t most = *std::max_element(weights_.begin(), weights_.end());
        while (most >> shift_ >= kMostHigh) shift_++;
        high_.resize(weights_.size() / kWeightGroup);
        low_.resize(weights_.size() / kWeightGroup);
        int16_t *const high = items_of(high_), *const low = items_of(low_);
        for (Resampling::Output& output : outputs_)
            kernels.split(axis(), weights_.data() + output.offset, output, high + output.offset, low + output.offset);
        if (kernels.arrange) kernels.arrange(axis(), weights_.size(), high, low);
    }

    Resampling axis() {
        return {outputs_.data(), count_, items_of(high_), items_of(low_), shift_, length_, widest_};
    }

  private:
    const size_t length_, count_, period_;  // outputs so many apart are a whole number of samples apart
    int shift_ = 0;
    size_t widest_ = 0;
    std::vector<Resampling::Output> outputs_;
    Groups<int16_t> high_, low_;
    std::vector<double> scratch_;
    std::vector<int32_t> weights_;

    // Where the weights of an output are, zeros left out; `sure` where they are rounded exactly, as Pillow rounds them
    // then too wherever their output is.
    struct Made {
        size_t first, offset, taps;
        bool sure;
    };
    std::vector<Made> made_;

    // Appends the weights of output i, in fixed point, with zeros before, so that its first sample is aligned, and after.
    void add(const Kernels& kernels, size_t i) {
        const double scale = static_cast<double>(length_) / static_cast<double>(count_);
        const double stretch = std::max(scale, 1.0), support = kLobes * stretch, unit = 1 / stretch;
        const double centre = (static_cast<double>(i) + 0.5) * scale;
        const size_t first = static_cast<size_t>(std::max(centre - support + 0.5, 0.0));
        const size_t taps = std::min(static_cast<size_t>(centre + support + 0.5), length_) - first;
        const size_t lead = first % kDotLanes, offset = weights_.size();
        if (i == 0) weights_.reserve(count_ * round_up(static_cast<size_t>(2 * support) + kDotLanes + 2, kWeightGroup));
        outputs_.push_back({first - lead, offset, lead + taps, 0, 0});
        weights_.resize(offset + round_up(lead + taps, kWeightGroup));
        widest_ = std::max(widest_, taps);
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
};

// Rows of bytes, which do not all begin at the same place of a page: caches would keep few of them.
class Lines {
  public:
    Lines(size_t count, size_t length) : step_(round_up(length, kWeightGroup) + kWeightGroup), bytes_(count * step_) {}

    uint8_t* line(size_t i) { return bytes_.data() + i * step_; }
    size_t step() const { return step_; }

  private:
    size_t step_;
    std::vector<uint8_t> bytes_;
};

// The luma of an image's pixels, part of a row at a time.
class Luma {
  public:
    Luma(const Kernels& kernels, const Image& image)
        : kernels_(kernels), image_(image), room_(image.packed() ? 0 : image.cols * image.depth()) {}

    // Of the pixels [first, first + count) of row y: in the image where it is there, else at `out`.
    const uint8_t* row(size_t y, size_t first, size_t count, uint8_t* out) {
        if (image_.depth() == 1) return image_.pixels(y, first, count, out);
        kernels_.grey_row(image_.pixels(y, first, count, room_.data()), count, image_.bgr, out);
        return out;
    }

  private:
    const Kernels& kernels_;
    const Image& image_;
    std::vector<uint8_t> room_;
};

// So many columns are turned grey at once; those of a tall image still fit the cache.
constexpr size_t kStrip = 128;
// So many rows of them are turned at once.
constexpr size_t kTurned = 16;

using Tile = uint8_t[kTurned][kStrip];

// Turns the 16 x 16 samples from column x of the tile on, into lines[x .. x + 16) from sample `at` on.
void transpose(const Tile& tile, size_t x, Lines& lines, size_t at) {
    typedef uint8_t Bytes __attribute__((vector_size(kTurned), aligned(1), may_alias));
    typedef uint8_t Values __attribute__((vector_size(kTurned)));
    Values rows[kTurned], other[kTurned];
    for (size_t i = 0; i < kTurned; i++) rows[i] = *(const Bytes*)(tile[i] + x);
    const auto interleave = [](const Values* from, Values* to) {
        for (size_t i = 0; i < 8; i++) {
            const Values &a = from[i], &b = from[i + 8];
            to[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            to[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
    };
    for (int stage = 0; stage < 2; stage++) {
        interleave(rows, other);
        interleave(other, rows);
    }
    for (size_t i = 0; i < kTurned; i++) *(Bytes*)(lines.line(x + i) + at) = rows[i];
}

// Columns [first, first + count) become lines.
void turn(Luma& luma, size_t rows, size_t first, size_t count, Lines& lines) {
    Tile tile = {};
    for (size_t y = 0; y < rows; y += kTurned) {
        for (size_t i = 0; i < std::min(kTurned, rows - y); i++) {
            const uint8_t* const row = luma.row(y + i, first, count, tile[i]);
            if (row != tile[i]) std::copy_n(row, count, tile[i]);
        }
        for (size_t x = 0; x < count; x += kTurned) transpose(tile, x, lines, y);
    }
}

// Resamples along lines, then across them: small(i, j) = output i of the lines, output j along them.
void both_passes(const Kernels& kernels, const Image& image, bool turned, size_t along, size_t across, uint8_t* small) {
    const size_t length = turned ? image.rows : image.cols, count = turned ? image.cols : image.rows;
    Lanczos first(kernels, length, along), second(kernels, count, across);
    const Resampling along_lines = first.axis(), across_lines = second.axis();
    Groups<uint8_t> room(std::max(along_lines.room(), across_lines.room()) / kWeightGroup + 1);
    const size_t strip = turned ? kStrip : kTogether;
    Luma luma(kernels, image);
    Lines lines(strip, length), between(round_up(along, kTogether), round_up(count, kTogether));
    const uint8_t* rows[kTogether];
    for (size_t at = 0; at < count; at += strip) {
        const size_t here = std::min(strip, count - at);
        if (turned) turn(luma, length, at, here, lines);
        for (size_t i = 0; i < here; i += kTogether) {
            for (size_t r = 0; r < kTogether; r++) {
                uint8_t* const line = lines.line(i + r);
                rows[r] = turned ? line : i + r < here ? luma.row(at + i + r, 0, length, line) : rows[0];
            }
            kernels.resample(along_lines, rows, items_of(room), between.line(0) + at + i, between.step());
        }
    }
    uint8_t out[kMostSide * kTogether];
    for (size_t j = 0; j < along; j += kTogether) {
        for (size_t c = 0; c < kTogether; c++) rows[c] = between.line(j + c);
        kernels.resample(across_lines, rows, items_of(room), out, kTogether);
        for (size_t i = 0; i < across; i++)
            std::copy_n(out + i * kTogether, std::min(kTogether, along - j), small + i * along + j);
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
