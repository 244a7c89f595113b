// The type 2 DCT of 32 samples with the operations of pocketfft, which scipy.fftpack uses, in their order, as near ties of
// coefficients decide bits: https://gitlab.mpcdf.mpg.de/mtr/pocketfft. It is a half-complex inverse FFT of radices 2, 4
// and 4 between two rotations.

#include <cmath>

#include "small.h"

namespace hashmatch {
namespace {

constexpr int kLength = 32;

struct Turn {
    double cos, sin;
};

// The turn by 2 pi i / n, 8i <= 4n, from sines and cosines of at most pi / 4.
Turn octant(int i, int n) {
    const double unit = 0.25 * 3.141592653589793238462643383279502884 / n;
    if (8 * i < n) return {std::cos(8 * i * unit), std::sin(8 * i * unit)};
    if (8 * i < 2 * n) return {std::sin((2 * n - 8 * i) * unit), std::cos((2 * n - 8 * i) * unit)};
    if (8 * i < 3 * n) return {-std::sin((8 * i - 2 * n) * unit), std::cos((8 * i - 2 * n) * unit)};
    return {-std::cos((4 * n - 8 * i) * unit), std::sin((4 * n - 8 * i) * unit)};
}

// The same as pocketfft rounds it: the product of a fine and a coarse turn, of `fine` steps.
Turn turn(int i, int n, int fine) {
    const Turn a = i % fine ? octant(i % fine, n) : Turn{1, 0}, b = i / fine ? octant(i / fine * fine, n) : Turn{1, 0};
    return {a.cos * b.cos - a.sin * b.sin, a.cos * b.sin + a.sin * b.cos};
}

struct Turns {
    Turn full[kLength / 2];       // by 2 pi i / 32
    double quarter[kLength + 1];  // cos(pi i / 64)

    Turns() {
        for (int i = 0; i < kLength / 2; i++) full[i] = turn(i, kLength, 8);
        for (int i = 0; i <= kLength; i++) quarter[i] = turn(i, 4 * kLength, 16).cos;
    }
};

const Turns kTurns;

struct Complex {
    double re, im;
};

void rotate(const Turn& turn, const Complex& value, double* re) {
    re[0] = turn.cos * value.re - turn.sin * value.im;
    re[1] = turn.cos * value.im + turn.sin * value.re;
}

// Two interleaved halves of 16 from one spectrum of 32.
void split_in_two(const double in[32], double out[32]) {
    const double *low = in, *high = in + 16;
    out[0] = low[0] + high[15];
    out[16] = low[0] - high[15];
    out[15] = 2 * low[15];
    out[31] = -2 * high[0];
    for (int i = 2; i < 16; i += 2) {
        const int mirror = 16 - i;
        out[i - 1] = low[i - 1] + high[mirror - 1];
        out[i] = low[i] - high[mirror];
        rotate(kTurns.full[i / 2], {low[i - 1] - high[mirror - 1], low[i] + high[mirror]}, out + 16 + i - 1);
    }
}

// Each of two spectra of 16 becomes four of 4; quarter q of spectrum s goes to out + 4 * (s + 2 * q).
void split_in_four(const double in[32], double out[32]) {
    const double root = 1.414213562373095048801688724209698;
    for (int s = 0; s < 2; s++) {
        const double *a = in + 16 * s, *b = a + 4, *c = a + 8, *d = a + 12;
        double *p = out + 4 * s, *q = p + 8, *r = p + 16, *t = p + 24;
        const double sum = a[0] + d[3], difference = a[0] - d[3], twice_b = 2 * b[3], twice_c = 2 * c[0];
        p[0] = sum + twice_b;
        r[0] = sum - twice_b;
        t[0] = difference + twice_c;
        q[0] = difference - twice_c;

        const double im_sum = d[0] + b[0], im_difference = d[0] - b[0];
        const double re_sum = a[3] + c[3], re_difference = a[3] - c[3];
        p[3] = re_sum + re_sum;
        q[3] = root * (re_difference - im_sum);
        r[3] = im_difference + im_difference;
        t[3] = -root * (re_difference + im_sum);

        const Complex ad{a[1] + d[1], a[2] - d[2]}, ad_less{a[1] - d[1], a[2] + d[2]};
        const Complex cb{c[1] + b[1], c[2] - b[2]}, cb_less{c[1] - b[1], c[2] + b[2]};
        p[1] = ad.re + cb.re;
        p[2] = ad.im + cb.im;
        rotate(kTurns.full[2], {ad_less.re - cb_less.im, ad_less.im + cb_less.re}, q + 1);
        rotate(kTurns.full[4], {ad.re - cb.re, ad.im - cb.im}, r + 1);
        rotate(kTurns.full[6], {ad_less.re + cb_less.im, ad_less.im - cb_less.re}, t + 1);
    }
}

// Eight spectra of 4 become samples: those of spectrum s are out[s + 8 * q].
void finish(const double in[32], double out[32]) {
    for (int s = 0; s < 8; s++) {
        const double* a = in + 4 * s;
        const double sum = a[0] + a[3], difference = a[0] - a[3], even = 2 * a[1], odd = 2 * a[2];
        out[s] = sum + even;
        out[s + 16] = sum - even;
        out[s + 24] = difference + odd;
        out[s + 8] = difference - odd;
    }
}

// In place.
void dct(double values[kLength]) {
    double work[kLength];
    values[0] *= 2;
    values[kLength - 1] *= 2;
    for (int k = 1; k < kLength - 1; k += 2) {
        const double sum = values[k + 1] + values[k];
        values[k + 1] -= values[k];
        values[k] = sum;
    }
    split_in_two(values, work);
    split_in_four(work, values);
    finish(values, work);
    values[0] = work[0];
    for (int k = 1, mirror = kLength - 1; k < kLength / 2; k++, mirror--) {
        const double sum = kTurns.quarter[k] * work[mirror] + kTurns.quarter[mirror] * work[k];
        const double difference = kTurns.quarter[k] * work[k] - kTurns.quarter[mirror] * work[mirror];
        values[k] = 0.5 * (sum + difference);
        values[mirror] = 0.5 * (sum - difference);
    }
    values[kLength / 2] = work[kLength / 2] * kTurns.quarter[kLength / 2];
}

}  // namespace

void low_frequencies(const Small& small, double out[8][8]) {
    double low[8][kLength];
    for (int x = 0; x < kLength; x++) {
        double column[kLength];
        for (int y = 0; y < kLength; y++) column[y] = small.at(y, x);
        dct(column);
        for (int i = 0; i < 8; i++) low[i][x] = column[i];
    }
    for (int i = 0; i < 8; i++) {
        dct(low[i]);
        for (int j = 0; j < 8; j++) out[i][j] = low[i][j];
    }
}

}  // namespace hashmatch
