// Rows of pixels that are not packed.

#include "core.h"

namespace hashmatch {
namespace {

// Luma under alpha, over white, rounded to nearest; (v + 1 + v / 256) / 256 is v / 255 below 65,535.
uint8_t over_white(uint8_t luma, uint8_t alpha) {
    const int scaled = luma * alpha + 127;
    return static_cast<uint8_t>((scaled + 1 + scaled / 256) / 256 + 255 - alpha);
}

}  // namespace

void Image::pack(const uint8_t* at, size_t count, uint8_t* out) const {
    if (channels == 2 && pixel_step == 2 && channel_step == 1) {  // as the next, with steps that the compiler knows
        for (size_t x = 0; x < count; x++) out[x] = over_white(at[2 * x], at[2 * x + 1]);
    } else if (channels == 2) {
        for (size_t x = 0; x < count; x++, at += pixel_step) out[x] = over_white(at[0], at[channel_step]);
    } else if (channels == 1) {
        for (size_t x = 0; x < count; x++, at += pixel_step) out[x] = at[0];
    } else {
        for (size_t x = 0; x < count; x++, at += pixel_step)
            for (int c = 0; c < 3; c++) out[3 * x + c] = at[c * channel_step];
    }
}

}  // namespace hashmatch
