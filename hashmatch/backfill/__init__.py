"""Years of stored media scanned, and years of stored hashes matched again, and never lost; extra `backfill`."""

from hashmatch.backfill.banks import Wanted
from hashmatch.backfill.counts import Counts
from hashmatch.backfill.engines import Engine, Where
from hashmatch.backfill.estimates import Estimate, estimate
from hashmatch.backfill.folder import open_folder
from hashmatch.backfill.jobs import Report, report
from hashmatch.backfill.rescans import RescanOptions, rescan
from hashmatch.backfill.rows import SCHEMA
from hashmatch.backfill.scans import ScanOptions, Watch, retry_failed, scan
from hashmatch.backfill.sifting import SCHEMA as RESCAN_SCHEMA

__all__ = [
    "RESCAN_SCHEMA",
    "SCHEMA",
    "Counts",
    "Engine",
    "Estimate",
    "Report",
    "RescanOptions",
    "ScanOptions",
    "Wanted",
    "Watch",
    "Where",
    "estimate",
    "open_folder",
    "report",
    "rescan",
    "retry_failed",
    "scan",
]
