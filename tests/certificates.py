"""Authorities and certificates for tests, made by the openssl command."""

import subprocess
from pathlib import Path


def authority(folder: Path, name: str) -> Path:
    """Make an authority; returns its certificate, beside which its key is."""
    made = folder / f"{name}.pem"
    _openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
             "-subj", f"/CN={name}", "-keyout", str(made.with_suffix(".key")), "-out", str(made))  # fmt: skip
    return made


def issue(by: Path, folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and its key; returns both."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    request, names = folder / f"{name}.csr", folder / f"{name}.cnf"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    _openssl("req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name}",
             "-keyout", str(key), "-out", str(request))  # fmt: skip
    _openssl("x509", "-req", "-in", str(request), "-CA", str(by), "-CAkey", str(by.with_suffix(".key")),
             "-CAcreateserial", "-days", "2", "-extfile", str(names), "-out", str(certificate))  # fmt: skip
    return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
