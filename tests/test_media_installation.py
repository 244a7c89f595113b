"""Two OpenCV wheels side by side, or none that is whole: nothing that decodes can be loaded, and the message helps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hashmatch.errors import ConfigurationError
from hashmatch.media.installation import check_installation

CHECK = "import hashmatch.media"


def install(folder: Path, name: str) -> None:
    found = folder / f"{name.replace('-', '_')}-4.12.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 4.12.0\n")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, check=False)


def test_one_wheel(tmp_path: Path) -> None:
    install(tmp_path, "opencv-python-headless")
    install(tmp_path, "opencv-python-tools")
    assert check(tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["opencv-python", "opencv-contrib-python", "opencv_contrib_python_headless"])
def test_two_wheels(name: str, tmp_path: Path) -> None:
    install(tmp_path, name)
    done = check(tmp_path)
    assert done.returncode != 0
    assert "ConfigurationError" in done.stderr
    assert name.replace("_", "-") in done.stderr
    assert "pip uninstall" in done.stderr


def test_a_wheel_whose_files_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `pip uninstall opencv-python` leaves beside the headless wheel."""
    monkeypatch.setattr("hashmatch.media.installation.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="pip install --force-reinstall"):
        check_installation()
