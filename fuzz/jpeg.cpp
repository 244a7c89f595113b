// The JPEG decoder against one that goes bit by bit: any bytes are the sampling, the tables and the scan of a file, and
// what the core gives of it has to be the same pixels. Run by `make fuzz TARGET=jpeg`.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "case.h"
#include "jpeg.h"

namespace {

using namespace hashmatch;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMostBytes = 4'000;  // of a part
constexpr int kOrder[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
                            41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
                            30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// Codes by their length and bits.
struct Table {
    std::vector<uint8_t> counts = std::vector<uint8_t>(16), symbols;
    std::map<std::pair<int, int>, int> codes;

    // Lengths as the input says, as far as there is room.
    Table(Input& input, const Bytes& wanted) {
        int code = 0;
        size_t next = 0;
        for (int length = 1; length <= 16; length++, code <<= 1) {
            const int room = (1 << length) - 1 - code;
            const int count = std::min({static_cast<int>(input.byte() % 8), room, static_cast<int>(wanted.size() - next)});
            counts[length - 1] = static_cast<uint8_t>(std::max(count, 0));
            for (int i = 0; i < count; i++) {
                codes[{length, code++}] = wanted[next];
                symbols.push_back(wanted[next++]);
            }
        }
    }
};

// A scan, bit by bit; -1 beyond its end.
struct Reader {
    const Bytes& data;
    size_t at = 0;

    int bit() { return at < data.size() * 8 ? data[at / 8] >> (7 - at++ % 8) & 1 : -1; }

    int symbol(const Table& table) {
        int code = 0;
        for (int length = 1; length <= 16; length++) {
            const int next = bit();
            if (next < 0) return -1;
            code = code << 1 | next;
            if (const auto found = table.codes.find({length, code}); found != table.codes.end()) return found->second;
        }
        return -1;
    }

    // Returns false where the bits end.
    bool value(int size, int& out) {
        int bits = 0;
        for (int i = 0; i < size; i++) {
            const int next = bit();
            if (next < 0) return false;
            bits = bits << 1 | next;
        }
        out = size == 0 || bits >> (size - 1) ? bits : bits - (1 << size) + 1;
        return true;
    }
};

// jidctint.c, as it is written, in 64 bits.
void dimension(const int64_t in[8], int64_t out[8], int shift) {
    const int64_t turn = (in[2] + in[6]) * 4433, low = turn - in[6] * 15137, high = turn + in[2] * 6270;
    const int64_t sum = (in[0] + in[4]) * 8192, difference = (in[0] - in[4]) * 8192;
    const int64_t even[4] = {sum + high, difference + low, difference - low, sum - high};
    int64_t z1 = in[7] + in[1], z2 = in[5] + in[3], z3 = in[7] + in[3], z4 = in[5] + in[1];
    const int64_t z5 = (z3 + z4) * 9633;
    z1 *= -7373, z2 *= -20995, z3 = z3 * -16069 + z5, z4 = z4 * -3196 + z5;
    const int64_t odd[4] = {in[1] * 12299 + z1 + z4, in[3] * 25172 + z2 + z3, in[5] * 16819 + z2 + z4, in[7] * 2446 + z1 + z3};
    for (int i = 0; i < 4; i++) {
        out[i] = (even[i] + odd[i] + (int64_t{1} << (shift - 1))) >> shift;
        out[7 - i] = (even[i] - odd[i] + (int64_t{1} << (shift - 1))) >> shift;
    }
}

uint8_t clipped(int64_t value) { return static_cast<uint8_t>(std::clamp<int64_t>(value + 128, 0, 255)); }

struct File {
    size_t rows, cols;
    std::vector<std::pair<int, int>> factors;
    int interval, steps[64];
    Table dc, ac;
    std::vector<Bytes> parts;

    static Bytes sizes(Input& input) {
        Bytes all(12);
        for (size_t i = 0; i < all.size(); i++) std::swap(all[i] = static_cast<uint8_t>(i), all[input.byte() % (i + 1)]);
        return all;
    }

    static Bytes runs(Input& input) {
        Bytes all{0x00, 0x01, 0x11, 0x02, 0xf0};
        while (all.size() < 40) all.push_back(static_cast<uint8_t>(input.byte()));
        return all;
    }

    explicit File(Input& input)
        : rows(1 + input.byte() % 70), cols(1 + input.byte() % 200), interval(input.byte() % 4), dc(input, sizes(input)),
          ac(input, runs(input)) {
        const unsigned layout = input.byte();
        factors = {{1 + (layout & 1), 1 + (layout >> 1 & 1)}};
        for (int i = 0; layout & 4 && i < 2; i++) factors.push_back({1 + (layout >> 3 & 1), 1 + (layout >> 4 & 1)});
        for (int& step : steps) step = layout & 32 ? 1 + static_cast<int>(input.byte() % 255) : 1 + static_cast<int>(layout >> 6);
        Picture bits(input);
        for (size_t i = 0; i < (interval ? (units() + interval - 1) / interval : 1); i++) {
            parts.emplace_back(kMostBytes);
            for (size_t j = 0; j < kMostBytes; j++) parts[i][j] = bits.at(i, j, 0);
        }
    }

    bool alone() const { return factors.size() == 1; }
    size_t across() const { return alone() ? 1 : factors[0].first; }
    size_t down() const { return alone() ? 1 : factors[0].second; }
    size_t wide() const { return (cols + 8 * across() - 1) / (8 * across()); }
    size_t units() const { return wide() * ((rows + 8 * down() - 1) / (8 * down())); }

    Bytes bytes() const {
        Bytes out{0xff, 0xd8};
        const auto segment = [&](uint8_t marker, const Bytes& body) {
            out.insert(out.end(), {0xff, marker, static_cast<uint8_t>((body.size() + 2) >> 8), static_cast<uint8_t>(body.size() + 2)});
            out.insert(out.end(), body.begin(), body.end());
        };
        Bytes quantization{0};
        for (int place : kOrder) quantization.push_back(static_cast<uint8_t>(steps[place]));
        segment(0xdb, quantization);
        Bytes frame{8, 0, static_cast<uint8_t>(rows), 0, static_cast<uint8_t>(cols), static_cast<uint8_t>(factors.size())};
        Bytes scan{static_cast<uint8_t>(factors.size())};
        for (size_t i = 0; i < factors.size(); i++) {
            frame.insert(frame.end(), {static_cast<uint8_t>(i), static_cast<uint8_t>(factors[i].first << 4 | factors[i].second), 0});
            scan.insert(scan.end(), {static_cast<uint8_t>(i), 0});
        }
        scan.insert(scan.end(), {0, 63, 0});
        segment(0xc0, frame);
        for (const auto& [name, table] : {std::pair<uint8_t, const Table&>{0x00, dc}, {0x10, ac}}) {
            Bytes body{name};
            body.insert(body.end(), table.counts.begin(), table.counts.end());
            body.insert(body.end(), table.symbols.begin(), table.symbols.end());
            segment(0xc4, body);
        }
        segment(0xdd, {0, static_cast<uint8_t>(interval)});
        segment(0xda, scan);
        for (size_t i = 0; i < parts.size(); i++) {
            if (i) out.insert(out.end(), {0xff, static_cast<uint8_t>(0xd0 + (i - 1) % 8)});
            for (uint8_t byte : parts[i]) {
                out.push_back(byte);
                if (byte == 0xff) out.push_back(0);
            }
        }
        out.insert(out.end(), {0xff, 0xd9});
        return out;
    }

    // The coefficients of the next block, or false.
    bool block(Reader& reader, int& predictor, int64_t out[64]) const {
        std::fill_n(out, 64, 0);
        int size = reader.symbol(dc), value;
        if (size < 0 || !reader.value(size, value)) return false;
        out[0] = predictor += value;
        for (int k = 1; k < 64; k++) {
            const int symbol = reader.symbol(ac);
            if (symbol < 0) return false;
            size = symbol & 15;
            if (size > 10 || (size == 0 && symbol != 0 && symbol != 0xf0)) return false;
            if (symbol == 0) return true;
            k += symbol >> 4;
            if (k > 63 || !reader.value(size, value)) return false;
            out[kOrder[k]] = value;
        }
        return true;
    }

    // The pixels, and those at an eighth; false where there are not all. What no unit takes is cut off.
    bool decode(Bytes& whole, Bytes& eighth) {
        const size_t few = (cols + 7) / 8;
        whole.assign(rows * cols, 0);
        eighth.assign((rows + 7) / 8 * few, 0);
        size_t unit = 0;
        for (Bytes& part : parts) {
            Reader reader{part};
            std::vector<int> predictors(factors.size());
            for (const size_t end = interval ? std::min(units(), unit + interval) : units(); unit < end; unit++) {
                for (size_t i = 0; i < factors.size(); i++) {
                    const size_t count = alone() ? 1 : factors[i].first * factors[i].second;
                    for (size_t j = 0; j < count; j++) {
                        int64_t values[64];
                        if (!block(reader, predictors[i], values)) return false;
                        const size_t y = unit / wide() * down() + j / across(), x = unit % wide() * across() + j % across();
                        if (i == 0) paint(values, y, x, whole, eighth);
                    }
                }
            }
            part.resize((reader.at + 7) / 8);
        }
        return true;
    }

    void paint(const int64_t values[64], size_t y, size_t x, Bytes& whole, Bytes& eighth) const {
        int64_t turned[8][8], column[8], row[8];
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < 8; j++) column[j] = values[8 * j + i] * steps[8 * j + i];
            dimension(column, row, 11);
            for (int j = 0; j < 8; j++) turned[j][i] = row[j];
        }
        for (size_t i = 0; i < 8; i++) {
            dimension(turned[i], row, 18);
            for (size_t j = 0; j < 8; j++)
                if (8 * y + i < rows && 8 * x + j < cols) whole[(8 * y + i) * cols + 8 * x + j] = clipped(row[j]);
        }
        const size_t few = (cols + 7) / 8;
        if (y < (rows + 7) / 8 && x < few) eighth[y * few + x] = clipped((values[0] * steps[0] + 4) >> 3);
    }
};

