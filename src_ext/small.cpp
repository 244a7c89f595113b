// The hashes of 64 bits that the Python package imagehash has: https://github.com/JohannesBuchner/imagehash.

#include "small.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "core.h"

namespace hashmatch {
namespace {

// An orientation takes its value at (y, x) from (y, x), or (x, y) where transposed, counted from the end where flipped.
struct Orientation {
    bool transposed, flip_rows, flip_cols;
};

// In the order of hashmatch.types.Orientation.
constexpr Orientation kOrientations[8] = {
    {false, false, false}, {true, false, true}, {false, true, true}, {true, true, false},
    {false, true, false},  {false, false, true}, {true, false, false}, {true, true, true},
};

// Byte y holds row y of an 8 x 8 grid, the first column in its top bit.
template <class Bit>
void write(uint8_t hash[8], Bit bit) {
    for (size_t y = 0; y < 8; y++) {
        unsigned row = 0;
        for (size_t x = 0; x < 8; x++) row = row << 1 | static_cast<unsigned>(bit(y, x));
        hash[y] = static_cast<uint8_t>(row);
    }
}

uint8_t oriented(const Small& small, const Orientation& turn, size_t y, size_t x) {
    if (turn.transposed) std::swap(y, x);
    return small.at(turn.flip_rows ? small.rows - 1 - y : y, turn.flip_cols ? small.cols - 1 - x : x);
}

void average(const Kernels& kernels, const Image& image, size_t count, uint8_t hashes[][8]) {
    Small small{8, 8, {}};
    shrink(kernels, image, small);
    int sum = 0;
    for (int i = 0; i < 64; i++) sum += small.pixels[i];
    for (size_t o = 0; o < count; o++)
        write(hashes[o], [&](size_t y, size_t x) { return 64 * oriented(small, kOrientations[o], y, x) > sum; });
}

void difference(const Kernels& kernels, const Image& image, size_t count, uint8_t hashes[][8]) {
    Small wide{8, 9, {}}, tall{9, 8, {}};
    shrink(kernels, image, wide);
    if (count > 1) shrink(kernels, image, tall);
    for (size_t o = 0; o < count; o++) {
        const Orientation& turn = kOrientations[o];
        const Small& small = turn.transposed ? tall : wide;
        write(hashes[o], [&](size_t y, size_t x) { return oriented(small, turn, y, x + 1) > oriented(small, turn, y, x); });
    }
}

// Coefficients of mirrored images are those of the original with the sign of every other row or column changed.
void perceptual(const Kernels& kernels, const Image& image, size_t count, uint8_t hashes[][8]) {
    Small small{32, 32, {}};
    shrink(kernels, image, small);
    double low[8][8];
    low_frequencies(small, low);
    for (size_t o = 0; o < count; o++) {
        const Orientation& turn = kOrientations[o];
        const auto coefficient = [&](size_t y, size_t x) {
            if (turn.transposed) std::swap(y, x);
            return (turn.flip_rows && y % 2 == 1) != (turn.flip_cols && x % 2 == 1) ? -low[y][x] : low[y][x];
        };
        double sorted[64];
        for (size_t i = 0; i < 64; i++) sorted[i] = coefficient(i / 8, i % 8);
        std::sort(sorted, sorted + 64);
        const double median = (sorted[31] + sorted[32]) / 2;
        write(hashes[o], [&](size_t y, size_t x) { return coefficient(y, x) > median; });
    }
}

}  // namespace

bool small_hashes(const Kernels& kernels, const Image& image, Algorithm algorithm, size_t count, uint8_t hashes[][8]) noexcept {
    try {
        switch (algorithm) {
            case Algorithm::average: average(kernels, image, count, hashes); break;
            case Algorithm::difference: difference(kernels, image, count, hashes); break;
            case Algorithm::perceptual: perceptual(kernels, image, count, hashes); break;
        }
    } catch (const std::exception&) {
        return false;
    }
    return true;
}

}  // namespace hashmatch
