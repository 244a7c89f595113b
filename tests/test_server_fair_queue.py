"""The fair queue against a model that searches a plain list for whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from hashmatch.server.fair_queue import FairQueue

CLIENTS = st.sampled_from("abcd")
STEPS = st.lists(st.one_of(CLIENTS, st.none(), st.integers(0, 20)), max_size=60)
"""A client puts an item; None pops; a number removes the item at that place, where there is one."""


class Model:
    """Items in the order they came, and clients in the order of their turns."""

    def __init__(self) -> None:
        self.items: list[tuple[str, int]] = []
        self.turns: list[str] = []

    def put(self, client: str, item: int) -> None:
        self.items.append((client, item))
        if client not in self.turns:
            self.turns.append(client)

    def pop(self) -> int:
        client = self.turns.pop(0)
        first = next(pair for pair in self.items if pair[0] == client)
        self.remove(first)
        if any(other == client for other, _ in self.items):
            self.turns.append(client)
        return first[1]

    def remove(self, pair: tuple[str, int]) -> None:
        self.items.remove(pair)
        if pair[0] in self.turns and all(other != pair[0] for other, _ in self.items):
            self.turns.remove(pair[0])


@given(STEPS)
def test_as_the_model(steps: list[str | int | None]) -> None:
    queue: FairQueue[int] = FairQueue()
    model = Model()
    for number, step in enumerate(steps):
        if isinstance(step, str):
            queue.put(step, number)
            model.put(step, number)
        elif step is None and model.items:
            assert queue.pop() == model.pop()
        elif isinstance(step, int) and step < len(model.items):
            pair = model.items[step]
            queue.remove(*pair)
            model.remove(pair)
        assert len(queue) == len(model.items)
    assert [queue.pop() for _ in range(len(queue))] == [model.pop() for _ in range(len(model.items))]


@given(st.lists(CLIENTS, max_size=40), CLIENTS)
def test_nobody_waits_longer_than_foretold(puts: list[str], client: str) -> None:
    queue: FairQueue[int] = FairQueue()
    for number, other in enumerate(puts):
        queue.put(other, number)
    foretold = queue.ahead(client)
    queue.put(client, -1)
    order = [queue.pop() for _ in range(len(queue))]
    assert order.index(-1) <= foretold
    assert foretold <= len(puts)


def test_a_flood_of_one_client_does_not_delay_another() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1000):
        queue.put("flood", f"flood {number}")
    queue.pop()
    assert queue.ahead("other") == 1
    queue.put("other", "other 0")
    queue.put("other", "other 1")
    assert [queue.pop() for _ in range(4)] == ["flood 1", "other 0", "flood 2", "other 1"]
