"""From a stranger's bytes to pixels: what they are, how large they claim to be, and only then decoding."""

# ruff: noqa: E402 - an OpenCV that is not whole must be told of before it is loaded

from hashmatch.media.installation import check_installation

check_installation()

from hashmatch.media.decode import decode
from hashmatch.media.margins import without_margins

__all__ = ["decode", "without_margins"]
