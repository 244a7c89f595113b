// What stands before the scan of a baseline JPEG file.
#pragma once

#include "jpeg_codes.h"

namespace hashmatch {

struct JpegComponent {
    uint8_t id, across, down;  // blocks of a unit
    uint8_t quantization, dc, ac;
};

struct JpegHeader {
    size_t rows, cols;
    size_t count;  // of components, 1 or 3
    JpegComponent components[3];
    uint8_t quantization[4][kCoefficients];  // by row and column
    HuffmanCodes dc[4], ac[4];
    size_t interval;  // units between restarts, 0 where there are none
    const uint8_t* scan;

    // Reads up to the scan. Returns false where the file is not one that `jpeg_luma` decodes.
    bool read(const uint8_t* data, size_t size);

  private:
    bool read_segment(uint8_t marker, const uint8_t* data, size_t size);
    bool read_quantization(const uint8_t* data, size_t size);
    bool read_codes(const uint8_t* data, size_t size);
    bool read_frame(const uint8_t* data, size_t size);
    bool read_scan(const uint8_t* data, size_t size);
    bool has_luma() const;

    bool quantized_[4] = {};
};

// Where the coefficients that a file lists one after the other stand in a block; beyond the last, anywhere else.
extern const uint8_t kZigzag[kCoefficients + 16];

}  // namespace hashmatch
