"""Starlette: the age question as two routes, in front of the host's own code that creates an account.

`SignUp.routes` serves the page (GET) and takes the answer (POST, a form or JSON by its content type). Only for
somebody who is admitted is the host's `create` called. A body is read into memory up to a limit, never onto a
disk. Answers from another site are not taken: a form post needs no preflight, and a cookie's `SameSite` keeps
no anonymous post away.

What an OAuth provider said is carried through the question in the browser, encrypted, so that nothing of an
unfinished sign-up lies on the server.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from agegate.errors import ConfigError

try:
    from starlette.datastructures import UploadFile
    from starlette.exceptions import HTTPException
    from starlette.formparsers import MultiPartException
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import Message
except ImportError:
    raise ConfigError("the sign-up routes need the extra starlette: install agegate[starlette]") from None

from agegate.model import Decision, FieldError, Outcome, Registration
from agegate.signup.admission import Admitting
from agegate.signup.cookie import NAME as COOKIE
from agegate.signup.cookie import Crumb
from agegate.signup.door import (
    LARGEST_BODY,
    PROBLEM_TYPE,
    STATUS,
    TOO_LARGE,
    UNREADABLE,
    Door,
    invalid,
    is_elsewhere,
    problem,
)
from agegate.signup.gate import AgeGate
from agegate.signup.screen import Screen, negotiate

CARRIED: Final = "agegate_carried"
"""The hidden input that carries what a provider said."""

DRAINED: Final = 32 * LARGEST_BODY
"""How much of a body that is too large is read and thrown away, so that its sender hears why."""

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": Screen.csp,
    "X-Content-Type-Options": "nosniff",
}
"""What goes with each page: it is kept nowhere, and loads and runs nothing."""

STALE: Final = FieldError(CARRIED, "invalid", "the sign-up took too long or was changed; begin it again")
ELSEWHERE: Final = {
    "type": "about:blank",
    "status": 403,
    "title": "Forbidden",
    "detail": "This was sent by another site.",
}
"""The answer to another site's post: no refusal, and nothing is remembered."""

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")

Known = Callable[[Request], Mapping[str, object]]
"""What the host knows of a request by itself: `ip`, `ip_country`, `device`, `age_signals` of `Registration`."""


@dataclass(frozen=True)
class Admitted:
    """Somebody whom the gate admitted and who has no account yet.

    `posted` is all that was posted, with the host's own fields, unchecked; `carried` what was carried through
    the question. `crumb` is the cookie to send with the answer, if any.
    """

    gate: AgeGate = field(repr=False)
    decision: Decision = field(repr=False)
    registration: Registration
    posted: Mapping[str, object] = field(repr=False)
    carried: Mapping[str, str] = field(repr=False)
    crumb: Crumb | None = field(repr=False, default=None)

    def admitting(self) -> Admitting:
        """The block in which the one account is created: `async with person.admitting():`.

        Enter it before the transaction begins. Raises what `AgeGate.admitting` raises.
        """
        given = self.registration
        return self.gate.admitting(
            self.decision.token, email=given.email or None, phone=given.phone or None, country=given.country
        )


Create = Callable[[Request, Admitted], Awaitable[Response]]
"""The host's code that creates an account and answers."""


class Stopped(HTTPException):
    """Who may not register now, with the whole `response`; without a handler only its status is sent."""

    def __init__(self, response: Response) -> None:
        """Keep the response, and its cookie for an application that has no handler."""
        sent = {
            name: response.headers[name] for name in ("set-cookie", "cache-control") if name in response.headers
        }
        super().__init__(response.status_code, headers=sent)
        self.response = response


def address(request: Request) -> Mapping[str, object]:
    """The address that the server saw. Behind a proxy, let the server read the proxy's header."""
    return {} if request.client is None else {"ip": request.client.host}


def set_crumb(response: Response, crumb: Crumb | None) -> None:
    """Send the cookie of a decision, or delete it, with a response."""
    if crumb is not None:
        response.set_cookie(
            crumb.name,
            crumb.value,
            max_age=crumb.max_age,
            path=crumb.path,
            secure=crumb.secure,
            httponly=crumb.httponly,
            samesite=cast("Literal['lax']", crumb.samesite),
        )


