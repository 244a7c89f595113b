"""A pool of sealed hashing processes, each of which may crash, hang or lie at the cost of the one job it has."""

import enum
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final, Self, TypeVar

from hashmatch.errors import DecoderCrashed, HashmatchError, MediaError, MediaTooLarge, Unavailable
from hashmatch.sandbox.image import ImageTask
from hashmatch.sandbox.job import Job, Take, VideoJob
from hashmatch.sandbox.line import Malformed
from hashmatch.sandbox.processes import Worker, Zygote, ending
from hashmatch.sandbox.task import Task
from hashmatch.sandbox.video import Enough, VideoTask
from hashmatch.settings import MediaLimits
from hashmatch.types import HashedImage, Sandbox, Scan

_T = TypeVar("_T")

_MOST_JOBS: Final = 10_000
"""After so many a worker is replaced: whatever took it over, or leaked in it, goes with it."""


class Loss(enum.StrEnum):
    """Why a worker was replaced."""

    CRASH = "crash"
    """It ended by itself: a fault in a decoder, a forbidden system call, or a stranger's kill."""
    HANG = "hang"
    """Its job took longer than allowed."""
    MEMORY = "memory"
    """Its job asked for more memory than allowed."""
    LIE = "lie"
    """It answered with what is no answer."""
    LEFT = "left"
    """Its job was given up by who asked for it."""
    ZYGOTE = "zygote"
    """The process that forks workers ended, and took them with it."""
    AGE = "age"
    """It has answered as many jobs as a worker may."""


class Pool:
    """Runs jobs in at most `workers` processes; any thread may call it, and waits where all are busy.

    In a `with` statement it ends at its end; otherwise `close` ends it. Nothing outlives the process that made it,
    however that ends. Workers are forked when they are wanted, in a few milliseconds.
    """

    def __init__(self, limits: MediaLimits, workers: int, sandbox: Sandbox = Sandbox.ON) -> None:
        """Return when a first worker is ready; raises ConfigurationError where the kernel does not let it be sealed."""
        self.sandbox = sandbox
        self._limits = limits
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._idle: list[Worker] = []
        self._free = workers - 1
        self._losses: Counter[Loss] = Counter()
        self._zygote = Zygote(limits, sandbox)
        try:
            self._idle.append(self._zygote.spawn())
        except HashmatchError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def zygote(self) -> int:
        """The process id of the one that forks the workers; another once it has ended and been started again."""
        return self._zygote.pid

    @property
    def losses(self) -> Mapping[Loss, int]:
        """How many workers were replaced since the start, by cause."""
        with self._lock:
            return dict(self._losses)

    def hash_image(self, data: bytes, job: Job) -> HashedImage:
        """The hashes of one image; raises MediaError, Unavailable."""
        if len(data) > self._limits.max_media_bytes:
            raise MediaTooLarge("max_media_bytes", self._limits.max_media_bytes, len(data))
        return self.run(ImageTask(data, job, self._limits))

    def hash_video(self, file: int, job: VideoJob, take: Take) -> Scan:
        """As `Hasher` says; raises Unavailable, besides."""
        try:
            return self.run(VideoTask(file, job, take, self._limits))
        except Enough as enough:
            return enough.scan

    def run(self, task: Task[_T]) -> _T:
        """What a job's task returns or raises.

        Raises DecoderCrashed where its worker crashed or lied, MediaTooLarge where it took too long, Unavailable where
        there is no worker.
        """
        worker = self._take()
        started = time.monotonic()
        worker.line.deadline = started + task.seconds
        try:
            answer = task.ask(worker.line)
        except MediaError as error:
            self._settle(worker, error)
            raise
        except TimeoutError as error:
            self._replace(worker, Loss.HANG)
            elapsed = round(time.monotonic() - started, 3)
            raise MediaTooLarge("max_decode_seconds", task.seconds, elapsed) from error
        except Malformed as error:
            self._replace(worker, Loss.LIE)
            raise DecoderCrashed(f"the decoder gave no valid answer: {error}", cause=Loss.LIE) from error
        except (EOFError, OSError) as error:
            raise self._mourn(worker) from error
        except BaseException:
            self._replace(worker, Loss.LEFT)
            raise
        self._settle(worker)
        return answer

    def close(self) -> None:
        """End all workers; jobs at work raise Unavailable."""
        self._zygote.close()
        with self._lock:
            for worker in self._idle:
                worker.line.close()
            self._idle.clear()
            self._changed.notify_all()

    def _take(self) -> Worker:
        """An idle worker that lives, or a new one."""
        while True:
            with self._lock:
                while not self._idle and not self._free:
                    self._changed.wait()
                worker = self._idle.pop() if self._idle else None
                self._free -= worker is None
            if worker is None:
                return self._spawn()
            try:
                worker.line.check_silence()
            except Malformed:
                self._replace(worker, Loss.LIE)
            except (EOFError, OSError):
                self._mourn(worker)
            else:
                return worker

    def _spawn(self) -> Worker:
        try:
            return self._zygote.spawn()
        except BaseException:
            self._release()
            raise

    def _settle(self, worker: Worker, error: MediaError | None = None) -> None:
        """Take back a worker that has answered, or replace it where its time has come."""
        worker.jobs += 1
        worker.line.tray.trim()
        if isinstance(error, DecoderCrashed):
            self._replace(worker, Loss.CRASH)
        elif isinstance(error, MediaTooLarge) and "actual" not in error.details:
            self._replace(worker, Loss.MEMORY)
        elif worker.jobs >= _MOST_JOBS:
            self._replace(worker, Loss.AGE)
        else:
            with self._lock:
                self._idle.append(worker)
                self._changed.notify()

    def _mourn(self, worker: Worker) -> HashmatchError:
        """Replace a worker that has ended by itself; what its job's caller is told."""
        status = self._zygote.bury(worker)
        if status is None:
            self._release(Loss.ZYGOTE)
            return Unavailable("the hashing processes were ended; send it again")
        self._release(Loss.CRASH)
        how = ending(status)
        return DecoderCrashed(f"the decoder crashed ({how})", cause=how)

    def _replace(self, worker: Worker, loss: Loss) -> None:
        self._zygote.bury(worker)
        self._release(loss)

    def _release(self, loss: Loss | None = None) -> None:
        """Make room for another worker."""
        with self._lock:
            if loss is not None:
                self._losses[loss] += 1
            self._free += 1
            self._changed.notify()
