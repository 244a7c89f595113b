"""An S3 server on loopback: moto's, as a process, with faults on demand. `python -m tests.s3_server FOLDER OBJECTS`."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "media"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def s3_server(folder: Path, objects: int) -> Iterator[dict[str, str]]:
    """A bucket with the files of `folder` under `files/`, and `objects` small objects under `many/`; the environment.

    A key with `fail` in it answers its first two requests for content with 500, one with `slow` its first after 5 s,
    one with `broken` all of them with 500, and one with `denied` with 403.
    """
    command = [sys.executable, "-m", "tests.s3_server", str(folder), str(objects)]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            yield {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true"}
        finally:
            process.kill()


class Faults:
    """Wraps the server: `moto` itself never fails."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "GET" and path.startswith(f"/{BUCKET}/"):
            with self._lock:
                self._asked[path] += 1
                asked = self._asked[path]
            if "slow" in path and asked == 1:
                time.sleep(5)
            if "denied" in path:
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]
            if "broken" in path or ("fail" in path and asked <= 2):
                start("500 Internal Server Error", [("Content-Type", "application/xml")])
                return [b"<Error><Code>InternalError</Code><Message>injected</Message></Error>"]
        return self._app(environ, start)  # type: ignore[no-any-return]


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name it is called by
        pass


def main() -> None:
    folder, objects = Path(sys.argv[1]), int(sys.argv[2])
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        backend.put_object(BUCKET, f"files/{path.relative_to(folder)}", path.read_bytes())
    for number in range(objects):
        backend.put_object(BUCKET, f"many/{number:06}", b"x")
    app = Faults(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
