"""`hashmatch exchange`: the hash lists of other organisations, followed by banks."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hashmatch.cli.common import AsJson, Code, DatabaseUrl, DataDir, Reason, opened_store, operator
from hashmatch.cli.objects import emit
from hashmatch.types import Author, Exchange, ExchangeStatus

if TYPE_CHECKING:
    from hashmatch.exchange import Fetch
    from hashmatch.store import Store

_HELP = """Follow the hash lists of other organisations.

These commands work on the database itself, not through a server, on any
machine that reaches both the database and the service. Every server of the
database follows within a second. Needs the extra 'exchanges'.

A secret is read when it is needed, from the variable
HASHMATCH_EXCHANGE_<NAME> (in capitals, _ for -) or the file named by
--credentials, which only its owner may read; it is kept nowhere else.

Interfaces (--api), their settings (--set), and what their secret is:

local_file          file=PATH, kind=KIND where lines do not begin with it
ncmec               environment=NAME, members=1,2      user:password
stopncii                                               function key,subscription key
fb_threatexchange   privacy_group=NUMBER               APP|SECRET
tech_against_terrorism                                 user:password

All but local_file take url=https://... for a test environment.
"""

Name = Annotated[str, typer.Argument(metavar="NAME", help="1 to 63 of a-z, 0-9 and hyphen.")]

app = typer.Typer(name="exchange", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def add(  # noqa: PLR0913, PLR0917 - one parameter for each option
    name: Name,
    api: Annotated[str, typer.Option(help="The interface.")],
    bank: Annotated[str, typer.Option(help="The bank that follows it.")],
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="What the interface must know.")
    ] = None,
    credentials: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the secret; of mode 0600, read at each fetch.")
    ] = None,
    reason: Reason = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let a bank follow an exchange; nothing is fetched yet.

    Example: hashmatch exchange add ncmec --api ncmec --set environment=Industry --bank known-bad
    """
    from hashmatch.exchange import api_named

    known = api_named(api)
    options = known.checked(dict(_pair(text) for text in setting or ()))
    path = "" if credentials is None else str(credentials.absolute())
    with opened_store(data_dir, database_url) as store:
        store.exchanges.add(Exchange(name, api, bank, options, path), operator(reason))
    typer.echo(f"{bank} follows {name}: fetch with 'hashmatch exchange fetch {name}'")


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Unless named, all of them.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Fetch everything again, not what is new.")] = False,
    reason: Reason = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what is new into the banks, and remove from them what was withdrawn.

    A fetch that is broken off goes on where it was, when it is asked for
    again. Hashes that are none are told and left out, and then the exit code
    is 3. To be called by a timer, for example every quarter of an hour.

    Example: hashmatch exchange fetch
    """
    from hashmatch.cli.output import complain
    from hashmatch.errors import HashmatchError

    code = Code.DONE
    with opened_store(data_dir, database_url) as store:
        for name in names or [each.exchange.name for each in store.exchanges.all()]:
            try:
                fetched = _fetch(store, name, operator(reason or f"fetch of {name}"), anew)
            except HashmatchError as error:
                if names is not None and len(names) == 1:
                    raise
                complain(f"{error} ({error.reason})")
                code = max(code, Code.REFUSED)
                continue
            code = max(code, Code.NOT_SCANNED if fetched.bad else Code.DONE)
            _print_fetched(name, fetched, as_json)
    raise typer.Exit(code)


@app.command("list")
def list_exchanges(data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the exchanges and their settings.

    Example: hashmatch exchange list
    """
    from hashmatch.cli.output import print_table

    with opened_store(data_dir, database_url) as store:
        found = [each.exchange for each in store.exchanges.all()]
    if as_json:
        for exchange in found:
            emit(_object(exchange))
        return
    rows = [(each.name, each.api, each.bank, _settings(each), each.credentials) for each in found]
    print_table(
        ("exchange", "api", "bank", "settings", "credentials"), rows, "" if rows else "no exchanges yet: 'exchange add'"
    )


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Unless named, all of them.")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show how far fetching has come, and why it did not come further.

    Example: hashmatch exchange status
    """
    from hashmatch.cli.output import print_table

    with opened_store(data_dir, database_url) as store:
        found = store.exchanges.all() if name is None else [store.exchanges.get(name)]
        counts = [_count(store, each) for each in found]
    if as_json:
        for each, count in zip(found, counts, strict=True):
            emit(_status_object(each, count))
        return
    rows = [
        (each.exchange.name, each.exchange.bank, count, _time(each.fetched), _time(each.began), _state(each))
        for each, count in zip(found, counts, strict=True)
    ]
    print_table(("exchange", "bank", "#entries", "fetched", "last begun", "state"), rows)


@app.command()
def remove(
    name: Name,
    entries: Annotated[bool, typer.Option("--entries", help="Remove its entries from the bank too.")] = False,
    reason: Reason = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Follow an exchange no more; its entries stay unless --entries is given.

    Entries that stay are not removed when they are withdrawn there.

    Example: hashmatch exchange remove ncmec --entries
    """
    author = operator(reason)
    with opened_store(data_dir, database_url) as store:
        count = _count(store, store.exchanges.get(name))
        if entries and count:
            store.exchanges.clear(name, author)
        store.exchanges.remove(name, author)
    typer.echo(f"{name} is followed no more; {'removed' if entries else 'kept'} its {count:,} entries")


