"""One OpenCV at a time: the wheels overwrite each other's files, and which one is loaded is then chance."""

from importlib.metadata import distributions
from importlib.util import find_spec

from hashmatch.errors import ConfigurationError

_WHEELS = frozenset(
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
)


def check_installation() -> None:
    """Raise ConfigurationError where more than one OpenCV wheel is installed, or where there is none to load."""
    names = {(found.metadata["Name"] or "").lower().replace("_", "-") for found in distributions()}
    installed = sorted(names & _WHEELS)
    if len(installed) > 1:
        raise ConfigurationError(
            f"{' and '.join(installed)} are installed and overwrite each other's files: "
            f"run 'pip uninstall -y {' '.join(installed)}', then 'pip install opencv-python-headless'"
        )
    if find_spec("cv2") is None:  # uninstalling one of two wheels takes the files of both away
        raise ConfigurationError(
            "OpenCV's files are missing: run 'pip install --force-reinstall --no-deps opencv-python-headless'"
        )
