"""PostgreSQL, through psycopg 3: one database that the servers of many machines share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import URL, Connection, Table, create_engine, event

from hashmatch.errors import ConfigurationError
from hashmatch.store.database import BUSY_SECONDS, Database, unavailable
from hashmatch.store.listener import CHANNEL, Listener

if TYPE_CHECKING:
    import psycopg

_MIGRATING: Final = 7_236_411_950_413_201
"""The number of the advisory lock that is held while the schema changes; any other would do."""
_CONNECT: Final = {
    "application_name": "hashmatch",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""As libpq takes them; a machine that vanished is noticed in about ten seconds. The URL may say otherwise."""
_SESSION: Final = f"""
SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', false),
       set_config('idle_in_transaction_session_timeout', '60s', false),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                  ELSE current_setting('synchronous_commit') END, false)
"""
"""A write that is acknowledged is durable, and one whose process has stopped does not keep the others waiting."""


class PostgreSQL(Database):
    """A database of PostgreSQL 13 or newer, encoded as UTF-8."""

    @classmethod
    def at(cls, url: URL) -> Self:
        """Use the database that a URL names; nothing is asked of it yet. Raises ConfigurationError."""
        if find_spec("psycopg") is None:
            raise ConfigurationError("PostgreSQL needs psycopg: pip install 'hashmatch[postgres]'")
        said = {name: value for name, value in _CONNECT.items() if name not in url.query}
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=said,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "checkin", _forget_use)
        return cls(
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
            engine.execution_options(isolation_level="READ COMMITTED"),
        )

    def prepare_migration(self, connection: Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise ConfigurationError(f"the database {self.reads.url} is encoded as {encoding}: make it with UTF8")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")

    def load(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        import psycopg  # noqa: PLC0415 - an extra

        columns = ", ".join(f'"{name}"' for name in rows[0])
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(tuple(row.values()))
        except psycopg.OperationalError as error:
            raise unavailable(error) from error

    def announce(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    @contextmanager
    def listening(self, wake: Callable[[], None]) -> Iterator[None]:
        """See `Database.listening`."""
        listener = Listener(self.reads, wake)
        listener.start()
        try:
            yield
        finally:
            listener.stop()


def _forget_use(connection: "psycopg.Connection[Any] | None", _record: object) -> None:
    """What follows a read asks for no right to write where the database or the role has none by default."""
    if connection is not None and not connection.closed:
        connection.read_only = None


def _set_up(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.execute(_SESSION)
    connection.commit()
