// The native core: what every file of it shares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hashmatch {

struct Axis;
class ExactScratch;
struct Image;

// Contiguous hashes of 8, 16, 24 or 32 bytes.
struct Codes {
    const uint8_t* data;
    size_t count, bytes;  // how many, and of how many bytes each

    const uint8_t* at(size_t position) const { return data + position * bytes; }
};

// A code within a radius.
struct Hit {
    uint32_t position;
    int32_t distance;  // bits
};

// ---- The kernel table: one row a variant. -------------------------------------------------------------------------

// Most rows that one call of `Kernels::add_rows` takes.
constexpr int kMaxTaps = 64;
// Largest weight of one tap: two of them times 255 must fit the signed 16 bits of a multiply-add of byte pairs.
constexpr int kMaxTapWeight = 64;
// Largest sum of the weights of one call: times 255 it must fit unsigned 16 bits.
constexpr int kMaxWeightSum = 257;
// `Kernels::mix_columns` takes weights in groups of so many.
constexpr size_t kLanes = 8;
// `Kernels::resample` takes so many rows; the first sample of an output is a multiple of kDotLanes, and its weights fill
// whole groups.
constexpr size_t kRowsAtOnce = 16;
constexpr size_t kDotRows = 8;  // of which the sums of so many fit the registers
constexpr size_t kDotLanes = 16;
constexpr size_t kWeightGroup = 64;
// Above what two digits of the base 256, from -128 to 127, can be.
constexpr int32_t kMostHigh = 127 * 256 + 127;
// The sum of Lanczos's weights in Pillow's fixed point.
constexpr int kPrecision = 22;
constexpr double kOne = 1 << kPrecision;

// How far the coefficients of a column may go, their sizes added up, so that nothing overflows: 16 bits hold two of its
// outputs, each at most 4 * 1.3871 times as large. What pixels make stays below it, 1024 * sqrt(8), but for rounding.
constexpr int kMostColumn = 2950;

// Rows of bytes, each with a weight: the pixels of one output row, or a part of them.
struct Taps {
    const uint8_t* row[kMaxTaps];
    uint8_t weight[kMaxTaps];
    int count;
};

// One axis of Lanczos's resampling: each output is the weighted sum of consecutive samples, in fixed point. A weight is
// high * 2^shift + low; high is two digits of the base 256 and low is one, from -128 to 127.
struct Resampling {
    struct Output {
        size_t first, offset, taps;  // its first sample; where its weights begin; how many, zeros beyond
        int32_t less, more;          // how far the low parts can move the sum
    };
    const Output* outputs;
    size_t count;
    const int16_t *high, *low;  // as `Kernels::arrange` leaves them
    int shift;
    size_t length;  // samples of a row
    size_t widest;  // most taps of an output

    // Bytes that `Kernels::resample` works in: all samples of its rows, and whole groups of their ends.
    size_t room() const { return kRowsAtOnce * (length / kWeightGroup + 1) * kWeightGroup; }
};

struct Kernels {
    const char* name;

    // sums[x] (+)= the weighted sum of the taps' bytes at x, for x in [0, width); adds where `add`, else overwrites.
    void (*add_rows)(const Taps& taps, size_t width, bool add, int32_t* sums);

    // out[i] = sum of sums[first[i] + k] * weights[k], k in [0, taps), for i in [0, outputs); taps is a multiple
    // of kLanes. Lane k mod 8 has its own sum and they are added as ((0+4)+(2+6))+((1+5)+(3+7)), so that rounding, if
    // any, is the same in every variant.
    void (*mix_columns)(const int32_t* sums, const size_t* first, size_t outputs, const double* weights, size_t taps,
                        double* out);

    // The reference's filter with its own float operations in its order; see exact.inl.
    void (*filter_exact)(const Image& image, const Axis& down, const Axis& across, const ExactScratch& scratch,
                         float out[64][64]);

    // B = D A D^T as the reference computes it: float, k ascending, no contraction. `basis` is D, `basis_t` is D^T.
    void (*dct)(const float a[64][64], const float basis[16][64], const float basis_t[64][16], float b[16][16]);

    // Turns `count` blocks side by side, an even number of them, into pixels, as jidctint.c of libjpeg does: 8 rows of
    // 8 * count bytes, `step` bytes apart. A block is 64 coefficients, row by row; with each times its quantization fits
    // 16 bits. Returns false, having written anything, where those of a column add up to more than kMostColumn. Null where
    // libjpeg's own is faster.
    bool (*idct)(const int16_t* blocks, size_t count, const int16_t quantization[64], uint8_t* out, size_t step);

    // Sums of trunc(d), d = |difference| * 100 / 255 of vertical and horizontal neighbours: of d - slack,
    // of d as it is, and of d + slack; slack in [0, 1).
    void (*gradients)(const float a[64][64], float slack, int sums[3]);

    // The values of ranks 127 and 128 among 256, rank 0 the least.
    void (*middle)(const int32_t values[256], int32_t* lower, int32_t* upper);

    // out[x] = the luma of packed colour x as Pillow has it: (19595 R + 38470 G + 7471 B + 2^15) / 2^16, rounded down.
    void (*grey_row)(const uint8_t* pixels, size_t width, bool bgr, uint8_t* out);

