"""A queue in which every client has its turn, however many items another has put."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First come, first served within a client, and one item of each client after the other (round robin)."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, client: str, item: T) -> None:
        """Add an item behind the client's others; a client that had none is last in turn."""
        self._lanes.setdefault(client, deque()).append(item)
        self._length += 1

    def pop(self) -> T:
        """Take the next item of the client whose turn it is; raises IndexError where there is none."""
        if not self._lanes:
            raise IndexError("pop from an empty queue")
        client, lane = next(iter(self._lanes.items()))
        item = lane.popleft()
        self._length -= 1
        if lane:
            self._lanes.move_to_end(client)
        else:
            del self._lanes[client]
        return item

    def remove(self, client: str, item: T) -> None:
        """Take an item out of its client's lane; raises KeyError or ValueError where it is not there."""
        lane = self._lanes[client]
        lane.remove(item)
        self._length -= 1
        if not lane:
            del self._lanes[client]

    def ahead(self, client: str) -> int:
        """The most items that are taken before one that the client puts now."""
        own = len(self._lanes.get(client, ()))
        return own + sum(min(len(lane), own + 1) for name, lane in self._lanes.items() if name != client)
