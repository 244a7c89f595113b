"""`hashmatch hash`: the hashes of files, computed here."""

# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is fast

import typer

from hashmatch.cli.common import AsJson, Code, configured
from hashmatch.cli.inputs import Files, Kinds, Sandboxed, check_kinds, expand, read
from hashmatch.cli.objects import emit, error_object, hash_object
from hashmatch.cli.output import complain, printable
from hashmatch.errors import MediaError
from hashmatch.types import HashedImage, Sandbox


def hash_files(
    files: Files,
    kind: Kinds = None,
    as_json: AsJson = False,
    sandbox: Sandboxed = Sandbox.ON,
) -> None:
    """Print the hash and quality of images, by PDQ unless told otherwise; no server is asked.

    A line holds the hash, the quality (0 to 100, or - where the kind has none) and the file's name.

    Example: hashmatch hash photo.jpg
    """
    from hashmatch.sandbox import Job, Pool
    from hashmatch.settings import MediaLimits

    limits = configured(MediaLimits)
    job, code = Job(check_kinds(kind or ())), Code.DONE
    with Pool(limits, 1, sandbox) as pool:
        for name in expand(files):
            try:
                _print(name, pool.hash_image(read(name, limits.max_media_bytes), job), as_json=as_json)
            except MediaError as error:
                code = Code.NOT_SCANNED
                if as_json:
                    emit({"file": name, "error": error_object(error)})
                else:
                    complain(f"{name}: {error} ({error.reason})")
    raise typer.Exit(code)


def _print(name: str, image: HashedImage, *, as_json: bool) -> None:
    for value in image.originals:
        if as_json:
            found = {"media_type": image.media_type, "width": image.width, "height": image.height}
            emit({"file": name, "hash": hash_object(value), **found})
        else:
            typer.echo(f"{value.hex} {'-' if value.quality is None else value.quality:>3} {printable(name)}")
