"""One import from beginning to end: where it goes on, what is sent, what is said meanwhile."""

import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from hashmatch.cli.import_bar import bar
from hashmatch.cli.import_batches import Batch, Sender, batches
from hashmatch.cli.import_checkpoint import Checkpoint, Prefix, Reached
from hashmatch.cli.import_order import Order
from hashmatch.cli.inputs import STANDARD_INPUT
from hashmatch.cli.output import complain
from hashmatch.errors import ConfigurationError, HashmatchError, NotFound
from hashmatch.lists.reading import read_rows
from hashmatch.types import State

if TYPE_CHECKING:
    from hashmatch.client import Client
    from hashmatch.types import Entry

_MOST_REPORTED: Final = 20


class Import:
    """One import; `reached` is how far it has come, and `complete` whether that is the file's end."""

    def __init__(self, client: "Client", order: Order, tell: Callable[[int, str], None] | None = None) -> None:
        """Where there is `tell`, it is given the line of each row that cannot be added, and why; else people are."""
        self.reached = Reached()
        self.complete = True
        self.waiting = 0
        """How many of the rows that were sent wait for approval."""
        self._client = client
        self._order = order
        self._tell = tell
        self._reported = 0

    def run(self) -> None:
        """Import; raises ConfigurationError for the file, and what the server answers."""
        with ExitStack() as stack:
            stream, size = stack.enter_context(_opened(self._order.name))
            prefix, checkpoint = None, None
            if size is not None:
                path = Path(self._order.name).resolve()
                prefix = stack.enter_context(Prefix(path))
                checkpoint = Checkpoint.of(
                    self._order.server, self._order.bank, str(path), self._order.form, self._order.unsaid
                )
                self._resume(checkpoint, prefix)
            rows = read_rows(stream, self._order.form, self._order.unsaid, self.reached.position)
            sender = Sender(self._client, self._order, self._say_waiting)
            show = stack.enter_context(bar(size, self.reached))
            try:
                for batch, entry in sender.send_all(self._wanted(batches(rows, self.reached.batches), size or 0)):
                    self._account(batch, entry, prefix)
                    if checkpoint is not None:
                        checkpoint.save(self.reached)
                    show(self.reached)
            except HashmatchError:
                complain(f"imported {self.reached.imported:,} rows; the same command goes on from there")
                raise
        self._say_how_many()

    def _resume(self, checkpoint: Checkpoint, prefix: Prefix) -> None:
        """Go on where an earlier import ended, if the bank still holds what that added."""
        reached = None if self._order.anew else checkpoint.load()
        if reached is None:
            return
        if not self._is_held(reached):
            complain("the bank does not hold what was last imported from this file: beginning at its beginning")
            return
        if prefix.digest(reached.position.offset) != reached.digest:
            raise ConfigurationError(
                f"{self._order.name} has changed in its first {reached.position.line:,} lines since they were imported "
                "into this bank: import what is new from a file of its own, or everything once more with --anew"
            )
        self.reached = reached
        if reached.position.line:
            complain(f"going on after line {reached.position.line:,}, up to which this file was imported before")

    def _is_held(self, reached: Reached) -> bool:
        if not reached.entry:
            return True
        try:
            return self._client.get_entry(self._order.bank, reached.entry).revision == reached.revision
        except NotFound:
            return False

    def _wanted(self, source: Iterator[Batch], size: int) -> Iterator[Batch]:
        """The batches, told of; none from the first with a bad row on where that is asked for."""
        for batch in source:
            self._say_left_out(batch)
            if self._order.strict and batch.left_out:
                self.complete = False
                return
            batch.following = max(0, size - batch.end.offset) * batch.end.line // max(1, batch.end.offset)
            yield batch

    def _account(self, batch: Batch, entry: "Entry | None", prefix: Prefix | None) -> None:
        self.reached = replace(
            self.reached,
            position=batch.end,
            digest=prefix.digest(batch.end.offset) if prefix is not None else "",
            batches=batch.number + 1,
            imported=self.reached.imported + len(batch.entries),
            left_out=self.reached.left_out + len(batch.left_out),
            entry=self.reached.entry if entry is None else entry.id,
            revision=self.reached.revision if entry is None else entry.revision,
        )
        self.waiting += len(batch.entries) if entry is not None and entry.state is State.PENDING else 0

    def _say_left_out(self, batch: Batch) -> None:
        told = batch.left_out[:1] if self._order.strict else batch.left_out
        if self._tell is not None:
            for line, problem in told:
                self._tell(line, problem)
            return
        for line, problem in told[: max(0, _MOST_REPORTED - self._reported)]:
            complain(f"{self._order.name}: line {line}: {problem}")
        self._reported += len(told)

    def _say_how_many(self) -> None:
        if self._reported > _MOST_REPORTED:
            complain(f"{self._order.name}: {self._reported - _MOST_REPORTED:,} more rows cannot be added")

    def _say_waiting(self, error: HashmatchError) -> None:
        complain(f"{error}: waiting for at most {self._order.patience:g} s")


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file's bytes and how many there are; None where it cannot be read twice."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer, None
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - closed below; only the opening may fail this way
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error
    with stream:
        facts = Path(name).stat()
        yield stream, facts.st_size if stat.S_ISREG(facts.st_mode) else None
