"""Lists of known hashes as files: read row by row, each row good or told what is wrong with it, and written.

Nothing is held in memory but a row at a time, however long the file. Reading and writing are imported apart: they need
the kinds, and so the core.
"""

from hashmatch.lists.form import COLUMNS, Format, Unsaid
from hashmatch.lists.lines import BEGINNING, Position

__all__ = ["BEGINNING", "COLUMNS", "Format", "Position", "Unsaid"]
