"""Banks of millions of random hashes, and queries of which half are near to one: in a database, or in files alone."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.codes import THRESHOLD, flipped
from benchmarks.index_files import SPACE, columns
from hashmatch.index import Directory
from hashmatch.index.directory import Base
from hashmatch.index.grouping import Run
from hashmatch.index.roster import Roster
from hashmatch.store import Store
from hashmatch.types import PDQ, Action, Bank, Hash, NewEntry, Provenance

BANK: Final = "known"
BATCH: Final = 10_000
QUERIES: Final = 64
FIRST_LAID: Final = 10**12
"""Ids of entries that are in files alone, none of which the database will give."""


def known(number: int) -> NDArray[np.uint8]:
    """The codes of a batch of entries."""
    return np.random.default_rng((7, number)).integers(0, 256, (BATCH, 32), dtype=np.uint8)


def entries(number: int) -> list[NewEntry]:
    first = number * BATCH
    return [
        NewEntry(Hash(PDQ, row.tobytes(), 90), Provenance(f"content-{first + at:09d}", "a list"))
        for at, row in enumerate(known(number))
    ]


def fill(folder: Path, count: int) -> None:
    """Add what is missing of so many entries."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(f"sqlite:///{folder / 'hashmatch.db'}") as store:
        if not store.list_banks("", 1):
            store.create_bank(Bank(BANK, action=Action.BLOCK, threshold=THRESHOLD))
        there = store.count_entries(BANK) // BATCH
        for number in track(range(there, count // BATCH), f"filling {count:,}"):
            store.add_entries(BANK, entries(number))


def lay(folder: Path, count: int) -> None:
    """Make the files of so many entries without a database that has them: queries never ask it."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(f"sqlite:///{folder / 'hashmatch.db'}") as store:
        bank, revision = store.create_bank(Bank(BANK, action=Action.BLOCK, threshold=THRESHOLD))
        codes = np.concatenate([known(number) for number in range(count // BATCH)])
        entered = columns(len(codes))
        entered = replace(entered, ids=entered.ids + FIRST_LAID)
        directory = Directory(folder / "segments")
        filed = directory.write(SPACE, [Run(codes, entered)])
        directory.publish(Base(revision, Roster({0: bank}), (filed,)), store.token(revision))


def hashes(seed: int, count: int) -> list[list[Hash]]:
    """Batches of which half are within the threshold of a known hash, half of nothing."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 256, (32 * QUERIES, 32), dtype=np.uint8)
    near = known(int(random.integers(count // BATCH)))[: len(codes) // 2]
    codes[::2] = flipped(near, THRESHOLD, random)
    made = [Hash(PDQ, code.tobytes(), 90) for code in codes]
    return [made[first : first + QUERIES] for first in range(0, len(made), QUERIES)]
