"""Comparing all with all, in a loop of its own that the machine's compiler makes: the oracle of `exactness`."""

import ctypes
import shlex
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).with_suffix(".c")


def compiled() -> Callable[..., int]:
    """The loop of brute.c, for this machine alone; raises CalledProcessError."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "brute.so"
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, "-o", str(library), str(SOURCE)], check=True)
        loop: Any = ctypes.CDLL(str(library)).brute
    loop.restype = ctypes.c_size_t
    return loop  # type: ignore[no-any-return]  # what CDLL gives has no type


class Brute:
    """Codes of 256 bits, to be compared with queries; safe to use from several threads, without the GIL."""

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        """Copy codes: uint8 (count, 32)."""
        self._loop = compiled()
        self._planes = np.ascontiguousarray(codes.view(np.uint64).T)

    def range_search(self, queries: NDArray[np.uint8], radius: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Every pair within the radius, inclusive, as query << 32 | position, and its distance; in no order."""
        room = 1 << 20
        while True:
            pairs, apart = np.empty(room, np.int64), np.empty(room, np.uint8)
            count = self._loop(
                self._planes.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_size_t(self._planes.shape[1]),
                np.ascontiguousarray(queries).ctypes.data_as(ctypes.c_void_p),
                ctypes.c_size_t(len(queries)),
                ctypes.c_int(radius),
                pairs.ctypes.data_as(ctypes.c_void_p),
                apart.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_size_t(room),
            )
            if count <= room:
                return pairs[:count], apart[:count]
            room = count


def check(random: np.random.Generator) -> None:
    """Raise AssertionError where the loop differs from NumPy on a few thousand random codes."""
    codes = random.integers(0, 256, (5003, 32), np.uint8)
    flips = np.packbits(random.random((7, 256)) < 0.2, axis=1)
    queries = codes[:7] ^ flips
    apart = np.bitwise_count(queries[:, None] ^ codes[None]).sum(axis=2, dtype=np.int64)
    for radius in (0, 40, 64, 110):
        pairs, distances = Brute(codes).range_search(queries, radius)
        query, position = np.nonzero(apart <= radius)
        order = np.argsort(pairs)
        assert np.array_equal(pairs[order], query << 32 | position)
        assert np.array_equal(distances[order], apart[query, position])
