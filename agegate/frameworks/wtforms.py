"""WTForms: three boxes for the date of birth, and the validator that asks the gate.

`BirthDateField` and `CountryField` read what the boxes of `Screen` post and show those boxes, always empty. The
validator `AgeGate` asks once, when the CSRF token of the form was found right. After validation the form no
longer holds the date: `form.decision` is what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

from agegate.errors import ConfigError

try:
    from markupsafe import Markup
    from wtforms.fields import Field  # type: ignore[import-untyped]  # it has no types
    from wtforms.form import BaseForm  # type: ignore[import-untyped]  # it has no types
    from wtforms.validators import StopValidation  # type: ignore[import-untyped]  # it has no types
except ImportError:
    raise ConfigError("the form fields need the extra wtforms: install agegate[wtforms]") from None

from agegate.model import Decision, FieldError, Outcome
from agegate.signup.door import Door
from agegate.signup.screen import Screen, posted_birth_date

_BOXES: Final = ("birth_day", "birth_month", "birth_year")

_ASKED: Final = ("email", "phone", "country", "region", "billing_country", "payer", "locale", "time_zone")
"""The fields of a registration that are read from fields of the form, where it has them."""


@dataclass(frozen=True)
class Visit:
    """What a host knows of who sent the form: the refusal cookie, the Accept-Language header, device, address.

    Give it to the form: `SignUp(posted, meta={"visit": Visit(cookie=…, language=…)})`.
    """

    cookie: str | None = field(default=None, repr=False)
    language: str | None = None
    device: str | None = field(default=None, repr=False)
    ip: str | None = field(default=None, repr=False)


class Asker(Protocol):
    """Who asks the gate for a form; `agegate.frameworks.flask.AgeDoor` is one.

    `ask` may leave by an exception of its framework that carries the refusal.
    """

    @property
    def door(self) -> Door:
        """The door with the page."""

    def ask(self, posted: Mapping[str, object]) -> Decision:
        """The decision about what was posted."""

    def language(self) -> str | None:
        """The language of who asks, as a locale or an Accept-Language header."""

    def hidden(self) -> Markup:
        """A hidden input that `ask` looks for in a form that has no field for an e-mail address or phone."""


@dataclass(frozen=True)
class _Visitor:
    """An asker for a door alone, with what the form was told of the visit."""

    door: Door
    visit: Visit

    def ask(self, posted: Mapping[str, object]) -> Decision:
        registration = self.door.registration(posted, device=self.visit.device, ip=self.visit.ip)
        return self.door.decide(registration, self.visit.cookie)

    def language(self) -> str | None:
        return self.visit.language

    def hidden(self) -> Markup:
        return Markup()


class AgeGate:
    """The validator of a `BirthDateField`: asks the gate about the whole form.

    Give it the door, or whoever asks for a framework (`AgeDoor`). With a door alone, show `door.page` and set
    `door.crumb` yourself where `form.decision` is a refusal. The registration is made of the fields of the form
    with its names (`email`, `phone`, `country`, …); `names` says what the form calls them otherwise.
    """

    def __init__(self, asker: Door | Asker, *, names: Mapping[str, str] | None = None) -> None:
        """Keep who asks."""
        self._asker = asker
        self._names = {name: name for name in _ASKED} | dict(names or {})

    def asker(self, form: BaseForm) -> Asker:
        """Who asks for this form."""
        if isinstance(self._asker, Door):
            return _Visitor(self._asker, getattr(form.meta, "visit", None) or Visit())
        return self._asker

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Ask, and put the errors where they belong."""
        if not isinstance(field, BirthDateField):
            raise ConfigError("the validator AgeGate is for a BirthDateField; give it to one")
        born, field.data = field.data, None
        if not _is_ours(form):
            raise StopValidation  # the field of the token says what is wrong
        asked = {name: form[own].data for name, own in self._names.items() if own in form}
        field.decision = form.decision = self.asker(form).ask({**asked, "birth_date": born})
        self._tell(form, field, field.decision)

    def asks_contact(self, form: BaseForm) -> bool:
        """Whether the form has a field of its own for an e-mail address or phone number."""
        return any(self._names[name] in form for name in ("email", "phone"))

    def _tell(self, form: BaseForm, field: BirthDateField, decision: Decision) -> None:
        """Put the text of each error on its field; what has none there is said here."""
        if decision.outcome is Outcome.ADMIT:
            return
        screen, language = self.asker(form).door.screen, self.asker(form).language() or "en"
        if decision.outcome is Outcome.REFUSE:
            raise StopValidation(screen.refusal_text(language))
        for error in decision.errors:
            text = screen.error_text(error, language)
            own = self._names.get(error.field)
            if own in form:
                _blame(form[own], text)
            else:
                field.errors.append(text)


