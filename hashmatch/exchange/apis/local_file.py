"""A file of hashes on this machine: `<kind> <hash>` a line, or a hash a line where the kind is set."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from threatexchange.exchanges.impl.file_api import FileCollaborationConfig, LocalFileSignalExchangeAPI

from hashmatch.errors import InvalidField
from hashmatch.exchange.api import Api
from hashmatch.exchange.records import Records
from hashmatch.types import Page

_KINDS: Mapping[str, str] = {"video_md5": "md5", "video_sha256": "sha256"}
"""The library's names that are not ours."""


class LocalFile(Api):
    """The whole file is fetched each time: what is not in it any more is withdrawn."""

    options: ClassVar = {
        "file": "the file's path",
        "kind": "kind of the hashes, where a line is a hash and does not begin with it",
    }
    required: ClassVar = frozenset({"file"})

    def checked(self, options: Mapping[str, str]) -> Mapping[str, str]:
        super().checked(options)
        path = Path(options["file"]).absolute()
        if not path.is_file():
            raise InvalidField("file", f"{path} is not a file")
        return {**options, "file": str(path)}

    def pages(
        self,
        options: Mapping[str, str],
        secret: str,  # noqa: ARG002 - none is needed
        checkpoint: Mapping[str, Any] | None,  # noqa: ARG002 - there is none
    ) -> Iterator[Page]:
        config = FileCollaborationConfig(name="", filename=options["file"], signal_type=options.get("kind"))
        for delta in LocalFileSignalExchangeAPI(config).fetch_iter((), None):
            records = Records()
            for kind, digits in delta.updates:
                known = _KINDS.get(kind, kind)
                records.put(f"{known}:{digits.lower()}", [(known, digits)])
            yield records.page()


API = LocalFile()
