"""Compares the log with itself, with checkpoints of it, and with the tables."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.exc import SQLAlchemyError

from hashmatch.store.audit.forms import FORMS, Form
from hashmatch.store.audit.records import origin
from hashmatch.store.audit.state import Contradiction, State, TableState
from hashmatch.store.schema import audit, head
from hashmatch.tlog import Checkpoint, fold, leaf_hash, node_hash
from hashmatch.types import AuditReport, Progress, Record

MOST_PROBLEMS: Final = 100
_ROWS_AT_ONCE: Final = 5_000
_RAW: Final = Form(audit).raw


class Verifier:
    """One verification, of one snapshot of the database."""

    def __init__(self, connection: Connection, on_progress: Callable[[Progress], None]) -> None:
        self._connection = connection
        self._on_progress = on_progress
        self._state = State()
        self._problems: list[str] = []
        self._count = 0
        self._compared = 0
        self._peaks: list[bytes] = []
        self._first = b""
        self._size = 0
        self._last: dict[str, int] = {"revision": 0, "last_entry": 0}

    def run(self, checkpoints: Sequence[Checkpoint]) -> AuditReport:
        """Verify; `checkpoints` are what the log must have been once."""
        roots = self._read_log({checkpoint.size for checkpoint in checkpoints})
        self._compare_head()
        for name, form in FORMS.items():
            self._compare_table(form, self._state.tables[name])
        for checkpoint in checkpoints:
            self._compare_checkpoint(checkpoint, roots)
        now = Checkpoint(origin(self._first), self._size, fold(self._peaks)).text if self._size else ""
        return AuditReport(self._size, now, self._compared, tuple(self._problems), self._count)

    def _read_log(self, wanted: set[int]) -> dict[int, bytes]:
        """Replay the log; returns its roots at the sizes that are wanted."""
        total = self._connection.execute(select(func.count()).select_from(audit)).scalar_one()
        roots = {}
        for row in self._rows(Form(audit)):
            if row["number"] != self._size:
                self._problem(f"record {self._size} of the log is missing")
            self._size = row["number"] + 1
            try:
                self._replay(row)
            except Exception as error:  # noqa: BLE001  # whatever a forged record leads to is a finding
                said = str(error) if isinstance(error, Contradiction) else "cannot be read"
                self._problem(f"record {row['number']} of the log {said}")
            if self._size in wanted:
                roots[self._size] = fold(self._peaks)
            if not self._size % 1_000:
                self._on_progress(Progress("reading the log", self._size, total))
        return roots

    def _replay(self, row: RowMapping) -> None:
        hash_ = leaf_hash(row["record"].encode())
        self._first = self._first or hash_
        if row["tree"] != self._grow(row["number"], hash_):
            self._problem(f"record {row['number']} of the log is not the one whose hash is in the tree")
        record = Record.parse(row["number"], row["record"])
        if row["revision"] != record.revision or row["bank"] != (record.banks[0] if len(record.banks) == 1 else None):
            raise Contradiction("stands under another revision or bank than it tells of")
        if self._last["revision"] and record.revision != self._last["revision"] + 1:
            self._problem(f"record {row['number']} of the log is not of the revision after that of the one before")
        self._last = {"revision": record.revision, "last_entry": record.last_entry}
        self._state.apply(record.changes, row["hashes"])

    def _grow(self, number: int, hash_: bytes) -> bytes:
        """Add a leaf to the tree; returns the hashes of the subtrees that it completes."""
        tree = [hash_]
        while number & 1 and self._peaks:
            tree.append(node_hash(self._peaks.pop(), tree[-1]))
            number >>= 1
        self._peaks.append(tree[-1])
        return b"".join(tree)

    def _compare_head(self) -> None:
        found = self._connection.execute(select(*Form(head).raw)).mappings().all()
        if [dict(row) for row in found] != [{"id": 1, **self._last}]:
            self._problem("head is not at the revision and the entry of the log's last record")

    def _compare_table(self, form: Form, state: TableState) -> None:
        """Walk along the rows that there are and those that there must be, both by their keys."""
        expected = state.rows()
        wanted = next(expected, None)
        total = self._connection.execute(select(func.count()).select_from(form.table)).scalar_one()
        for number, (key, found) in enumerate(self._hashed(form), 1):
            while wanted is not None and form.order(wanted[0]) < form.order(key):
                self._problem(f"{state.row(wanted[0])} is missing")
                wanted = next(expected, None)
            if wanted is None or wanted[0] != key:
                self._problem(f"{state.row(key)} is in no record of the log")
                continue
            if found != wanted[1]:
                self._problem(f"{state.row(key)} is not as the log says")
            wanted = next(expected, None)
            self._compared += 1
            if not number % 10_000:
                self._on_progress(Progress(f"comparing {form.table.name}", number, total))
        while wanted is not None:
            self._problem(f"{state.row(wanted[0])} is missing")
            wanted = next(expected, None)

    def _compare_checkpoint(self, checkpoint: Checkpoint, roots: dict[int, bytes]) -> None:
        if self._size and checkpoint.origin != origin(self._first):
            self._problem(f"the checkpoint is of another log: {checkpoint.origin}")
        elif checkpoint.size > self._size:
            self._problem(f"the log had {checkpoint.size} records at the checkpoint, and has {self._size}")
        elif roots.get(checkpoint.size) != checkpoint.root:
            self._problem(f"the log's first {checkpoint.size} records are not those of the checkpoint")

    def _hashed(self, form: Form) -> Iterator[tuple[Any, bytes]]:
        """The keys of the rows that there are, in order, and the hashes of the rows."""
        rows = self._sorted_rows(form)
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            yield from zip(map(form.key, batch), form.digests(batch), strict=True)

    def _sorted_rows(self, form: Form) -> Iterator[RowMapping]:
        """The rows by their keys as Python compares them, which a database may do otherwise for texts."""
        rows = self._rows(form)
        if form.numbered:
            return rows
        return iter(sorted(rows, key=lambda row: form.order(form.key(row))))

    def _rows(self, form: Form) -> Iterator[RowMapping]:
        """The rows as they are, up to where one cannot be read."""
        query = select(*form.raw).order_by(*form.table.primary_key.columns)
        try:
            streamed = self._connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
            yield from streamed.mappings()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).partition("\n")[0]
            self._problem(f"the rows of {form.table.name} cannot be read: {reason}")

    def _problem(self, text: str) -> None:
        self._count += 1
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(text)
