"""The key ring: what turns a personal value into a tag that only this installation can recompute.

A tag is HMAC-SHA-256 (RFC 2104) of a value under a key derived for one purpose (HKDF, RFC 5869), cut to
128 bits. It is pseudonymous data and documented as that; each use has a fixed term.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from agegate.errors import KeyRingError

ENVIRONMENT: Final = "AGEGATE_KEY_RING"
"""Environment variable that may hold the whole ring as JSON, in place of a file."""

SECRET_BYTES: Final = 32
TAG_HEX: Final = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its id, when it was made, when it stopped making new tags, and the secret."""

    id: str
    created: datetime
    retired: datetime | None
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class KeyRing:
    """Keys, newest last. The newest that is not retired makes tags; all of them recognise tags.

    Raises `KeyRingError` if there is none that makes tags.
    """

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not any(key.retired is None for key in self.keys):
            raise KeyRingError("key ring: every key is retired; restore the ring from your backup")

    @property
    def current(self) -> Key:
        """The key that makes new tags."""
        return next(key for key in reversed(self.keys) if key.retired is None)

    def tag(self, purpose: str, value: str) -> str:
        """The tag of a value for one purpose, such as `refusal.email`: `key-id:hex`."""
        return _tag(self.current, purpose, value)

    def tags(self, purpose: str, value: str) -> tuple[str, ...]:
        """The tags that any key of the ring gives a value: what to look up after a key was replaced."""
        return tuple(_tag(key, purpose, value) for key in self.keys)

    def secrets(self, purpose: str) -> tuple[bytes, ...]:
        """The keys for one purpose, the current one last: for a library that signs by itself."""
        return tuple(_derived(key.secret, purpose) for key in (*self.keys, self.current))

    @classmethod
    def generate(cls, now: datetime | None = None) -> KeyRing:
        """A ring with one new key."""
        key = Key("k1", now or datetime.now(UTC), None, secrets.token_bytes(SECRET_BYTES))
        return cls((key,))

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str] = os.environ) -> KeyRing:
        """The ring from the environment if it is there, else from a file of mode 0600.

        Raises `KeyRingError` if it is missing, readable by others, or not a key ring.
        """
        if text := environment.get(ENVIRONMENT):
            return _parse(text, f"in ${ENVIRONMENT}")
        if not path.is_file():
            raise KeyRingError(f"key ring {path} is missing; restore it, or run `agegate db upgrade`")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeyRingError(f"key ring {path} can be read by others; run `chmod 600 {path}`")
        return _parse(path.read_text(encoding="utf-8", errors="replace"), str(path))

    @classmethod
    def load_or_create(cls, path: Path) -> KeyRing:
        """The ring of `load`, or a new one, written to the file, where there is neither."""
        if not os.environ.get(ENVIRONMENT) and not path.exists():
            cls.generate()._write_new(path)
        return cls.load(path)

    def _write_new(self, path: Path) -> None:
        """Write the ring whole, or leave what another process wrote meanwhile."""
        try:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.dump())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, path)
            except FileExistsError:
                return
            finally:
                Path(name).unlink()
        except OSError as error:
            raise KeyRingError(f"key ring {path} cannot be written: {error.strerror}") from None

    def dump(self) -> str:
        """The ring as JSON, secrets included: for its file only."""
        rows = [
            {
                "id": key.id,
                "created": key.created.isoformat(),
                "retired": key.retired.isoformat() if key.retired else None,
                "secret": base64.b64encode(key.secret).decode("ascii"),
            }
            for key in self.keys
        ]
        return json.dumps({"schema": 1, "keys": rows}, indent=1) + "\n"


def _parse(text: str, place: str) -> KeyRing:
    try:
        rows = json.loads(text)["keys"]
        keys = tuple(
            Key(
                str(row["id"]),
                datetime.fromisoformat(row["created"]),
                datetime.fromisoformat(row["retired"]) if row["retired"] else None,
                base64.b64decode(row["secret"], validate=True),
            )
            for row in rows
        )
    except (ValueError, KeyError, TypeError):
        raise KeyRingError(f"key ring {place} is not a key ring; restore it from your backup") from None
    if any(len(key.secret) < SECRET_BYTES for key in keys):
        raise KeyRingError(f"key ring {place} holds a secret under {SECRET_BYTES} bytes; restore it")
    return KeyRing(keys)


@lru_cache(maxsize=256)
def _derived(secret: bytes, purpose: str) -> bytes:
    """HKDF with SHA-256, empty salt, one block: a key of its own for every purpose."""
    extracted = hmac.digest(bytes(sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, f"agegate/{purpose}".encode() + b"\x01", "sha256")


def _tag(key: Key, purpose: str, value: str) -> str:
    digest = hmac.digest(_derived(key.secret, purpose), value.encode("utf-8", "surrogatepass"), "sha256")
    return f"{key.id}:{digest.hex()[:TAG_HEX]}"
