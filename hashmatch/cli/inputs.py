"""What commands are given: files, folders and standard input as named bytes, and hashes."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from hashmatch.errors import InvalidField, MediaError, MediaTooLarge
from hashmatch.types import PDQ, Hash, Sandbox

STANDARD_INPUT = "-"

_KINDS = "pdq, phash, dhash, ahash, md5, sha256 or an installed package's"
_FILES_HELP = "Files; folders, for all files below them but hidden ones; - for standard input."
Files = Annotated[list[str], typer.Argument(metavar="FILE", help=_FILES_HELP)]
OptionalFiles = Annotated[list[str] | None, typer.Argument(metavar="FILE", help=_FILES_HELP)]
Kind = Annotated[str, typer.Option(metavar="KIND", help=f"{_KINDS}.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help=f"{_KINDS}; may be repeated. Unless set, pdq."),
]
Sandboxed = Annotated[
    Sandbox, typer.Option(envvar="HASHMATCH_SANDBOX", help="off: decode in processes that the kernel does not seal.")
]


def expand(names: Iterable[str]) -> list[str]:
    """The names, where a folder stands for the files below it; a usage error where there are none.

    Files are sorted; those hidden or in hidden folders are left out, and links to folders are not followed.
    What cannot be listed is named as if it were a file, so that it ends as not scanned.
    """
    files: list[str] = []
    for name in names:
        if name == STANDARD_INPUT or not Path(name).is_dir():
            files.append(name)
            continue
        below = sorted(_below(name))
        if not below:
            raise typer.BadParameter(f"there are no files in {name}")
        files += below
    return files


def read(name: str, maximum: int) -> bytes:
    """The bytes of one file, or of standard input; raises MediaError, and MediaTooLarge above `maximum` bytes."""
    try:
        if name == STANDARD_INPUT:
            data, size = sys.stdin.buffer.read(maximum + 1), 0
        else:
            with Path(name).open("rb") as file:
                data, size = file.read(maximum + 1), Path(name).stat().st_size
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror}") from error
    if len(data) > maximum:
        raise MediaTooLarge("max_media_bytes", maximum, max(len(data), size))
    return data


def parse_hash(text: str, quality: int | None = None, kind: str = PDQ) -> Hash:
    """A hash from its hexadecimal form; a usage error where it is not one of its kind."""
    from hashmatch import hashing

    check_kinds([kind])
    digits = hashing.KINDS[kind].bits // 4
    try:
        value = Hash.from_hex(kind, text, quality)
    except ValueError:
        value = Hash(kind, b"")
    if len(value.bits) * 2 != digits:
        raise typer.BadParameter(f"{text[:80]!r} is not {digits} hexadecimal digits")
    try:
        return hashing.check(value)
    except InvalidField as error:
        raise typer.BadParameter(error.message) from error


def check_kinds(names: Collection[str]) -> tuple[str, ...]:
    """The kinds that are named, each once, pdq where none is; a usage error where one is unknown."""
    from hashmatch import hashing

    try:
        return hashing.check_kinds(names)
    except InvalidField as error:
        raise typer.BadParameter(error.message.partition(": ")[2], param_hint="--kind") from error


def _below(folder: str) -> list[str]:
    found: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: found.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in files if not name.startswith(".")]
        found.extend(str(path) for path in paths if path.is_file() or not path.exists())
    return found
