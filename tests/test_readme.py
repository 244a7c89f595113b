"""What README.md tells one to type does what it says; options and links of all pages are there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.main import get_command

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.main import app
from tests.command import called, environment
from tests.media_files import of_rgb

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
README = (ROOT / "README.md").read_text()
CODES = {"match": 20}
"""Exit codes of those commands whose upload is a copy of what is known, by their first word."""


def blocks(language: str) -> list[str]:
    """The blocks of code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The arguments of every `hashmatch` command but `serve`."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["hashmatch"] and words[1] != "serve"]


def test_the_commands_and_then_the_example(
    server: ServerProcess, tmp_path: Path, photos: dict[str, NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("bad").mkdir()
    for name in ("bad/1.jpg", "bad.jpg"):
        Path(name).write_bytes(of_rgb(photos["coffee"]))
    Path("upload.jpg").write_bytes(of_rgb(np.ascontiguousarray(photos["coffee"][::2, ::2])))
    Path("list.csv").write_text(f"hash,quality\n{'5a' * 32},100\n")
    for words in commands():
        if words[0] in {"backfill", "exchange"}:
            continue  # need media, or an exchange, of their own: tests/test_cli_backfill.py, tests/test_cli_exchange.py
        expanded = [str(path) for word in words for path in (Path().glob(word) if "*" in word else (word,))]
        ended = called("--server", server.address, *expanded)
        assert ended.code == CODES.get(words[0], 0), (words, ended.err)
    script = blocks("python")[0].replace("127.0.0.1:50051", server.address)
    assert server.address in script
    shown = run(script)
    assert shown.startswith("BLOCK [")
    assert "('hotline', " in shown


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_examples_without_a_service() -> None:
    for script in blocks("python")[1:]:
        run(script)


def options(command: Any) -> set[str]:
    """Every option of a command and of those below it."""
    own = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    return own.union(*map(options, getattr(command, "commands", {}).values()), {"--help"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_pages_name_are_there(page: Path) -> None:
    """Those of `hashmatch` commands, and those that stand by themselves."""
    said = re.findall(r"^(?:HASHMATCH_\S+ )*hashmatch .*$|`(?:--|hashmatch )[^`]*`", page.read_text(), re.MULTILINE)
    named = {option for text in said for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text)}
    assert named <= options(get_command(app))


def test_links_within_the_project_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
