// Luma of baseline JPEG files (ITU-T T.81), the same bytes as libjpeg's (jidctint.c), or none: whatever is unusual about a
// file, and whatever is wrong with it, is left to a library's decoder.
#pragma once

#include "core.h"

namespace hashmatch {

// Decodes the luma of a file of rows x cols pixels into `out`, one row after the other; where `reduced`, one pixel for
// each block of 8 x 8, as libjpeg decodes at an eighth, ceil(rows / 8) x ceil(cols / 8) of them. Returns false where it
// does not: the file is not baseline with all components in one scan, luma is sampled less than colour or is not there
// (RGB, CMYK), the size is another, anything is damaged or has more than the format allows, a block's values are beyond
// what pixels make and could overflow, or memory could not be had. `out` may be written to then. Throws nothing.
bool jpeg_luma(const Kernels& kernels, const uint8_t* data, size_t size, size_t rows, size_t cols, bool reduced,
               uint8_t* out) noexcept;

}  // namespace hashmatch
