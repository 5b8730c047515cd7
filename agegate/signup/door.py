"""The door: what every web framework's adapter shares, so that all of them refuse in the same way.

It reads a posted form or JSON body into a `Registration`, asks the gate with what the browser's cookie
remembers, and makes the answer: a page of `Screen`, or a problem document (RFC 9457). It never repeats what was
posted, and no answer says which limit holds, nor whether the person was refused before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from agegate.model import Decision, FieldError, Outcome, Reason, Registration
from agegate.signup.carried import Carrier
from agegate.signup.cookie import Crumb, RefusalCookie
from agegate.signup.gate import AgeGate
from agegate.signup.screen import Screen, negotiate, posted_birth_date

PROBLEM_TYPE: Final = "application/problem+json"

STATUS: Final = {Outcome.ADMIT: 200, Outcome.REFUSE: 403, Outcome.INVALID: 422}
"""The HTTP status of each outcome; all refusals have the same one."""

LARGEST_BODY: Final = 1_000_000
"""The largest body that an adapter which reads bodies itself reads, in bytes."""

TOO_LARGE: Final = FieldError("body", "invalid", f"the body must be at most {LARGEST_BODY:,} bytes")

UNREADABLE: Final = FieldError("body", "invalid", "the body must be a form or a JSON object")

_TITLES: Final = {413: "Content Too Large", 415: "Unsupported Media Type"}
"""The names of the statuses other than 422 with which a body is sent back (RFC 9110)."""

_POSTED: Final = ("country", "region", "billing_country", "payer", "phone", "email", "locale", "time_zone")
"""What a person may say of themselves. An address (`ip`), its country and a device's id are for the host."""


@dataclass(frozen=True)
class Door:
    """A gate with the page that asks, the cookie that remembers and the answers that frameworks send.

    `name` is the service's, `contact` where a person can ask (an e-mail address or an https URL). `secure`
    keeps the cookie to HTTPS; turn it off only on a developer's machine.
    """

    gate: AgeGate
    name: str
    contact: str
    secure: bool = True

    @classmethod
    def from_config(cls, path: str | None = None, *, secure: bool = True) -> Door:
        """The door as `agegate.toml` says.

        Raises `ConfigError` if it names no `service.contact`, and what `AgeGate.from_config` raises.
        """
        from agegate.config import Config
        from agegate.errors import ConfigError

        section = Config.load(path).service
        if section.contact is None:
            raise ConfigError(
                "service.contact: name where a refused person can ask, an e-mail or https address"
            )
        return cls(AgeGate.from_config(path), section.name, section.contact, secure)

    @cached_property
    def screen(self) -> Screen:
        """The page that asks and refuses."""
        return Screen(name=self.name, contact=self.contact)

    @cached_property
    def carrier(self) -> Carrier:
        """What carries a provider's word through the question."""
        return Carrier(self.gate)

    @cached_property
    def cookie(self) -> RefusalCookie:
        """The cookie that remembers."""
        return RefusalCookie(self.gate, secure=self.secure)

    def registration(self, posted: Mapping[str, object], **known: object) -> Registration:
        """What was posted, as a registration; `known` is what the host knows by itself (`device`, `ip`, …).

        The birth date comes as `birth_date` or in the three boxes of `Screen`. A value that is no text is kept
        as it is: the gate names its field. Never raises.
        """
        given: dict[str, object] = {name: posted[name] for name in _POSTED if posted.get(name) is not None}
        born = posted.get("birth_date")
        given["birth_date"] = born if born not in (None, "") else posted_birth_date(posted)
        return Registration(**(given | known))  # type: ignore[arg-type]  # the gate checks each value

    def decide(
        self, registration: Registration, cookie: object = None, *, now: datetime | None = None
    ) -> Decision:
        """The gate's decision, in the light of the cookie that the browser sent.

        An admission is for an e-mail address or a phone number: without both the e-mail is missing, of who
        is old enough.
        """
        before = self.cookie.remembers(cookie, now)
        return self.gate.check(registration, refused_before=before, contact_needed=self.gate.remembers, now=now)

    async def adecide(
        self, registration: Registration, cookie: object = None, *, now: datetime | None = None
    ) -> Decision:
        """`decide` for coroutines."""
        before = self.cookie.remembers(cookie, now)
        return await self.gate.acheck(
            registration, refused_before=before, contact_needed=self.gate.remembers, now=now
        )

    def crumb(self, decision: Decision, cookie: object = None, *, now: datetime | None = None) -> Crumb | None:
        """The cookie to send with the answer, if any."""
        return self.cookie.crumb(decision, cookie, now)

    def problem(self, decision: Decision, language: str | None = None) -> dict[str, object]:
        """The answer to who may not register, as a problem document (RFC 9457).

        `language` is a locale or an Accept-Language header. The status is `status`, the media type
        `PROBLEM_TYPE`. All refusals are the same document.
        """
        return problem(self.screen, decision.outcome, decision.errors, negotiate(language))

    def page(
        self,
        decision: Decision,
        language: str | None = None,
        *,
        hidden: Mapping[str, str] | None = None,
        email: bool = False,
    ) -> str:
        """The answer to who may not register, as a page: the question again with its errors, or the refusal.

        `hidden` and `email` are those of `Screen.question`.
        """
        spoken = language or "en"  # the whole header: a region sets the order of the boxes
        if decision.outcome is Outcome.REFUSE:
            return self.screen.refusal(spoken)
        return self.screen.question(spoken, errors=decision.errors, hidden=hidden, email=email)


def invalid(error: FieldError) -> Decision:
    """The decision about a registration with one field that cannot be used."""
    return Decision(Outcome.INVALID, Reason.INVALID, errors=(error,))


def is_elsewhere(
    *, site: str | None, origin: str | None, host: str | None, allowed: Collection[str] = ()
) -> bool:
    """Whether another site's page sent a request to `host`, by its headers Sec-Fetch-Site and Origin.

    Fetch Metadata where the browser sends it, else the origin (RFC 6454). A program sends neither, and has no
    browser's cookie to be misused. `allowed` are other origins whose pages may.
    """
    if origin is not None and origin in allowed:
        return False
    if site is not None:
        return site not in {"same-origin", "none"}
    try:
        return origin is not None and urlsplit(origin).netloc != host
    except ValueError:
        return True


def problem(
    screen: Screen, outcome: Outcome, errors: tuple[FieldError, ...], language: str, status: int | None = None
) -> dict[str, object]:
    """A problem document of an outcome; `errors` name fields and never repeat a value."""
    number = status or STATUS[outcome]
    told: dict[str, object] = {"type": "about:blank", "status": number}
    if outcome is Outcome.REFUSE:
        return told | {"title": "Forbidden", "detail": screen.refusal_text(language)}
    listed = [
        {"field": error.field, "code": error.code, "message": screen.error_text(error, language)}
        for error in errors
    ]
    return told | {"title": _TITLES.get(number, "Unprocessable Content"), "errors": listed}
