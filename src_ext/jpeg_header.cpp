#include "jpeg_header.h"

namespace hashmatch {
namespace {

constexpr uint8_t kSoi = 0xd8, kSof0 = 0xc0, kSof1 = 0xc1, kDht = 0xc4, kSos = 0xda, kDqt = 0xdb, kDri = 0xdd;
constexpr uint8_t kApp0 = 0xe0, kApp14 = 0xee, kApp15 = 0xef, kCom = 0xfe;
constexpr size_t kMostBlocks = 10;  // of a unit

size_t integer(const uint8_t* data) { return data[0] << 8 | data[1]; }

// Whether Adobe's segment says that the three components are RGB.
bool says_rgb(const uint8_t* data, size_t size) { return size >= 12 && !std::memcmp(data, "Adobe", 5) && data[11] == 0; }

}  // namespace

const uint8_t kZigzag[kCoefficients + 16] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
    6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31,
    39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};

bool JpegHeader::read(const uint8_t* data, size_t size) {
    count = interval = 0;
    scan = nullptr;
    if (size < 2 || data[0] != 0xff || data[1] != kSoi) return false;
    for (size_t at = 2; !scan;) {
        if (size - at < 4 || data[at] != 0xff) return false;
        const uint8_t marker = data[at + 1];
        const size_t length = integer(data + at + 2), end = at + 2 + length;
        if (length < 2 || end > size || !read_segment(marker, data + at + 4, length - 2)) return false;
        if (marker == kSos) scan = data + end;
        at = end;
    }
    return has_luma();
}

bool JpegHeader::read_segment(uint8_t marker, const uint8_t* data, size_t size) {
    switch (marker) {
        case kDqt: return read_quantization(data, size);
        case kDht: return read_codes(data, size);
        case kSof0:
        case kSof1: return read_frame(data, size);
        case kSos: return read_scan(data, size);
        case kDri: interval = size == 2 ? integer(data) : 0; return size == 2;
        case kApp14: return !says_rgb(data, size);
        default: return (kApp0 <= marker && marker <= kApp15) || marker == kCom;
    }
}

bool JpegHeader::read_quantization(const uint8_t* data, size_t size) {
    for (; size; data += 1 + kCoefficients, size -= 1 + kCoefficients) {
        if (size < 1 + kCoefficients || *data > 3) return false;  // 16 bits among them
        if (std::memchr(data + 1, 0, kCoefficients)) return false;
        for (size_t i = 0; i < kCoefficients; i++) quantization[*data][kZigzag[i]] = data[1 + i];
        quantized_[*data] = true;
    }
    return true;
}

bool JpegHeader::read_codes(const uint8_t* data, size_t size) {
    while (size) {
        const bool is_dc = *data >> 4 == 0;
        if (*data & 0xec) return false;
        const size_t taken = (is_dc ? dc : ac)[*data & 3].read(data + 1, size - 1, is_dc);
        if (!taken) return false;
        data += 1 + taken;
        size -= 1 + taken;
    }
    return true;
}

bool JpegHeader::read_frame(const uint8_t* data, size_t size) {
    if (count || size < 6 || data[0] != 8) return false;
    rows = integer(data + 1);
    cols = integer(data + 3);
    count = data[5];
    if (!rows || !cols || (count != 1 && count != 3) || size != 6 + 3 * count) return false;
    for (size_t i = 0; i < count; i++) {
        const uint8_t* const at = data + 6 + 3 * i;
        components[i] = {at[0], static_cast<uint8_t>(at[1] >> 4), static_cast<uint8_t>(at[1] & 15), at[2], 0, 0};
    }
    return true;
}

// All components, in their order and with all of their coefficients.
bool JpegHeader::read_scan(const uint8_t* data, size_t size) {
    if (!count || size != 4 + 2 * count || data[0] != count) return false;
    for (size_t i = 0; i < count; i++) {
        JpegComponent& component = components[i];
        component.dc = data[2 + 2 * i] >> 4;
        component.ac = data[2 + 2 * i] & 15;
        if (data[1 + 2 * i] != component.id || component.dc > 3 || component.ac > 3) return false;
        if (!dc[component.dc].there() || !ac[component.ac].there()) return false;
        if (component.quantization > 3 || !quantized_[component.quantization]) return false;
    }
    const uint8_t* const rest = data + 1 + 2 * count;
    return rest[0] == 0 && rest[1] == kCoefficients - 1 && rest[2] == 0;
}

// Whether the first component is luma, of every pixel, and no other is sampled more.
bool JpegHeader::has_luma() const {
    const JpegComponent& luma = components[0];
    size_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        const JpegComponent& component = components[i];
        if (!component.across || !component.down || component.across > luma.across || component.down > luma.down) return false;
        for (size_t j = 0; j < i; j++)
            if (components[j].id == component.id) return false;
        blocks += component.across * component.down;
    }
    const bool rgb = count == 3 && components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B';
    return luma.across <= 2 && luma.down <= 2 && blocks <= kMostBlocks && !rgb;
}

}  // namespace hashmatch
