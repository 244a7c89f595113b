"""A scan that is recorded in a folder: begun, gone on with, tried again, and added up.

The listing is recorded before anything is scanned, so that whoever goes on sees the same parts; results are written
under another name and renamed. There is no other checkpoint, and the report is the sum of what the files say of
themselves. Ray's actors do just that, which is why a node may go.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hashmatch.backfill import rows
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.folder import Folder
from hashmatch.backfill.item import Item, Status
from hashmatch.backfill.plan import Plan, part_name, part_number
from hashmatch.backfill.scanning import Part
from hashmatch.errors import AlreadyExists, ConfigurationError

ROWS: Final = "rows"
"""The folder of the parts that are done: a part is done when its file is there, and not before."""
RESCAN: Final = "rescan"
"""What the order of a rescan has, and that of a scan has not."""
ORDER: Final = "job.json"
"""What the job is to do: it makes a folder one of a job."""

Work: TypeAlias = Callable[[Iterable[tuple[int, Sequence[Item]]]], Iterator[Part]]
"""What does numbered parts, in their order."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a job has come to; it is complete where no part is missing."""

    parts: int
    parts_done: int
    found: int
    """Items of the whole listing; of a rescan, rows of the logs."""
    counts: Counts = field(default_factory=Counts)
    """Of the parts that are done."""

    @property
    def complete(self) -> bool:
        return self.parts_done == self.parts and self.counts.found == self.found

    def to_object(self) -> dict[str, Any]:
        """With stable keys, for JSON; found = scanned + failed + skipped + pending."""
        counts = self.counts
        failed = sum(counts.failed.values())
        return {
            "complete": self.complete,
            "found": self.found,
            "scanned": counts.scanned,
            "failed": failed,
            "skipped": counts.skipped,
            "pending": self.found - counts.scanned - failed - counts.skipped,
            "failed_by_reason": dict(sorted(counts.failed.items())),
            "incomplete": counts.incomplete,
            "bytes": counts.read,
            "matched": counts.matched,
            "verdicts": dict(sorted(counts.verdicts.items())),
            "matched_by_bank": dict(sorted(counts.banks.items())),
            "revisions": counts.revisions,
            "parts": self.parts,
            "parts_done": self.parts_done,
        }


def claim(folder: Folder, order: Mapping[str, Any]) -> None:
    """Record what a job is to do, or check that it is what was recorded; raises AlreadyExists where it is not."""
    recorded = folder.get(ORDER)
    wanted = json.loads(json.dumps(order))
    if recorded is None:
        folder.put(ORDER, json.dumps(wanted, indent=1).encode())
        return
    earlier = json.loads(recorded)
    if earlier != wanted:
        differ = sorted(name for name in {*earlier, *wanted} if earlier.get(name) != wanted.get(name))
        told = ", ".join(f"{name} {earlier.get(name)!r} and not {wanted.get(name)!r}" for name in differ)
        raise AlreadyExists(f"the folder holds another job, with {told}: name another folder")


def done(folder: Folder) -> set[int]:
    """The numbers of the parts that are done."""
    return {part_number(name) for name in folder.names(ROWS) if name.startswith("part-") and name.endswith(".parquet")}


def run(folder: Folder, plan: Plan, work: Work) -> Iterator[Part]:
    """Do the parts that are not done; each is yielded once it is durable."""
    finished = done(folder)
    missing = (number for number in range(plan.parts) if number not in finished)
    for part in work((number, plan.items(folder, number)) for number in missing):
        save(folder, part)
        yield part


def retry(folder: Folder, plan: Plan, work: Work) -> Iterator[Part]:
    """Scan again what failed in the parts that are done; each part with a failure is yielded once it is durable."""
    asked: dict[int, list[int]] = {}

    def failures() -> Iterator[tuple[int, list[Item]]]:
        for number in sorted(done(folder)):
            if counts_of(folder, number).failed:
                items = plan.items(folder, number)
                asked[number] = rows.unfinished(rows_of(folder, number))
                yield number, [items[position] for position in asked[number]]

    for again in work(failures()):
        part = _mended(folder, again, asked.pop(again.number))
        save(folder, part)
        yield part


def report(folder: Folder) -> Report:
    """Add up the parts that are done; raises ConfigurationError where there is no job, or a part is damaged."""
    plan = Plan.load(folder)
    if plan is None:
        raise ConfigurationError("there is no backfill here, or its listing did not end: run the scan again")
    numbers = done(folder)
    counts = Counts()
    for number in sorted(numbers):
        counts.add(counts_of(folder, number))
    of_rows = RESCAN in json.loads(folder.get(ORDER) or b"{}")
    return Report(plan.parts, len(numbers), plan.size if of_rows else plan.found, counts)


def save(folder: Folder, part: Part) -> None:
    """Make a part durable; then it is done."""
    folder.put(f"{ROWS}/{part_name(part.number)}", rows.encoded(part.rows, part.counts))


def counts_of(folder: Folder, number: int) -> Counts:
    """The counts of a part that is done; raises ConfigurationError where it is damaged."""
    try:
        with folder.open(f"{ROWS}/{part_name(number)}") as file:
            return rows.counts_of(file)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise _damaged(number, error) from error


def rows_of(folder: Folder, number: int) -> pa.Table:
    """The rows of a part that is done; raises ConfigurationError where it is damaged."""
    try:
        with folder.open(f"{ROWS}/{part_name(number)}") as file:
            return pq.read_table(file).replace_schema_metadata(None)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise _damaged(number, error) from error


def _damaged(number: int, error: Exception) -> ConfigurationError:
    name = f"{ROWS}/{part_name(number)}"
    return ConfigurationError(f"{name} is damaged ({error}): delete it and run the scan again, which makes it anew")


def _mended(folder: Folder, again: Part, positions: list[int]) -> Part:
    """A part where the items at `positions`, which had failed, are those of another scan of them."""
    before = rows_of(folder, again.number)
    failed = pc.equal(before["status"], Status.FAILED.value)
    counts = counts_of(folder, again.number)
    counts.found -= len(positions)
    counts.read -= pc.sum(before.filter(failed)["size"]).as_py() or 0
    counts.failed.clear()
    counts.add(again.counts)
    numbers = pa.array(positions, pa.int32()).take(again.rows["item"])
    place = again.rows.schema.get_field_index("item")
    anew = again.rows.set_column(place, "item", numbers)
    both = pa.concat_tables([before.filter(pc.invert(failed)), anew]).unify_dictionaries().combine_chunks()
    return Part(again.number, both.take(pc.sort_indices(both["item"])), counts)
