"""The listing of a source, cut into parts and recorded: a job that goes on sees the parts that it began with."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
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
    size: int
    """The sum of the sizes that the listing says."""

    @classmethod
    def load(cls, folder: Folder) -> "Plan | None":
        """The plan that was recorded; None where none was, or its recording did not end."""
        text = folder.get(_COMPLETE)
        return None if text is None else cls(**json.loads(text))

    @classmethod
    def record(
        cls, folder: Folder, parts: Iterable[Sequence[Item]], on_found: Callable[[int], None] = lambda _: None
    ) -> "Plan":
        """Record a whole listing that is cut into parts; what an earlier attempt left is replaced.

        Nothing is scanned before the listing is complete: what is listed once is the job, whatever comes or goes after.
        """
        stale = set(folder.names(_PARTS))
        number = found = size = 0
        for some in parts:
            name = part_name(number)
            folder.put(f"{_PARTS}/{name}", _encoded(some))
            stale.discard(name)
            number, found, size = number + 1, found + len(some), size + sum(item.size or 0 for item in some)
            on_found(found)
        for name in stale:
            folder.delete(f"{_PARTS}/{name}")
        plan = cls(number, found, size)
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


def parts_of(items: Iterable[Item], most: int, weight: Callable[[Item], int] = lambda _: 1) -> Iterator[list[Item]]:
    """Runs of items that each weigh `most` or, by one item, more; the last may weigh less."""
    run: list[Item] = []
    total = 0
    for item in items:
        run.append(item)
        total += weight(item)
        if total >= most:
            yield run
            run, total = [], 0
    if run:
        yield run


def _encoded(items: Sequence[Item]) -> bytes:
    table = pa.table({name: [getattr(item, name) for item in items] for name in _SCHEMA.names}, schema=_SCHEMA)
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
