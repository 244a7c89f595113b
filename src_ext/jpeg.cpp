#include "jpeg.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "jpeg_header.h"

namespace hashmatch {
namespace {

constexpr uint8_t kEoi = 0xd9, kRst0 = 0xd0;
// Units that are decoded before their blocks become pixels: few enough for the first-level cache.
constexpr size_t kUnits = 8;
constexpr size_t kMostAcross = 2 * kUnits, kMostDown = 2;  // blocks of those
constexpr size_t kTileStep = 8 * kMostAcross;              // bytes from a row of their pixels to the next
// Zeros behind a scan: no unit, however damaged, takes more than 10 blocks of 64 times 27 bits.
constexpr size_t kBeyond = 4096;
// Above what DC coefficients can be, quantized: 8 times 128, and half a step.
constexpr int kMostDc = 4095;

// A scan without its stuffed bytes: the parts between restarts, one behind the other, and zeros.
class Entropy {
  public:
    // Returns false where anything but restarts in their order stands within the scan, or anything but the end of the
    // image behind it.
    bool read(const uint8_t* data, const uint8_t* end) {
        bytes_.reset(new uint8_t[end - data + kBeyond]);
        uint8_t* out = bytes_.get();
        while (true) {
            const auto* const marker = static_cast<const uint8_t*>(std::memchr(data, 0xff, end - data));
            if (!marker || end - marker < 2) return false;
            out = std::copy(data, marker, out);
            data = marker + 2;
            if (marker[1] == 0) {
                *out++ = 0xff;
                continue;
            }
            const size_t number = ends_.size();
            ends_.push_back(out);
            if (marker[1] == kEoi) break;
            if (marker[1] != kRst0 + number % 8) return false;
        }
        std::fill_n(out, kBeyond, 0);
        return true;
    }

    size_t parts() const { return ends_.size(); }
    const uint8_t* begin(size_t part) const { return part ? ends_[part - 1] : bytes_.get(); }
    const uint8_t* end(size_t part) const { return ends_[part]; }

  private:
    std::unique_ptr<uint8_t[]> bytes_;
    std::vector<const uint8_t*> ends_;
};

// What the coefficients of a component are told by.
struct Lookups {
    const HuffmanCodes *dc_codes, *ac_codes;
    Entry dc[kLooks], ac[kLooks], merged[kLooks];

    void fill(const HuffmanCodes& of_dc, const HuffmanCodes& of_ac) {
        dc_codes = &of_dc;
        ac_codes = &of_ac;
        of_dc.look_up(dc);
        of_ac.look_up(ac);
        merge(ac, merged);
    }

    // Adds the difference that comes next to the predictor.
    bool read_dc(Bits& bits, int& predictor) const {
        bits.fill();
        Entry entry = dc[bits.look()];
        if (!length_of(entry) && !(entry = dc_codes->search(bits.top()))) return false;
        predictor += entry & kAside ? extend(bits.top(), length_of(entry), value_of(entry)) : value_of(entry);
        bits.drop(length_of(entry));
        return true;
    }

    bool skip_dc(Bits& bits) const {
        int predictor = 0;
        return read_dc(bits, predictor);
    }

    // Reads what follows the first coefficient of a block, which has zeros there. One more than the block may be written.
    bool read_ac(Bits& bits, const int16_t quantization[kCoefficients + 1], int16_t block[kCoefficients + 1]) const {
        uint32_t k = 1;
        while (k < kCoefficients) {
            bits.fill();
            for (int code = 0; code < 2 && k < kCoefficients; code++) {  // there are bits for two
                Entry entry = ac[bits.look()];
                int value = value_of(entry);
                if (__builtin_expect(entry & kAside, 0)) {
                    if (!length_of(entry) && !(entry = ac_codes->search(bits.top()))) return false;
                    if (entry & kLast) {
                        bits.drop(length_of(entry));
                        return true;
                    }
                    value = entry & kAside ? extend(bits.top(), length_of(entry), value_of(entry)) : 0;
                    if (k + advance_of(entry) > kCoefficients) return false;
                    if (std::abs(value) * quantization[kZigzag[k + advance_of(entry) - 1]] > INT16_MAX) return false;
                }
                bits.drop(length_of(entry));
                k += advance_of(entry);
                block[kZigzag[k - 1]] = static_cast<int16_t>(value);
            }
        }
        return k == kCoefficients;
    }

    bool skip_ac(Bits& bits) const {
        uint32_t k = 1;
        while (k < kCoefficients) {
            bits.fill();
            for (int code = 0; code < 2 && k < kCoefficients; code++) {
                Entry entry = merged[bits.look()];
                if (__builtin_expect(entry & kAside, 0)) {
                    if (!(entry = ac_codes->search(bits.top()))) return false;
                } else if (__builtin_expect(k + advance_of(entry) > kCoefficients, 0)) {
                    entry >>= 16;
                }
                bits.drop(length_of(entry));
                k += advance_of(entry);
                if (entry & kLast) return k <= kCoefficients;
            }
        }
        return k == kCoefficients;
    }
};

// Decodes a file whose header has been read.
class Decoder {
  public:
    Decoder(const Kernels& kernels, const JpegHeader& header, const Entropy& entropy, bool reduced)
        : kernels_(kernels), header_(header), entropy_(entropy), luma_(header.components[0]), reduced_(reduced),
          bits_(entropy.begin(0)), left_(header.interval) {
        for (size_t i = 0; i < header.count; i++) {
            const JpegComponent& component = header.components[i];
            const bool again = i && component.dc == header.components[i - 1].dc && component.ac == header.components[i - 1].ac;
            of_[i] = again ? of_[i - 1] : i;
            if (!again) lookups_[i].fill(header.dc[component.dc], header.ac[component.ac]);
        }
        std::copy_n(header.quantization[luma_.quantization], kCoefficients, quantization_);
        // A component alone comes block by block.
        if (header.count == 1) across_ = down_ = 1;
        else across_ = luma_.across, down_ = luma_.down;
    }

