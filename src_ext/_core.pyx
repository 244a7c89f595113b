# cython: freethreading_compatible=True
"""PDQ in C++: the only crossing between Python and the native core."""

import os
from collections import namedtuple

import numpy as np

from hashmatch.errors import ConfigurationError

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy
from libcpp.vector cimport vector


cdef extern from "core.h" namespace "hashmatch" nogil:
    cdef struct Kernels:
        const char* name

    cdef struct Image:
        const uint8_t* data
        ptrdiff_t row_step
        ptrdiff_t pixel_step
        ptrdiff_t channel_step
        size_t rows
        size_t cols
        int channels
        bint bgr
        bint limited

    cdef struct Result:
        uint8_t[8][32] hash
        int quality
        bint exact
        const char* variant
        float gap
        float[16][16] coefficients

    cdef struct Variant:
        const Kernels* kernels
        bint (*supported)()

    cdef enum class Mode:
        fast
        exact
        certified

    cdef enum class Algorithm:
        average
        difference
        perceptual

    bint small_hashes(const Kernels& kernels, const Image& image, Algorithm algorithm, size_t count,
                      uint8_t (*hashes)[8])
    bint native_pdq "hashmatch::pdq"(const Kernels& kernels, const Image& image, Mode mode, Result& result)
    bint native_pdq_reduced "hashmatch::pdq_reduced"(
        const Kernels& kernels, const Image& image, size_t rows, size_t cols, size_t factor, Result& result)
    const Variant* native_variants "hashmatch::variants"(size_t& count)


cdef extern from "core.h" namespace "hashmatch" nogil:
    cdef struct Codes:
        const uint8_t* data
        size_t count
        size_t bytes

    cdef struct Hit:
        pass


cdef extern from "seal.h" namespace "hashmatch" nogil:
    cdef struct Seal:
        const char* step
        int error

    Seal native_seal "hashmatch::seal"(int parent, bint filter, bint threads)


cdef extern from "jpeg.h" namespace "hashmatch" nogil:
    bint native_jpeg_luma "hashmatch::jpeg_luma"(
        const Kernels& kernels, const uint8_t* data, size_t size, size_t rows, size_t cols, bint reduced, uint8_t* out)


cdef extern from "mih.h" namespace "hashmatch" nogil:
    cdef cppclass Mih:
        Mih(const Codes& codes, int count, uint32_t* tables, int first)

    cdef cppclass Matches:
        vector[int64_t] limits
        vector[Hit] hits
        void split(int32_t* distances, int64_t* positions)

    const int kMaxSubstrings
    const int kMaxSubstringBits
    size_t mih_items(const Codes& codes, int count, int first, int last)
    void native_mih_build "hashmatch::mih_build"(const Mih& mih, int first, int last, int threads)
    bint native_mih_range_search "hashmatch::mih_range_search"(
        const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, int radius, size_t most,
        Matches& matches)
    bint native_mih_search "hashmatch::mih_search"(
        const Kernels& kernels, const Mih& mih, const uint8_t* queries, size_t count, size_t most, int32_t* distances,
        int64_t* positions)


cdef const Kernels* find(str name) except NULL:
    """The kernels of that variant; raises ConfigurationError where there is none or this machine cannot run it."""
    cdef size_t count = 0
    cdef const Variant* table = native_variants(count)
    cdef size_t i
    for i in range(count):
        if table[i].kernels.name.decode() != name:
            continue
        if table[i].supported():
            return table[i].kernels
        raise ConfigurationError(f"variant {name!r} cannot run: this CPU lacks its instructions; "
                                 f"it can run {', '.join(variants())}")
    raise ConfigurationError(f"there is no variant {name!r}; this build has "
                             f"{', '.join([table[i].kernels.name.decode() for i in range(count)])}")


def variants():
    cdef size_t count = 0
    cdef const Variant* table = native_variants(count)
    return tuple([table[i].kernels.name.decode() for i in range(count) if table[i].supported()])


