"""What every test may ask for."""

import os
from collections.abc import Iterator

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch.cli.child import ServerProcess
from hashmatch.cli.photos import colour_photos, grey_photos
from tests.hostile import MakePool, hostile_pools
from tests.postgresql import PostgreSQLServer, programs
from tests.servers import running_server

hypothesis.settings.register_profile("hashmatch", deadline=None)  # no test is timed: machines are shared
hypothesis.settings.load_profile("hashmatch")


@pytest.fixture(scope="session")
def photos() -> dict[str, NDArray[np.uint8]]:
    """Real photographs by name: uint8 (height, width, 3) in RGB order."""
    pixels = {}
    for name, path in (colour_photos() | grey_photos()).items():
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        assert bgr is not None
        pixels[name] = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
    return pixels


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real server process with empty banks, shared by the tests of one module; `server.address` is where."""
    with running_server(tmp_path_factory.mktemp("server")) as process:
        yield process


@pytest.fixture(scope="module")
def make_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakePool]:
    """Makes pools as `Pool` does, whose workers do what a file says; they are closed after the module's tests."""
    with pytest.MonkeyPatch.context() as patch, hostile_pools(tmp_path_factory.mktemp("hostile"), patch) as make:
        yield make


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    """A real PostgreSQL, shared by all tests, which therefore must not stop it."""
    where = programs()
    if where is None:
        missing = "PostgreSQL is not installed (Debian: apt-get install postgresql-15)"
        if os.environ.get("REQUIRE_POSTGRESQL"):
            pytest.fail(missing)
        pytest.skip(missing)
    with PostgreSQLServer(where) as server:
        yield server
