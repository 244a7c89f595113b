"""The index's oracle: dictionaries, Python's integers and a loop; and the strategies both are fed from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from types import MappingProxyType

from hypothesis import strategies as st

from hashmatch.index import Found, Hit
from hashmatch.types import (
    PDQ,
    Action,
    Bank,
    BankDeleted,
    BankPut,
    Change,
    Entry,
    EntryAdded,
    EntryRemoved,
    Hash,
    KindPolicy,
    Provenance,
    TimeRange,
)

NAMES = ("a", "b", "c", "d")
CENTRES = (0, 2**256 - 1, int.from_bytes(bytes(range(7, 231, 7))), 0xFF << 128)
CREATED = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)


WIDTHS = {PDQ: 32, "short": 8, "odd": 5}
"""Bytes of the kinds that are drawn."""


def bits(value: int) -> bytes:
    return value.to_bytes(32)


def distance(one: Hash, other: Hash) -> int:
    return (int.from_bytes(one.bits) ^ int.from_bytes(other.bits)).bit_count()


def good(item: Hash, bank: Bank) -> bool:
    """Whether the bank lets the hash be compared."""
    lowest = bank.minimum_quality
    for policy in bank.kinds:
        if policy.kind == item.kind and policy.minimum_quality is not None:
            lowest = policy.minimum_quality
    return item.quality is None or item.quality >= lowest


def threshold(kind: str, bank: Bank, ceilings: Mapping[str, int]) -> int:
    """The largest distance that matches."""
    for policy in bank.kinds:
        if policy.kind == kind and policy.threshold is not None:
            return policy.threshold
    return min(bank.threshold, ceilings.get(kind, bank.threshold))


def rolled_out(entry: Entry, bank: Bank) -> bool:
    """Whether the entry is in the share of its bank that is found."""
    drawn = blake2b(entry.provenance.content_id.encode() or entry.hash.bits, digest_size=8).digest()
    return int.from_bytes(drawn[:2], "little") < round(bank.matching_enabled_ratio * 65_536)


def trusted(entry: Entry, now: datetime) -> bool:
    """Whether a match asks for what the bank does, and not for REVIEW."""
    return entry.review_from is None or now < entry.review_from


@dataclass
class Oracle:
    """The banks and entries as the changes leave them, and every answer by comparing everything."""

    banks: dict[str, Bank] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)

    def apply(self, changes: Sequence[Change]) -> "Oracle":
        after = deepcopy(self)
        for change in changes:
            if isinstance(change, BankPut):
                after.banks[change.bank.name] = change.bank
            elif isinstance(change, BankDeleted):
                after.banks.pop(change.name, None)
                after.entries = {i: entry for i, entry in after.entries.items() if entry.bank != change.name}
            elif isinstance(change, EntryAdded):
                after.entries[change.entry.id] = change.entry
            else:
                after.entries.pop(change.id, None)
        return after

    @property
    def sizes(self) -> Counter[str]:
        return Counter(entry.hash.kind for entry in self.entries.values())

    def search(
        self,
        group: Sequence[Hash],
        names: Sequence[str] = (),
        limit: int = 100,
        ceilings: Mapping[str, int] = MappingProxyType({}),
        now: datetime | None = None,
    ) -> Found:
        now = now or datetime.now(UTC)
        searched = [
            bank
            for bank in self.banks.values()
            if bank.enabled
            and (bank.disabled_until is None or bank.disabled_until <= now)
            and (not names or bank.name in names)
        ]
        hits = []
        for bank in searched:
            furthest = threshold(group[0].kind, bank, ceilings)
            for entry in self.entries.values():
                if entry.bank != bank.name or entry.hash.kind != group[0].kind or not good(entry.hash, bank):
                    continue
                if (entry.expires is not None and entry.expires <= now) or not rolled_out(entry, bank):
                    continue
                pairs = [(distance(entry.hash, item), at) for at, item in enumerate(group) if good(item, bank)]
                if pairs and min(pairs)[0] <= furthest:
                    action = bank.action if trusted(entry, now) else Action.REVIEW
                    hits.append(Hit(bank, action, entry, *min(pairs), furthest))
        low = {bank.name for bank in searched if not good(group[0], bank)}
        hits.sort(key=lambda hit: (hit.distance, hit.entry.id))
        return Found(hits[:limit], len(hits), frozenset(hit.action for hit in hits), tuple(sorted(low)))


def entry(
    number: int, bank: str, item: Hash, expires: datetime | None = None, review_from: datetime | None = None
) -> Entry:
    """An entry whose provenance and time are its own; every third is a frame of one of two videos."""
    content = f"video {number % 6}" if number % 3 == 0 else f"content {number}" if number % 5 else ""
    created = CREATED + timedelta(microseconds=number)
    reported = created if number % 4 == 0 else None
    provenance = Provenance(
        content, "a list", ("été", f"label {number % 3}"), "note\0\n", f"programme {number % 2}", reported
    )
    shown = TimeRange(number, 2 * number) if number % 3 == 0 else None
    return Entry(number, bank, item, provenance, created, number + 1, shown, expires, review_from)


QUALITIES = st.none() | st.sampled_from((0, 49, 50, 51, 100)) | st.integers(0, 100)


def _flipped(centre: int, count: int, start: int) -> bytes:
    return bits(centre ^ (((1 << count) - 1) << start) % 2**256)


CODES = st.builds(_flipped, st.sampled_from(CENTRES), st.integers(0, 66), st.sampled_from((0, 1, 100, 192)))
"""Bits in a few clusters, many of them equal and most within 64 bits of some others."""

QUALITIES_OF = {PDQ: QUALITIES, "short": st.none(), "odd": QUALITIES}


def hashes(kind: str, qualities: st.SearchStrategy[int | None]) -> st.SearchStrategy[Hash]:
    return st.builds(lambda code, quality: Hash(kind, code[-WIDTHS[kind] :], quality), CODES, qualities)


KINDS = st.sampled_from((PDQ, PDQ, PDQ, "short", "odd"))
HASHES = KINDS.flatmap(lambda kind: hashes(kind, QUALITIES_OF[kind]))


@st.composite
def groups(draw: st.DrawFn) -> list[Hash]:
    """One to ten hashes of one kind and up to three qualities."""
    kind = draw(KINDS)
    qualities = st.sampled_from(draw(st.lists(QUALITIES_OF[kind], min_size=1, max_size=3)))
    return draw(st.lists(hashes(kind, qualities), min_size=1, max_size=10))


MOMENTS = st.sampled_from([CREATED + timedelta(seconds=seconds) for seconds in (-1, 0, 1)])
"""So few that many are the same, and the moment of a search among them."""
MAYBE = st.none() | st.none() | MOMENTS

POLICIES = st.lists(
    st.builds(
        KindPolicy, st.sampled_from(sorted(WIDTHS)), st.none() | st.integers(0, 64), st.none() | st.integers(0, 100)
    ),
    max_size=2,
    unique_by=lambda policy: policy.kind,
).map(tuple)


def banks(name: str) -> st.SearchStrategy[Bank]:
    return st.builds(
        Bank,
        name=st.just(name),
        action=st.sampled_from(Action),
        threshold=st.sampled_from((0, 31, 64)) | st.integers(0, 64),
        minimum_quality=st.sampled_from((0, 50, 100)) | st.integers(0, 100),
        enabled=st.sampled_from((True, True, True, False)),
        kinds=st.just(()) | POLICIES,
        matching_enabled_ratio=st.sampled_from((1.0, 1.0, 0.5, 0.0)) | st.floats(0, 1),
        disabled_until=MAYBE,
    )


@st.composite
def batches(draw: st.DrawFn) -> list[list[Change]]:
    """A history, cut anywhere."""
    history = draw(histories())
    cuts = sorted(draw(st.lists(st.integers(0, len(history)), max_size=6)))
    return [history[first:last] for first, last in pairwise([0, *cuts, len(history)])]


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Changes as a store would record them: an entry comes into a bank that exists, with an id of its own."""
    changes: list[Change] = [BankPut(draw(banks(name))) for name in NAMES[:2]]
    present = set(NAMES[:2])
    for number in range(draw(st.integers(0, 60))):
        kind = draw(st.sampled_from(("add", "add", "add", "add", "remove", "put", "delete")))
        if kind == "add" and present:
            name = draw(st.sampled_from(sorted(present)))
            changes.append(EntryAdded(entry(number, name, draw(HASHES), draw(MAYBE), draw(MAYBE))))
        elif kind == "remove":
            changes.append(EntryRemoved(draw(st.integers(0, number)), "a"))
        elif kind == "put":
            name = draw(st.sampled_from(NAMES))
            changes.append(BankPut(draw(banks(name))))
            present.add(name)
        elif kind == "delete":
            name = draw(st.sampled_from(NAMES))
            changes.append(BankDeleted(name))
            present.discard(name)
    return changes
