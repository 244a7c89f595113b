"""`hashmatch status`: what a running server says of itself."""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer
from rich.live import Live

from hashmatch.cli.common import AsJson, Connection, connect
from hashmatch.cli.objects import emit, status_object
from hashmatch.cli.output import console, facts_table, print_facts
from hashmatch.types import Load, Status

_WATCH_SECONDS: Final = 1.0


def status(
    context: typer.Context,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option(help="Ask every second until Ctrl-C, and tell what happened since.")] = False,
) -> None:
    """Print a server's revision, entries, index, load, versions and kernels.

    Of several processes on one port, one answers: the line "processes" has
    the revisions of all. --watch stays with it, and leaves out the versions
    of libraries.

    Example: hashmatch --server 127.0.0.1:50051 status --watch
    """
    connection: Connection = context.obj
    with connect(context) as client:
        if as_json:
            for state in _states(client.status, watch):
                emit({"server": connection.server, **status_object(state)})
        elif watch:
            _show(connection.server, client.status)
        else:
            state = client.status()
            print_facts([*_facts(connection.server, state), *sorted(state.versions.items())])


def _states(ask: Callable[[], Status], watch: bool) -> Iterator[Status]:
    yield ask()
    while watch:
        time.sleep(_WATCH_SECONDS)
        yield ask()


def _show(server: str, ask: Callable[[], Status]) -> None:
    """Keep the facts on the terminal up to date; elsewhere, print them again and again."""
    screen = console()
    last, at = Status(0), 0.0
    with Live(console=screen, auto_refresh=False) as live:
        for state in _states(ask, watch=True):
            now = time.monotonic()
            facts = facts_table([*_facts(server, state), *(_rates(last.load, state.load, now - at) if at else ())])
            if screen.is_terminal:
                live.update(facts, refresh=True)
            else:
                screen.print(facts)
            last, at = state, now


def _rates(before: Load, now: Load, seconds: float) -> Iterator[tuple[str, object]]:
    yield "ended", f"{(now.ended - before.ended) / seconds:,.0f}/s"
    yield "refused", f"{(now.overloads - before.overloads) / seconds:,.0f}/s"
    lookups = now.cache_lookups - before.cache_lookups
    yield "seen before", f"{(now.cache_hits - before.cache_hits) / lookups:.0%}" if lookups else "-"


def _facts(server: str, state: Status) -> Iterator[tuple[str, object]]:
    yield "server", server
    yield "revision", state.revision
    yield "behind", f"{state.behind_seconds:.1f} s{f': {why}' if (why := state.follower_error) else ''}"
    for kind, count in sorted(state.entries.items()):
        yield f"{kind} entries", f"{count:,}"
    load = state.load
    yield "at work", f"{load.working} of {load.workers}, {load.waiting} waiting, {load.held_bytes / 1e6:,.1f} MB held"
    yield "ended", f"{load.ended:,}, {load.overloads:,} of them refused for want of room"
    yield "index", _index(state)
    yield "processes", ", ".join("starting" if at < 0 else f"revision {at}" for at in state.process_revisions)
    yield "kernels", state.variant
    yield "sandbox", state.sandbox or "unknown"
    yield "largest media", f"{state.max_media_bytes:,} bytes"


def _index(state: Status) -> str:
    said = "complete" if state.complete else "loading"
    if state.recent_entries:
        said += f"; {state.recent_entries:,} entries are in no file yet"
    if (building := state.building) is not None:
        said += f"; building files: {building.stage} {building.done:,} of {building.total:,}"
    return said
