"""The `hashmatch` command: as a process of its own, and for the many calls of a test within this one."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hashmatch.cli.main import main

COMMAND = (sys.executable, "-W", "error", "-m", "hashmatch.cli")


@dataclass(frozen=True)
class Ended:
    """What one run of the command came to."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        """The only JSON line on standard output."""
        (line,) = self.objects
        return line


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of hashmatch, but with `variables`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HASHMATCH_")} | variables


def hashmatch(*arguments: object, data: bytes = b"", **variables: str) -> Ended:
    """Run `hashmatch` with arguments, `data` as its standard input and variables in its environment."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=data,
        env=environment(**variables),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def called(*arguments: object, data: bytes = b"") -> Ended:
    """The same without a process: what `hashmatch` does from `main` on."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["hashmatch", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(data))),
        mock.patch.dict(os.environ, environment(), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            return Ended(int(ended.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("the command did not exit")
