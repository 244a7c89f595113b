"""Every error hashmatch raises on purpose.

HashmatchError
├── InvalidInput            the caller's input is wrong, whatever the state
│   ├── InvalidField        a named field of a request
│   │   └── ApproximateHash     good to look up, but never banked
│   └── MediaError          media that could not be hashed: never "no match"
│       ├── MediaUnreadable     its file or object cannot be read
│       ├── EmptyMedia
│       ├── UnsupportedMedia
│       ├── CorruptMedia
│       ├── MediaTooLarge   bytes, a side, pixels, or the time or memory of decoding over a limit
│       └── DecoderCrashed  the decoder crashed, or was taken over
├── NotFound                no such bank or entry
├── AlreadyExists           the name, or a request id with another content, is taken
├── Unauthenticated         no token, or one that is not known, expired or revoked
├── PermissionDenied        the token has not the role
│   └── NeedsAnotherPerson      who has added an entry does not approve it
├── RevisionNotReached      `min_revision` was not reached in time
├── DeadlineExceeded        the caller's time ran out
├── Refused                 nothing was done; it may be sent again after `retry_seconds`
│   ├── Overloaded              the service has more to do than it can: clients send it again by themselves
│   └── TooManyReports          a reporter has made as many as it may within an hour: clients raise it at once
├── ExchangeFailed          another organisation's service did not answer as it should
├── Superseded              another fetch of the same exchange has begun
├── Unavailable             try again later: starting, draining or out of reach
│   └── IndexLoading        the index is not complete yet: nothing is looked up in a part of it
└── ConfigurationError      the service cannot start as it was told to
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar


class HashmatchError(Exception):
    """The root. `reason` is the stable, machine-readable name that clients receive."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, str] = {key: str(value) for key, value in details.items()}

    def __str__(self) -> str:
        return self.message

    def at(self, field: str) -> None:
        """Say that the error is about one field of a larger request, for example `entries[2]`."""
        self.message = f"{field}: {self.message}"
        self.details = {**self.details, "field": field}


class InvalidInput(HashmatchError):
    reason = "INVALID_INPUT"


class InvalidField(InvalidInput):
    """A field of a request holds what it must not; `field` is its path, for example `bank.threshold`."""

    reason = "INVALID_FIELD"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)


class ApproximateHash(InvalidField):
    reason = "APPROXIMATE_HASH"


class MediaError(InvalidInput):
    reason = "MEDIA_NOT_SCANNED"


class MediaUnreadable(MediaError):
    reason = "UNREADABLE_MEDIA"


class EmptyMedia(MediaError):
    reason = "EMPTY_MEDIA"


class UnsupportedMedia(MediaError):
    reason = "UNSUPPORTED_MEDIA"


class CorruptMedia(MediaError):
    reason = "CORRUPT_MEDIA"


class MediaTooLarge(MediaError):
    """Over a limit; details hold `limit` (its name), `maximum` and, where it is known, `actual`."""

    reason = "MEDIA_TOO_LARGE"

    def __init__(self, limit: str, maximum: float, actual: float | None) -> None:
        known = {} if actual is None else {"actual": actual}
        value = "" if actual is None else f"{actual:,} is "
        super().__init__(f"{value}over the limit of {maximum:,} ({limit})", limit=limit, maximum=maximum, **known)


class DecoderCrashed(MediaError):
    """The process that decoded the media ended or answered nonsense; details may hold `cause`."""

    reason = "DECODER_CRASHED"


class NotFound(HashmatchError):
    reason = "NOT_FOUND"


class AlreadyExists(HashmatchError):
    reason = "ALREADY_EXISTS"


class Unauthenticated(HashmatchError):
    reason = "UNAUTHENTICATED"


class PermissionDenied(HashmatchError):
    """Details hold `roles`, any of which would do."""

    reason = "PERMISSION_DENIED"


class NeedsAnotherPerson(PermissionDenied):
    """Details hold `author`, who added what was to be approved or rejected."""

    reason = "NEEDS_ANOTHER_PERSON"


class RevisionNotReached(HashmatchError):
    reason = "REVISION_NOT_REACHED"


class DeadlineExceeded(HashmatchError):
    reason = "DEADLINE_EXCEEDED"


class Refused(HashmatchError):
    """Nothing was done of what was asked for now; details hold `retry_seconds`."""

    reason = "REFUSED"

    def __init__(self, message: str, retry_seconds: float, **details: object) -> None:
        super().__init__(message, retry_seconds=f"{retry_seconds:.3f}", **details)

    @property
    def retry_seconds(self) -> float:
        """How long to wait before the call is sent again; more than 0."""
        return float(self.details["retry_seconds"])


class Overloaded(Refused):
    """The service has more to do than it can; details hold `limit`: wait, deadline, calls, bytes, videos or reports."""

    reason = "OVERLOADED"

    def __init__(self, message: str, limit: str, retry_seconds: float) -> None:
        super().__init__(f"overloaded: {message}", retry_seconds, limit=limit)


class TooManyReports(Refused):
    """Details hold `maximum`, how many one reporter may make in an hour; `retry_seconds` until the hour is over."""

    reason = "TOO_MANY_REPORTS"


class ExchangeFailed(HashmatchError):
    reason = "EXCHANGE_FAILED"


class Superseded(HashmatchError):
    reason = "SUPERSEDED"


class Unavailable(HashmatchError):
    reason = "UNAVAILABLE"


class IndexLoading(Unavailable):
    reason = "INDEX_LOADING"


class ConfigurationError(HashmatchError):
    reason = "CONFIGURATION"


def _tree(root: type[HashmatchError]) -> Iterator[type[HashmatchError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def received(reason: str, message: str, details: Mapping[str, str]) -> HashmatchError:
    """The error that a server named by its `reason`; the root class where this version does not know it."""
    known = {error.reason: error for error in _tree(HashmatchError)}
    error = HashmatchError.__new__(known.get(reason, HashmatchError))
    HashmatchError.__init__(error, message, **details)
    return error
