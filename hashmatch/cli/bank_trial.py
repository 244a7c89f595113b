"""What entries that wait for approval would have matched: the dry run before they go live."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import typer

from hashmatch import backfill
from hashmatch.cli.backfill_bar import bar
from hashmatch.cli.objects import emit
from hashmatch.cli.output import print_facts, print_table
from hashmatch.errors import ConfigurationError

_MOST_SHOWN: Final = 20
_SAMPLES: Final = 3
"""The most hashes that are named for one entry."""


class Trial:
    """Looks hashes of logs up among entries that wait."""

    def __init__(self, options: backfill.RescanOptions) -> None:
        self._options = options
        self._compared = 0
        self._matched = 0
        self._by_entry: Counter[tuple[int, str]] = Counter()
        self._samples: dict[int, list[str]] = {}

    def run(self, logs: Sequence[str], days: int) -> None:
        """Look up the hashes of the last `days` days of a hash log, all where 0; raises as `backfill.rescan` does."""
        recent = [part for log in logs for part in _recent(log, days)]
        with bar("trying") as watch:

            def count(counts: backfill.Counts) -> None:
                self._compared += counts.scanned
                watch.on_batch(counts)

            told = replace(watch, on_batch=count)
            for table in backfill.rescan(recent, None, self._options, told):
                for row in table.to_pylist():
                    self._take(row["content_id"] or row["location"] or "", row["matches"])

    def tell(self, *, as_json: bool) -> None:
        """Print what was found."""
        if as_json:
            emit({"compared": self._compared, "matched": self._matched, "entries": len(self._by_entry)})
            for (entry, content), count in self._by_entry.most_common():
                emit({"entry": entry, "content_id": content, "matched": count, "seen": self._samples[entry]})
            return
        print_facts([("hashes compared", f"{self._compared:,}"), ("would have matched", f"{self._matched:,}")])
        rows = [
            (entry, content, count, ", ".join(self._samples[entry]))
            for (entry, content), count in self._by_entry.most_common(_MOST_SHOWN)
        ]
        if rows:
            print_table(("#entry", "content", "#matched", "for example"), rows)
        if len(self._by_entry) > len(rows):
            typer.echo(f"{len(self._by_entry) - len(rows):,} more entries would have matched")

    def _take(self, seen: str, matches: Sequence[Mapping[str, Any]]) -> None:
        self._matched += 1
        for match in matches:
            self._by_entry[match["entry"], match["entry_content_id"]] += 1
            samples = self._samples.setdefault(match["entry"], [])
            if seen and len(samples) < _SAMPLES:
                samples.append(seen)


def _recent(log: str, days: int) -> list[str]:
    """The folders of the last days, where it is a hash log in the file system; else all of it."""
    folders = sorted(Path(log).glob("date=*")) if days and "://" not in log else []
    if not folders:
        return [log]
    first = datetime.now(UTC).date() - timedelta(days=days - 1)
    recent = [str(folder) for folder in folders if folder.name.removeprefix("date=") >= first.isoformat()]
    if not recent:
        raise ConfigurationError(f"{log} has no hashes of the last {days} days")
    return recent
