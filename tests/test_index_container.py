"""A file of arrays is what was written, or is refused: no byte may differ, none be missing, none too many."""

import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from xxhash import xxh3_128

from hashmatch.index.container import VERSION, Refused, new_file, read_file

ARRAYS: Mapping[str, NDArray[Any]] = {
    "codes": np.arange(96, dtype=np.uint8).reshape(3, 32),
    "none": np.empty(0, dtype=np.int64),
    "numbers": np.array([-1, 2**60], dtype=np.int64),
}


def write(path: Path, contents: Mapping[str, NDArray[Any]] = ARRAYS) -> bytes:
    with new_file(path, {"kind": "pdq"}) as file:
        for name, array in contents.items():
            file.add(name, [array])
    return path.read_bytes()


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "a")
    stored = read_file(tmp_path / "a")
    assert stored.meta == {"kind": "pdq"}
    assert list(stored.arrays) == list(ARRAYS)
    for name, array in stored.arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert np.array_equal(array, ARRAYS[name])
        assert not array.flags.writeable
        assert array.ctypes.data % 64 == 0 or not array.size
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@given(
    parts=st.lists(
        arrays.arrays(np.dtype(np.int32), st.tuples(st.integers(0, 9), st.just(3)), elements=st.integers(-9, 9)),
        min_size=1,
        max_size=5,
    )
)
def test_parts_are_put_together(tmp_path_factory: pytest.TempPathFactory, parts: list[NDArray[np.int32]]) -> None:
    path = tmp_path_factory.mktemp("parts") / "a"
    with new_file(path, {}) as file:
        file.add("whole", parts)
    assert np.array_equal(read_file(path).arrays["whole"], np.concatenate(parts))


def test_any_byte_that_differs_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    data = bytearray(write(path))
    assert len(data) > 20_000
    with path.open("r+b", buffering=0) as stream:
        for at, byte in enumerate(data):
            os.pwrite(stream.fileno(), bytes([byte ^ 1 << at % 8]), at)
            with pytest.raises(Refused):
                read_file(path)
            os.pwrite(stream.fileno(), bytes([byte]), at)
    assert read_file(path).meta == {"kind": "pdq"}


@pytest.mark.parametrize("size", [0, 1, 100, 16_383, 16_384, 20_000, -1, -4096])
def test_a_file_that_is_cut_off_is_noticed(tmp_path: Path, size: int) -> None:
    data = write(tmp_path / "a")
    (tmp_path / "a").write_bytes(data[:size])
    with pytest.raises(Refused):
        read_file(tmp_path / "a")


def test_a_file_that_is_too_long_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(write(tmp_path / "a") + b"\0")
    with pytest.raises(Refused, match="size"):
        read_file(tmp_path / "a")


def test_a_file_of_another_program_or_version_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(50_000))
    with pytest.raises(Refused, match="no file of hashmatch"):
        read_file(tmp_path / "a")
    data = bytearray(write(tmp_path / "a"))
    struct.pack_into("<I", data, 8, VERSION + 1)
    data[16_368:16_384] = xxh3_128(bytes(data[:16_368])).digest()
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Refused, match=f"version {VERSION + 1}, and this program reads {VERSION}"):
        read_file(tmp_path / "a")


def test_a_file_stays_readable_after_it_is_deleted_or_replaced(tmp_path: Path) -> None:
    write(tmp_path / "a")
    stored = read_file(tmp_path / "a")
    write(tmp_path / "a", {"codes": np.zeros(50_000, dtype=np.uint8)})
    assert np.array_equal(stored.arrays["codes"], ARRAYS["codes"])
    (tmp_path / "a").unlink()
    assert np.array_equal(stored.arrays["numbers"], ARRAYS["numbers"])


def mapped(path: Path) -> bool:
    return str(path) in Path("/proc/self/maps").read_text()


def test_a_file_is_let_go_with_the_last_array(tmp_path: Path) -> None:
    write(tmp_path / "a")
    stored = read_file(tmp_path / "a")
    part = stored.arrays["codes"][1:]
    del stored
    assert mapped(tmp_path / "a")
    del part
    assert not mapped(tmp_path / "a")


def test_what_fails_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    before = write(tmp_path / "a")

    def parts() -> Iterator[NDArray[np.uint8]]:
        yield np.zeros(10_000, dtype=np.uint8)
        raise InterruptedError

    with pytest.raises(InterruptedError), new_file(tmp_path / "a", {}) as file:
        file.add("codes", parts())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == before


def test_a_header_without_room_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="header"), new_file(tmp_path / "a", {"much": "x" * 20_000}):
        pass
    assert list(tmp_path.iterdir()) == []
