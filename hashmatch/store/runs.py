"""Runs of consecutive numbers."""

from collections.abc import Iterator, Sequence


def runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of consecutive numbers, both ends inclusive, in `ids`, in their order."""
    first = 0
    for position in range(1, len(ids) + 1):
        if position == len(ids) or ids[position] != ids[position - 1] + 1:
            yield ids[first], ids[position - 1]
            first = position
