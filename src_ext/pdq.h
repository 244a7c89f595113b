// What PDQ of whole and of reduced images have in common.
#pragma once

#include <cstddef>
#include <vector>

#include "axis.h"
#include "core.h"

namespace hashmatch {

// Outputs that are the same weighted sum of consecutive samples, each times `scale`.
struct Run {
    size_t output, outputs;  // the first, and how many
    std::vector<size_t> first;  // the first sample of each output
    std::vector<int> weights;
    double scale;
};

// One axis as runs to add up: a tent for each output.
std::vector<Run> runs_of(const Axis& axis);

// Fills in quality, hashes and coefficients from the 64 x 64 image; returns whether the reference's rounding can change
// none of the bits.
bool finish(const Kernels& kernels, const Image& image, const float a[64][64], Result& result);

}  // namespace hashmatch
