"""Where and when a figure was measured, and how much processor time it took."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_OF_A_PROCESS: Final = 2
"""The last bits of the clock that counts a process's time in nanoseconds, as clock_getcpuclockid(3) makes it."""


def described() -> str:
    """The processor, how many cores this process may use, the commit and the date, on one line."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in info.splitlines())}
    model = facts.get("model name", platform.machine())
    if "cpu family" in facts:
        model += f" (family {facts['cpu family']}, model {facts['model']})"
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {commit()}, {datetime.now(UTC):%Y-%m-%d}"


def commit() -> str:
    """The commit of this working tree, and whether it has changed since."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return said.stdout.strip() or "no commit"


def processor_seconds(process: int) -> float:
    """What a process and those below it have used so far, those of them that have ended included."""
    own = time.clock_gettime(~process << 3 | _OF_A_PROCESS)
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ended = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    children = {
        int(child) for file in Path(f"/proc/{process}/task").glob("*/children") for child in file.read_text().split()
    }
    return own + ended + sum(map(processor_seconds, children))
