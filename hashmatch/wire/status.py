"""What a service says of itself."""

from dataclasses import asdict, fields

from hashmatch import types
from hashmatch.v1 import status_pb2


def status_to_wire(status: types.Status) -> status_pb2.GetStatusResponse:
    building = status.building
    return status_pb2.GetStatusResponse(
        revision=status.revision,
        entries=status.entries,
        versions=status.versions,
        variant=status.variant,
        max_media_bytes=status.max_media_bytes,
        sandbox=status.sandbox,
        behind_seconds=status.behind_seconds,
        follower_error=status.follower_error,
        load=status_pb2.Load(**asdict(status.load)),
        complete=status.complete,
        recent_entries=status.recent_entries,
        building=None if building is None else status_pb2.BuildProgress(**asdict(building)),
    )


def status_from_wire(message: status_pb2.GetStatusResponse) -> types.Status:
    said = message.building
    return types.Status(
        revision=message.revision,
        entries=dict(message.entries),
        versions=dict(message.versions),
        variant=message.variant,
        max_media_bytes=message.max_media_bytes,
        sandbox=message.sandbox,
        process_revisions=tuple(message.process_revisions),
        behind_seconds=message.behind_seconds,
        follower_error=message.follower_error,
        load=types.Load(**{field.name: getattr(message.load, field.name) for field in fields(types.Load)}),
        complete=message.complete,
        recent_entries=message.recent_entries,
        building=types.Progress(said.stage, said.done, said.total) if message.HasField("building") else None,
    )
