"""Messages of the public contract to our types and back, for the server and the client alike."""

from hashmatch.wire.answers import (
    decision_from_wire,
    decision_to_wire,
    image_decision_from_wire,
    image_decision_to_wire,
    match_from_wire,
    match_to_wire,
    options_from_wire,
    options_to_wire,
)
from hashmatch.wire.banks import (
    action_from_wire,
    action_to_wire,
    bank_from_wire,
    bank_to_wire,
    entry_from_wire,
    entry_to_wire,
    provenance_from_wire,
    provenance_to_wire,
)
from hashmatch.wire.hashes import (
    hash_from_wire,
    hash_to_wire,
    hashed_image_from_wire,
    hashed_image_to_wire,
    range_from_wire,
    range_to_wire,
)
from hashmatch.wire.names import (
    bank_name,
    entry_name,
    parse_bank_name,
    parse_entry_name,
)
from hashmatch.wire.status import (
    status_from_wire,
    status_to_wire,
)

__all__ = [
    "action_from_wire",
    "action_to_wire",
    "bank_from_wire",
    "bank_name",
    "bank_to_wire",
    "decision_from_wire",
    "decision_to_wire",
    "entry_from_wire",
    "entry_name",
    "entry_to_wire",
    "hash_from_wire",
    "hash_to_wire",
    "hashed_image_from_wire",
    "hashed_image_to_wire",
    "image_decision_from_wire",
    "image_decision_to_wire",
    "match_from_wire",
    "match_to_wire",
    "options_from_wire",
    "options_to_wire",
    "parse_bank_name",
    "parse_entry_name",
    "provenance_from_wire",
    "provenance_to_wire",
    "range_from_wire",
    "range_to_wire",
    "status_from_wire",
    "status_to_wire",
]
