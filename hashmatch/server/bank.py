"""BankService: the banks of known hashes, curated."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc

from hashmatch import errors, wire
from hashmatch.engine import Engine
from hashmatch.server.access import author, caller, seen
from hashmatch.server.admission import Caller
from hashmatch.server.named import check_count, entries_of
from hashmatch.server.pages import page_size, read_token, write_token
from hashmatch.server.work import Work
from hashmatch.types import PDQ, Action, Adding, Author, Decided, EntryFilter, NewEntry, NewMedia
from hashmatch.types.quick import quick
from hashmatch.v1 import bank_pb2, bank_pb2_grpc, types_pb2

Context = grpc.aio.ServicerContext[Any, Any]
_A = TypeVar("_A")
_entry = quick(NewEntry)


class BankService(bank_pb2_grpc.BankServiceServicer):
    """Translates between the contract and the engine; the engine and the store hold the rules."""

    def __init__(self, engine: Engine, work: Work) -> None:
        self._engine = engine
        self._work = work

    async def CreateBank(self, request: bank_pb2.CreateBankRequest, context: Context) -> bank_pb2.CreateBankResponse:
        bank = wire.bank_from_wire(request.bank)
        seen(bank.name)
        made, revision = await self._work.store(
            self._engine.create_bank, bank, author(request.reason), request.request_id
        )
        return bank_pb2.CreateBankResponse(bank=wire.bank_to_wire(made), revision=revision)

    async def GetBank(self, request: bank_pb2.GetBankRequest, context: Context) -> bank_pb2.GetBankResponse:
        name = seen(wire.parse_bank_name(request.name, "name"))
        bank, count = await self._work.store(self._engine.get_bank, name)
        return bank_pb2.GetBankResponse(bank=wire.bank_to_wire(bank), entry_count=count)

    async def ListBanks(self, request: bank_pb2.ListBanksRequest, context: Context) -> bank_pb2.ListBanksResponse:
        size = page_size(request.page_size)
        banks = await self._work.store(self._engine.list_banks, read_token(request.page_token), size)
        return bank_pb2.ListBanksResponse(
            banks=[wire.bank_to_wire(bank) for bank in banks if caller().sees(bank.name)],
            next_page_token=write_token(banks[-1].name) if len(banks) == size else "",
        )

    async def UpdateBank(self, request: bank_pb2.UpdateBankRequest, context: Context) -> bank_pb2.UpdateBankResponse:
        name = seen(wire.parse_bank_name(request.bank.name, "bank.name"))
        values = _masked(request.bank, list(request.update_mask.paths))
        bank, revision = await self._work.store(
            self._engine.update_bank, name, values, author(request.reason), request.request_id
        )
        return bank_pb2.UpdateBankResponse(bank=wire.bank_to_wire(bank), revision=revision)

    async def DeleteBank(self, request: bank_pb2.DeleteBankRequest, context: Context) -> bank_pb2.DeleteBankResponse:
        name = seen(wire.parse_bank_name(request.name, "name"))
        revision = await self._work.store(self._engine.delete_bank, name, author(request.reason), request.request_id)
        return bank_pb2.DeleteBankResponse(revision=revision)

    async def AddEntries(self, request: bank_pb2.AddEntriesRequest, context: Context) -> bank_pb2.AddEntriesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        check_count("entries", len(request.entries))
        has_media = any(message.WhichOneof("content") == "media" for message in request.entries)
        add = partial(self._add, bank, request, author(request.reason))
        return await (self._work.media(Caller.of(context), add) if has_media else self._work.store(add))

    async def GetEntry(self, request: bank_pb2.GetEntryRequest, context: Context) -> bank_pb2.GetEntryResponse:
        bank, entry = wire.parse_entry_name(request.name, "name")
        seen(bank)
        found = await self._work.store(self._engine.get_entry, bank, entry)
        return bank_pb2.GetEntryResponse(entry=wire.entry_to_wire(found))

    async def ListEntries(self, request: bank_pb2.ListEntriesRequest, context: Context) -> bank_pb2.ListEntriesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        size = page_size(request.page_size)
        after = int(read_token(request.page_token, number=True) or "0")
        wanted = EntryFilter(request.content_id, wire.state_from_wire(request.state, "state"), request.batch)
        return await self._work.store(self._listed, bank, after, size, wanted)

    async def RemoveEntries(
        self, request: bank_pb2.RemoveEntriesRequest, context: Context
    ) -> bank_pb2.RemoveEntriesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        if request.content_id and request.names:
            raise errors.InvalidField("names", "expected none where content_id says which")
        how = author(request.reason), request.request_id
        if request.content_id:
            revision = await self._work.store(self._engine.remove_content, bank, request.content_id, *how)
        else:
            revision = await self._work.store(self._engine.remove_entries, bank, entries_of(bank, request), *how)
        return bank_pb2.RemoveEntriesResponse(revision=revision)

    async def RestoreEntries(
        self, request: bank_pb2.RestoreEntriesRequest, context: Context
    ) -> bank_pb2.RestoreEntriesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        revision = await self._work.store(
            self._engine.restore_entries,
            bank,
            entries_of(bank, request),
            author(request.reason),
            request.request_id,
        )
        return bank_pb2.RestoreEntriesResponse(revision=revision)

    async def ListBatches(self, request: bank_pb2.ListBatchesRequest, context: Context) -> bank_pb2.ListBatchesResponse:
        bank = seen(wire.parse_bank_name(request.parent, "parent")) if request.parent else ""
        size = page_size(request.page_size)
        after = int(read_token(request.page_token, number=True) or "0")
        batches = await self._work.store(self._engine.list_batches, bank, after, size)
        return bank_pb2.ListBatchesResponse(
            batches=[wire.batch_to_wire(batch) for batch in batches if caller().sees(batch.bank)],
            next_page_token=write_token(str(batches[-1].id)) if len(batches) == size else "",
        )

    async def ApproveEntries(
        self, request: bank_pb2.ApproveEntriesRequest, context: Context
    ) -> bank_pb2.ApproveEntriesResponse:
        return await self._decide(self._engine.approve_entries, request, bank_pb2.ApproveEntriesResponse)

    async def RejectEntries(
        self, request: bank_pb2.RejectEntriesRequest, context: Context
    ) -> bank_pb2.RejectEntriesResponse:
        return await self._decide(self._engine.reject_entries, request, bank_pb2.RejectEntriesResponse)

    def _add(self, bank: str, request: bank_pb2.AddEntriesRequest, by: Author) -> bank_pb2.AddEntriesResponse:
        """From message to message, as thousands of entries take too long for the event loop; in another thread."""
        items = [_new_entry(message, f"entries[{at}]") for at, message in enumerate(request.entries)]
        adding = Adding(request.batch, request.following)
        entries, revision = self._engine.add_entries(bank, items, by, request.request_id, adding)
        if request.last_entry_only:
            entries = entries[-1:]
        return bank_pb2.AddEntriesResponse(entries=map(wire.entry_to_wire, entries), revision=revision)

    def _listed(self, bank: str, after: int, size: int, wanted: EntryFilter) -> bank_pb2.ListEntriesResponse:
        """In another thread too."""
        entries = self._engine.list_entries(bank, after, size, wanted)
        return bank_pb2.ListEntriesResponse(
            entries=map(wire.entry_to_wire, entries),
            next_page_token=write_token(str(entries[-1].id)) if len(entries) == size else "",
        )

    async def _decide(
        self,
        verb: Callable[[str, Sequence[int] | str, Author, str], Decided],
        request: bank_pb2.ApproveEntriesRequest | bank_pb2.RejectEntriesRequest,
        answer: Callable[..., _A],
    ) -> _A:
        bank = seen(wire.parse_bank_name(request.parent, "parent"))
        if request.batch and request.names:
            raise errors.InvalidField("names", "expected none where batch says which")
        which = request.batch or entries_of(bank, request)
        done = await self._work.store(verb, bank, which, author(request.reason), request.request_id)
        return answer(count=done.count, remaining=done.remaining, revision=done.revision)


def _masked(bank: types_pb2.Bank, paths: Sequence[str]) -> dict[str, object]:
    """The values of the fields that a mask names, their defaults where the message is silent."""
    if "action" in paths and not bank.action:
        raise errors.InvalidField("bank.action", f"expected one of {', '.join(Action)}")
    values = wire.bank_from_wire(bank)
    return {path: getattr(values, path, None) for path in paths}


def _new_entry(message: bank_pb2.NewEntry, field: str) -> NewEntry | NewMedia:
    provenance = wire.provenance_from_wire(message.provenance, f"{field}.provenance")
    expires = wire.time_from_wire(message, "expire_time", f"{field}.expire_time")
    match message.WhichOneof("content"):
        case "hash":
            shown = wire.range_from_wire(message.shown) if message.HasField("shown") else None
            return _entry(wire.hash_from_wire(message.hash), provenance, shown, expires)
        case "media":
            return NewMedia(message.media, provenance, message.kind or PDQ, expires)
        case _:
            raise errors.InvalidField(field, "expected hash or media")
