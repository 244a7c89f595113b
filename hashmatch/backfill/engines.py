"""Who does the parts of a job: this process, or a Ray cluster."""

# ruff: noqa: PLC0415 - Ray is of an extra, and imported where it is asked for

import enum
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from hashmatch.backfill import jobs
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.plan import Plan
from hashmatch.backfill.scanning import Part
from hashmatch.backfill.shared import shared
from hashmatch.errors import ConfigurationError
from hashmatch.index import Snapshot


class Engine(enum.StrEnum):
    """Where a job runs; what comes of it is the same."""

    LOCAL = "local"
    RAY = "ray"


OnBatch: TypeAlias = Callable[[Counts], None]
Begin: TypeAlias = Callable[[OnBatch], AbstractContextManager[jobs.Work]]
"""Makes ready what does parts, told whom to tell of each batch; it can be pickled, and may be called on any machine."""


@dataclass(frozen=True, slots=True)
class Where:
    """The engine of a job, and where it is."""

    engine: Engine = Engine.LOCAL
    address: str = ""
    """Of a Ray cluster, as `ray.init` takes it; empty: one that is started on this machine."""
    name: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)
    """By which the processes of one machine find what they share of the job."""

    def banks(self, load: Callable[[], Snapshot]) -> AbstractContextManager[Snapshot]:
        """What `load` returns: in this process, or in files that the actors of a machine map."""
        return nullcontext(load()) if self.engine is Engine.LOCAL else shared(self.name, load)

    def workers(self, here: int) -> int:
        """How many threads each that does parts is to have: in this process so many, or where 0 one a core."""
        return (here or len(os.sched_getaffinity(0))) if self.engine is Engine.LOCAL else 1

    def run(self, out: str, plan: Plan, begin: Begin, on_batch: OnBatch) -> Iterator[Part]:
        """Do the parts of the job in folder `out` that are not done; each is yielded once it is durable.

        A local job's come in their order, a cluster's as they are done. Raises as `begin` does.
        """
        if self.engine is Engine.LOCAL:
            with begin(on_batch) as work:
                yield from jobs.run(open_folder(out), plan, work)
            return
        try:
            from hashmatch.backfill.on_ray import run
        except ImportError as error:
            raise ConfigurationError(f"Ray is not installed ({error}): pip install 'hashmatch[ray]'") from error
        yield from run(self.address, out, plan, begin, on_batch)
