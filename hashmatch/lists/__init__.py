"""Lists of known hashes as files: read row by row, each row good or told what is wrong with it, and written.

Nothing is held in memory but a row at a time, however long the file.
"""

from hashmatch.lists.form import COLUMNS, Format, Unsaid
from hashmatch.lists.lines import BEGINNING, Position
from hashmatch.lists.reading import Row, read_rows
from hashmatch.lists.writing import write_rows

__all__ = ["BEGINNING", "COLUMNS", "Format", "Position", "Row", "Unsaid", "read_rows", "write_rows"]