def _fetch(store: "Store", name: str, author: Author, anew: bool) -> "Fetch":
    from hashmatch.cli.output import complain
    from hashmatch.exchange import Fetch

    with _bar(name) as show:
        fetched = Fetch(store, name, author, lambda text: complain(f"{name}: {text}"), show)
        fetched.run(anew=anew)
    return fetched


@contextmanager
def _bar(name: str) -> Iterator[Any]:
    """A function that shows on a terminal how far a fetch has come; how far there is to go nobody says."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(f"fetching {name}")
        yield lambda fetched: shown.update(task, description=f"fetching {name}: {_counts(fetched)}")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
    return key, value


def _count(store: "Store", found: ExchangeStatus) -> int:
    from hashmatch.errors import NotFound

    try:
        return store.exchanges.count(found.exchange.name)
    except NotFound:
        return 0


def _counts(fetched: "Fetch") -> str:
    applied = fetched.applied
    bad = f", {fetched.bad:,} not taken over" if fetched.bad else ""
    return f"added {applied.added:,}, removed {applied.removed:,}, unchanged {applied.unchanged:,}{bad}"


def _print_fetched(name: str, fetched: "Fetch", as_json: bool) -> None:
    if as_json:
        applied = fetched.applied
        facts = {"added": applied.added, "removed": applied.removed, "unchanged": applied.unchanged}
        emit({"exchange": name, **facts, "bad": fetched.bad})
    else:
        typer.echo(f"{name}: {_counts(fetched)}")


def _object(exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange": exchange.name,
        "api": exchange.api,
        "bank": exchange.bank,
        "settings": dict(exchange.options),
        "credentials": exchange.credentials,
    }


def _status_object(found: ExchangeStatus, count: int) -> dict[str, Any]:
    return {
        **_object(found.exchange),
        "entries": count,
        "created": found.created.isoformat(),
        "began": None if found.began is None else found.began.isoformat(),
        "fetched": None if found.fetched is None else found.fetched.isoformat(),
        "checkpoint": found.checkpoint,
        "error": found.error,
    }


def _settings(exchange: Exchange) -> str:
    return ", ".join(f"{name}={value}" for name, value in exchange.options.items())


def _time(moment: Any) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _state(found: ExchangeStatus) -> str:
    if found.error:
        return found.error
    if found.began is None:
        return "never fetched"
    if found.fetched is None or found.fetched < found.began:
        return "under way, or broken off"
    return "fetched"
