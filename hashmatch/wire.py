"""Messages of the public contract to our types and back, for the server and the client alike."""

import re
from datetime import UTC
from itertools import groupby

from google.protobuf.timestamp_pb2 import Timestamp

from hashmatch import errors, types
from hashmatch.v1 import hash_pb2, match_pb2, status_pb2, types_pb2

_BANK_NAME = re.compile(r"banks/([^/]+)")
_ENTRY_NAME = re.compile(r"banks/([^/]+)/entries/([1-9][0-9]{0,17})")

_ACTIONS = {action: types_pb2.Action.Value(f"ACTION_{action}") for action in types.Action}
_VERDICTS = {verdict: types_pb2.Verdict.Value(f"VERDICT_{verdict}") for verdict in types.Verdict}
_ORIENTATIONS = {turn: types_pb2.Orientation.Value(f"ORIENTATION_{turn}") for turn in types.Orientation}
_VIEWS = {view: types_pb2.View.Value(f"VIEW_{view}") for view in types.View}
_ACTION_OF = {number: action for action, number in _ACTIONS.items()}
_VERDICT_OF = {number: verdict for verdict, number in _VERDICTS.items()}
_ORIENTATION_OF = {number: turn for turn, number in _ORIENTATIONS.items()}
_VIEW_OF = {types_pb2.VIEW_UNSPECIFIED: types.View.WHOLE} | {number: view for view, number in _VIEWS.items()}


def bank_name(bank: str) -> str:
    """The resource name of a bank."""
    return f"banks/{bank}"


def entry_name(bank: str, entry: int) -> str:
    """The resource name of an entry."""
    return f"banks/{bank}/entries/{entry}"


def parse_bank_name(name: str, field: str) -> str:
    """The bank in `banks/{bank}`; raises InvalidField naming `field`."""
    found = _BANK_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}, got {name[:80]!r}")
    return found[1]


def parse_entry_name(name: str, field: str) -> tuple[str, int]:
    """Bank and id in `banks/{bank}/entries/{entry}`; raises InvalidField naming `field`."""
    found = _ENTRY_NAME.fullmatch(name)
    if found is None:
        raise errors.InvalidField(field, f"expected banks/{{bank}}/entries/{{entry}}, got {name[:120]!r}")
    return found[1], int(found[2])


def hash_to_wire(value: types.Hash) -> types_pb2.Hash:
    return types_pb2.Hash(kind=value.kind, bits=value.bits, quality=value.quality)


def hash_from_wire(message: types_pb2.Hash) -> types.Hash:
    quality = message.quality if message.HasField("quality") else None
    return types.Hash(message.kind, message.bits, quality)


def bank_to_wire(bank: types.Bank) -> types_pb2.Bank:
    return types_pb2.Bank(
        name=bank_name(bank.name),
        description=bank.description,
        action=_ACTIONS[bank.action],
        threshold=bank.threshold,
        minimum_quality=bank.minimum_quality,
        enabled=bank.enabled,
    )


def action_to_wire(action: types.Action) -> types_pb2.Action.ValueType:
    return _ACTIONS[types.Action(action)]


def action_from_wire(number: types_pb2.Action.ValueType, field: str) -> types.Action:
    """Raises InvalidField for a number that this version does not know, and for none at all."""
    try:
        return _ACTION_OF[number]
    except KeyError:
        raise errors.InvalidField(field, f"expected one of {', '.join(types.Action)}, got number {number}") from None


def bank_from_wire(message: types_pb2.Bank) -> types.Bank:
    """The bank with the defaults of `types.Bank` where the message is silent; raises InvalidField."""
    default = types.Bank(name=parse_bank_name(message.name, "bank.name"))
    return types.Bank(
        name=default.name,
        description=message.description,
        action=action_from_wire(message.action, "bank.action") if message.action else default.action,
        threshold=message.threshold if message.HasField("threshold") else default.threshold,
        minimum_quality=message.minimum_quality if message.HasField("minimum_quality") else default.minimum_quality,
        enabled=message.enabled if message.HasField("enabled") else default.enabled,
    )


def provenance_to_wire(provenance: types.Provenance) -> types_pb2.Provenance:
    return types_pb2.Provenance(
        content_id=provenance.content_id,
        source=provenance.source,
        labels=provenance.labels,
        note=provenance.note,
    )


def provenance_from_wire(message: types_pb2.Provenance) -> types.Provenance:
    # A slice of a repeated field is a list, which is several times as fast to read as the field.
    return types.Provenance(message.content_id, message.source, tuple(message.labels[:]), message.note)


