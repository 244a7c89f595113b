"""What waits for approval."""

from datetime import UTC

from hashmatch import types
from hashmatch.v1 import bank_pb2, types_pb2
from hashmatch.wire.names import bank_name, parse_bank_name
from hashmatch.wire.times import time_from_wire, time_to_wire

_HOLDS = {hold: types_pb2.Hold.Value(f"HOLD_{hold}") for hold in types.Hold}
_HOLD_OF = {number: hold for hold, number in _HOLDS.items()}


def batch_to_wire(batch: types.Batch) -> bank_pb2.Batch:
    return bank_pb2.Batch(
        bank=bank_name(batch.bank),
        batch=batch.name,
        author=batch.author,
        hold=_HOLDS[batch.hold],
        create_time=time_to_wire(batch.created),
        pending_count=batch.pending,
        unreviewed_count=batch.unreviewed,
        review_time=time_to_wire(batch.review_from),
        id=batch.id,
    )


def batch_from_wire(message: bank_pb2.Batch) -> types.Batch:
    return types.Batch(
        id=message.id,
        bank=parse_bank_name(message.bank, "batch.bank"),
        name=message.batch,
        author=message.author,
        hold=_HOLD_OF[message.hold],
        created=message.create_time.ToDatetime(UTC),
        pending=message.pending_count,
        unreviewed=message.unreviewed_count,
        review_from=time_from_wire(message, "review_time", "batch.review_time"),
    )
