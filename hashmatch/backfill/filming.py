"""Videos of a scan: hashed as they are read from their files, and looked up frame by frame."""

from collections.abc import Sequence
from typing import IO

from hashmatch import hashing
from hashmatch.backfill.item import Film
from hashmatch.backfill.lookups import Banks
from hashmatch.errors import UnsupportedMedia
from hashmatch.hashing import FrameKind
from hashmatch.sandbox import Hasher, VideoJob
from hashmatch.types import HashedFrame, SeenFrame, VideoOptions
from hashmatch.videos import Run, Runs


class Camera:
    """Hashes and looks up videos, each once for every kind that hashes pixels; any thread may call it."""

    def __init__(self, hasher: Hasher, kinds: Sequence[str], banks: Banks | None, options: VideoOptions) -> None:
        self._hasher = hasher
        self._kinds = [kind for kind in kinds if isinstance(hashing.KINDS[kind], FrameKind)]
        self._banks = banks
        self._options = options

    def film(self, file: IO[bytes]) -> tuple[Film, ...]:
        """What a video comes to, by each kind; raises MediaError."""
        if not self._kinds:
            raise UnsupportedMedia("a video is hashed by kinds that hash pixels alone")
        return tuple(self._by(kind, file) for kind in self._kinds)

    def _by(self, kind: str, file: IO[bytes]) -> Film:
        query = self._banks.query() if self._banks else None
        runs = Runs()
        frames: list[tuple[HashedFrame, bytes]] = []

        def take(seen: Sequence[SeenFrame]) -> bool:
            frames.extend(map(_kept, runs.add(seen)))
            return query is None or query.take(seen)

        all_views = self._banks is not None and self._banks.options.all_views
        options = VideoOptions(self._options.selection, self._options.interval, kind)
        scan = self._hasher.hash_video(file.fileno(), VideoJob(options, all_views), take)
        frames.extend(map(_kept, runs.end()))
        return Film(kind, scan, tuple(frames), None if query is None else query.decision(scan))


def _kept(run: Run) -> tuple[HashedFrame, bytes]:
    return run.hashed, min(value.bits for value in run.frame.hashes)
