"""Years of stored media scanned, and years of stored hashes matched again, and never lost; extra `backfill`."""

from hashmatch.backfill.counts import Counts
from hashmatch.backfill.estimates import Estimate, estimate
from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.jobs import Report, report
from hashmatch.backfill.rows import SCHEMA
from hashmatch.backfill.scans import ScanOptions, Watch, retry_failed, scan

__all__ = [
    "SCHEMA",
    "Counts",
    "Estimate",
    "Report",
    "ScanOptions",
    "Watch",
    "estimate",
    "open_folder",
    "report",
    "retry_failed",
    "scan",
]
