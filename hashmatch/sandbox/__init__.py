"""Where a stranger's bytes become hashes: the only part that decodes media."""

from hashmatch.sandbox.job import Hasher, InProcess, Job

__all__ = ["Hasher", "InProcess", "Job"]
