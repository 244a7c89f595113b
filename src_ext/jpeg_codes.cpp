#include "jpeg_codes.h"

namespace hashmatch {
namespace {

constexpr int kMostDcBits = 11, kMostAcBits = 10;  // of samples of 8 bits
// So long values times any of a quantization table fit 16 bits, so that nobody need look.
constexpr int kPlainBits = 7;

}  // namespace

size_t HuffmanCodes::read(const uint8_t* data, size_t size, bool dc) {
    there_ = false;
    dc_ = dc;
    if (size < 16) return 0;
    uint32_t code = 0;
    size_t count = 0;
    for (int length = 1; length <= 16; length++) {
        counts_[length] = data[length - 1];
        offset_[length] = static_cast<int32_t>(count) - static_cast<int32_t>(code);
        count += counts_[length];
        code += counts_[length];
        if (code >= 1u << length) return 0;  // no code is all ones
        end_[length] = code << (16 - length);
        code <<= 1;
    }
    if (count > sizeof symbols_ || size < 16 + count) return 0;
    std::memcpy(symbols_, data + 16, count);
    for (size_t i = 0; dc && i < count; i++)
        if (symbols_[i] > kMostDcBits) return 0;
    there_ = true;
    return 16 + count;
}

// 0 for a symbol that samples of 8 bits do not have.
Entry HuffmanCodes::entry_of(size_t symbol, int length) const {
    const uint32_t zeros = dc_ ? 0 : symbols_[symbol] >> 4, extra = dc_ ? symbols_[symbol] : symbols_[symbol] & 15;
    if (!dc_ && extra == 0) {
        if (zeros == 15) return length | 16 << 8;
        return zeros == 0 ? length | kAside | kLast | 1 << 8 : 0;
    }
    if (!dc_ && extra > kMostAcBits) return 0;
    return (length + extra) | (extra ? kAside : 0) | (zeros + 1) << 8 | extra << 16;
}

void HuffmanCodes::look_up(Entry entries[kLooks]) const {
    for (size_t i = 0; i < kLooks; i++) entries[i] = kAside;
    size_t symbol = 0, at = 0;
    for (int length = 1; length <= kLook; length++) {
        for (int i = 0; i < counts_[length]; i++, symbol++) {
            const Entry entry = entry_of(symbol, length);
            const int extra = value_of(entry), whole = length + extra;
            const size_t end = at + (kLooks >> length);
            const bool plain = extra && whole <= kLook && extra <= kPlainBits;
            for (; at < end; at++) {
                if (!entry) continue;
                const auto bits = static_cast<uint64_t>(at) << (64 - kLook);
                entries[at] = plain ? (entry & 0xffff & ~kAside) | static_cast<uint32_t>(extend(bits, whole, extra)) << 16 : entry;
            }
        }
    }
}

Entry HuffmanCodes::search(uint64_t bits) const {
    const auto code = static_cast<uint32_t>(bits >> 48);
    if (code < end_[kLook]) return 0;  // a code in sight, of a symbol that there is not
    for (int length = kLook + 1; length <= 16; length++)
        if (code < end_[length]) return entry_of(static_cast<int32_t>(code >> (16 - length)) + offset_[length], length);
    return 0;
}

void merge(const Entry entries[kLooks], Entry merged[kLooks]) {
    // How many bits the code itself has.
    const auto code = [&](Entry entry) { return length_of(entry) - (entry & kAside ? value_of(entry) : 0); };
    for (size_t i = 0; i < kLooks; i++) {
        Entry all = entries[i] & ~kAside & 0xffff;
        if (!length_of(all)) {
            merged[i] = kAside;
            continue;
        }
        const Entry alone = all;
        while (!(all & kLast) && length_of(all) < kLook) {
            const Entry next = entries[i << length_of(all) & (kLooks - 1)];
            if (!length_of(next) || code(next) > kLook - length_of(all)) break;
            if (advance_of(all) + advance_of(next) > kCoefficients) break;
            all = (length_of(all) + length_of(next)) | (next & kLast) | (advance_of(all) + advance_of(next)) << 8;
        }
        merged[i] = all | alone << 16;
    }
}

}  // namespace hashmatch
