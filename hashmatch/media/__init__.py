"""From a stranger's bytes to pixels: what they are, how large they claim to be, and only then decoding."""

from hashmatch.media.decode import decode
from hashmatch.media.installation import check_installation
from hashmatch.media.margins import without_margins

__all__ = ["check_installation", "decode", "without_margins"]
