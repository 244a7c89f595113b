"""Imports run one way, and each heavy library has one home."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hashmatch"

ALLOWED = {
    "addresses": set(),
    "allocator": set(),
    "arrays": {"_core"},
    "types": set(),
    "errors": set(),
    "settings": {"types"},
    "hashing": {"_core", "types", "errors"},
    "media": {"_core", "allocator", "types", "errors", "settings"},
    "index": {"_core", "types", "errors"},
    "tlog": {"errors"},
    "store": {"tlog", "types", "errors"},
    "policy": {"types"},
    "hash_log": {"types", "errors"},
    "follower": {"index", "types", "errors"},
    "sandbox": {"_core", "hashing", "media", "types", "errors", "settings"},
    "matching": {"index", "policy", "types"},
    "videos": {"index", "matching", "policy", "types"},
    "video_engine": {"hash_log", "hashing", "sandbox", "index", "videos", "types", "errors", "settings"},
    "engine": {
        "_core",
        "hashing",
        "sandbox",
        "matching",
        "video_engine",
        "index",
        "store",
        "follower",
        "hash_log",
        "types",
        "errors",
        "settings",
    },
    "wire": {"v1", "types", "errors"},
    "client": {"v1", "wire", "addresses", "types", "errors"},
    "server": {
        "v1",
        "addresses",
        "allocator",
        "wire",
        "engine",
        "follower",
        "hash_log",
        "index",
        "store",
        "sandbox",
        "tlog",
        "types",
        "errors",
        "settings",
        "video_engine",
    },
    "backfill": {
        "client",
        "hashing",
        "index",
        "matching",
        "media",
        "sandbox",
        "store",
        "types",
        "errors",
        "settings",
        "videos",
    },
    "lists": {"hashing", "types", "errors"},
    "exchange": {"hashing", "store", "types", "errors"},
    "cli": {
        "backfill",
        "exchange",
        "lists",
        "server",
        "store",
        "client",
        "videos",
        "engine",
        "hashing",
        "media",
        "sandbox",
        "tlog",
        "types",
        "errors",
        "settings",
    },
}
"""What each part of the package may import of the package's other parts."""

HOMES = {
    "grpc": {"server", "client"},
    "grpc_status": {"server", "client"},
    "faiss": {"index"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "cryptography": {"tlog"},
    "psycopg": {"store"},
    "cv2": {"media", "cli"},
    "pi_heif": {"media"},
    "av": {"media"},
    "fsspec": {"backfill"},
    "threatexchange": {"exchange"},
    "dacite": {"exchange"},
    "ray": {"backfill"},
    "pyarrow": {"backfill", "hash_log"},
    "typer": {"cli"},
    "rich": {"cli"},
    "uvloop": {"server"},
    "prometheus_client": {"server"},
    "opentelemetry": {"server"},
}
"""The parts that may import a library; `cli` draws the demo's altered copies with cv2."""


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of every module that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


SOURCES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if part_of(path) not in {"v1", "__init__"} and "versions" not in path.parts
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("hashmatch.")}
    known = {*ALLOWED, "_core", "v1"}
    assert parts & known <= ALLOWED[part] | {part}
    for library, homes in HOMES.items():
        if library in {name.split(".")[0] for name in imported(path)}:
            assert part in homes, f"{library} belongs to {homes}"


def test_every_part_has_a_rule() -> None:
    assert {part_of(path) for path in SOURCES} == set(ALLOWED)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 50, f"{node.name} is long"
