"""Real photographs, one of each scene, out of packages that anyone can download; kept in a folder outside the tree.

`photographs.txt` names them: SHA-256, package and path. They were chosen by eye, before any hash of them was known.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST_SIDE = 1024
"""Pixels; larger photographs are scaled down to it, so that a full run takes minutes."""


class Photograph(NamedTuple):
    """A line of the list."""

    sha256: str
    package: str
    """Of Debian, or a Python package that is installed."""
    path: str

    @property
    def name(self) -> str:
        return f"{self.package}: {self.path.removeprefix('usr/share/')}"

    def cached(self, folder: Path) -> Path:
        """Where it is kept, named by its checksum."""
        return folder / f"{self.sha256}{Path(self.path).suffix}"


def listed() -> list[Photograph]:
    """Every photograph that the benchmark knows of."""
    lines = Path(__file__).with_suffix(".txt").read_text().splitlines()
    return [Photograph(*line.split(" ", 2)) for line in lines]


def cache_folder() -> Path:
    """`hashmatch/photographs` in the user's cache folder; made where it is missing."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hashmatch" / "photographs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch(folder: Path) -> list[Photograph]:
    """Bring the photographs into the folder; returns those that are there, and says which packages were of no help."""
    missing: dict[str, list[Photograph]] = {}
    for photo in listed():
        if not photo.cached(folder).exists():
            missing.setdefault(photo.package, []).append(photo)
    for package, photos in missing.items():
        try:
            with _unpacked(package) as root:
                _take(root, photos, folder)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"{package}: not available ({error}); going on without its {len(photos)} photographs\n")
    return [photo for photo in listed() if photo.cached(folder).exists()]


def load(photo: Photograph, folder: Path, longest: int = LONGEST_SIDE) -> NDArray[np.uint8]:
    """The pixels, uint8 (height, width, 3) in BGR order, scaled down to the longest side where larger."""
    pixels = cv2.imread(str(photo.cached(folder)), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise ValueError(f"{photo.name} cannot be decoded")
    scale = longest / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return pixels.astype(np.uint8, copy=False)


@contextmanager
def _unpacked(package: str) -> Iterator[Path]:
    """The folder that the paths of a package start from: installed Python packages as they are, others from Debian."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent
        return
    with tempfile.TemporaryDirectory(prefix="hashmatch-") as folder:
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
        for archive in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True, capture_output=True)
        yield Path(folder)


def _take(root: Path, photos: Sequence[Photograph], folder: Path) -> None:
    """Copy files whose content is what the list says, each by one rename, so that none is ever there in part."""
    for photo in photos:
        source, target = root / photo.path, photo.cached(folder)
        if not source.exists() or hashlib.sha256(source.read_bytes()).hexdigest() != photo.sha256:
            sys.stderr.write(f"{photo.name}: not in this version of {photo.package}; going on without it\n")
            continue
        partial = target.with_suffix(".partial")
        shutil.copyfile(source, partial)
        partial.replace(target)
