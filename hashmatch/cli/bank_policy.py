"""`hashmatch bank create` and `update`: every field of a bank as an option, declared once for both."""

import enum
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

import typer

from hashmatch.cli.common import AsJson, Reason, connect
from hashmatch.cli.moments import AHEAD, METAVAR, parse_moment
from hashmatch.cli.objects import bank_object, emit
from hashmatch.cli.output import print_facts
from hashmatch.types import Action, Approval, Bank, KindPolicy

BankName = Annotated[str, typer.Argument(metavar="BANK", help="The bank's name.")]
AnyBank = Annotated[str, typer.Argument(metavar="[BANK]", help="The bank's name; all banks where it is left out.")]
E = TypeVar("E", bound=enum.StrEnum)
NONE: Final = "none"


def _percent(help_: str) -> Any:
    return Annotated[int | None, typer.Option(min=0, max=100, metavar="PERCENT", help=help_)]


_OPTIONS: Final[Mapping[str, Any]] = {
    "action": Annotated[
        str | None, typer.Option("--action", metavar="BLOCK|REVIEW|ALLOW", help="What a match asks for.")
    ],
    "threshold": Annotated[
        int | None, typer.Option(min=0, max=64, help="Largest distance in bits that still matches.")
    ],
    "minimum_quality": Annotated[int | None, typer.Option(min=0, max=100, help="Lower qualities are not compared.")],
    "kind_threshold": Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=BITS", help=f"Largest distance for one kind, {NONE} for the kind's own; may be repeated."
        ),
    ],
    "kind_minimum_quality": Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=QUALITY", help=f"The same of qualities, {NONE} as for other kinds."),
    ],
    "description": Annotated[str | None, typer.Option(help="For people.")],
    "enabled": Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether queries look into it.")],
    "matching_enabled_ratio": Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="SHARE", help="Share of its content that queries find, for a roll-out."),
    ],
    "disabled_until": Annotated[
        str | None,
        typer.Option(metavar=METAVAR, help=f"Queries do not look into it before: {AHEAD} {NONE}: they do."),
    ],
    "approval": Annotated[
        str | None,
        typer.Option(
            metavar="NONE|BEFORE|AFTER",
            help="Another person approves what one adds: never, before it matches, or afterwards (urgent reports).",
        ),
    ],
    "review_hours": Annotated[
        int | None,
        typer.Option(min=1, max=8_760, metavar="HOURS", help="Urgent entries ask for REVIEW if not reviewed by then."),
    ],
    "growth_limit": Annotated[
        int | None,
        typer.Option(
            min=0, max=1_000_000, metavar="PERCENT", help="Growth in 24 hours past which entries wait; 0: none do."
        ),
    ],
    "false_share": Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="SHARE", help="Share of false reports that demotes an entry; 0: none does."),
    ],
    "false_reports": Annotated[
        int | None, typer.Option(min=1, max=10_000, metavar="COUNT", help="But only with so many false reports.")
    ],
    "false_reporters": Annotated[
        int | None, typer.Option(min=1, max=1_000, metavar="COUNT", help="And by so many reporters.")
    ],
    "video_query_share": _percent("A known video matches with so many of the query's frames."),
    "video_known_share": _percent("A known video matches with so many of its own frames."),
}
"""Fields of a bank, or what a field is put together from, and their options."""


