"""Where and when a figure was measured, and how much processor time it took."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def described() -> str:
    """The processor, how many cores this process may use, the commit and the date, on one line."""
    facts = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(": ")[2] for line in facts if line.startswith("model name")), platform.machine())
    revision = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(revision, capture_output=True, text=True, check=False).stdout.strip() or "no commit"
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {commit}, {datetime.now(UTC):%Y-%m-%d}"


def processor_seconds(process: int) -> float:
    """What a process and those below it have used so far, those of them that have ended included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = {
        int(child) for file in Path(f"/proc/{process}/task").glob("*/children") for child in file.read_text().split()
    }
    return own + sum(map(processor_seconds, children))
