"""The cookie that remembers a refusal in the browser: signed, with a fixed end, and nothing of the person.

It says only that somebody was refused in this browser, and until when that is remembered. Every refusal sets
one of the same shape. It helps against the simplest second try; the store's keyed markers outlive a cleared
cookie. Signed by `itsdangerous` with keys of the key ring, so a rotated key still reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agegate.errors import ConfigError
from agegate.model import Decision, Outcome
from agegate.signup.gate import AgeGate
from agegate.signup.moment import aware_moment

try:
    from itsdangerous import BadData, URLSafeSerializer
except ImportError:
    raise ConfigError("the refusal cookie needs the extra web: install agegate[web]") from None

NAME: Final = "agegate"
"""The cookie's name: that of the tool, so that it says nothing of why it is there."""

LONGEST: Final = 500
"""No cookie of ours is longer; what is, is not read."""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A cookie to set (or, with an empty `value`, to delete), with the attributes that go with it."""

    value: str
    max_age: int
    name: str = NAME
    path: str = "/"
    httponly: bool = True
    samesite: str = "lax"
    secure: bool = True


class RefusalCookie:
    """Reads and makes the cookie for one gate."""

    def __init__(self, gate: AgeGate, *, secure: bool = True) -> None:
        """Sign with the gate's key ring; `secure` keeps the cookie to HTTPS.

        Raises `ConfigError` if the gate has no key ring.
        """
        if gate.keys is None:
            raise ConfigError("a refusal cookie needs a key ring: use AgeGate.from_config or AgeGate.open")
        self._serializer = URLSafeSerializer(list(gate.keys.secrets("refusal.cookie")), salt="agegate.refusal")
        self._max_age = int(gate.terms.device.total_seconds())
        self._secure = secure

    def remembers(self, value: object, now: datetime | None = None) -> bool:
        """Whether a cookie says that this browser was refused and the memory has not ended. Never raises."""
        if not isinstance(value, str) or len(value) > LONGEST or not value.isascii():
            return False
        try:
            end = self._serializer.loads(value)
        except BadData:
            return False
        return isinstance(end, int) and end > aware_moment(now, None).timestamp()

    def crumb(self, decision: Decision, had: object, now: datetime | None = None) -> Crumb | None:
        """The cookie to set after a decision, where the browser sent `had`.

        A refused browser keeps the end that it had, so a retry never prolongs it. An admission deletes it.
        """
        moment = aware_moment(now, None)
        if decision.outcome is Outcome.REFUSE:
            if isinstance(had, str) and self.remembers(had, moment):
                return self._crumb(had, self._max_age)
            end = decision.remembered_until or moment
            return self._crumb(str(self._serializer.dumps(int(end.timestamp()))), self._max_age)
        if decision.outcome is Outcome.ADMIT and had is not None:
            return self._crumb("", 0)
        return None

    def _crumb(self, value: str, max_age: int) -> Crumb:
        return Crumb(value, max_age, secure=self._secure)
