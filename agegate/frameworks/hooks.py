"""HTTP hooks: the gate for services in other languages, as a small ASGI application of its own.

`POST /v1/decide` takes a registration as JSON and answers with a state; `POST /v1/redeem` uses up the token of
an admission; `POST /hooks/supabase` is a "Before User Created" hook of Supabase Auth. All are signed with
Standard Webhooks 1.0.0 (`agegate.webhooks`); what is not gets 401 and no word more.

A message that comes again gets the answer that it got. Answers are remembered in memory for twice the
tolerance: a replay that outlives them is too old, and one that reaches another process, or this one after a
restart, is decided anew, which admits nobody who would not be admitted and prolongs no refusal.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets as random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from agegate.errors import ConfigError, NotAdmittedError

try:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route
except ImportError:
    raise ConfigError("the HTTP hooks need the extra starlette: install agegate[starlette]") from None

from agegate.model import Decision, FieldError, Outcome
from agegate.signup.admission import TERM
from agegate.signup.contacts import Contact
from agegate.signup.door import LARGEST_BODY, STATUS, Door, invalid
from agegate.signup.screen import negotiate
from agegate.webhooks import TOLERANCE, Verifier

Answer = tuple[int, dict[str, object]]
"""A status and a JSON object."""

MOST_REMEMBERED: Final = 10_000
"""How many answers, and how many admissions on hold, are remembered at once."""

TOKEN: Final = "agegate_token"  # noqa: S105 - the name of a field
"""The name under which a sign-up's own data carries the token of an admission to the Supabase hook."""

NOT_ASKED: Final = FieldError("birth_date", "missing", "ask for the date of birth first")

_HOST_SAYS: Final = ("ip", "ip_country", "device")
_NO_STORE: Final = {"Cache-Control": "no-store"}


def app(door: Door, *, secrets: Sequence[str], supabase_status: int = 403) -> Starlette:
    """The application. `secrets` are `whsec_…`, the newest and any that still sign.

    `supabase_status` is the status of a refusal by the Supabase hook. Every version of Supabase Auth takes 403
    as a no, and shows the person a text of its own. With 200 those since February 2026 (supabase/auth, pull
    request 2380) show ours, and earlier ones read a yes. Raises `ConfigError` for a secret that is none, or
    another status.
    """
    if supabase_status not in (200, 403):
        raise ConfigError("supabase_status must be 403, or 200 where Supabase Auth is new enough to read it")
    replies = _Replies(door, supabase_status)
    verifier = Verifier(secrets)
    return Starlette(
        routes=[
            Route("/v1/decide", _signed(verifier, replies.decide), methods=["POST"]),
            Route("/v1/redeem", _signed(verifier, replies.redeem), methods=["POST"]),
            Route("/hooks/supabase", _signed(verifier, replies.supabase, by_body=True), methods=["POST"]),
        ]
    )


class _Replies:
    """Answers messages whose signature was checked."""

    def __init__(self, door: Door, supabase_status: int) -> None:
        self._door = door
        self._supabase_status = supabase_status
        self._held = _Held()

    async def decide(self, asked: Mapping[str, object]) -> Answer:
        """A state for a registration, and what to send on to the person."""
        cookie = asked.get("cookie")
        known = {name: asked[name] for name in _HOST_SAYS if asked.get(name) is not None}
        decision = await self._decided(asked, cookie, known)
        told: dict[str, object] = {"schema": 1, "outcome": decision.outcome.value}
        if decision.outcome is Outcome.ADMIT:
            told["token"] = decision.token
            if asked.get("hold") is True and decision.token:
                self._held.keep(_contacts(asked), decision.token)
        else:
            told["problem"] = self._door.problem(decision, _text(asked, "language"))
        crumb = self._door.crumb(decision, cookie)
        told["cookie"] = None if crumb is None else asdict(crumb)
        return 200, told

    async def redeem(self, asked: Mapping[str, object]) -> Answer:
        """Use a token up for the account that is created now."""
        is_good = await self._is_redeemed(asked.get("token"), asked)
        return 200, {"schema": 1, "outcome": "admit" if is_good else "refuse"}

    async def supabase(self, asked: Mapping[str, object]) -> Answer:
        """Let Supabase Auth create a user, or not."""
        user = _object(asked, "user")
        given = {**_object(user, "user_metadata"), "email": user.get("email"), "phone": _phone(user)}
        address = _text(_object(asked, "metadata"), "ip_address")
        decision = await self._stopped(given, {"ip": address} if address else {})
        if decision is None:
            return 200, {}
        language = negotiate(_text(given, "locale"))
        if decision.outcome is Outcome.REFUSE:
            message = self._door.screen.refusal_text(language)
        else:
            message = " ".join(self._door.screen.error_text(error, language) for error in decision.errors)
        code = STATUS[decision.outcome]
        return (
            code if self._supabase_status != 200 else 200,
            {"error": {"http_code": code, "message": message}},
        )

    async def _stopped(self, given: Mapping[str, object], known: Mapping[str, object]) -> Decision | None:
        """What stops a user of Supabase Auth; `None` is nothing.

        An age that is stated is decided first, and no earlier admission outweighs it. A token beside it must be
        good, too.
        """
        token = given.get(TOKEN)
        is_stated = self._door.registration(given).birth_date is not None
        if token is None and not is_stated:
            token = self._held.take(_contacts(given))
        if is_stated or token is None:
            decision = await self._decided(given, None, known)
            if decision.outcome is not Outcome.ADMIT:
                return decision
        if token is None or await self._is_redeemed(token, given):
            return None
        return invalid(NOT_ASKED)

    async def _decided(
        self, given: Mapping[str, object], cookie: object, known: Mapping[str, object]
    ) -> Decision:
        """The decision. A refusal ends an admission that waits; what is invalid says nothing about an age."""
        decision = await self._door.adecide(self._door.registration(given, **known), cookie)
        if decision.outcome is Outcome.REFUSE:
            self._held.drop(_contacts(given))
        return decision

    async def _is_redeemed(self, token: object, given: Mapping[str, object]) -> bool:
        proof = token if isinstance(token, str) else None
        email, phone, country = (_text(given, name) for name in ("email", "phone", "country"))
        try:
            async with self._door.gate.admitting(proof, email=email, phone=phone, country=country):
                return True
        except NotAdmittedError:
            return False


