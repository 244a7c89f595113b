"""What an operator may set, each from `HASHMATCH_<NAME>` in the environment or a flag of `hashmatch serve`."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hashmatch.types import Sandbox


class MediaLimits(BaseSettings):
    """What is decoded, and the most of it: sizes are enforced from the header, time and memory while decoding."""

    model_config = SettingsConfigDict(env_prefix="HASHMATCH_", frozen=True)

    max_media_bytes: int = Field(32 * 2**20, gt=0, description="Largest media item in bytes, inclusive.")
    max_side: int = Field(16_384, gt=0, description="Longest side in pixels, inclusive.")
    max_video_bytes: int = Field(2 * 2**30, gt=0, description="Largest video in bytes, inclusive.")
    max_video_seconds: int = Field(4 * 3600, gt=0, description="How much of a video is looked at.")
    max_video_frames: int = Field(20_000, gt=0, description="Most frames of a video that are hashed.")
    max_video_decode_seconds: float = Field(300.0, gt=0, description="Longest that one video is decoded.")
    max_pixels: int = Field(100_000_000, gt=0, description="Most pixels (width x height), inclusive.")
    max_decode_seconds: float = Field(10.0, gt=0, description="Longest that one media item may be decoded and hashed.")
    max_decode_memory: int = Field(2 * 2**30, ge=2**24, description="Most bytes of memory that one item may take.")
    jpeg_2000: bool = Field(
        False, description="Decode JPEG 2000 too: hardly any upload is one, and its decoder is one more to attack."
    )


class Settings(BaseSettings):
    """One server's settings."""

    model_config = SettingsConfigDict(env_prefix="HASHMATCH_", frozen=True)

    address: str = Field("127.0.0.1:50051", description="host:port to listen on, port 0 for a free one; or unix:PATH.")
    tls_cert: Path | None = Field(None, description="PEM file of the certificates to serve with; may be replaced.")
    tls_key: Path | None = Field(None, description="PEM file of their key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file of the authorities from which clients must have a certificate (mutual TLS)."
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy URL of the banks, for example postgresql+psycopg://user@host/name, which servers of "
        "many machines may share; empty: hashmatch.db in the data directory.",
    )
    audit_key: Path | None = Field(
        None, description="Key that signs checkpoints of the audit log, as 'hashmatch audit keygen' makes one."
    )
    data_dir: Path = Field(
        Path("hashmatch-data"), description="Where the embedded database and the files of the index live."
    )
    processes: int = Field(1, gt=0, le=1024, description="Processes that share the port, each with the whole index.")
    workers: int = Field(
        default_factory=lambda given: max(1, len(os.sched_getaffinity(0)) // given["processes"]) + 1,
        gt=0,
        description="Images each process hashes at once; unless set, its share of the cores and one more, so that "
        "no core waits while an answer travels.",
    )
    sandbox: Sandbox = Field(
        Sandbox.ON,
        description="off: decode in processes that the kernel does not seal; for no stranger's media.",
    )
    max_queue_seconds: float = Field(
        1.0, gt=0, description="Longest that a call may have to wait for its turn; past it, calls are refused."
    )
    max_queue_bytes: int = Field(
        32 * 2**20, gt=0, description="Most bytes of uploads that each process holds, shared fairly by connections."
    )
    cache_bytes: int = Field(
        32 * 2**20, ge=0, description="Memory for the hashes of uploads seen before, in each process; 0 keeps none."
    )
    metrics_address: str = Field(
        "",
        description="host:port for Prometheus, port 0 for a free one; the nth process takes the nth port. Empty: none.",
    )
    hash_log: str = Field(
        "",
        description="Directory that keeps the hashes of uploads that have a content id, to be rescanned; empty: off.",
    )
    hash_log_days: int = Field(30, gt=0, description="How many days the hash log goes back; older ones are deleted.")
    hash_log_seconds: float = Field(60.0, gt=0, description="The most of the hash log that a crash may lose.")
    tracing: bool = Field(
        False, description="Send OpenTelemetry spans to where the OTEL_ variables say; needs hashmatch[otel]."
    )
    drain_seconds: float = Field(20.0, ge=0, description="How long calls in flight may finish after SIGTERM.")
    limits: MediaLimits = Field(default_factory=MediaLimits)

    @property
    def segments(self) -> Path:
        """The directory of the index's files."""
        return self.data_dir / "segments"

    @property
    def database(self) -> str:
        """The database's URL, the embedded default included."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hashmatch.db'}"
