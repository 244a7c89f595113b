// kBand x kBand floats turned, four or eight rows at a time: included as kernels.inl is.

typedef float Float4 __attribute__((vector_size(16), aligned(4), may_alias));

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
    constexpr size_t kRows = kVectorBytes >= 32 ? 8 : 4;
    for (size_t i = 0; i < kBand; i += kRows) {
        for (size_t j = 0; j < kBand; j += 4) {
            if constexpr (kRows == 8) transpose8(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
            else transpose4(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
        }
    }
}
