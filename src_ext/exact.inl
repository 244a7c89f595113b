// The reference's filter, operation by operation, without its four passes over memory: included as kernels.inl is, and
// below what each CPU file has of its own:
//   Divisor, quotient(sum, divisor)   the division of a vector of sums by a count, rounded to nearest
//   luma_row(pixels, out)             kBand packed pixels of luma as floats
//   colour_row(pixels, bgr, out)      .299 R + .587 G + .114 B of kBand packed pixels in float, from left to right
//
// Reference: box1DFloat and jaroszFilterFloat of pdq/cpp/downscaling/downscaling.cpp. Each of its sums runs along one
// row or column, `sum += in; sum -= in; out = sum / count`, in float. Here kBand of them run side by side: columns in the
// passes down the image, rows (by way of transpositions) in the passes across. A band of rows goes, a block of columns
// at a time, through
//   luma -> across -> [ring of rows] -> down -> across, at the 64 sampled columns -> [ring] -> down, at sampled rows
// and the rings keep as many rows, or columns, as a window spans.

typedef float Float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float Floats __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

constexpr size_t kWide = kVectorBytes / sizeof(float), kParts = kBand / kWide;

// A column of a band, or kBand columns of a row.
struct alignas(4 * kBand) Line {
    Floats part[kParts];
};

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

// The same for 8 rows of 4, as two of 4 x 4 side by side: it writes 4 rows of 8.
inline void transpose8(const float* in, size_t in_stride, float* out, size_t out_stride) {
    typedef float Float8 __attribute__((vector_size(32), aligned(4), may_alias));
    const auto pair = [&](size_t i) {
        return __builtin_shufflevector(*(const Float4*)(in + i * in_stride), *(const Float4*)(in + (i + 4) * in_stride),
                                       0, 1, 2, 3, 4, 5, 6, 7);
    };
    const Float8 a = pair(0), b = pair(1), c = pair(2), d = pair(3);
    const Float8 ab_low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 ab_high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float8 cd_low = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 cd_high = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    *(Float8*)(out) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 8, 9, 4, 5, 12, 13);
    *(Float8*)(out + out_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 10, 11, 6, 7, 14, 15);
    *(Float8*)(out + 2 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 8, 9, 4, 5, 12, 13);
    *(Float8*)(out + 3 * out_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 10, 11, 6, 7, 14, 15);
}

