"""The connection between the service and a worker: a socket of whole messages, and a tray for media."""

import contextlib
import socket
import struct
import time
from typing import Final

from hashmatch.sandbox.tray import Tray

_AT_ONCE: Final = int(socket.MSG_DONTWAIT)
_LOOK: Final = int(socket.MSG_DONTWAIT | socket.MSG_PEEK)
_TIME: Final = struct.Struct("@ll")
"""Seconds and microseconds, as SO_RCVTIMEO takes them; twice nothing would be no limit."""


class Malformed(ValueError):
    """What came is not what the other side was asked for."""


class Line:
    """One end. Past `deadline`, on the clock of time.monotonic, everything raises TimeoutError; None waits forever.

    The other side's end raises EOFError or another OSError. The kernel is asked as seldom as can be, as each time lets
    other threads have the interpreter.
    """

    def __init__(self, connection: socket.socket, tray: Tray) -> None:
        """`connection` is one of SOCK_SEQPACKET, `tray` this side's."""
        connection.setblocking(True)  # a time limit of Python's takes another system call each time
        self._connection = connection
        self.tray = tray
        self.deadline: float | None = None

    def send(self, message: bytes) -> None:
        """Return once the message, of 1 byte to 64 KiB, is handed to the kernel; TimeoutError where nobody reads."""
        try:
            self._connection.send(message, self._patience())
        except BlockingIOError:
            raise TimeoutError from None

    def receive(self, longest: int) -> bytes:
        """The next message; raises Malformed where it is longer than `longest` bytes."""
        left = self._left()
        if left is not None:
            limit = _TIME.pack(*divmod(max(1, round(left * 1e6)), 10**6))
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        try:
            message = self._connection.recv(longest + 1)  # the kernel cuts what is longer
        except BlockingIOError:
            raise TimeoutError from None
        if not message:
            raise EOFError
        if len(message) > longest:
            raise Malformed(f"a message of more than the {longest:,} bytes that were expected")
        return message

    def send_descriptor(self, descriptor: int) -> None:
        """Let the other side have a descriptor of its own for the same open file."""
        try:
            socket.send_fds(self._connection, [b"\0"], [descriptor], self._patience())
        except BlockingIOError:
            raise TimeoutError from None

    def receive_descriptor(self) -> int:
        """What `send_descriptor` sent; raises Malformed where there is none."""
        message, descriptors, _, _ = socket.recv_fds(self._connection, 1, 1)
        if not message:
            raise EOFError
        if not descriptors:
            raise Malformed("no descriptor came")
        return descriptors[0]

    def hang_up(self) -> None:
        """End the connection at once, from any thread: who waits at either end gets EOFError or another OSError."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def check_silence(self) -> None:
        """Raises Malformed where something has come that was not asked for, EOFError where the other side has ended."""
        try:
            come = self._connection.recv(1, _LOOK)
        except BlockingIOError:
            return
        if not come:
            raise EOFError
        raise Malformed("something that was not asked for")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        self.tray.close()

    def _patience(self) -> int:
        """The flags with which to send: whoever has a deadline finds room at once, as it waits for each answer."""
        return 0 if self._left() is None else _AT_ONCE

    def _left(self) -> float | None:
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
