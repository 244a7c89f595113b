"""The words of the project as immutable values: they import nothing of ours and know no library but numpy."""

from hashmatch.types.access import Role, Token
from hashmatch.types.answers import (
    Decision,
    ImageDecision,
    Match,
    MatchOptions,
    Verdict,
)
from hashmatch.types.banks import (
    Action,
    Bank,
    BankDeleted,
    BankPut,
    Change,
    Entry,
    EntryAdded,
    EntryRemoved,
    NewEntry,
    NewMedia,
    Provenance,
)
from hashmatch.types.hashes import (
    PDQ,
    PDQ_BITS,
    Frame,
    Hash,
    HashedImage,
    Orientation,
    TimeRange,
    View,
)
from hashmatch.types.status import (
    Sandbox,
    Status,
)

__all__ = [
    "PDQ",
    "PDQ_BITS",
    "Action",
    "Bank",
    "BankDeleted",
    "BankPut",
    "Change",
    "Decision",
    "Entry",
    "EntryAdded",
    "EntryRemoved",
    "Frame",
    "Hash",
    "HashedImage",
    "ImageDecision",
    "Match",
    "MatchOptions",
    "NewEntry",
    "NewMedia",
    "Orientation",
    "Provenance",
    "Role",
    "Sandbox",
    "Status",
    "TimeRange",
    "Token",
    "Verdict",
    "View",
]
