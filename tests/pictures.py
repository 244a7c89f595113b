"""Made-up pictures, for what photographs never show."""

import numpy as np
from numpy.typing import NDArray


def pathological(height: int, width: int) -> dict[str, NDArray[np.uint8]]:
    """Images whose coefficients are nearly equal or nearly zero: all depends on how sums are rounded."""
    y, x = np.indices((height, width))
    noise = np.random.default_rng(height * width).integers(0, 256, (height, width))
    spot = np.zeros((height, width))
    spot[height // 3, width // 2] = 255
    images = {
        "black": np.zeros((height, width)),
        "white": np.full((height, width), 255),
        "grey": np.full((height, width), 77),
        "across": x * 255 // width,
        "down": y * 255 // height,
        "saw": (x + 2 * y) % 256,
        "checks": (x + y) % 2 * 255,
        "squares": (x // 7 + y // 5) % 2 * 200,
        "spot": spot,
        "noise": noise,
        "mirrored": np.maximum(noise, noise[:, ::-1]),
        "point-symmetric": np.maximum(noise, noise[::-1, ::-1]),
    }
    return {name: image.astype(np.uint8) for name, image in images.items()}
