"""A sort of job as the service sees it."""

from typing import Final, Protocol, TypeVar

from hashmatch.sandbox.line import Line

Answer_co = TypeVar("Answer_co", covariant=True)

LONGEST_REQUEST: Final = 2**16
"""Bytes of the first message that a task sends."""


class Task(Protocol[Answer_co]):
    """One job, which the function of its number in the worker's `work.WORK` answers."""

    @property
    def number(self) -> int:
        """Which sort of job: the key in `work.WORK`, 0 to 255."""

    @property
    def seconds(self) -> float:
        """How long the job may take, from the first byte sent to the last received."""

    def ask(self, worker: Line) -> Answer_co:
        """Send what the job needs, and read what comes with `failure.answer`, which bounds it and raises failures.

        The first byte of the first message, which the function is given, is the number.
        Whatever comes is a stranger's: check sizes, counts and ranges against the job. Raises MediaError where the
        worker said why it could not, having read all that was sent; Malformed for any answer that is none. After any
        other exception the worker is replaced, so that a job may be left in the middle by raising one.
        """
