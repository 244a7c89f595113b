"""AV1: the largest frame that a coded picture's sequence headers allow (AV1 specification, 5.3 to 5.5)."""

from collections.abc import Iterator

from hashmatch.errors import CorruptMedia

_SEQUENCE_HEADER = 1


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next bits, most significant first."""
        self._left -= count
        if self._left < 0:
            raise CorruptMedia("truncated: the data end within an AV1 sequence header")
        return self._value >> self._left & ((1 << count) - 1)

    def skip_uvlc(self) -> None:
        """Pass over a variable-length number."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        self.take(min(zeros, 32))


def largest_frame(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, each the largest of all sequence headers among the units; 0 where there is none."""
    sizes = [_frame_size(_Bits(payload[:256])) for kind, payload in _units(data) if kind == _SEQUENCE_HEADER]
    return max((width for width, _ in sizes), default=0), max((height for _, height in sizes), default=0)


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        header = data[position]
        position += 1 + (header >> 2 & 1)
        size = len(data) - position
        if header & 2:
            size, position = _leb128(data, position)
        yield header >> 3 & 15, data[position : position + size]
        position += size


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[position + index] if position + index < len(data) else 0
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise CorruptMedia("an AV1 unit has no valid length")


def _frame_size(bits: _Bits) -> tuple[int, int]:
    bits.take(4)
    if bits.take(1):
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.take(1) else 0
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delay and bits.take(1):
            bits.take(4)


def _skip_timing(bits: _Bits) -> int:
    """Pass over the timing and decoder models; the bits of a buffer delay, 0 without a decoder model."""
    bits.take(64)
    if bits.take(1):
        bits.skip_uvlc()
    if not bits.take(1):
        return 0
    delay_bits = bits.take(5) + 1
    bits.take(42)
    return delay_bits
