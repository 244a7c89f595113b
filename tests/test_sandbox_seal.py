"""What a decoder that was taken over can do in a sealed worker: nothing."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hashmatch import media
from hashmatch.errors import DecoderCrashed
from hashmatch.sandbox import Job, Loss, Pool
from hashmatch.settings import MediaLimits
from hashmatch.types import Sandbox
from tests.command import COMMAND, environment
from tests.hostile import MakePool, ask
from tests.hostile_kind import CALLS
from tests.test_media_damage import FILES
from tests.test_sandbox_pool import children_of

REFUSED = {
    "open": "/etc/passwd",
    "list": "/",
    "stat": "/etc",
    "fork": "",
    "spawn": "",
    "dup": "",
    "pipe": "",
    "memfd": "",
    "prctl": "",
    "setrlimit": "",
}
"""What libraries try by themselves: it fails, and the worker lives on."""
KILLED = ("socket", "unix", "pair", "exec", "mmap", "mprotect", *(f"call {name}" for name in CALLS))
"""What no codec ever tries."""


@pytest.fixture(scope="module")
def pool(make_pool: MakePool) -> Pool:
    return make_pool()


@pytest.mark.parametrize("action", REFUSED)
def test_refused(pool: Pool, action: str) -> None:
    assert ask(pool, f"{action} {REFUSED[action]}") == errno.EPERM


def test_media_are_only_read(pool: Pool) -> None:
    """The memory in which they come cannot be made writable."""
    assert ask(pool, "tray") == errno.EACCES


@pytest.mark.parametrize("action", KILLED)
def test_killed(pool: Pool, action: str) -> None:
    with pytest.raises(DecoderCrashed) as caught:
        ask(pool, action)
    assert caught.value.details == {"cause": "SIGSYS"}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the ABI is one of x86-64")
def test_no_other_abi(pool: Pool) -> None:
    """Neither `open` nor `getpid`, which is allowed, by the numbers of x32."""
    for number in (2, 39):
        with pytest.raises(DecoderCrashed) as caught:
            ask(pool, f"x32 {number}")
        assert caught.value.details == {"cause": "SIGSYS"}


@pytest.mark.parametrize("action", ["kill", "tgkill"])
def test_nobody_is_killed(pool: Pool, action: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        for victim in (bystander.pid, pool.zygote, os.getpid()):
            with pytest.raises(DecoderCrashed) as caught:
                ask(pool, f"{action} {victim}")
            assert caught.value.details == {"cause": "SIGSYS"}
        assert bystander.poll() is None
        bystander.kill()


def test_nothing_of_the_parents_is_read(pool: Pool) -> None:
    for pid in ("self", str(pool.zygote), str(os.getpid()), "1"):
        for file in ("environ", "mem", "maps", "fd/0", "cmdline"):
            assert ask(pool, f"open /proc/{pid}/{file}") == errno.EPERM


def test_threads_are_for_the_codec_that_needs_them(pool: Pool) -> None:
    assert ask(pool, "thread") == (0 if media.NEEDS_THREADS else errno.EPERM)


def test_nothing_is_written(pool: Pool, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    assert ask(pool, f"write {victim}") == errno.EPERM
    assert ask(pool, f"write {tmp_path / 'new'}") == errno.EPERM
    with pytest.raises(DecoderCrashed):
        ask(pool, f"unlink {victim}")
    assert list(tmp_path.iterdir()) == [victim]
    assert victim.read_bytes() == b"untouched"


def test_four_descriptors(pool: Pool) -> None:
    """The standard streams, which lead nowhere, and the connection."""
    assert ask(pool, "count") == 4
    (worker,) = children_of(pool)
    links = {path.name: str(path.readlink()) for path in Path(f"/proc/{worker}/fd").iterdir()}
    assert links.pop("3").startswith("socket:")
    assert links == dict.fromkeys("012", os.devnull)


def test_what_the_kernel_says_of_a_worker(pool: Pool) -> None:
    pool.hash_image(FILES["PNG"], Job())
    (worker,) = children_of(pool)
    lines = (line.partition(":") for line in Path(f"/proc/{worker}/status").read_text().splitlines())
    status = {name: value.strip() for name, _, value in lines}
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    assert status["Threads"] == "1"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    limits = Path(f"/proc/{worker}/limits").read_text()
    for name in ("Max core file size", "Max file size"):
        assert f"{name} ".ljust(26) + "0 " in limits


def test_no_secret_reaches_the_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHMATCH_DATABASE_URL", "postgresql://me:secret@db/banks")
    with Pool(MediaLimits(), 1) as pool:
        for pid in (pool.zygote, *children_of(pool)):
            assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_without_the_filter_the_rest_holds(make_pool: MakePool) -> None:
    pool = make_pool(sandbox=Sandbox.OFF)
    assert ask(pool, "open /etc/passwd") == 0
    assert ask(pool, "count") == 4
    (worker,) = children_of(pool)
    assert "NoNewPrivs:\t1" in Path(f"/proc/{worker}/status").read_text()
    with pytest.raises(DecoderCrashed):
        ask(pool, "segfault")
    assert pool.losses == {Loss.CRASH: 1}


REFUSES_SECCOMP = f"""
import ctypes, os, runpy, struct, sys
number = {{"x86_64": 317, "aarch64": 277}}[os.uname().machine]
rules = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | {errno.ENOSYS}), (0x06, 0, 0, 0x7FFF0000))
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
header = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(program))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, header, 0, 0) == 0
sys.argv = ["hashmatch", *sys.argv[1:]]
runpy.run_module("hashmatch.cli", run_name="__main__")
"""
"""The command where the kernel has no seccomp to give, as in some containers."""


def test_a_kernel_that_cannot_seal(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", REFUSES_SECCOMP, *arguments],
            capture_output=True, text=True, env=environment(), timeout=60, check=False,
        )  # fmt: skip

    picture = tmp_path / "picture.png"
    picture.write_bytes(FILES["PNG"])
    for command in (("hash", str(picture)), ("serve", "--data-dir", str(tmp_path), "--address", "127.0.0.1:0")):
        refused = run(*command)
        assert refused.returncode == 2
        assert "seccomp" in refused.stderr
        assert "--sandbox off" in refused.stderr
    assert run("hash", "--sandbox", "off", str(picture)).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="everything runs as an ordinary user already")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
def test_as_an_ordinary_user() -> None:
    """One that may read this installation wherever it is, and has no other privilege; the kernel then asks for
    no_new_privs."""
    ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all,+dac_read_search"]
    ordinary += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    command = [*ordinary, *COMMAND, "hash", "-"]
    ran = subprocess.run(command, input=FILES["PNG"], capture_output=True, env=environment(), check=True)
    assert len(ran.stdout.split()[0]) == 64
