// Images out of any bytes, in every layout of memory that the core takes.
#pragma once

#include <cstdint>
#include <vector>

#include "core.h"

namespace {

using hashmatch::Image;

constexpr size_t kMostPixels = 40'000;

// What is left of the input, byte by byte; zeros once it is used up.
struct Input {
    const uint8_t* data;
    size_t size;

    unsigned byte() { return size ? size--, *data++ : 0; }
    unsigned pair() { return byte() | byte() << 8; }
};

// Samples of a kind of picture whose coefficients depend on how sums are rounded, or whatever the input says.
struct Picture {
    unsigned pattern, a, b, amplitude;
    std::vector<uint8_t> tile;

    explicit Picture(Input& input)
        : pattern(input.byte() % 8), a(input.byte()), b(input.byte()), amplitude(input.byte() + 1),
          tile(input.data, input.data + input.size) {
        if (tile.empty()) tile.push_back(static_cast<uint8_t>(amplitude));
    }

    uint8_t at(size_t y, size_t x, size_t channel) const {
        const size_t i = y * (a + 1) + x * (b + 1) + channel;
        switch (pattern) {
            case 0: return tile[i % tile.size()];
            case 1: return static_cast<uint8_t>(a);
            case 2: return static_cast<uint8_t>(i % 256);                                     // gradients
            case 3: return (x / (a + 1) + y / (b + 1) + channel) % 2 ? amplitude - 1 : 0;      // squares
            case 4: return y == a && x == b ? 255 : 0;                                         // a pixel
            case 5: return static_cast<uint8_t>(hash(y, x, channel) % amplitude);              // noise
            case 6: return static_cast<uint8_t>(hash(y, x < 64 ? x : 127 - x % 128, channel) % amplitude);
            default: return static_cast<uint8_t>(128 + (tile[(x / (a + 1)) % tile.size()] % amplitude) -
                                                 (tile[(y / (b + 1)) % tile.size()] % amplitude) / 2);
        }
    }

    static unsigned hash(size_t y, size_t x, size_t channel) {
        uint64_t v = y * 0x9e3779b97f4a7c15 ^ x * 0xc2b2ae3d27d4eb4f ^ channel * 0x165667b19e3779f9;
        v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9;
        return static_cast<unsigned>(v >> 40);
    }
};

// An image whose memory ends where its pixels do, so that a read beyond them is seen.
struct Case {
    std::vector<uint8_t> memory;
    Image image{};
    std::vector<uint8_t> samples;  // of each pixel, row by row, `channels` of them

    explicit Case(Input& input) {
        const unsigned layout = input.byte(), shape = input.byte();
        image.rows = side(input.pair(), shape & 7);
        image.cols = side(input.pair(), shape >> 3 & 7);
        if (image.rows * image.cols > kMostPixels) image.cols = kMostPixels / image.rows;
        image.channels = 1 + static_cast<int>(layout % 3);
        image.bgr = layout & 4;
        const size_t gap = layout & 8 ? 1 + (shape >> 6) : 0;
        const bool planes = layout & 16, turned = layout & 32;
        place(gap, planes, turned);
        if (layout & 64) flip(image.row_step, image.rows);
        if (layout & 128) flip(image.pixel_step, image.cols);
        fill(Picture(input));
    }

  private:
    static size_t side(unsigned value, unsigned kind) {
        if (kind == 0) return value;                    // thin images, mostly
        if (kind == 1) return 128 * (value % 5) + value / 128 % 3;  // where the window grows
        return value % (kind < 5 ? 140 : 400);
    }

    void place(size_t gap, bool planes, bool turned) {
        const size_t channels = image.channels, pixel = (planes ? 1 : channels) + gap;
        const size_t inner = turned ? image.rows : image.cols, outer = turned ? image.cols : image.rows;
        const size_t line = inner * pixel, plane = line * outer;
        memory.resize(planes ? plane * channels : plane);
        if (gap && !memory.empty()) memory.resize(memory.size() - gap);
        memory.shrink_to_fit();
        image.data = memory.data();
        image.row_step = static_cast<ptrdiff_t>(turned ? pixel : line);
        image.pixel_step = static_cast<ptrdiff_t>(turned ? line : pixel);
        image.channel_step = planes ? static_cast<ptrdiff_t>(plane) : 1;
    }

    void flip(ptrdiff_t& step, size_t count) {
        if (!memory.empty()) image.data += step * static_cast<ptrdiff_t>(count - 1);
        step = -step;
    }

    void fill(const Picture& picture) {
        for (size_t y = 0; y < image.rows; y++) {
            for (size_t x = 0; x < image.cols; x++) {
                const uint8_t* const at = image.data + static_cast<ptrdiff_t>(y) * image.row_step + static_cast<ptrdiff_t>(x) * image.pixel_step;
                for (int c = 0; c < image.channels; c++) {
                    samples.push_back(picture.at(y, x, c));
                    memory[at + c * image.channel_step - memory.data()] = samples.back();
                }
            }
        }
    }
};

}  // namespace