class _Boxes:
    """The widget: the boxes of the page, in the order and language of who asks."""

    def __call__(self, field: BirthDateField, **_: object) -> Markup:
        gate, form = field.gate, field.form
        asker = gate.asker(form)
        with_country = any(isinstance(one, CountryField) for one in form)
        screen = _screen(asker.door.name, asker.door.contact, with_country)
        errors: Iterable[FieldError] = field.decision.errors if field.decision else ()
        fields = screen.fields(asker.language() or "en", errors=tuple(errors))
        return fields if gate.asks_contact(form) else asker.hidden() + fields


class BirthDateField(Field):  # type: ignore[misc]  # WTForms has no types
    """The date of birth: boxes named `birth_day`, `birth_month`, `birth_year`, or `birth_date` in JSON.

    It never shows what was given, takes nothing from an object, and holds the date only until it is validated.
    Rendered, it brings its legend and errors along, and the list of countries if the form has a `CountryField`.
    """

    widget = _Boxes()

    def __init__(self, label: str = "", validators: Iterable[Any] = (), **kwargs: Any) -> None:
        """Raises `ConfigError` if there is no validator `AgeGate`."""
        checks = tuple(validators)
        super().__init__(label, checks, **kwargs)
        found = [check for check in checks if isinstance(check, AgeGate)]
        if not found:
            raise ConfigError("a BirthDateField needs its validator: give it validators=[AgeGate(door)]")
        self.gate = found[0]
        self.form: Any = kwargs["_form"]
        self.decision: Decision | None = None
        self.form.decision = None

    def process(self, formdata: Any, *_: object, **__: object) -> None:
        """Read the boxes, and nothing else: no default, no object."""
        self.process_errors: list[str] = []
        self.object_data = self.data = None
        if formdata is None:
            return
        posted = {name: _first(formdata, name) for name in (*_BOXES, self.name)}
        born = posted[self.name]
        self.data = posted_birth_date(posted) if born is None or born == "" else born

    def validate(self, form: BaseForm, extra_validators: Iterable[Any] = ()) -> bool:
        """Valid is who was admitted, even where the mistake is in another field; decided once."""
        if self.decision is None:
            super().validate(form, extra_validators)
            self.data = None
        admitted = self.decision is not None and self.decision.outcome is Outcome.ADMIT
        return admitted and not self.errors

    def populate_obj(self, obj: object, name: str) -> None:
        """Give nothing to an object."""


class _Nothing:
    def __call__(self, _field: Field, **_: object) -> Markup:
        return Markup()


class CountryField(Field):  # type: ignore[misc]  # WTForms has no types
    """The country that the list beside the boxes posts; `BirthDateField` shows it."""

    widget = _Nothing()

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the first value; the gate checks it."""
        if valuelist:
            self.data = valuelist[0]


def _is_ours(form: BaseForm) -> bool:
    """Whether the form's own CSRF token is right: a page of another site must not leave a refusal here."""
    name = form.meta.csrf_field_name
    return not form.meta.csrf or name not in form or bool(form[name].validate(form))


def _blame(field: Any, text: str) -> None:
    """Put an error on another field of the form, which is validated later or was before, and show it empty.

    Its data stay: validators of its own may still look at them.
    """
    field.render_kw = {**(field.render_kw or {}), "value": ""}
    if not field.errors:
        field.process_errors = [*field.process_errors, text]  # what its own validation begins with
        field.errors = [text]


def _first(formdata: Any, name: str) -> object:
    found = formdata.getlist(name)
    return found[0] if found else None


@lru_cache(maxsize=16)
def _screen(name: str, contact: str, countries: bool) -> Screen:
    return Screen(name=name, contact=contact, countries=countries)
