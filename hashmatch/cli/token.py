"""`hashmatch token`: who may call a server."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from hashmatch.cli.common import AsJson, DatabaseUrl, DataDir, Reason, opened_store, operator
from hashmatch.cli.objects import emit
from hashmatch.types import Role, Token

_HELP = """Make and revoke the tokens that calls need.

These commands work on the database itself, not through a server: whoever can
write the database decides who may call. Every server of that database
follows within a second, without a restart.

The first token ends the time in which everyone on the loopback may do
everything. A token's secret is printed once and kept nowhere. To replace
one: make another under another name, hand it out, revoke the old one.
"""

_ROLES = """May be repeated. scan: hash and look up; curate: add and remove entries; approve: release what others
added or doubted; admin: banks and their policy; audit: read what was done. The first three report matches."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="Who holds it: 1 to 63 of a-z, 0-9 and hyphen.")]

app = typer.Typer(name="token", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one parameter for each option
    name: Name,
    role: Annotated[list[Role], typer.Option(help=_ROLES)],
    tenant: Annotated[
        str | None, typer.Option(help="The tenant whose banks it sees; unless set, the banks of no tenant.")
    ] = None,
    all_tenants: Annotated[bool, typer.Option("--all-tenants", help="It sees the banks of every tenant.")] = False,
    bank: Annotated[
        list[str] | None, typer.Option(help="The only bank it sees, as TENANT/NAME where it has one; may be repeated.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0, help="For how long it works; unless set, until revoked.")] = None,
    reason: Reason = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print its secret, which is shown this once.

    Example: hashmatch token create pipeline --role scan --data-dir ./hashmatch-data
    """
    if all_tenants and tenant is not None:
        raise typer.BadParameter("is of no use beside --all-tenants", param_hint="--tenant")
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    token = Token(name, frozenset(role), None if all_tenants else tenant or "", tuple(bank or ()), expires)
    with opened_store(data_dir, database_url) as store:
        secret = store.tokens.create(token, operator(reason))
    if as_json:
        emit({**_object(token), "secret": secret})
    else:
        typer.echo(secret)


@app.command("list")
def list_tokens(data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List all tokens there ever were, without their secrets.

    Example: hashmatch token list --data-dir ./hashmatch-data
    """
    from hashmatch.cli.output import print_table

    with opened_store(data_dir, database_url) as store:
        found = [kept.token for kept in store.tokens.all()]
    if as_json:
        for token in found:
            emit(_object(token))
        return
    print_table(
        ("token", "roles", "tenant", "banks", "state"),
        (
            (token.name, " ".join(sorted(token.roles)), _tenant(token), " ".join(token.banks), _state(token))
            for token in found
        ),
    )


@app.command()
def revoke(name: Name, reason: Reason = "", data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Refuse a token from now on.

    Example: hashmatch token revoke pipeline --data-dir ./hashmatch-data
    """
    with opened_store(data_dir, database_url) as store:
        store.tokens.revoke(name, operator(reason))
    typer.echo(f"revoked {name}")


def _object(token: Token) -> dict[str, Any]:
    return {
        "token": token.name,
        "roles": sorted(token.roles),
        "tenant": token.tenant,
        "banks": list(token.banks),
        "expires": None if token.expires is None else token.expires.isoformat(),
        "revoked": None if token.revoked is None else token.revoked.isoformat(),
    }


def _tenant(token: Token) -> str:
    return "every tenant" if token.tenant is None else token.tenant or "none"


def _state(token: Token) -> str:
    if token.revoked is not None:
        return f"revoked {token.revoked:%Y-%m-%d %H:%M}"
    if token.expires is None:
        return "works"
    return f"{'works until' if token.expires > datetime.now(UTC) else 'expired'} {token.expires:%Y-%m-%d %H:%M}"
