// Kernels for 64-bit ARM: the instructions that the compiler does not find by itself in those of portable.cpp, which
// serve for the rest. Their bits are tested under emulation; nobody has measured them on a machine yet.

#include "core.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace hashmatch {
namespace portable {

Function<decltype(Kernels::mix_columns)> mix_columns;
Function<decltype(Kernels::filter_exact)> filter_exact;
Function<decltype(Kernels::dct)> dct;
Function<decltype(Kernels::gradients)> gradients;
Function<decltype(Kernels::middle)> middle;
Function<decltype(Kernels::lanczos)> lanczos;
Function<decltype(Kernels::split)> split;
Function<decltype(Kernels::among)> among;
Function<decltype(Kernels::between)> between;

}  // namespace portable

namespace neon {

#include "blocks.inl"
#include "grey.inl"

// Stores, or adds, 8 sums of 16 bits.
inline void widen(const uint16x8_t& words, bool add, int32_t* sums) {
    int32x4_t low = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(words))), high = vreinterpretq_s32_u32(vmovl_high_u16(words));
    if (add) low = vaddq_s32(low, vld1q_s32(sums)), high = vaddq_s32(high, vld1q_s32(sums + 4));
    vst1q_s32(sums, low);
    vst1q_s32(sums + 4, high);
}

// One instruction multiplies 8 bytes by the weight and adds them into 16 bits.
void add_rows(const Taps& taps, size_t width, bool add, int32_t* sums) {
    constexpr size_t kVectors = 4;
    add_blocks<16 * kVectors>(taps, width, add, sums, [&](size_t x, bool more, int32_t* out) {
        uint16x8_t words[2 * kVectors] = {};
        for (int k = 0; k < taps.count; k++) {
            const uint8x16_t weight = vdupq_n_u8(taps.weight[k]);
            for (size_t v = 0; v < kVectors; v++) {
                const uint8x16_t row = vld1q_u8(taps.row[k] + x + 16 * v);
                words[2 * v] = vmlal_u8(words[2 * v], vget_low_u8(row), vget_low_u8(weight));
                words[2 * v + 1] = vmlal_high_u8(words[2 * v + 1], row, weight);
            }
        }
        for (size_t v = 0; v < 2 * kVectors; v++) widen(words[v], more, out + 8 * v);
    });
}

// The luma of 8 pixels, whose channels are apart; the shift rounds to nearest.
inline uint8x8_t grey_8(const uint8x8_t& first, const uint8x8_t& green, const uint8x8_t& last, bool bgr) {
    const uint16x8_t a = vmovl_u8(first), b = vmovl_u8(green), c = vmovl_u8(last);
    const uint16_t weight_a = bgr ? kBlue : kRed, weight_c = bgr ? kRed : kBlue;
    uint32x4_t low = vmull_n_u16(vget_low_u16(a), weight_a), high = vmull_high_n_u16(a, weight_a);
    low = vmlal_n_u16(low, vget_low_u16(b), kGreen), high = vmlal_high_n_u16(high, b, kGreen);
    low = vmlal_n_u16(low, vget_low_u16(c), weight_c), high = vmlal_high_n_u16(high, c, weight_c);
    return vmovn_u16(vrshrn_high_n_u32(vrshrn_n_u32(low, 16), high, 16));
}

void grey_row(const uint8_t* pixels, size_t width, bool bgr, uint8_t* out) {
    size_t x = 0;
    for (; x + 8 <= width; x += 8) {
        const uint8x8x3_t channels = vld3_u8(pixels + 3 * x);
        vst1_u8(out + x, grey_8(channels.val[0], channels.val[1], channels.val[2], bgr));
    }
    grey_pixels(pixels, x, width, bgr, out);
}

typedef int16_t Sample;

inline void dot(const int16_t* const rows[kDotRows], size_t first, const int16_t* weights, size_t count, int32_t* sums) {
    int32x4_t total[kDotRows] = {};
    for (size_t k = 0; k < count; k += 8) {
        const int16x8_t weight = vld1q_s16(weights + k);
        for (size_t r = 0; r < kDotRows; r++) {
            const int16x8_t row = vld1q_s16(rows[r] + first + k);
            total[r] = vmlal_high_s16(vmlal_s16(total[r], vget_low_s16(row), vget_low_s16(weight)), row, weight);
        }
    }
    for (size_t r = 0; r < kDotRows; r++) sums[r] = vaddvq_s32(total[r]);
}

#include "resample.inl"

}  // namespace neon

extern const Kernels kNeon{"neon",
    neon::add_rows, portable::mix_columns, portable::filter_exact, portable::dct, nullptr, portable::gradients, portable::middle,
    neon::grey_row, portable::lanczos, portable::split, nullptr, neon::resample_along,
    portable::among, portable::between, 2};

}  // namespace hashmatch

#endif
