"""What the project says of itself agrees with what it is."""

import re
import tomllib
from pathlib import Path

import hashmatch
from hashmatch.v1 import audit_pb2, bank_pb2, hash_pb2, match_pb2, status_pb2

ROOT = Path(__file__).parent.parent


def test_version_agrees_with_changelog_and_pyproject() -> None:
    released = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released is not None
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert released[1] == declared == hashmatch.__version__


def test_generated_code_is_of_the_protos_in_the_tree() -> None:
    for module in (audit_pb2, bank_pb2, hash_pb2, match_pb2, status_pb2):
        text = (ROOT / "protos" / module.DESCRIPTOR.name).read_text()
        written = set(re.findall(r"^ *rpc (\w+)\(", text, re.MULTILINE))
        (service,) = module.DESCRIPTOR.services_by_name.values()
        assert {method.name for method in service.methods} == written
        assert set(module.DESCRIPTOR.message_types_by_name) == set(re.findall(r"^message (\w+) ", text, re.MULTILINE))


def test_generated_code_has_stubs() -> None:
    generated = ROOT / "hashmatch" / "v1"
    if not generated.is_dir():
        generated = Path(bank_pb2.__file__).parent
    for path in generated.glob("*_pb2*.py"):
        assert path.with_suffix(".pyi").exists()
    assert (Path(hashmatch.__file__).parent / "py.typed").exists()


def test_nothing_generated_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text()
    assert "_pb2" in ignored
    assert "*.so" in ignored
