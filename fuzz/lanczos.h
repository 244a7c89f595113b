// Pillow's grey conversion and Lanczos resampling of 8 bits, slowly: written from the algorithm, sharing nothing with src_ext/.
//
// https://github.com/python-pillow/Pillow/tree/main/src/libImaging: Convert.c (L24), Resample.c (lanczos_filter,
// precompute_coeffs, normalize_coeffs_8bpc, ImagingResample*_8bpc).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace reference {

struct Grey {
    int rows, cols;
    std::vector<uint8_t> pixels;  // row by row

    uint8_t& at(int y, int x) { return pixels[static_cast<size_t>(y) * cols + x]; }
};

inline double lanczos(double x) {
    const auto sinc = [](double value) { return value == 0 ? 1.0 : std::sin(value * M_PI) / (value * M_PI); };
    return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

// Resamples each row to `length` pixels.
inline Grey resample_rows(Grey& in, int length) {
    Grey out{in.rows, length, std::vector<uint8_t>(static_cast<size_t>(in.rows) * length)};
    const double scale = static_cast<double>(in.cols) / length, stretch = std::max(scale, 1.0);
    for (int x = 0; x < length; x++) {
        const double centre = (x + 0.5) * scale, support = 3 * stretch;
        const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
        const int end = std::min(static_cast<int>(centre + support + 0.5), in.cols);
        std::vector<double> weights;
        double sum = 0;
        for (int k = first; k < end; k++) {
            weights.push_back(lanczos((k - centre + 0.5) * (1 / stretch)));
            sum += weights.back();
        }
        for (double& weight : weights) weight = weight / sum * (1 << 22);
        for (int y = 0; y < in.rows; y++) {
            int total = 1 << 21;
            for (int k = first; k < end; k++) {
                const double weight = weights[static_cast<size_t>(k - first)];
                total += in.at(y, k) * static_cast<int>(weight < 0 ? weight - 0.5 : weight + 0.5);
            }
            out.at(y, x) = static_cast<uint8_t>(std::clamp(total >> 22, 0, 255));
        }
    }
    return out;
}

inline Grey transposed(Grey& in) {
    Grey out{in.cols, in.rows, std::vector<uint8_t>(in.pixels.size())};
    for (int y = 0; y < in.rows; y++)
        for (int x = 0; x < in.cols; x++) out.at(x, y) = in.at(y, x);
    return out;
}

// As Pillow 13: across first, but where more than twice as many rows as columns are lost.
inline Grey resize(Grey& in, int rows, int cols) {
    if (in.rows - rows > 0 && in.rows - rows > 2 * (in.cols - cols)) {
        Grey turned = transposed(in), lower = resample_rows(turned, rows), upright = transposed(lower);
        return resample_rows(upright, cols);
    }
    Grey narrow = resample_rows(in, cols), turned = transposed(narrow), low = resample_rows(turned, rows);
    return transposed(low);
}

}  // namespace reference
