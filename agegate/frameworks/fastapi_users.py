"""fastapi-users: a user manager that asks the gate before every account, and a schema that keeps no birth date.

fastapi-users has no hook before an account is made. It makes one in `create` and, past it, in
`oauth_callback`; the mixin of the manager overrides both. A provider's first sign-in brings no birth date, so
its callback answers with the age question, and `get_age_router` takes the answer and goes on from there. What
the provider said is carried in the browser meanwhile, encrypted; nothing of it lies on the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ValidationError, WithJsonSchema

from agegate.birthdate import BirthDate
from agegate.errors import BirthDateError, ConfigError, NotAdmittedError
from agegate.model import Outcome

try:
    from fastapi_users import exceptions  # type: ignore[import-not-found]
except ImportError:
    raise ConfigError("this adapter needs the extra fastapi-users: install agegate[fastapi-users]") from None

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError

from agegate.frameworks.fastapi import (
    REQUEST_BODY,
    RESPONSES,
    Admitted,
    AgeRoute,
    BirthDateInput,
    SignUp,
    Stopped,
    install,
    set_crumb,
)

__all__ = ["AgeGateUserCreate", "AgeGateUserManagerMixin", "SignUp", "get_age_router", "install"]

_OAUTH: Final = ("oauth_name", "access_token", "account_id", "expires_at", "refresh_token")

_Text = Annotated[object, WithJsonSchema({"type": "string"})]
"""Any value: the gate names the field if it is no text, and repeats nothing."""


class AgeGateUserCreate(BaseModel):
    """The age question's answer in a host's schema: `class UserCreate(AgeGateUserCreate, BaseUserCreate)`.

    None of its fields goes on to the database, except those that the class names in `stored`: columns of the
    host's own table of users. A birth date goes on as a `date`; of which only a month or a year was told, as
    `None`.
    """

    stored: ClassVar[frozenset[str]] = frozenset()

    birth_date: BirthDateInput = BirthDateInput(None)
    country: _Text = None
    region: _Text = None

    def answer(self) -> dict[str, object]:
        """What the gate is asked with."""
        told = {"birth_date": self.birth_date.value, "country": self.country, "region": self.region}
        return told | {"email": getattr(self, "email", None), "phone": getattr(self, "phone", None)}

    def create_update_dict(self) -> dict[str, object]:
        """What is stored for who signs up."""
        inner: Any = super()
        return self._kept(inner.create_update_dict())

    def create_update_dict_superuser(self) -> dict[str, object]:
        """What is stored for whom the host's own code creates."""
        inner: Any = super()
        return self._kept(inner.create_update_dict_superuser())

    def _kept(self, values: Mapping[str, object]) -> dict[str, object]:
        kept = {name: value for name, value in values.items() if name not in AgeGateUserCreate.model_fields}
        answered = self.answer()
        for name in self.stored:
            kept[name] = answered[name]
        if "birth_date" in self.stored:
            kept["birth_date"] = _whole_day(answered["birth_date"])
        return kept