void check(File file) {
    Bytes whole, eighth;
    const bool good = file.decode(whole, eighth);
    const Bytes bytes = file.bytes();
    size_t count;
    const Variant* const all = variants(count);
    for (size_t i = 0; i < count; i++) {
        if (!all[i].supported()) continue;
        for (const bool reduced : {false, true}) {
            const Bytes& expected = reduced ? eighth : whole;
            Bytes found(expected.size());
            if (!jpeg_luma(*all[i].kernels, bytes.data(), bytes.size(), file.rows, file.cols, reduced, found.data())) continue;
            if (good && found == expected) continue;
            std::fprintf(stderr, "%s: %s differs for %zu x %zu pixels\n", all[i].kernels->name, reduced ? "an eighth" : "luma",
                         file.cols, file.rows);
            std::abort();
        }
    }
}

// Any bytes at all, as a file.
void check_raw(const uint8_t* data, size_t size) {
    size_t count;
    const Kernels& kernels = *variants(count)->kernels;
    if (size < 4) return;
    const Bytes exact(data + 2, data + size);
    Bytes out((data[0] % 64 + 1) * (data[1] % 64 + 1));
    jpeg_luma(kernels, exact.data(), exact.size(), data[0] % 64 + 1, data[1] % 64 + 1, true, out.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    check_raw(data, size);
    Input input{data, size};
    check(File(input));
    return 0;
}
