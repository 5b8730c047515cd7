"""FastAPI: a dependency that gives an admitted person, a router that asks, and errors that echo nothing.

The dependency reads and checks the answer outside pydantic. FastAPI's own answer to wrong input repeats what
was posted (`input`, and for a missing field the whole object), so `install` replaces it for the whole
application. No description of the interface names an age.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from agegate.errors import ConfigError

try:
    from fastapi import APIRouter, Depends, FastAPI, Request, Response
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute
except ImportError:
    raise ConfigError("the sign-up dependency needs the extra fastapi: install agegate[fastapi]") from None

from agegate.frameworks.starlette import (
    Admitted,
    Create,
    SignUp,
    Stopped,
    set_crumb,
    stopped_response,
)
from agegate.signup.door import PROBLEM_TYPE

__all__ = [
    "REQUEST_BODY",
    "RESPONSES",
    "Admitted",
    "AgeCheck",
    "AgeRoute",
    "BirthDateInput",
    "SignUp",
    "Stopped",
    "install",
    "router",
    "set_crumb",
]

_TEXT: Final = {"type": "string"}

_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "title": "SignUp",
    "properties": {
        "birth_date": {**_TEXT, "title": "Date of birth", "description": "YYYY-MM-DD, YYYY-MM or YYYY"},
        **{
            f"birth_{part}": {**_TEXT, "title": f"{part.title()} of birth"} for part in ("day", "month", "year")
        },
        "country": {**_TEXT, "description": "Where the person lives, as ISO 3166-1 alpha-2"},
        "region": {**_TEXT, "description": "A part of the country, as ISO 3166-2"},
        "email": {**_TEXT, "format": "email"},
        "phone": {**_TEXT, "description": "A whole number with its country code"},
    },
}

REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": _ANSWER} for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}
"""What the dependency reads, for a route's `openapi_extra`."""

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {"field": _TEXT, "code": _TEXT, "message": _TEXT},
            },
        },
    },
}

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": {PROBLEM_TYPE: {"schema": _PROBLEM}}}
    for status, text in (
        (403, "No account can be created"),
        (413, "The body is too large"),
        (415, "The body is neither a form nor JSON"),
        (422, "A field cannot be used; the answer names it"),
    )
}
"""What the dependency answers to who is not admitted (RFC 9457), for a route's `responses`."""

_MESSAGES: Final = {"missing": "This field is needed.", "json_invalid": "The body is not JSON."}


_INSIDE: Final = ("app", "_base_app", "original_router")
"""Where a mount, a middleware and (in newer versions of FastAPI) an included router keep what they wrap."""


class AgeCheck:
    """A dependency: `person: Annotated[Admitted, Depends(AgeCheck(sign_up))]`.

    It reads the answer from a form or JSON and gives an `Admitted`, or answers itself. A route that returns a
    `Response` of its own sets the cookie by `set_crumb(response, person.crumb)`.
    """

    def __init__(self, sign_up: SignUp) -> None:
        """Keep what asks and decides."""
        self._sign_up = sign_up

    async def __call__(self, request: Request, response: Response) -> Admitted:
        """The person whom the gate admits. Raises `Stopped` for everybody else."""
        person = await self._sign_up.admit(request)
        set_crumb(response, person.crumb)
        return person


