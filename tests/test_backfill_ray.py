"""A cluster of two nodes on this machine, made by Ray's own means; `make ray` installs what this needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

from hashmatch import backfill  # noqa: E402
from hashmatch.backfill import Engine, RescanOptions, ScanOptions, Wanted, Watch, Where  # noqa: E402
from hashmatch.store import Store  # noqa: E402
from hashmatch.types import Action, Bank, Hash, NewEntry  # noqa: E402
from tests.backfill_media import jpeg, write_folder  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of media, some of it bad, and banks that know one hash of it."""
    folder = tmp_path_factory.mktemp("corpus")
    write_folder(folder / "media", 400)
    for number in range(5):
        (folder / "media" / f"bad-{number}.jpg").write_bytes(jpeg(number)[:150])
    with Store.open(f"sqlite:///{folder}/hashmatch.db") as store:
        store.create_bank(Bank("known", action=Action.BLOCK))
        (table,) = backfill.scan(str(folder / "media" / "3" / "00003.jpg"))
        store.add_entries("known", [NewEntry(Hash("pdq", table["hash"][0].as_py(), 100))])
    return folder


def rows(out: Path) -> pa.Table:
    files = sorted((out / "rows").glob("part-*.parquet"))
    return pa.concat_tables([pq.read_table(file).replace_schema_metadata(None) for file in files]).unify_dictionaries()


def test_a_node_killed_in_the_middle_loses_nothing(cluster: Any, corpus: Path, tmp_path: Path) -> None:
    banks = str(corpus)
    list(backfill.scan(str(corpus / "media"), str(tmp_path / "local"), ScanOptions(banks, part_items=10, workers=1)))
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    seen: list[int] = []
    on_ray = ScanOptions(banks, part_items=10, workers=1, where=Where(Engine.RAY, cluster.address))
    counted: list[int] = []
    watch = Watch(on_batch=lambda counts: counted.append(counts.found))
    for table in backfill.scan(str(corpus / "media"), str(tmp_path / "ray"), on_ray, watch):
        seen.append(table.num_rows)
        if len(seen) == 8:
            cluster.remove_node(node, allow_graceful=False)
    assert sum(seen) == sum(counted) == 405
    assert rows(tmp_path / "ray").equals(rows(tmp_path / "local"))
    here, there = (backfill.report(backfill.open_folder(str(tmp_path / name))) for name in ("local", "ray"))
    assert here == there
    assert there.complete
    assert there.counts.matched >= 1


def test_goes_on_where_another_engine_ended(cluster: Any, corpus: Path, tmp_path: Path) -> None:
    options = ScanOptions(part_items=100, workers=1)
    some = backfill.scan(str(corpus / "media"), str(tmp_path / "out"), options)
    first = [next(some), next(some)]
    some.close()
    on_ray = ScanOptions(part_items=100, workers=1, where=Where(Engine.RAY, cluster.address))
    rest = list(backfill.scan(str(corpus / "media"), str(tmp_path / "out"), on_ray))
    assert sum(table.num_rows for table in first + rest) == 405
    list(backfill.scan(str(corpus / "media"), str(tmp_path / "whole"), options))
    assert rows(tmp_path / "out").equals(rows(tmp_path / "whole"))
    assert list(backfill.scan(str(corpus / "media"), str(tmp_path / "out"), on_ray)) == []


def test_rescan(cluster: Any, corpus: Path, tmp_path: Path) -> None:
    list(backfill.scan(str(corpus / "media"), str(tmp_path / "log"), ScanOptions(part_items=50, workers=1)))
    found = []
    for where in (Where(), Where(Engine.RAY, cluster.address)):
        out = tmp_path / where.engine
        options = RescanOptions(str(corpus), Wanted(banks=("known",)), part_rows=100, where=where)
        list(backfill.rescan([str(tmp_path / "log")], str(out), options))
        found.append((rows(out).to_pylist(), backfill.report(backfill.open_folder(str(out)))))
    assert found[0] == found[1]
    assert found[0][0]
