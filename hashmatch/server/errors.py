"""Our errors as gRPC statuses: the one place that maps one to the other."""

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2

from hashmatch import errors
from hashmatch.v1 import types_pb2

DOMAIN = "hashmatch"

_CODES: dict[type[errors.HashmatchError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DecoderCrashed: grpc.StatusCode.INTERNAL,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.RevisionNotReached: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def status_code(error: errors.HashmatchError) -> grpc.StatusCode:
    """The code of the nearest class in the error's ancestry that has one."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.INTERNAL)


def rich_status(error: errors.HashmatchError) -> status_pb2.Status:
    """google.rpc.Status with ErrorInfo always, and BadRequest where a field is named."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.details)
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.BadRequest] = [info]
    if isinstance(error, errors.InvalidInput) and "field" in error.details:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.details["field"], description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    packed = [Any() for _ in details]
    for box, detail in zip(packed, details, strict=True):
        box.Pack(detail)
    return status_pb2.Status(code=status_code(error).value[0], message=error.message, details=packed)


def item_error(error: errors.HashmatchError) -> types_pb2.Error:
    """The same for one item of a stream."""
    return types_pb2.Error(
        code=status_code(error).value[0],
        reason=error.reason,
        message=error.message,
        details=error.details,
    )
