"""A job's parts done by a Ray cluster: Ray Data hands them to actors, and again to others where a node is lost.

The folder of the job is the only thing that the machines share: an actor reads the parts' listings there, and writes
its results there. A part that is done already when it comes again is not done again.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext

from hashmatch.backfill import jobs
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.engines import Begin, OnBatch
from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.plan import Plan
from hashmatch.backfill.scanning import Part

_ACTOR_CPUS = 1
_MOST_BLOCKS = 10_000


class Actor:
    """Does parts on one core of some node; its banks are in its memory, or mapped where they are in files."""

    def __init__(self, out: str, plan: Plan, begin: Begin) -> None:
        self._folder = open_folder(out)
        self._plan = plan
        self._stack = ExitStack()
        self._work = self._stack.enter_context(begin(_unheard))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do parts that are named by their numbers, (n,)."""
        missing = [number for number in batch["part"].tolist() if number not in jobs.done(self._folder)]
        for part in self._work((number, self._plan.items(self._folder, number)) for number in missing):
            jobs.save(self._folder, part)
        return batch


def run(address: str, out: str, plan: Plan, begin: Begin, on_batch: OnBatch) -> Iterator[Part]:
    """As `engines.Where.run`."""
    folder = open_folder(out)
    finished = jobs.done(folder)
    missing = [{"part": number} for number in range(plan.parts) if number not in finished]
    if not missing:
        return
    with _cluster(address):
        parts = ray.data.from_items(missing, override_num_blocks=min(len(missing), _MOST_BLOCKS))
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        done = parts.map_batches(
            Actor,
            batch_size=1,
            num_cpus=_ACTOR_CPUS,
            fn_constructor_kwargs={"out": folder.where, "plan": plan, "begin": begin},
            compute=ActorPoolStrategy(min_size=1, max_size=cpus),
        )
        for row in done.iter_rows():
            number = int(row["part"])
            counts = jobs.counts_of(folder, number)
            on_batch(counts)
            yield Part(number, jobs.rows_of(folder, number), counts)


def _unheard(_: Counts) -> None:
    """Batches of an actor are counted once their part is done."""


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Be connected to a cluster: the one that this process is connected to already, or the one at the address."""
    DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        yield
        return
    ray.init(
        address or None, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=None if address else False
    )
    try:
        yield
    finally:
        ray.shutdown()
