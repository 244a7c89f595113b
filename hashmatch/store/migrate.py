"""Brings a database's schema up to date."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from hashmatch.errors import ConfigurationError
from hashmatch.store.database import Database


def migrate(database: Database) -> None:
    """Apply the migrations that are missing, all or none; processes that do so at once wait for each other.

    To be called from one thread at a time: Alembic's context is global. Raises ConfigurationError where the
    database cannot be opened or written, is not a database, or has a schema that this code does not know.
    """
    try:
        with database.writes.begin() as connection:
            database.prepare_migration(connection)
            _upgrade(connection)
    except DatabaseError as error:
        raise ConfigurationError(f"cannot use the database {database.reads.url}: {error.orig}") from error


def _upgrade(connection: Connection) -> None:
    with as_file(files("hashmatch.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        script = ScriptDirectory.from_config(config)
        known = {step.revision for step in script.walk_revisions()}
        found = set(MigrationContext.configure(connection).get_current_heads())
        if found - known:
            raise ConfigurationError(
                f"the schema of {connection.engine.url} is {', '.join(sorted(found))}, which this version does not "
                f"know (its newest is {script.get_current_head()}): a newer version or another program wrote it"
            )
        if found != set(script.get_heads()):
            command.upgrade(config, "head")
