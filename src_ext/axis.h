// What PDQ's filter and sampling amount to along one axis.
#pragma once

#include <cstddef>

namespace hashmatch {

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

    bool clipped() const { return first(63) + 2 * window - 1 > n; }
};

// What the exact kernel works in: row by row, with a ring of as many rows as a window spans and a band needs.
struct ExactScratch {
    size_t width;       // of a row, in floats: whole vectors of 8
    size_t ring_rows;   // a multiple of 8
    float *band, *ring, *sums, *zeros, *column_ring;

    ExactScratch(const Axis& down, const Axis& across)
        : width((across.n + 7) / 8 * 8), ring_rows((down.window + 23) / 8 * 8) {
        const size_t all_rows = (down.n + 7) / 8 * 8;
        if (ring_rows > all_rows) ring_rows = all_rows;
    }

    // Floats needed.
    size_t size(const Axis& down) const { return width * (8 + ring_rows + 2) + 64 * down.window; }

    // Takes `size` floats, all zero.
    void place(float* memory) {
        band = memory;
        ring = band + 8 * width;
        sums = ring + ring_rows * width;
        zeros = sums + width;
        column_ring = zeros + width;
    }
};

}  // namespace hashmatch
