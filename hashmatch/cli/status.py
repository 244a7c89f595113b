"""`hashmatch status`: what a running server says of itself."""

import typer

from hashmatch.cli.common import AsJson, Connection, connect
from hashmatch.cli.objects import emit, status_object
from hashmatch.cli.output import print_facts


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Print a server's revision, entries, versions and kernels.

    Example: hashmatch --server 127.0.0.1:50051 status
    """
    with connect(context) as client:
        state = client.status()
    connection: Connection = context.obj
    if as_json:
        emit({"server": connection.server, **status_object(state)})
        return
    print_facts(
        [
            ("server", connection.server),
            ("revision", state.revision),
            ("behind", f"{state.behind_seconds:.1f} s{f': {why}' if (why := state.follower_error) else ''}"),
            *((f"{kind} entries", f"{count:,}") for kind, count in sorted(state.entries.items())),
            ("kernels", state.variant),
            ("sandbox", state.sandbox or "unknown"),
            ("largest media", f"{state.max_media_bytes:,} bytes"),
            *sorted(state.versions.items()),
        ]
    )
