// Rows of luma, pixel by pixel: included as kernels.inl is, by every file that has a `grey_row`.

// The weights of Pillow's luma.
constexpr int kRed = 19595, kGreen = 38470, kBlue = 7471;

// The luma of the pixels [begin, end) of a row of three packed channels.
inline void grey_pixels(const uint8_t* row, size_t begin, size_t end, bool bgr, uint8_t* out) {
    const int first = bgr ? kBlue : kRed, last = bgr ? kRed : kBlue;
    for (size_t x = begin; x < end; x++) {
        const int luma = first * row[3 * x] + kGreen * row[3 * x + 1] + last * row[3 * x + 2];
        out[x] = static_cast<uint8_t>((luma + 0x8000) >> 16);
    }
}
