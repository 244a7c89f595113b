"""Calls of AuditService: requests, and how their answers are read."""

from hashmatch import types, wire
from hashmatch.client.calls import Call
from hashmatch.v1 import audit_pb2


def checkpoint() -> Call[str]:
    return Call("GetCheckpoint", audit_pb2.GetCheckpointRequest(), lambda answer: str(answer.note))


def list_records(bank: str, first: int, token: str) -> Call[tuple[list[types.Record], str]]:
    name = wire.bank_name(bank) if bank else ""
    return Call(
        "ListRecords",
        audit_pb2.ListRecordsRequest(bank=name, first=first, page_token=token),
        lambda answer: ([wire.record_from_wire(record) for record in answer.records], answer.next_page_token),
    )


def get_record(number: int) -> Call[types.Record]:
    request = audit_pb2.GetRecordRequest(number=number)
    return Call("GetRecord", request, lambda answer: wire.record_from_wire(answer.record))


def prove_record(number: int, size: int) -> Call[types.Proof]:
    request = audit_pb2.GetInclusionProofRequest(number=number, size=size)
    return Call("GetInclusionProof", request, lambda answer: types.Proof(answer.size, tuple(answer.path)))


def prove_consistency(first: int, second: int) -> Call[types.Proof]:
    request = audit_pb2.GetConsistencyProofRequest(first=first, second=second)
    return Call("GetConsistencyProof", request, lambda answer: types.Proof(answer.second, tuple(answer.path)))


def prove_entry(bank: str, entry: int) -> Call[types.EntryProof]:
    request = audit_pb2.GetEntryProofRequest(name=wire.entry_name(bank, entry))
    return Call("GetEntryProof", request, wire.entry_proof_from_wire)
