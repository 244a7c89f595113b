"""The methods of the asyncio client that are about banks."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from hashmatch.client import bank_calls
from hashmatch.client.bank_calls import ADDING, ALL_THERE
from hashmatch.client.calls import Call, T
from hashmatch.client.pages import async_pages
from hashmatch.types import Adding, Bank, Batch, Decided, Entry, EntryFilter, NewEntry, NewMedia


class AsyncBankMethods:
    """Makes the calls by `_run`, which the client has."""

    async def _run(self, call: Call[T]) -> T:
        raise NotImplementedError

    async def create_bank(self, bank: Bank, *, request_id: str = "", reason: str = "") -> tuple[Bank, int]:
        """As `Client.create_bank`."""
        return await self._run(bank_calls.create_bank(bank, request_id, reason))

    async def get_bank(self, name: str) -> tuple[Bank, int]:
        """As `Client.get_bank`."""
        return await self._run(bank_calls.get_bank(name))

    def list_banks(self) -> AsyncIterator[Bank]:
        """As `Client.list_banks`."""
        return async_pages(self._run, bank_calls.list_banks)

    async def update_bank(
        self, name: str, *, request_id: str = "", reason: str = "", **values: Any
    ) -> tuple[Bank, int]:
        """As `Client.update_bank`."""
        return await self._run(bank_calls.update_bank(name, values, request_id, reason))

    async def delete_bank(self, name: str, *, request_id: str = "", reason: str = "") -> int:
        """As `Client.delete_bank`."""
        return await self._run(bank_calls.delete_bank(name, request_id, reason))

    async def add_entries(
        self,
        bank: str,
        items: Iterable[NewEntry | NewMedia],
        *,
        request_id: str = "",
        reason: str = "",
        adding: Adding = ADDING,
    ) -> tuple[list[Entry], int]:
        """As `Client.add_entries`."""
        return await self._run(bank_calls.add_entries(bank, items, request_id, reason, adding))

    async def load_entries(
        self,
        bank: str,
        items: Iterable[NewEntry],
        *,
        request_id: str = "",
        reason: str = "",
        adding: Adding = ADDING,
    ) -> Entry:
        """As `Client.load_entries`."""
        return await self._run(bank_calls.load_entries(bank, items, request_id, reason, adding))

    async def get_entry(self, bank: str, entry: int) -> Entry:
        """As `Client.get_entry`."""
        return await self._run(bank_calls.get_entry(bank, entry))

    def list_entries(self, bank: str, wanted: EntryFilter = ALL_THERE) -> AsyncIterator[Entry]:
        """As `Client.list_entries`."""
        return async_pages(self._run, lambda token: bank_calls.list_entries(bank, token, wanted))

    async def remove_entries(self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = "") -> int:
        """As `Client.remove_entries`."""
        return await self._run(bank_calls.remove_entries(bank, entries, request_id, reason))

    async def remove_content(self, bank: str, content_id: str, *, request_id: str = "", reason: str = "") -> int:
        """As `Client.remove_content`."""
        return await self._run(bank_calls.remove_content(bank, content_id, request_id, reason))

    async def restore_entries(
        self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = ""
    ) -> int:
        """As `Client.restore_entries`."""
        return await self._run(bank_calls.restore_entries(bank, entries, request_id, reason))

    def list_batches(self, bank: str = "") -> AsyncIterator[Batch]:
        """As `Client.list_batches`."""
        return async_pages(self._run, lambda token: bank_calls.list_batches(bank, token))

    async def approve(
        self, bank: str, which: Sequence[int] | str, *, request_id: str = "", reason: str = ""
    ) -> Decided:
        """As `Client.approve`."""
        return await self._run(bank_calls.decide("ApproveEntries", bank, which, request_id, reason))

    async def reject(self, bank: str, which: Sequence[int] | str, *, request_id: str = "", reason: str = "") -> Decided:
        """As `Client.reject`."""
        return await self._run(bank_calls.decide("RejectEntries", bank, which, request_id, reason))
