"""The hash sharing service of the National Center for Missing & Exploited Children."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from typing import Any, ClassVar, Final, cast

import dacite
from threatexchange.exchanges.clients.ncmec.hash_api import NCMECEntryUpdate, NCMECEnvironment, NCMECHashAPI
from threatexchange.exchanges.impl.ncmec_api import NCMECCheckpoint, NCMECCollabConfig, NCMECSignalExchangeAPI

from hashmatch.errors import InvalidField
from hashmatch.exchange.api import URL, Api, user_and_password
from hashmatch.exchange.records import Records
from hashmatch.types import Page

_KINDS: Final = {"pdq": "pdq", "md5": "md5"}
"""The fingerprints that are kinds here, for images and videos alike."""


@dataclass(frozen=True)
class _Address:
    """Stands for one of the library's environments, of which it reads the address alone."""

    value: str


class _Exchange(NCMECSignalExchangeAPI):
    """The library's, at an address of its own."""

    url = ""

    def get_client(self, environment: NCMECEnvironment) -> NCMECHashAPI:
        return super().get_client(cast("NCMECEnvironment", _Address(self.url)) if self.url else environment)


class Ncmec(Api):
    """Entries are fetched by the time they changed; nothing is forgotten there, and deleted entries are told."""

    options: ClassVar = {
        "environment": f"one of {', '.join(each.name for each in NCMECEnvironment)}",
        "members": "take the entries of these alone: numbers, separated by commas",
        "url": URL,
    }
    required: ClassVar = frozenset({"environment"})
    needs: ClassVar = "user:password"

    def checked(self, options: Mapping[str, str]) -> Mapping[str, str]:
        super().checked(options)
        if options["environment"] not in NCMECEnvironment.__members__:
            raise InvalidField("environment", f"must be {self.options['environment']}")
        _members(options)
        return options

    def secrets(self, text: str) -> tuple[str, ...]:
        return (user_and_password(text)[1],)

    def pages(self, options: Mapping[str, str], secret: str, checkpoint: Mapping[str, Any] | None) -> Iterator[Page]:
        config = NCMECCollabConfig(name="", environment=NCMECEnvironment[options["environment"]])
        exchange = _Exchange(config, *user_and_password(secret))
        exchange.url = options.get("url", "")
        members = _members(options)
        start = None if checkpoint is None else dacite.from_dict(NCMECCheckpoint, dict(checkpoint))
        if start is not None and start.paging_info:
            _let_pass(start.paging_info.paging_end_ts)
        with _in_utc():
            for delta in exchange.fetch_iter((), start):
                records = Records()
                for name, update in delta.updates.items():
                    if update is not None:
                        _put(records, name, update, members)
                yield records.page(delta.checkpoint)


def _put(records: Records, name: str, update: NCMECEntryUpdate, members: frozenset[int]) -> None:
    if update.deleted or (members and update.member_id not in members):
        records.withdraw(name)
        return
    found = [(_KINDS[kind], digits) for kind, digits in update.fingerprints.items() if kind in _KINDS]
    labels = [update.entry_type.value, update.classification or ""]
    records.put(name, found, labels, f"member {update.member_id}")


def _members(options: Mapping[str, str]) -> frozenset[int]:
    try:
        return frozenset(map(int, filter(None, options.get("members", "").split(","))))
    except ValueError:
        raise InvalidField("members", "must be numbers, separated by commas") from None


def _let_pass(end: int) -> None:
    """Wait until a fetch of now would end later than one that is to go on: the library counts whole seconds."""
    while int(time.time()) - 5 <= end:
        time.sleep(0.1)


@contextmanager
def _in_utc() -> Iterator[None]:
    """The library writes local times and says that they are UTC: in another time zone, entries would be missed."""
    before = environ.get("TZ")
    environ["TZ"] = "UTC"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del environ["TZ"]
        else:
            environ["TZ"] = before
        time.tzset()


API = Ncmec()
