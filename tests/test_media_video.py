"""Videos and animations give the frames that another decoder sees, at their times, and those asked for alone."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from hashmatch import hashing, media
from hashmatch.errors import MediaError, MediaTooLarge, UnsupportedMedia
from hashmatch.media import Footage
from hashmatch.sandbox import VideoJob
from hashmatch.sandbox.watching import watch
from hashmatch.settings import MediaLimits
from hashmatch.types import SECOND, Frame, Hash, Incomplete, Selection, VideoOptions
from tests.media_files import on_white
from tests.video_files import Pixels, animated, encoded, scene

LIMITS = MediaLimits()
CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "videos"
EVERY = VideoOptions(Selection.ALL)


def opened(data: bytes, options: VideoOptions = EVERY, limits: MediaLimits = LIMITS) -> Footage:
    return media.open_footage(io.BytesIO(data), options, limits)


def hashed(data: bytes, options: VideoOptions = EVERY, limits: MediaLimits = LIMITS) -> list[tuple[int, Hash]]:
    seen = watch(opened(data, options, limits), VideoJob(options))
    return [(frame.time, frame.hashes[0]) for frame in seen]


def pdq(rgb: Pixels) -> Hash:
    return hashing.hash_frame(Frame(np.ascontiguousarray(rgb[:, :, ::-1]), "", rgb.shape[1], rgb.shape[0]))[0]


def distance(one: Hash, other: Hash) -> int:
    return (int.from_bytes(one.bits) ^ int.from_bytes(other.bits)).bit_count()


@pytest.fixture(scope="module")
def photo(photos: dict[str, Pixels]) -> Pixels:
    return photos["astronaut"]


@pytest.fixture(scope="module")
def pictures(photo: Pixels) -> list[Pixels]:
    return list(scene(photo, 30))


CODECS = [
    ("libx264", "mp4", "video/mp4"),
    ("libx264", "mov", "video/quicktime"),
    ("libx264", "avi", "video/x-msvideo"),
    ("libx265", "mp4", "video/mp4"),
    ("libx264", "matroska", "video/x-matroska"),
    ("libvpx", "webm", "video/webm"),
    ("libvpx-vp9", "webm", "video/webm"),
    ("libsvtav1", "mp4", "video/mp4"),
    ("mpeg4", "avi", "video/x-msvideo"),
    ("mjpeg", "avi", "video/x-msvideo"),
]


@pytest.mark.parametrize(("codec", "container", "media_type"), CODECS)
def test_every_frame_at_its_time(codec: str, container: str, media_type: str, pictures: Sequence[Pixels]) -> None:
    data = encoded(pictures, codec, container, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p")
    footage = opened(data)
    found = [(frame.time, frame.hashes[0]) for frame in watch(footage, VideoJob(EVERY))]
    assert (footage.info.media_type, footage.info.width, footage.info.height) == (media_type, 160, 120)
    assert footage.incomplete is None
    assert [round(time / 100_000) for time, _ in found] == list(range(30))
    for (_, value), picture in zip(found, pictures, strict=True):
        assert distance(value, pdq(picture)) <= 16
    assert np.mean([distance(value, pdq(picture)) for (_, value), picture in zip(found, pictures, strict=True)]) < 6


@pytest.mark.parametrize(
    ("codec", "container", "options"),
    [
        ("libx264", "mp4", {"preset": "veryfast", "g": "17", "bf": "3"}),
        ("libx264", "mp4", {"preset": "veryfast", "g": "13", "bf": "3", "x264-params": "open-gop=1:b-pyramid=normal"}),
        ("libx264", "matroska", {"preset": "veryfast", "g": "1000"}),
        ("libx265", "mp4", {"x265-params": "log-level=none:pools=none:frame-threads=1:keyint=13:bframes=4:open-gop=1"}),
        ("libx264", "avi", {}),
        ("libvpx-vp9", "webm", {"g": "11"}),
        ("libsvtav1", "mp4", {"g": "16"}),
        ("mpeg4", "avi", {"g": "9", "bf": "2"}),
    ],
)
@pytest.mark.parametrize("interval", [1, 130_000, 400_000, SECOND, 3 * SECOND, 60 * SECOND])
def test_an_interval_gives_the_frames_that_all_would(
    codec: str, container: str, options: dict[str, str], interval: int, photo: Pixels
) -> None:
    data = encoded(scene(photo, 45), codec, container, options=options)
    expected, due = [], 0
    for time, value in hashed(data):
        if time >= due:
            expected.append((time, value))
            due = (time // interval + 1) * interval
    assert hashed(data, VideoOptions(interval=interval)) == expected


@pytest.mark.parametrize(
    ("codec", "container"),
    [
        ("libx264", "mp4"),
        ("libx264", "matroska"),
        ("libx264", "avi"),
        ("libx265", "mp4"),
        ("libvpx", "webm"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
        ("mpeg4", "avi"),
    ],
)
def test_keyframes_are_those_that_are_marked_so(codec: str, container: str, photo: Pixels) -> None:
    params = {"x265-params": "log-level=none:pools=none:frame-threads=1:keyint=9:min-keyint=9:scenecut=0"}
    data = encoded(scene(photo, 40), codec, container, options=params if codec == "libx265" else {"g": "9"})
    with av.open(io.BytesIO(data), "r") as container_:
        marked = [bool(frame.key_frame) for frame in container_.decode(video=0)]
    expected = [found for found, key in zip(hashed(data), marked, strict=True) if key]
    assert 4 <= len(expected) < 40
    assert hashed(data, VideoOptions(Selection.KEYFRAMES)) == expected
    assert opened(data, VideoOptions(Selection.KEYFRAMES)).info == opened(data).info


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "most"),
    [
        ("libx264", "yuvj420p", 6),
        ("libx264", "yuv444p", 6),
        ("libx264", "yuv422p10le", 6),
        ("libx265", "yuv420p10le", 10),
        ("libx264", "gray", 6),
        ("libx264rgb", "rgb24", 6),
    ],
)
def test_other_samples_are_the_same_picture(codec: str, pix_fmt: str, most: int, pictures: Sequence[Pixels]) -> None:
    for (_, value), picture in zip(
        hashed(encoded(pictures[:5], codec, "matroska", pix_fmt=pix_fmt)), pictures[:5], strict=True
    ):
        assert distance(value, pdq(picture)) <= most


def test_the_range_of_luma_does_not_change_the_quality(photos: dict[str, Pixels]) -> None:
    faint = [(photos["astronaut"][::4, ::4] // 40 + 110).astype(np.uint8)]
    original = pdq(faint[0]).quality or 0
    assert 5 < original < 90
    for pix_fmt in ("yuv420p", "yuvj420p", "yuv420p10le"):
        ((_, value),) = hashed(encoded(faint, pix_fmt=pix_fmt, options={"crf": "4"}))
        assert abs((value.quality or 0) - original) <= 4, pix_fmt


@pytest.mark.parametrize("space", [1, 2, 9])
def test_dull_frames_are_hashed_by_their_colours(space: int) -> None:
    """As vPDQ does: by BT.601, whatever the film says; colours too dark to show are not there in luma either."""
    random = np.random.default_rng(3)

    def smooth(low: int, high: int) -> Pixels:
        coarse = random.integers(low, high, (10, 10), np.uint8)
        return cv2.resize(coarse, (128, 128), interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    y, u, v = planes = np.stack((smooth(30, 60), smooth(20, 235), smooth(20, 235)))

    def prepare(stream: Any) -> None:
        stream.height = 128
        stream.codec_context.colorspace = space

    film = encoded([planes], pix_fmt="yuv444p", samples="yuv444p", options={"qp": "0"}, prepare=prepare)
    ((_, found),) = hashed(film)
    luma, blue, red = 1.164 * (y - 16.0), u - 128.0, v - 128.0
    shown = np.dstack((luma + 1.596 * red, luma - 0.392 * blue - 0.813 * red, luma + 2.017 * blue))
    assert distance(found, pdq(shown.round().clip(0, 255).astype(np.uint8))) <= 6
    assert distance(found, pdq(np.dstack((y, y, y)))) > 60


@pytest.mark.parametrize("size", [(161, 121), (98, 50), (33, 17), (130, 66)])
def test_odd_sizes_are_cropped_to_what_is_shown(size: tuple[int, int], photo: Pixels) -> None:
    frames = list(scene(photo, 3, size))
    data = encoded(frames, container="matroska", pix_fmt="yuv444p")
    footage = opened(data)
    assert (footage.info.width, footage.info.height) == size
    shapes = {picked.frame.pixels.shape for picked in footage.frames}
    assert shapes == {(size[1], size[0])}
    for (_, value), picture in zip(hashed(data), frames, strict=True):
        assert distance(value, pdq(picture)) <= 20


def test_rotation_and_aspect_are_for_display_alone(pictures: Sequence[Pixels]) -> None:
    plain = encoded(pictures[:3])

    def stretch(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = 2

    upright = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    quarter = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 120 << 16, 0, 0x40000000)
    place = plain.index(upright, plain.index(b"tkhd"))
    turned = plain[:place] + quarter + plain[place + len(quarter) :]
    with av.open(io.BytesIO(turned), "r") as container:
        assert next(container.decode(video=0)).rotation in {90, -90}
    assert hashed(turned) == hashed(plain)
    wide = encoded(pictures[:3], prepare=stretch)
    with av.open(io.BytesIO(wide), "r") as container:
        assert container.streams.video[0].sample_aspect_ratio == 2
    assert hashed(wide) == hashed(plain)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF"])
def test_animations_are_composited_as_shown(kind: str, pictures: Sequence[Pixels]) -> None:
    layers = []
    for number, picture in enumerate(pictures[:12]):
        alpha = np.zeros((*picture.shape[:2], 1), np.uint8)
        alpha[10 : 60 + number * 4, 20 : 70 + number * 5] = 255
        layers.append(np.concatenate((picture, alpha), axis=2))
    options: dict[str, dict[str, Any]] = {"GIF": {"disposal": 2}, "WEBP": {"lossless": True}, "AVIF": {"quality": 90}}
    data = animated(layers, kind, 50, **options[kind])
    expected = [on_white(frame.copy()) for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]
    assert len(expected) == 12
    found = hashed(data, VideoOptions())
    assert [time for time, _ in found] == [50_000 * number for number in range(12)]
    for (_, value), picture in zip(found, expected, strict=True):
        assert distance(value, pdq(picture)) <= (6 if kind == "AVIF" else 2)


def test_a_still_is_a_video_of_one_frame(pictures: Sequence[Pixels]) -> None:
    done, png = cv2.imencode(".png", pictures[0][:, :, ::-1])
    assert done
    assert hashed(png.tobytes()) == [(0, pdq(pictures[0]))]


def test_what_is_no_media_of_ours_is_refused(pictures: Sequence[Pixels]) -> None:
    playlists = (
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        b"DASH<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
    )
    for text in playlists:
        with pytest.raises(UnsupportedMedia):
            opened(text)
    for codec, container in (("mpeg2video", "matroska"), ("libx264", "mpegts"), ("ffv1", "matroska")):
        with pytest.raises(MediaError):
            list(opened(encoded(pictures[:2], codec, container)).frames)
    audio = io.BytesIO()
    with av.open(audio, "w", format="mp4") as output:
        stream: Any = output.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(UnsupportedMedia, match="no video"):
        opened(audio.getvalue())


def test_a_playlist_in_a_container_s_clothes_opens_nothing(tmp_path: Path, pictures: Sequence[Pixels]) -> None:
    """A QuickTime file whose samples are said to lie in another file."""
    data = encoded(pictures[:3], container="mov")
    secret = tmp_path / "secret"
    secret.write_bytes(data)
    place = data.index(b"dref")
    self_contained = data.index(b"url \0\0\0\1", place)
    outside = data[:self_contained] + b"alis\0\0\0\0" + data[self_contained + 8 :]
    try:
        found = hashed(outside)
    except MediaError:
        return
    assert found == hashed(data)  # the reference is not followed: the samples are this file's own


def lowered(**values: float) -> MediaLimits:
    return MediaLimits(**values)  # type: ignore[arg-type]


def drawn(data: bytes, options: VideoOptions = EVERY, **limits: float) -> tuple[int, Incomplete | None]:
    footage = opened(data, options, lowered(**limits))
    return sum(1 for _ in footage.frames), footage.incomplete


def test_limits_leave_a_part_out_and_say_so(pictures: Sequence[Pixels]) -> None:
    data = encoded(pictures)
    assert drawn(data) == (30, None)
    assert drawn(data, max_video_frames=30) == (30, None)
    assert drawn(data, max_video_frames=7) == (7, Incomplete.FRAMES)
    assert drawn(data, max_video_seconds=2) == (20, Incomplete.SECONDS)
    assert drawn(data, max_video_seconds=3) == (30, None)
    assert drawn(data, VideoOptions(), max_video_seconds=2) == (2, Incomplete.SECONDS)
    gif = animated(pictures, "WEBP")
    assert drawn(gif, max_video_frames=7) == (7, Incomplete.FRAMES)
    for limits in ({"max_video_bytes": len(data) - 1}, {"max_side": 159}, {"max_pixels": 160 * 120 - 1}):
        with pytest.raises(MediaTooLarge) as caught:
            opened(data, limits=lowered(**limits))
        assert caught.value.details["limit"] in limits


def test_time_that_is_up_ends_it(pictures: Sequence[Pixels]) -> None:
    footage = opened(encoded(pictures), limits=lowered(max_video_decode_seconds=1e-9))
    with pytest.raises(MediaTooLarge, match="max_video_decode_seconds"):
        list(footage.frames)


@pytest.mark.parametrize(
    ("codec", "container"), [("libx264", "mp4"), ("libvpx", "webm"), ("mpeg4", "avi"), ("libx264", "matroska")]
)
@pytest.mark.parametrize("options", [EVERY, VideoOptions(interval=300_000), VideoOptions(Selection.KEYFRAMES)])
def test_a_truncated_file_is_an_error_or_incomplete(
    codec: str, container: str, options: VideoOptions, pictures: Sequence[Pixels]
) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov"} if container == "mp4" else {}
    data = encoded(pictures, codec, container, options={"g": "10"}, container_options=fragments)
    whole = hashed(data, options)
    partial = 0
    for cut in [*range(1, 200, 23), *range(200, len(data) - 1, max(1, len(data) // 40)), len(data) - 1]:
        try:
            footage = opened(data[:cut], options)
            found = [picked.time for picked in footage.frames]
        except MediaError:
            continue
        partial += 1
        assert footage.incomplete is Incomplete.DAMAGED, cut
        assert 1 <= len(found) <= len(whole) + 1
    assert partial > 3 or container == "avi"


@pytest.mark.parametrize(
    ("codec", "container"),
    [
        ("libx264", "mp4"),
        ("libx265", "mp4"),
        ("libvpx", "webm"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
        ("mpeg4", "avi"),
    ],
)
def test_a_damaged_file_is_an_error_or_frames(codec: str, container: str, pictures: Sequence[Pixels]) -> None:
    data = encoded(pictures[:10], codec, container)
    random = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), int(random.integers(1, 40))):
            damaged[place] = int(random.integers(256))
        options = VideoOptions(list(Selection)[int(random.integers(3))], 200_000)
        try:
            times = [time for time, _ in hashed(bytes(damaged), options, lowered(max_video_frames=100))]
        except MediaError:
            continue
        assert times == sorted(times)
        assert times


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize("name", ["chair-19-sd-bar", "chair-20-sd-bar", "doorknob-hd-no-bar", "test-padded-dimensions"])
def test_the_corpus_has_the_hashes_of_its_reference(name: str) -> None:
    reference = [line.split(",") for line in (CORPUS / f"{name}.txt").read_text().split()]
    found = hashed((CORPUS / f"{name}.mp4").read_bytes())
    assert len(found) == len(reference)
    distances = []
    for (time, value), (_, quality, text, seconds) in zip(found, reference, strict=True):
        assert abs(time / SECOND - float(seconds)) < 0.001
        assert abs((value.quality or 0) - int(quality)) <= 2
        if int(quality) >= 50 and (value.quality or 0) >= 50:
            distances.append(distance(value, Hash.from_hex("pdq", text)))
    assert max(distances) <= 10
    assert np.mean(distances) < 3