    // weights[k] = Lanczos's window of 3 lobes at (first + k - centre + 0.5) * unit, k in [0, count), so scaled that they
    // add up to kOne, and rounded. Returns false where one is so near to a half that it may have been rounded otherwise
    // than exactly. `scratch` holds count + 3.
    bool (*lanczos)(size_t first, double centre, double unit, size_t count, double* scratch, int32_t* weights);

    // Splits the weights of an output, whole groups of them, into what `axis` says, and fills in how far the low parts go.
    void (*split)(const Resampling& axis, const int32_t* weights, Resampling::Output& output, int16_t* high, int16_t* low);

    // Orders the weights of an axis, `count` high and low parts in whole groups, in place as `resample` reads them; null
    // where that is as they are.
    void (*arrange)(const Resampling& axis, size_t count, int16_t* high, int16_t* low);

    // out[i * step + r] = output i of the axis, of the samples at rows[r], rounded and clipped to a byte. `room` has
    // axis.room() bytes that are anything, aligned as weights are: to a whole group of bytes.
    void (*resample)(const Resampling& axis, const uint8_t* const rows[kRowsAtOnce], void* room, uint8_t* out, size_t step);

    // Finds the k, in [0, count), for which the code at ids[k] is within the radius, inclusive, of the query: they
    // become the positions of the hits, ascending. Returns how many; `hits` has room for all.
    size_t (*among)(const Codes& codes, const uint32_t* ids, size_t count, const uint8_t* query, int radius, Hit* hits);

    // As `among`, of the codes from position `first` on.
    size_t (*between)(const Codes& codes, size_t first, size_t count, const uint8_t* query, int radius, Hit* hits);

    // Nanoseconds that `between` takes a code of 32 bytes in the first-level cache, about: what a search weighs.
    double scanned;
};

// The function of a slot, for a variant that takes it from another: Function<decltype(Kernels::dct)> dct;
template <class Slot>
using Function = std::remove_pointer_t<Slot>;

// ---- Images and results. ------------------------------------------------------------------------------------------

// Packed pixels are adjacent, of one byte of luma or three of colour. Images may be anything else that strides can say:
// the kernels are given their rows packed, a row or a part of one at a time.
struct Image {
    const uint8_t* data;                            // the first byte of the pixel at row 0, column 0
    ptrdiff_t row_step, pixel_step, channel_step;   // bytes from one to the next; may be zero or negative
    size_t rows, cols;                              // pixels
    int channels;                                   // 1 luma, 2 luma and alpha, shown on white, 3 colour
    bool bgr;                                       // order of three channels
    bool limited = false;                           // luma of 16 to 235, as video has it, and not of 0 to 255

    // Bytes of a packed pixel.
    size_t depth() const { return channels == 3 ? 3 : 1; }

    bool packed() const {
        return channels != 2 && pixel_step == channels && (channels == 1 || channel_step == 1);
    }

    // Pixels [first, first + count) of row y, packed: those in memory where they are, else copied to `room`, which has
    // depth() * count bytes.
    const uint8_t* pixels(size_t y, size_t first, size_t count, uint8_t* room) const {
        const uint8_t* const at = data + static_cast<ptrdiff_t>(y) * row_step + static_cast<ptrdiff_t>(first) * pixel_step;
        if (packed()) return at;
        pack(at, count, room);
        return room;
    }

  private:
    void pack(const uint8_t* at, size_t count, uint8_t* out) const;
};

enum class Mode { fast, exact, certified };

struct Result {
    uint8_t hash[8][32];  // one an orientation, bytes in the order of PDQ's hex form
    int quality;          // 0 to 100
    bool exact;           // whether the exact kernel gave the answer
    const char* variant;  // whose code ran
    float gap;            // least distance between the two middle coefficients over the orientations
    float coefficients[16][16];
};

// Sides below this have the zero hash and quality 0.
constexpr size_t kMinSide = 5;

// Hashes an image by PDQ. Returns false where scratch memory could not be had. Throws nothing.
bool pdq(const Kernels& kernels, const Image& image, Mode mode, Result& result) noexcept;

// Hashes, nearly as `pdq` would the whole image of rows x cols pixels, what a JPEG decoder gives of it reduced by `factor`,
// 2, 4 or 8, on either axis. `image` is luma. Returns and throws as `pdq`.
bool pdq_reduced(const Kernels& kernels, const Image& image, size_t rows, size_t cols, size_t factor, Result& result) noexcept;

// Hashes of 64 bits, an 8 x 8 grid of bits each.
enum class Algorithm {
    average,     // pixels of 8 x 8 above their mean
    difference,  // pixels of 8 x 9 above their left neighbour
    perceptual,  // DCT coefficients of 32 x 32 above their median
};

// Hashes an image of at least one pixel in the first `count` orientations, 1 or 8, in the order of
// hashmatch.types.Orientation. Returns false where memory could not be had. Throws nothing.
bool small_hashes(const Kernels& kernels, const Image& image, Algorithm algorithm, size_t count,
                  uint8_t hashes[][8]) noexcept;

// ---- Dispatch. ----------------------------------------------------------------------------------------------------

struct Variant {
    const Kernels* kernels;
    bool (*supported)();
};

// All variants of this build, portable first, better ones later; `count` receives how many.
const Variant* variants(size_t& count);

}  // namespace hashmatch
