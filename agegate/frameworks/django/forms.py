"""The age question in forms of Django: the field, the widget, and the mixin that asks the gate.

The boxes have the names, texts and classes of `agegate.signup.screen`. What was typed is never written back:
not the birth date, and not a value that was wrong.
"""

# mypy: disable-error-code="import-untyped,misc"
# Django has no types of its own, so that its classes are untyped bases.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import lazy

from agegate.birthdate import BirthDate
from agegate.errors import BirthDateError
from agegate.frameworks.django.asking import Refused, admitting, ask, current_request, known, spoken
from agegate.frameworks.django.configuration import door
from agegate.model import Decision, FieldError, Outcome
from agegate.signup.admission import Admitting
from agegate.signup.languages import speech_for
from agegate.signup.screen import INVALID_DATE, posted_birth_date

_PARTS: Final = ("day", "month", "year")


def _say(text: str) -> str:
    """A text of the age question's catalogue in the language that is active."""
    return speech_for(spoken()).say(text)


def _say_error(field: str, code: str) -> str:
    return door().screen.error_text(FieldError(field, code, ""), spoken())


_say_later = lazy(_say, str)
_say_error_later = lazy(_say_error, str)


def _countries() -> list[tuple[str, str]]:
    """The countries in the language that is active, after an entry that is none."""
    return [("", _say("Choose a country")), *speech_for(spoken()).countries]


class BirthDateWidget(forms.Widget):
    """Three boxes for day, month and year in the order of the language; always empty.

    The field `birth_date` posts `birth_day`, `birth_month` and `birth_year`, as the page of `Screen` does;
    a whole `birth_date` (an interface's JSON) is read, too.
    """

    template_name = "agegate/birth_date.html"
    use_fieldset = True

    def get_context(self, name: str, value: object, attrs: Any) -> dict[str, Any]:  # noqa: ARG002 - the signature is Django's
        """What the template needs. The value is not among it."""
        context: dict[str, Any] = super().get_context(name, None, attrs)
        given = context["widget"]["attrs"]
        speech = speech_for(spoken())
        labels = {part: speech.say(part.capitalize()) for part in _PARTS}
        context["widget"] |= {
            "boxes": [
                {"part": part, "name": _box(name, part), "id": f"{given.get('id', name)}_{part}"}
                | {"label": labels[part]}
                for part in speech.order
            ],
            "language": speech.tag,
            "direction": speech.direction,
            "is_invalid": given.get("aria-invalid") == "true",
        }
        return context

    def value_from_datadict(self, data: Mapping[str, object], files: object, name: str) -> object:  # noqa: ARG002 - the signature is Django's
        """`YYYY-MM-DD`, `INVALID_DATE` for what is none, or `None` where nothing was given."""
        whole = data.get(name)
        if whole not in (None, ""):
            return whole
        return posted_birth_date({f"birth_{part}": data.get(_box(name, part)) for part in _PARTS})

    def value_omitted_from_data(self, data: Mapping[str, object], files: object, name: str) -> bool:  # noqa: ARG002 - the signature is Django's
        """Whether none of the boxes came."""
        return not any(key in data for key in keys_of(name))

    def id_for_label(self, id_: str) -> str:  # noqa: ARG002 - the signature is Django's
        """None: the fieldset's legend names the boxes together, each has a label of its own."""
        return ""


class BirthDateField(forms.Field):
    """A birth date as the gate reads it: a text of `YYYY-MM-DD`, `YYYY-MM` or `YYYY`. Never written back."""

    widget = BirthDateWidget

    def __init__(self, **options: Any) -> None:
        """A field with the texts of the age question, unless `options` say otherwise."""
        options.setdefault("label", _say_later("Date of birth"))
        options.setdefault("help_text", _say_later("Use digits, and write the year in full."))
        super().__init__(**options)

    def clean(self, value: object) -> str | None:
        """The text. Raises `ValidationError`, which does not repeat it."""
        if value is None or value == "":
            if self.required:
                raise ValidationError(_say_error("birth_date", "missing"), code="required")
            return None
        try:
            if not isinstance(value, str) or value == INVALID_DATE:
                raise BirthDateError
            BirthDate.parse(value)
        except BirthDateError:
            raise ValidationError(_say_error("birth_date", "invalid"), code="invalid") from None
        return value

    def bound_data(self, data: object, initial: object) -> None:
        """Nothing: what was typed is not written back."""


