"""Videos: what of them to look at, and what is answered to them."""

from hashmatch import errors, types
from hashmatch.v1 import hash_pb2, match_pb2, video_pb2
from hashmatch.wire.answers import VERDICT_OF, VERDICTS, match_from_wire, match_to_wire
from hashmatch.wire.banks import action_from_wire, action_to_wire, provenance_from_wire, provenance_to_wire
from hashmatch.wire.hashes import hash_from_wire, hash_to_wire, range_from_wire, range_to_wire
from hashmatch.wire.names import bank_name, parse_bank_name

_SELECTIONS = {each: video_pb2.Selection.Value(f"SELECTION_{each}") for each in types.Selection}
_SELECTION_OF = {number: each for each, number in _SELECTIONS.items()}
_INCOMPLETE = {each: video_pb2.Incomplete.Value(f"INCOMPLETE_{each}") for each in types.Incomplete}
_INCOMPLETE_OF = {number: each for each, number in _INCOMPLETE.items()}
_LONGEST_INTERVAL = 24 * 3600 * types.SECOND


def video_options_to_wire(options: types.VideoOptions) -> video_pb2.VideoOptions:
    return video_pb2.VideoOptions(
        selection=_SELECTIONS[options.selection],
        interval_us=options.interval,
        kind=options.kind,
        stop_at_block=options.stop_at_block,
        keep_repeats=options.keep_repeats,
    )


def video_options_from_wire(message: video_pb2.VideoOptions) -> types.VideoOptions:
    """Raises InvalidField."""
    if not 0 <= message.interval_us <= _LONGEST_INTERVAL:
        raise errors.InvalidField("video.interval_us", f"expected 0 to {_LONGEST_INTERVAL}, got {message.interval_us}")
    if message.selection and message.selection not in _SELECTION_OF:
        raise errors.InvalidField("video.selection", f"expected one of {', '.join(types.Selection)}")
    default = types.VideoOptions()
    return types.VideoOptions(
        selection=_SELECTION_OF.get(message.selection, default.selection),
        interval=message.interval_us or default.interval,
        kind=message.kind or default.kind,
        stop_at_block=message.stop_at_block,
        keep_repeats=message.keep_repeats,
    )


def scan_to_wire(scan: types.Scan) -> video_pb2.Scan:
    return video_pb2.Scan(
        media_type=scan.info.media_type,
        width=scan.info.width,
        height=scan.info.height,
        duration_us=scan.info.duration,
        frames_scanned=scan.frames_scanned,
        scanned_until_us=scan.scanned_until,
        complete=scan.complete,
        incomplete=_INCOMPLETE[scan.incomplete] if scan.incomplete else video_pb2.INCOMPLETE_UNSPECIFIED,
    )


def scan_from_wire(message: video_pb2.Scan) -> types.Scan:
    duration = message.duration_us if message.HasField("duration_us") else None
    info = types.VideoInfo(message.media_type, message.width, message.height, duration)
    incomplete = _INCOMPLETE_OF.get(message.incomplete)
    return types.Scan(info, message.frames_scanned, message.scanned_until_us, incomplete)


def progress_to_wire(progress: types.ScanProgress) -> video_pb2.Progress:
    return video_pb2.Progress(duration_us=progress.duration, scanned_until_us=progress.scanned_until)


def progress_from_wire(message: video_pb2.Progress) -> types.ScanProgress:
    return types.ScanProgress(
        message.duration_us if message.HasField("duration_us") else None, message.scanned_until_us
    )


def hashed_video_to_wire(video: types.HashedVideo) -> hash_pb2.HashVideoResponse:
    frames = (
        video_pb2.VideoFrame(shown=range_to_wire(frame.shown), count=frame.count, hash=hash_to_wire(frame.hash))
        for frame in video.frames
    )
    return hash_pb2.HashVideoResponse(scan=scan_to_wire(video.scan), frames=frames)


