"""What the zygote does before it forks: load everything a worker may need, for a sealed worker opens no file."""

import base64
import contextlib
from typing import Final

from hashmatch import hashing
from hashmatch.errors import UnsupportedMedia
from hashmatch.sandbox import image
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.job import Job
from hashmatch.settings import MediaLimits

_SAMPLES: Final = (
    # JPEG
    (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H/"
        "///6/+b9//j/wAALCAAQABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQR"
        "BRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4"
        "eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEB"
        "AAA/AKEMdXoY6ihjq/DHX//Z"
    ),
    # PNG
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAFklEQVR4nGPkEBQWEhISEmTigQLyGAB4KQM1Bh5umwAAAABJRU5ErkJggg==",
    # GIF
    "R0lGODdhCAAIAIEAAK2trX5+flpaWi0tLSwAAAAACAAIAAAIJwAHCBwgQECAAAMLHkRIUGEAAAIdAoDo8CGAggYtXsw4cWJGjQACAgA7",
    # WEBP
    "UklGRiwAAABXRUJQVlA4ICAAAACwAQCdASoQABAAB0CWJaQAAjagU7pgAP7lni8IDAAAAA==",
    # AVIF
    (
        "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAO"
        "cGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAIgAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAA"
        "AABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAEAAAABAAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAG"
        "gAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAKm1kYXQSAAoJGAz/2yAhoNCAMhMex4eFWcAALMAAAHVzCMoI+pew"
    ),
    # TIFF
    (
        "SUkqAE4AAACAAgMiwfFAxHRChQSjglFw3IBIiAYkQrGg9IxOiwewY6IZMKkcEmHIBJKRakQqxZGJ5YMEoGGOphVLxmlw2yRSLZkNmAgACQAA"
        "AQMAAQAAAAgAAAABAQMAAQAAAAgAAAACAQMAAQAAAAgAAAADAQMAAQAAAAUAAAAGAQMAAQAAAAEAAAARAQQAAQAAAAgAAAAWAQMAAQAAAAgA"
        "AAAXAQQAAQAAAEUAAAAcAQMAAQAAAAEAAAAAAAAA"
    ),
    # BMP
    (
        "Qk1+AAAAAAAAAD4AAAAoAAAACAAAAAgAAAABAAgAAAAAAEAAAADEDgAAxA4AAAIAAAACAAAAl5eXAEVFRQABAQAAAAAAAAEBAAAAAAAAAQEB"
        "AAAAAAABAQEAAAAAAAEBAQEAAAAAAQEBAQEAAAABAQEBAQAAAAEBAQEBAQAA"
    ),
)
"""A tiny picture of each format."""
_HEIC: Final = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoAABAAAAAAAAACcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Glw"
    "cnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABA"
    "AAAAQAAAAChjbGFwAAAAEAAAAAEAAAAQAAAAAf///9AAAAAC////0AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYEC"
    "AwWEAAAAL21kYXQAAAAjKAGvBBISYOD4AMiEJtYJTIdIwvJsDmeG955IwIh0zrsTang="
)
"""One for the decoder that may be installed beside ours."""
_NO_PICTURE: Final = b"<svg>"
"""Text makes the sniffer look for a decoder of text."""


def warm() -> None:
    """Decode and hash a picture of every format by every kind; raises ConfigurationError, ImportError."""
    hasher, job = InProcess(MediaLimits()), Job(tuple(hashing.KINDS), all_views=True)
    for sample in _SAMPLES:
        image.pack(hasher.hash_image(base64.b64decode(sample), job))
    for other in (_HEIC, _NO_PICTURE):
        with contextlib.suppress(UnsupportedMedia):
            hasher.hash_image(other, job)
