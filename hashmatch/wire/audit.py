"""The audit log's records and proofs."""

from hashmatch import types
from hashmatch.v1 import audit_pb2


def record_to_wire(record: types.Record) -> audit_pb2.Record:
    return audit_pb2.Record(number=record.number, text=record.text)


def record_from_wire(message: audit_pb2.Record) -> types.Record:
    return types.Record.parse(message.number, message.text)


def entry_proof_to_wire(proof: types.EntryProof) -> audit_pb2.GetEntryProofResponse:
    return audit_pb2.GetEntryProofResponse(
        record=record_to_wire(proof.record),
        row=proof.row,
        row_hash=proof.row_hash,
        index=proof.index,
        count=proof.count,
        path=proof.path,
    )


def entry_proof_from_wire(message: audit_pb2.GetEntryProofResponse) -> types.EntryProof:
    return types.EntryProof(
        record_from_wire(message.record),
        message.row,
        message.row_hash,
        message.index,
        message.count,
        tuple(message.path),
    )
