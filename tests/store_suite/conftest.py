"""The databases the suite runs against."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hashmatch.store import Store

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQLServer


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return the URL of another database without tables, at each call."""
    if request.param == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql")
        return server.new_url
    numbers = count()
    return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store, of which every test leaves behind what its audit log says."""
    with Store.open(url) as store:
        yield store
        assert store.audit.verify().problems == ()
