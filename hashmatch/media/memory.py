"""Room for pixels."""

import mmap


def check_room(size: int) -> None:
    """Raises MemoryError where so many bytes cannot be had; none of them is touched."""
    try:
        mmap.mmap(-1, size).close()
    except OSError as error:
        raise MemoryError from error
