"""One database behind the store, and what every kind of database must do in its own way."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DataError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hashmatch.errors import InvalidInput, Unavailable

BUSY_SECONDS: Final = 10.0
"""How long a statement waits for another writer to finish before the database counts as unavailable."""


class Database(ABC):
    """Two views of one pool of connections; a kind of database subclasses it."""

    def __init__(self, reads: Engine, writes: Engine) -> None:
        self.reads = reads
        """Its transactions each see one snapshot."""
        self.writes = writes
        """Its transactions write; the first statement of each must update the row of `head`."""

    def close(self) -> None:
        """Give up the connections; nothing may be using them."""
        self.reads.dispose()

    @abstractmethod
    def prepare_migration(self, connection: Connection) -> None:
        """Wait until no other process changes the schema, until the transaction ends; raises ConfigurationError."""

    @abstractmethod
    def load(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows that name the same columns, as fast as the database can."""

    @abstractmethod
    def announce(self, connection: Connection) -> None:
        """Once the transaction commits, wake whoever listens."""

    @abstractmethod
    def listening(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `wake` soon after other processes commit, from a thread of its own, where the database can tell.

        It may also be called for nothing, and a commit may go untold while the database is out of reach.
        """


@contextmanager
def answering() -> Iterator[None]:
    """Raise Unavailable where the database is locked for too long, out of reach, or cannot store more.

    And InvalidInput for a value that it cannot take, such as the NUL character in PostgreSQL.
    """
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise unavailable(error.orig) from error
    except DataError as error:
        raise InvalidInput(f"the database does not take this: {_line(error.orig)}") from error
    except PoolTimeout as error:
        raise Unavailable("every connection to the database is in use") from error


def unavailable(error: BaseException | None) -> Unavailable:
    """What a driver's error comes to, in one line."""
    return Unavailable(f"the database does not answer: {_line(error)}")


def _line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]
