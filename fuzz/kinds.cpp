// The small pictures of the 64-bit kinds, and what is made of them, against slow references: any bytes are an image in
// some layout of memory, and every variant has to give the same. Run by `make fuzz TARGET=kinds`.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "case.h"
#include "lanczos.h"
#include "small.h"

namespace {

using namespace hashmatch;

reference::Grey grey_of(const Case& tested) {
    const Image& image = tested.image;
    reference::Grey grey{static_cast<int>(image.rows), static_cast<int>(image.cols), {}};
    for (const uint8_t* at = tested.samples.data(); grey.pixels.size() < image.rows * image.cols; at += image.channels) {
        int luma = at[0];
        if (image.channels == 2) luma = (at[0] * at[1] + 127) / 255 + 255 - at[1];
        if (image.channels == 3)
            luma = (at[image.bgr ? 2 : 0] * 19595 + at[1] * 38470 + at[image.bgr ? 0 : 2] * 7471 + 0x8000) >> 16;
        grey.pixels.push_back(static_cast<uint8_t>(luma));
    }
    return grey;
}

void expect(bool holds, const char* what, const Image& image, const Kernels& kernels) {
    if (holds) return;
    std::fprintf(stderr, "%s: %s differs for %zu x %zu pixels of %d channels\n", kernels.name, what, image.cols, image.rows,
                 image.channels);
    std::abort();
}

// Row y of a hash of 64 bits, the first column in the top bit, by what is true of each place.
template <class Bit>
bool has_bits(const uint8_t hash[8], Bit bit) {
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            if ((hash[y] >> (7 - x) & 1) != bit(y, x)) return false;
    return true;
}

// Coefficients by their definition, each within what double can be off.
bool has_frequencies(reference::Grey& picture, const double found[8][8]) {
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            long double sum = 0;
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++)
                    sum += 4 * picture.at(y, x) * std::cos(M_PIl * i * (2 * y + 1) / 64) * std::cos(M_PIl * j * (2 * x + 1) / 64);
            if (std::fabs(static_cast<double>(sum) - found[i][j]) > 1e-7) return false;
        }
    }
    return true;
}

void check(const Case& tested) {
    const Image& image = tested.image;
    if (image.rows == 0 || image.cols == 0) return;
    reference::Grey grey = grey_of(tested);
    size_t count;
    const Variant* const table = variants(count);
    for (const auto& [rows, cols] : {std::pair{8, 8}, {8, 9}, {9, 8}, {32, 32}}) {
        reference::Grey expected = reference::resize(grey, rows, cols);
        int sum = 0;
        for (const uint8_t pixel : expected.pixels) sum += pixel;
        for (size_t i = 0; i < count; i++) {
            if (!table[i].supported()) continue;
            const Kernels& kernels = *table[i].kernels;
            Small small{static_cast<size_t>(rows), static_cast<size_t>(cols), {}};
            shrink(kernels, image, small);
            expect(std::equal(expected.pixels.begin(), expected.pixels.end(), small.pixels), "small picture", image, kernels);
            uint8_t hash[8];
            if (rows == 8 && cols == 8) {
                if (!small_hashes(kernels, image, Algorithm::average, 1, &hash)) std::abort();
                expect(has_bits(hash, [&](int y, int x) { return 64 * expected.at(y, x) > sum; }), "ahash", image, kernels);
            } else if (cols == 9) {
                if (!small_hashes(kernels, image, Algorithm::difference, 1, &hash)) std::abort();
                expect(has_bits(hash, [&](int y, int x) { return expected.at(y, x + 1) > expected.at(y, x); }), "dhash", image, kernels);
            } else if (rows == 32 && i == 0) {
                double low[8][8];
                low_frequencies(small, low);
                expect(has_frequencies(expected, low), "DCT", image, kernels);
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input{data, size};
    check(Case(input));
    return 0;
}
