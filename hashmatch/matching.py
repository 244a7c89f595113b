"""From hashes to decisions: what is looked up for an image, and what the matches amount to."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby, islice
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from hashmatch import policy
from hashmatch.index import Found, Hit, Snapshot
from hashmatch.types import (
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

_TURNS: Final = tuple(Orientation)
_kind = attrgetter("kind")


class Query(NamedTuple):
    """The hashes of one kind of one item, which are looked up together."""

    hashes: Sequence[Hash]
    """Of the whole first, by orientation from the original on, then of what is within its border, likewise."""
    whole: int
    """How many are of the whole."""


def match_images(
    snapshot: Snapshot,
    images: Sequence[HashedImage],
    options: MatchOptions,
    ceilings: Mapping[str, int],
    stage: Stage = nullcontext,
) -> list[ImageDecision]:
    """Look images up, all at one revision; `ceilings` is as for `Snapshot.search`. Raises NotFound (a bank)."""
    asked = [queries(image, options) for image in images]
    every = [query for of_image in asked for query in of_image]
    with stage("search"):
        answers = iter(_search(snapshot, every, options, ceilings))
    with stage("policy"):
        return [
            ImageDecision.of(
                _decide(snapshot, [(query, next(answers)) for query in of_image], options.max_matches),
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
    asked = [Query((value,), 1) for value in hashes]
    with stage("search"):
        answers = zip(asked, _search(snapshot, asked, options, ceilings), strict=True)
    with stage("policy"):
        return [_decide(snapshot, [answer], options.max_matches) for answer in answers]


def _search(
    snapshot: Snapshot, asked: Sequence[Query], options: MatchOptions, ceilings: Mapping[str, int]
) -> list[Found]:
    return snapshot.search([query.hashes for query in asked], options.banks, options.max_matches, ceilings)


def queries(image: HashedImage, options: MatchOptions) -> list[Query]:
    """What is looked up for an image, for each kind."""
    most = len(_TURNS) if options.all_orientations else 1
    whole, inner = (
        {kind: list(islice(turned, most)) for kind, turned in groupby(hashes, key=_kind)}
        for hashes in (image.hashes, image.inner)
    )
    return [Query(hashes + inner.get(kind, []), len(hashes)) for kind, hashes in whole.items()]


def _decide(snapshot: Snapshot, answers: Sequence[tuple[Query, Found]], most: int) -> Decision:
    """Decide on one item from what was found for it by each kind, the first kind's original hash first."""
    found = [each for _, each in answers]
    matches = [match_of(query, hit) for query, each in answers for hit in each.hits]
    return Decision(
        hash=answers[0][0].hashes[0],
        verdict=policy.decide({action for each in found for action in each.actions}),
        matches=tuple(sorted(matches, key=lambda match: (match.distance, match.entry_id))[:most]),
        total_matches=sum(each.total for each in found),
        banks_not_compared=tuple(sorted({bank for each in found for bank in each.banks_not_compared})),
        revision=snapshot.revision,
    )


def match_of(query: Query, hit: Hit) -> Match:
    within = hit.query >= query.whole
    return Match(
        bank=hit.bank.name,
        action=hit.action,
        entry_id=hit.entry.id,
        entry_hash=hit.entry.hash,
        query_hash=query.hashes[hit.query],
        distance=hit.distance,
        threshold=hit.threshold,
        orientation=_TURNS[hit.query - within * query.whole],
        provenance=hit.entry.provenance,
        view=View.WITHOUT_BORDER if within else View.WHOLE,
        entry_shown=hit.entry.shown,
    )
