"""Processes that build are killed at any moment: what is there afterwards is whole, and a build goes on from it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from hashmatch.index import Directory, build
from hashmatch.store import Store
from hashmatch.types import Bank, Hash, NewEntry

ROWS = 2_000
BUILD = """
import sys
from pathlib import Path
from hashmatch.index import Directory, build, levels
from hashmatch.store import Store
sys.modules["hashmatch.index.build"].MOST_GATHERED = 5_000
levels.TAIL = 10
directory = Directory(Path(sys.argv[2]))
with Store.open(sys.argv[1]) as store, directory.building() as lock:
    assert lock is not None
    print("begun", flush=True)
    while True:
        build(store, directory)
"""


def code(number: int) -> Hash:
    return Hash("pdq", np.random.default_rng(number).bytes(32), 100)


def test_a_build_is_killed_again_and_again(tmp_path: Path) -> None:
    random = np.random.default_rng()
    url, segments = f"sqlite:///{tmp_path / 'banks.db'}", tmp_path / "segments"
    with Store.open(url) as store:
        store.create_bank(Bank("a", threshold=0))
        held = 0
        for _ in range(6):
            store.add_entries("a", [NewEntry(code(number)) for number in range(held, held + ROWS)])
            held += ROWS
            with subprocess.Popen([sys.executable, "-c", BUILD, url, str(segments)], stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                assert child.stdout.readline() == b"begun\n"
                time.sleep(random.uniform(0, 0.3))
                os.kill(child.pid, signal.SIGKILL)
            base = Directory(segments).load(store)
            assert base is not None or not (segments / "manifest").exists()
            if base is not None:
                entries = base.snapshot.entries["pdq"]
                assert entries == ROWS * (base.revision - 1)
                sample = random.integers(0, entries, 20).tolist() if entries else []
                answers = base.snapshot.search([[code(number)] for number in sample])
                assert [[hit.entry.id for hit in answer.hits] for answer in answers] == [[n + 1] for n in sample]
        with Directory(segments).building() as lock:
            assert lock is not None
            assert build(store, Directory(segments)) == store.head()
        base = Directory(segments).load(store)
        assert base is not None
        assert base.snapshot.entries["pdq"] == held
        names = {each.name for each in segments.iterdir()}
        assert names == {"manifest", "lock", *(each.name for each in base.filed)}
