"""The databases the suite runs against."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from hashmatch.store import Store


@pytest.fixture(params=["sqlite"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return the URL of another database that does not exist yet, at each call."""
    numbers = count()
    return lambda: f"{request.param}:///{tmp_path / f'{next(numbers)}.db'}"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as store:
        yield store
