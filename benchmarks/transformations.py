"""What happens to photographs on their way round the world: each a pure function of pixels, with stated parameters.

All sizes are shares of the photograph, so that they mean the same for small and large ones; `radius` and `sigma` of
blurs are shares of the shorter side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels: TypeAlias = NDArray[np.uint8]
"""uint8 (height, width, 3) in BGR order."""
Colour: TypeAlias = tuple[int, int, int]

BLACK, WHITE, RED, GREY = (0, 0, 0), (255, 255, 255), (40, 40, 200), (240, 240, 240)
JPEG_QUALITY = 90
"""What every transformation is stored at that does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """One thing done to a photograph, and how the result is stored."""

    family: str
    parameter: str
    change: Callable[[Pixels], Pixels]
    suffix: str = ".jpg"
    quality: int = JPEG_QUALITY

    def apply(self, photo: Pixels) -> bytes:
        """The file that results; the photograph stays as it is."""
        return encode(self.change(photo), self.suffix, self.quality)


def encode(pixels: Pixels, suffix: str, quality: int) -> bytes:
    """A file of that format; the quality is that of the format's own scale, where it has one."""
    file = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    image.save(file, Image.registered_extensions()[suffix], quality=quality)
    return file.getvalue()


def unchanged(photo: Pixels) -> Pixels:
    return photo


def resized(photo: Pixels, share: float) -> Pixels:
    """Pixels averaged where it shrinks, bicubic where it grows."""
    size = tuple(max(1, round(side * share)) for side in photo.shape[1::-1])
    return _pixels(cv2.resize(photo, size, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC))


def cropped(photo: Pixels, share: float) -> Pixels:
    """Without `share` of either axis, half of it at either end."""
    top, left = (round(side * share / 2) for side in photo.shape[:2])
    return photo[top : photo.shape[0] - top, left : photo.shape[1] - left]


def oriented(photo: Pixels, quarters: int, mirrored: bool) -> Pixels:
    """Turned counter-clockwise after being mirrored left to right."""
    return np.rot90(photo[:, ::-1] if mirrored else photo, quarters)


def barred(photo: Pixels, vertical: float, horizontal: float, colour: Colour = BLACK) -> Pixels:
    """With bars above and below of `vertical` of its height each, and at the sides of `horizontal` of its width."""
    high, wide = round(photo.shape[0] * vertical), round(photo.shape[1] * horizontal)
    return _pixels(cv2.copyMakeBorder(photo, high, high, wide, wide, cv2.BORDER_CONSTANT, value=colour))


def bordered(photo: Pixels, share: float, colour: Colour) -> Pixels:
    """Within a border of one width, `share` of the shorter side."""
    width = round(min(photo.shape[:2]) * share)
    return _pixels(cv2.copyMakeBorder(photo, width, width, width, width, cv2.BORDER_CONSTANT, value=colour))


def written_on(photo: Pixels, share: float, opacity: float) -> Pixels:
    """A line of white text across nine tenths of the width, `share` of the height above the lower side."""
    layer = photo.copy()
    _write(layer, "copied from example.com", 0.05, 1 - share, WHITE)
    return _pixels(cv2.addWeighted(layer, opacity, photo, 1 - opacity, 0))


