"""Files wherever they are: a local path, or any URL that fsspec knows, such as `s3://bucket/key`."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast
from urllib.parse import unquote_to_bytes

import fsspec

from hashmatch.errors import ConfigurationError, MediaError

T = TypeVar("T")

ATTEMPTS: Final = 3
"""How often a read of an object store is tried, beyond what its client tries by itself within each."""
_FIRST_PAUSE: Final = 0.5
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def is_url(location: str) -> bool:
    """Whether it is a URL of something that is not the local file system."""
    return "://" in location and not location.startswith("file://")


def local_path(location: str) -> Path:
    """The path that a local location means: itself, or that of a `file://` URL, percent-decoded."""
    if location.startswith("file://"):
        return Path(os.fsdecode(unquote_to_bytes(location.removeprefix("file://"))))
    return Path(location)


def local_location(path: str) -> str:
    """A path as text that Parquet can hold: itself, or a `file://` URL where its name is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return Path(path).absolute().as_uri()
    return path


def check_location(location: str) -> None:
    """Raises ConfigurationError where a location is a URL that must not be written down or cannot be used."""
    if is_url(location):
        file_system(location)


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path there; raises ConfigurationError.

    Credentials come from the environment, as the store's own client reads them; those in a URL are refused, as it is
    written into outputs and logs.
    """
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ConfigurationError("a URL must not hold credentials: set them in the environment")
    options = {"use_listings_cache": False} if url.startswith(("s3://", "s3a://")) else {}
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"{url}: {error}") from error
    return system, path


def open_file(location: str) -> BinaryIO:
    """Open for reading, at any position; raises OSError, and ConfigurationError."""
    if not is_url(location):
        return local_path(location).open("rb")
    system, path = file_system(location)
    return cast("BinaryIO", persist(lambda: system.open(path, "rb")))


def persist(call: Callable[[], T]) -> T:
    """What a call to an object store returns, tried again where that may help; raises OSError."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call()
        except (*_FINAL, MediaError):
            raise
        except Exception as error:  # clients of stores have no common class of error
            if attempt == ATTEMPTS:
                raise error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}") from error
            time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
    raise AssertionError
