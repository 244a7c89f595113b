"""Meta's ThreatExchange."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import dacite
from threatexchange.exchanges.clients.fb_threatexchange.api import ThreatExchangeAPI, is_valid_app_token
from threatexchange.exchanges.clients.fb_threatexchange.threat_updates import ThreatUpdateJSON
from threatexchange.exchanges.fetch_state import AggregateSignalOpinionCategory
from threatexchange.exchanges.impl.fb_threatexchange_api import (
    FBThreatExchangeCheckpoint,
    FBThreatExchangeIndicatorRecord,
)

from hashmatch.errors import InvalidField
from hashmatch.exchange.api import URL, Api
from hashmatch.exchange.records import Records
from hashmatch.types import Page

_KINDS: Final = {
    "HASH_PDQ": "pdq",
    "HASH_MD5": "md5",
    "HASH_VIDEO_MD5": "md5",
    "HASH_SHA256": "sha256",
    "HASH_VIDEO_SHA256": "sha256",
}
_HARMLESS: Final = AggregateSignalOpinionCategory.NEGATIVE_CLASS


class _Client(ThreatExchangeAPI):
    """The library's, but its requests are bounded in time and made again: it sets both up, and passes them by."""

    def get_json_from_url(self, url: Any, params: Any = None, *, json_obj_hook: Any = None) -> Any:
        with self._get_session() as session:
            answer = session.get(url, params=params or {})
            answer.raise_for_status()
            return answer.json(object_hook=json_obj_hook)


class FbThreatExchange(Api):
    """A privacy group's indicators; those that everyone with an opinion holds harmless are not taken over."""

    options: ClassVar = {"privacy_group": "its number", "url": URL}
    required: ClassVar = frozenset({"privacy_group"})
    needs: ClassVar = "an app's token, APP|SECRET"

    def checked(self, options: Mapping[str, str]) -> Mapping[str, str]:
        super().checked(options)
        if not options["privacy_group"].isdecimal():
            raise InvalidField("privacy_group", "must be a number")
        return options

    def secrets(self, text: str) -> tuple[str, ...]:
        if not is_valid_app_token(text):
            raise ValueError("is not an app's token, APP|SECRET")
        return text, text.replace("%7C", "|").partition("|")[2]

    def is_stale(self, checkpoint: Mapping[str, Any]) -> bool:
        return dacite.from_dict(FBThreatExchangeCheckpoint, dict(checkpoint)).is_stale()

    def pages(self, options: Mapping[str, str], secret: str, checkpoint: Mapping[str, Any] | None) -> Iterator[Page]:
        client = _Client(secret.replace("%7C", "|"), endpoint_override=options.get("url"))
        reached = None if checkpoint is None else int(checkpoint["update_time"])
        cursor = client.get_threat_updates(
            int(options["privacy_group"]),
            start_time=reached,
            page_size=100,
            fields=ThreatUpdateJSON.te_threat_updates_fields(),
            decode_fn=ThreatUpdateJSON,
        )
        for updates in cursor:
            records = Records()
            for update in updates:
                _put(records, update, client.app_id)
                reached = max(reached or 0, update.time)
            yield records.page(FBThreatExchangeCheckpoint(reached or 0))


def _put(records: Records, update: ThreatUpdateJSON, app: int) -> None:
    kind = _KINDS.get(update.threat_type)
    if kind is None:
        return
    name = f"{update.threat_type}:{update.indicator.strip().lower()}"
    found = FBThreatExchangeIndicatorRecord.from_threatexchange_json(app, update)
    opinion = None if found is None else found.get_as_aggregate_opinion()
    if found is None or opinion is None or opinion.category == _HARMLESS:
        records.withdraw(name)
        return
    owners = ", ".join(sorted({str(each.owner_app_id) for each in found.opinions}))
    records.put(name, [(kind, update.indicator)], opinion.tags, f"opinions of {owners}")


API = FbThreatExchange()