class SignUp:
    """Asks, reads the answer and decides, for one door.

    `path` is where the question is and where its answer goes. `known` says what the host knows of a request by
    itself. `origins` are other origins whose pages may post here, such as `https://www.example.org`.
    """

    def __init__(
        self, door: Door, path: str = "/sign-up", *, known: Known = address, origins: Sequence[str] = ()
    ) -> None:
        """Keep the door. Raises `ConfigError` if its gate has no key ring or the extra `web` is missing."""
        self.door = door
        self.path = path
        self._known = known
        self._origins = frozenset(origins)
        self._carrier = door.carrier

    def routes(self, create: Create) -> list[Route]:
        """The question, and its answer; `create` is called for who is admitted."""

        async def ask(request: Request) -> Response:
            return self.ask(request)

        async def answer(request: Request) -> Response:
            try:
                person = await self.admit(request)
            except Stopped as stopped:
                return stopped.response
            response = await create(request, person)
            set_crumb(response, person.crumb)
            return response

        return [Route(self.path, ask, methods=["GET"]), Route(self.path, answer, methods=["POST"])]

    def ask(self, request: Request, carried: Mapping[str, str] | None = None) -> Response:
        """The page with the question.

        `carried` is what a provider said of the person (an `email` in it is the account's): it comes back
        with the answer, within 30 minutes, and nobody can read or change it on the way.
        """
        spoken = request.headers.get("accept-language") or "en"
        hidden = {} if carried is None else {CARRIED: self._carrier.close(carried)}
        action = f"{request.scope.get('root_path', '')}{self.path}"
        screen = Screen(name=self.door.name, contact=self.door.contact, action=action)
        page = screen.question(spoken, hidden=hidden, email="email" not in (carried or ()))
        return HTMLResponse(page, headers=PAGE_HEADERS)

    async def admit(self, request: Request) -> Admitted:
        """Read what was posted and decide. Raises `Stopped` with the answer to who is not admitted."""
        sent = request.headers
        site, origin, host = sent.get("sec-fetch-site"), sent.get("origin"), sent.get("host")
        if is_elsewhere(site=site, origin=origin, host=host, allowed=self._origins):
            raise Stopped(JSONResponse(ELSEWHERE, 403, media_type=PROBLEM_TYPE))
        return await self.decide(request, await self.posted(request))

    async def decide(self, request: Request, posted: Mapping[str, object]) -> Admitted:
        """Decide about what the host's own code read. Raises `Stopped`."""
        cookie = request.cookies.get(COOKIE)
        carried = self._open(request, posted)
        registration = self.door.registration({**posted, **carried}, **self._known(request))
        decision = await self.door.adecide(registration, cookie)
        if decision.outcome is not Outcome.ADMIT:
            # As it came, never closed anew: a mistake does not prolong it.
            closed = {CARRIED: str(posted[CARRIED])} if carried else {}
            response = self._answer(request, decision, closed, email="email" not in carried)
            set_crumb(response, self.door.crumb(decision, cookie))
            raise Stopped(response)
        crumb = self.door.crumb(decision, cookie)
        own = {name: value for name, value in posted.items() if name != CARRIED}
        return Admitted(self.door.gate, decision, registration, own, carried, crumb)

    async def posted(self, request: Request) -> dict[str, object]:
        """The fields of a form or of a JSON object, whole in memory. Raises `Stopped`."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _FORMS and kind != "application/json":
            raise Stopped(self._answer(request, invalid(UNREADABLE), status=415))
        try:
            body = await self._body(request)
        except RuntimeError:  # FastAPI read the form before, for a route with parameters of its own
            return await self._read_before(request)
        try:
            if kind in _FORMS:
                return dict((await Request(request.scope, _replay(body)).form()).items())
            fields = json.loads(body)
        except (ValueError, RecursionError, HTTPException, MultiPartException):
            fields = None
        if not isinstance(fields, dict):
            raise Stopped(self._answer(request, invalid(UNREADABLE)))
        return fields

    async def _body(self, request: Request) -> bytes:
        """The body. What is over the limit is thrown away as it comes."""
        kept, size = bytearray(), 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= LARGEST_BODY:
                kept += chunk
            elif size > DRAINED:
                break
        if size > LARGEST_BODY:
            raise Stopped(self._answer(request, invalid(TOO_LARGE), status=413))
        return bytes(kept)

    async def _read_before(self, request: Request) -> dict[str, object]:
        """The fields of a form that was read already; one over the limit is not taken, though it was read."""
        form = await request.form()
        said = request.headers.get("content-length", "")
        parts = [value for _, value in form.multi_items()]
        size = sum((part.size or 0) if isinstance(part, UploadFile) else len(part) for part in parts)
        if max(size, int(said) if said.isdecimal() else 0) > LARGEST_BODY:
            raise Stopped(self._answer(request, invalid(TOO_LARGE), status=413))
        return dict(form.items())

    def _answer(
        self,
        request: Request,
        decision: Decision,
        hidden: Mapping[str, str] | None = None,
        *,
        email: bool = True,
        status: int | None = None,
    ) -> Response:
        """A page for a form, a problem document for JSON; `hidden` and `email` as in `Screen.question`."""
        spoken = request.headers.get("accept-language")
        code = status or STATUS[decision.outcome]
        if not _wants_page(request):
            told = problem(self.door.screen, decision.outcome, decision.errors, negotiate(spoken), code)
            return JSONResponse(told, code, media_type=PROBLEM_TYPE, headers={"Cache-Control": "no-store"})
        page = self.door.page(decision, spoken, hidden=hidden, email=email)
        return HTMLResponse(page, code, headers=PAGE_HEADERS)

    def _open(self, request: Request, posted: Mapping[str, object]) -> dict[str, str]:
        if CARRIED not in posted:
            return {}
        opened = self._carrier.open(posted[CARRIED])
        if opened is None:
            raise Stopped(self._answer(request, invalid(STALE)))
        return opened


async def stopped_response(_request: Request, stopped: Exception) -> Response:
    """The exception handler for `Stopped`, in an application whose own routes call `SignUp.admit`."""
    assert isinstance(stopped, Stopped)
    return stopped.response


def _wants_page(request: Request) -> bool:
    """Whether a person's browser posted a form; a program posts JSON, or says that it wants it."""
    accept = request.headers.get("accept", "")
    if request.headers.get("content-type", "").startswith(_FORMS):
        return "text/html" in accept or "json" not in accept
    return False


def _replay(body: bytes) -> Callable[[], Awaitable[Message]]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
