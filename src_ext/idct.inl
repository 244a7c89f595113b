// The inverse DCT of libjpeg's jidctint.c (Loeffler, Ligtenberg and Moschytz, 1989), two blocks at a time, by multiply-adds
// of pairs of 16 bits: included by avx2.cpp. Its constants have 13 bits behind the point, and what columns leave for the rows
// has 2. Without these instructions it is slower than libjpeg's own, so that other variants have none.

// 32-bit sums of 16 lanes, as unpacking leaves them.
struct Sums {
    __m256i low, high;
};

inline Sums operator+(const Sums& a, const Sums& b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

inline Sums operator-(const Sums& a, const Sums& b) {
    return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

// Two vectors whose lanes are multiplied in pairs.
struct Pair {
    __m256i low, high;

    Pair(const __m256i& a, const __m256i& b) : low(_mm256_unpacklo_epi16(a, b)), high(_mm256_unpackhi_epi16(a, b)) {}

    // a * by_a + b * by_b
    Sums times(int by_a, int by_b) const {
        const __m256i by = _mm256_set1_epi32(static_cast<int>((by_a & 0xffff) | static_cast<uint32_t>(by_b) << 16));
        return {_mm256_madd_epi16(low, by), _mm256_madd_epi16(high, by)};
    }
};

// a * 2^13
inline Sums scaled(const __m256i& a) {
    const __m256i zero = _mm256_setzero_si256();
    return {_mm256_srai_epi32(_mm256_unpacklo_epi16(zero, a), 3), _mm256_srai_epi32(_mm256_unpackhi_epi16(zero, a), 3)};
}

template <int kShift>
inline __m256i narrow(const Sums& sums) {
    return _mm256_packs_epi32(_mm256_srai_epi32(sums.low, kShift), _mm256_srai_epi32(sums.high, kShift));
}

// One dimension of it: `in` is 8 coefficients of 16 columns, and becomes their 8 values, shifted.
template <int kShift>
inline void idct_16(__m256i in[8]) {
    const __m256i rounding = _mm256_set1_epi32(1 << (kShift - 1));
    const Sums half{rounding, rounding};
    const Pair turn(in[2], in[6]);
    const Sums even_3 = turn.times(4433 + 6270, 4433), even_2 = turn.times(4433, 4433 - 15137);
    const Sums even_0 = scaled(_mm256_add_epi16(in[0], in[4])) + half, even_1 = scaled(_mm256_sub_epi16(in[0], in[4])) + half;
    const Pair both(_mm256_add_epi16(in[7], in[3]), _mm256_add_epi16(in[5], in[1])), outer(in[7], in[1]), inner(in[5], in[3]);
    const Sums cross_2 = both.times(9633 - 16069, 9633), cross_3 = both.times(9633, 9633 - 3196);
    const Sums even[4] = {even_0 + even_3, even_1 + even_2, even_1 - even_2, even_0 - even_3};
    const Sums odd[4] = {outer.times(-7373, 12299 - 7373) + cross_3, inner.times(-20995, 25172 - 20995) + cross_2,
                         inner.times(16819 - 20995, -20995) + cross_3, outer.times(2446 - 7373, -7373) + cross_2};
    for (int i = 0; i < 4; i++) {
        in[i] = narrow<kShift>(even[i] + odd[i]);
        in[7 - i] = narrow<kShift>(even[i] - odd[i]);
    }
}

// Turns rows and columns of either half.
inline void transpose(__m256i rows[8]) {
    for (int round = 0; round < 3; round++) {
        __m256i turned[8];
        for (int i = 0; i < 4; i++) {
            turned[2 * i] = _mm256_unpacklo_epi16(rows[i], rows[i + 4]);
            turned[2 * i + 1] = _mm256_unpackhi_epi16(rows[i], rows[i + 4]);
        }
        for (int i = 0; i < 8; i++) rows[i] = turned[i];
    }
}

// Writes 16 columns of 8 values as bytes, 8 rows of 16.
inline void write_columns(const __m256i columns[8], uint8_t* out, size_t step) {
    __m256i bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = _mm256_packs_epi16(columns[i], columns[i + 4]);
    const __m256i even_low = _mm256_unpacklo_epi8(bytes[0], bytes[2]), even_high = _mm256_unpackhi_epi8(bytes[0], bytes[2]);
    const __m256i odd_low = _mm256_unpacklo_epi8(bytes[1], bytes[3]), odd_high = _mm256_unpackhi_epi8(bytes[1], bytes[3]);
    const __m256i left[2] = {_mm256_unpacklo_epi8(even_low, odd_low), _mm256_unpackhi_epi8(even_low, odd_low)};
    const __m256i right[2] = {_mm256_unpacklo_epi8(even_high, odd_high), _mm256_unpackhi_epi8(even_high, odd_high)};
    for (int i = 0; i < 4; i++) {
        const __m256i halves = i % 2 ? _mm256_unpackhi_epi32(left[i / 2], right[i / 2]) : _mm256_unpacklo_epi32(left[i / 2], right[i / 2]);
        const __m256i centred = _mm256_permute4x64_epi64(halves, 0xd8);  // around 0
        const __m256i rows = _mm256_xor_si256(centred, _mm256_set1_epi8(static_cast<char>(0x80)));
        _mm_storeu_si128((__m128i*)(out + 2 * i * step), _mm256_castsi256_si128(rows));
        _mm_storeu_si128((__m128i*)(out + (2 * i + 1) * step), _mm256_extracti128_si256(rows, 1));
    }
}

bool idct(const int16_t* blocks, size_t count, const int16_t quantization[64], uint8_t* out, size_t step) {
    __m256i most = _mm256_setzero_si256();
    for (size_t block = 0; block < count; block += 2, blocks += 128) {
        __m256i values[8], size = _mm256_setzero_si256();
        for (int i = 0; i < 8; i++) {
            const __m256i rows = _mm256_loadu2_m128i((const __m128i*)(blocks + 64) + i, (const __m128i*)blocks + i);
            const __m256i by = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)quantization + i));
            values[i] = _mm256_mullo_epi16(rows, by);
            size = _mm256_adds_epu16(size, _mm256_abs_epi16(values[i]));
        }
        most = _mm256_max_epu16(most, size);
        idct_16<13 - 2>(values);
        transpose(values);
        idct_16<13 + 2 + 3>(values);
        write_columns(values, out + 8 * block, step);
    }
    const __m256i beyond = _mm256_subs_epu16(most, _mm256_set1_epi16(kMostColumn));
    return _mm256_testz_si256(beyond, beyond);
}
