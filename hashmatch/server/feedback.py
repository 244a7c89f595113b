"""FeedbackService: what people found when they looked at matches."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import grpc

from hashmatch import wire
from hashmatch.engine import Engine
from hashmatch.errors import Overloaded
from hashmatch.server.access import author, caller, seen
from hashmatch.server.metrics import Metrics
from hashmatch.server.named import entries_of
from hashmatch.server.pages import page_size, read_token, write_token
from hashmatch.server.work import Work
from hashmatch.v1 import feedback_pb2, feedback_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
_AT_ONCE: Final = 2
"""Reports that are written at once; the store has more threads."""
_MOST_UNDER_WAY: Final = 32
"""Of one token; more are refused, and to be sent again later."""
_RETRY_SECONDS: Final = 0.2
_SOURCE: Final = "source:"
"""Begins the place of a page of sources, of which one has an empty name."""


class FeedbackService(feedback_pb2_grpc.FeedbackServiceServicer):
    """Translates between the contract and the engine; the store holds the rules."""

    def __init__(self, engine: Engine, work: Work, metrics: Metrics) -> None:
        self._engine = engine
        self._work = work
        self._metrics = metrics
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._under_way = Counter[str]()

    async def ReportMatch(
        self, request: feedback_pb2.ReportMatchRequest, context: Context
    ) -> feedback_pb2.ReportMatchResponse:
        bank, entry = wire.parse_entry_name(request.entry, "entry")
        finding = wire.finding_from_wire(request.finding)
        report = partial(self._engine.report_match, seen(bank), entry, request.content_id, finding)
        async with self._turn():
            done = await self._work.store(report, author(request.note))
        self._metrics.reported(finding, done)
        return feedback_pb2.ReportMatchResponse(flagged=done.flagged, demoted=done.demoted, revision=done.revision)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for one of few turns, so that no flood of reports keeps staff from the store; raises Overloaded."""
        name = caller().name
        if self._under_way[name] >= _MOST_UNDER_WAY:
            raise Overloaded(f"{name} has {_MOST_UNDER_WAY} reports under way", "reports", _RETRY_SECONDS)
        self._under_way[name] += 1
        try:
            async with self._turns:
                yield
        finally:
            self._under_way[name] -= 1
            self._under_way += Counter()  # forgets those that have none

    async def ListReports(
        self, request: feedback_pb2.ListReportsRequest, context: Context
    ) -> feedback_pb2.ListReportsResponse:
        bank, entry = wire.parse_entry_name(request.entry, "entry")
        size = page_size(request.page_size)
        after = int(read_token(request.page_token, number=True) or "0")
        reports = await self._work.store(self._engine.list_reports, seen(bank), entry, after, size)
        return feedback_pb2.ListReportsResponse(
            reports=map(wire.report_to_wire, reports),
            next_page_token=write_token(str(reports[-1].id)) if len(reports) == size else "",
        )

    async def ListSources(
        self, request: feedback_pb2.ListSourcesRequest, context: Context
    ) -> feedback_pb2.ListSourcesResponse:
        bank = seen(wire.parse_bank_name(request.bank, "bank"))
        size = page_size(request.page_size)
        place = read_token(request.page_token)
        after = place.removeprefix(_SOURCE) if place else None
        sources = await self._work.store(self._engine.list_sources, bank, after, size)
        return feedback_pb2.ListSourcesResponse(
            sources=map(wire.source_to_wire, sources),
            next_page_token=write_token(_SOURCE + sources[-1].source) if len(sources) == size else "",
        )

    async def ReinstateEntries(
        self, request: feedback_pb2.ReinstateEntriesRequest, context: Context
    ) -> feedback_pb2.ReinstateEntriesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        entries, why = entries_of(bank, request), author(request.reason)
        revision = await self._work.store(self._engine.reinstate_entries, bank, entries, why, request.request_id)
        return feedback_pb2.ReinstateEntriesResponse(revision=revision)
