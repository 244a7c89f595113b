// Kernels over the compiler's vectors: included once by each CPU file, inside its own namespace and below its target
// pragma and a constant, kVectorBytes. Vectors run across columns, never within a sum, so that all variants round alike.

#include "blocks.inl"

void mix_columns(const int32_t* sums, const size_t* first, size_t outputs, const double* weights, size_t taps,
                 double* out) {
    typedef int32_t Int4 __attribute__((vector_size(16), aligned(4), may_alias));
    typedef double Double4 __attribute__((vector_size(32), aligned(8), may_alias));
    for (size_t i = 0; i < outputs; i++) {
        const int32_t* const values = sums + first[i];
        Double4 low = {}, high = {};
        for (size_t k = 0; k < taps; k += kLanes) {
            low += __builtin_convertvector(*(const Int4*)(values + k), Double4) * *(const Double4*)(weights + k);
            high += __builtin_convertvector(*(const Int4*)(values + k + 4), Double4) * *(const Double4*)(weights + k + 4);
        }
        low += high;
        out[i] = (low[0] + low[2]) + (low[1] + low[3]);
    }
}

// out[r][0 .. kWidth) = sum over k of scales[r][k] * rows[k][0 .. kWidth), for kRows rows at once, as a sum waits for
// the one before: as many sums are at work as a CPU can do meanwhile.
template <int kRows, int kWidth>
inline void mix_rows(const float scales[kRows][64], const float* rows, size_t stride, float* out, size_t out_stride) {
    typedef float Floats __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
    constexpr int kVectors = kWidth * sizeof(float) / kVectorBytes;
    Floats sums[kRows][kVectors] = {};
    for (int k = 0; k < 64; k++)
        for (int r = 0; r < kRows; r++)
            for (int j = 0; j < kVectors; j++) sums[r][j] += scales[r][k] * ((const Floats*)(rows + k * stride))[j];
    for (int r = 0; r < kRows; r++)
        for (int j = 0; j < kVectors; j++) ((Floats*)(out + r * out_stride))[j] = sums[r][j];
}

void dct(const float a[64][64], const float basis[16][64], const float basis_t[64][16], float b[16][16]) {
    constexpr int kWidth = kVectorBytes, kRows = 4;  // of 4 floats a byte: 4 vectors
    float rows[16][64];
    for (int i = 0; i < 16; i += 2)
        for (int j = 0; j < 64; j += kWidth) mix_rows<2, kWidth>(basis + i, a[0] + j, 64, rows[i] + j, 64);
    for (int i = 0; i < 16; i += kRows) mix_rows<kRows, 16>(rows + i, basis_t[0], 16, b[i], 16);
}

inline void add_gradients(const float* a, const float* b, int count, float slack, int sums[3]) {
    int less = 0, exact = 0, more = 0;
    for (int i = 0; i < count; i++) {
        const float d = __builtin_fabsf((a[i] - b[i]) * 100 / 255);
        less += static_cast<int>(d - slack);  // slack < 1, so that the least of these is 0 too
        exact += static_cast<int>(d);
        more += static_cast<int>(d + slack);
    }
    sums[0] += less;
    sums[1] += exact;
    sums[2] += more;
}

void gradients(const float a[64][64], float slack, int sums[3]) {
    sums[0] = sums[1] = sums[2] = 0;
    for (int i = 0; i < 64; i++) {
        if (i < 63) add_gradients(a[i], a[i + 1], 64, slack, sums);
        add_gradients(a[i], a[i] + 1, 63, slack, sums);
    }
}

// How many of 256 values are less than the bound; sums enough that none waits for another.
inline int below(const int32_t values[256], int32_t bound) {
    typedef int32_t Ints __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
    constexpr int kWidth = kVectorBytes / sizeof(int32_t), kSums = 4;
    Ints sums[kSums] = {};
    for (int i = 0; i < 256; i += kSums * kWidth)
        for (int j = 0; j < kSums; j++) sums[j] += *(const Ints*)(values + i + j * kWidth) < bound;
    const Ints all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    int less = 0;
    for (int i = 0; i < kWidth; i++) less -= all[i];
    return less;
}

