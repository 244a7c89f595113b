"""What a worker can do: a function for each sort of job. It sees strangers' bytes, and no part of the service."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hashmatch.sandbox import image
from hashmatch.sandbox.failure import send_answer
from hashmatch.sandbox.in_process import InProcess
from hashmatch.sandbox.line import Line
from hashmatch.settings import MediaLimits


def hash_image(line: Line, limits: MediaLimits) -> None:
    """Answer an `ImageTask`."""
    data, job = image.read_request(line, limits)
    send_answer(line, image.pack(InProcess(limits).hash_image(data, job)))


WORK: Final[Mapping[int, Callable[[Line, MediaLimits], None]]] = MappingProxyType({image.ImageTask.number: hash_image})
"""By the number of a `Task`. Each reads all that its task sends, then answers or raises MediaError."""
