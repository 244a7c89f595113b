"""`hashmatch audit keygen` and `key`: the key that signs checkpoints."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from pathlib import Path
from typing import Annotated

import typer

from hashmatch.cli.common import DatabaseUrl, DataDir, opened_store

KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The key's file; it is no part of the database.")]


def keygen(file: KeyFile) -> None:
    """Make a key that signs checkpoints (Ed25519), in a new file that its owner alone may read.

    A server signs with it where --audit-key names it.

    Example: hashmatch audit keygen /etc/hashmatch/audit.key
    """
    from hashmatch.tlog import SigningKey

    SigningKey.create(file)
    typer.echo(f"made {file}")


def key(file: KeyFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Print the public half of a key for this database's log, for all who check its checkpoints.

    It is a verifier key as of c2sp.org/signed-note: NAME+NUMBER+KEY.

    Example: hashmatch audit key /etc/hashmatch/audit.key --data-dir ./hashmatch-data
    """
    from hashmatch.tlog import SigningKey

    signing = SigningKey.load(file)
    with opened_store(data_dir, database_url) as store:
        typer.echo(signing.verifying(store.audit.checkpoint().origin).text)
