"""What a proof that `hashmatch audit prove` printed proves."""

import json
from collections.abc import Mapping
from typing import Any

from hashmatch.errors import InvalidInput
from hashmatch.tlog import Checkpoint, consistent, included, leaf_hash


def proven(document: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    """What a proof proves of the log at its checkpoint, in words.

    Raises InvalidInput where it does not hold, and what reading it raises where it is none.
    """
    if "since" in document:
        return _growth(document, checkpoint)
    record = document["record"]
    number, text = int(record["number"]), str(record["text"])
    if not included(leaf_hash(text.encode()), number, checkpoint.size, _path(record), checkpoint.root):
        raise InvalidInput(f"the proof does not hold: record {number} is not in the log")
    held = json.loads(text)
    said = f"record {number} is in the log: {held['who']}, {held['what']}"
    return f"{said}\n{_addition(document['entry'], held)}" if "entry" in document else said


def _addition(entry: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """That the record is of the addition of an entry."""
    number = int(entry["number"])
    added = [change for change in record["changes"] if change["table"] == "entries" and change["do"] == "insert"]
    if "row_hash" not in entry:
        row = json.loads(entry["row"])
        held = row["id"] == number and any(row in change.get("after", ()) for change in added)
    else:
        held = any(_in_change(entry, number, change) for change in added if "root" in change)
    if not held:
        raise InvalidInput(f"the proof does not hold: the record is not of the addition of entry {number}")
    return f"it added entry {number}: {entry['row'] or 'as a row whose hash is ' + entry['row_hash']}"


def _in_change(entry: Mapping[str, Any], number: int, change: Mapping[str, Any]) -> bool:
    """Whether the entry's row stands at its place among those of the change, and is what it says."""
    place, count = None, 0
    for first, last in change["runs"]:
        if first <= number <= last:
            place = count + number - first
        count += last - first + 1
    hash_ = bytes.fromhex(entry["row_hash"])
    if entry["row"] and (leaf_hash(entry["row"].encode()) != hash_ or json.loads(entry["row"])["id"] != number):
        return False
    return place is not None and included(hash_, place, count, _path(entry), bytes.fromhex(change["root"]))


def _growth(document: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    before = Checkpoint.parse(document["since"])
    sizes = before.size, checkpoint.size
    if before.origin != checkpoint.origin:
        raise InvalidInput("the checkpoints are of two logs")
    if not consistent(*sizes, _path(document), before.root, checkpoint.root):
        raise InvalidInput("the proof does not hold: what the log held before is not what it holds now")
    return f"the log only grew, from {before.size:,} records to {checkpoint.size:,}"


def _path(document: Mapping[str, Any]) -> list[bytes]:
    return [bytes.fromhex(hash_) for hash_ in document["path"]]