class _Held:
    """Admissions that wait for an account whose creation can carry no token, by a keyed hash of its contact."""

    def __init__(self) -> None:
        self._key = random.token_bytes(32)
        self._tokens: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def keep(self, contacts: Sequence[Contact], token: str) -> None:
        """Hold a token for the contacts that the decision saw."""
        for contact in contacts:
            self._tokens[self._name(contact)] = (token, time.monotonic() + TERM.total_seconds())
        while len(self._tokens) > MOST_REMEMBERED:
            self._tokens.popitem(last=False)

    def take(self, contacts: Sequence[Contact]) -> str | None:
        """The token that is held for one of the contacts, which it is no longer."""
        found = [self._tokens.pop(self._name(contact), None) for contact in contacts]
        return next((held[0] for held in found if held and held[1] > time.monotonic()), None)

    def drop(self, contacts: Sequence[Contact]) -> None:
        """Hold the admissions of these contacts no longer, nor under another contact of the same admission."""
        found = [self._tokens.get(self._name(contact)) for contact in contacts]
        ended = {held[0] for held in found if held}
        for name in [name for name, held in self._tokens.items() if held[0] in ended] if ended else ():
            del self._tokens[name]

    def _name(self, contact: Contact) -> bytes:
        return hmac.digest(self._key, f"{contact.kind}:{contact.canonical}".encode(), "sha256")


class _Answers:
    """What was answered to which message, for as long as it could be sent again."""

    def __init__(self) -> None:
        self._key = random.token_bytes(32)
        self._tasks: OrderedDict[bytes, tuple[asyncio.Task[Answer], float]] = OrderedDict()

    async def once(self, message: bytes, answer: Callable[[], Coroutine[None, None, Answer]]) -> Answer:
        """The answer to a message, made once, even where it comes twice at the same time."""
        name, now = hmac.digest(self._key, message, "sha256"), time.monotonic()
        while self._tasks and (
            len(self._tasks) >= MOST_REMEMBERED or next(iter(self._tasks.values()))[1] < now
        ):
            self._tasks.popitem(last=False)
        if name not in self._tasks:
            self._tasks[name] = (asyncio.create_task(answer()), now + 2 * TOLERANCE.total_seconds())
        task = self._tasks[name][0]
        try:
            return await asyncio.shield(task)
        except Exception:
            self._tasks.pop(name, None)  # what failed is tried again
            raise


def _signed(
    verifier: Verifier, answer: Callable[[Mapping[str, object]], Awaitable[Answer]], *, by_body: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for signed messages.

    A message is the same where its id is, or with `by_body` where its body is: Supabase Auth gives each try
    of one message a new id, and its body has an id of its own.
    """
    answers = _Answers()

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        message_id = verifier.sender_id(request.headers, body, datetime.now(UTC))
        if message_id is None:
            return Response(status_code=401)
        name = body if by_body else f"{message_id}.".encode() + body
        status, told = await answers.once(name, lambda: _answered(answer, body))
        return JSONResponse(told, status, headers=_NO_STORE)

    return endpoint


async def _answered(answer: Callable[[Mapping[str, object]], Awaitable[Answer]], body: bytes) -> Answer:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    return await answer(asked if isinstance(asked, dict) else {})


async def _body(request: Request) -> bytes | None:
    """The body; `None` where it is too large."""
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > LARGEST_BODY:
            return None
    return bytes(kept)


def _contacts(given: Mapping[str, object]) -> list[Contact]:
    """The e-mail address and phone number that are in what was given."""
    found = []
    for kind in ("email", "phone"):
        try:
            found.append(Contact.read(kind, given.get(kind), _text(given, "country")))
        except ValueError:
            continue
    return found


def _object(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = given.get(name)
    return found if isinstance(found, dict) else {}


def _text(given: Mapping[str, object], name: str) -> str | None:
    found = given.get(name)
    return found if isinstance(found, str) and found else None


def _phone(user: Mapping[str, object]) -> object:
    """A user's phone number: Supabase Auth writes E.164 without its plus."""
    found = user.get("phone")
    return f"+{found}" if isinstance(found, str) and found.isascii() and found.isdigit() else found
