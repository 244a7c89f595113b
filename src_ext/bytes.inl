// Lanczos's resampling by products of bytes without and with a sign, four of which one instruction adds up: included by
// avx512.cpp. Weights are digits of the base 256, from -128 to 127. Where an output has many taps, 64 samples of a row are
// multiplied at once by the two digits of the high parts, as resample.inl does; where it has few, four samples of each of 16
// rows by all three digits of the weights.

// Axes whose outputs have at most so many taps are resampled across rows: adding up lanes would take longer than to turn the
// rows first.
constexpr size_t kNarrow = 256;

// Writes weights, 16 after 16, as the three digits of four after four: the lower two together, and then the third, which
// has as much room.
inline void arrange_narrow(int shift, size_t count, int16_t* high, int16_t* low) {
    alignas(64) uint8_t places[64];
    for (int i = 0; i < 64; i++) places[i] = static_cast<uint8_t>((i / 8 * 4 + i % 4) * 4 + i % 8 / 4);
    const __m512i lower_two = _mm512_load_si512(places), third = _mm512_add_epi8(lower_two, _mm512_set1_epi8(2));
    const __m512i half = _mm512_set1_epi32(0x808080);
    const auto wide = [](const int16_t* at) { return _mm512_cvtepi16_epi32(_mm256_load_si256((const __m256i*)at)); };
    for (size_t k = 0; k < count; k += 16) {
        const __m512i weights = _mm512_add_epi32(_mm512_sll_epi32(wide(high + k), _mm_cvtsi32_si128(shift)), wide(low + k));
        const __m512i digits = _mm512_xor_si512(_mm512_add_epi32(weights, half), half);
        _mm256_store_si256((__m256i*)(high + k), _mm512_castsi512_si256(_mm512_permutexvar_epi8(lower_two, digits)));
        _mm256_store_si256((__m256i*)(low + k), _mm512_castsi512_si256(_mm512_permutexvar_epi8(third, digits)));
    }
}

// Writes weights of 16 bits, 64 after 64, as the lower digits of all, and then the upper ones.
inline void arrange_wide(size_t count, int16_t* weights) {
    alignas(64) uint8_t places[64];
    for (int i = 0; i < 64; i++) places[i] = static_cast<uint8_t>(2 * i);
    const __m512i even = _mm512_load_si512(places), odd = _mm512_or_si512(even, _mm512_set1_epi8(1));
    const __m512i half = _mm512_set1_epi16(0x80);
    const auto digits = [&](const int16_t* at) { return _mm512_xor_si512(_mm512_add_epi16(_mm512_load_si512(at), half), half); };
    for (size_t k = 0; k < count; k += kWeightGroup) {
        const __m512i first = digits(weights + k), second = digits(weights + k + kWeightGroup / 2);
        _mm512_store_si512(weights + k, _mm512_permutex2var_epi8(first, even, second));
        _mm512_store_si512(weights + k + kWeightGroup / 2, _mm512_permutex2var_epi8(first, odd, second));
    }
}

void arrange(const Resampling& axis, size_t count, int16_t* high, int16_t* low) {
    if (axis.widest <= kNarrow) return arrange_narrow(axis.shift, count, high, low);
    arrange_wide(count, high);
    arrange_wide(count, low);
}

typedef uint8_t Sample;

// The sum of each vector's lanes.
inline __m256i add_lanes(const __m512i total[kDotRows]) {
    __m512i pairs[4], fours[2];
    for (int r = 0; r < 4; r++)
        pairs[r] = _mm512_add_epi32(_mm512_unpacklo_epi32(total[2 * r], total[2 * r + 1]), _mm512_unpackhi_epi32(total[2 * r], total[2 * r + 1]));
    for (int r = 0; r < 2; r++)
        fours[r] = _mm512_add_epi32(_mm512_unpacklo_epi64(pairs[2 * r], pairs[2 * r + 1]), _mm512_unpackhi_epi64(pairs[2 * r], pairs[2 * r + 1]));
    const __m512i halves = _mm512_add_epi32(_mm512_shuffle_i64x2(fours[0], fours[1], 0x88), _mm512_shuffle_i64x2(fours[0], fours[1], 0xdd));
    return _mm512_castsi512_si256(_mm512_add_epi32(_mm512_shuffle_i64x2(halves, halves, 0x08), _mm512_shuffle_i64x2(halves, halves, 0x0d)));
}

// Tells the compiler to go on with the value in the register where it is: GCC 12 copies each sum twice in a loop else.
inline void stay(__m512i& value) { asm("" : "+v"(value)); }

// As `dot`, of the rows r, which are named one by one so that all sums are in registers.
template <size_t... r>
__attribute__((always_inline)) inline void dot_of(std::index_sequence<r...>, const uint8_t* const rows[kDotRows], size_t first,
                                                  const int16_t* weights, size_t count, int32_t* sums) {
    __m512i low[] = {(void(r), _mm512_setzero_si512())...}, high[] = {(void(r), _mm512_setzero_si512())...};
    for (size_t k = 0; k < count; k += kWeightGroup) {
        const __mmask64 there = count - k < kWeightGroup ? (1ull << (count - k)) - 1 : ~0ull;
        const __m512i lower = _mm512_load_si512(weights + k), upper = _mm512_load_si512(weights + k + kWeightGroup / 2);
        const __m512i samples[] = {_mm512_maskz_loadu_epi8(there, rows[r] + first + k)...};
        ((low[r] = _mm512_dpbusd_epi32(low[r], samples[r], lower)), ...);
        ((high[r] = _mm512_dpbusd_epi32(high[r], samples[r], upper)), ...);
        ((stay(low[r]), stay(high[r])), ...);
    }
    const __m512i total[] = {_mm512_add_epi32(_mm512_slli_epi32(high[r], 8), low[r])...};
    _mm256_store_si256((__m256i*)sums, add_lanes(total));
}

