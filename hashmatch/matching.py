"""From hashes to decisions: what is looked up for an image, and what the matches amount to."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import NamedTuple, TypeAlias

from hashmatch import policy
from hashmatch.index import Found, Hit, Snapshot
from hashmatch.types import (
    Action,
    Decision,
    Hash,
    HashedImage,
    ImageDecision,
    Match,
    MatchOptions,
    Orientation,
    View,
)

Stage: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Entered around each stage of the work with its name."""


class Query(NamedTuple):
    """A hash to look up, and what it is of."""

    hash: Hash
    view: View = View.WHOLE
    orientation: Orientation = Orientation.ORIGINAL


def match_images(
    snapshot: Snapshot,
    images: Sequence[HashedImage],
    options: MatchOptions,
    ceilings: Mapping[str, int],
    stage: Stage = nullcontext,
) -> list[ImageDecision]:
    """Look images up, all at one revision; `ceilings` is as for `Snapshot.search`. Raises NotFound (a bank)."""
    asked = [queries(image, options) for image in images]
    groups = [group for of_image in asked for group in of_image]
    with stage("search"):
        answers = iter(_search(snapshot, groups, options, ceilings))
    with stage("policy"):
        return [
            ImageDecision.of(
                _decide(snapshot, [(group, next(answers)) for group in of_image], options.max_matches),
                image.media_type,
                image.width,
                image.height,
            )
            for image, of_image in zip(images, asked, strict=True)
        ]


def lookup_hashes(
    snapshot: Snapshot,
    hashes: Sequence[Hash],
    options: MatchOptions,
    ceilings: Mapping[str, int],
    stage: Stage = nullcontext,
) -> list[Decision]:
    """Look hashes up as they are given, all at one revision; `ceilings` is as for `Snapshot.search`.

    Raises NotFound (a bank).
    """
    groups = [[Query(query)] for query in hashes]
    with stage("search"):
        answers = zip(groups, _search(snapshot, groups, options, ceilings), strict=True)
    with stage("policy"):
        return [_decide(snapshot, [answer], options.max_matches) for answer in answers]


def _search(
    snapshot: Snapshot, groups: Sequence[Sequence[Query]], options: MatchOptions, ceilings: Mapping[str, int]
) -> list[Found]:
    hashes = [[query.hash for query in group] for group in groups]
    return snapshot.search(hashes, options.banks, options.max_matches, ceilings)


def queries(image: HashedImage, options: MatchOptions) -> list[list[Query]]:
    """What is looked up for an image, for each kind: the whole in its original orientation first."""
    orientations = tuple(Orientation) if options.all_orientations else (Orientation.ORIGINAL,)
    by_kind: dict[str, list[Query]] = {}
    for view, hashes in ((View.WHOLE, image.hashes), (View.WITHOUT_BORDER, image.inner)):
        for kind, turned in groupby(hashes, key=lambda value: value.kind):
            group = by_kind.setdefault(kind, [])
            group += (Query(value, view, turn) for turn, value in zip(orientations, turned, strict=False))
    return list(by_kind.values())


def _decide(snapshot: Snapshot, answers: Sequence[tuple[Sequence[Query], Found]], most: int) -> Decision:
    """Decide on one query from what was found for it by each kind, the first kind's original hash first."""
    found = [each for _, each in answers]
    matches = [match_of(queries[hit.query], hit) for queries, each in answers for hit in each.hits]
    return Decision(
        hash=answers[0][0][0].hash,
        verdict=policy.decide(frozenset[Action]().union(*(each.actions for each in found))),
        matches=tuple(sorted(matches, key=lambda match: (match.distance, match.entry_id))[:most]),
        total_matches=sum(each.total for each in found),
        banks_not_compared=tuple(sorted({bank for each in found for bank in each.banks_not_compared})),
        revision=snapshot.revision,
    )


def match_of(query: Query, hit: Hit) -> Match:
    return Match(
        bank=hit.bank.name,
        action=hit.action,
        entry_id=hit.entry.id,
        entry_hash=hit.entry.hash,
        query_hash=query.hash,
        distance=hit.distance,
        threshold=hit.threshold,
        orientation=query.orientation,
        provenance=hit.entry.provenance,
        view=query.view,
        entry_shown=hit.entry.shown,
    )
