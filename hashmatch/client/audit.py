"""The audit log of a server, for either client."""

from collections.abc import AsyncIterator, Iterator

from hashmatch.client import audit_calls
from hashmatch.client.calls import AsyncRun, Run
from hashmatch.client.pages import async_pages, pages
from hashmatch.types import EntryProof, Proof, Record


class Audit:
    """What was done to the banks, and the proofs of it; `hashmatch.tlog` checks them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def checkpoint(self) -> str:
        """The audit log as it is now: a checkpoint as of C2SP, signed where the server has a key."""
        return self._run(audit_calls.checkpoint())

    def records(self, bank: str = "", first: int = 0) -> Iterator[Record]:
        """The records of the audit log in their order, from a number, inclusive; of one bank alone if named."""
        return pages(self._run, lambda token: audit_calls.list_records(bank, first, token))

    def record(self, number: int) -> Record:
        """One record."""
        return self._run(audit_calls.get_record(number))

    def prove_record(self, number: int, size: int = 0) -> Proof:
        """That a record is in the log of that size; of the log as it is now where 0."""
        return self._run(audit_calls.prove_record(number, size))

    def prove_consistency(self, first: int, second: int = 0) -> Proof:
        """That the log of size `second`, as it is now where 0, only adds to that of size `first`."""
        return self._run(audit_calls.prove_consistency(first, second))

    def prove_entry(self, bank: str, entry: int) -> EntryProof:
        """That a record is of the addition of an entry; also of one that was removed since."""
        return self._run(audit_calls.prove_entry(bank, entry))


class AsyncAudit:
    """`Audit` for asyncio."""

    def __init__(self, run: AsyncRun) -> None:
        self._run = run

    async def checkpoint(self) -> str:
        """As `Audit.checkpoint`."""
        return await self._run(audit_calls.checkpoint())

    def records(self, bank: str = "", first: int = 0) -> AsyncIterator[Record]:
        """As `Audit.records`."""
        return async_pages(self._run, lambda token: audit_calls.list_records(bank, first, token))

    async def record(self, number: int) -> Record:
        """As `Audit.record`."""
        return await self._run(audit_calls.get_record(number))

    async def prove_record(self, number: int, size: int = 0) -> Proof:
        """As `Audit.prove_record`."""
        return await self._run(audit_calls.prove_record(number, size))

    async def prove_consistency(self, first: int, second: int = 0) -> Proof:
        """As `Audit.prove_consistency`."""
        return await self._run(audit_calls.prove_consistency(first, second))

    async def prove_entry(self, bank: str, entry: int) -> EntryProof:
        """As `Audit.prove_entry`."""
        return await self._run(audit_calls.prove_entry(bank, entry))
