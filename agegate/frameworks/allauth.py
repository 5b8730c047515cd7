"""django-allauth: one base for all of its sign-up forms, so that no way in goes past the age question.

`ACCOUNT_SIGNUP_FORM_CLASS` is the base of allauth's forms for local, social, headless and passkey sign-up. The
account adapter creates the account inside the admission, the social adapter always shows the form, and the
middleware keeps a provider's name and address unreadable in the session until the answer. Needs the extra
`allauth`, and everything that `agegate.frameworks.django` asks for.
"""

# mypy: disable-error-code="import-untyped,misc"
# Django and allauth have no types of their own, so that their classes are untyped bases.

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final

from agegate.errors import ConfigError

if find_spec("allauth") is None:
    raise ConfigError("agegate.frameworks.allauth needs the extra allauth: install agegate[allauth]")

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from agegate.frameworks.django.configuration import place_of
from agegate.frameworks.django.forms import AgeGateFormMixin

PENDING: Final = "socialaccount_sociallogin"
"""Where allauth keeps a social sign-up that waits for its form (`socialaccount/internal/flows/signup.py`)."""

SEALED: Final = "agegate_pending"
"""Where it lies sealed, and the cookie with the key."""

TERM: Final = 30 * 60
"""How long a person may take for the form, in seconds."""


class AgeGateSignupForm(AgeGateFormMixin):
    """The base for `ACCOUNT_SIGNUP_FORM_CLASS`. Subclass it to ask for more."""

    def signup(self, request: HttpRequest, user: Any) -> None:
        """What allauth calls after it created the account: nothing is added to it."""

    def other_emails(self) -> list[str]:
        """The provider's addresses: another one in the form's box is no way around a refusal."""
        login = getattr(self, "sociallogin", None)
        given = [found.email for found in login.email_addresses] if login is not None else []
        typed = self.cleaned_data.get(self.email_field)
        return [email for email in dict.fromkeys(given) if email and email != typed]


class AgeGateAccountAdapterMixin:
    """For `ACCOUNT_ADAPTER`: creates the account inside the admission. Put it first among the bases."""

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Save a new user. Raises `NotAdmittedError` if the form was not admitted.

        With `commit` off nothing is created here: whoever saves the user does so inside `form.admitting()`.
        """
        if not commit or not isinstance(form, AgeGateFormMixin):
            return super().save_user(request, user, form, commit=commit)
        with form.admitting():
            return super().save_user(request, user, form, commit=commit)


class AgeGateSocialAccountAdapterMixin:
    """For `SOCIALACCOUNT_ADAPTER`: nobody is signed up by a provider alone. Put it first among the bases."""

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002 - the signature is allauth's
        """Never: the form with the age question always comes."""
        return False


class PendingSignupMiddleware(MiddlewareMixin):
    """Seals a social sign-up that waits for its form: the session holds it encrypted, the browser the key.

    Whoever never answers leaves nothing that could be read: not in the table of sessions, not in its backups.
    Put it after `SessionMiddleware`. A client without cookies (allauth's `app` client) is not covered.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Open what waits, for this request alone."""
        key = request.COOKIES.get(SEALED)
        sealed = request.session.pop(SEALED, None) if key else None
        if key and sealed:
            try:
                opened = Fernet(key).decrypt(str(sealed), ttl=TERM)
            except (InvalidToken, ValueError):
                return
            request.session[PENDING] = json.loads(opened)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Seal what waits still; the key is forgotten with the answer."""
        session, key = request.session, request.COOKIES.get(SEALED)
        waiting = session.get(PENDING) if session.accessed or session.modified else None
        if waiting is not None:
            cipher, key = _cipher(key)
            session[SEALED] = cipher.encrypt(json.dumps(waiting).encode()).decode()
            del session[PENDING]
            response.set_cookie(
                SEALED,
                key,
                max_age=TERM,
                path=settings.SESSION_COOKIE_PATH,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        elif key is not None and SEALED not in session:
            response.delete_cookie(SEALED, path=settings.SESSION_COOKIE_PATH, samesite="Lax")
        return response


def _cipher(key: str | None) -> tuple[Fernet, str]:
    """The browser's key if it is one (requests at once must not lock each other out), else a new one."""
    if key is not None:
        try:
            return Fernet(key), key
        except ValueError:
            pass
    fresh = Fernet.generate_key().decode()
    return Fernet(fresh), fresh


def check_allauth() -> Iterator[CheckMessage]:
    """What would let allauth create an account past the gate; part of `manage.py check`."""
    own = f"{__name__}."
    if not _is_made_of("ACCOUNT_SIGNUP_FORM_CLASS", AgeGateSignupForm):
        hint = f'Set ACCOUNT_SIGNUP_FORM_CLASS = "{own}AgeGateSignupForm", or a subclass.'
        yield Error("allauth's sign-up forms do not ask the gate", hint=hint, id="agegate.E010")
    if not _is_made_of("ACCOUNT_ADAPTER", AgeGateAccountAdapterMixin):
        hint = "Set ACCOUNT_ADAPTER to a class with AgeGateAccountAdapterMixin before DefaultAccountAdapter."
        yield Error("allauth creates accounts outside the admission", hint=hint, id="agegate.E011")
    if not apps.is_installed("allauth.socialaccount"):
        return
    automatic = getattr(settings, "SOCIALACCOUNT_AUTO_SIGNUP", True)
    if automatic and not _is_made_of("SOCIALACCOUNT_ADAPTER", AgeGateSocialAccountAdapterMixin):
        hint = (
            "Set SOCIALACCOUNT_ADAPTER to a class with AgeGateSocialAccountAdapterMixin before "
            "DefaultSocialAccountAdapter, or SOCIALACCOUNT_AUTO_SIGNUP = False."
        )
        yield Error("allauth signs social accounts up without the form", hint=hint, id="agegate.E012")
    if place_of(PendingSignupMiddleware) is None:
        hint = f'Add "{own}PendingSignupMiddleware" to MIDDLEWARE, after SessionMiddleware.'
        yield Error("a provider's name and address lie open in the session", hint=hint, id="agegate.E013")


def _is_made_of(setting: str, wanted: type) -> bool:
    """Whether the class that a setting names is one of ours."""
    name = getattr(settings, setting, None)
    try:
        found = import_string(name) if name else None
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, wanted)
