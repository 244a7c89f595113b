"""The hash list of Tech Against Terrorism."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from threatexchange.exchanges.clients.techagainstterrorism.api import TATHashListAPI
from threatexchange.exchanges.impl.techagainstterrorism_api import TATCheckpoint

from hashmatch.exchange.api import URL, Api, user_and_password
from hashmatch.exchange.records import Records
from hashmatch.types import Page

_KINDS: Final = {"PDQ": "pdq", "MD5": "md5", "SHA256": "sha256"}


class TechAgainstTerrorism(Api):
    """Uses the library's client, and not what it makes of records: that drops the MD5 of images."""

    options: ClassVar = {"url": URL}
    needs: ClassVar = "user:password"

    def secrets(self, text: str) -> tuple[str, ...]:
        return (user_and_password(text)[1],)

    def pages(self, options: Mapping[str, str], secret: str, checkpoint: Mapping[str, Any] | None) -> Iterator[Page]:
        client = TATHashListAPI(*user_and_password(secret))
        if "url" in options:
            client.BASE_URL = options["url"].rstrip("/") + "/"  # type: ignore[misc]  # read through the instance
        reached = "" if checkpoint is None else str(checkpoint["checkpoint"])
        for answer in client.fetch_hashes_iter(reached):
            records = Records()
            for entry in answer.results:
                kind = _KINDS.get(entry.algorithm)
                name = f"{entry.algorithm}:{entry.hash_digest.strip().lower()}"
                if kind is None:
                    continue
                if entry.deleted:
                    records.withdraw(name)
                else:
                    records.put(name, [(kind, entry.hash_digest)], [str(entry.ideology), entry.file_type])
            reached = answer.checkpoint or reached
            yield records.page(TATCheckpoint(reached) if reached else None)


API = TechAgainstTerrorism()
