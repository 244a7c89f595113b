// The core against the slow reference: any bytes are an image in some layout of memory, and every variant has to give
// the reference's bits for it. Run by `make fuzz`.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "case.h"
#include "core.h"
#include "reference.h"

namespace {

using namespace hashmatch;

// Luma as the reference has it.
std::vector<float> luma_of(const Case& tested) {
    std::vector<float> luma;
    const Image& image = tested.image;
    for (const uint8_t* at = tested.samples.data(); luma.size() < image.rows * image.cols; at += image.channels) {
        if (image.channels == 1) luma.push_back(at[0]);
        else if (image.channels == 2) luma.push_back(static_cast<float>((at[0] * at[1] + 127) / 255 + 255 - at[1]));
        else luma.push_back(0.299f * at[image.bgr ? 2 : 0] + 0.587f * at[1] + 0.114f * at[image.bgr ? 0 : 2]);
    }
    return luma;
}

void fail(const Case& tested, const Kernels& kernels, const char* what, const Result& got) {
    const Image& image = tested.image;
    std::fprintf(stderr, "%s, %s kernel: %s differs for %zu x %zu pixels of %d channels; gap %g\n", kernels.name,
                 got.exact ? "exact" : "fast", what, image.cols, image.rows, image.channels, static_cast<double>(got.gap));
    std::abort();
}

void check(const Case& tested) {
    const reference::Answer expected =
        reference::pdq(luma_of(tested), static_cast<int>(tested.image.rows), static_cast<int>(tested.image.cols));
    size_t count;
    const Variant* const table = variants(count);
    Result fast{}, got{};
    for (size_t i = 0; i < count; i++) {
        if (!table[i].supported()) continue;
        const Kernels& kernels = *table[i].kernels;
        for (const Mode mode : {Mode::exact, Mode::certified}) {
            if (!pdq(kernels, tested.image, mode, got)) std::abort();
            if (std::memcmp(got.hash, expected.hashes.data(), sizeof got.hash)) fail(tested, kernels, "hash", got);
            if (got.quality != expected.quality) fail(tested, kernels, "quality", got);
        }
        if (!pdq(kernels, tested.image, Mode::fast, got)) std::abort();
        if (i == 0) fast = got;
        if (std::memcmp(got.coefficients, fast.coefficients, sizeof got.coefficients)) fail(tested, kernels, "coefficient", got);
        if (std::memcmp(got.hash, fast.hash, sizeof got.hash)) fail(tested, kernels, "fast hash", got);
        if (std::strcmp(got.variant, kernels.name)) fail(tested, kernels, "variant", got);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input{data, size};
    check(Case(input));
    return 0;
}
