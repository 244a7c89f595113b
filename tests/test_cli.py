"""The command line as a whole: help, versions, exit codes of failures, and where output goes."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import BadParameter
from typer.main import get_command

import hashmatch as package
from hashmatch.cli.child import ServerProcess
from hashmatch.cli.inputs import expand, parse_hash, read
from hashmatch.cli.main import app
from hashmatch.cli.output import printable
from hashmatch.cli.photos import colour_photos
from hashmatch.errors import MediaError, MediaTooLarge
from tests.command import COMMAND, called, environment, hashmatch

PHOTO = colour_photos()["coffee"]


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def on_terminal(*arguments: object, answer: bytes = b"") -> tuple[int, str]:
    """Run the command on a terminal of its own, where `answer` is typed; its exit code and all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm-256color", COLUMNS="100"),
    )
    os.close(theirs)
    if answer:
        os.write(ours, answer)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO where the last user of a terminal has closed it
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(60), shown.decode()


def test_help_leads_from_nothing_to_a_verdict_and_lists_the_exit_codes() -> None:
    shown = hashmatch("--help")
    assert shown.code == 0
    path = [shown.out.index(f"hashmatch {step}") for step in ("serve", "bank create", "bank add", "match")]
    assert path == sorted(path)
    for code in (0, 1, 2, 4, 5, 10, 20, 130):
        assert re.search(rf"^\s*{code}  \w", shown.out, re.MULTILINE), code


@pytest.mark.parametrize(
    "command",
    ["serve", "match", "lookup", "hash", "status", "demo"]
    + [f"bank {verb}" for verb in ("create", "update", "list", "show", "add", "remove", "delete")],
)
def test_every_command_has_an_example(command: str) -> None:
    found = get_command(app)
    for word in command.split():
        found = found.commands[word]  # type: ignore[attr-defined]  # a group, by the names above
    assert found.help is not None
    assert re.search(rf"^Example: hashmatch .*{command}", found.help, re.MULTILINE)


def test_help_loads_no_heavy_library() -> None:
    script = (
        "import sys; from hashmatch.cli import main; sys.argv = ['hashmatch', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted({'numpy', 'grpc', 'cv2', 'faiss', 'sqlalchemy'} & set(sys.modules)))"
    )
    ran = subprocess.run([COMMAND[0], "-c", script], capture_output=True, text=True, check=True, env=environment())
    assert ran.stdout.splitlines()[-1] == ""


