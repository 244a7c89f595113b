"""What a log was at one time, signed: C2SP's tlog-checkpoint in its signed-note, with Ed25519 keys.

https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note, so that any tool that reads these can check one.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hashmatch.errors import ConfigurationError, InvalidInput
from hashmatch.tlog.tree import HASH_BYTES

_ED25519: Final = b"\x01"
_DASH: Final = "\N{EM DASH}"
_NAME: Final = re.compile(r"[^\s+]+")
_SIGNATURE: Final = re.compile(rf"{_DASH} ([^\s+]+) ([A-Za-z0-9+/=]+)")
_MOST: Final = 65_536
"""Characters of a checkpoint, more than which nobody needs."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size of a log and the root hash of its tree."""

    origin: str
    """Which log it is of: unlike that of any other."""
    size: int
    root: bytes
    """32 bytes."""

    @property
    def text(self) -> str:
        """As it is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a checkpoint, signed or not; signatures are not looked at. Raises InvalidInput."""
        lines = note.partition("\n\n")[0].split("\n") if len(note) <= _MOST else []
        try:
            origin, size, encoded, *_ = lines
            root = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidInput("this is no checkpoint of a log") from error
        number = re.fullmatch(r"0|[1-9][0-9]{0,18}", size, re.ASCII)
        if not origin or number is None or len(root) != HASH_BYTES:
            raise InvalidInput("this is no checkpoint of a log")
        return cls(origin, int(size), root)


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of a key, and the name that it signs as."""

    name: str
    key: Ed25519PublicKey

    @property
    def text(self) -> str:
        """As tools for signed notes take it: name, number of the key, and the key itself."""
        return f"{self.name}+{self.number.hex()}+{base64.b64encode(_ED25519 + self._raw).decode()}"

    @property
    def number(self) -> bytes:
        """The 4 bytes by which a signature names its key."""
        return sha256(f"{self.name}\n".encode() + _ED25519 + self._raw).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text`; raises InvalidInput."""
        try:
            name, number, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            key = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError as error:
            raise InvalidInput("this is no public key of a log: expected NAME+HEX+BASE64, of Ed25519") from error
        if raw[:1] != _ED25519 or not _NAME.fullmatch(name) or key.number.hex() != number:
            raise InvalidInput("this is no public key of a log, or it was damaged on the way")
        return key

    def check(self, note: str) -> Checkpoint:
        """Return the checkpoint that a note holds; raises InvalidInput where this key has not signed it."""
        return Checkpoint.parse(self.open(note))

    def open(self, note: str) -> str:
        """Return the text of a note; raises InvalidInput where this key has not signed it."""
        text, separator, signatures = note.partition("\n\n")
        signed = f"{text}\n".encode()
        for line in signatures.splitlines() if separator and len(note) <= _MOST else ():
            found = _SIGNATURE.fullmatch(line)
            if found is None or found[1] != self.name:
                continue
            try:
                raw = base64.b64decode(found[2], validate=True)
                if raw[:4] == self.number:
                    self.key.verify(raw[4:], signed)
                    return f"{text}\n"
            except (binascii.Error, InvalidSignature) as error:
                raise InvalidInput(f"the signature of {self.name} is wrong") from error
        raise InvalidInput(f"it is not signed by {self.name}")

    @property
    def _raw(self) -> bytes:
        return self.key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs the checkpoints of a log, in that log's name."""

    key: Ed25519PrivateKey

    @classmethod
    def create(cls, file: Path) -> Self:
        """Make a key and write it to a new file that its owner alone may read; raises ConfigurationError."""
        made = cls(Ed25519PrivateKey.generate())
        pem = made.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(pem)
                os.fsync(stream.fileno())
        except OSError as error:
            raise ConfigurationError(f"cannot write the key to {file}: {error.strerror}") from error
        return made

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a key (PEM, PKCS #8); raises ConfigurationError, also where others than its owner may read it."""
        try:
            if file.stat().st_mode & 0o077:
                raise ConfigurationError(f"others than its owner may read the key in {file}: chmod 600 {file}")
            key = serialization.load_pem_private_key(file.read_bytes(), None)
        except OSError as error:
            raise ConfigurationError(f"cannot read the key in {file}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{file} holds no key: expected a PEM file without a password") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(f"the key in {file} is not of Ed25519")
        return cls(key)

    def verifying(self, name: str) -> VerifyingKey:
        """The public half, for a log of that name."""
        return VerifyingKey(name, self.key.public_key())

    def sign(self, checkpoint: Checkpoint) -> str:
        """A checkpoint as a signed note."""
        number = self.verifying(checkpoint.origin).number
        signature = base64.b64encode(number + self.key.sign(checkpoint.text.encode())).decode()
        return f"{checkpoint.text}\n{_DASH} {checkpoint.origin} {signature}\n"
