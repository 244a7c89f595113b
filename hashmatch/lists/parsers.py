"""One function for each format of text, from a record of it to an entry; each raises ValueError or InvalidField."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from hashmatch.lists import fields
from hashmatch.lists.form import COLUMNS, Unsaid
from hashmatch.types import NewEntry, Provenance

_SETS_OF_LABELS: Final = 1_024
"""Kept as they were taken apart: a list has few, which return again and again."""
_NUMBERS: Final = ("quality", "shown_from", "shown_until")
_TEXTS: Final = ("kind", "content_id", "source", "note", "programme", "reported", "expires")
_ROUTE: Final = ("frame number", "quality", "hash", "seconds")


def cells_parser(columns: Sequence[str], unsaid: Unsaid, *, surplus: bool) -> Callable[[list[str]], NewEntry]:
    """For the cells of a row of CSV whose columns are named; a row may have more of them where `surplus`."""
    width = len(columns)
    pick = itemgetter(*(columns.index(name) if name in columns else width for name in COLUMNS))
    split = lru_cache(_SETS_OF_LABELS)(fields.labels)

    def parse(cells: list[str]) -> NewEntry:
        if len(cells) > width and not surplus:
            raise ValueError(f"has {len(cells)} columns, not {width}")
        cells[width:] = [""]
        cells.extend([""] * (width + 1 - len(cells)))
        text, quality, kind, content_id, source, labels, note, start, end, programme, reported, expires = pick(cells)
        value = fields.new_hash(kind.strip() or unsaid.kind, fields.bits(text), fields.quality(quality))
        shown = None
        if start or end:
            begin = fields.microseconds("shown_from", start)
            shown = fields.shown_range(begin, fields.microseconds("shown_until", end))
        when = fields.moment("reported", reported)
        origin = fields.new_provenance(content_id, source, split(labels), note, programme, when)
        return fields.entry_of(value, origin, shown, unsaid, fields.moment("expires", expires))

    return parse


def object_parser(unsaid: Unsaid) -> Callable[[str], NewEntry]:
    """For a line that is a JSON object with the names of `COLUMNS`; null is as good as nothing."""

    def parse(line: str) -> NewEntry:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise ValueError("is not a JSON object")  # noqa: TRY004 - the caller tells rows by ValueError
        numbers = {name: _number(row, name) for name in _NUMBERS}
        texts = {name: _text(row, name) for name in _TEXTS}
        value = fields.new_hash(texts["kind"] or unsaid.kind, fields.bits(_text(row, "hash")), numbers["quality"])
        shown = fields.shown_range(numbers["shown_from"], numbers["shown_until"])
        labels = row.get("labels")
        labels = () if labels is None else fields.check_labels(labels)
        when = fields.moment("reported", texts["reported"])
        origin = fields.new_provenance(
            texts["content_id"], texts["source"], labels, texts["note"], texts["programme"], when
        )
        return fields.entry_of(value, origin, shown, unsaid, fields.moment("expires", texts["expires"]))

    return parse


def frame_parser(unsaid: Unsaid) -> Callable[[str], NewEntry]:
    """For a line of vPDQ's hashing tool: a frame's number, its quality, its hash and the second it is shown in."""

    def parse(line: str) -> NewEntry:
        cells = line.split(",")
        if len(cells) != len(_ROUTE):
            raise ValueError(f"has {len(cells)} columns, not the {len(_ROUTE)} of vPDQ: {', '.join(_ROUTE)}")
        _, quality, text, time = cells
        moment = fields.seconds(time)
        value = fields.new_hash(unsaid.kind, fields.bits(text), fields.quality(quality))
        return fields.entry_of(value, Provenance(), fields.shown_range(moment, moment), unsaid)

    return parse


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name}: must be a text")  # noqa: TRY004 - the caller tells rows by ValueError
    return value


def _number(row: dict[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name}: must be a whole number")  # noqa: TRY004 - the caller tells rows by ValueError
    return value
