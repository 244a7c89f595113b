"""What the commands of `hashmatch backfill` share: what they need, how they fail, and the report."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import typer

from hashmatch.cli.common import Code
from hashmatch.cli.objects import emit
from hashmatch.errors import ConfigurationError, Unavailable


def need_extra() -> ModuleType:
    """`hashmatch.backfill`; raises ConfigurationError where what it needs is not installed."""
    if missing := [name for name in ("fsspec", "pyarrow", "s3fs") if find_spec(name) is None]:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigurationError(
            f"{', '.join(missing)} {verb} not installed: the extra 'backfill' brings what is missing "
            "(pip install 'hashmatch[backfill]')"
        )
    from hashmatch import backfill

    return backfill


@contextmanager
def explained(banks: str) -> Iterator[None]:
    """Says where the banks were looked for in vain."""
    try:
        yield
    except Unavailable as error:
        if not error.message.startswith("UNAVAILABLE: "):
            raise
        where = f"no server answers at {banks}: start one with 'hashmatch serve'"
        raise Unavailable(f"{where}, name another place with --banks, or give --hash-only") from error


def tell_report(out: str, as_json: bool) -> Code:
    from hashmatch import backfill

    found = backfill.report(backfill.open_folder(out)).to_object()
    if as_json:
        emit(found)
    else:
        typer.echo(_told(found))
    if not found["complete"]:
        return Code.NOT_SCANNED
    return Code.NOT_SCANNED if found["failed"] or found["incomplete"] else Code.DONE


def _told(found: dict[str, Any]) -> str:
    state = "complete" if found["complete"] else "not complete: give the scan's command again to go on"
    lines = [f"{found['found']:,} found, in {found['parts_done']:,} of {found['parts']:,} parts; {state}"]
    lines += [f"{found[name]:>14,} {name}" for name in ("scanned", "failed", "skipped", "pending", "matched")]
    if found["incomplete"]:
        lines.append(f"{found['incomplete']:>14,} not looked at to the end")
    lines += [f"{count:>14,} failed: {reason}" for reason, count in found["failed_by_reason"].items()]
    lines += [f"{count:>14,} verdict {verdict}" for verdict, count in found["verdicts"].items()]
    lines += [f"{count:>14,} matched in {bank}" for bank, count in found["matched_by_bank"].items()]
    if found["revisions"]:
        first, last = found["revisions"]
        lines.append(f"looked up at revision {first}" + (f" to {last}" if last != first else ""))
    return "\n".join(lines)
