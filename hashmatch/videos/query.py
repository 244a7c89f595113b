"""One video that is being matched."""

from collections.abc import Sequence

from hashmatch.types import Scan, SeenFrame, VideoDecision
from hashmatch.videos.runs import Runs
from hashmatch.videos.tracker import Tracker


class VideoQuery:
    """Takes frames as they are hashed, and decides."""

    def __init__(self, tracker: Tracker, *, stop_at_block: bool = False) -> None:
        self._tracker = tracker
        self._runs = Runs()
        self._stop_at_block = stop_at_block

    def take(self, frames: Sequence[SeenFrame]) -> bool:
        """Look frames up, later than those before them; whether more are wanted. Raises NotFound (a bank)."""
        over = self._runs.add(frames)
        if over:
            self._tracker.add(over)
        return not (over and self._stop_at_block and self._tracker.blocked)

    def decision(self, scan: Scan) -> VideoDecision:
        """What all frames amount to; raises NotFound (a bank)."""
        last = self._runs.end()
        if last:
            self._tracker.add(last)
        return self._tracker.decision(scan)
