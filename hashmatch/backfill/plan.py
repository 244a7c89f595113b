"""The listing of a source, cut into parts and recorded: a job that goes on sees the parts that it began with."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from hashmatch.backfill.folder import Folder
from hashmatch.backfill.item import Item
from hashmatch.errors import ConfigurationError

_COMPLETE: Final = "plan.json"
_PARTS: Final = "plan"
_SCHEMA: Final = pa.schema(
    [
        ("location", pa.string()),
        ("size", pa.int64()),
        ("content_id", pa.string()),
        ("archive", pa.string()),
        ("member", pa.int32()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A listing that is complete: `parts` parts, numbered from 0, of `found` items in all."""

    parts: int
    found: int
    bytes: int
    """Of the items whose size the listing says."""

    @classmethod
    def load(cls, folder: Folder) -> "Plan | None":
        """The plan that was recorded; None where none was, or its recording did not end."""
        text = folder.get(_COMPLETE)
        return None if text is None else cls(**json.loads(text))

    @classmethod
    def record(
        cls, folder: Folder, items: Iterable[Item], part_items: int, on_found: Callable[[int], None] = lambda _: None
    ) -> "Plan":
        """List everything, in parts of `part_items`, and record it; what an earlier attempt left is replaced.

        Nothing is scanned before the listing is complete: what is listed once is the job, whatever comes or goes after.
        """
        stale = set(folder.names(_PARTS))
        parts = found = size = 0
        for some in parts_of(items, part_items):
            name = part_name(parts)
            folder.put(f"{_PARTS}/{name}", _encoded(some))
            stale.discard(name)
            parts, found, size = parts + 1, found + len(some), size + sum(item.size or 0 for item in some)
            on_found(found)
        for name in stale:
            folder.delete(f"{_PARTS}/{name}")
        plan = cls(parts, found, size)
        folder.put(_COMPLETE, json.dumps(asdict(plan)).encode())
        return plan

    def items(self, folder: Folder, part: int) -> list[Item]:
        """The items of one part in their order; raises ConfigurationError where the record is gone or damaged."""
        name = f"{_PARTS}/{part_name(part)}"
        content = folder.get(name)
        if content is None:
            raise ConfigurationError(f"{name} of this job is missing: begin again in another folder")
        try:
            table = pq.read_table(io.BytesIO(content))
        except (pa.ArrowException, OSError) as error:
            raise ConfigurationError(f"{name} of this job is damaged: {error}") from error
        columns = (table[field.name].to_pylist() for field in fields(Item))
        return [Item(*values) for values in zip(*columns, strict=True)]


def part_name(part: int) -> str:
    """The name of the file of one part, which sorts as numbers do."""
    return f"part-{part:08}.parquet"


def part_number(name: str) -> int:
    """The number of the part whose file is called so; raises ValueError."""
    return int(name.removeprefix("part-").removesuffix(".parquet"))


def parts_of(items: Iterable[Item], part_items: int) -> Iterator[list[Item]]:
    """Runs of `part_items` items, and a last one of fewer."""
    source = iter(items)
    while some := list(islice(source, part_items)):
        yield some


def _encoded(items: list[Item]) -> bytes:
    table = pa.table({name: [getattr(item, name) for item in items] for name in _SCHEMA.names}, schema=_SCHEMA)
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
