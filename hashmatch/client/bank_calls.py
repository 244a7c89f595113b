"""Calls of BankService: requests, and how their answers are read."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.field_mask_pb2 import FieldMask

from hashmatch import errors, types, wire
from hashmatch.client.calls import Call, T
from hashmatch.v1 import bank_pb2, types_pb2

MOST_ENTRIES: Final = 10_000
"""Of one call."""
LARGEST_PAGE: Final = 1_000
ALL_THERE: Final = types.EntryFilter()
ADDING: Final = types.Adding()


def create_bank(bank: types.Bank, request_id: str, reason: str) -> Call[tuple[types.Bank, int]]:
    request = bank_pb2.CreateBankRequest(
        bank=wire.bank_to_wire(bank), request_id=request_id or _fresh_id(), reason=reason
    )
    return Call("CreateBank", request, _bank_and_revision)


def get_bank(name: str) -> Call[tuple[types.Bank, int]]:
    return Call(
        "GetBank",
        bank_pb2.GetBankRequest(name=wire.bank_name(name)),
        lambda answer: (wire.bank_from_wire(answer.bank), answer.entry_count),
    )


def list_banks(token: str) -> Call[tuple[list[types.Bank], str]]:
    return Call(
        "ListBanks",
        bank_pb2.ListBanksRequest(page_token=token),
        lambda answer: ([wire.bank_from_wire(bank) for bank in answer.banks], answer.next_page_token),
    )


def update_bank(name: str, values: Mapping[str, Any], request_id: str, reason: str) -> Call[tuple[types.Bank, int]]:
    try:
        bank = types_pb2.Bank(name=wire.bank_name(name), **wire.bank_fields_to_wire(values))
    except (AttributeError, TypeError, ValueError) as error:
        raise errors.InvalidField("bank", str(error)) from error
    request = bank_pb2.UpdateBankRequest(
        bank=bank, update_mask=FieldMask(paths=list(values)), request_id=request_id or _fresh_id(), reason=reason
    )
    return Call("UpdateBank", request, _bank_and_revision)


def delete_bank(name: str, request_id: str, reason: str) -> Call[int]:
    request = bank_pb2.DeleteBankRequest(name=wire.bank_name(name), request_id=request_id or _fresh_id(), reason=reason)
    return Call("DeleteBank", request, revision_of)


def add_entries(
    bank: str, items: Iterable[types.NewEntry | types.NewMedia], request_id: str, reason: str, adding: types.Adding
) -> Call[tuple[list[types.Entry], int]]:
    return Call(
        "AddEntries",
        bank_pb2.AddEntriesRequest(
            parent=wire.bank_name(bank),
            entries=map(_new_entry, items),
            request_id=request_id or _fresh_id(),
            reason=reason,
            batch=adding.batch,
            following=adding.following,
        ),
        lambda answer: ([wire.entry_from_wire(entry) for entry in answer.entries], answer.revision),
    )


def load_entries(
    bank: str, items: Iterable[types.NewEntry], request_id: str, reason: str, adding: types.Adding
) -> Call[types.Entry]:
    request = add_entries(bank, items, request_id, reason, adding).request
    request.last_entry_only = True
    return Call("AddEntries", request, lambda answer: wire.entry_from_wire(answer.entries[-1]))


def get_entry(bank: str, entry: int) -> Call[types.Entry]:
    request = bank_pb2.GetEntryRequest(name=wire.entry_name(bank, entry))
    return Call("GetEntry", request, lambda answer: wire.entry_from_wire(answer.entry))


def list_entries(bank: str, token: str, wanted: types.EntryFilter) -> Call[tuple[list[types.Entry], str]]:
    request = bank_pb2.ListEntriesRequest(
        parent=wire.bank_name(bank),
        page_size=LARGEST_PAGE,
        page_token=token,
        content_id=wanted.content_id,
        state=wire.state_to_wire(wanted.state),
        batch=wanted.batch,
    )
    return Call(
        "ListEntries",
        request,
        lambda answer: ([wire.entry_from_wire(entry) for entry in answer.entries], answer.next_page_token),
    )


def remove_entries(bank: str, entries: Sequence[int], request_id: str, reason: str) -> Call[int]:
    request = naming(bank_pb2.RemoveEntriesRequest, bank, entries, request_id, reason)
    return Call("RemoveEntries", request, revision_of)


def remove_content(bank: str, content_id: str, request_id: str, reason: str) -> Call[int]:
    if not content_id:
        raise errors.InvalidField("content_id", "must say which content")
    request = bank_pb2.RemoveEntriesRequest(
        parent=wire.bank_name(bank), content_id=content_id, request_id=request_id or _fresh_id(), reason=reason
    )
    return Call("RemoveEntries", request, revision_of)


def restore_entries(bank: str, entries: Sequence[int], request_id: str, reason: str) -> Call[int]:
    request = naming(bank_pb2.RestoreEntriesRequest, bank, entries, request_id, reason)
    return Call("RestoreEntries", request, revision_of)


def list_batches(bank: str, token: str) -> Call[tuple[list[types.Batch], str]]:
    request = bank_pb2.ListBatchesRequest(parent=wire.bank_name(bank) if bank else "", page_token=token)
    return Call(
        "ListBatches",
        request,
        lambda answer: ([wire.batch_from_wire(batch) for batch in answer.batches], answer.next_page_token),
    )


def decide(method: str, bank: str, which: Sequence[int] | str, request_id: str, reason: str) -> Call[types.Decided]:
    """`ApproveEntries` or `RejectEntries`."""
    if not which:
        raise errors.InvalidField("batch", "must say what: entries, or a batch")
    kinds = {"ApproveEntries": bank_pb2.ApproveEntriesRequest, "RejectEntries": bank_pb2.RejectEntriesRequest}
    request = kinds[method](
        parent=wire.bank_name(bank),
        names=[] if isinstance(which, str) else [wire.entry_name(bank, entry) for entry in which],
        batch=which if isinstance(which, str) else "",
        request_id=request_id or _fresh_id(),
        reason=reason,
    )
    return Call(method, request, lambda answer: types.Decided(answer.count, answer.remaining, answer.revision))


def video_entries(
    video: types.HashedVideo, provenance: types.Provenance, expires: datetime | None
) -> Iterator[list[types.NewEntry]]:
    """The frames of a video as entries, in batches that one call may carry."""
    entries = [types.NewEntry(frame.hash, provenance, frame.shown, expires) for frame in video.frames]
    for at in range(0, len(entries), MOST_ENTRIES):
        yield entries[at : at + MOST_ENTRIES]


def naming(message: Callable[..., T], bank: str, entries: Sequence[int], request_id: str, reason: str) -> T:
    """A request that names entries of a bank."""
    return message(
        parent=wire.bank_name(bank),
        names=[wire.entry_name(bank, entry) for entry in entries],
        request_id=request_id or _fresh_id(),
        reason=reason,
    )


def _fresh_id() -> str:
    """A request id, so that a write that is sent again after a lost answer happens once."""
    return str(uuid.uuid4())


def _new_entry(item: types.NewEntry | types.NewMedia) -> bank_pb2.NewEntry:
    provenance, expires = wire.provenance_to_wire(item.provenance), wire.time_to_wire(item.expires)
    if isinstance(item, types.NewMedia):
        return bank_pb2.NewEntry(media=item.media, provenance=provenance, kind=item.kind, expire_time=expires)
    shown = None if item.shown is None else wire.range_to_wire(item.shown)
    return bank_pb2.NewEntry(hash=wire.hash_to_wire(item.hash), provenance=provenance, shown=shown, expire_time=expires)


def _bank_and_revision(answer: Any) -> tuple[types.Bank, int]:
    return wire.bank_from_wire(answer.bank), answer.revision


def revision_of(answer: Any) -> int:
    return int(answer.revision)
