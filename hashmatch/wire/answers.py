"""Queries and what is answered to them."""

from hashmatch import errors, types
from hashmatch.v1 import match_pb2, types_pb2
from hashmatch.wire.banks import action_from_wire, action_to_wire, provenance_from_wire, provenance_to_wire
from hashmatch.wire.hashes import ORIENTATIONS, hash_from_wire, hash_to_wire, range_from_wire, range_to_wire
from hashmatch.wire.names import bank_name, entry_name, parse_bank_name, parse_entry_name

VERDICTS = {verdict: types_pb2.Verdict.Value(f"VERDICT_{verdict}") for verdict in types.Verdict}
_DEFAULTS = types.MatchOptions()
_VIEWS = {view: types_pb2.View.Value(f"VIEW_{view}") for view in types.View}
VERDICT_OF = {number: verdict for verdict, number in VERDICTS.items()}
_ORIENTATION_OF = {number: turn for turn, number in ORIENTATIONS.items()}
_VIEW_OF = {types_pb2.VIEW_UNSPECIFIED: types.View.WHOLE} | {number: view for view, number in _VIEWS.items()}


def options_to_wire(options: types.MatchOptions) -> types_pb2.MatchOptions:
    return types_pb2.MatchOptions(
        banks=[bank_name(bank) for bank in options.banks],
        original_orientation_only=not options.all_orientations,
        min_revision=options.min_revision,
        max_matches=options.max_matches,
        whole_image_only=not options.all_views,
        kinds=options.kinds,
        approximate=options.approximate,
    )


def options_from_wire(message: types_pb2.MatchOptions) -> types.MatchOptions:
    """Raises InvalidField."""
    if message.max_matches > 1000:
        raise errors.InvalidField("options.max_matches", f"expected 1 to 1000, got {message.max_matches}")
    if message.min_revision < 0:
        raise errors.InvalidField("options.min_revision", f"expected 0 or more, got {message.min_revision}")
    return types.MatchOptions(
        banks=tuple(parse_bank_name(name, f"options.banks[{at}]") for at, name in enumerate(message.banks)),
        all_orientations=not message.original_orientation_only,
        min_revision=message.min_revision,
        max_matches=message.max_matches or _DEFAULTS.max_matches,
        all_views=not message.whole_image_only,
        kinds=tuple(message.kinds),
        approximate=message.approximate,
    )


def match_to_wire(match: types.Match) -> types_pb2.Match:
    return types_pb2.Match(
        bank=bank_name(match.bank),
        action=action_to_wire(match.action),
        entry=entry_name(match.bank, match.entry_id),
        entry_hash=hash_to_wire(match.entry_hash),
        query_hash=hash_to_wire(match.query_hash),
        distance=match.distance,
        threshold=match.threshold,
        orientation=ORIENTATIONS[match.orientation],
        provenance=provenance_to_wire(match.provenance),
        view=_VIEWS[match.view],
        entry_shown=None if match.entry_shown is None else range_to_wire(match.entry_shown),
    )


def match_from_wire(message: types_pb2.Match) -> types.Match:
    bank, entry_id = parse_entry_name(message.entry, "match.entry")
    return types.Match(
        bank=bank,
        action=action_from_wire(message.action, "match.action"),
        entry_id=entry_id,
        entry_hash=hash_from_wire(message.entry_hash),
        query_hash=hash_from_wire(message.query_hash),
        distance=message.distance,
        threshold=message.threshold,
        orientation=_ORIENTATION_OF[message.orientation],
        provenance=provenance_from_wire(message.provenance),
        view=_VIEW_OF[message.view],
        entry_shown=range_from_wire(message.entry_shown) if message.HasField("entry_shown") else None,
    )


def decision_to_wire(decision: types.Decision) -> types_pb2.MatchResult:
    return types_pb2.MatchResult(
        hash=hash_to_wire(decision.hash),
        verdict=VERDICTS[decision.verdict],
        matches=[match_to_wire(match) for match in decision.matches],
        total_matches=decision.total_matches,
        banks_not_compared=[bank_name(bank) for bank in decision.banks_not_compared],
        revision=decision.revision,
    )


def decision_from_wire(message: types_pb2.MatchResult) -> types.Decision:
    return types.Decision(
        hash=hash_from_wire(message.hash),
        verdict=VERDICT_OF[message.verdict],
        matches=tuple(match_from_wire(match) for match in message.matches),
        total_matches=message.total_matches,
        banks_not_compared=tuple(parse_bank_name(name, "banks_not_compared") for name in message.banks_not_compared),
        revision=message.revision,
    )


def image_decision_to_wire(decision: types.ImageDecision) -> match_pb2.MatchImageResponse:
    return match_pb2.MatchImageResponse(
        result=decision_to_wire(decision),
        media_type=decision.media_type,
        width=decision.width,
        height=decision.height,
    )


def image_decision_from_wire(message: match_pb2.MatchImageResponse) -> types.ImageDecision:
    found = decision_from_wire(message.result)
    return types.ImageDecision.of(found, message.media_type, message.width, message.height)
