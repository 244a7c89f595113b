// Huffman codes of a JPEG file, looked up by the bits that come next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hashmatch {

// So many bits are looked up at once; codes that are longer are rare, and searched for.
constexpr int kLook = 10;
constexpr size_t kLooks = 1 << kLook;
constexpr uint32_t kCoefficients = 64;

// What the next bits stand for:
//   bits 0-5    how many they are, with those behind the code; 0 where no code of at most kLook bits begins so
//   bit 6       kAside: what stands here is not the value
//   bit 7       kLast: the block ends
//   bits 8-15   how many coefficients they go on by: the zeros before this one, and itself; 1 at the end of the block
//   bits 16-31  the value, signed; where kAside, how many bits behind the code say it
using Entry = uint32_t;
constexpr Entry kAside = 1 << 6, kLast = 1 << 7;

inline int length_of(Entry entry) { return entry & 63; }
inline uint32_t advance_of(Entry entry) { return entry >> 8 & 255; }
inline int value_of(Entry entry) { return static_cast<int32_t>(entry) >> 16; }

// The codes of one table as a file lists them (annex C). Those of DC coefficients and of AC ones mean different things.
class HuffmanCodes {
  public:
    // Reads the table at `data`, which has `size` bytes; returns how many it takes, or 0 where there is no valid one.
    size_t read(const uint8_t* data, size_t size, bool dc);

    bool there() const { return there_; }

    // Fills in what each kLook bits begin with.
    void look_up(Entry entries[kLooks]) const;

    // The entry, aside, of a code longer than kLook that the bits begin with; 0 where there is none.
    Entry search(uint64_t bits) const;

  private:
    Entry entry_of(size_t symbol, int length) const;

    bool there_ = false, dc_;
    uint8_t counts_[17], symbols_[256];
    uint32_t end_[17];    // the first 16 bits beyond all codes of that length
    int32_t offset_[17];  // from a code of that length to its symbol
};

// Merges entries of AC coefficients whose values nobody wants: bits 0-15 are of as many codes as the kLook bits show whole
// and a block may have, bits 16-31 of the first alone.
void merge(const Entry entries[kLooks], Entry merged[kLooks]);

// The value that `length` bits say, of which the last `extra`, at least one, follow the code.
inline int extend(uint64_t bits, int length, int extra) {
    const int value = static_cast<int>(bits >> (64 - length)) & ((1 << extra) - 1);
    return value >> (extra - 1) ? value : value - (1 << extra) + 1;
}

// Bits of a scan without its stuffed bytes, the first one on top. 8 bytes beyond them are read.
class Bits {
  public:
    explicit Bits(const uint8_t* data) : next_(data) {}

    // Makes at least 56 bits there: enough for two codes, each with what follows it.
    void fill() {
        uint64_t word;
        std::memcpy(&word, next_, sizeof word);
        top_ |= __builtin_bswap64(word) >> count_;
        next_ += (63 - count_) >> 3;
        count_ |= 56;
    }

    void drop(int length) {
        top_ <<= length;
        count_ -= length;
    }

    uint64_t top() const { return top_; }
    size_t look() const { return top_ >> (64 - kLook); }

    // The byte after the last of which a bit was dropped.
    const uint8_t* next() const { return next_ - (count_ >> 3); }

  private:
    uint64_t top_ = 0;
    int count_ = 0;
    const uint8_t* next_;
};

}  // namespace hashmatch