__attribute__((always_inline)) inline void dot(const uint8_t* const rows[kDotRows], size_t first, const int16_t* weights,
                                               size_t count, int32_t* sums) {
    dot_of(std::make_index_sequence<kDotRows>(), rows, first, weights, count, sums);
}

#include "resample.inl"

// 64 samples of 16 rows as 16 vectors, each four samples of every row; load(row) gives 16 of them.
template <class Load>
inline void turn_rows(const uint8_t* const rows[kRowsAtOnce], Load load, __m512i* turned) {
    for (int part = 0; part < 4; part++) {
        __m512i q[4];
        for (int i = 0; i < 4; i++) {
            q[i] = _mm512_castsi128_si512(load(rows[i], part));
            q[i] = _mm512_inserti32x4(q[i], load(rows[4 + i], part), 1);
            q[i] = _mm512_inserti32x4(q[i], load(rows[8 + i], part), 2);
            q[i] = _mm512_inserti32x4(q[i], load(rows[12 + i], part), 3);
        }
        const __m512i low = _mm512_unpacklo_epi32(q[0], q[1]), high = _mm512_unpackhi_epi32(q[0], q[1]);
        const __m512i next_low = _mm512_unpacklo_epi32(q[2], q[3]), next_high = _mm512_unpackhi_epi32(q[2], q[3]);
        turned[4 * part] = _mm512_unpacklo_epi64(low, next_low);
        turned[4 * part + 1] = _mm512_unpackhi_epi64(low, next_low);
        turned[4 * part + 2] = _mm512_unpacklo_epi64(high, next_high);
        turned[4 * part + 3] = _mm512_unpackhi_epi64(high, next_high);
    }
}

// Four digits, of four weights.
typedef int32_t Four __attribute__((may_alias));

// Sums of 16 rows, a lane each, for each digit of the weights.
struct Digits {
    __m512i first, second, third;

    // Takes four samples of each row.
    void add(const __m512i& samples, const Four* lower_two, const Four* upper) {
        first = _mm512_dpbusd_epi32(first, samples, _mm512_set1_epi32(lower_two[0]));
        second = _mm512_dpbusd_epi32(second, samples, _mm512_set1_epi32(lower_two[1]));
        third = _mm512_dpbusd_epi32(third, samples, _mm512_set1_epi32(upper[0]));
        stay(first), stay(second), stay(third);
    }

    __m512i sum() const {
        const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(third, 8), second);
        return _mm512_add_epi32(_mm512_slli_epi32(upper, 8), first);
    }
};

// The sums of 16 rows, two at a time so that none waits for another.
inline __m512i sums_across(const __m512i* samples, const Four* lower_two, const Four* upper, size_t taps) {
    Digits even{}, odd{};
    for (size_t k = 0; 4 * k < taps; k += 2) {
        even.add(samples[k], lower_two + 2 * k, upper + 2 * k);
        odd.add(samples[k + 1], lower_two + 2 * k + 2, upper + 2 * k + 2);
    }
    return _mm512_add_epi32(even.sum(), odd.sum());
}

void resample(const Resampling& axis, const uint8_t* const rows[kRowsAtOnce], void* room, uint8_t* out, size_t step) {
    if (axis.widest > kNarrow) return resample_along(axis, rows, room, out, step);
    __m512i* const turned = static_cast<__m512i*>(room);
    size_t x = 0;
    for (; x + 64 <= axis.length; x += 64)
        turn_rows(rows, [x](const uint8_t* row, int part) { return _mm_loadu_si128((const __m128i*)(row + x) + part); }, turned + x / 4);
    if (x < axis.length) {
        const uint64_t there = (1ull << (axis.length - x)) - 1;
        const auto load = [&](const uint8_t* row, int part) {
            const __mmask64 left = there >> 16 * part & 0xffff;
            return _mm512_castsi512_si128(_mm512_maskz_loadu_epi8(left, row + x + 16 * part));
        };
        turn_rows(rows, load, turned + x / 4);
    }
    for (size_t i = 0; i < axis.count; i++) {
        const Resampling::Output& output = axis.outputs[i];
        const Four* const lower_two = (const Four*)(axis.high + output.offset);
        const Four* const upper = (const Four*)(axis.low + output.offset);
        const __m512i sums = sums_across(turned + output.first / 4, lower_two, upper, output.taps);
        const __m512i whole = _mm512_srai_epi32(_mm512_add_epi32(sums, _mm512_set1_epi32(1 << (kPrecision - 1))), kPrecision);
        const __m512i level = _mm512_max_epi32(whole, _mm512_setzero_si512());
        _mm_storeu_si128((__m128i*)(out + i * step), _mm512_cvtusepi32_epi8(level));
    }
}
