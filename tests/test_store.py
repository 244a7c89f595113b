"""Opening a store: its file, its schema, and what may be wrong with either."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hashmatch.errors import ConfigurationError, Unavailable
from hashmatch.store import Store, database
from hashmatch.store.connect import connect
from hashmatch.store.migrate import migrate
from hashmatch.store.schema import METADATA
from hashmatch.types import Bank

from .store_suite.samples import new_entries


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hashmatch.db"


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that exists and in which this process may not make files; root may, so it steps back."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65_534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_migrations_make_the_schema_that_the_code_uses(file: Path) -> None:
    opened = connect(sqlite_url(file))
    migrate(opened)
    with opened.reads.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    opened.close()


def test_a_crash_is_survived_as_the_settings_promise(file: Path) -> None:
    opened = connect(sqlite_url(file))
    with opened.reads.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    opened.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_missing_folders_are_made_and_an_old_database_is_opened_again(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "new" / "still newer" / "ž%20 x.db")
    with Store.open(url) as store:
        store.create_bank(Bank("a"))
    with Store.open(url) as store:
        assert store.list_banks() == [Bank("a")]
    assert (tmp_path / "new" / "still newer").is_dir()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not a database URL"),
        ("hashmatch.db", "not a database URL"),
        ("sqlite://host:port/x", "not a database URL"),
        ("mysql://localhost/hashmatch", "'mysql' are not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?uri=true", "names no file"),
        ("sqlite:////proc/hashmatch/x.db", "cannot create /proc/hashmatch"),
        ("sqlite:////dev/null/x.db", "cannot create /dev/null"),
    ],
)
def test_a_url_that_cannot_be_used_is_named(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Store.open(url)


@pytest.mark.parametrize(
    "url", ["mysql://user:secret@localhost/hashmatch", "postgresql+psycopg://user:secret@localhost:port/hashmatch"]
)
def test_a_password_in_a_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        Store.open(sqlite_url(tmp_path))


def test_a_folder_that_may_not_be_written(read_only_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="unable to open database file"):
        Store.open(sqlite_url(read_only_folder / "hashmatch.db"))
    with pytest.raises(ConfigurationError, match="Permission denied"):
        Store.open(sqlite_url(read_only_folder / "new" / "hashmatch.db"))


@pytest.mark.parametrize(
    "content", [b"not a database, and long enough to tell" * 100, b"SQLite format 3\0" + b"\7" * 9_000]
)
def test_a_file_that_is_no_database_is_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"cannot use the database .*hashmatch\.db"):
        Store.open(sqlite_url(file))
    assert file.read_bytes() == content


def test_a_schema_that_is_not_known_is_left_alone(file: Path) -> None:
    Store.open(sqlite_url(file)).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(ConfigurationError, match=r"9999, which this version does not know \(its newest is \d{4}\)"):
        Store.open(sqlite_url(file))


def test_the_database_of_another_program_is_left_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE banks (iban TEXT)")
    with pytest.raises(ConfigurationError, match="table banks already exists"):
        Store.open(sqlite_url(file))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("banks",)]


def test_opening_waits_for_another_process_that_is_making_the_database(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = Timer(0.3, other.execute, ["COMMIT"])
        timer.start()
        Store.open(sqlite_url(file)).close()
        assert not other.in_transaction
        timer.join()


def test_a_database_locked_for_too_long_is_unavailable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Store.open(sqlite_url(file)) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        store.create_bank(Bank("a"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="database is locked"):
            store.add_entries("a", new_entries(0, 1))
        assert store.list_entries("a") == []
        other.execute("ROLLBACK")
        store.add_entries("a", new_entries(0, 1))


def test_a_full_disk_is_unavailable_and_nothing_is_written_in_part(file: Path) -> None:
    with Store.open(sqlite_url(file)) as store:
        store.create_bank(Bank("a"))
        with closing(sqlite3.connect(file)) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
    opened = connect(sqlite_url(file))
    with opened.reads.connect() as connection_:
        connection_.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")
    full = Store(opened)
    with pytest.raises(Unavailable, match="full"):
        full.add_entries("a", new_entries(0, 1_000))
    assert full.head() == 1
    assert full.count_entries("a") == 0
    full.close()


def test_a_store_closed_leaves_one_file(file: Path) -> None:
    with Store.open(sqlite_url(file)) as store:
        store.create_bank(Bank("a"))
    assert [path.name for path in file.parent.iterdir()] == ["hashmatch.db"]
