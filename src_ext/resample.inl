// Lanczos's resampling along rows, kDotRows at once: included as kernels.inl is, below
//   Sample                                   what it multiplies: bytes, or 16 bits with a sign
//   dot(rows, first, weights, count, sums)   sums[r] = sum of rows[r][first + k] * weights[k], k in [0, count); lanes wrap

typedef int32_t RowSums __attribute__((vector_size(4 * kDotRows)));

inline const uint8_t* samples_of(const uint8_t* row, size_t, uint8_t*) { return row; }

inline const int16_t* samples_of(const uint8_t* row, size_t length, int16_t* room) {
    for (size_t x = 0; x < length; x++) room[x] = row[x];
    return room;
}

inline bool any_of(RowSums lanes) {
    typedef int64_t Pairs __attribute__((vector_size(4 * kDotRows)));
    const Pairs pairs = (Pairs)lanes;
    return (pairs[0] | pairs[1] | pairs[2] | pairs[3]) != 0;
}

inline RowSums levels(RowSums sums) {
    const RowSums whole = sums >> kPrecision, positive = whole < 0 ? 0 : whole;
    return positive > 255 ? 255 : positive;
}

// Apart, so that the registers of the usual case are its own.
__attribute__((noinline)) RowSums low_sums(const Resampling& axis, const Resampling::Output& output, const Sample* const samples[kDotRows]) {
    RowSums sums;
    dot(samples, output.first, axis.low + output.offset, output.taps, (int32_t*)&sums);
    return sums;
}

// The low parts of the weights are summed only where they can matter.
inline void dot_rows(const Resampling& axis, const Sample* const samples[kDotRows], uint8_t* out, size_t step) {
    typedef uint32_t Bits __attribute__((vector_size(4 * kDotRows)));
    typedef int16_t Words __attribute__((vector_size(2 * kDotRows)));
    typedef uint8_t Bytes __attribute__((vector_size(kDotRows), aligned(1), may_alias));
    for (size_t i = 0; i < axis.count; i++) {
        const Resampling::Output& output = axis.outputs[i];
        RowSums sums;
        dot(samples, output.first, axis.high + output.offset, output.taps, (int32_t*)&sums);
        sums = (RowSums)((Bits)sums << axis.shift) + (1 << (kPrecision - 1));
        if (__builtin_expect(any_of(levels(sums + output.less) ^ levels(sums + output.more)), 0))
            sums += low_sums(axis, output, samples);
        const Words words = __builtin_convertvector(levels(sums), Words);
        *(Bytes*)(out + i * step) = __builtin_convertvector(words, Bytes);
    }
}

void resample_along(const Resampling& axis, const uint8_t* const rows[kRowsAtOnce], void* room, uint8_t* out, size_t step) {
    const size_t room_step = axis.room() / (kDotRows * sizeof(Sample));
    const Sample* samples[kDotRows];
    for (size_t first = 0; first < kRowsAtOnce; first += kDotRows) {
        for (size_t r = 0; r < kDotRows; r++)
            samples[r] = samples_of(rows[first + r], axis.length, static_cast<Sample*>(room) + r * room_step);
        dot_rows(axis, samples, out + first, step);
    }
}
