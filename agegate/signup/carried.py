"""What a provider said of a person, carried through the age question in the person's own browser.

Encrypted and dated, so that nobody reads or changes it on the way, and nothing of an unfinished sign-up lies on
the server: who is refused leaves nothing to forget.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from agegate.errors import ConfigError
from agegate.signup.admission import TERM
from agegate.signup.gate import AgeGate

_CLOSED: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")
"""Base64url (RFC 4648 §5). Decoders skip other signs, and what is sent back must hold none of the sender's."""


class Carrier:
    """Closes and opens what is carried, with the keys of a gate (Fernet: https://github.com/fernet/spec)."""

    def __init__(self, gate: AgeGate) -> None:
        """Use the gate's key ring. Raises `ConfigError` if it has none."""
        if gate.keys is None:
            raise ConfigError("a sign-up needs a key ring: use AgeGate.from_config or AgeGate.open")
        newest_first = reversed(gate.keys.secrets("signup.carried"))
        self._box = MultiFernet([Fernet(urlsafe_b64encode(secret)) for secret in newest_first])

    def close(self, person: Mapping[str, str]) -> str:
        """What a provider said, as an ASCII text that only `open` reads."""
        return self._box.encrypt(json.dumps(dict(person)).encode()).decode("ascii")

    def open(self, closed: object) -> dict[str, str] | None:
        """What was closed in the last 30 minutes; `None` for anything else. Never raises."""
        if not isinstance(closed, str) or _CLOSED.fullmatch(closed) is None:
            return None
        try:
            opened = self._box.decrypt(closed.encode(), ttl=int(TERM.total_seconds()))
        except InvalidToken:
            return None
        return dict(json.loads(opened))
