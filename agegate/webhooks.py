"""Signatures of Standard Webhooks 1.0.0: who sent a message, that nobody changed it, and when.

A message has an id and a second in time; with its body they are signed by HMAC-SHA256 under a shared secret.
Several signatures and several secrets may be there at once, so that a secret can be replaced. Source:
Standard Webhooks, specification 1.0.0, sections "Signature scheme" and "Verifying signatures".
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from agegate.errors import ConfigError

TOLERANCE: Final = timedelta(minutes=5)
"""How far a message's time may be from ours, to either side."""

SHORTEST_SECRET: Final = 24
"""Bytes of the shortest secret that the specification allows."""

_LONGEST_HEADER: Final = 4000
_MOST_DIGITS: Final = 12


def sign(secret: str, message_id: str, moment: datetime, body: bytes) -> str:
    """The signature header of a message: `v1,` and base64. `moment` is aware; its second is what counts.

    Raises `ConfigError` for a secret that is none, `ValueError` for a naive moment.
    """
    if moment.tzinfo is None:
        raise ValueError("the moment of a message must be aware: give it a time zone")
    return "v1," + _mac(read_secret(secret), message_id, str(int(moment.timestamp())), body)


def read_secret(text: str) -> bytes:
    """The bytes of a secret that is written `whsec_` and base64, also with `v1,` before it.

    Raises `ConfigError` if it is none, or too short to be safe.
    """
    try:
        secret = base64.b64decode(text.removeprefix("v1,").removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if "whsec_" not in text or len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            f"a hook's secret must be whsec_ and at least {SHORTEST_SECRET} bytes in base64; make one anew"
        )
    return secret


class Verifier:
    """Checks messages against every secret; all comparisons take the same time."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Keep the secrets. Raises `ConfigError` if there is none, or one is no secret."""
        self._secrets = tuple(read_secret(secret) for secret in secrets)
        if not self._secrets:
            raise ConfigError("a hook needs at least one secret: whsec_ and base64")

    def sender_id(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The id of a message that was signed with one of the secrets in the last or next five minutes.

        `None` for every other message; which of its parts is wrong is not said.
        """
        message_id = headers.get("webhook-id", "")
        written = headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "")
        if not message_id or max(map(len, (message_id, given))) > _LONGEST_HEADER:
            return None
        if not (written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS):
            return None
        if abs(now.timestamp() - int(written)) > TOLERANCE.total_seconds():
            return None
        # Some senders put a comma between signatures beside the space of the specification.
        signatures = [part.rstrip(",") for part in given.split()]
        fits = 0
        for secret in self._secrets:
            own = f"v1,{_mac(secret, message_id, written, body)}".encode()
            fits += sum(hmac.compare_digest(own, signature.encode()) for signature in signatures)
        return message_id if fits else None


def _mac(secret: bytes, message_id: str, written: str, body: bytes) -> str:
    signed = f"{message_id}.{written}.".encode() + body
    return base64.b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii")
