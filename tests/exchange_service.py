"""A web service on the loopback that speaks as the exchanges do, for the real clients of them.

Written from what the threatexchange library's own tests show of the services' answers; none of the services itself
was at hand.
"""

import base64
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

PAGE = 2
"""Records on one page."""


@dataclass
class Service:
    """What it holds, who may ask, and what was asked."""

    url: str = ""
    user: str = "somebody"
    password: str = "correct horse/battery+staple="
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths and queries, in their order."""
    failures: int = 0
    """So many requests more are answered with 503."""
    ncmec: list[dict[str, Any]] = field(default_factory=list)
    stopncii: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    terrorism: list[dict[str, Any]] = field(default_factory=list)
    hold_at: int = -1
    """The request, counted from 0, that waits until it is let go."""
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def ncmec_secret(self) -> str:
        return f"{self.user}:{self.password}"

    keys: ClassVar = ("function-key-of-ours", "subscription-key-of-ours")
    token: ClassVar = "1234567890|app_secret-of_24_letters"

    def queries(self, path: str) -> list[dict[str, str]]:
        return [query for each, query in self.asked if each == path]


@contextmanager
def running_service() -> Iterator[Service]:
    service = Service()
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            service.let_go.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        service = self.service
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        service.asked.append((parts.path, query))
        if service.hold_at == len(service.asked) - 1:
            service.held.set()
            service.let_go.wait(60)
        if service.failures:
            service.failures -= 1
            self._answer(503, b"try again")
            return
        answer = _ANSWERS.get(parts.path)
        if answer is None:
            self._answer(404, b"")
            return
        try:
            self._answer(200, answer(service, query, self.headers))
        except PermissionError:
            self._answer(401, b"")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if (form["username"], form["password"]) != ([self.service.user], [self.service.password]):
            self._answer(401, b"")
            return
        self._answer(200, json.dumps({"token": "fresh-bearer", "user": {}}).encode())

    def _answer(self, code: int, body: bytes) -> None:
        try:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked was killed
            pass


def _ncmec(service: Service, query: dict[str, str], headers: Any) -> bytes:
    """Entries that changed from a time to another, not in the order of their times."""
    basic = base64.b64encode(service.ncmec_secret.encode()).decode()
    _require(headers["Authorization"] == f"Basic {basic}")
    start, end = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
    found = [each for each in service.ncmec if start <= datetime.fromtimestamp(each["time"], UTC) < end]
    first = int(query.get("start", 0))
    page = found[first : first + PAGE]
    more = ""
    if first + PAGE < len(found):
        times = "".join(f"{name}={quote(query[name], safe='')}&" for name in ("from", "to"))
        more = escape(f"/v2/entries?{times}start={first + PAGE}&size={PAGE}&max={len(found)}")
        more = f"<paging><next>{more}</next></paging>"
    sorts = "".join(_sort(sort, [each for each in page if each["sort"] == sort]) for sort in ("image", "video"))
    xmlns = 'xmlns="https://hashsharing.ncmec.org/hashsharing/v2"'
    return f'<?xml version="1.0" encoding="UTF-8"?><queryResult {xmlns}>{sorts}{more}</queryResult>'.encode()


def _sort(sort: str, page: Sequence[dict[str, Any]]) -> str:
    if not page:
        return ""
    entries = "".join(map(_entry, page))
    last = _stamp(max(each["time"] for each in page))
    return f'<{sort}s count="{len(page)}" maxTimestamp="{last}">{entries}</{sort}s>'


def _entry(each: dict[str, Any]) -> str:
    tag = f"deleted{each['sort'].title()}" if each.get("deleted") else each["sort"]
    prints = "".join(f"<{kind}>{value}</{kind}>" for kind, value in each.get("prints", {}).items())
    held = "" if each.get("deleted") else f"<classification>A1</classification><fingerprints>{prints}</fingerprints>"
    member = f'<member id="{each.get("member", 42)}">Somebody</member>'
    return f"<{tag}>{member}<timestamp>{_stamp(each['time'])}</timestamp><id>{each['id']}</id>{held}</{tag}>"


def _stamp(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _stopncii(service: Service, query: dict[str, str], headers: Any) -> bytes:
    """Records from a time on, in the order of their times."""
    _require((headers["x-functions-key"], headers["Ocp-Apim-Subscription-Key"]) == service.keys)
    start = int(query["startTimestamp"])
    found = [each for each in service.stopncii if each["lastModtimestamp"] >= start]
    first = int(query.get("nextPageToken", 0))
    page = found[first : first + PAGE]
    answer = {
        "count": len(page),
        "nextSetTimestamp": page[-1]["lastModtimestamp"] + 1 if page else start,
        "nextPageToken": str(first + PAGE),
        "hasMoreRecords": first + PAGE < len(found),
        "hashRecords": page,
    }
    return json.dumps(answer).encode()


def _updates(service: Service, query: dict[str, str], _: Any) -> bytes:
    """A privacy group's updates from a time on."""
    _require(query["access_token"] == service.token)
    found = [each for each in service.updates if each["last_updated"] >= int(query.get("start_time", 0))]
    first = int(query.get("after", 0))
    answer: dict[str, Any] = {"data": found[first : first + PAGE]}
    if first + PAGE < len(found):
        token = quote(service.token)
        start = query.get("start_time", "0")
        after = f"after={first + PAGE}&start_time={start}&access_token={token}"
        answer["paging"] = {"next": f"{service.url}/v1/303636684709969/threat_updates/?{after}"}
    return json.dumps(answer).encode()


def _terrorism(service: Service, query: dict[str, str], headers: Any) -> bytes:
    """Entries after the one that a checkpoint names."""
    _require(headers["Authorization"] == "Bearer fresh-bearer")
    after = float(query["after"].partition(",")[0]) if query.get("after") else 0.0
    found = [each for each in service.terrorism if each["updated_on"] > after]
    first = int(query.get("offset", 0))
    page = found[first : first + PAGE]
    answer = {
        "count": len(found),
        "next": f"limit={PAGE}&offset={first + PAGE}" if first + PAGE < len(found) else None,
        "previous": None,
        "checkpoint": f"{page[-1]['updated_on']},{page[-1]['id']}" if page else "",
        "results": page,
    }
    return json.dumps(answer).encode()


def _require(allowed: bool) -> None:
    if not allowed:
        raise PermissionError


_ANSWERS = {
    "/v2/entries": _ncmec,
    "/FetchHashes": _stopncii,
    "/v1/303636684709969/threat_updates/": _updates,
    "/api/hash-list/v2/all": _terrorism,
}
