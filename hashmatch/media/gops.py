"""Which packets of a video are worth decoding for the frames that are wanted."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from av import Packet
    from av.video.stream import VideoStream

_MOST_PACKETS: Final = 600
_MOST_BYTES: Final = 16 * 2**20
"""So much is looked ahead at most."""


class Step(NamedTuple):
    """A packet, and whether the frame that comes out of it is wanted or at most what later ones lean on."""

    packet: "Packet[VideoStream]"
    wanted: bool


class _Group(NamedTuple):
    """Packets from one keyframe to the next, or fewer."""

    packets: "list[Packet[VideoStream]]"
    end: int | None
    """The pts of the next keyframe; None where something else follows, or nothing."""


def next_due(time: int, interval: int) -> int:
    """The first multiple of the interval after a time."""
    return (time // interval + 1) * interval


def steps(
    packets: "Iterable[Packet[VideoStream]]", time_of: Callable[[int], int], interval: int
) -> Iterator[Step | None]:
    """The packets that lead to the first frame at or after every multiple of `interval`; `time_of` takes a pts.

    Nothing that these frames lean on is left out, whatever the encoder did, so that they are decoded as in full. Where
    packets do not say when they are shown, all of them are wanted. None stands where packets up to a keyframe are left
    out: a decoder that was given more than that keyframe leans on may lose what it holds back.
    """
    due = 0
    for group in _groups(packets):
        times = [time_of(packet.pts) for packet in group.packets if packet.pts is not None]
        if len(times) < len(group.packets):
            yield from (Step(packet, wanted=True) for packet in group.packets)
            continue
        wanted, last = set(), -1
        for time, at in sorted((time, at) for at, time in enumerate(times)):
            if time >= due:
                wanted.add(at)
                due = next_due(time, interval)
        # Frames that are shown before the next keyframe but follow it in the file may lean on this group.
        whole = group.end is None or due < time_of(group.end)
        last = len(times) - 1 if whole else max(wanted, default=-1)
        yield from (Step(packet, at in wanted) for at, packet in enumerate(group.packets[: last + 1]))
        if last < len(times) - 1:
            yield None


def _groups(packets: "Iterable[Packet[VideoStream]]") -> Iterator[_Group]:
    group: list[Packet[VideoStream]] = []
    size = 0
    for packet in packets:
        if group and packet.is_keyframe:
            yield _Group(group, packet.pts)
            group, size = [], 0
        elif len(group) >= _MOST_PACKETS or size > _MOST_BYTES:
            yield _Group(group, None)
            group, size = [], 0
        group.append(packet)
        size += packet.size
    if group:
        yield _Group(group, None)
