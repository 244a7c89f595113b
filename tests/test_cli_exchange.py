"""`hashmatch exchange` on a real database, from a file and from a web service that speaks as the real ones do."""

import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.cli.child import ServerProcess
from hashmatch.client import Client
from hashmatch.store import Store
from hashmatch.types import Bank, Hash, MatchOptions
from tests.command import COMMAND, Ended, called, environment, hashmatch
from tests.exchange_service import PAGE, Service, running_service
from tests.test_exchange_apis import record, update

FB = ("--api", "fb_threatexchange", "--set", "privacy_group=303636684709969")
NCMEC = ("--api", "ncmec", "--set", "environment=NGO")


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


class Followed:
    """A database with one bank, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with Store.open(self.url) as store:
            store.create_bank(Bank("known"))

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'hashmatch.db'}"

    def __call__(self, command: str, *arguments: object) -> Ended:
        return called("exchange", command, *arguments, "--data-dir", self.folder)

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        command = [*COMMAND, "exchange", "fetch", name, "--data-dir", str(self.folder)]
        return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def follow(self, name: str, *options: object, secret: str = "") -> None:
        if secret:
            key = self.folder / f"{name}.key"
            key.touch(0o600)
            key.write_text(f"{secret}\n")
            options = (*options, "--credentials", key)
        added = self("add", name, "--bank", "known", *options)
        assert (added.code, added.err) == (0, "")

    def digits(self) -> list[str]:
        with sqlite3.connect(self.folder / "hashmatch.db") as database:
            found = database.execute(
                "select lower(hex(bits)) from entries where removed is null order by id"
            ).fetchall()
        database.close()
        return [text for (text,) in found]

    def bytes(self) -> bytes:
        """Of every file of the database."""
        return b"".join(path.read_bytes() for path in self.folder.glob("hashmatch.db*"))


@pytest.fixture
def bank(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


def hashes(count: int) -> list[str]:
    source = random.Random(count)
    return [source.randbytes(32).hex() for _ in range(count)]


def test_a_file_is_followed_from_its_first_line_to_its_removal(bank: Followed, tmp_path: Path) -> None:
    one, two, three = hashes(3)
    file = tmp_path / "list"
    file.write_text(f"pdq {one}\npdq {two}\nnonsense\nvideo_md5 beef\n")
    bank.follow("theirs", "--api", "local_file", "--set", f"file={file}")
    (listed,) = bank("list", "--json").objects
    assert listed == {
        "exchange": "theirs",
        "api": "local_file",
        "bank": "known",
        "settings": {"file": str(file)},
        "credentials": "",
    }
    assert "never fetched" in bank("status").out
    first = bank("fetch", "--json")
    assert (first.code, "beef" in first.err) == (3, True)
    assert first.object == {"exchange": "theirs", "added": 2, "removed": 0, "unchanged": 0, "bad": 1}
    file.write_text(f"pdq {two}\npdq {three}\n")
    second = bank("fetch", "theirs")
    assert (second.code, second.out) == (0, "theirs: added 1, removed 1, unchanged 1\n")
    assert bank.digits() == [two, three]
    with Store.open(bank.url) as store:
        entries = store.list_entries("known")
    assert {entry.provenance.source for entry in entries} == {"exchange:theirs"}
    assert [entry.provenance.content_id for entry in entries] == [f"pdq:{two}", f"pdq:{three}"]
    (status,) = bank("status", "--json").objects
    assert (status["entries"], status["error"], status["checkpoint"]) == (2, "", None)
    assert "fetched" in bank("status", "theirs").out
    assert "theirs" in bank("list").out
    assert bank("remove", "theirs").out.endswith("kept its 2 entries\n")
    bank.follow("theirs", "--api", "local_file", "--set", f"file={file}")
    assert bank("fetch").out == "theirs: added 0, removed 0, unchanged 2\n"
    assert bank("remove", "theirs", "--entries").out.endswith("removed its 2 entries\n")
    assert bank.digits() == []
    assert bank("list", "--json").objects == []


def test_of_many_bad_hashes_the_first_are_told(bank: Followed, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("".join(f"pdq {number:x}0\n" for number in range(30)))
    bank.follow("theirs", "--api", "local_file", "--set", f"file={file}")
    ended = bank("fetch")
    assert (ended.code, len(ended.err.splitlines())) == (3, 20)
    assert ended.out == "theirs: added 0, removed 0, unchanged 0, 30 not taken over\n"


def test_what_is_fetched_matches_in_a_running_server(server: ServerProcess, tmp_path: Path) -> None:
    (digits,) = hashes(1)
    file = tmp_path / "list"
    file.write_text(f"{digits}\n")
    options = ("--data-dir", server.data_dir)
    with Client(server.address) as client:
        client.create_bank(Bank("followed"))
        add = ("exchange", "add", "list", "--api", "local_file", "--bank", "followed")
        assert called(*add, "--set", f"file={file}", "--set", "kind=pdq", *options).code == 0
        assert called("exchange", "fetch", *options).code == 0
        with Store.open(f"sqlite:///{server.data_dir / 'hashmatch.db'}") as store:
            (entry,) = store.list_entries("followed")
        (found,) = client.lookup_hashes([Hash.from_hex("pdq", digits)], MatchOptions(min_revision=entry.revision))
    assert [match.provenance.source for match in found.matches] == ["exchange:list"]


def test_what_cannot_be_followed_is_refused(bank: Followed, tmp_path: Path) -> None:
    def refused(*arguments: object) -> tuple[int, str]:
        ended = bank("add", *arguments)
        assert ended.out == ""
        return ended.code, ended.err

    known = ("--bank", "known")
    assert refused("a", "--api", "unknown", *known)[0] == 5
    assert refused("a", *NCMEC, "--bank", "nowhere")[0] == 5
    assert refused("Not A Name", *NCMEC, *known)[0] == 5
    assert refused("a", *NCMEC, *known, "--set", "password=x")[0] == 5
    assert refused("a", *NCMEC, *known, "--set", "novalue")[0] == 2
    assert "must be said" in refused("a", "--api", "ncmec", *known)[1]
    assert "https" in refused("a", *NCMEC, *known, "--set", "url=http://example.org")[1]
    assert bank("fetch", "nobody").code == 5
    assert bank("status", "nobody").code == 5
    assert bank("remove", "nobody").code == 5


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0, "cannot read"),
        (b"user:x", 0o644, "chmod 600"),
        (b"nonsense", 0o600, "user:password"),
        (b"\xff", 0o600, ""),
    ],
)
def test_a_secret_that_is_none_or_everybodys_is_refused(
    bank: Followed, tmp_path: Path, content: bytes | None, mode: int, said: str
) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_bytes(content)
        key.chmod(mode)
    assert bank("add", "a", *NCMEC, "--bank", "known", "--credentials", key).code == 0
    ended = bank("fetch", "a")
    assert (ended.code, said in ended.err) == (2, True)
    assert "nonsense" not in ended.err


def test_a_secret_may_be_in_the_environment_and_one_is_needed(bank: Followed, service: Service) -> None:
    service.updates = [update(0)]
    bank.follow("meta-2", *FB, "--set", f"url={service.url}/v1")
    assert "HASHMATCH_EXCHANGE_META_2" in bank("fetch").err
    fetch = ("exchange", "fetch", "--data-dir", bank.folder)
    assert hashmatch(*fetch, HASHMATCH_EXCHANGE_META_2=service.token).out == "meta-2: added 1, removed 0, unchanged 0\n"


def test_secrets_are_told_nowhere(bank: Followed, service: Service) -> None:
    """Not by a service that refuses them, nor by one that is not there, nor one that answers nonsense."""
    bank.follow("ncmec", *NCMEC, "--set", f"url={service.url}", secret=f"somebody:wrong {service.password}")
    bank.follow(
        "stopncii", "--api", "stopncii", "--set", f"url={service.url}", secret="wrong-function,wrong-subscription"
    )
    bank.follow("nowhere", *FB, "--set", "url=http://127.0.0.1:1/v1", secret=service.token)
    bank.follow("lost", *FB, "--set", f"url={service.url}/lost", secret=service.token)
    ended = hashmatch("exchange", "fetch", "--data-dir", bank.folder)
    assert ended.code == 5
    assert ended.err.count("EXCHANGE_FAILED") == 4
    assert "401" in ended.err
    assert "Retrying" in ended.err
    status = bank("status", "--json")
    shown = bank("status")
    told = (ended.out + ended.err + status.out + status.err + shown.out).encode() + bank.bytes()
    for secret in (service.password, service.token, "app_secret-of", "wrong-function", "wrong-subscription"):
        for form in (secret, secret.replace("|", "%7C"), secret.replace(" ", "%20")):
            assert form.encode() not in told
    assert all(line["error"] for line in status.objects)
    service.updates = [update(0)]
    bank.follow("meta", *FB, "--set", f"url={service.url}/v1", secret=service.token)
    assert bank("fetch", "meta").code == 0
    assert service.token.encode() not in bank.bytes()


def test_one_that_fails_keeps_no_other_from_being_fetched(bank: Followed, service: Service, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"pdq {hashes(1)[0]}\n")
    bank.follow("a-list", "--api", "local_file", "--set", f"file={tmp_path / 'list'}")
    (tmp_path / "list").rename(tmp_path / "moved")
    bank.follow("b-list", "--api", "local_file", "--set", f"file={tmp_path / 'moved'}")
    ended = bank("fetch")
    assert (ended.code, ended.out) == (5, "b-list: added 1, removed 0, unchanged 0\n")
    assert "a-list" in ended.err
    assert [bool(line["error"]) for line in bank("status", "--json").objects] == [True, False]


def test_a_fetch_that_was_killed_goes_on_where_it_was(bank: Followed, service: Service) -> None:
    service.stopncii = [record(at, hashValue=digits) for at, digits in enumerate(hashes(5 * PAGE))]
    service.hold_at = 3
    bank.follow("stopncii", "--api", "stopncii", "--set", f"url={service.url}", secret=",".join(service.keys))
    with bank.start("stopncii") as process:
        assert service.held.wait(60)
        process.send_signal(signal.SIGKILL)
    service.let_go.set()
    there = bank.digits()
    assert there == [each["hashValue"] for each in service.stopncii[: len(there)]]
    assert len(there) == 3 * PAGE
    (status,) = bank("status", "--json").objects
    assert status["checkpoint"]["update_time"] == service.stopncii[len(there)]["lastModtimestamp"]
    assert "broken off" in bank("status").out
    asked = len(service.asked)
    assert bank("fetch").out == f"stopncii: added {2 * PAGE}, removed 0, unchanged 0\n"
    assert len(service.asked) == asked + 2
    assert bank.digits() == [each["hashValue"] for each in service.stopncii]
    service.stopncii.append({**service.stopncii[0], "hashStatus": "Withdrawn", "lastModtimestamp": 1_625_009_999})
    assert bank("fetch").out == "stopncii: added 0, removed 1, unchanged 0\n"
    service.stopncii = service.stopncii[3:-1]
    assert bank("fetch", "--anew").out == f"stopncii: added 0, removed 2, unchanged {5 * PAGE - 3}\n"


def test_a_long_list_that_was_killed_is_never_there_twice(bank: Followed, tmp_path: Path) -> None:
    digits = hashes(6_000)
    file = tmp_path / "list"
    file.write_text("".join(f"{each}\n" for each in digits))
    bank.follow("long", "--api", "local_file", "--set", f"file={file}", "--set", "kind=pdq")
    with bank.start("long") as process:
        deadline = time.monotonic() + 60
        while not bank.digits():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert len(bank.digits()) in {5_000, 6_000}
    assert bank("fetch").code == 0
    assert Counter(bank.digits()) == Counter(digits)
