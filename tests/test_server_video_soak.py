"""An upload of 1 GiB: it waits on the disk while it is scanned, and not in memory. `make soak` runs it."""

import threading
from pathlib import Path

import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from tests.servers import running_server
from tests.video_files import Pixels, encoded, scene

SIZE = 2**30
MOST_GROWTH = 100 * 2**20


def resident(server: ServerProcess) -> int:
    """Bytes of the server's own process."""
    (line,) = (each for each in Path(f"/proc/{server.pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_large_upload_takes_little_memory(tmp_path: Path, photos: dict[str, Pixels]) -> None:
    clip = encoded(scene(photos["astronaut"], 20))
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:  # the film, and a box that players pass over
        file.write(clip + (SIZE - len(clip)).to_bytes(4) + b"free")
        file.truncate(SIZE)
    with running_server(tmp_path / "data") as server, Client(server.address, timeout=300) as client:
        small = tmp_path / "small.mp4"
        small.write_bytes(clip)
        expected = client.match_video(small)
        before, seen, done = resident(server), [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                seen.append(resident(server))

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            found = client.match_video(path)
        finally:
            done.set()
            watching.join()
        assert found == expected
        assert len(seen) > 10
        assert max(seen) - before < MOST_GROWTH, f"{before / 2**20:.0f} MiB before, {max(seen) / 2**20:.0f} at most"
