"""Videos as sequences of hashed frames: what repeats, which known videos they are of, and what that amounts to."""

from hashmatch.videos.query import VideoQuery
from hashmatch.videos.runs import Run, Runs
from hashmatch.videos.tracker import Tracker

__all__ = ["Run", "Runs", "Tracker", "VideoQuery"]
