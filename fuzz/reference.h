// PDQ as its reference implementation computes it, slowly: written from the algorithm, sharing nothing with src_ext/.
//
// https://github.com/facebook/ThreatExchange/tree/main/pdq/cpp: fillFloatLumaFromRGB, jaroszFilterFloat, decimateFloat,
// pdqImageDomainQualityMetric, dct64To16, dct16OriginalTo*, pdqBuffer16x16ToBits. Compile without contraction.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace reference {

using Coefficients = std::array<std::array<float, 16>, 16>;

struct Answer {
    std::array<std::array<uint8_t, 32>, 8> hashes{};  // in the order of pdqhash's compute_dihedral
    int quality = 0;
};

// One box pass over a line of `length` values, `stride` apart.
inline void box(const float* in, float* out, int length, int stride, int window) {
    const int half = (window + 2) / 2, first = half - 1, growing = window - half + 1, shrinking = half - 1;
    const int full = length - window;
    int left = 0, right = 0, at = 0, count = 0;
    float sum = 0;
    for (int i = 0; i < first; i++, right += stride, count++) sum += in[right];
    for (int i = 0; i < growing; i++, right += stride, at += stride) {
        sum += in[right];
        count++;
        out[at] = sum / static_cast<float>(count);
    }
    for (int i = 0; i < full; i++, left += stride, right += stride, at += stride) {
        sum += in[right];
        sum -= in[left];
        out[at] = sum / static_cast<float>(count);
    }
    for (int i = 0; i < shrinking; i++, left += stride, at += stride) {
        sum -= in[left];
        count--;
        out[at] = sum / static_cast<float>(count);
    }
}

inline void filter(std::vector<float>& luma, int rows, int cols) {
    std::vector<float> other(luma.size());
    const int along_rows = (cols + 127) / 128, along_cols = (rows + 127) / 128;
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < rows; y++) box(&luma[size_t(y) * cols], &other[size_t(y) * cols], cols, 1, along_rows);
        for (int x = 0; x < cols; x++) box(&other[x], &luma[x], rows, cols, along_cols);
    }
}

inline int quality(const float a[64][64]) {
    int sum = 0;
    for (int i = 0; i < 63; i++)
        for (int j = 0; j < 64; j++) sum += std::abs(static_cast<int>((a[i][j] - a[i + 1][j]) * 100 / 255));
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 63; j++) sum += std::abs(static_cast<int>((a[i][j] - a[i][j + 1]) * 100 / 255));
    return std::min(sum / 90, 100);
}

inline Coefficients dct(const float a[64][64]) {
    static const auto basis = [] {
        std::array<std::array<float, 64>, 16> d{};
        const float scale = static_cast<float>(std::sqrt(2.0 / 64.0));
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 64; j++)
                d[i][j] = static_cast<float>(scale * std::cos(M_PI / 2 / 64.0 * (i + 1) * (2 * j + 1)));
        return d;
    }();
    float t[16][64];
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 64; j++) {
            float sum = 0;
            for (int k = 0; k < 64; k++) sum += basis[i][k] * a[k][j];
            t[i][j] = sum;
        }
    }
    Coefficients b{};
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            float sum = 0;
            for (int k = 0; k < 64; k++) sum += t[i][k] * basis[j][k];
            b[i][j] = sum;
        }
    }
    return b;
}

// The coefficients of the image turned in the given way, from those of the image.
inline Coefficients turned(const Coefficients& a, int orientation) {
    Coefficients b{};
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            const float value = a[i][j];
            switch (orientation) {
                case 0: b[i][j] = value; break;
                case 1: b[j][i] = j % 2 ? value : -value; break;          // rotated by 90
                case 2: b[i][j] = (i + j) % 2 ? -value : value; break;    // by 180
                case 3: b[j][i] = i % 2 ? value : -value; break;          // by 270
                case 4: b[i][j] = i % 2 ? value : -value; break;          // upside down
                case 5: b[i][j] = j % 2 ? value : -value; break;          // mirrored
                case 6: b[j][i] = value; break;                           // transposed
                default: b[j][i] = (i + j) % 2 ? -value : value; break;   // along the other diagonal
            }
        }
    }
    return b;
}

inline std::array<uint8_t, 32> bits(const Coefficients& b) {
    std::array<float, 256> sorted;
    for (int i = 0; i < 256; i++) sorted[i] = b[i / 16][i % 16];
    std::sort(sorted.begin(), sorted.end());
    std::array<uint8_t, 32> out{};
    for (int i = 0; i < 256; i++)
        if (b[i / 16][i % 16] > sorted[127]) out[31 - i / 8] = static_cast<uint8_t>(out[31 - i / 8] | 1 << i % 8);
    return out;
}

// Of luma, rows * cols of it.
inline Answer pdq(std::vector<float> luma, int rows, int cols) {
    Answer answer;
    if (rows < 5 || cols < 5) return answer;
    filter(luma, rows, cols);
    float a[64][64];
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++)
            a[i][j] = luma[size_t(int((i + 0.5) * rows / 64)) * cols + int((j + 0.5) * cols / 64)];
    answer.quality = quality(a);
    const Coefficients b = dct(a);
    for (int orientation = 0; orientation < 8; orientation++) answer.hashes[orientation] = bits(turned(b, orientation));
    return answer;
}

}  // namespace reference
