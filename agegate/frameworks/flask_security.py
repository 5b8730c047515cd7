"""Flask-Security: the age question in its register form, and a datastore that creates nobody unasked.

Both ways of `/register`, form and JSON, go through the form; a refusal leaves it with the answer of
`agegate.frameworks.flask`, which the view passes on unchanged. In Flask-Security 5.9 accounts come from
`/register` and `flask users create` alone, both through the datastore: its sign-in by OAuth, e-mailed links,
codes and passkeys only knows accounts that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agegate.errors import ConfigError, NotAdmittedError

try:
    from flask_security import RegisterFormV2, UserDatastore
except ImportError:
    raise ConfigError("this needs the extra flask-security: install agegate[flask-security]") from None

from agegate.frameworks.flask import admission, current_door
from agegate.frameworks.wtforms import AgeGate, BirthDateField, CountryField
from agegate.model import Decision
from agegate.signup.admission import open_permits
from agegate.signup.door import Door

if TYPE_CHECKING:
    from flask_security import UserMixin
    from markupsafe import Markup


class _OfApplication:
    """Asks by the extension of whichever application runs."""

    @property
    def door(self) -> Door:
        return current_door().door

    def ask(self, posted: Mapping[str, object]) -> Decision:
        return current_door().ask(posted)

    def language(self) -> str:
        return current_door().language()

    def hidden(self) -> Markup:
        return current_door().hidden()


class AgeGateFields:
    """The fields and the care for a register form of your own: `class Register(AgeGateFields, RegisterFormV2)`.

    Show them with `{{ register_user_form.birth_date() }}` in `security/register_user.html`.
    """

    birth_date = BirthDateField(validators=[AgeGate(_OfApplication())])
    country = CountryField()

    def validate(self, **kwargs: Any) -> bool:
        """Ask before anything is looked up: in the table of users, or of an address's domain."""
        self.birth_date.validate(self)
        return bool(super().validate(**kwargs))  # type: ignore[misc]  # the form's, in the class beside

    def to_dict(self, only_user: bool) -> dict[str, Any]:
        """What becomes the account, or goes to the receivers of `user_registered`: never the date of birth."""
        given: dict[str, Any] = super().to_dict(only_user)  # type: ignore[misc]  # the form's, in the class beside
        return {name: value for name, value in given.items() if name != "birth_date"}


class AgeGateRegisterForm(AgeGateFields, RegisterFormV2):
    """Flask-Security's own form with the question: `Security(…, register_form=AgeGateRegisterForm)`."""


class AgeGateDatastore(UserDatastore):
    """Makes a datastore create who was admitted: `class Users(AgeGateDatastore, SQLAlchemyUserDatastore)`.

    It uses the admission of the running request, and writes the account while the guard lets it through.
    """

    def create_user(self, **kwargs: Any) -> UserMixin:
        """Create the account that was admitted in this request, or in an open block of `admitting`.

        Raises `NotAdmittedError` if there is none.
        """
        if open_permits():
            return self._create(kwargs)
        found = admission()
        if found is None:
            raise NotAdmittedError(
                "a user that nobody admitted; use AgeGateRegisterForm, or create it inside Admission.admitting"
            )
        with found.gate.admitting(found.decision.token, email=kwargs.get("email")):
            return self._create(kwargs)

    def _create(self, fields: Mapping[str, Any]) -> UserMixin:
        user = super().create_user(**fields)
        session = getattr(getattr(self, "db", None), "session", None)
        if session is not None:  # the guard looks when the row is written, and the block is open only now
            session.flush()
        return user
