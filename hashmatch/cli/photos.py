"""Real photographs that ship inside scikit-image and scikit-learn, for the demo, the tests and the benchmarks."""

from importlib.util import find_spec
from pathlib import Path

from hashmatch.errors import ConfigurationError

_BUNDLED = {
    "skimage": ("data", "astronaut.png chelsea.png coffee.png hubble_deep_field.jpg motorcycle_left.png rocket.jpg"),
    "sklearn": ("datasets/images", "china.jpg flower.jpg"),
}
_GREY = {"skimage": ("data", "brick.png camera.png coins.png grass.png gravel.png moon.png page.png")}


def _find(bundled: dict[str, tuple[str, str]]) -> dict[str, Path]:
    found = {}
    for package, (folder, names) in bundled.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ConfigurationError(
                f"{package} is not installed: pip install 'hashmatch[demo]' brings the photographs"
            )
        for name in names.split():
            found[Path(name).stem] = Path(spec.origin).parent / folder / name
    return found


def colour_photos() -> dict[str, Path]:
    """Files of colour photographs by name; raises ConfigurationError where the `demo` extra is not installed."""
    return _find(_BUNDLED)


def grey_photos() -> dict[str, Path]:
    """Files of grey photographs and textures by name; raises as `colour_photos`."""
    return _find(_GREY)
