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

    // How many columns the exact kernel keeps: a power of two that holds those of a window and of a block.
    size_t kept() const {
        size_t count = kBand;
        while (count < window + kBand) count *= 2;
        return count;
    }

    bool clipped() const { return first(63) + 2 * window - 1 > n; }
};

// What the exact kernel works in: a ring of as many rows as a window spans and a band needs, cut into blocks of kBand
// columns that are stored one after the other, each with a row of zeros at its end. All begin at multiples of a band.
class ExactScratch {
  public:
    size_t ring_rows;  // a multiple of kBand
    size_t block;      // floats of a block
    float *columns, *ring, *sums, *column_ring;
    size_t row_bytes;  // of a row of pixels in `room`; 0 where none is needed
    uint8_t* room;     // for kBand rows of pixels

    // Zeros. Throws std::bad_alloc.
    ExactScratch(const Axis& down, const Axis& across, size_t row_size)
        : ring_rows(std::min(down.bands(), (down.window + 3 * kBand - 2) / kBand) * kBand), block((ring_rows + 1) * kBand),
          floats_(across.kept() + across.bands() * (ring_rows + 2) + 64 / kBand * down.window),
          bytes_(kBand * row_size) {
        columns = floats_.front().values;
        ring = columns + across.kept() * kBand;
        sums = ring + across.bands() * block;
        column_ring = sums + across.bands() * kBand;
        row_bytes = row_size;
        room = bytes_.data();
    }

  private:
    struct alignas(sizeof(float) * kBand) Band {
        float values[kBand];
    };

    std::vector<Band> floats_;
    std::vector<uint8_t> bytes_;
};

}  // namespace hashmatch
