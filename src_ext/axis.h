// What PDQ's filter and sampling amount to along one axis.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hashmatch {

// The exact kernel takes so many rows, or columns, at once.
constexpr size_t kBand = 16;

// The reference's box filter of `window` samples, and where it samples n down to 64.
//
// Output o of one box pass is the mean of in[o - (window - half) .. o + half - 1], both inclusive, clipped to the axis,
// divided by the true count.
struct Axis {
    size_t n, window, half;

    explicit Axis(size_t length) : n(length), window((length + 127) / 128), half((window + 2) / 2) {}

    // Where output i, 0 <= i < 64, is sampled: (2i + 1) n / 128 rounded down.
    size_t sample(size_t i) const { return (2 * i + 1) * n / 128; }

    // How many samples box output o is the mean of.
    size_t count(size_t o) const {
        const size_t right = o + half;
        return right < window ? right : right > n ? window - (right - n) : window;
    }

    // First sample that two box passes take into account for output i; they take 2 * window - 1 in all. It is never
    // before the axis; past its end there is one sample, for the last output of an even window.
    size_t first(size_t i) const { return sample(i) - 2 * (window - half); }

    // How many whole bands hold it.
    size_t bands() const { return (n + kBand - 1) / kBand; }

    // How many columns the exact kernel keeps: a power of two that holds those of a window and of three blocks.
    size_t kept() const {
        size_t count = kBand;
        while (count < window + 3 * kBand) count *= 2;
        return count;
    }

    bool clipped() const { return first(63) + 2 * window - 1 > n; }
};

// Most bytes whose sum fits 16 bits.
constexpr size_t kMostSummed = 257;

// What the exact kernel works in: a ring of as many rows as a window spans and a band needs, cut into blocks of kBand
// columns that are stored one after the other, each with a row of zeros at its end. All begin at multiples of a band.
class ExactScratch {
  public:
    size_t ring_rows;   // a multiple of kBand
    size_t ring_shift;  // where row 0 is in the ring, so that the band which the pass down adds first is a whole one
    size_t block;       // samples of a block
    float *columns, *ring, *sums, *counts, *column_ring;  // the ring is of uint16_t where there is `running`
    size_t row_bytes;                                      // of a row of pixels in `room`; 0 where none is needed
    uint8_t* room;                                         // for kBand rows of pixels
    uint16_t* running = nullptr;  // for luma whose sums across fit 16 bits: for sums of all that is before a pixel

    // Zeros, but `counts`, which are those that the outputs across are divided by. Throws std::bad_alloc.
    ExactScratch(const Axis& down, const Axis& across, size_t depth, bool packed)
        : ring_rows((down.window + 2 * kBand - 1) / kBand * kBand), ring_shift((kBand - (down.half - 1) % kBand) % kBand),
          block((ring_rows + 1) * kBand), row_bytes(packed ? 0 : across.n * depth), bytes_(kBand * row_bytes) {
        const bool whole = depth == 1 && across.window <= kMostSummed;
        const size_t width = across.bands() * kBand, ring_floats = across.bands() * (ring_rows + 2) / (whole ? 2 : 1) * kBand;
        const size_t parts[] = {across.kept() * kBand, ring_floats, width + 2 * kBand, width, 64 * down.window};
        floats_.resize((parts[0] + parts[1] + parts[2] + parts[3] + parts[4]) / kBand + 1);
        columns = floats_.front().values;
        ring = columns + parts[0];
        sums = ring + parts[1];
        counts = sums + parts[2];
        column_ring = counts + parts[3];
        for (size_t x = 0; x < width; x++) counts[x] = static_cast<float>(x < across.n ? across.count(x) : 1);
        room = bytes_.data();
        if (!whole) return;
        words_.resize(across.n + across.window + 4 * kBand);
        running = words_.data();
    }

  private:
    struct alignas(sizeof(float) * kBand) Band {
        float values[kBand];
    };

    std::vector<Band> floats_;
    std::vector<uint8_t> bytes_;
    std::vector<uint16_t> words_;
};

}  // namespace hashmatch
