// Lanczos's resampling of several rows at once: included as kernels.inl is, below
//   dot(rows, first, weights, count, sums)   sums[r] = sum of rows[r][first + k] * weights[k], k in [0, count); lanes wrap

typedef int32_t RowSums __attribute__((vector_size(4 * kRowsAtOnce)));

inline RowSums levels(RowSums sums) {
    const RowSums whole = sums >> kPrecision, positive = whole < 0 ? 0 : whole;
    return positive > 255 ? 255 : positive;
}

// The low parts of the weights are summed only where they can matter.
void resample(const Resampling& axis, const int16_t* const rows[kRowsAtOnce], int16_t* out, size_t step) {
    typedef uint32_t Bits __attribute__((vector_size(4 * kRowsAtOnce)));
    typedef int16_t Words __attribute__((vector_size(2 * kRowsAtOnce), aligned(2), may_alias));
    for (size_t i = 0; i < axis.count; i++) {
        const Resampling::Output& output = axis.outputs[i];
        RowSums sums, low;
        dot(rows, output.first, axis.high + output.offset, output.taps, (int32_t*)&sums);
        sums = (RowSums)((Bits)sums << axis.shift) + (1 << (kPrecision - 1));
        const RowSums doubt = levels(sums + output.less) != levels(sums + output.more);
        int32_t any = 0;
        for (size_t r = 0; r < kRowsAtOnce; r++) any |= doubt[r];
        if (__builtin_expect(any, 0)) {
            dot(rows, output.first, axis.low + output.offset, output.taps, (int32_t*)&low);
            sums += low;
        }
        *(Words*)(out + i * step) = __builtin_convertvector(levels(sums), Words);
    }
}