def hashed_video_from_wire(message: hash_pb2.HashVideoResponse) -> types.HashedVideo:
    frames = tuple(
        types.HashedFrame(range_from_wire(frame.shown), frame.count, hash_from_wire(frame.hash))
        for frame in message.frames
    )
    return types.HashedVideo(scan_from_wire(message.scan), frames)


def video_decision_to_wire(decision: types.VideoDecision) -> video_pb2.VideoResult:
    return video_pb2.VideoResult(
        verdict=VERDICTS[decision.verdict],
        images=map(_frame_match_to_wire, decision.images),
        total_images=decision.total_images,
        videos=map(_video_match_to_wire, decision.videos),
        total_videos=decision.total_videos,
        low_quality_frames=decision.low_quality_frames,
        banks_not_compared=map(bank_name, decision.banks_not_compared),
        scan=scan_to_wire(decision.scan),
        revision=decision.revision,
    )


def video_decision_from_wire(message: video_pb2.VideoResult) -> types.VideoDecision:
    return types.VideoDecision(
        verdict=VERDICT_OF[message.verdict],
        images=tuple(map(_frame_match_from_wire, message.images)),
        total_images=message.total_images,
        videos=tuple(map(_video_match_from_wire, message.videos)),
        total_videos=message.total_videos,
        low_quality_frames=message.low_quality_frames,
        banks_not_compared=tuple(parse_bank_name(name, "banks_not_compared") for name in message.banks_not_compared),
        scan=scan_from_wire(message.scan),
        revision=message.revision,
    )


def luma_from_wire(message: match_pb2.LumaPlane, field: str) -> types.LumaPlane:
    """Raises InvalidField where the samples are not as many as the pixels."""
    if not message.width or len(message.samples) != message.width * message.height:
        raise errors.InvalidField(
            f"{field}.samples",
            f"expected {message.width} x {message.height} bytes, 1 or more, got {len(message.samples):,}",
        )
    return types.LumaPlane(message.width, message.height, message.samples, message.limited_range)


def luma_to_wire(luma: types.LumaPlane) -> match_pb2.LumaPlane:
    return match_pb2.LumaPlane(
        width=luma.width, height=luma.height, samples=luma.samples, limited_range=luma.limited_range
    )


def _frame_match_to_wire(found: types.FrameMatch) -> video_pb2.FrameMatch:
    return video_pb2.FrameMatch(match=match_to_wire(found.match), shown=range_to_wire(found.shown), frames=found.frames)


def _frame_match_from_wire(message: video_pb2.FrameMatch) -> types.FrameMatch:
    return types.FrameMatch(match_from_wire(message.match), range_from_wire(message.shown), message.frames)


def _video_match_to_wire(found: types.VideoMatch) -> video_pb2.VideoMatch:
    return video_pb2.VideoMatch(
        bank=bank_name(found.bank),
        action=action_to_wire(found.action),
        provenance=provenance_to_wire(found.provenance),
        counts=found.counts,
        query_frames=found.query_frames,
        query_compared=found.query_compared,
        known_frames=found.known_frames,
        known_compared=found.known_compared,
        distance=found.distance,
        passages=(
            video_pb2.Passage(query=range_to_wire(each.query), known=range_to_wire(each.known), frames=each.frames)
            for each in found.passages
        ),
    )


def _video_match_from_wire(message: video_pb2.VideoMatch) -> types.VideoMatch:
    return types.VideoMatch(
        bank=parse_bank_name(message.bank, "video.bank"),
        action=action_from_wire(message.action, "video.action"),
        provenance=provenance_from_wire(message.provenance),
        counts=message.counts,
        query_frames=message.query_frames,
        query_compared=message.query_compared,
        known_frames=message.known_frames,
        known_compared=message.known_compared,
        distance=message.distance,
        passages=tuple(
            types.Passage(range_from_wire(each.query), range_from_wire(each.known), each.frames)
            for each in message.passages
        ),
    )
