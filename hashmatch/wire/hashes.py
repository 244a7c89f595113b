"""Hashes and hashed media."""

from itertools import groupby

from hashmatch import types
from hashmatch.types.quick import quick
from hashmatch.v1 import hash_pb2, types_pb2

ORIENTATIONS = {turn: types_pb2.Orientation.Value(f"ORIENTATION_{turn}") for turn in types.Orientation}

_hash = quick(types.Hash)


def hash_to_wire(value: types.Hash) -> types_pb2.Hash:
    return types_pb2.Hash(kind=value.kind, bits=value.bits, quality=value.quality, approximate=value.approximate)


def hash_from_wire(message: types_pb2.Hash) -> types.Hash:
    quality = message.quality if message.HasField("quality") else None
    return _hash(message.kind, message.bits, quality, message.approximate)


def range_to_wire(value: types.TimeRange) -> types_pb2.TimeRange:
    return types_pb2.TimeRange(start_us=value.start, end_us=value.end)


def range_from_wire(message: types_pb2.TimeRange) -> types.TimeRange:
    return types.TimeRange(message.start_us, message.end_us)


def hashed_image_to_wire(image: types.HashedImage) -> hash_pb2.HashImageResponse:
    return hash_pb2.HashImageResponse(
        hashes=[
            hash_pb2.OrientedHash(orientation=ORIENTATIONS[turn], hash=hash_to_wire(value))
            for _, values in groupby(image.hashes, key=lambda value: value.kind)
            for turn, value in zip(types.Orientation, values, strict=False)
        ],
        media_type=image.media_type,
        width=image.width,
        height=image.height,
    )


def hashed_image_from_wire(message: hash_pb2.HashImageResponse) -> types.HashedImage:
    hashes = tuple(hash_from_wire(item.hash) for item in message.hashes)
    return types.HashedImage(hashes, message.media_type, message.width, message.height)
