// The first pass across of the exact filter, a band of rows into the ring: included by exact.inl.

// One box pass across a band, whose columns are put `at` their place before they are taken.
class Across {
  public:
    Across(const Axis& axis, float* columns) : axis_(axis), columns_(columns), mask_(axis.kept() - 1), full_(axis.window) {}

    Line& at(size_t x) const { return ((Line*)columns_)[x & mask_]; }

    // Takes columns [x, end); emit(o, sum, divisor) for each output o of which the last column is there.
    template <class Emit>
    void take(size_t x, size_t end, Emit emit) {
        Line sum = sum_;
        for (; x < end && x < axis_.window; x++) {
            sum.add(at(x));
            if (x + 1 >= axis_.half) emit(x + 1 - axis_.half, sum, Divisor(x + 1));
        }
        for (; x < end; x++) {
            sum.slide(at(x), at(x - axis_.window));
            emit(x + 1 - axis_.half, sum, full_);
        }
        sum_ = sum;
    }

    // Emits the outputs that remain once all columns have been taken.
    template <class Emit>
    void finish(Emit emit) {
        for (size_t o = axis_.n + 1 - axis_.half, count = axis_.window - 1; o < axis_.n; o++, count--) {
            sum_.subtract(at(axis_.n - count - 1));
            emit(o, sum_, Divisor(count));
        }
    }

  private:
    const Axis& axis_;
    float* const columns_;
    const size_t mask_;
    const Divisor full_;
    Line sum_ = {};
};

struct FirstAcross {
    const Image& image;
    const Axis &down, &axis;
    const ExactScratch& scratch;

    // A band of rows, of which the first is `first` - scratch.ring_shift, to their place in the first block of the ring; those
    // before the image and past its end are anything.
    void band(size_t first, uint16_t* ring) const {
        const size_t shift = scratch.ring_shift;
        for (size_t k = 0; k < kBand; k++)
            if (first + k >= shift && first + k < shift + down.n) whole(first + k - shift, ring + k * kBand);
    }

    void band(size_t first, float* ring) const {
        Across pass(axis, scratch.columns);
        const uint8_t* rows[kBand];
        for (size_t k = 0; k < kBand; k++) {
            const size_t y = first + k < scratch.ring_shift ? 0 : first + k - scratch.ring_shift;
            rows[k] = image.pixels(y < down.n ? y : down.n - 1, 0, axis.n, scratch.room + k * scratch.row_bytes);
        }
        Line ready[kBand] = {};
        const auto emit = [&](size_t o, const Line& sum, const Divisor& by) {
            ready[o % kBand].divide(sum, by);
            if (o % kBand == kBand - 1 || o + 1 == axis.n)
                transpose((const float*)ready, kBand, ring + o / kBand * scratch.block, kBand);
        };
        for (size_t x = 0; x < axis.n; x += kBand) {
            load(rows, x, (float*)&pass.at(x));
            pass.take(x, x + kBand < axis.n ? x + kBand : axis.n, emit);
        }
        pass.finish(emit);
    }

  private:
    // The sums of row y of luma, as differences of the sums of all pixels before.
    void whole(size_t y, uint16_t* ring) const {
        const size_t n = axis.n;
        uint16_t* const before = scratch.running + axis.window - axis.half;  // before[x]: of x pixels
        running_sums(image.pixels(y, 0, n, scratch.room), n, before + 1);
        for (size_t x = n + 1; x < n + axis.half + kBand; x++) before[x] = before[n];
        for (size_t x = 0; x < n; x += kBand) {
            typedef uint16_t Words __attribute__((vector_size(2 * kBand), aligned(2), may_alias));
            const Words &left = *(const Words*)(scratch.running + x), &right = *(const Words*)(scratch.running + x + axis.window);
            *(Words*)(ring + x / kBand * scratch.block) = right - left;
        }
    }

    // kBand columns of luma from x on, transposed. Columns past the end are anything.
    void load(const uint8_t* const rows[kBand], size_t x, float* out) const {
        alignas(Line) float block[kBand][kBand];
        const size_t depth = image.depth(), count = axis.n - x;
        for (size_t k = 0; k < kBand; k++) {
            const uint8_t* from = rows[k] + x * depth;
            uint8_t last[3 * kBand];
            if (count < kBand) from = static_cast<const uint8_t*>(__builtin_memcpy(last, from, count * depth));
            if (depth == 1) luma_row(from, block[k]);
            else colour_row(from, image.bgr, block[k]);
        }
        transpose(block[0], kBand, out, kBand);
    }
};
