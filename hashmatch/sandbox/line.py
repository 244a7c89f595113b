"""The connection between the service and a worker: whole messages, each no longer than its reader allows."""

import contextlib
import select
import socket
import struct
import time
from typing import Final

_LENGTH: Final = struct.Struct("<Q")
_BUFFER: Final = 2**20
"""Bytes on their way that the kernel is asked to keep, so that most media are handed over at once."""
_AHEAD: Final = 4096
"""Bytes that most answers are shorter than."""


class Malformed(ValueError):
    """What came is not what the other side was asked for."""


class Line:
    """One end. Past `deadline`, on the clock of time.monotonic, everything raises TimeoutError; None waits forever.

    The other side's end raises EOFError or another OSError. The kernel is asked as seldom as can be, as each time lets
    other threads have the interpreter: an end with a deadline reads ahead, and so must not be sent descriptors.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)  # a time limit of Python's takes two more system calls each time
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._connection = connection
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(connection, select.POLLOUT)
        self._read = b""
        self._held = b""
        self.deadline: float | None = None

    def hold(self, message: bytes) -> None:
        """Send a short message together with the next, so that the other side wakes up once."""
        self._held += _LENGTH.pack(len(message)) + message

    def send(self, message: bytes) -> None:
        """Return once the message is handed to the kernel."""
        flags = 0 if self._left() is None else socket.MSG_DONTWAIT
        header, self._held = self._held + _LENGTH.pack(len(message)), b""
        parts = [memoryview(header), memoryview(message)]
        while parts:
            try:
                sent = self._connection.sendmsg(parts, (), flags)
            except BlockingIOError:
                self._wait(self._writable)
                continue
            while parts and sent >= len(parts[0]):
                sent -= len(parts.pop(0))
            if parts:
                parts[0] = parts[0][sent:]

    def receive(self, longest: int) -> bytes:
        """The next message; raises Malformed where it says to be longer than `longest` bytes."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > longest:
            raise Malformed(f"a message of {length:,} bytes where at most {longest:,} were expected")
        return self._exactly(length)

    def send_descriptor(self, descriptor: int) -> None:
        """Let the other side have a descriptor of its own for the same open file."""
        self._wait(self._writable)
        socket.send_fds(self._connection, [b"\0"], [descriptor])

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
        with contextlib.suppress(BlockingIOError):
            if not self._read and not self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise EOFError
            raise Malformed("something that was not asked for")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _exactly(self, length: int) -> bytes:
        read, self._read = self._read[:length], self._read[length:]
        parts = [read] if read else []
        missing = length - len(read)
        while missing:
            if self.deadline is None:
                data = self._connection.recv(missing, socket.MSG_WAITALL)
            else:
                self._wait(self._readable)
                data = self._connection.recv(max(missing, _AHEAD), socket.MSG_DONTWAIT)
            if not data:
                raise EOFError
            parts.append(data[:missing])
            self._read = data[missing:]
            missing -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _wait(self, ready: select.poll) -> None:
        """Return once the connection is ready or has ended."""
        left = self._left()
        if not ready.poll(None if left is None else 1000 * left):
            raise TimeoutError

    def _left(self) -> float | None:
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
