"""Segments as files: everything that a search needs, as it lies in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from hashmatch.index.columns import Column, Columns
from hashmatch.index.container import ArrayWriter, Refused, new_file, read_file
from hashmatch.index.flat import Flat
from hashmatch.index.grouping import Grouping, Run
from hashmatch.index.mih import Mih, tables
from hashmatch.index.searcher import Searcher, has_tables
from hashmatch.index.segment import Segment, frames_by_video
from hashmatch.index.space import Space


@dataclass(frozen=True, eq=False, slots=True)
class Filed:
    """A segment whose arrays are views of a file."""

    name: str
    digest: str
    """By which the file is known from any other of that name."""
    space: Space
    segment: Segment


def write_segment(path: Path, space: Space, runs: Sequence[Run]) -> None:
    """Make a file of the entries of runs, none of them empty; one column at a time is in memory. Raises OSError."""
    grouping = Grouping.of(runs)
    revisions = [run.columns.revisions for run in runs]
    meta = {
        "kind": space.kind,
        "width": space.width,
        "first_revision": int(min(each.min() for each in revisions)),
        "last_revision": int(max(each.max() for each in revisions)),
    }
    with new_file(path, meta) as file:
        file.add("codes", [grouping.codes])
        file.add("starts", [grouping.starts])
        if has_tables(grouping.codes):
            file.add("tables", tables(grouping.codes))
        for field in fields(Columns):
            column = grouping.column(field.name)
            if field.name == "ids":
                file.add("by_id", [np.argsort(np.asarray(column))])
            elif field.name == "videos":
                file.add("by_video", [frames_by_video(np.asarray(column))])
            _add(file, f"columns.{field.name}", column)


def read_segment(path: Path) -> Filed:
    """Check a file and map it; raises Refused, and OSError where it cannot be read."""
    stored = read_file(path)
    arrays = stored.arrays
    try:
        columns: Columns = _taken(Columns, "columns", arrays)
        searcher = _searcher(arrays)
        live = np.ones(len(columns), dtype=np.bool_)
        orders = arrays["by_id"], arrays["by_video"]
        segment = Segment(searcher, arrays["starts"], columns, *orders, live, len(columns))
        space = Space(stored.meta["kind"], stored.meta["width"])
    except (KeyError, ValueError) as error:
        raise Refused(f"it is no segment that this program can read: {error}") from error
    return Filed(path.name, stored.digest, space, segment)


def _searcher(arrays: Mapping[str, NDArray[Any]]) -> Searcher:
    codes = arrays["codes"]
    if not has_tables(codes):
        return Flat(codes)
    mih = Mih(codes, arrays["tables"])
    mih.range_search(codes[:0], 0)  # raises ValueError where the tables are of another size
    return mih


def _add(file: ArrayWriter, name: str, column: Column) -> None:
    if isinstance(column, np.ndarray):
        file.add(name, [column])
        return
    for field in fields(column):
        _add(file, f"{name}.{field.name}", getattr(column, field.name))


def _taken(kind: Any, name: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Put together what `_add` took apart; raises KeyError for what is not there."""
    if not is_dataclass(kind):
        return arrays[name]
    return kind(*(_taken(hint, f"{name}.{field}", arrays) for field, hint in get_type_hints(kind).items()))  # type: ignore[operator]  # a class