def badged(photo: Pixels, share: float) -> Pixels:
    """An opaque logo in the lower right corner, as wide as `share` of the shorter side."""
    marked = photo.copy()
    side = round(min(photo.shape[:2]) * share)
    corner = marked[-side - side // 4 : -(side // 4) or None, -side - side // 4 : -(side // 4) or None]
    corner[:] = RED
    cv2.circle(corner, (side // 2, side // 2), side // 3, WHITE, -1)
    return marked


def blurred(photo: Pixels, sigma: float) -> Pixels:
    """Gaussian, of `sigma` of the shorter side."""
    return _pixels(cv2.GaussianBlur(photo, (0, 0), sigma * min(photo.shape[:2])))


def sharpened(photo: Pixels, amount: float) -> Pixels:
    """Unsharp mask: `amount` of the difference to a blur of half a hundredth of the shorter side is added."""
    return _pixels(cv2.addWeighted(photo, 1 + amount, blurred(photo, 0.005), -amount, 0))


def noisy(photo: Pixels, sigma: float) -> Pixels:
    """Gaussian noise of `sigma` levels on every sample, the same for every photograph of a size."""
    return _clipped(photo + np.random.default_rng(11).normal(0, sigma, photo.shape))


def speckled(photo: Pixels, share: float) -> Pixels:
    """`share` of the pixels are black or white."""
    marked, random = photo.copy(), np.random.default_rng(12)
    chosen = random.random(photo.shape[:2]) < share
    marked[chosen] = random.choice((0, 255), (int(chosen.sum()), 1))
    return marked


def gamma(photo: Pixels, exponent: float) -> Pixels:
    """Levels raised to a power: above 1 it gets darker."""
    return _clipped(255 * (np.arange(256) / 255) ** exponent)[photo]


def contrasted(photo: Pixels, factor: float, shift: float = 0) -> Pixels:
    """Levels spread by `factor` around middle grey, then shifted."""
    return _clipped((np.arange(256) - 127.5) * factor + 127.5 + shift)[photo]


def greyed(photo: Pixels) -> Pixels:
    return _pixels(cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def framed(photo: Pixels, height: float) -> Pixels:
    """A screenshot: a light app with a dark title bar above, and text and a button bar below, `height` of it each."""
    bar = round(photo.shape[0] * height)
    shot = _pixels(cv2.copyMakeBorder(photo, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=GREY))
    shot[:bar] = (90, 60, 40)
    _write(shot[:bar], "9:41   Photos   100 %", 0.05, 0.7, WHITE)
    _write(shot[-bar:], "Like   Comment   Share", 0.05, 0.7, BLACK)
    return shot


def captioned(photo: Pixels, height: float) -> Pixels:
    """A white bar of `height` of the photograph above it, with a line of black text."""
    bar = round(photo.shape[0] * height)
    meme = _pixels(cv2.copyMakeBorder(photo, bar, 0, 0, 0, cv2.BORDER_CONSTANT, value=WHITE))
    _write(meme[:bar], "WHEN THE TESTS ARE GREEN", 0.05, 0.7, BLACK)
    return meme


def rotated(photo: Pixels, degrees: float) -> Pixels:
    """About the centre, counter-clockwise; the size stays and the corners are black."""
    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return _pixels(cv2.warpAffine(photo, turn, (width, height)))


def all_transformations() -> Iterator[Transformation]:
    """The published set, family by family, the mildest first."""
    make = Transformation
    for quality in (90, 70, 50, 30, 20, 10):
        yield make("JPEG quality", str(quality), unchanged, quality=quality)
    for suffix, quality in ((".png", 0), (".webp", 50), (".avif", 50), (".gif", 0), (".tiff", 0), (".bmp", 0)):
        yield make("format", suffix[1:] + (f" quality {quality}" if quality else ""), unchanged, suffix, quality)
    for share in (2.0, 1.5, 0.75, 0.5, 0.25, 0.1):
        yield make("resize", f"{share:.0%}", partial(resized, share=share))
    for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3):
        yield make("crop", f"{share:.0%}", partial(cropped, share=share))
    for number in range(1, 8):
        turn, flip = number % 4, number > 3
        name = f"{90 * turn}°" + (" after mirroring" if flip else "")
        yield make("orientation", name, partial(oriented, quarters=turn, mirrored=flip))
    for degrees in (0.5, 1, 2, 5, 10):
        yield make("small rotation", f"{degrees}°", partial(rotated, degrees=degrees))
    yield from _surroundings()
    yield from _overlays()
    yield from _levels()


def _surroundings() -> Iterator[Transformation]:
    make = Transformation
    for share in (0.05, 0.1, 0.17, 0.25):
        yield make("letterbox", f"black bars of {share:.0%}", partial(barred, vertical=share, horizontal=0))
    yield make("letterbox", "white bars of 17%", partial(barred, vertical=0.17, horizontal=0, colour=WHITE))
    for quality in (50, 20):
        change = partial(barred, vertical=0.17, horizontal=0)
        yield make("letterbox", f"black bars of 17%, JPEG quality {quality}", change, quality=quality)
    for share in (0.17, 0.5, 1.0):
        yield make("pillarbox", f"black bars of {share:.0%}", partial(barred, vertical=0, horizontal=share))
    for share in (0.02, 0.05, 0.1):
        yield make("border", f"white, {share:.0%}", partial(bordered, share=share, colour=WHITE))
    yield make("border", "black, 5%", partial(bordered, share=0.05, colour=BLACK))
    yield make("border", "red, 5%", partial(bordered, share=0.05, colour=RED))
    for height in (0.1, 0.2):
        yield make("screenshot frame", f"bars of {height:.0%}", partial(framed, height=height))
    for height in (0.1, 0.2, 0.3):
        yield make("meme caption", f"bar of {height:.0%}", partial(captioned, height=height))


def _overlays() -> Iterator[Transformation]:
    make = Transformation
    yield make("text overlay", "low, half transparent", partial(written_on, share=0.1, opacity=0.5))
    yield make("text overlay", "low, opaque", partial(written_on, share=0.1, opacity=1.0))
    yield make("text overlay", "across the middle, opaque", partial(written_on, share=0.5, opacity=1.0))
    for share in (0.1, 0.2, 0.3, 0.5):
        yield make("logo overlay", f"{share:.0%} of the shorter side", partial(badged, share=share))


def _levels() -> Iterator[Transformation]:
    make = Transformation
    for sigma in (0.002, 0.005, 0.01, 0.02):
        yield make("blur", f"sigma {sigma:.1%} of the shorter side", partial(blurred, sigma=sigma))
    for amount in (0.5, 1, 3):
        yield make("sharpen", f"amount {amount}", partial(sharpened, amount=amount))
    for level in (5, 15, 30, 60):
        yield make("noise", f"sigma {level} levels", partial(noisy, sigma=level))
    for share in (0.02, 0.1):
        yield make("noise", f"{share:.0%} black or white pixels", partial(speckled, share=share))
    for exponent in (0.4, 0.7, 1.5, 2.5):
        yield make("gamma", f"{exponent}", partial(gamma, exponent=exponent))
    for factor in (0.4, 0.7, 1.5, 2.5):
        yield make("contrast", f"{factor:.0%}", partial(contrasted, factor=factor))
    for shift in (-60, 60):
        yield make("brightness", f"{shift:+} levels", partial(contrasted, factor=1.0, shift=shift))
    yield make("greyscale", "", greyed)


def _write(pixels: Pixels, text: str, left: float, bottom: float, colour: Colour) -> None:
    """Write as large as fits from `left` of the width over nine tenths of it, the base at `bottom` of the height."""
    height, width = pixels.shape[:2]
    (natural_width, natural_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1, 1)
    scale = min(0.9 * width / natural_width, 0.5 * height / natural_height)
    place = (round(left * width), round(bottom * height))
    cv2.putText(pixels, text, place, cv2.FONT_HERSHEY_DUPLEX, scale, colour, max(1, round(2 * scale)), cv2.LINE_AA)


def _clipped(levels: NDArray[np.floating]) -> Pixels:
    return _pixels(np.clip(np.rint(levels), 0, 255))


def _pixels(array: object) -> Pixels:
    pixels: Pixels = np.asarray(array, np.uint8)
    return pixels
