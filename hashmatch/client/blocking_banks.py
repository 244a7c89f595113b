"""The methods of the blocking client that are about banks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hashmatch.client import bank_calls
from hashmatch.client.bank_calls import ADDING, ALL_THERE
from hashmatch.client.calls import Call, T
from hashmatch.client.pages import pages
from hashmatch.types import Adding, Bank, Batch, Decided, Entry, EntryFilter, NewEntry, NewMedia


class BankMethods:
    """Makes the calls by `_run`, which the client has."""

    def _run(self, call: Call[T]) -> T:
        raise NotImplementedError

    def create_bank(self, bank: Bank, *, request_id: str = "", reason: str = "") -> tuple[Bank, int]:
        """Make a bank; answers with it and the revision of the write."""
        return self._run(bank_calls.create_bank(bank, request_id, reason))

    def get_bank(self, name: str) -> tuple[Bank, int]:
        """A bank and how many entries it holds."""
        return self._run(bank_calls.get_bank(name))

    def list_banks(self) -> Iterator[Bank]:
        """All banks by name, fetched page by page."""
        return pages(self._run, bank_calls.list_banks)

    def update_bank(self, name: str, *, request_id: str = "", reason: str = "", **values: Any) -> tuple[Bank, int]:
        """Change fields of a bank, for example `threshold=24`; answers with it and the revision."""
        return self._run(bank_calls.update_bank(name, values, request_id, reason))

    def delete_bank(self, name: str, *, request_id: str = "", reason: str = "") -> int:
        """Delete a bank and its entries; answers with the revision."""
        return self._run(bank_calls.delete_bank(name, request_id, reason))

    def add_entries(
        self,
        bank: str,
        items: Iterable[NewEntry | NewMedia],
        *,
        request_id: str = "",
        reason: str = "",
        adding: Adding = ADDING,
    ) -> tuple[list[Entry], int]:
        """Add 1 to 10,000 entries, all or none; answers with them and the revision."""
        return self._run(bank_calls.add_entries(bank, items, request_id, reason, adding))

    def load_entries(
        self,
        bank: str,
        items: Iterable[NewEntry],
        *,
        request_id: str = "",
        reason: str = "",
        adding: Adding = ADDING,
    ) -> Entry:
        """As `add_entries`, of hashes alone and for many of them: answers with the last entry, which is less work."""
        return self._run(bank_calls.load_entries(bank, items, request_id, reason, adding))

    def get_entry(self, bank: str, entry: int) -> Entry:
        """One entry."""
        return self._run(bank_calls.get_entry(bank, entry))

    def list_entries(self, bank: str, wanted: EntryFilter = ALL_THERE) -> Iterator[Entry]:
        """A bank's entries in the order they were added, fetched page by page."""
        return pages(self._run, lambda token: bank_calls.list_entries(bank, token, wanted))

    def remove_entries(self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = "") -> int:
        """Remove 1 to 10,000 entries by id, all or none; answers with the revision."""
        return self._run(bank_calls.remove_entries(bank, entries, request_id, reason))

    def remove_content(self, bank: str, content_id: str, *, request_id: str = "", reason: str = "") -> int:
        """Remove all entries of a content id, whatever their kinds; answers with the revision."""
        return self._run(bank_calls.remove_content(bank, content_id, request_id, reason))

    def restore_entries(self, bank: str, entries: Sequence[int], *, request_id: str = "", reason: str = "") -> int:
        """Let 1 to 10,000 removed entries match again, all or none; answers with the revision."""
        return self._run(bank_calls.restore_entries(bank, entries, request_id, reason))

    def list_batches(self, bank: str = "") -> Iterator[Batch]:
        """What waits for approval in a bank, or in all, oldest first, fetched page by page."""
        return pages(self._run, lambda token: bank_calls.list_batches(bank, token))

    def approve(self, bank: str, which: Sequence[int] | str, *, request_id: str = "", reason: str = "") -> Decided:
        """Let entries match that another person has added: 1 to 10,000 by id, or a batch by name.

        Of a batch, 10,000 at a time: where some remain, call again.
        """
        return self._run(bank_calls.decide("ApproveEntries", bank, which, request_id, reason))

    def reject(self, bank: str, which: Sequence[int] | str, *, request_id: str = "", reason: str = "") -> Decided:
        """Remove entries that wait for approval, given as for `approve`."""
        return self._run(bank_calls.decide("RejectEntries", bank, which, request_id, reason))
