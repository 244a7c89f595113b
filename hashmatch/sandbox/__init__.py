"""Where a stranger's bytes become hashes: processes apart from the service, sealed, and the only ones that decode.

`Pool` runs jobs in workers that a zygote forks. A sort of job is a pair: in the service a `Task`, which sends what the
job needs and reads the answer as a stranger's (`image.py`); in the worker a function of the same number in the table of
`work.py`, which decodes and sends what it finds. A new sort is one of each, and nothing else changes: the time limit,
crashes, replacement and the seal are the pool's. What a new codec needs loaded is warmed in `warm.py`.
"""

from hashmatch.sandbox.job import Hasher, Job, Take, VideoJob
from hashmatch.sandbox.line import Line, Malformed
from hashmatch.sandbox.pool import Loss, Pool
from hashmatch.sandbox.stop import Stop, Stopped
from hashmatch.sandbox.task import Task

__all__ = ["Hasher", "Job", "Line", "Loss", "Malformed", "Pool", "Stop", "Stopped", "Take", "Task", "VideoJob"]
