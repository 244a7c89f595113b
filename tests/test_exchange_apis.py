"""Each interface against a web service that speaks as the real one does: what is new, what was withdrawn, and where
to go on.
"""

import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import InvalidField
from hashmatch.exchange import API_NAMES, Secret, api_named
from hashmatch.types import Page
from tests.exchange_service import Service, running_service

PDQ = [f"{number:02x}" * 32 for number in range(20)]
MD5 = [f"{number:02x}" * 16 for number in range(9)]
NCMEC_URL = {"environment": "test_Industry"}


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


def held(pages: list[Page]) -> dict[str, set[str]]:
    """What records hold in the end: kinds and digits."""
    records: dict[str, set[str]] = {}
    for page in pages:
        records |= {name: {f"{each.hash.kind} {each.hash.hex}" for each in some} for name, some in page.records.items()}
    return {name: hashes for name, hashes in records.items() if hashes}


def kept(page: Page) -> Mapping[str, Any]:
    """A checkpoint as the database gives it back."""
    found: Mapping[str, Any] = json.loads(json.dumps(page.checkpoint))
    return found


def labels(pages: list[Page]) -> dict[str, tuple[str, ...]]:
    return {name: some[0].provenance.labels for page in pages for name, some in page.records.items() if some}


def test_every_interface_says_what_it_needs() -> None:
    for name in API_NAMES:
        api = api_named(name)
        assert api.required <= api.options.keys()
        with pytest.raises(InvalidField, match="unheard-of"):
            api.checked({"unheard-of": "x"})
        if api.needs:
            for url in ("http://example.org", "ftp://example.org", "https://user:x@example.org", "https://a/?key=x"):
                with pytest.raises(InvalidField, match="url"):
                    api.checked(
                        {"privacy_group": "1", **NCMEC_URL, "url": url} if name == "ncmec" else _filled(name, url)
                    )
    with pytest.raises(InvalidField, match="api"):
        api_named("unknown")


def _filled(name: str, url: str) -> dict[str, str]:
    needed = {"privacy_group": "1"} if name == "fb_threatexchange" else {}
    return {**needed, "url": url}


