"""What the service and the zygote say to each other, on a socket of whole messages."""

import struct
from typing import Final

READY: Final = b"ready"
"""What the zygote says first; otherwise, why it cannot fork workers."""
SEALED: Final = b"sealed"
"""What a worker says first, on its own connection; otherwise, why it cannot be sealed."""
REQUEST: Final = struct.Struct("<Bi")
"""SPAWN and 0, together with the descriptor of the worker's tray, or BURY and the process id of a worker."""
REPLY: Final = struct.Struct("<i")
"""To SPAWN: the process id, together with the descriptor of its connection, or an error number, negative.

To BURY: the status that the worker, killed unless it had ended, leaves behind.
"""
SPAWN, BURY = 1, 2
