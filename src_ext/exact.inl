// The reference's filter, operation by operation, without its four passes over memory: included as kernels.inl is.
//
// Reference: box1DFloat and jaroszFilterFloat of pdq/cpp/downscaling/downscaling.cpp. Each of its sums runs along one
// row or column, `sum += in; sum -= in; out = sum / count`, in float. Here 8 of them run side by side: columns in the
// passes down the image, rows (by way of 8 x 8 transpositions) in the passes across. A band of 8 rows goes through
//   luma -> across -> [ring of rows] -> down -> across, at the 64 sampled columns -> [ring] -> down, at sampled rows
// and the rings keep as many rows as a window spans.

typedef float Float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float Float8 __attribute__((vector_size(32), aligned(4), may_alias));

inline void transpose4(const float* in, size_t in_stride, float* out, size_t out_stride) {
    const Float4 a = *(const Float4*)(in), b = *(const Float4*)(in + in_stride);
    const Float4 c = *(const Float4*)(in + 2 * in_stride), d = *(const Float4*)(in + 3 * in_stride);
    const Float4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Float4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(Float4*)(out) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(Float4*)(out + out_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(Float4*)(out + 2 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(Float4*)(out + 3 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

inline void transpose8(const float* in, size_t in_stride, float* out, size_t out_stride) {
    for (size_t i = 0; i < 8; i += 4)
        for (size_t j = 0; j < 8; j += 4) transpose4(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
}

// One box pass along `in`, 8 sums at once: emit(o, sum, count) for each output o, whose value is sum / count.
template <class Emit>
inline void slide(const Axis& axis, const float* in, Emit emit) {
    const Float8* values = (const Float8*)in;
    Float8 sum = {};
    size_t right = 0, left = 0, o = 0;
    for (; right + 1 < axis.half; right++) sum += values[right];
    for (; right < axis.window; right++, o++) {
        sum += values[right];
        emit(o, sum, right + 1);
    }
    for (; right < axis.n; right++, left++, o++) {
        sum += values[right];
        sum -= values[left];
        emit(o, sum, axis.window);
    }
    for (size_t count = axis.window - 1; o < axis.n; o++, left++, count--) {
        sum -= values[left];
        emit(o, sum, count);
    }
}

// out[i] = .299 R + .587 G + .114 B of packed pixels in float, left to right; luma as it is.
inline void luma_row(const Image& image, const uint8_t* in, size_t count, float* out) {
    if (image.depth() == 1) {
        for (size_t i = 0; i < count; i++) out[i] = in[i];
        return;
    }
    const uint8_t *red = in + (image.bgr ? 2 : 0), *green = in + 1, *blue = in + (image.bgr ? 0 : 2);
    for (size_t i = 0; i < count; i++) out[i] = 0.299f * red[3 * i] + 0.587f * green[3 * i] + 0.114f * blue[3 * i];
}

struct Exact {
    const Image& image;
    const Axis &down, &across;
    const ExactScratch scratch;
    float column_sums[64];

    float* ring_row(size_t y) const { return scratch.ring + y % scratch.ring_rows * scratch.width; }

    // Band of pixels into scratch.band, transposed: 8 rows of each column together. Rows past the end repeat the last.
    void load(size_t y) const {
        constexpr size_t kBlock = 64;
        float block[8][kBlock] = {};
        uint8_t room[3 * kBlock];
        for (size_t x = 0; x < across.n; x += kBlock) {
            const size_t count = across.n - x < kBlock ? across.n - x : kBlock;
            for (size_t k = 0; k < 8; k++) {
                const size_t row = y + k < down.n ? y + k : down.n - 1;
                luma_row(image, image.pixels(row, x, count, room), count, block[k]);
            }
            for (size_t j = 0; j < count; j += 8) transpose8(block[0] + j, kBlock, scratch.band + (x + j) * 8, 8);
        }
    }

    // First pass across: from scratch.band into the ring's rows y .. y + 7.
    void first_across(size_t y) const {
        Float8 columns[8] = {};
        float* const out = ring_row(y);
        slide(across, scratch.band, [&](size_t o, const Float8& sum, size_t count) {
            columns[o % 8] = sum / static_cast<float>(count);
            if (o % 8 == 7 || o + 1 == across.n)
                transpose8((const float*)columns, 8, out + o / 8 * 8, scratch.width);
        });
    }

    // First pass down: outputs y .. y + 7 from the ring into scratch.band, transposed.
    void first_down(size_t y) const {
        const float *added[8], *removed[8];
        float count[8];
        for (size_t k = 0; k < 8; k++) {
            const size_t right = y + k + down.half - 1;
            added[k] = right < down.n ? ring_row(right) : scratch.zeros;
            removed[k] = right >= down.window && y + k < down.n ? ring_row(right - down.window) : scratch.zeros;
            count[k] = static_cast<float>(down.count(y + k));
        }
        for (size_t x = 0; x < across.n; x += 8) {
            Float8 sum = *(const Float8*)(scratch.sums + x), rows[8];
            for (size_t k = 0; k < 8; k++) {
                sum += *(const Float8*)(added[k] + x);
                sum -= *(const Float8*)(removed[k] + x);
                rows[k] = sum / count[k];
            }
            *(Float8*)(scratch.sums + x) = sum;
            transpose8((const float*)rows, 8, scratch.band + x * 8, 8);
        }
    }

    // Second pass across: from scratch.band, at the sampled columns, into 8 rows of 64.
    void second_across(float rows[8][64]) const {
        Float8 columns[64];
        size_t next = 0;
        slide(across, scratch.band, [&](size_t o, const Float8& sum, size_t count) {
            for (; next < 64 && across.sample(next) == o; next++) columns[next] = sum / static_cast<float>(count);
        });
        for (size_t x = 0; x < 64; x += 8) transpose8((const float*)(columns + x), 8, rows[0] + x, 64);
    }

    // Second pass down, one step: takes row y (null past the end) and gives output y - half + 1 where it is sampled.
    void second_down(size_t y, const float* row, size_t& next, float out[64][64]) {
        float* const kept = scratch.column_ring + y % down.window * 64;
        for (size_t x = 0; row && x < 64; x++) column_sums[x] += row[x];
        for (size_t x = 0; y >= down.window && x < 64; x++) column_sums[x] -= kept[x];
        for (size_t x = 0; row && x < 64; x++) kept[x] = row[x];
        if (y + 1 < down.half) return;
        const size_t o = y + 1 - down.half;
        const float count = static_cast<float>(down.count(o));
        for (; next < 64 && down.sample(next) == o; next++)
            for (size_t x = 0; x < 64; x++) out[next][x] = column_sums[x] / count;
    }

    void run(float out[64][64]) {
        size_t loaded = 0, next = 0;
        const auto load_to = [&](size_t end) {
            for (; loaded < end; loaded += 8) {
                load(loaded);
                first_across(loaded);
            }
        };
        load_to(down.half - 1);
        for (size_t y = 0; y + 1 < down.half; y++)
            for (size_t x = 0; x < across.n; x++) scratch.sums[x] += ring_row(y)[x];
        for (size_t y = 0; y < down.n; y += 8) {
            load_to(down.n < y + 7 + down.half ? down.n : y + 7 + down.half);
            first_down(y);
            float rows[8][64];
            second_across(rows);
            for (size_t k = 0; k < 8 && y + k < down.n; k++) second_down(y + k, rows[k], next, out);
        }
        for (size_t y = down.n; y + 1 < down.n + down.half; y++) second_down(y, nullptr, next, out);
    }
};

void filter_exact(const Image& image, const Axis& down, const Axis& across, const ExactScratch& scratch,
                  float out[64][64]) {
    Exact{image, down, across, scratch, {}}.run(out);
}
