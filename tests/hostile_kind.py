"""A kind that does in the worker what the last line of a file says: the worst that a taken-over decoder might."""

import ctypes
import gc
import mmap
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hashmatch.hashing import BytesKind
from hashmatch.sandbox.tray import Tray
from hashmatch.types import Hash

MARK = b"\ndo "
_LIBC = ctypes.CDLL(None, use_errno=True)
_CONNECTION = 3
_X32 = 0x40000000
_NUMBERS = {
    "ptrace": {"x86_64": 101, "aarch64": 117},
    "process_vm_readv": {"x86_64": 310, "aarch64": 270},
    "process_vm_writev": {"x86_64": 311, "aarch64": 271},
    "pidfd_open": {"x86_64": 434, "aarch64": 434},
    "unshare": {"x86_64": 272, "aarch64": 97},
    "mount": {"x86_64": 165, "aarch64": 40},
    "bpf": {"x86_64": 321, "aarch64": 280},
    "io_uring_setup": {"x86_64": 425, "aarch64": 425},
    "userfaultfd": {"x86_64": 323, "aarch64": 282},
    "perf_event_open": {"x86_64": 298, "aarch64": 241},
    "keyctl": {"x86_64": 250, "aarch64": 219},
    "setuid": {"x86_64": 105, "aarch64": 146},
    "chroot": {"x86_64": 161, "aarch64": 51},
    "seccomp": {"x86_64": 317, "aarch64": 277},
    "shmget": {"x86_64": 29, "aarch64": 194},
    "bind": {"x86_64": 49, "aarch64": 200},
    "connect": {"x86_64": 42, "aarch64": 203},
    "unlinkat": {"x86_64": 263, "aarch64": 35},
    "execveat": {"x86_64": 322, "aarch64": 281},
    "tkill": {"x86_64": 200, "aarch64": 130},
    "personality": {"x86_64": 135, "aarch64": 92},
}
"""System calls by number, for those that Python has no function of."""
CALLS = tuple(_NUMBERS)


def _call(number: int) -> None:
    if _LIBC.syscall(number, 0, 0, 0, 0, 0, 0) < 0:
        _refuse()


def _start_thread() -> None:
    try:
        threading.Thread(target=bool).start()
    except RuntimeError as error:
        raise OSError(1, str(error)) from error


def _protect(protection: int) -> None:
    area = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    if _LIBC.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, protection):
        _refuse()


def _open_tray() -> None:
    """Let the memory in which media come be written."""
    (tray,) = (each for each in gc.get_objects() if isinstance(each, Tray))
    address = np.frombuffer(tray._memory, np.uint8).ctypes.data
    if _LIBC.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE):
        _refuse()


def _spin(_: str) -> None:
    while True:
        pass


def _eat(_: str) -> None:
    kept = []
    while True:
        kept.append(bytes(2**26))


def _perform(order: str) -> None:
    name, _, argument = order.partition(" ")
    ACTIONS[name](argument)


def _stop(order: str) -> None:
    _perform(order)
    time.sleep(60)


def _raise(number: int) -> None:
    if number:
        raise OSError(number, "refused")


def _refuse() -> bool:
    raise OSError(ctypes.get_errno(), "refused")


def _fail(text: str) -> None:
    raise ValueError(text)


def _is_open(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError as error:
        return error.errno == 29  # a pipe or socket: open, and nothing to seek in
    return True


ACTIONS: dict[str, Callable[[str], object]] = {
    "open": lambda path: Path(path).read_bytes(),
    "write": lambda path: Path(path).write_bytes(b"was here"),
    "list": os.listdir,
    "stat": os.stat,
    "unlink": os.unlink,
    "socket": lambda _: socket.socket(socket.AF_INET),
    "unix": lambda _: socket.socket(socket.AF_UNIX),
    "pair": lambda _: socket.socketpair(),
    "exec": lambda _: os.execv(sys.executable, [sys.executable, "-V"]),
    "spawn": lambda _: os.posix_spawn(sys.executable, [sys.executable, "-V"], {}),
    "fork": lambda _: os.fork(),
    "thread": lambda _: _start_thread(),
    "kill": lambda pid: os.kill(int(pid), 9),
    "tgkill": lambda pid: _LIBC.tgkill(int(pid), int(pid), 9),
    "mmap": lambda _: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "mprotect": lambda _: _protect(7),
    "tray": lambda _: _open_tray(),
    "memfd": lambda _: os.memfd_create("code"),
    "dup": lambda _: os.dup(_CONNECTION),
    "pipe": lambda _: os.pipe(),
    "prctl": lambda _: _LIBC.prctl(4, 1, 0, 0, 0) and _refuse(),
    "setrlimit": lambda _: _LIBC.setrlimit(resource.RLIMIT_AS, (ctypes.c_ulong * 2)(-1, -1)) and _refuse(),
    "call": lambda name: _call(_NUMBERS[name][os.uname().machine]),
    "x32": lambda number: _call(_X32 | int(number)),
    "segfault": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "exit": lambda code: os._exit(int(code)),
    "raise": _fail,
    "spin": _spin,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "eat": _eat,
    "stop": _stop,
    "say": lambda digits: os.write(_CONNECTION, bytes.fromhex(digits)),
    "count": lambda _: _raise(len([each for each in range(1024) if _is_open(each)])),
}


def act(data: bytes) -> Hash:
    """Do it; the hash is the number of the error that it failed with, 0 where it did not fail."""
    _, mark, order = data.rpartition(MARK)
    number = 0
    if mark:
        try:
            _perform(order.decode())
        except OSError as error:
            number = error.errno or -1
    return Hash(KIND.name, number.to_bytes(8, "big", signed=True))


KIND = BytesKind(name="hostile", bits=64, default_threshold=0, hash_bytes=act)