// kBand x kBand.
inline void transpose(const float* in, size_t in_stride, float* out, size_t out_stride) {
    constexpr size_t kRows = kWide >= 8 ? 8 : 4;
    for (size_t i = 0; i < kBand; i += kRows) {
        for (size_t j = 0; j < kBand; j += 4) {
            if constexpr (kRows == 8) transpose8(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
            else transpose4(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
        }
    }
}

// One box pass across a band, whose columns are put `at` their place before they are taken.
class Across {
  public:
    Across(const Axis& axis, float* columns) : axis_(axis), columns_(columns), mask_(axis.kept() - 1), full_(axis.window) {}

    float* at(size_t x) const { return columns_ + (x & mask_) * kBand; }

    // Takes columns [x, end); emit(o, sum, divisor) for each output o of which the last column is there.
    template <class Emit>
    void take(size_t x, size_t end, Emit emit) {
        Line sum = sum_;
        for (; x < end && x < axis_.window; x++) {
            add(sum, x);
            if (x + 1 >= axis_.half) emit(x + 1 - axis_.half, sum, Divisor(x + 1));
        }
        for (; x < end; x++) {
            add(sum, x);
            subtract(sum, x - axis_.window);
            emit(x + 1 - axis_.half, sum, full_);
        }
        sum_ = sum;
    }

    // Emits the outputs that remain once all columns have been taken.
    template <class Emit>
    void finish(Emit emit) {
        for (size_t o = axis_.n + 1 - axis_.half, count = axis_.window - 1; o < axis_.n; o++, count--) {
            subtract(sum_, axis_.n - count - 1);
            emit(o, sum_, Divisor(count));
        }
    }

  private:
    void add(Line& sum, size_t x) const {
        const Line& added = *(const Line*)at(x);
        for (size_t p = 0; p < kParts; p++) sum.part[p] += added.part[p];
    }

    void subtract(Line& sum, size_t x) const {
        const Line& removed = *(const Line*)at(x);
        for (size_t p = 0; p < kParts; p++) sum.part[p] -= removed.part[p];
    }

    const Axis& axis_;
    float* const columns_;
    const size_t mask_;
    const Divisor full_;
    Line sum_ = {};
};

struct Exact {
    const Image& image;
    const Axis &down, &across;
    const ExactScratch& scratch;
    float column_sums[64];

    // Where row y of the ring begins, within each block.
    size_t ring_row(size_t y) const { return y % scratch.ring_rows * kBand; }

    // The block of column x.
    float* ring_block(size_t x) const { return scratch.ring + x / kBand * scratch.block; }

    // Rows y .. y + kBand - 1, packed; past the end the last again.
    struct Rows {
        const uint8_t* at[kBand];
    };

    Rows pixels(size_t y) const {
        Rows rows;
        for (size_t k = 0; k < kBand; k++) {
            const size_t row = y + k < down.n ? y + k : down.n - 1;
            rows.at[k] = image.pixels(row, 0, across.n, scratch.room + k * scratch.row_bytes);
        }
        return rows;
    }

    // kBand columns of luma from x on, transposed. Columns past the end are anything.
    void load(const Rows& rows, size_t x, float* out) const {
        alignas(Line) float block[kBand][kBand];
        const size_t depth = image.depth(), count = across.n - x;
        for (size_t k = 0; k < kBand; k++) {
            const uint8_t* from = rows.at[k] + x * depth;
            uint8_t last[3 * kBand];
            if (count < kBand) from = static_cast<const uint8_t*>(__builtin_memcpy(last, from, count * depth));
            if (depth == 1) luma_row(from, block[k]);
            else colour_row(from, image.bgr, block[k]);
        }
        transpose(block[0], kBand, out, kBand);
    }

    // First pass across: rows y .. y + kBand - 1 into the ring.
    void first_across(size_t y) const {
        Across pass(across, scratch.columns);
        const Rows rows = pixels(y);
        const size_t row = ring_row(y);
        Line ready[kBand] = {};
        const auto emit = [&](size_t o, const Line& sum, const Divisor& by) {
            for (size_t p = 0; p < kParts; p++) ready[o % kBand].part[p] = quotient(sum.part[p], by);
            if (o % kBand == kBand - 1 || o + 1 == across.n)
                transpose((const float*)ready, kBand, ring_block(o) + row, kBand);
        };
        for (size_t x = 0; x < across.n; x += kBand) {
            load(rows, x, pass.at(x));
            pass.take(x, x + kBand < across.n ? x + kBand : across.n, emit);
        }
        pass.finish(emit);
    }

    // The rows that enter and leave the first pass down at its outputs y .. y + kBand - 1, as places in a block, and by
    // what it divides.
    struct Steps {
        size_t added[kBand], removed[kBand];
        Divisor by[kBand];
    };

    Steps steps(size_t y) const {
        const size_t zeros = scratch.ring_rows * kBand;
        Steps found;
        for (size_t k = 0; k < kBand; k++) {
            const size_t right = y + k + down.half - 1;
            found.added[k] = right < down.n ? ring_row(right) : zeros;
            found.removed[k] = right >= down.window && y + k < down.n ? ring_row(right - down.window) : zeros;
            found.by[k] = Divisor(down.count(y + k));
        }
        return found;
    }

    // First pass down, of kBand columns from x on; transposed.
    void first_down(const Steps& steps, size_t x, float* out) const {
        const float* const block = ring_block(x);
        Line sum = *(const Line*)(scratch.sums + x), rows[kBand];
        for (size_t k = 0; k < kBand; k++) {
            const Line &added = *(const Line*)(block + steps.added[k]), &removed = *(const Line*)(block + steps.removed[k]);
            for (size_t p = 0; p < kParts; p++) {
                sum.part[p] += added.part[p];
                sum.part[p] -= removed.part[p];
                rows[k].part[p] = quotient(sum.part[p], steps.by[k]);
            }
        }
        *(Line*)(scratch.sums + x) = sum;
        transpose((const float*)rows, kBand, out, kBand);
    }

    // First pass down and second across, at the sampled columns: outputs y .. y + kBand - 1 into rows of 64.
    void second_across(size_t y, float rows[kBand][64]) const {
        const Steps entering = steps(y);
        Across pass(across, scratch.columns);
        Line sampled[64];
        size_t next = 0, at = across.sample(0);
        const auto emit = [&](size_t o, const Line& sum, const Divisor& by) {
            for (; o == at; at = ++next < 64 ? across.sample(next) : across.n)
                for (size_t p = 0; p < kParts; p++) sampled[next].part[p] = quotient(sum.part[p], by);
        };
        for (size_t x = 0; x < across.n; x += kBand) {
            first_down(entering, x, pass.at(x));
            pass.take(x, x + kBand < across.n ? x + kBand : across.n, emit);
        }
        pass.finish(emit);
        for (size_t x = 0; x < 64; x += kBand) transpose((const float*)(sampled + x), kBand, rows[0] + x, 64);
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
            for (; loaded < end; loaded += kBand) first_across(loaded);
        };
        load_to(down.half - 1);
        for (size_t y = 0; y + 1 < down.half; y++)
            for (size_t x = 0; x < across.n; x++) scratch.sums[x] += ring_block(x)[ring_row(y) + x % kBand];
        for (size_t y = 0; y < down.n; y += kBand) {
            load_to(down.n < y + kBand - 1 + down.half ? down.n : y + kBand - 1 + down.half);
            alignas(Line) float rows[kBand][64];
            second_across(y, rows);
            for (size_t k = 0; k < kBand && y + k < down.n; k++) second_down(y + k, rows[k], next, out);
        }
        for (size_t y = down.n; y + 1 < down.n + down.half; y++) second_down(y, nullptr, next, out);
    }
};

void filter_exact(const Image& image, const Axis& down, const Axis& across, const ExactScratch& scratch,
                  float out[64][64]) {
    Exact{image, down, across, scratch, {}}.run(out);
}
