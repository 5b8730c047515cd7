"""Asking the gate for a request of Django's, and what a view raises when the answer is no.

The middleware turns `Refused` and `Unreadable` into the answer and sets the cookie. Without it Django still
answers 403 and 400 to them, so that nobody is let in by a setting that was forgotten. `Elsewhere`, for a form
that another site's page sent, is always answered by Django's own 403.
"""

# mypy: disable-error-code="import-untyped,misc"
# Django has no types of its own, so that its classes are untyped bases.

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.http import HttpRequest
from django.utils.http import is_same_domain
from django.utils.translation import get_language

from agegate.errors import ConfigError
from agegate.frameworks.django.configuration import door, read_settings, refuse_to_wait
from agegate.model import Decision, FieldError, Outcome, Registration
from agegate.signup.admission import Admitting
from agegate.signup.cookie import NAME, Crumb
from agegate.signup.door import LARGEST_BODY, TOO_LARGE, invalid, is_elsewhere
from agegate.signup.languages import negotiate

NO_OBJECT: Final = FieldError("body", "invalid", "the body must be one JSON object in UTF-8")

ANSWERED: Final = "agegate_answered"
"""The attribute of a request with its decision and the cookie that goes with it; a refusal stays."""

ASKED: Final = "agegate_asked"
"""The attribute of a request that says that it brought a birth date."""

request_now: ContextVar[HttpRequest | None] = ContextVar("agegate_request", default=None)
"""The request that runs; set by the middleware."""


class Refused(PermissionDenied):
    """This person may not register; nothing of them is kept, and nothing is said of why."""

    def __init__(self, decision: Decision) -> None:
        """Keep the decision for the middleware."""
        super().__init__("agegate: not admitted")
        self.decision = decision


class Unreadable(BadRequest):
    """A registration that the gate cannot read; `decision.errors` name the fields and no value."""

    def __init__(self, decision: Decision) -> None:
        """Keep the decision for the middleware."""
        super().__init__("agegate: the registration cannot be read")
        self.decision = decision


class Elsewhere(PermissionDenied):
    """A form that another site's page sent to a view without Django's CSRF check: nobody is asked about it."""

    def __init__(self) -> None:
        """Say why, for Django's log."""
        super().__init__("agegate: a form of another site; name it in CSRF_TRUSTED_ORIGINS if it is yours")


def current_request() -> HttpRequest:
    """The request that runs. Raises `ConfigError` if the middleware is missing."""
    request = request_now.get()
    if request is None:
        raise ConfigError(
            "there is no request, or the middleware is missing; "
            "add agegate.frameworks.django.AgegateMiddleware to MIDDLEWARE"
        )
    return request


def spoken() -> str:
    """The language that is active; with the region that the browser names, if it prefers that language."""
    active = get_language() or "en"
    request = request_now.get()
    header = request.headers.get("Accept-Language", "") if request is not None else ""
    return header if header and negotiate(header, "") == negotiate(active) else active


def known(request: HttpRequest) -> dict[str, str]:
    """What the host knows of a person by itself: the IP address."""
    key = read_settings().address
    address = request.META.get(key) if key else None
    return {"ip": address} if isinstance(address, str) and address else {}


def ask(request: HttpRequest, registration: Registration) -> Decision:
    """The gate's decision for this browser; the middleware sets the cookie that goes with it.

    A refusal also ends the session of who is not signed in: what an unfinished sign-up left there goes.
    Raises `BusyError` if the caller holds a transaction on the SQLite file of the store, and `Elsewhere`.
    """
    setattr(request, ASKED, True)
    _stop_elsewhere(request)
    refuse_to_wait()
    had = request.COOKIES.get(NAME)
    decision = door().decide(registration, had)
    _note(request, decision, door().crumb(decision, had))
    return decision


