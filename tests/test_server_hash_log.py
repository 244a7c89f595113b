from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hashmatch.client import AsyncClient, Client
from hashmatch.errors import InvalidField, MediaError
from hashmatch.types import MatchOptions
from tests.backfill_media import jpeg
from tests.command import called
from tests.servers import running_server


async def test_uploads_with_a_content_id_are_kept_and_found_again(tmp_path: Path) -> None:
    with (
        running_server(tmp_path / "data", HASHMATCH_HASH_LOG=str(tmp_path / "log")) as server,
        Client(server.address) as client,
    ):
        decision = client.match_image(jpeg(1), content_id="single")
        client.match_image(jpeg(2))
        client.match_image(jpeg(3), MatchOptions(kinds=("sha256", "pdq")), content_id="two kinds")
        with pytest.raises(MediaError):
            client.match_image(b"no image", content_id="broken")
        with pytest.raises(InvalidField, match="content_id"):
            client.match_image(jpeg(1), content_id="x" * 257)
        list(client.match_many((f"stream-{number}", jpeg(number)) for number in range(4)))
        list(client.match_many([(f"kept-{number}", jpeg(number)) for number in range(4)], log_keys=True))
        async with AsyncClient(server.address) as other:
            await other.match_image(jpeg(5), content_id="async")
            async for _ in other.match_many([("kept-async", jpeg(6))], log_keys=True):
                pass
    files = list((tmp_path / "log").glob("date=*/*.parquet"))
    rows = [row for path in files for row in pq.read_table(path, partitioning=None).to_pylist()]
    assert sorted((row["content_id"], row["kind"]) for row in rows) == [
        ("async", "pdq"),
        *((f"kept-{number}", "pdq") for number in range(4)),
        ("kept-async", "pdq"),
        ("single", "pdq"),
        ("two kinds", "pdq"),
        ("two kinds", "sha256"),
    ]
    seen = called("backfill", "rescan", tmp_path / "log", "--hash", decision.hash.hex, "--threshold", 0, "--nice", 0)
    assert sorted(row["content_id"] for row in seen.objects) == ["kept-1", "single"]


def test_off_by_default(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server, Client(server.address) as client:
        client.match_image(jpeg(1), content_id="single")
    assert list(tmp_path.rglob("*.parquet")) == []
