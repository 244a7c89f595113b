"""Exact range search by scanning every code: FAISS's flat binary index."""

import faiss
import numpy as np
from numpy.typing import NDArray


class Flat:
    """An immutable set of codes that answers which of them lie within a radius of a query.

    Safe to search from several threads at once; the GIL is released while it scans.
    """

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        """Copy codes: uint8 (count, bytes of a code), C-contiguous."""
        self._index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
        self._index.add(codes)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """The codes, uint8 (count, bytes of a code): a view of memory that lives as long as this object."""
        width = self._index.code_size
        stored = self._index.xb  # type: ignore[attr-defined]  # FAISS's stubs leave it out
        view: NDArray[np.uint8] = faiss.rev_swig_ptr(stored.data(), len(self) * width)
        return view.reshape(len(self), width)

    def range_search(
        self, queries: NDArray[np.uint8], radius: int, most: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Find every code at a Hamming distance of at most `radius` bits, inclusive.

        `queries` is uint8 (n, bytes of a code), C-contiguous. Returns limits, distances and codes' positions: those
        of query i are at limits[i]:limits[i + 1], in no particular order. Where `most`, 1 or more, is given, maybe the
        first queries alone are answered: one at least, and so many that fewer than `most` + 2 len(self) pairs are
        returned; len(limits) - 1 tells.
        """
        faiss.omp_set_num_threads(1)  # holds for the calling thread only
        if most is not None:
            queries = queries[: max(1, most // max(1, len(self)))]
        limits, distances, found = self._index.range_search(queries, radius + 1)  # FAISS excludes its bound
        return limits.astype(np.int64), distances.astype(np.int32), found

    def search(self, queries: NDArray[np.uint8], count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Find the `count` codes nearest to each query, 1 or more: distances in bits and positions, (n, count) both.

        Nearest first, in no particular order where they are as near; -1 in both where there are fewer codes.
        """
        faiss.omp_set_num_threads(1)
        distances, positions = self._index.search(queries, count)
        return np.where(positions < 0, -1, distances), positions