async def aask(request: HttpRequest, registration: Registration) -> Decision:
    """`ask` for coroutines."""
    setattr(request, ASKED, True)
    _stop_elsewhere(request)
    refuse_to_wait()
    had = request.COOKIES.get(NAME)
    decision = await door().adecide(registration, had)
    await sync_to_async(_note)(request, decision, door().crumb(decision, had))
    return decision


def check(request: HttpRequest, posted: Mapping[str, object] | None = None, **more: object) -> Decision:
    """Ask about a registration that came as JSON or as a form; the answer is always an admission.

    `posted` is what was sent (default: the request's body), `more` what the host knows (`device`,
    `ip_country`). Raises `Refused` or `Unreadable`, which the middleware answers, and `Elsewhere`.
    """
    setattr(request, ASKED, True)
    told = read_body(request) if posted is None else posted
    return _admitted(ask(request, door().registration(told, **(known(request) | more))))


async def acheck(request: HttpRequest, posted: Mapping[str, object] | None = None, **more: object) -> Decision:
    """`check` for coroutines: the loop is never blocked."""
    setattr(request, ASKED, True)
    told = await sync_to_async(read_body)(request) if posted is None else posted
    return _admitted(await aask(request, door().registration(told, **(known(request) | more))))


def admitting(
    decision: Decision | None,
    *,
    email: str | None = None,
    phone: str | None = None,
    country: str | None = None,
) -> Admitting:
    """The block in which the one account of a decision is created; `with`, or `async with`.

    See `AgeGate.admitting`. Raises `BusyError` as `ask` does, and `NotAdmittedError`.
    """
    refuse_to_wait()
    token = None if decision is None else decision.token
    return door().gate.admitting(token, email=email or None, phone=phone or None, country=country)


def read_body(request: HttpRequest) -> Mapping[str, object]:
    """The body of a request: one JSON object, or a form. Raises `Unreadable`."""
    try:
        if request.content_type != "application/json":
            posted: Mapping[str, object] = request.POST
            return posted
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY or len(request.body) > LARGEST_BODY:
            raise Unreadable(invalid(TOO_LARGE))
        found = json.loads(request.body)
    except RequestDataTooBig:
        raise Unreadable(invalid(TOO_LARGE)) from None
    except (ValueError, RecursionError):
        raise Unreadable(invalid(NO_OBJECT)) from None
    if not isinstance(found, dict):
        raise Unreadable(invalid(NO_OBJECT))
    return found


def _admitted(decision: Decision) -> Decision:
    if decision.outcome is Outcome.REFUSE:
        raise Refused(decision)
    if decision.outcome is Outcome.INVALID:
        raise Unreadable(decision)
    return decision


def _stop_elsewhere(request: HttpRequest) -> None:
    """Raise `Elsewhere` for what a page of another site sent, where no CSRF token says otherwise.

    Its visitor would be remembered as refused. JSON alone needs leave to be sent from there (CORS).
    """
    if request.content_type == "application/json" or getattr(request, "csrf_processing_done", False):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    trusted = (origin,) if origin is not None and _is_trusted(origin) else ()
    if is_elsewhere(site=site, origin=origin, host=request.get_host(), allowed=trusted):
        raise Elsewhere


def _is_trusted(origin: str) -> bool:
    """Whether `CSRF_TRUSTED_ORIGINS` names an origin, as itself or by `https://*.example.org`."""
    scheme, _, host = origin.partition("://")
    for trusted in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS):
        if trusted.scheme == scheme and is_same_domain(host, trusted.netloc.removeprefix("*")):
            return True
    return False


def _note(request: HttpRequest, decision: Decision, crumb: Crumb | None) -> None:
    earlier: tuple[Decision, Crumb | None] | None = getattr(request, ANSWERED, None)
    if earlier is None or earlier[0].outcome is not Outcome.REFUSE:
        setattr(request, ANSWERED, (decision, crumb))
    session = getattr(request, "session", None)
    refused = decision.outcome is Outcome.REFUSE
    if refused and session is not None and SESSION_KEY not in session and not session.is_empty():
        session.flush()
