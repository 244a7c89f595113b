"""The application: global options, the commands, and how errors end."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hashmatch.cli import audit, backfill, bank, exchange, index, token
from hashmatch.cli.common import Code, Connection
from hashmatch.cli.demo import demo
from hashmatch.cli.hash import hash_files
from hashmatch.cli.match import lookup, match
from hashmatch.cli.report import report
from hashmatch.cli.serve import serve
from hashmatch.cli.status import status
from hashmatch.errors import ConfigurationError, DeadlineExceeded, HashmatchError, Unavailable

_HELP = """Perceptual-hash media matching: find altered copies of known images and videos.

From nothing to a verdict:

  hashmatch serve                                 run the service
  hashmatch bank create known-bad --action BLOCK  make a bank of known media
  hashmatch bank add known-bad photos/            fill it
  hashmatch match upload.jpg                      ask for a verdict

Another server is named before the command, or by HASHMATCH_SERVER:

  hashmatch --server 10.0.0.7:50051 status

Or see it all at once: hashmatch demo

Exit codes:

    0  done; of match and lookup: all was scanned, and every verdict is ALLOW
    1  failed: a defect, a closed pipe, or a demo that missed something
    2  wrong usage or configuration
    4  no server answered, or not in time
    5  the server refused: not found, exists already, not valid
    6  of audit: the database is not as its log says, or a proof does not hold
   10  the gravest verdict is REVIEW
   20  the gravest verdict is BLOCK
   +3  some input could not be scanned or read: 3, 13 or 23
  130  interrupted
"""

app = typer.Typer(
    name="hashmatch",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve)
app.add_typer(bank.app)
app.add_typer(exchange.app)
app.add_typer(index.app)
app.add_typer(token.app)
app.add_typer(audit.app)
app.add_typer(backfill.app)
app.command()(match)
app.command()(lookup)
app.command()(report)
app.command("hash")(hash_files)
app.command()(status)
app.command()(demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        from hashmatch import __version__

        typer.echo(f"hashmatch {__version__}")
        raise typer.Exit


@app.callback()
def _connection(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    server: Annotated[
        str, typer.Option(envvar="HASHMATCH_SERVER", metavar="HOST:PORT", help="The server to ask.")
    ] = "127.0.0.1:50051",
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="HASHMATCH_TOKEN_FILE", metavar="FILE", help="Holds the token to call with; or set HASHMATCH_TOKEN."
        ),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", envvar="HASHMATCH_TLS", help="Call by TLS.")] = False,
    ca: Annotated[
        Path | None, typer.Option(envvar="HASHMATCH_CA", metavar="FILE", help="Whom to believe (PEM); implies --tls.")
    ] = None,
    cert: Annotated[
        Path | None, typer.Option(envvar="HASHMATCH_CERT", metavar="FILE", help="A certificate to show (PEM).")
    ] = None,
    key: Annotated[Path | None, typer.Option(envvar="HASHMATCH_KEY", metavar="FILE", help="Its key.")] = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds that each call may take.")] = 10.0,
    version: Annotated[  # noqa: ARG001 - acted upon by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    context.obj = Connection(server, timeout, token_file, tls, ca, cert, key)


def main() -> None:
    """Run the command line; expected errors end in one line on standard error and an exit code."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own log would say again what our errors say
    try:
        app(prog_name="hashmatch")
    except Unavailable as error:
        _end(str(error), Code.UNREACHABLE)
    except DeadlineExceeded as error:
        _end(f"{error}: 'hashmatch --timeout SECONDS' gives calls longer", Code.UNREACHABLE)
    except ConfigurationError as error:
        _end(str(error), Code.USAGE)
    except HashmatchError as error:
        unknown = error.reason == HashmatchError.reason
        _end(f"{error} ({error.reason})", Code.FAILED if unknown else Code.REFUSED)


def _end(message: str, code: Code) -> None:
    typer.echo(f"hashmatch: {message}", err=True)
    sys.exit(code)
