"""The log at its default level: what happened, and nothing of what was sent."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import errors
from hashmatch.client import Client
from hashmatch.types import Bank, Hash, MatchOptions
from hashmatch.v1 import match_pb2, match_pb2_grpc
from tests.command import environment
from tests.servers import running_server

SECRET = "a-name-that-tells-whose-it-is"


def test_it_tells_reasons_and_no_content(tmp_path: Path, photos: dict[str, NDArray[np.uint8]]) -> None:
    done, encoded = cv2.imencode(".jpg", photos["rocket"])
    assert done
    picture = encoded.tobytes()
    with running_server(tmp_path) as server:
        with Client(server.address) as client:
            client.create_bank(Bank("any", description=SECRET))
            found = client.match_image(picture)
            list(client.match_many([(SECRET, picture), (SECRET * 20, picture), (SECRET, picture[:2000])]))
            client.lookup_hashes([Hash("pdq", found.hash.bits, 100)])
            for call in (
                lambda: client.match_image(picture[:2000]),
                lambda: client.match_image(SECRET.encode() * 10),
                lambda: client.match_image(picture, MatchOptions(kinds=(SECRET,))),
                lambda: client.lookup_hashes([Hash(SECRET, found.hash.bits)]),
                lambda: client.get_bank(SECRET),
            ):
                with pytest.raises((errors.InvalidInput, errors.NotFound)):
                    call()
        channel = grpc.insecure_channel(server.address)
        stub = match_pb2_grpc.MatchServiceStub(channel)
        with suppress(grpc.RpcError):  # a busy machine may answer in time
            stub.MatchImage(match_pb2.MatchImageRequest(media=picture), metadata=(("x-file", SECRET),), timeout=0.0001)
        channel.close()
    log = server.log.read_text()
    events = [json.loads(line) for line in log.splitlines()]
    assert {"CORRUPT_MEDIA", "UNSUPPORTED_MEDIA", "INVALID_FIELD", "NOT_FOUND"} <= {
        event.get("reason") for event in events
    }
    for private in (SECRET, found.hash.hex, found.hash.hex[:16], "JFIF", "\\xff\\xd8"):
        assert private not in log


def test_libraries_log_in_the_same_form() -> None:
    program = f"""
import logging
from hashmatch.cli.logs import LogLevel, configure_logging
configure_logging(LogLevel.WARNING)
logger = logging.getLogger("library.part")
logger.info("unheard")
logger.warning("tried %d times", 3)
def work(media):
    raise RuntimeError("a defect")
try:
    work(b"{SECRET}"[1:])
except RuntimeError:
    logger.exception("failed")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    tried, failed = map(json.loads, done.stderr.splitlines())
    assert (tried["event"], tried["level"], tried["library"]) == ("tried 3 times", "warning", "library")
    assert (failed["event"], failed["level"]) == ("failed", "error")
    assert failed["exception"][0]["exc_value"] == "a defect"
    assert SECRET[1:] not in done.stderr


@pytest.mark.parametrize("terminal", [False, True])
def test_a_trace_has_no_values(terminal: bool) -> None:
    """A defect's trace passes through frames whose variables are media."""
    program = f"""
import structlog, sys
from hashmatch.cli.logs import LogLevel, configure_logging
sys.stderr.isatty = lambda: {terminal}
configure_logging(LogLevel.INFO)
def match_image(media):
    raise RuntimeError("a defect")
try:
    match_image(b"{SECRET}"[1:])
except RuntimeError:
    structlog.get_logger().exception("call failed")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment(NO_COLOR="1")
    )
    assert "a defect" in done.stderr
    assert "match_image" in done.stderr
    assert SECRET[1:] not in done.stderr.replace(f'match_image(b"{SECRET}"[1:])', "")