class AgeGateUserManagerMixin:
    """Asks the gate before an account is made; it stands before `BaseUserManager` in a host's manager.

    Set `sign_up` on the class. With a `response` (FastAPI's, from the dependency that makes the manager) an
    admission also deletes the cookie of an earlier refusal.
    """

    sign_up: ClassVar[SignUp]
    response: Response | None = None

    async def create(self, user_create: Any, safe: bool = False, request: Request | None = None) -> Any:
        """Decide, then create. Raises `Stopped` with the answer to who is not admitted.

        Without a request, as in a script, it raises `NotAdmittedError` instead. Otherwise it raises what
        fastapi-users does, for an admitted person only.
        """
        told = user_create.answer() if isinstance(user_create, AgeGateUserCreate) else {}
        told = told | {"email": user_create.email}
        person = await (self._decide(told) if request is None else self.sign_up.decide(request, told))
        if self.response is not None:
            set_crumb(self.response, person.crumb)
        return await self.create_admitted(person, user_create, safe, request)

    async def create_admitted(
        self, person: Admitted, user_create: Any, safe: bool = False, request: Request | None = None
    ) -> Any:
        """Create the account of somebody whom the gate admitted with this e-mail address."""
        inner: Any = super()
        async with person.admitting():
            return await inner.create(user_create, safe, request)

    async def oauth_callback(
        self,
        oauth_name: str,
        access_token: str,
        account_id: str,
        account_email: str,
        expires_at: int | None = None,
        refresh_token: str | None = None,
        request: Request | None = None,
        *,
        associate_by_email: bool = False,
        is_verified_by_default: bool = False,
    ) -> Any:
        """Sign in whom this provider brought before. Raises `Stopped` with the age question for anybody else.

        The e-mail address is not looked up before the answer: an account that has it is found afterwards, as
        fastapi-users does. Without a request it raises `NotAdmittedError` instead.
        """
        own: Any = self
        inner: Any = super()
        flags = {"associate_by_email": associate_by_email, "is_verified_by_default": is_verified_by_default}
        try:
            await own.get_by_oauth_account(oauth_name, account_id)
        except exceptions.UserNotExists:
            pass
        else:
            given = (oauth_name, access_token, account_id, account_email, expires_at, refresh_token, request)
            return await inner.oauth_callback(*given, **flags)
        if request is None:
            raise NotAdmittedError("nobody asked this person's age; ask with a request, or create the account")
        carried = {"email": account_email} | dict(
            zip(
                _OAUTH,
                map(_word, (oauth_name, access_token, account_id, expires_at, refresh_token)),
                strict=True,
            )
        )
        carried |= {name: _word(flag or None) for name, flag in flags.items()}
        raise Stopped(self.sign_up.ask(request, carried))

    async def oauth_admitted(self, person: Admitted, request: Request) -> Any:
        """Go on with the sign-in that the age question interrupted; `person` carries what the provider said."""
        said = person.carried
        inner: Any = super()
        async with person.admitting():
            return await inner.oauth_callback(
                said["oauth_name"],
                said["access_token"],
                said["account_id"],
                said["email"],
                int(said["expires_at"]) if said["expires_at"] else None,
                said["refresh_token"] or None,
                request,
                associate_by_email=bool(said["associate_by_email"]),
                is_verified_by_default=bool(said["is_verified_by_default"]),
            )

    async def _decide(self, told: Mapping[str, object]) -> Admitted:
        """The decision where no browser asks."""
        door = self.sign_up.door
        registration = door.registration(told)
        decision = await door.adecide(registration)
        if decision.outcome is not Outcome.ADMIT:
            fields = ", ".join(error.field for error in decision.errors) or "the gate refuses"
            raise NotAdmittedError(f"no account for this registration: {fields}; create none by another way")
        return Admitted(door.gate, decision, registration, {}, {})


def get_age_router(
    sign_up: SignUp,
    backend: Any,
    get_user_manager: Callable[..., Any],
    user_create_schema: type[AgeGateUserCreate],
) -> APIRouter:
    """The age question (GET) and its answer (POST), which signs up and in: by form, by JSON, after a provider.

    `backend` is the authentication backend that signs in. The answer holds the fields of `user_create_schema`,
    or what a provider's callback carried.
    """
    found = APIRouter(route_class=AgeRoute, tags=["sign-up"])

    @found.get(sign_up.path, response_class=Response, summary="The question as a page")
    async def ask(request: Request) -> Response:
        return sign_up.ask(request)

    @found.post(
        sign_up.path,
        response_class=Response,
        responses=RESPONSES,
        openapi_extra=REQUEST_BODY,
        summary="The answer",
    )
    async def answer(
        request: Request,
        manager: Any = Depends(get_user_manager),  # noqa: B008 - FastAPI's way
        strategy: Any = Depends(backend.get_strategy),  # noqa: B008 - the same
    ) -> Response:
        person = await sign_up.admit(request)
        try:
            user = await _made(manager, person, request, user_create_schema)
        except exceptions.UserAlreadyExists:
            raise HTTPException(400, "REGISTER_USER_ALREADY_EXISTS") from None
        except exceptions.InvalidPasswordException as error:
            told = {"code": "REGISTER_INVALID_PASSWORD", "reason": error.reason}
            raise HTTPException(400, told) from None
        if not user.is_active:
            raise HTTPException(400, "LOGIN_BAD_CREDENTIALS")
        response: Response = await backend.login(strategy, user)
        set_crumb(response, person.crumb)
        await manager.on_after_login(user, request, response)
        return response

    return found


async def _made(manager: Any, person: Admitted, request: Request, schema: type[AgeGateUserCreate]) -> Any:
    if person.carried:
        return await manager.oauth_admitted(person, request)
    birth_date = BirthDateInput(person.registration.birth_date)
    try:
        user_create = schema.model_validate({**person.posted, "birth_date": birth_date})
    except ValidationError as error:
        raise RequestValidationError(
            [{**found, "loc": ("body", *found["loc"])} for found in error.errors()]
        ) from None
    return await manager.create_admitted(person, user_create, True, request)


def _whole_day(told: object) -> date | None:
    """The day of birth, where all of it was told: a column of dates holds no part of one. Never raises."""
    if isinstance(told, date):
        return told.date() if isinstance(told, datetime) else told
    if isinstance(told, str):
        try:
            told = BirthDate.parse(told)
        except BirthDateError:
            return None
    return told.first if isinstance(told, BirthDate) and told.first == told.last else None


def _word(value: object) -> str:
    return "" if value is None else str(value)
