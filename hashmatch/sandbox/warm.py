"""What the zygote does before it forks: load everything a worker may need, for a sealed worker opens no file."""

import base64
import contextlib
import io
from typing import Final

from hashmatch import hashing, media
from hashmatch.errors import UnsupportedMedia
from hashmatch.hashing.trial import try_kinds
from hashmatch.sandbox import image, video
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.job import Job, VideoJob
from hashmatch.sandbox.watching import watch
from hashmatch.settings import MediaLimits
from hashmatch.types import Selection, VideoOptions

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
_VIDEO: Final = (
    "GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQJChYECGFOAZwEAAAAAAAQKEU2bdLpNu4tTq4QVSalmU6yBoU27i1OrhBZUrmtTrIHYTbuM"
    "U6uEElTDZ1OsggEbTbuMU6uEHFO7a1OsggP07AEAAAAAAABZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVSalmsirXsYMPQkBNgI1MYXZmNjIuMTIuMTAyV0GNTGF2ZjYyLjEyLjEw"
    "MkSJiEB5AAAAAAAAFlSua76uAQAAAAAAADXXgQFzxYiXlM/Ex29v1pyBACK1nIN1bmSIgQCGhVZfVlA4g4EBI+ODhAvrwgDghrCBELqBEBJUw2fY"
    "c3OgY8CAZ8iaRaOHRU5DT0RFUkSHjUxhdmY2Mi4xMi4xMDJzc7JjwItjxYiXlM/Ex29v1mfIoUWjiERVUkFUSU9ORIeTMDA6MDA6MDAuNDAwMDAw"
    "MDAwAB9DtnVCdueBAKNBrYEAAIDQDACdASoQABAAAEcIhYWIhYSIAgICdWIzkwHgAf0r9G72Af0S/p/9A+AH9R7kDwgOSEDAPgB/lf5AcAD+IHsc"
    "/iTrpf7X5gv6B9oHsF+Ev7t+N30A/xP+S/0X8j/6f/7+Ui/RT2wykxso0J9XXcUA/vCuyv8lP5D86CnD7enA73TPgaDNDVwSxcy2o2+WLbzysA5Q"
    "6fzw8IMQwS/YwKWI0DWAOWlb2zkJbrPOQVy2L8f5VG/l48B5mW7UWd3aIhEJ6enU/b28OgtxdHNn/Bp8bHSSUm7rRIDCENabs//gbv87kvduRRVX"
    "qFf84Xy3/zivAZZGB+OnZ/9XKjKh//wI+rIuP+olyB9ZrjqZHIxECZ/VQJF0hCtmIh8I99d5S3Wkg4z3H1DFCh3JqaDam0GYyOph7Jw/KDRtAjTv"
    "jEtvu9tMr5WqdqkNR9RfnLI9sXpqf637kmpbcgW/NfsQZ+p/jtrr9XR9nkoTc+U71/+wHzFSd7QYdeukf/z1YH/0ros/qBp39P+f2P9TcLAHS2ym"
    "XwrP7RXkUomvs4triH/PdjWtm3YY7pB8IKNAwIEAyACRBAAFEKwAGALvAsjr9/yZm///wg/R86gPT/4t1FwjguclBjXd94DN2Yxc7NQN8cd2fkHY"
    "febMnn5ZwO4xbQ0NClmDrfF+eZ14C3fOKUujPTZxOOyLOsJ8zHgXKh6tjRWMAkz8dCT8t9aGCEMmLuWFGdE2ebmya5x0Bs0DOb8+tl2SAgh1v3kg"
    "rmlTWH3Ecmyy4+WOxPqeNiHl6Nh15Av+iuboVgr67IHKGpIvsQwcsG67ezL6bSXz2yBpABxTu2uRu4+zgQC3iveBAfGCAXjwgQM="
)
"""Two frames of VP8 in WebM."""
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
    for data in map(base64.b64decode, _SAMPLES):
        try_kinds(data, media.decode(data, MediaLimits()))
        image.pack(hasher.hash_image(data, job))
    for other in (_HEIC, _NO_PICTURE):
        with contextlib.suppress(UnsupportedMedia):
            hasher.hash_image(other, job)
    for sample in (_VIDEO, *_SAMPLES):
        file = io.BytesIO(base64.b64decode(sample))
        for selection in Selection:
            watched = VideoJob(VideoOptions(selection), all_views=True)
            footage = media.open_footage(file, watched.options, MediaLimits())
            for frame in watch(footage, watched):
                video.pack_frame(frame)
