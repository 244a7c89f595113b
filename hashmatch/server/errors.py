"""Our errors as gRPC statuses: the one place that maps one to the other."""

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from hashmatch import errors
from hashmatch.v1 import types_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOMAIN = "hashmatch"

_CODES: dict[type[errors.HashmatchError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DecoderCrashed: grpc.StatusCode.INTERNAL,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.RevisionNotReached: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Refused: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def status_code(error: errors.HashmatchError) -> grpc.StatusCode:
    """The code of the nearest class in the error's ancestry that has one."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.INTERNAL)


def rich_status(error: errors.HashmatchError) -> status_pb2.Status:
    """google.rpc.Status with ErrorInfo always, BadRequest where a field is named, RetryInfo where it says when."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.details)
    details: list[Message] = [info]
    if isinstance(error, errors.InvalidInput) and "field" in error.details:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.details["field"], description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, errors.Refused):
        delay = Duration()
        delay.FromTimedelta(timedelta(seconds=error.retry_seconds))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = [
        Any(type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}", value=detail.SerializeToString())
        for detail in details
    ]
    return status_pb2.Status(code=status_code(error).value[0], message=error.message, details=packed)


def item_error(error: errors.HashmatchError) -> types_pb2.Error:
    """The same for one item of a stream."""
    return types_pb2.Error(
        code=status_code(error).value[0],
        reason=error.reason,
        message=error.message,
        details=error.details,
    )
