"""What was reported of matches."""

from datetime import UTC

from hashmatch import errors, types
from hashmatch.v1 import feedback_pb2
from hashmatch.wire.banks import feedback_from_wire, feedback_to_wire
from hashmatch.wire.times import time_to_wire

_FINDINGS = {finding: feedback_pb2.Finding.Value(f"FINDING_{finding}") for finding in types.Finding}
_FINDING_OF = {number: finding for finding, number in _FINDINGS.items()}


def finding_to_wire(finding: types.Finding) -> feedback_pb2.Finding.ValueType:
    return _FINDINGS[types.Finding(finding)]


def finding_from_wire(number: feedback_pb2.Finding.ValueType) -> types.Finding:
    """Raises InvalidField for a number that this version does not know, and for none at all."""
    try:
        return _FINDING_OF[number]
    except KeyError:
        expected = ", ".join(types.Finding)
        raise errors.InvalidField("finding", f"expected one of {expected}, got number {number}") from None


def report_to_wire(report: types.Report) -> feedback_pb2.Report:
    return feedback_pb2.Report(
        id=report.id,
        content_id=report.content_id,
        finding=finding_to_wire(report.finding),
        note=report.note,
        reporter=report.reporter,
        create_time=time_to_wire(report.time),
    )


def report_from_wire(message: feedback_pb2.Report) -> types.Report:
    return types.Report(
        id=message.id,
        content_id=message.content_id,
        finding=finding_from_wire(message.finding),
        note=message.note,
        reporter=message.reporter,
        time=message.create_time.ToDatetime(UTC),
    )


def source_to_wire(source: types.SourceFeedback) -> feedback_pb2.SourceFeedback:
    return feedback_pb2.SourceFeedback(
        source=source.source,
        entry_count=source.entries,
        flagged_count=source.flagged,
        feedback=feedback_to_wire(source.feedback),
    )


def source_from_wire(message: feedback_pb2.SourceFeedback) -> types.SourceFeedback:
    return types.SourceFeedback(
        message.source, message.entry_count, message.flagged_count, feedback_from_wire(message.feedback)
    )