    bool decode(uint8_t* out) {
        const size_t side = reduced_ ? 1 : 8;
        const size_t rows = (header_.rows * side + 7) / 8, cols = (header_.cols * side + 7) / 8;
        const size_t units = (header_.cols + 8 * across_ - 1) / (8 * across_), height = side * down_;
        const size_t all = units * ((header_.rows + 8 * down_ - 1) / (8 * down_));
        const size_t parts = header_.interval ? (all + header_.interval - 1) / header_.interval : 1;
        if (entropy_.parts() != parts) return false;
        for (size_t y = 0; y < rows; y += height) {
            for (size_t unit = 0; unit < units; unit += kUnits) {
                const size_t count = std::min(kUnits, units - unit), x = unit * across_ * side;
                uint8_t* const at = out + y * cols + x;
                if (!read_units(count)) return false;
                if (x + kTileStep <= cols && y + height <= rows) {
                    if (!make_pixels(count * across_, at, cols)) return false;
                    continue;
                }
                if (!make_pixels(count * across_, tile_, kTileStep)) return false;
                const size_t width = std::min(count * across_ * side, cols - x);
                for (size_t row = 0; row < std::min(height, rows - y); row++)
                    std::copy_n(tile_ + row * kTileStep, width, at + row * cols);
            }
        }
        return bits_.next() == entropy_.end(part_);
    }

  private:
    bool restart(Bits& bits) {
        if (bits.next() != entropy_.end(part_)) return false;
        bits = Bits(entropy_.begin(++part_));
        left_ = header_.interval;
        predictor_ = 0;
        return true;
    }

    // Reads the blocks of so many units.
    bool read_units(size_t count) {
        if (!reduced_) std::memset(blocks_, 0, sizeof blocks_);
        Bits bits = bits_;
        for (size_t unit = 0; unit < count; unit++) {
            if (header_.interval) {
                if (left_ == 0 && !restart(bits)) return false;
                left_--;
            }
            for (size_t y = 0; y < down_; y++)
                for (size_t x = 0; x < across_; x++)
                    if (!read_luma(bits, blocks_ + (y * kMostAcross + unit * across_ + x) * kCoefficients)) return false;
            for (size_t i = 1; i < header_.count; i++) {
                const Lookups& lookups = lookups_[of_[i]];
                for (int block = 0; block < header_.components[i].across * header_.components[i].down; block++)
                    if (!lookups.skip_dc(bits) || !lookups.skip_ac(bits)) return false;
            }
            if (bits.next() > entropy_.end(part_)) return false;
        }
        bits_ = bits;
        return true;
    }

    bool read_luma(Bits& bits, int16_t* block) {
        int predictor = predictor_;
        if (!lookups_[0].read_dc(bits, predictor) || std::abs(predictor * quantization_[0]) > kMostDc) return false;
        predictor_ = predictor;
        block[0] = static_cast<int16_t>(predictor);
        return reduced_ ? lookups_[0].skip_ac(bits) : lookups_[0].read_ac(bits, quantization_, block);
    }

    // Turns the blocks of each row, of so many, into pixels: at most kTileStep a row, rows `step` bytes apart.
    bool make_pixels(size_t count, uint8_t* out, size_t step) {
        for (size_t y = 0; y < down_; y++, out += (reduced_ ? 1 : 8) * step) {
            const int16_t* const blocks = blocks_ + y * kMostAcross * kCoefficients;
            if (!reduced_) {
                if (!kernels_.idct(blocks, count + count % 2, quantization_, out, step)) return false;
                continue;
            }
            for (size_t x = 0; x < count; x++) {
                const int mean = ((blocks[x * kCoefficients] * quantization_[0] + 4) >> 3) + 128;
                out[x] = static_cast<uint8_t>(std::clamp(mean, 0, 255));
            }
        }
        return true;
    }

    const Kernels& kernels_;
    const JpegHeader& header_;
    const Entropy& entropy_;
    const JpegComponent& luma_;
    const bool reduced_;
    size_t across_, down_;  // blocks of luma in a unit
    Bits bits_;
    size_t part_ = 0, left_;  // units before the next restart
    int predictor_ = 0;
    size_t of_[3];  // whose look-ups are a component's
    Lookups lookups_[3];
    int16_t quantization_[kCoefficients + 1] = {};
    alignas(64) int16_t blocks_[kMostDown * kMostAcross * kCoefficients + 1];
    alignas(64) uint8_t tile_[8 * kMostDown * kTileStep];
};

}  // namespace

bool jpeg_luma(const Kernels& kernels, const uint8_t* data, size_t size, size_t rows, size_t cols, bool reduced,
               uint8_t* out) noexcept {
    try {
        if (!reduced && !kernels.idct) return false;
        const auto header = std::make_unique<JpegHeader>();
        if (!header->read(data, size) || header->rows != rows || header->cols != cols) return false;
        Entropy entropy;
        if (!entropy.read(header->scan, data + size)) return false;
        return std::make_unique<Decoder>(kernels, *header, entropy, reduced)->decode(out);
    } catch (const std::bad_alloc&) {
        return false;
    }
}

}  // namespace hashmatch
