"""From a stranger's bytes to pixels: what they are, how large they claim to be, and only then decoding.

The decoder of each format is the authority on it; where another sees a picture more than 2 bits of PDQ away, one of the
two is wrong. All but HEIC's come with opencv-python-headless; of plain baseline JPEGs the core has the same sooner.

| format | decoder | what is decoded |
|---|---|---|
| JPEG | libjpeg-turbo, its Y plane | baseline, extended, progressive; grey, YCbCr, RGB, CMYK, YCCK of 8 bits |
| PNG | libpng | every colour type and depth, interlaced or not; of an APNG the still picture |
| GIF | OpenCV | the first picture, on its canvas |
| WebP | libwebp | lossy, lossless, with alpha; of an animation the first frame, on its canvas |
| AVIF | libavif | the still picture, 8 to 12 bits, with alpha |
| HEIC | libheif with libde265 (extra `heic`) | the still picture, one or of tiles, 8 to 12 bits, with alpha |
| TIFF | libtiff | the first directory, where `tiff` knows that OpenCV is right about it |
| BMP | OpenCV | Windows and OS/2, 1 to 32 bits, RLE |
| JPEG 2000 | OpenJPEG, where `MediaLimits.jpeg_2000` | Part 1: grey, RGB, RGB with alpha, of 8 or 16 bits |

Everything else is UnsupportedMedia that says what it looks like. JPEG 2000 is, too, unless asked for: hardly any upload
is one, and its decoder is one more door.
"""

# ruff: noqa: E402 - an OpenCV that is not whole must be told of before it is loaded

from hashmatch.media.installation import check_installation

check_installation()

from hashmatch.media.decode import decode
from hashmatch.media.footage import Footage, Picked
from hashmatch.media.heic import NEEDS_THREADS
from hashmatch.media.margins import without_margins
from hashmatch.media.moving import open_footage

__all__ = ["NEEDS_THREADS", "Footage", "Picked", "decode", "open_footage", "without_margins"]
