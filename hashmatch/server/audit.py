"""AuditService: what was done to the banks, and the proofs of it."""

from pathlib import Path
from typing import Any

import grpc

from hashmatch import wire
from hashmatch.errors import NotFound
from hashmatch.server.access import caller, seen
from hashmatch.server.pages import page_size, read_token, write_token
from hashmatch.server.work import Work
from hashmatch.store import AuditLog
from hashmatch.tlog import SigningKey
from hashmatch.types import Record
from hashmatch.v1 import audit_pb2, audit_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    """Reads the log. Proofs are hashes, and so everyone's who may call; records are those of the caller's banks."""

    def __init__(self, log: AuditLog, work: Work, key: Path | None) -> None:
        """`key` is the file of the key to sign checkpoints with; raises ConfigurationError for it."""
        self._log = log
        self._work = work
        self._key = None if key is None else SigningKey.load(key)

    async def GetCheckpoint(
        self, request: audit_pb2.GetCheckpointRequest, context: Context
    ) -> audit_pb2.GetCheckpointResponse:
        now = await self._work.store(self._log.checkpoint)
        return audit_pb2.GetCheckpointResponse(note=now.text if self._key is None else self._key.sign(now))

    async def ListRecords(
        self, request: audit_pb2.ListRecordsRequest, context: Context
    ) -> audit_pb2.ListRecordsResponse:
        bank = seen(wire.parse_bank_name(request.bank, "bank")) if request.bank else ""
        size = page_size(request.page_size)
        first = read_token(request.page_token, number=True)
        records = await self._work.store(self._log.records, int(first or request.first), size, bank, caller())
        return audit_pb2.ListRecordsResponse(
            records=map(wire.record_to_wire, records),
            next_page_token=write_token(str(records[-1].number + 1)) if len(records) == size else "",
        )

    async def GetRecord(self, request: audit_pb2.GetRecordRequest, context: Context) -> audit_pb2.GetRecordResponse:
        record = await self._work.store(self._log.record, request.number)
        if not _sees(record):
            raise NotFound(f"the audit log has no record {request.number} of the banks of this token")
        return audit_pb2.GetRecordResponse(record=wire.record_to_wire(record))

    async def GetInclusionProof(
        self, request: audit_pb2.GetInclusionProofRequest, context: Context
    ) -> audit_pb2.GetInclusionProofResponse:
        proof = await self._work.store(self._log.prove_record, request.number, request.size)
        return audit_pb2.GetInclusionProofResponse(size=proof.size, path=proof.path)

    async def GetConsistencyProof(
        self, request: audit_pb2.GetConsistencyProofRequest, context: Context
    ) -> audit_pb2.GetConsistencyProofResponse:
        proof = await self._work.store(self._log.prove_consistency, request.first, request.second)
        return audit_pb2.GetConsistencyProofResponse(second=proof.size, path=proof.path)

    async def GetEntryProof(
        self, request: audit_pb2.GetEntryProofRequest, context: Context
    ) -> audit_pb2.GetEntryProofResponse:
        bank, entry = wire.parse_entry_name(request.name, "name")
        proof = await self._work.store(self._log.prove_entry, seen(bank), entry)
        if not _sees(proof.record):
            raise NotFound(f"the record of entry {entry} is not of the banks of this token alone")
        return wire.entry_proof_to_wire(proof)


def _sees(record: Record) -> bool:
    """Whether the caller sees all that a record is of; what is of no bank, only one who sees all banks."""
    token = caller()
    if token.tenant is None and not token.banks:
        return True
    return bool(record.banks) and all(map(token.sees, record.banks))
