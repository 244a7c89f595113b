"""The memory in which media reach a worker."""

import os
from pathlib import Path

import pytest

from hashmatch.sandbox.tray import Tray

SIZE = 8 * 2**20


@pytest.fixture
def trays() -> tuple[Tray, Tray]:
    """The service's view and the worker's."""
    service, reader = Tray.made(SIZE)
    worker = Tray.of(reader)
    os.close(reader)
    return service, worker


@pytest.mark.parametrize("size", [0, 1, 4095, 2**20, SIZE])
def test_what_is_laid_is_taken(trays: tuple[Tray, Tray], size: int) -> None:
    service, worker = trays
    media = os.urandom(size)
    service.lay(media)
    assert worker.take(size) == media
    service.lay(media[::-1])
    assert worker.take(size) == media[::-1]


def test_media_beyond_its_size_are_refused(trays: tuple[Tray, Tray]) -> None:
    with pytest.raises((IndexError, ValueError)):
        trays[0].lay(bytes(SIZE + 1))


def test_the_reader_cannot_write_or_shorten() -> None:
    _, reader = Tray.made(SIZE)
    with os.fdopen(reader) as file:
        with pytest.raises(OSError, match="Invalid argument"):
            os.ftruncate(file.fileno(), 0)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(file.fileno(), b"x", 0)
        with pytest.raises(TypeError, match="read"):
            Tray.of(file.fileno()).lay(b"x")


def test_only_usual_media_stay_in_memory() -> None:
    service, reader = Tray.made(SIZE)
    worker = Tray.of(reader)

    def held() -> int:
        return Path(f"/proc/self/fd/{reader}").stat().st_blocks * 512

    try:
        usual, large, kept = os.urandom(200_000), os.urandom(SIZE), SIZE // 2
        service.lay(usual)
        service.trim()
        assert worker.take(len(usual)) == usual
        service.lay(large)
        assert held() == SIZE
        service.trim()
        assert held() == kept
        assert worker.take(SIZE)[kept:] == bytes(SIZE - kept)
        service.trim()
        service.lay(large)
        assert worker.take(SIZE) == large
    finally:
        os.close(reader)