class CountryField(forms.ChoiceField):
    """The country that a person lives in (ISO 3166-1 alpha-2), with names in the active language."""

    def __init__(self, **options: Any) -> None:
        """A field with the texts of the age question, unless `options` say otherwise."""
        options.setdefault("label", _say_later("Country you live in"))
        options.setdefault("choices", _countries)
        options.setdefault("widget", forms.Select(attrs={"autocomplete": "country"}))
        wrong = {"required": ("country", "missing"), "invalid_choice": ("country", "invalid")}
        texts = {code: _say_error_later(*said) for code, said in wrong.items()}
        options["error_messages"] = texts | dict(options.get("error_messages") or {})
        super().__init__(**options)

    def to_python(self, value: object) -> str:
        """The code in capitals."""
        return str(super().to_python(value)).strip().upper()


class AgeGateFormMixin(forms.Form):
    """A sign-up form that asks the gate before anything else of it counts. Put it first among the bases.

    `is_valid` raises `Refused` for who is refused, whatever else is wrong with the form; the middleware
    answers. Create the account inside `with form.admitting():`. The birth date is in no `cleaned_data`, in
    no `data` after the check, and in no page. `email_field` and `phone_field` name the fields that hold the
    account's e-mail address and phone number.
    """

    birth_date = BirthDateField()
    country = CountryField()

    email_field: ClassVar[str] = "email"
    phone_field: ClassVar[str] = "phone"

    data: Any
    decision: Decision | None = None

    def known(self, request: HttpRequest) -> dict[str, object]:
        """What the host knows of the person by itself, such as `device`; extend it."""
        return dict(known(request))

    def other_emails(self) -> list[str]:
        """More addresses by which a refusal is remembered and recalled, such as that of a provider."""
        return []

    def clean(self) -> dict[str, Any] | None:
        """Ask the gate, then go on. Raises `Refused`."""
        self._ask()
        cleaned: dict[str, Any] | None = super().clean()
        return cleaned

    def full_clean(self) -> None:
        """Check the whole form. Raises `Refused`, even if a subclass forgets to call `clean` of this one."""
        self.decision = None
        try:
            super().full_clean()
            if self.is_bound and self.decision is None:
                self._ask()
        finally:
            self._forget()

    def admitting(self) -> Admitting:
        """The block in which the account is created; see `AgeGate.admitting`.

        Raises `NotAdmittedError` on entering if the form was not admitted, or was used before.
        """
        cleaned = getattr(self, "cleaned_data", {})
        phone = cleaned.get(self.phone_field)
        return admitting(
            self.decision,
            email=cleaned.get(self.email_field),
            phone=str(phone) if phone else None,
            country=cleaned.get("country"),
        )

    def _ask(self) -> None:
        request = current_request()
        posted: dict[str, object] = dict(self.cleaned_data)
        self.cleaned_data.pop("birth_date", None)
        phone = posted.get(self.phone_field)
        posted["phone"] = str(phone) if phone else None
        emails = (posted.get(self.email_field), *self.other_emails())
        told = [door().registration(posted | {"email": email}, **self.known(request)) for email in emails]
        decisions = [ask(request, one) for one in told]  # all of them: a refusal is remembered by each
        self.decision = decisions[0]
        for decision in decisions:
            if decision.outcome is Outcome.REFUSE:
                self.decision = decision
                self.add_error(None, door().screen.refusal_text(spoken()))  # for who catches `Refused`
                raise Refused(decision)
        self._say_errors(self.decision.errors)

    def _say_errors(self, errors: tuple[FieldError, ...]) -> None:
        """Put the gate's errors on the form's fields, unless a field has said what is wrong itself."""
        names = {"email": self.email_field, "phone": self.phone_field}
        for error in errors:
            name = names.get(error.field, error.field)
            if name not in self.errors:
                text = door().screen.error_text(error, spoken())
                self.add_error(name if name in self.fields else None, text)

    def _forget(self) -> None:
        """Take the birth date and what was wrong out of the data, so that no page shows them again."""
        if not self.is_bound:
            return
        kept: Any = self.data.copy()
        wrong = [name for name in self._errors or () if name in self.fields]
        for name in ("birth_date", *wrong):
            for key in keys_of(self.add_prefix(name)):
                kept.pop(key, None)
        self.data = kept


def keys_of(name: str) -> tuple[str, ...]:
    """The names under which a field may be posted: its own, and those of the boxes of a birth date."""
    return (name, *(_box(name, part) for part in _PARTS)) if name.endswith("birth_date") else (name,)


def _box(name: str, part: str) -> str:
    """The name of a box: `birth_day` of the field `birth_date`."""
    return f"{name.removesuffix('_date')}_{part}"
