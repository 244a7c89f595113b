"""Changes of the tables, made and noted down."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from hashmatch.store.audit.forms import FORMS, Form, Key
from hashmatch.store.database import Database
from hashmatch.tlog import root_hash

WHOLE: Final = 100
"""The most rows of one change that are written into the log; of more, their hashes are."""
_ROWS_AT_ONCE: Final = 5_000


class Journal:
    """Makes the changes of one write, for its record: what is changed in another way, `verify` finds."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._hashes: list[bytes] = []
        self.changes: list[dict[str, Any]] = []
        """As the record has them, in the order in which they were made."""

    @property
    def hashes(self) -> bytes:
        """The hashes of the rows that the record does not hold, change by change."""
        return b"".join(self._hashes)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that name the same columns."""
        form = FORMS[table.name]
        stored = self._connection.execute(insert(table).returning(*form.raw), list(rows))
        self._note("insert", form, after=stored.mappings().all())

    def load(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """As `insert`, of many rows with all their keys, as fast as the database can."""
        self._database.load(self._connection, table, rows)
        self._note("insert", FORMS[table.name], after=rows)

    def update(self, table: Table, where: ColumnElement[bool], values: Mapping[str, Any]) -> list[Key]:
        """Update the rows for which `where` holds; returns their keys. No key may change."""
        form = FORMS[table.name]
        before = self._before(form, where)
        changed = self._connection.execute(update(table).where(where).values(values).returning(*form.raw))
        return self._note("update", form, before=before, after=sorted(changed.mappings(), key=form.key))

    def delete(self, table: Table, where: ColumnElement[bool]) -> list[Key]:
        """Delete the rows for which `where` holds; returns their keys."""
        form = FORMS[table.name]
        before = self._before(form, where)
        gone = self._connection.execute(delete(table).where(where).returning(*table.primary_key.columns))
        keys = sorted(map(form.key, gone.mappings()))
        if len(keys) > WHOLE:
            self.changes.append({"table": table.name, "do": "delete", **form.named(keys)})
        else:
            self._note("delete", form, before=before)
        return keys

    def adopt(self, table: Table) -> None:
        """Note the rows that a table holds already as inserted."""
        form = FORMS[table.name]
        found = self._connection.execute(select(*form.raw).order_by(*table.primary_key.columns))
        keys: list[Key] = []
        hashes: list[bytes] = []
        for rows in found.mappings().partitions(_ROWS_AT_ONCE):
            keys += map(form.key, rows)
            hashes += form.digests(rows)
        if keys:
            self._note_hashes("insert", form, keys, hashes)

    def _before(self, form: Form, where: ColumnElement[bool]) -> list[Any]:
        """The rows as they are, as far as the log will hold them."""
        found = self._connection.execute(select(*form.raw).where(where).limit(WHOLE + 1))
        return list(found.mappings())

    def _note(self, do: str, form: Form, before: Sequence[Any] = (), after: Sequence[Any] = ()) -> list[Key]:
        keys = [form.key(row) for row in after or before]
        if len(keys) > WHOLE:
            self._note_hashes(do, form, keys, form.digests(after))
        elif keys:
            order = {key: at for at, key in enumerate(keys)}
            earlier = sorted(before, key=lambda row: order[form.key(row)])
            rows = {"before": earlier, "after": after}
            held = {name: [form.plain(row) for row in some] for name, some in rows.items() if some}
            self.changes.append({"table": form.table.name, "do": do, **held})
        return keys

    def _note_hashes(self, do: str, form: Form, keys: Sequence[Key], hashes: Sequence[bytes]) -> None:
        self._hashes += hashes
        root = root_hash(hashes).hex()
        self.changes.append({"table": form.table.name, "do": do, **form.named(keys), "root": root})
