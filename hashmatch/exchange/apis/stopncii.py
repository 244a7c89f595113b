"""StopNCII.org: hashes of intimate images, made by the people whom they show."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import dacite
from threatexchange.exchanges.clients.stopncii.api import (
    StopNCIIAPI,
    StopNCIICaseStatus,
    StopNCIICSPFeedbackValue,
    StopNCIIEndpoint,
    StopNCIISignalType,
)
from threatexchange.exchanges.impl.stop_ncii_api import StopNCIICheckpoint

from hashmatch.exchange.api import URL, Api
from hashmatch.exchange.records import Records
from hashmatch.types import Page

_KINDS: Final = {StopNCIISignalType.ImagePDQ: "pdq", StopNCIISignalType.VideoMD5: "md5"}
_WITHDRAWN: Final = {StopNCIICaseStatus.Withdrawn, StopNCIICaseStatus.Deleted}


_FEEDBACK: Final = {each.value for each in StopNCIICSPFeedbackValue}


class _Client(StopNCIIAPI):
    """The library's, which drops records with feedback that it does not know, and so overlooks what was withdrawn."""

    sent = 0
    """How many records the last answer had."""

    def _get(self, endpoint: StopNCIIEndpoint, **params: Any) -> Any:
        answer = super()._get(endpoint, **params)
        records = answer.get("hashRecords", [])
        self.sent = len(records)
        for feedback in (each for record in records for each in record.get("CSPFeedbacks") or []):
            if feedback.get("feedbackValue") not in _FEEDBACK:
                feedback["feedbackValue"] = StopNCIICSPFeedbackValue.Unknown.value
        return answer


class StopNcii(Api):
    """Uses the library's client, and not what it makes of records: that overlooks that cases were withdrawn."""

    options: ClassVar = {"url": URL}
    needs: ClassVar = "function key,subscription key"

    def secrets(self, text: str) -> tuple[str, ...]:
        return _keys(text)

    def is_stale(self, checkpoint: Mapping[str, Any]) -> bool:
        return dacite.from_dict(StopNCIICheckpoint, dict(checkpoint)).is_stale()

    def pages(self, options: Mapping[str, str], secret: str, checkpoint: Mapping[str, Any] | None) -> Iterator[Page]:
        function, subscription = _keys(secret)
        client = _Client(subscription, function, base_url_override=options.get("url"))
        start = client.DEFAULT_START_TIME if checkpoint is None else int(checkpoint["update_time"])
        for answer in client.fetch_hashes_iter(start):
            records = Records()
            if malformed := client.sent - len(answer.hashRecords):
                records.refuse(f"{malformed} of {client.sent} records are malformed")
            for record in answer.hashRecords:
                kind = _KINDS.get(record.signalType)
                name = f"{record.signalType.value}:{record.hashValue.strip().lower()}"
                if kind is None:
                    continue
                if record.hashStatus in _WITHDRAWN:
                    records.withdraw(name)
                else:
                    labels = [tag for each in record.CSPFeedbacks for tag in each.tags]
                    records.put(name, [(kind, record.hashValue)], labels)
            yield records.page(StopNCIICheckpoint.from_stopncii_fetch(answer))


def _keys(secret: str) -> tuple[str, str]:
    function, _, subscription = secret.partition(",")
    if not function or not subscription:
        raise ValueError("is not two keys, separated by a comma")
    return function.strip(), subscription.strip()


API = StopNcii()