def _with_policy(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field; it takes those that were given as `named`."""

    def run(**arguments: Any) -> None:
        named = {name: arguments.pop(name) for name in _OPTIONS}
        command(named={name: value for name, value in named.items() if value is not None}, **arguments)

    own = inspect.signature(command)
    keyword = inspect.Parameter.KEYWORD_ONLY
    kept = [each.replace(kind=keyword) for name, each in own.parameters.items() if name != "named"]
    options = [inspect.Parameter(name, keyword, default=None, annotation=each) for name, each in _OPTIONS.items()]
    run.__signature__ = own.replace(parameters=[*kept, *options])  # type: ignore[attr-defined]  # as inspect reads it
    run.__annotations__ = {each.name: each.annotation for each in (*kept, *options)}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


@_with_policy
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="BANK", help="1 to 63 of a-z, 0-9 and hyphen; a tenant's: TENANT/NAME.")
    ],
    named: dict[str, Any],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make a bank; unless told otherwise REVIEW, threshold 31, minimum quality 50.

    Example: hashmatch bank create known-bad --action BLOCK
    """
    bank = Bank(name)
    bank = replace(bank, **_values(bank, named))
    with connect(context) as client:
        made, revision = client.create_bank(bank, reason=reason)
    _print_written(made, revision, as_json)


@_with_policy
def update(
    context: typer.Context,
    name: BankName,
    named: dict[str, Any],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Change a bank's policy.

    Example: hashmatch bank update known-bad --threshold 24 --kind-threshold phash=6
    """
    if not named:
        raise typer.BadParameter("name at least one field to change", param_hint="options")
    with connect(context) as client:
        values = _values(client.get_bank(name)[0], named)
        bank, revision = client.update_bank(name, reason=reason, **values)
    _print_written(bank, revision, as_json)


def facts(bank: Bank) -> list[tuple[str, object]]:
    """What there is to tell of a bank."""
    kinds = [(f"of {each.kind}", ", ".join(f"{what} {value}" for what, value in _said(each))) for each in bank.kinds]
    return [
        ("bank", bank.name),
        ("description", bank.description),
        ("action", bank.action),
        ("threshold", bank.threshold),
        ("minimum quality", bank.minimum_quality),
        *kinds,
        ("video query share", f"{bank.video_query_share} %"),
        ("video known share", f"{bank.video_known_share} %"),
        ("approval", _approval(bank)),
        ("growth limit", f"{bank.growth_limit} % a day" if bank.growth_limit else "none"),
        ("demotes", _demotes(bank)),
        ("state", state(bank)),
    ]


def state(bank: Bank) -> str:
    """Whether, and of how much of it, queries look into a bank."""
    if not bank.enabled:
        return "disabled"
    until = "" if bank.disabled_until is None else f", not before {bank.disabled_until.isoformat()}"
    share = "" if bank.matching_enabled_ratio == 1 else f" for {bank.matching_enabled_ratio:.2%} of its content"
    return f"enabled{share}{until}"


def _approval(bank: Bank) -> str:
    match bank.approval:
        case Approval.NONE:
            return "none"
        case Approval.BEFORE:
            return "by another person, before entries match"
        case Approval.AFTER:
            return f"by another person, within {bank.review_hours} hours"


def _demotes(bank: Bank) -> str:
    if not bank.false_share:
        return "no entry"
    return (
        f"entries of which {bank.false_share:.0%} of the reports are false, {bank.false_reports} or more by "
        f"{bank.false_reporters} or more reporters"
    )


def _said(policy: KindPolicy) -> list[tuple[str, int]]:
    said = (("threshold", policy.threshold), ("minimum quality", policy.minimum_quality))
    return [(what, value) for what, value in said if value is not None]


def _values(bank: Bank, named: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were named, as they are to be; `bank` is as it is now. Raises BadParameter."""
    values = dict(named)
    thresholds = _by_kind(values.pop("kind_threshold", ()), "--kind-threshold", 64)
    qualities = _by_kind(values.pop("kind_minimum_quality", ()), "--kind-minimum-quality", 100)
    if thresholds or qualities:
        values["kinds"] = _merged(bank.kinds, thresholds, qualities)
    if "disabled_until" in values:
        text = values["disabled_until"]
        values["disabled_until"] = None if text == NONE else parse_moment(text, "--disabled-until")
    if "action" in values:
        values["action"] = one_of(Action, values["action"], "--action")
    if "approval" in values:
        values["approval"] = one_of(Approval, values["approval"], "--approval")
    return values


def one_of(kind: type[E], text: str, option: str) -> E:
    """The member of that name, in any case; raises BadParameter, which names the option."""
    try:
        return kind(text.upper())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(kind)}", param_hint=option) from None


def _by_kind(texts: Sequence[str], option: str, most: int) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for text in texts:
        kind, _, value = text.partition("=")
        if not kind or (value != NONE and not (value.isdecimal() and int(value) <= most)):
            raise typer.BadParameter(f"{text!r} is not a kind, = and 0 to {most} or {NONE}", param_hint=option)
        found[kind] = None if value == NONE else int(value)
    return found


def _merged(
    kinds: Sequence[KindPolicy], thresholds: Mapping[str, int | None], qualities: Mapping[str, int | None]
) -> tuple[KindPolicy, ...]:
    """Policies with some values replaced; those that say nothing any more are left out."""
    before = {each.kind: each for each in kinds}
    merged = []
    for kind in dict.fromkeys([*before, *thresholds, *qualities]):
        old = before.get(kind, KindPolicy(kind))
        new = KindPolicy(kind, thresholds.get(kind, old.threshold), qualities.get(kind, old.minimum_quality))
        merged += [new] if _said(new) else []
    return tuple(merged)


def _print_written(bank: Bank, revision: int, as_json: bool) -> None:
    if as_json:
        emit({**bank_object(bank), "revision": revision})
    else:
        print_facts([*facts(bank), ("revision", revision)])
