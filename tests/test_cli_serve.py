"""`hashmatch serve`: its flags, its ready line, its log, and how it ends."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

import hashmatch as package
from hashmatch.cli.main import app
from hashmatch.settings import MediaLimits, Settings
from tests.command import COMMAND, called, environment, hashmatch
from tests.servers import running_server


def test_a_flag_and_a_variable_for_every_setting() -> None:
    command = get_command(app).commands["serve"]  # type: ignore[attr-defined]  # a group, as it has commands
    options = {option.name: option for option in command.params}
    fields = {**MediaLimits.model_fields, **Settings.model_fields}
    del fields["limits"]
    assert set(options) - {"log_level", "board", "slot"} == set(fields)
    for name, setting in fields.items():
        assert options[name].opts == [f"--{name.replace('_', '-')}"]
        assert options[name].envvar == f"HASHMATCH_{name.upper()}"
        unset = name == "workers" or setting.default == ""
        assert options[name].default == (None if unset else setting.default)


def test_help_shows_defaults() -> None:
    shown = hashmatch("serve", "--help", COLUMNS="160").out
    assert "[default: 127.0.0.1:50051]" in shown
    assert "[default: hashmatch-data]" in shown
    assert "[default: on]" in shown
    assert "[default: (" not in shown
    assert "hashmatch[otel]" in shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_when_ready_and_a_clean_end(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(HASHMATCH_ADDRESS="127.0.0.1:0", HASHMATCH_DATA_DIR=str(tmp_path / "made")),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.send_signal(number)
        assert process.stdout.read() == ""
        log = [json.loads(event) for event in process.stderr.read().splitlines()]
    assert process.returncode == 0
    pattern = (
        rf"hashmatch {re.escape(package.__version__)} listening on 127\.0\.0\.1:\d+ \(revision 0, 0 entries, \w+\)\n"
    )
    assert re.fullmatch(pattern, line)
    assert (tmp_path / "made" / "hashmatch.db").exists()
    assert {"draining", "stopped"} <= {event["event"] for event in log}
    assert all({"event", "level", "timestamp"} <= set(event) for event in log)
    assert not [event for event in log if event["level"] == "warning"]


def test_restarting_keeps_the_banks(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        there = ("--server", server.address)
        assert called(*there, "bank", "create", "kept").code == 0
        assert called(*there, "bank", "add", "kept", "--hash", "ab" * 32).code == 0
        assert server.kill() == -signal.SIGKILL
        server.start(server.address)
        assert called(*there, "lookup", "ab" * 32).code == 10
        assert server.stop() == 0
    assert "refused" not in server.log.read_text()


def test_an_address_that_others_reach_in_the_clear_is_warned_of(tmp_path: Path) -> None:
    assert called("token", "create", "first", "--role", "scan", "--data-dir", tmp_path).code == 0
    with subprocess.Popen(
        [*COMMAND, "serve", "--address", "0.0.0.0:0", "--data-dir", str(tmp_path), "--log-level", "warning"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert " listening on 0.0.0.0:" in process.stdout.readline()
        process.terminate()
        (event,) = (json.loads(line) for line in process.stderr.read().splitlines())
    assert process.returncode == 0
    assert (event["level"], event["address"]) == ("warning", "0.0.0.0:0")


def test_what_cannot_work_is_2_and_one_line(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for arguments, expected in (
            (("--address", f"127.0.0.1:{taken.getsockname()[1]}"), "cannot listen on 127.0.0.1:"),
            (("--address", "nonsense"), "address: expected host:port, got 'nonsense'"),
            (("--processes", "0"), "processes: Input should be greater than 0\n"),
            (("--workers", "0"), "workers: "),
            (("--max-side", "-1"), "max_side: "),
            (("--database-url", "mysql://x/y"), "mysql"),
        ):
            ended = hashmatch("serve", *data, *arguments, "--log-level", "error")
            assert (ended.code, ended.out) == (2, "")
            assert ended.err.startswith("hashmatch: ")
            assert expected in ended.err
            assert ended.err.count("\n") == 1