def test_local_file(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(f"pdq {PDQ[1]}\nvideo_md5 {MD5[1].upper()}\n\npdq beef\nurl http://example.org\nmd5 {MD5[2]}\n")
    api = api_named("local_file")
    options = api.checked({"file": str(file)})
    (page,) = api.pages(options, "", None)
    assert held([page]) == {
        f"pdq:{PDQ[1]}": {f"pdq {PDQ[1]}"},
        f"md5:{MD5[1]}": {f"md5 {MD5[1]}"},
        f"md5:{MD5[2]}": {f"md5 {MD5[2]}"},
    }
    assert (page.checkpoint, len(page.bad)) == (None, 2)
    file.write_text(f"{PDQ[1]}\n{PDQ[2]}\n")
    (page,) = api.pages(api.checked({"file": str(file), "kind": "pdq"}), "", None)
    assert len(held([page])) == 2
    with pytest.raises(InvalidField, match="file"):
        api.checked({"file": str(tmp_path)})


def test_ncmec(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another time zone too: times there are UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    now = int(time.time())
    api = api_named("ncmec")
    options = api.checked({**NCMEC_URL, "url": service.url, "members": "42,43"})
    service.ncmec = [
        {"id": f"image{at}", "sort": "image", "time": now - 40 + at, "prints": {"pdq": PDQ[at], "md5": MD5[at]}}
        for at in range(5)
    ]
    service.ncmec += [
        {"id": "clip", "sort": "video", "time": now - 30, "prints": {"md5": MD5[7], "sha1": "a" * 40}},
        {"id": "theirs", "sort": "image", "time": now - 30, "member": 7, "prints": {"md5": MD5[8]}},
        {"id": "broken", "sort": "image", "time": now - 30, "prints": {"md5": "beef"}},
        {"id": "gone", "sort": "image", "time": now - 30, "deleted": True},
    ]
    pages = list(api.pages(options, service.ncmec_secret, None))
    expected = {f"42-image{at}": {f"pdq {PDQ[at]}", f"md5 {MD5[at]}"} for at in range(5)}
    assert held(pages) == expected | {"42-clip": {f"md5 {MD5[7]}"}}
    assert labels(pages)["42-clip"] == ("A1", "video")
    assert any(page.records.get("42-gone") == () for page in pages)
    assert [bad for page in pages for bad in page.bad if "42-broken" in bad]

    reached = kept(pages[-1])["get_entries_max_ts"]
    while int(time.time()) - 5 <= reached:
        time.sleep(0.05)
    service.ncmec = [{"id": "image0", "sort": "image", "time": reached, "deleted": True}]
    news = list(api.pages(options, service.ncmec_secret, kept(pages[-1])))
    assert [page.records for page in news] == [{"42-image0": ()}]
    monkeypatch.undo()
    time.tzset()


def test_ncmec_goes_on_in_the_middle_of_a_page(service: Service) -> None:
    now = int(time.time())
    service.ncmec = [
        {"id": f"image{at}", "sort": "image", "time": now - 8, "prints": {"pdq": PDQ[at]}} for at in range(6)
    ]
    api = api_named("ncmec")
    options = {**NCMEC_URL, "url": service.url}
    pages = api.pages(options, service.ncmec_secret, None)
    first = next(page for page in pages if page.records)
    del pages
    rest = list(api.pages(options, service.ncmec_secret, kept(first)))
    assert len(held([first])) == 2
    assert len(held([first, *rest])) == 6
    assert len(held(rest)) == 4


def record(at: int, status: str = "Active", **more: Any) -> dict[str, Any]:
    return {
        "lastModtimestamp": 1_625_000_000 + at,
        "hashValue": PDQ[at],
        "hashStatus": status,
        "caseNumbers": {"27664732-76e1-4a17-8099-455798e67022": status},
        "signalType": "ImagePDQ",
        **more,
    }


def test_stopncii(service: Service) -> None:
    feedback = {"source": "Somebody", "feedbackValue": "Blocked", "tags": ["nude"]}
    unheard = {"source": "Somebody", "feedbackValue": "Undefined", "tags": []}
    service.stopncii = [
        record(0),
        record(1, CSPFeedbacks=[feedback]),
        record(2, signalType="URL", hashValue="http://example.org"),
        record(3, signalType="VideoMD5", hashValue=MD5[3].upper()),
        record(4, caseNumbers=[]),
        record(5, hashValue=7),
    ]
    api = api_named("stopncii")
    secret = ",".join(service.keys)
    pages = list(api.pages({"url": service.url}, secret, None))
    assert held(pages) == {
        **{f"ImagePDQ:{PDQ[at]}": {f"pdq {PDQ[at]}"} for at in (0, 1, 4)},
        f"VideoMD5:{MD5[3]}": {f"md5 {MD5[3]}"},
    }
    assert labels(pages)[f"ImagePDQ:{PDQ[1]}"] == ("nude",)
    assert [page.bad for page in pages if page.bad] == [("1 of 2 records are malformed",)]
    service.stopncii += [
        record(0, "Withdrawn", lastModtimestamp=1_625_000_100, CSPFeedbacks=[unheard]),
        record(1, "Deleted", lastModtimestamp=1_625_000_101),
    ]
    news = list(api.pages({"url": service.url}, secret, kept(pages[-1])))
    assert held([*pages, *news]).keys() == {f"ImagePDQ:{PDQ[4]}", f"VideoMD5:{MD5[3]}"}
    assert service.asked[-1][1]["startTimestamp"] == "1625000006"
    assert not api.is_stale(kept(pages[-1]))
    assert api.is_stale({**kept(pages[-1]), "last_fetch_time": int(time.time()) - 31 * 86_400})


def update(at: int, status: str = "MALICIOUS", **more: Any) -> dict[str, Any]:
    descriptor = {"id": f"9{at}", "owner": {"id": "5"}, "status": status, "tags": {"data": [{"text": "bad"}]}}
    return {
        "id": str(at),
        "indicator": PDQ[at],
        "type": "HASH_PDQ",
        "last_updated": 1_700_000_000 + at,
        "should_delete": False,
        "descriptors": {"data": [descriptor]},
        **more,
    }


def test_fb_threatexchange(service: Service) -> None:
    service.updates = [
        update(0),
        update(1, "NON_MALICIOUS"),
        update(2, type="HASH_VIDEO_MD5", indicator=MD5[2]),
        update(3, type="URI", indicator="http://example.org"),
        update(4, "UNKNOWN"),
    ]
    api = api_named("fb_threatexchange")
    options = api.checked({"privacy_group": "303636684709969", "url": f"{service.url}/v1"})
    pages = list(api.pages(options, service.token, None))
    assert held(pages) == {
        f"HASH_PDQ:{PDQ[0]}": {f"pdq {PDQ[0]}"},
        f"HASH_VIDEO_MD5:{MD5[2]}": {f"md5 {MD5[2]}"},
        f"HASH_PDQ:{PDQ[4]}": {f"pdq {PDQ[4]}"},
    }
    assert labels(pages)[f"HASH_PDQ:{PDQ[0]}"] == ("bad",)
    service.updates += [
        update(0, last_updated=1_700_000_100, should_delete=True),
        update(4, "NON_MALICIOUS", last_updated=1_700_000_101),
    ]
    news = list(api.pages(options, service.token, kept(pages[-1])))
    assert held([*pages, *news]).keys() == {f"HASH_VIDEO_MD5:{MD5[2]}"}
    service.updates = []
    assert held(list(api.pages(options, service.token, None))) == {}
    assert api.is_stale({**kept(pages[-1]), "last_fetch_time": int(time.time()) - 86 * 86_400})


def entry(at: int, **more: Any) -> dict[str, Any]:
    return {
        "hash_digest": PDQ[at],
        "algorithm": "PDQ",
        "ideology": "islamist",
        "file_type": "png",
        "deleted": False,
        "updated_on": 1_700_000_000.5 + at,
        "created_on": "2025-03-03 23:05:22,587",
        "id": at,
        **more,
    }


def test_tech_against_terrorism(service: Service) -> None:
    service.terrorism = [
        entry(0),
        entry(1, algorithm="MD5", hash_digest=MD5[1], file_type="jpg"),
        entry(2, algorithm="TMK", hash_digest="x"),
        entry(3),
    ]
    api = api_named("tech_against_terrorism")
    options = {"url": service.url}
    pages = list(api.pages(options, service.ncmec_secret, None))
    expected = {f"PDQ:{PDQ[at]}": {f"pdq {PDQ[at]}"} for at in (0, 3)}
    assert held(pages) == expected | {f"MD5:{MD5[1]}": {f"md5 {MD5[1]}"}}
    assert labels(pages)[f"PDQ:{PDQ[0]}"] == ("islamist", "png")
    service.terrorism.append(entry(0, updated_on=1_700_000_100.5, deleted=True))
    news = list(api.pages(options, service.ncmec_secret, kept(pages[-1])))
    assert held([*pages, *news]).keys() == {f"PDQ:{PDQ[3]}", f"MD5:{MD5[1]}"}
    nothing = list(api.pages(options, service.ncmec_secret, kept(news[-1])))
    assert [page.records for page in nothing] == [{}]
    assert kept(nothing[-1]) == kept(news[-1])


@pytest.mark.parametrize("name", [name for name in API_NAMES if name != "local_file"])
def test_what_fails_for_a_moment_is_asked_again(service: Service, name: str) -> None:
    secrets = {"stopncii": ",".join(service.keys), "fb_threatexchange": service.token}
    options = {"url": f"{service.url}/v1" if name == "fb_threatexchange" else service.url}
    needed = {"fb_threatexchange": {"privacy_group": "303636684709969"}, "ncmec": NCMEC_URL}
    service.failures = 2
    list(api_named(name).pages({**options, **needed.get(name, {})}, secrets.get(name, service.ncmec_secret), None))
    assert service.failures == 0


def test_secrets_do_not_show(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("user:pass word/x+", ("pass word/x+",))
    shown = (
        "user:pass word/x+ pass%20word%2Fx%2B pass+word%2Fx%2B dXNlcjpwYXNzIHdvcmQveCs= user",
        ["pass word/x+"],
        secret,
    )
    for each in shown:
        assert "word" not in secret.hide(each)
        assert "dXNl" not in secret.hide(each)
    assert secret.hide(shown[0]).endswith(" user")
    told: list[str] = []
    with secret.logged(told.append):
        logging.getLogger("urllib3.connectionpool").warning("Retrying: %s", "/x?access_token=pass%20word%2Fx%2B")
        logging.getLogger().info("not told")
    assert told == ["Retrying: /x?access_token=***"]
    assert caplog.records == []
    assert "word" not in repr(secret)
    assert not dataclasses.is_dataclass(secret)
