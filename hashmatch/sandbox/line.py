"""The connection between the service and a worker: whole messages, each no longer than its reader allows."""

import contextlib
import socket
import struct
import time
from typing import Final

_LENGTH: Final = struct.Struct("<Q")
_BUFFER: Final = 2**20
"""Bytes on their way that the kernel is asked to keep, so that most media are handed over at once."""


class Malformed(ValueError):
    """What came is not what the other side was asked for."""


class Line:
    """One end. Past `deadline`, on the clock of time.monotonic, everything raises TimeoutError; None waits forever.

    The other side's end raises EOFError or another OSError.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._held = b""
        self.deadline: float | None = None

    def hold(self, message: bytes) -> None:
        """Send a short message together with the next, so that the other side wakes up once."""
        self._held += _LENGTH.pack(len(message)) + message

    def send(self, message: bytes | memoryview) -> None:
        """Return once the message is handed to the kernel."""
        self._limit_wait()
        header, self._held = self._held + _LENGTH.pack(len(message)), b""
        sent = self._connection.sendmsg((header, message))
        for part, start in ((header, sent), (message, max(0, sent - len(header)))):
            if start < len(part):
                self._connection.sendall(memoryview(part)[start:])

    def receive(self, longest: int) -> bytes:
        """The next message; raises Malformed where it says to be longer than `longest` bytes."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > longest:
            raise Malformed(f"a message of {length:,} bytes where at most {longest:,} were expected")
        return self._exactly(length) if length else b""

    def send_descriptor(self, descriptor: int) -> None:
        """Let the other side have a descriptor of its own for the same open file."""
        self._limit_wait()
        socket.send_fds(self._connection, [b"\0"], [descriptor])

    def receive_descriptor(self) -> int:
        """What `send_descriptor` sent; raises Malformed where there is none."""
        self._limit_wait()
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
        self._connection.settimeout(0)
        try:
            unasked = self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        if not unasked:
            raise EOFError
        raise Malformed("something that was not asked for")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _limit_wait(self) -> None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)

    def _exactly(self, length: int) -> bytes:
        self._limit_wait()
        data = self._connection.recv(length, socket.MSG_WAITALL)
        if len(data) == length:
            return data
        whole = bytearray(data)
        while data and len(whole) < length:
            self._limit_wait()
            data = self._connection.recv(length - len(whole), socket.MSG_WAITALL)
            whole += data
        if len(whole) < length:
            raise EOFError
        return bytes(whole)
