"""What people found when they looked at matches, for either client."""

from collections.abc import AsyncIterator, Iterator, Sequence

from hashmatch.client import feedback_calls
from hashmatch.client.calls import AsyncRun, Run
from hashmatch.client.pages import async_pages, pages
from hashmatch.types import Finding, Report, Reported, SourceFeedback


class Feedback:
    """Reports of matches, and what is to be decided because of them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def report(self, bank: str, entry: int, content_id: str, finding: Finding, *, note: str = "") -> Reported:
        """Say what the upload of a match was found to be; `content_id` names the upload.

        Of each caller, entry and upload the newest report counts, so that saying it again is safe. Raises NotFound for
        an entry that does not match, and TooManyReports, whose `retry_seconds` say when this caller may go on.
        """
        return self._run(feedback_calls.report(bank, entry, content_id, finding, note))

    def reports(self, bank: str, entry: int) -> Iterator[Report]:
        """What was reported of an entry, removed or not, oldest first, fetched page by page."""
        return pages(self._run, lambda token: feedback_calls.list_reports(bank, entry, token))

    def sources(self, bank: str) -> Iterator[SourceFeedback]:
        """What a bank has of each source, and what was reported of that, by name, fetched page by page."""
        return pages(self._run, lambda token: feedback_calls.list_sources(bank, token))

    def reinstate(self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = "") -> int:
        """Let 1 to 10,000 flagged entries match as before, all or none; answers with the revision.

        False reports of them until then are settled. Raises NeedsAnotherPerson for one's own entries in a bank that
        wants two persons.
        """
        return self._run(feedback_calls.reinstate(bank, entries, request_id, reason))


class AsyncFeedback:
    """`Feedback` for asyncio."""

    def __init__(self, run: AsyncRun) -> None:
        self._run = run

    async def report(self, bank: str, entry: int, content_id: str, finding: Finding, *, note: str = "") -> Reported:
        """As `Feedback.report`."""
        return await self._run(feedback_calls.report(bank, entry, content_id, finding, note))

    def reports(self, bank: str, entry: int) -> AsyncIterator[Report]:
        """As `Feedback.reports`."""
        return async_pages(self._run, lambda token: feedback_calls.list_reports(bank, entry, token))

    def sources(self, bank: str) -> AsyncIterator[SourceFeedback]:
        """As `Feedback.sources`."""
        return async_pages(self._run, lambda token: feedback_calls.list_sources(bank, token))

    async def reinstate(self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = "") -> int:
        """As `Feedback.reinstate`."""
        return await self._run(feedback_calls.reinstate(bank, entries, request_id, reason))
