// What the hashes of 64 bits are made of: a small grey picture, and its DCT.
#pragma once

#include <cstdint>

#include "core.h"

namespace hashmatch {

// Largest side of a small picture.
constexpr size_t kMostSide = 32;

// A small grey picture, rows packed.
struct Small {
    size_t rows, cols;
    uint8_t pixels[kMostSide * kMostSide];

    uint8_t at(size_t y, size_t x) const { return pixels[y * cols + x]; }
};

// Fills a picture of the given size with the image, grey and resized as Pillow's convert("L").resize(size, LANCZOS) does
// it, bit for bit. The image has at least one pixel. Throws std::bad_alloc.
void shrink(const Kernels& kernels, const Image& image, Small& small);

// The 8 x 8 lowest coefficients of the type 2 DCT of a 32 x 32 picture, down and then across, without normalisation: bit
// for bit what scipy.fftpack.dct gives in double.
void low_frequencies(const Small& small, double out[8][8]);

}  // namespace hashmatch
