import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.errors import NotFound
from hashmatch.index import Sieve, Snapshot
from hashmatch.types import Bank, BankPut, Change, EntryAdded, EntryRemoved, Hash
from tests.index_oracle import entry


def near(known: list[bytes], stream: list[bytes], radius: int) -> list[int]:
    """By brute force, the positions of what is within the radius of any known hash."""
    values = [int.from_bytes(code, "big") for code in known]
    distances = ([(value ^ int.from_bytes(code, "big")).bit_count() for value in values] for code in stream)
    return [at for at, each in enumerate(distances) if min(each, default=999) <= radius]


def snapshot(known: list[bytes], kind: str = "pdq", threshold: int = 31) -> Snapshot:
    added = [EntryAdded(entry(at, "a", Hash(kind, code))) for at, code in enumerate(known, start=1)]
    return Snapshot.empty().apply([BankPut(Bank("a", threshold=threshold)), *added], 1)


@pytest.mark.parametrize(("kind", "width"), [("pdq", 32), ("phash", 8), ("md5", 16), ("acme", 5)])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60), threshold=st.integers(0, 40))
def test_lets_through_all_that_is_near_and_nothing_else(
    kind: str, width: int, seed: int, count: int, threshold: int
) -> None:
    draw = np.random.default_rng(seed)
    known = draw.integers(0, 256, (count, width), np.uint8)
    noise = np.packbits(draw.random((300, width * 8)) < draw.random((300, 1)) * 40 / (width * 8), axis=1)
    stream = known[draw.integers(0, count, 300)] ^ noise
    sieve = Sieve(snapshot([row.tobytes() for row in known], kind, threshold))
    expected = near([row.tobytes() for row in known], [row.tobytes() for row in stream], threshold)
    assert sieve.passing(kind, stream).tolist() == expected
    assert sieve.kinds == {kind}


def test_a_flood_of_pairs_is_taken_in_portions() -> None:
    known = [bytes([at % 4, at // 4]) + bytes(30) for at in range(1000)]
    stream = np.zeros((5000, 32), dtype=np.uint8)
    stream[::7] = 255
    assert Sieve(snapshot(known)).passing("pdq", stream).tolist() == [at for at in range(5000) if at % 7]


def test_ceilings_banks_removed_and_other_kinds() -> None:
    changes: list[Change] = [
        BankPut(Bank("a", threshold=31)),
        BankPut(Bank("off", enabled=False)),
        EntryAdded(entry(1, "a", Hash("phash", bytes(8)))),
        EntryAdded(entry(2, "a", Hash("pdq", bytes(32)))),
        EntryRemoved(2, "a"),
        EntryAdded(entry(3, "off", Hash("md5", bytes(16)))),
    ]
    known = Snapshot.empty().apply(changes, 1)
    stream = np.packbits(np.tri(20, 64, -1, dtype=np.uint8), axis=1)
    assert Sieve(known).passing("phash", stream).tolist() == list(range(20))
    assert Sieve(known, ceilings={"phash": 8}).passing("phash", stream).tolist() == list(range(9))
    assert Sieve(known).passing("pdq", np.zeros((3, 32), np.uint8)).size == 0
    assert Sieve(known, ["off"]).passing("md5", np.zeros((3, 16), np.uint8)).size == 0
    assert Sieve(known).passing("phash", np.zeros((0, 8), np.uint8)).size == 0
    with pytest.raises(NotFound):
        Sieve(known, ["none"])