def test_version() -> None:
    assert hashmatch("--version").out == f"hashmatch {package.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("match",),
        ("match", "--nonsense", "x"),
        ("lookup", "abc"),
        ("lookup", "0" * 62),
        ("bank", "add", "known-bad"),
        ("bank", "add", "known-bad", "--hash", "xyz"),
        ("bank", "create", "known-bad", "--action", "delete"),
        ("bank", "create", "known-bad", "--threshold", "65"),
        ("bank", "update", "known-bad"),
        ("--timeout", "0", "status"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    ended = called(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: hashmatch" in ended.err


@pytest.mark.parametrize("arguments", [("status",), ("match", PHOTO)], ids=lambda words: words[0])
def test_no_server_is_4(arguments: tuple[object, ...]) -> None:
    address = unused_address()
    ended = hashmatch("--server", address, *arguments)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == f"hashmatch: no server answers at {address}: start one with 'hashmatch serve'\n"


def test_a_server_that_does_not_answer_in_time_is_4() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ended = hashmatch("--server", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.3", "status")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("hashmatch: no answer in time")
    assert ended.err.count("\n") == 1


def test_status_and_the_server_from_the_environment(server: ServerProcess) -> None:
    state = hashmatch("status", "--json", HASHMATCH_SERVER=server.address).object
    assert state["server"] == server.address
    assert state["versions"]["hashmatch"] == package.__version__
    assert set(state) == {
        "server",
        "revision",
        "entries",
        "versions",
        "variant",
        "max_media_bytes",
        "sandbox",
        "behind_seconds",
        "follower_error",
        "load",
        "complete",
        "recent_entries",
        "building",
        "process_revisions",
    }
    assert state["sandbox"] == "on"
    assert (state["complete"], state["building"]) == (True, None)
    shown = hashmatch("--server", server.address, "status").out
    assert re.search(rf"^revision +{state['revision']} *$", shown, re.MULTILINE)
    assert re.search(rf"^kernels +{state['variant']} *$", shown, re.MULTILINE)
    assert re.search(r"^index +complete", shown, re.MULTILINE)
    assert re.search(r"^processes +revision \d+", shown, re.MULTILINE)


def test_watching_goes_on_until_it_is_interrupted(server: ServerProcess) -> None:
    for arguments, enough in (
        (("--json",), lambda shown: shown.count('"load"') == 2),
        ((), lambda shown: re.search(r"^seen before +-", shown, re.MULTILINE)),
    ):
        command = [*COMMAND, "--server", server.address, "status", "--watch", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as process:
            assert process.stdout is not None
            shown = ""
            while not enough(shown):
                line = process.stdout.readline()
                assert line
                shown += line
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130


def test_colour_on_a_terminal_only(server: ServerProcess) -> None:
    arguments = ("--server", server.address, "match", PHOTO)
    code, shown = on_terminal(*arguments)
    assert code == 0
    assert "\x1b[32mALLOW" in shown
    assert "matching" in shown
    piped = hashmatch(*arguments)
    assert "ALLOW" in piped.out
    assert "\x1b" not in piped.out
    assert piped.err == ""


def test_deleting_asks_on_a_terminal(server: ServerProcess) -> None:
    there = ("--server", server.address, "bank")
    assert called(*there, "create", "asked").code == 0
    code, shown = on_terminal(*there, "delete", "asked", answer=b"n\n")
    assert code == 1
    assert "Delete asked and its 0 entries?" in shown
    assert called(*there, "show", "asked").code == 0
    code, shown = on_terminal(*there, "delete", "asked", answer=b"y\n")
    assert code == 0
    assert called(*there, "show", "asked").code == 5


@pytest.mark.parametrize("format_", [(), ("--json",)], ids=["lines", "json"])
def test_a_closed_pipe_is_quiet(format_: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*COMMAND, "hash", *format_, *[str(PHOTO)] * 3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1


def test_interrupting_is_quiet_and_130() -> None:
    with subprocess.Popen(
        [*COMMAND, "hash", "--json", str(PHOTO), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["file"] == str(PHOTO)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


@given(st.text())
def test_nothing_printed_can_act_on_a_terminal(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(letter.isprintable() for letter in shown)
    assert all(theirs == ours for theirs, ours in zip(text, shown, strict=True) if theirs.isprintable())


@given(st.binary(max_size=40))
def test_only_256_bits_are_a_hash(bits: bytes) -> None:
    if len(bits) == 32:
        assert parse_hash(bits.hex().upper(), 7).bits == bits
    else:
        with pytest.raises(BadParameter):
            parse_hash(bits.hex())


def test_a_folder_stands_for_the_files_below_it(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a.png", ".hidden", "b/.cache/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    expected = [str(tmp_path / name) for name in ("a.png", "b/1.png", "b/2.png", "broken.png")]
    assert expand(["-", str(tmp_path), "missing"]) == ["-", *expected, "missing"]


def test_a_folder_without_files_is_no_verdict(tmp_path: Path) -> None:
    ended = called("hash", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "there are no files in" in ended.err


def test_settings_that_are_not_valid_are_named() -> None:
    ended = hashmatch("hash", PHOTO, HASHMATCH_MAX_SIDE="wide")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("hashmatch: max_side: ")
    assert ended.err.count("\n") == 1


def test_a_server_of_ones_own_takes_no_settings_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious.db"
    monkeypatch.setenv("HASHMATCH_DATABASE_URL", f"sqlite:///{precious}")
    with ServerProcess(tmp_path / "own"):
        assert (tmp_path / "own" / "hashmatch.db").exists()
    assert not precious.exists()


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "media"
    file.write_bytes(b"12345")
    assert read(str(file), 5) == b"12345"
    with pytest.raises(MediaTooLarge) as caught:
        read(str(file), 3)
    assert caught.value.details == {"limit": "max_media_bytes", "maximum": "3", "actual": "5"}
    with pytest.raises(MediaError, match="No such file"):
        read(str(tmp_path / "missing"), 5)
    with pytest.raises(MediaError, match="Is a directory"):
        read(str(tmp_path), 5)
