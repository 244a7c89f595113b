"""The options of `hashmatch backfill`."""

import enum
from typing import Annotated

import typer


class EngineName(enum.StrEnum):
    """`hashmatch.backfill.Engine`, which is not imported before it is needed."""

    LOCAL = "local"
    RAY = "ray"


Source = Annotated[str, typer.Argument(metavar="SOURCE", help="What to scan.")]
Out = Annotated[str, typer.Option(metavar="DIR", help="The folder of the job; made where it is missing.")]
Where = Annotated[
    str,
    typer.Option(
        metavar="WHERE",
        help="Where the banks are: a server's HOST:PORT, its data directory, a database's URL, or what "
        "'hashmatch backfill export-banks' wrote. "
        "Unless set, the server that --server names.",
    ),
]
HashOnly = Annotated[bool, typer.Option("--hash-only", help="Look nothing up.")]
Column = Annotated[str, typer.Option(help="Column of a manifest that holds the locations.")]
Exclude = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Skip locations like this; may be repeated.")
]
PartItems = Annotated[int, typer.Option(min=1, help="Items of a part: what at most is done again after a crash.")]
Workers = Annotated[int, typer.Option(min=0, help="Items worked on at once; 0: one a core.")]
Readers = Annotated[int, typer.Option(min=0, help="Items read at once besides; 0: 2 of a disk, 16 of a URL.")]
Bandwidth = Annotated[float, typer.Option(min=0, metavar="MB", help="Most megabytes read a second; 0: no limit.")]
Nice = Annotated[int, typer.Option(min=0, max=19, help="How far to stand back where others want the same cores.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Scan again what failed in DIR.")]
On = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="local: on this machine; ray: on a Ray cluster, every machine of which "
        "reaches what is read, DIR and the banks by the same names.",
    ),
]
Address = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Of the Ray cluster; unless set, one is started on this machine.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Scan a sample of 500, write nothing, and say what all would take.")
]

Logs = Annotated[list[str], typer.Argument(metavar="LOG", help="Where hashes are kept.")]
SinceRevision = Annotated[
    int | None, typer.Option(min=0, metavar="R", help="Look for what was added after that revision; 0: for everything.")
]
RescanBanks = Annotated[
    list[str] | None, typer.Option("--bank", metavar="NAME", help="Look for this bank's entries only; may be repeated.")
]
Entries = Annotated[
    list[str] | None, typer.Option("--entry", metavar="BANK/NUMBER", help="Look for this entry; may be repeated.")
]
Hashes = Annotated[
    list[str] | None, typer.Option("--hash", metavar="HEX", help="Look for this hash, in no bank; may be repeated.")
]
Threshold = Annotated[int, typer.Option(min=0, max=64, help="Largest distance of --hash, in bits.")]
MaxMatches = Annotated[int, typer.Option(min=1, max=1000, help="Most matches that a row names, the nearest.")]