class AgeRoute(APIRoute):
    """A route that answers for the dependency without a handler of the application."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the dependency's own answer let through."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except Stopped as stopped:
                return stopped.response

        return handler


def router(sign_up: SignUp, create: Create) -> APIRouter:
    """A router with the question (GET) and its answer (POST); `create` is called for who is admitted."""
    path, check = sign_up.path, AgeCheck(sign_up)
    found = APIRouter(route_class=AgeRoute, tags=["sign-up"])

    @found.get(path, response_class=Response, summary="The question as a page")
    async def ask(request: Request) -> Response:
        return sign_up.ask(request)

    @found.post(
        path,
        status_code=201,
        response_class=Response,
        responses=RESPONSES,
        openapi_extra=REQUEST_BODY,
        summary="The answer",
    )
    async def answer(request: Request, person: Admitted = Depends(check)) -> Response:  # noqa: B008 - FastAPI's way
        response = await create(request, person)
        set_crumb(response, person.crumb)
        return response

    return found


def install(app: FastAPI) -> None:
    """Let an application answer for `AgeCheck`, and never repeat in a 422 what was posted, on any route.

    The same holds for every FastAPI application that is mounted in it by now, however deep: each answers its
    own errors. One that is mounted later needs an `install` of its own.

    FastAPI's shape of errors stays (`detail` with `loc`, `msg` and `type`), without `input` and `ctx`; `msg`
    is one of ours, because pydantic's can hold the value, and `loc` ends before a name that the application
    does not declare, because a posted key can be anything.
    """
    for found in _applications(app):
        _silence(found)


def _applications(app: FastAPI) -> list[FastAPI]:
    """An application and all that are mounted in it: behind routers, hosts and middleware, too."""
    found: list[FastAPI] = []
    seen: dict[int, object] = {}
    ahead: list[object] = [app]
    while ahead:
        here = ahead.pop()
        if id(here) in seen:
            continue
        seen[id(here)] = here
        if isinstance(here, FastAPI):
            found.append(here)
        routes = getattr(here, "routes", None)
        ahead.extend(routes if isinstance(routes, list) else ())
        ahead.extend(getattr(here, name) for name in _INSIDE if getattr(here, name, None) is not None)
    return found


def _silence(app: FastAPI) -> None:
    """Put both handlers into one application."""
    described: tuple[object, frozenset[str]] = (None, frozenset())

    def names() -> frozenset[str]:
        """The declared names, read anew where the description was made anew."""
        nonlocal described
        try:
            schema = app.openapi()
        except Exception:  # an application that cannot be described still answers, and then with no name
            return frozenset()
        if schema is not described[0]:
            described = (schema, _declared(schema))
        return described[1]

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        declared = names()
        told = [
            {
                "type": str(found["type"]),
                "loc": _known_part(found["loc"], declared),
                "msg": _MESSAGES.get(found["type"], "This field cannot be used."),
            }
            for found in error.errors()
        ]
        return JSONResponse({"detail": told}, 422)

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Stopped, stopped_response)


class BirthDateInput:
    """A birth date in the host's own pydantic model that nothing shows: no `repr`, no error, no dump.

    Any value is taken, and the gate names the field if it is no date: give it `.value`. A model that is dumped
    to JSON holds `null` in its place. It cannot hide itself in the error of *another* field of its model,
    where pydantic repeats the whole object: that is what `install` is for.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Keep what was given, whatever it is."""
        self.value = value

    def __repr__(self) -> str:
        return "BirthDateInput(…)"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Takes everything; written as nothing."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: None, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A text, in every description of the interface."""
        return {**_TEXT, "title": "Date of birth", "description": "YYYY-MM-DD"}


def _declared(openapi: Any) -> frozenset[str]:
    """The names of all fields and parameters that an application describes."""
    found: set[str] = set()
    ahead: list[Any] = [openapi]
    while ahead:
        here = ahead.pop()
        if isinstance(here, dict):
            properties = here.get("properties")
            found.update(properties if isinstance(properties, dict) else ())
            if isinstance(here.get("in"), str) and isinstance(here.get("name"), str):
                found.add(here["name"])
            ahead.extend(here.values())
        elif isinstance(here, list):
            ahead.extend(here)
    return frozenset(found)


def _known_part(location: Sequence[object], declared: frozenset[str]) -> list[object]:
    """A location up to the first name in it that is not declared; it begins with `body`, `query` and so on."""
    told: list[object] = list(location[:1])
    for part in location[1:]:
        if not isinstance(part, int) and part not in declared:
            break
        told.append(part)
    return told
