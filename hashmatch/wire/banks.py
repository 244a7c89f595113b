"""Banks and entries."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from google.protobuf.message import Message

from hashmatch import errors, types
from hashmatch.types.banks import NO_FEEDBACK
from hashmatch.types.quick import quick
from hashmatch.v1 import types_pb2
from hashmatch.wire.hashes import hash_from_wire, hash_to_wire, range_from_wire, range_to_wire
from hashmatch.wire.names import bank_name, entry_name, parse_bank_name, parse_entry_name
from hashmatch.wire.times import time_from_wire, time_to_wire

_PLAIN = (
    "threshold",
    "minimum_quality",
    "enabled",
    "video_query_share",
    "video_known_share",
    "matching_enabled_ratio",
    "review_hours",
    "growth_limit",
    "false_share",
    "false_reports",
    "false_reporters",
)
"""Fields of a bank that are the same in a message."""
_ACTIONS = {action: types_pb2.Action.Value(f"ACTION_{action}") for action in types.Action}
_ACTION_OF = {number: action for action, number in _ACTIONS.items()}
_APPROVALS = {approval: types_pb2.Approval.Value(f"APPROVAL_{approval}") for approval in types.Approval}
_APPROVAL_OF = {number: approval for approval, number in _APPROVALS.items()}
_STATES = {state: types_pb2.EntryState.Value(f"ENTRY_STATE_{state}") for state in types.State}
_STATE_OF = {number: state for state, number in _STATES.items()}
_provenance = quick(types.Provenance)


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
        kinds=map(_kind_to_wire, bank.kinds),
        matching_enabled_ratio=bank.matching_enabled_ratio,
        disabled_until=time_to_wire(bank.disabled_until),
        approval=approval_to_wire(bank.approval),
        review_hours=bank.review_hours,
        growth_limit=bank.growth_limit,
        false_share=bank.false_share,
        false_reports=bank.false_reports,
        false_reporters=bank.false_reporters,
    )


def bank_fields_to_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """Some fields of a bank as those of the message."""
    of_message: dict[str, Callable[[Any], Any]] = {
        "action": action_to_wire,
        "kinds": lambda kinds: list(map(_kind_to_wire, kinds)),
        "disabled_until": time_to_wire,
        "approval": approval_to_wire,
    }
    return {name: of_message.get(name, lambda same: same)(value) for name, value in values.items()}


def _kind_to_wire(policy: types.KindPolicy) -> types_pb2.KindPolicy:
    return types_pb2.KindPolicy(kind=policy.kind, threshold=policy.threshold, minimum_quality=policy.minimum_quality)


def _kind_from_wire(message: types_pb2.KindPolicy) -> types.KindPolicy:
    return types.KindPolicy(message.kind, _set(message, "threshold", None), _set(message, "minimum_quality", None))


def _set(message: Message, name: str, default: Any) -> Any:
    """A field's value where it is set."""
    return getattr(message, name) if message.HasField(name) else default


def approval_to_wire(approval: types.Approval) -> types_pb2.Approval.ValueType:
    return _APPROVALS[types.Approval(approval)]


def _approval_from_wire(number: types_pb2.Approval.ValueType) -> types.Approval:
    try:
        return _APPROVAL_OF[number]
    except KeyError:
        expected = ", ".join(types.Approval)
        raise errors.InvalidField("bank.approval", f"expected one of {expected}, got number {number}") from None


def state_to_wire(state: types.State | None) -> types_pb2.EntryState.ValueType:
    return types_pb2.ENTRY_STATE_UNSPECIFIED if state is None else _STATES[state]


def state_from_wire(number: types_pb2.EntryState.ValueType, field: str) -> types.State | None:
    """None where it is not specified; raises InvalidField for a number that this version does not know."""
    if number and number not in _STATE_OF:
        raise errors.InvalidField(field, f"expected one of {', '.join(types.State)}, got number {number}")
    return _STATE_OF.get(number)


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
        **{name: _set(message, name, getattr(default, name)) for name in _PLAIN},
        kinds=tuple(map(_kind_from_wire, message.kinds)),
        disabled_until=time_from_wire(message, "disabled_until", "bank.disabled_until"),
        approval=_approval_from_wire(message.approval) if message.approval else default.approval,
    )


def provenance_to_wire(provenance: types.Provenance) -> types_pb2.Provenance:
    return types_pb2.Provenance(
        content_id=provenance.content_id,
        source=provenance.source,
        labels=provenance.labels,
        note=provenance.note,
        programme=provenance.programme,
        report_time=time_to_wire(provenance.reported),
    )


def provenance_from_wire(message: types_pb2.Provenance, field: str = "provenance") -> types.Provenance:
    """Raises InvalidField, below the path `field`."""
    # A slice of a repeated field is a list, which is several times as fast to read as the field.
    return _provenance(
        message.content_id,
        message.source,
        tuple(message.labels[:]),
        message.note,
        message.programme,
        time_from_wire(message, "report_time", f"{field}.report_time"),
    )


def feedback_to_wire(feedback: types.Feedback) -> types_pb2.Feedback:
    return types_pb2.Feedback(confirmed_count=feedback.confirmed, false_count=feedback.false)


def feedback_from_wire(message: types_pb2.Feedback) -> types.Feedback:
    return types.Feedback(message.confirmed_count, message.false_count)


def entry_to_wire(entry: types.Entry) -> types_pb2.Entry:
    return types_pb2.Entry(
        name=entry_name(entry.bank, entry.id),
        hash=hash_to_wire(entry.hash),
        provenance=provenance_to_wire(entry.provenance),
        create_time=time_to_wire(entry.created),
        revision=entry.revision,
        shown=None if entry.shown is None else range_to_wire(entry.shown),
        expire_time=time_to_wire(entry.expires),
        review_time=time_to_wire(entry.review_from),
        state=_STATES[entry.state],
        remove_time=time_to_wire(entry.removed),
        removal_reason=entry.removal_reason,
        feedback=feedback_to_wire(entry.feedback) if entry.feedback is not NO_FEEDBACK else None,
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
        expires=time_from_wire(message, "expire_time", "entry.expire_time"),
        review_from=time_from_wire(message, "review_time", "entry.review_time"),
        state=_STATE_OF.get(message.state, types.State.LIVE),
        removed=time_from_wire(message, "remove_time", "entry.remove_time"),
        removal_reason=message.removal_reason,
        feedback=feedback_from_wire(message.feedback) if message.HasField("feedback") else NO_FEEDBACK,
    )
