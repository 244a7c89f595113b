"""Lines of UTF-8 text out of a stream of bytes, by records that can be taken back."""

from collections import deque
from typing import BinaryIO, Final, NamedTuple

from hashmatch.errors import ConfigurationError

LONGEST_RECORD: Final = 2**17
"""In bytes, inclusive: more than the longest texts that an entry may hold, escaped in the worst way."""

_BOM: Final = b"\xef\xbb\xbf"
_SKIPPED_AT_ONCE: Final = 2**20
_FOREIGN: Final = {
    b"\xff\xfe": "UTF-16: convert it with 'iconv -f UTF-16 -t UTF-8'",
    b"\xfe\xff": "UTF-16: convert it with 'iconv -f UTF-16 -t UTF-8'",
    b"\x1f\x8b": "compressed: give what 'zcat' makes of it as standard input",
    b"PK": "a ZIP archive: unpack it",
}
"""What begins as no text in UTF-8 does, but many lists that are handed out do."""


class Position(NamedTuple):
    """A place in a file, between two records."""

    offset: int = 0
    """Bytes before it."""
    line: int = 0
    """Lines before it; hashes, in a file of bare bytes."""


BEGINNING: Final = Position()


class _Line(NamedTuple):
    text: bytes
    length: int
    """In the file, which is more than `text` has of a line that is too long."""


class Lines:
    """An iterator of lines; whoever draws them says where a record begins.

    Raises ValueError for a line that is not UTF-8, and for the line that makes a record longer than
    `LONGEST_RECORD`; the lines after it can still be drawn. No more than a record is held in memory. Raises
    ConfigurationError where the stream begins as UTF-16 or a compressed file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._record: list[_Line] = []
        self._room = LONGEST_RECORD
        self._again: deque[_Line] = deque()
        self._position = BEGINNING

    @property
    def position(self) -> Position:
        """After the last line drawn."""
        return self._position

    def seek(self, position: Position) -> None:
        """Go on after another record's end, of a stream that is a file."""
        self._stream.seek(position.offset)
        self._position = position
        self._again.clear()

    def begin(self) -> None:
        """Say that the next line drawn begins a record."""
        self._record.clear()
        self._room = LONGEST_RECORD

    def take_back(self, kept: int) -> None:
        """Draw the lines of this record again, all but the first `kept`."""
        back = self._record[kept:]
        del self._record[kept:]
        self._again.extendleft(reversed(back))
        self._position = Position(
            self._position.offset - sum(line.length for line in back), self._position.line - len(back)
        )

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line.length:
            raise StopIteration
        self._record.append(line)
        self._position = Position(self._position.offset + line.length, self._position.line + 1)
        self._room -= len(line.text)
        if self._room < 0:
            raise ValueError(f"is longer than {LONGEST_RECORD:,} bytes, or a quotation mark is missing")
        try:
            return line.text.decode()
        except UnicodeDecodeError as error:
            raise ValueError("is not UTF-8 text") from error

    def _read(self) -> _Line:
        text = self._stream.readline(LONGEST_RECORD + 1)
        length = len(text)
        if length > LONGEST_RECORD:
            while text[-1:] != b"\n" and (rest := self._stream.readline(_SKIPPED_AT_ONCE)):
                length += len(rest)
                text += rest[-1:] if rest.endswith(b"\n") else b""
        if self._position.offset == 0:
            if text[:2] in _FOREIGN:
                raise ConfigurationError(f"it is {_FOREIGN[text[:2]]}")
            text = text.removeprefix(_BOM)
        return _Line(text, length)