cdef const Kernels* chosen = find(os.environ.get("HASHMATCH_VARIANT") or variants()[-1])


def variant():
    return chosen.name.decode()


cdef dict MODES = {"certified": Mode.certified, "fast": Mode.fast, "exact": Mode.exact}

Traced = namedtuple("Traced", "hashes quality kernel variant coefficients gap")


cdef object view_of(object image, str order, Image* view):
    """Describe an image to the core; returns the array to keep alive meanwhile."""
    if order not in ("rgb", "bgr"):
        raise ValueError(f"order must be 'rgb' or 'bgr', not {order!r}")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels must be uint8, not {pixels.dtype}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (2, 3)):
        raise ValueError("pixels must have the shape (height, width), (height, width, 2) or (height, width, 3), "
                         f"not {pixels.shape}")
    cdef size_t address = pixels.__array_interface__["data"][0]
    view.data = <const uint8_t*> address
    view.rows, view.cols = pixels.shape[:2]
    view.row_step, view.pixel_step = pixels.strides[:2]
    view.channels, view.channel_step = (1, 1) if pixels.ndim == 2 else (pixels.shape[2], pixels.strides[2])
    view.bgr = order == "bgr"
    if view.channels == 3 and view.channel_step == -1:  # colours in the other order
        view.data -= 2
        view.channel_step = 1
        view.bgr = not view.bgr
    return pixels


cdef Mode mode_of(str kernel) except *:
    if kernel not in MODES:
        raise ValueError(f"kernel must be one of {', '.join(MODES)}, not {kernel!r}")
    return MODES[kernel]


cdef const Kernels* run(object image, str order, bint limited, str kernel, str name, Result* result) except NULL:
    """Hash an image without the GIL; returns the kernels that did."""
    cdef const Kernels* kernels = chosen if name is None else find(name)
    cdef Mode mode = mode_of(kernel)
    cdef Image view
    cdef bint done
    pixels = view_of(image, order, &view)
    view.limited = limited
    with nogil:
        done = native_pdq(kernels[0], view, mode, result[0])
    if not done:
        raise MemoryError(f"no scratch memory to hash {view.cols} x {view.rows} pixels")
    return kernels


cdef object hashes_of(const Result* result):
    hashes = np.empty((8, 32), np.uint8)
    cdef uint8_t[:, ::1] out = hashes
    memcpy(&out[0, 0], &result.hash[0][0], 256)
    return hashes


def pdq(image, *, str order="rgb", bint limited=False, str kernel="certified", str variant=None):
    cdef Result result
    run(image, order, limited, kernel, variant, &result)
    return hashes_of(&result), result.quality


def pdq_many(images, *, str order="rgb", str kernel="certified", str variant=None):
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef Mode mode = mode_of(kernel)
    cdef vector[Image] views
    cdef Image view
    cdef Result result
    cdef size_t at = 0
    cdef bint done = True
    kept = []
    for image in images:
        try:
            kept.append(view_of(image, order, &view))
        except (TypeError, ValueError) as error:
            raise type(error)(f"images[{len(kept)}]: {error}") from None
        views.push_back(view)
    hashes = np.empty((len(kept), 8, 32), np.uint8)
    qualities = np.empty(len(kept), np.uint8)
    cdef uint8_t[:, :, ::1] hashes_out = hashes
    cdef uint8_t[::1] qualities_out = qualities
    with nogil:
        while at < views.size():
            done = native_pdq(kernels[0], views[at], mode, result)
            if not done:
                break
            memcpy(&hashes_out[at, 0, 0], &result.hash[0][0], 256)
            qualities_out[at] = <uint8_t> result.quality
            at += 1
    if not done:
        raise MemoryError(f"no scratch memory to hash images[{at}] of {views[at].cols} x {views[at].rows} pixels")
    return hashes, qualities


