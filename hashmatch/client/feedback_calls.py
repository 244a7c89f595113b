"""Calls of FeedbackService: requests, and how their answers are read."""

from collections.abc import Sequence

from hashmatch import errors, types, wire
from hashmatch.client.bank_calls import LARGEST_PAGE, naming, revision_of
from hashmatch.client.calls import Call
from hashmatch.v1 import feedback_pb2


def report(bank: str, entry: int, content_id: str, finding: types.Finding, note: str) -> Call[types.Reported]:
    try:
        number = wire.finding_to_wire(finding)
    except ValueError as error:
        raise errors.InvalidField("finding", str(error)) from error
    request = feedback_pb2.ReportMatchRequest(
        entry=wire.entry_name(bank, entry), content_id=content_id, finding=number, note=note
    )
    return Call("ReportMatch", request, lambda answer: types.Reported(answer.flagged, answer.demoted, answer.revision))


def list_reports(bank: str, entry: int, token: str) -> Call[tuple[list[types.Report], str]]:
    name = wire.entry_name(bank, entry)
    return Call(
        "ListReports",
        feedback_pb2.ListReportsRequest(entry=name, page_size=LARGEST_PAGE, page_token=token),
        lambda answer: ([wire.report_from_wire(each) for each in answer.reports], answer.next_page_token),
    )


def list_sources(bank: str, token: str) -> Call[tuple[list[types.SourceFeedback], str]]:
    return Call(
        "ListSources",
        feedback_pb2.ListSourcesRequest(bank=wire.bank_name(bank), page_size=LARGEST_PAGE, page_token=token),
        lambda answer: ([wire.source_from_wire(each) for each in answer.sources], answer.next_page_token),
    )


def reinstate(bank: str, entries: Sequence[int], request_id: str, reason: str) -> Call[int]:
    request = naming(feedback_pb2.ReinstateEntriesRequest, bank, entries, request_id, reason)
    return Call("ReinstateEntries", request, revision_of)