// Bit by bit from the top: the largest value that at most 127 others are less than. That of the next rank is the same
// where more than 128 are not above it, else the least of those above.
void middle(const int32_t values[256], int32_t* lower, int32_t* upper) {
    uint32_t found = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t tried = found | 1u << bit;
        if (below(values, static_cast<int32_t>(tried ^ 0x80000000u)) <= 127) found = tried;
    }
    const int32_t median = *lower = static_cast<int32_t>(found ^ 0x80000000u);
    int32_t above = INT32_MAX;
    int not_above = 0;
    for (int i = 0; i < 256; i++) {
        not_above += values[i] <= median;
        const int32_t candidate = values[i] > median ? values[i] : INT32_MAX;
        above = candidate < above ? candidate : above;
    }
    *upper = not_above > 128 ? median : above;
}

#include "grey.inl"

// With a = pi x / 3 and s = sin a, sin 3a is 3s - 4s^3, so that one sine does: Taylor's series over [0, pi / 2] up to
// a^19, even and odd terms apart, as a CPU can do both at once. `scratch` has room for count + 3.
bool lanczos(size_t first, double centre, double unit, size_t count, double* scratch, int32_t* weights) {
    typedef double Doubles __attribute__((vector_size(32), aligned(8), may_alias));
    typedef int32_t Ints __attribute__((vector_size(16), aligned(4), may_alias));
    constexpr double kPi = 3.14159265358979323846, kDoubt = 1e-6;
    constexpr double kTerms[] = {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                                 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000, -1.0 / 121645100408832000};
    const double start = (static_cast<double>(first) - centre + 0.5) * unit / 3, step = unit / 3;
    Doubles at = {start, start + step, start + 2 * step, start + 3 * step}, sums = {};
    for (size_t k = 0; k < count; k += 4, at += 4 * step) {
        Doubles turn = at < 0 ? -at : at;
        turn = turn > 1e-9 ? turn : Doubles{} + 1e-9;
        const Doubles angle = kPi * turn, mirrored = turn > 0.5 ? kPi - angle : angle;
        const Doubles square = mirrored * mirrored, fourth = square * square;
        Doubles even = Doubles{} + kTerms[8], odd = Doubles{} + kTerms[9];
#pragma GCC unroll 4
        for (int n = 6; n >= 0; n -= 2) {
            even = even * fourth + kTerms[n];
            odd = odd * fourth + kTerms[n + 1];
        }
        const Doubles sine = mirrored * (even + odd * square), sine2 = sine * sine;
        const Doubles value = sine2 * (3 - 4 * sine2) / (3 * angle * angle);
        *(Doubles*)(scratch + k) = value;
        for (size_t i = count - k; i < 4; i++) scratch[k + i] = 0;
        sums += *(const Doubles*)(scratch + k);
    }
    const double scale = kOne / ((sums[0] + sums[1]) + (sums[2] + sums[3]));
    Doubles farthest = {};
    for (size_t k = 0; k < count; k += 4) {
        const Doubles weight = *(const Doubles*)(scratch + k) * scale;
        const Ints rounded = __builtin_convertvector(weight < 0 ? weight - 0.5 : weight + 0.5, Ints);
        const Doubles off = weight - __builtin_convertvector(rounded, Doubles), away = off < 0 ? -off : off;
        farthest = away > farthest ? away : farthest;
        if (k + 4 <= count) *(Ints*)(weights + k) = rounded;
        else for (size_t i = 0; k + i < count; i++) weights[k + i] = rounded[i];
    }
    for (int i = 0; i < 4; i++)
        if (farthest[i] > 0.5 - kDoubt) return false;
    return true;
}

void split(const Resampling& axis, const int32_t* weights, Resampling::Output& output, int16_t* high, int16_t* low) {
    int32_t less = 0, more = 0;
    const int shift = axis.shift;
    const int32_t half = 1 << shift >> 1;
    for (size_t k = 0; k < (output.taps + kWeightGroup - 1) / kWeightGroup * kWeightGroup; k++) {
        const int32_t upper = (weights[k] + half) >> shift, lower = weights[k] - upper * (1 << shift);
        high[k] = static_cast<int16_t>(upper);
        low[k] = static_cast<int16_t>(lower);
        less += lower < 0 ? lower : 0;
        more += lower > 0 ? lower : 0;
    }
    output.less = 255 * less;
    output.more = 255 * more;
}