def pdq_traced(image, *, str order="rgb", str kernel="certified", str variant=None):
    cdef Result result
    cdef const Kernels* kernels = run(image, order, False, kernel, variant, &result)
    coefficients = np.empty((16, 16), np.float32)
    cdef float[:, ::1] out = coefficients
    memcpy(&out[0, 0], &result.coefficients[0][0], sizeof(result.coefficients))
    return Traced(hashes_of(&result), result.quality, "exact" if result.exact else "fast",
                  result.variant.decode(), coefficients, result.gap)


def pdq_reduced(image, size_t height, size_t width, size_t factor, *, str variant=None):
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef Image view
    cdef Result result
    cdef bint done
    if factor not in (2, 4, 8):
        raise ValueError(f"factor must be 2, 4 or 8, not {factor}")
    pixels = view_of(image, "rgb", &view)
    expected = ((height + factor - 1) // factor, (width + factor - 1) // factor)
    if pixels.shape != expected:
        raise ValueError(f"{width} x {height} pixels reduced by {factor} have the shape {expected}, not {pixels.shape}")
    with nogil:
        done = native_pdq_reduced(kernels[0], view, height, width, factor, result)
    if not done:
        raise MemoryError(f"no scratch memory to hash {view.cols} x {view.rows} pixels")
    return hashes_of(&result), result.quality


cdef dict ALGORITHMS = {"ahash": Algorithm.average, "dhash": Algorithm.difference, "phash": Algorithm.perceptual}


def small_hash(image, str kind, *, str order="rgb", bint turned=True, str variant=None):
    if kind not in ALGORITHMS:
        raise ValueError(f"kind must be one of {', '.join(ALGORITHMS)}, not {kind!r}")
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef Algorithm algorithm = ALGORITHMS[kind]
    cdef size_t count = 8 if turned else 1
    cdef uint8_t[8][8] found
    cdef Image view
    cdef bint done
    pixels = view_of(image, order, &view)
    if not pixels.size:
        raise ValueError("an image without pixels has no hash")
    with nogil:
        done = small_hashes(kernels[0], view, algorithm, count, found)
    if not done:
        raise MemoryError(f"no scratch memory to hash {view.cols} x {view.rows} pixels")
    hashes = np.empty((count, 8), np.uint8)
    cdef uint8_t[:, ::1] out = hashes
    memcpy(&out[0, 0], &found[0][0], 8 * count)
    return hashes


def jpeg_luma(const uint8_t[::1] data not None, size_t height, size_t width, *, bint reduced=False, str variant=None):
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef size_t side = 8 if reduced else 1
    cdef bint done
    if not data.shape[0] or not height or not width:
        return None
    pixels = np.empty(((height + side - 1) // side, (width + side - 1) // side), np.uint8)
    cdef uint8_t[:, ::1] out = pixels
    with nogil:
        done = native_jpeg_luma(kernels[0], &data[0], data.shape[0], height, width, reduced, &out[0, 0])
    return pixels if done else None


cdef Codes codes_of(const uint8_t[:, ::1] codes):
    cdef Codes view
    if codes.shape[1] not in (8, 16, 24, 32):
        raise ValueError(f"codes must have 8, 16, 24 or 32 bytes, not {codes.shape[1]}")
    if codes.shape[0] >= 2**32:
        raise ValueError(f"positions have 32 bits: {codes.shape[0]:,} codes are too many")
    view.count, view.bytes = codes.shape[0], codes.shape[1]
    view.data = &codes[0, 0] if view.count else NULL
    return view


cdef int check_substrings(const Codes& codes, size_t count) except -1:
    if not codes.bytes * 8 <= count * kMaxSubstringBits <= <size_t> kMaxSubstrings * kMaxSubstringBits:
        raise ValueError(f"codes of {codes.bytes * 8} bits cannot be cut into {count} substrings")
    return 0


cdef Mih* mih_of(const Codes& codes, size_t count, const uint32_t[::1] tables) except NULL:
    """Describe tables to the core, which only `mih_build` writes; the caller keeps the arrays, and deletes this."""
    check_substrings(codes, count)
    if <size_t> tables.shape[0] != mih_items(codes, count, 0, count):
        raise ValueError(f"the tables are not of {codes.count:,} codes in {count} substrings")
    return new Mih(codes, count, <uint32_t*> &tables[0], 0)


def mih_build(const uint8_t[:, ::1] codes not None, size_t substrings, *, size_t first=0, last=None, int threads=1):
    cdef Codes view = codes_of(codes)
    check_substrings(view, substrings)
    cdef size_t end = substrings if last is None else last
    if not first < end <= substrings:
        raise ValueError(f"{first}:{end} are no substrings of {substrings}")
    tables = np.empty(mih_items(view, substrings, first, end), np.uint32)
    cdef uint32_t[::1] out = tables
    cdef Mih* mih = new Mih(view, substrings, &out[0], first)
    with nogil:
        native_mih_build(mih[0], first, end, threads)
    del mih
    return tables


def mih_range_search(const uint8_t[:, ::1] codes not None, size_t substrings, const uint32_t[::1] tables not None,
                     const uint8_t[:, ::1] queries not None, int radius, *, most=None, str variant=None):
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef Codes view = codes_of(codes)
    cdef Codes wanted = codes_of(queries)
    cdef size_t enough = <size_t> -1 if most is None else most
    cdef Matches matches
    cdef bint done
    if wanted.bytes != view.bytes:
        raise ValueError(f"queries must have {view.bytes} bytes, as the codes, not {wanted.bytes}")
    if not 0 <= radius <= <int> view.bytes * 8:
        raise ValueError(f"radius must be 0 to {view.bytes * 8}, not {radius}")
    if enough == 0:
        raise ValueError("most must be 1 or more")
    cdef Mih* mih = mih_of(view, substrings, tables)
    with nogil:
        done = native_mih_range_search(kernels[0], mih[0], wanted.data, wanted.count, radius, enough, matches)
    del mih
    if not done:
        raise MemoryError("no memory for what the search finds")
    limits = np.empty(matches.limits.size(), np.int64)
    distances = np.empty(matches.hits.size(), np.int32)
    positions = np.empty(matches.hits.size(), np.int64)
    cdef int64_t[::1] limits_out = limits
    cdef int32_t[::1] distances_out = distances
    cdef int64_t[::1] positions_out = positions
    memcpy(&limits_out[0], matches.limits.data(), matches.limits.size() * sizeof(int64_t))
    if matches.hits.size():
        with nogil:
            matches.split(&distances_out[0], &positions_out[0])
    return limits, distances, positions


def mih_search(const uint8_t[:, ::1] codes not None, size_t substrings, const uint32_t[::1] tables not None,
               const uint8_t[:, ::1] queries not None, int count, *, str variant=None):
    cdef const Kernels* kernels = chosen if variant is None else find(variant)
    cdef Codes view = codes_of(codes)
    cdef Codes wanted = codes_of(queries)
    cdef bint done
    if wanted.bytes != view.bytes:
        raise ValueError(f"queries must have {view.bytes} bytes, as the codes, not {wanted.bytes}")
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count}")
    cdef Mih* mih = mih_of(view, substrings, tables)
    distances = np.full((wanted.count, count), -1, np.int32)
    positions = np.full((wanted.count, count), -1, np.int64)
    cdef int32_t[::1] distances_out = distances.ravel()
    cdef int64_t[::1] positions_out = positions.ravel()
    if wanted.count:
        with nogil:
            done = native_mih_search(kernels[0], mih[0], wanted.data, wanted.count, count, &distances_out[0],
                                     &positions_out[0])
        del mih
        if not done:
            raise MemoryError("no memory for what the search finds")
    else:
        del mih
    return distances, positions


def seal(int parent, *, bint calls=True, bint threads=False):
    cdef Seal sealed = native_seal(parent, calls, threads)
    if sealed.step != NULL:
        raise OSError(sealed.error, f"{sealed.step.decode()}: {os.strerror(sealed.error)}")