def entry_to_wire(entry: types.Entry) -> types_pb2.Entry:
    created = Timestamp()
    created.FromDatetime(entry.created)
    return types_pb2.Entry(
        name=entry_name(entry.bank, entry.id),
        hash=hash_to_wire(entry.hash),
        provenance=provenance_to_wire(entry.provenance),
        create_time=created,
        revision=entry.revision,
    )


def entry_from_wire(message: types_pb2.Entry) -> types.Entry:
    bank, id_ = parse_entry_name(message.name, "entry.name")
    return types.Entry(
        id=id_,
        bank=bank,
        hash=hash_from_wire(message.hash),
        provenance=provenance_from_wire(message.provenance),
        created=message.create_time.ToDatetime(UTC),
        revision=message.revision,
    )


def options_to_wire(options: types.MatchOptions) -> types_pb2.MatchOptions:
    return types_pb2.MatchOptions(
        banks=[bank_name(bank) for bank in options.banks],
        original_orientation_only=not options.all_orientations,
        min_revision=options.min_revision,
        max_matches=options.max_matches,
        whole_image_only=not options.all_views,
        kinds=options.kinds,
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
        max_matches=message.max_matches or types.MatchOptions().max_matches,
        all_views=not message.whole_image_only,
        kinds=tuple(message.kinds),
    )


def match_to_wire(match: types.Match) -> types_pb2.Match:
    return types_pb2.Match(
        bank=bank_name(match.bank),
        action=_ACTIONS[match.action],
        entry=entry_name(match.bank, match.entry_id),
        entry_hash=hash_to_wire(match.entry_hash),
        query_hash=hash_to_wire(match.query_hash),
        distance=match.distance,
        threshold=match.threshold,
        orientation=_ORIENTATIONS[match.orientation],
        provenance=provenance_to_wire(match.provenance),
        view=_VIEWS[match.view],
    )


def match_from_wire(message: types_pb2.Match) -> types.Match:
    bank, entry_id = parse_entry_name(message.entry, "match.entry")
    return types.Match(
        bank=bank,
        action=_ACTION_OF[message.action],
        entry_id=entry_id,
        entry_hash=hash_from_wire(message.entry_hash),
        query_hash=hash_from_wire(message.query_hash),
        distance=message.distance,
        threshold=message.threshold,
        orientation=_ORIENTATION_OF[message.orientation],
        provenance=provenance_from_wire(message.provenance),
        view=_VIEW_OF[message.view],
    )


def decision_to_wire(decision: types.Decision) -> types_pb2.MatchResult:
    return types_pb2.MatchResult(
        hash=hash_to_wire(decision.hash),
        verdict=_VERDICTS[decision.verdict],
        matches=[match_to_wire(match) for match in decision.matches],
        total_matches=decision.total_matches,
        banks_not_compared=[bank_name(bank) for bank in decision.banks_not_compared],
        revision=decision.revision,
    )


def decision_from_wire(message: types_pb2.MatchResult) -> types.Decision:
    return types.Decision(
        hash=hash_from_wire(message.hash),
        verdict=_VERDICT_OF[message.verdict],
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


def hashed_image_to_wire(image: types.HashedImage) -> hash_pb2.HashImageResponse:
    return hash_pb2.HashImageResponse(
        hashes=[
            hash_pb2.OrientedHash(orientation=_ORIENTATIONS[turn], hash=hash_to_wire(value))
            for _, values in groupby(image.hashes, key=lambda value: value.kind)
            for turn, value in zip(types.Orientation, values, strict=False)
        ],
        media_type=image.media_type,
        width=image.width,
        height=image.height,
    )


def hashed_image_from_wire(message: hash_pb2.HashImageResponse) -> types.HashedImage:
    hashes = tuple(hash_from_wire(item.hash) for item in message.hashes)
    return types.HashedImage(hashes, message.media_type, message.width, message.height)


def status_to_wire(status: types.Status) -> status_pb2.GetStatusResponse:
    return status_pb2.GetStatusResponse(
        revision=status.revision,
        entries=status.entries,
        versions=status.versions,
        variant=status.variant,
        max_media_bytes=status.max_media_bytes,
    )


def status_from_wire(message: status_pb2.GetStatusResponse) -> types.Status:
    return types.Status(
        revision=message.revision,
        entries=dict(message.entries),
        versions=dict(message.versions),
        variant=message.variant,
        max_media_bytes=message.max_media_bytes,
        process_revisions=tuple(message.process_revisions),
    )
