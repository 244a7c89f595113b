// The reference's filter, operation by operation, without its four passes over memory: included as kernels.inl is, and
// below what each CPU file has of its own:
//   Divisor, quotient(sum, divisor)   the division of a vector of sums by counts, rounded to nearest
//   luma_row(pixels, out)             kBand packed pixels of luma as floats
//   colour_row(pixels, bgr, out)      .299 R + .587 G + .114 B of kBand packed pixels in float, from left to right
//   running_sums(pixels, count, out)  out[x] = the sum of pixels[0 .. x], in 16 bits that wrap; fills its last vector
//   whole(sums)                       a vector of such sums as floats
//   transpose(in, in_stride, out, out_stride)   kBand x kBand floats
//
// Reference: box1DFloat and jaroszFilterFloat of pdq/cpp/downscaling/downscaling.cpp. Each of its sums runs along one
// row or column, `sum += in; sum -= in; out = sum / count`, in float. Here kBand of them run side by side: columns in the
// passes down the image, rows (by way of transpositions) in the passes across; but for luma the first pass across, whose
// sums are whole numbers that no order changes. A band of rows goes, a block of columns at a time, through
//   luma -> across -> [ring of rows] -> down -> across, at the 64 sampled columns -> [ring] -> down, at sampled rows
// and the rings keep as many rows, or columns, as a window spans.

typedef float Floats __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

constexpr size_t kWide = kVectorBytes / sizeof(float), kParts = kBand / kWide;

// A column of a band, or kBand columns of a row.
struct alignas(4 * kBand) Line {
    Floats part[kParts];

    void add(const Line& added) {
        for (size_t p = 0; p < kParts; p++) part[p] += added.part[p];
    }

    void subtract(const Line& removed) {
        for (size_t p = 0; p < kParts; p++) part[p] -= removed.part[p];
    }

    void slide(const Line& added, const Line& removed) {
        add(added);
        subtract(removed);
    }

    void divide(const Line& sum, const Divisor& by) {
        for (size_t p = 0; p < kParts; p++) part[p] = quotient(sum.part[p], by);
    }
};

#include "across.inl"

// kBand columns of the ring: what the first pass across gives, or for luma its sums, which take half the memory and are
// divided as they are read.
template <class Sample>
struct Block {
    const Sample* samples;
    Divisor by[kParts];

    // Row `at` begins at that place.
    Line operator[](size_t at) const {
        Line row;
        for (size_t p = 0; p < kParts; p++) row.part[p] = sample(samples + at + p * kWide, by[p]);
        return row;
    }

  private:
    static Floats sample(const float* at, const Divisor&) { return *(const Floats*)at; }

    static Floats sample(const uint16_t* at, const Divisor& by) { return quotient(whole(at), by); }
};

template <class Sample>
struct Exact {
    const Image& image;
    const Axis &down, &across;
    const ExactScratch& scratch;
    float column_sums[64];

    // Where row y of the ring begins, within each block.
    size_t ring_row(size_t y) const { return (y + scratch.ring_shift) % scratch.ring_rows * kBand; }

    Sample* ring() const { return (Sample*)scratch.ring; }

    // The block of column x.
    Block<Sample> block(size_t x) const {
        Block<Sample> found;
        found.samples = ring() + x / kBand * scratch.block;
        for (size_t p = 0; p < kParts; p++) found.by[p] = Divisor(scratch.counts + x + p * kWide);
        return found;
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

    // First pass down and second across, at the sampled columns, which have whole windows: outputs y .. y + kBand - 1 into
    // rows of 64. Columns are transposed a block behind the pass down, and the pass across is one more behind, so that none
    // waits for another.
    void second_across(size_t y, float rows[kBand][64]) const {
        const Steps entering = steps(y);
        const Divisor full(across.window);
        const size_t mask = across.kept() * kBand - 1, end = across.sample(63) + across.half;
        const auto column = [&](size_t x) -> Line& { return *(Line*)(scratch.columns + (x * kBand & mask)); };
        Line sum{}, sampled[64], sums[kBand], turned[2][kBand] = {};
        for (size_t x = 0; x < across.window + 2 * kBand; x++) column(x - across.window - 2 * kBand) = sum;
        size_t next = 0;
        for (size_t x = 0; x < end + 2 * kBand; x += kBand) {
            transpose((const float*)turned[x / kBand % 2], kBand, (float*)&column(x - kBand), kBand);
            const Line* const behind = &column(x - 2 * kBand);
            const size_t leaving = x - 2 * kBand - across.window;
            const Block<Sample> entered = block(x < end ? x : 0);
            Line down_sum = ((const Line*)scratch.sums)[x / kBand], *const passed = turned[1 - x / kBand % 2];
#pragma GCC unroll 4
            for (size_t k = 0; k < kBand; k++) {
                down_sum.slide(entered[entering.added[k]], entered[entering.removed[k]]);
                passed[k].divide(down_sum, entering.by[k]);
                sum.slide(behind[k], column(leaving + k));
                sums[k] = sum;
            }
            ((Line*)scratch.sums)[x / kBand] = down_sum;
            for (; next < 64 && across.sample(next) + across.half - 1 < x - kBand && x > kBand; next++)
                sampled[next].divide(sums[(across.sample(next) + across.half - 1) % kBand], full);
        }
        for (size_t x = 0; x < 64; x += kBand) transpose((const float*)(sampled + x), kBand, rows[0] + x, 64);
    }

    // Second pass down, one step: takes row y and gives output y - half + 1 where it is sampled, which has a whole window.
    void second_down(size_t y, const float* row, size_t& next, float out[64][64]) {
        float* const kept = scratch.column_ring + y % down.window * 64;
        for (size_t x = 0; x < 64; x++) column_sums[x] += row[x];
        for (size_t x = 0; x < 64; x++) column_sums[x] -= kept[x];
        for (size_t x = 0; x < 64; x++) kept[x] = row[x];
        const float count = static_cast<float>(down.window);
        for (; next < 64 && down.sample(next) + down.half - 1 == y; next++)
            for (size_t x = 0; x < 64; x++) out[next][x] = column_sums[x] / count;
    }

    void run(float out[64][64]) {
        const FirstAcross first{image, down, across, scratch};
        size_t loaded = 0, next = 0;
        const auto load_to = [&](size_t end) {
            for (; loaded < end + scratch.ring_shift; loaded += kBand) first.band(loaded, ring() + loaded % scratch.ring_rows * kBand);
        };
        load_to(down.half - 1);
        for (size_t x = 0; x < across.n; x += kBand) {
            const Block<Sample> entered = block(x);
            for (size_t y = 0; y + 1 < down.half; y++) ((Line*)(scratch.sums + x))->add(entered[ring_row(y)]);
        }
        for (size_t y = 0; next < 64; y += kBand) {
            load_to(down.n < y + kBand - 1 + down.half ? down.n : y + kBand - 1 + down.half);
            alignas(Line) float rows[kBand][64];
            second_across(y, rows);
            for (size_t k = 0; k < kBand; k++) second_down(y + k, rows[k], next, out);
        }
    }
};

void filter_exact(const Image& image, const Axis& down, const Axis& across, const ExactScratch& scratch,
                  float out[64][64]) {
    if (scratch.running) Exact<uint16_t>{image, down, across, scratch, {}}.run(out);
    else Exact<float>{image, down, across, scratch, {}}.run(out);
}
