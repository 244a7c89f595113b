"""Banks and entries."""

from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp

from hashmatch import errors, types
from hashmatch.v1 import types_pb2
from hashmatch.wire.hashes import hash_from_wire, hash_to_wire, range_from_wire, range_to_wire
from hashmatch.wire.names import bank_name, entry_name, parse_bank_name, parse_entry_name

_ACTIONS = {action: types_pb2.Action.Value(f"ACTION_{action}") for action in types.Action}
_ACTION_OF = {number: action for action, number in _ACTIONS.items()}


def bank_to_wire(bank: types.Bank) -> types_pb2.Bank:
    return types_pb2.Bank(
        name=bank_name(bank.name),
        description=bank.description,
        action=_ACTIONS[bank.action],
        threshold=bank.threshold,
        minimum_quality=bank.minimum_quality,
        enabled=bank.enabled,
        video_query_share=bank.video_query_share,
        video_known_share=bank.video_known_share,
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
        video_query_share=(
            message.video_query_share if message.HasField("video_query_share") else default.video_query_share
        ),
        video_known_share=(
            message.video_known_share if message.HasField("video_known_share") else default.video_known_share
        ),
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
        shown=None if entry.shown is None else range_to_wire(entry.shown),
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
        shown=range_from_wire(message.shown) if message.HasField("shown") else None,
    )
