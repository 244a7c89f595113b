"""Who may call which method, and which banks a caller sees."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

import grpc
from grpc_status import rpc_status

from hashmatch.errors import HashmatchError, NotFound, PermissionDenied
from hashmatch.server.call_log import CallLog
from hashmatch.server.errors import rich_status
from hashmatch.server.keyring import EVERYONE, Keyring
from hashmatch.server.metrics import Metrics
from hashmatch.types import LOCAL, Author, Role, Token

_ANYONE: Final = frozenset[Role]()
_READERS: Final = frozenset({Role.CURATE, Role.APPROVE, Role.ADMIN, Role.AUDIT})
_SCANNERS: Final = frozenset({Role.SCAN})
_CURATORS: Final = frozenset({Role.CURATE})
_AUDITORS: Final = frozenset({Role.AUDIT})
_APPROVERS: Final = frozenset({Role.APPROVE})
_ADMINS: Final = frozenset({Role.ADMIN})
_REPORTERS: Final = frozenset({Role.SCAN, Role.CURATE, Role.APPROVE})
_ALL: Final = frozenset(Role)

ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "/grpc.health.v1.Health/Check": _ANYONE,
    "/grpc.health.v1.Health/List": _ANYONE,
    "/grpc.health.v1.Health/Watch": _ANYONE,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _ALL,
    "/hashmatch.v1.MatchService/MatchImage": _SCANNERS,
    "/hashmatch.v1.MatchService/MatchStream": _SCANNERS,
    "/hashmatch.v1.MatchService/LookupHashes": _SCANNERS,
    "/hashmatch.v1.MatchService/MatchVideo": _SCANNERS,
    "/hashmatch.v1.MatchService/MatchFrames": _SCANNERS,
    "/hashmatch.v1.HashService/HashImage": _SCANNERS | _CURATORS,
    "/hashmatch.v1.HashService/HashVideo": _SCANNERS | _CURATORS,
    "/hashmatch.v1.BankService/CreateBank": _ADMINS,
    "/hashmatch.v1.BankService/GetBank": _READERS,
    "/hashmatch.v1.BankService/ListBanks": _READERS,
    "/hashmatch.v1.BankService/UpdateBank": _ADMINS,
    "/hashmatch.v1.BankService/DeleteBank": _ADMINS,
    "/hashmatch.v1.BankService/AddEntries": _CURATORS,
    "/hashmatch.v1.BankService/GetEntry": _READERS,
    "/hashmatch.v1.BankService/ListEntries": _READERS,
    "/hashmatch.v1.BankService/RemoveEntries": _CURATORS,
    "/hashmatch.v1.BankService/RestoreEntries": _CURATORS,
    "/hashmatch.v1.BankService/ListBatches": _READERS,
    "/hashmatch.v1.BankService/ApproveEntries": _APPROVERS,
    "/hashmatch.v1.BankService/RejectEntries": _APPROVERS,
    "/hashmatch.v1.FeedbackService/ReportMatch": _REPORTERS,
    "/hashmatch.v1.FeedbackService/ListReports": _READERS,
    "/hashmatch.v1.FeedbackService/ListSources": _READERS,
    "/hashmatch.v1.FeedbackService/ReinstateEntries": _APPROVERS,
    "/hashmatch.v1.AuditService/GetCheckpoint": _AUDITORS,
    "/hashmatch.v1.AuditService/ListRecords": _AUDITORS,
    "/hashmatch.v1.AuditService/GetRecord": _AUDITORS,
    "/hashmatch.v1.AuditService/GetInclusionProof": _AUDITORS,
    "/hashmatch.v1.AuditService/GetConsistencyProof": _AUDITORS,
    "/hashmatch.v1.AuditService/GetEntryProof": _AUDITORS,
    "/hashmatch.v1.StatusService/GetStatus": _ALL,
    "/hashmatch.v1.StatusService/WaitForRevision": _ALL,
}
"""Any of which roles a method needs; none needs no token. A method that is not here is refused."""
_UNKNOWN: Final = "unknown"
"""Stands for such a method in metrics and log, where no caller is to write what it likes."""

_caller: ContextVar[Token] = ContextVar("caller", default=EVERYONE)


def caller() -> Token:
    """Who makes the call that is being served."""
    return _caller.get()


def author(reason: str) -> Author:
    """Who makes the call that is being served, and why, for what it writes."""
    token = caller()
    return replace(LOCAL, reason=reason) if token is EVERYONE else Author(f"token:{token.name}", reason)


def seen(bank: str) -> str:
    """Return the bank's name; raises NotFound, as for one that is not there, where the caller does not see it."""
    if not caller().sees(bank):
        raise NotFound(f"no bank is named {bank!r}", bank=bank)
    return bank


def seen_of(banks: Iterable[str]) -> tuple[str, ...]:
    """Return those of the banks that the caller sees; empty for all of them. Raises NotFound where it sees none."""
    token = caller()
    if token.tenant is None and not token.banks:
        return ()
    visible = tuple(filter(token.sees, banks))
    if not visible:
        raise NotFound("there is no bank that this token may look into")
    return visible


class AccessInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """The outermost interceptor: a call without the right to its method is refused before its message is read."""

    def __init__(self, keyring: Keyring, metrics: Metrics) -> None:
        self._keyring = keyring
        self._metrics = metrics
        self._log = CallLog()

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        method = handler_call_details.method
        try:
            # Each call has a task of its own, in which the handler runs afterwards.
            _caller.set(self._permit(method, handler_call_details.invocation_metadata or ()))
        except HashmatchError as error:
            return self._refusing(error, method if method in ROLES else _UNKNOWN)
        return await continuation(handler_call_details)

    def _refusing(self, error: HashmatchError, method: str) -> "grpc.RpcMethodHandler[Any, Any]":
        started = time.perf_counter()

        async def refuse(_requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            seconds = time.perf_counter() - started
            self._log.refused(method, error, seconds)
            status = rpc_status.to_status(rich_status(error))
            self._metrics.refused(error)
            self._metrics.call_ended(method.rpartition("/")[2], status.code, seconds)
            await context.abort(status.code, status.details, status.trailing_metadata)

        return grpc.stream_stream_rpc_method_handler(refuse)

    def _permit(self, method: str, metadata: Any) -> Token:
        roles = ROLES.get(method)
        if roles is not None and not roles:
            return EVERYONE
        token = self._keyring.holder(_secret(metadata))
        if roles is None:
            raise PermissionDenied(f"{method} is for nobody")
        if not roles & token.roles:
            needed = ", ".join(sorted(roles))
            raise PermissionDenied(f"the token {token.name!r} has not the role: {needed}", roles=needed)
        return token


def _secret(metadata: Any) -> str:
    """What follows `Bearer` in the metadata; empty where nothing does."""
    for key, value in metadata:
        if key == "authorization" and isinstance(value, str) and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return ""
