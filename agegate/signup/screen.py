"""The neutral age question as a page, its answer, and the one page for everybody who is refused.

The question has empty boxes for day, month and year and no hint of a limit: not in its text, its markup or
its errors. What was given is never written back. All who are refused get the same bytes. The pages follow
WCAG 2.2 AA, read from right to left where the language does, and need no script.

Sources: FTC, Complying with COPPA: Frequently Asked Questions, section D (a neutral age screen); WCAG 2.2;
HTML, autofill field names (`bday-day`, `country`).
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import quote, urlsplit

from email_validator import EmailNotValidError, validate_email

from agegate.errors import ConfigError
from agegate.model import FieldError
from agegate.signup.languages import LANGUAGES, Speech, negotiate, speech_for

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["INVALID_DATE", "LANGUAGES", "Screen", "negotiate", "posted_birth_date"]

INVALID_DATE: Final = "invalid"
"""What stands for an answer that is no date: `BirthDate.parse` refuses it, and nothing typed is in it."""

_TEMPLATES: Final = Path(__file__).parent / "templates"

_STYLE: Final = (_TEMPLATES / "screen.css").read_text(encoding="utf-8")

_BOXES: Final = ("birth_year", "birth_month", "birth_day")

_LONGEST_PART: Final = 40
"""Characters that are looked at in a box: a number with spaces and marks around it is far shorter."""

_MARKS: Final = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
"""Invisible marks of direction, which keyboards and clipboards of right-to-left languages put beside digits."""


def posted_birth_date(form: Mapping[str, object]) -> str | None:
    """`YYYY-MM-DD` from the boxes `birth_day`, `birth_month` and `birth_year` as a person typed them.

    Digits of every script are read (Arabic-Indic, full-width). `None` where all three are empty. Anything
    else that is no day of the calendar, with its year in full, is `INVALID_DATE`: a gate answers to it that
    the birth date is invalid, and nothing of what was typed goes on. Never raises on values.
    """
    parts = [_typed(form.get(name)) for name in _BOXES]
    if not any(parts):
        return None
    numbers = [_number(part) for part in parts]
    if None in numbers or len(parts[0]) != 4 or max(map(len, parts[1:])) > 2:
        return INVALID_DATE
    try:
        return date(*(number for number in numbers if number is not None)).isoformat()
    except ValueError:
        return INVALID_DATE


def _typed(value: object) -> str:
    """What stands in a box, without the white space around it; what is no text stands for no number."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return "?"
    return value[:_LONGEST_PART].translate(_MARKS).strip() + value[_LONGEST_PART : _LONGEST_PART + 1]


def _number(text: str) -> int | None:
    """The number that decimal digits of any script write."""
    if not text.isdecimal():
        return None
    return int("".join(str(unicodedata.decimal(digit)) for digit in text))


def msgid(text: str) -> str:
    """Mark a text for the catalogue; the text itself is returned."""
    return text


_ERRORS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("birth_date", "missing"): msgid("Enter your date of birth."),
        ("birth_date", "invalid"): msgid(
            "There is a mistake in the date. "
            "Check the day and the month, and write the year in full, in digits."
        ),
        ("country", "missing"): msgid("Choose the country you live in."),
        ("country", "invalid"): msgid("Choose the country you live in."),
        ("region", "invalid"): msgid("Check the region: it must be a part of the country you chose."),
        ("email", "missing"): msgid("Enter your email address."),
        ("email", "invalid"): msgid("Check the email address: a part of it is missing or wrong."),
        ("phone", "invalid"): msgid("Check the phone number, and begin it with the country code."),
    }
)
"""What a person is told by field and code. Nothing here depends on what was given."""

_OTHER_ERROR: Final = msgid("One of the answers could not be read.")

_FIRST: Final = ("birth_date", "country", "email")
"""The fields of the page from top to bottom."""


class Screen:
    """The pages of one service: the question, and the refusal.

    `language` is, wherever it is asked for, one of `LANGUAGES`, a locale (`en-US`) or an Accept-Language
    header as it came (`None` where there was none); the region sets the order of the boxes and the names of
    the countries. Needs the extra `web`.
    """

    csp: ClassVar[str] = (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    """The Content-Security-Policy to send with both pages (CSP Level 3): their one style sheet, and no more."""

    def __init__(self, *, name: str, contact: str, action: str = "", countries: bool = True) -> None:
        """The pages of the service `name`, whose form is posted to `action` (default: where it came from).

        `contact` is where a person can ask: an e-mail address or an https URL. `countries` asks for the
        country, too. Raises `ConfigError` if the extra is missing or a value cannot be shown.
        """
        try:
            import babel  # noqa: F401 - looked for here, used where the language is made
            import jinja2  # noqa: F401 - the same
        except ImportError:
            raise ConfigError("the age question needs the extra web: install agegate[web]") from None
        if not name.strip():
            raise ConfigError("the age question needs the service's name: give one that people know")
        self._name = name.strip()
        self._contact = contact.strip()
        self._contact_link = _link(self._contact)
        self._action = action
        self._asks_country = countries

    def question(
        self,
        language: str | None = "en",
        *,
        errors: Sequence[FieldError] = (),
        hidden: Mapping[str, str] | None = None,
        email: bool = False,
    ) -> str:
        """The whole page with the form (method post), always with empty boxes.

        `errors` are those of the gate's decision; `hidden` are hidden inputs such as a CSRF token; `email`
        asks for an e-mail address, too.
        """
        speech = speech_for(language)
        return self._render(
            "question.html",
            speech,
            action=self._action,
            hidden=dict(hidden or {}),
            asks_email=email,
            summary=self._summary(speech, errors, email=email),
            **self._asked(speech, errors),
        )

    def fields(self, language: str | None = "en", *, errors: Sequence[FieldError] = ()) -> Markup:
        """Only the boxes of the birth date (and the country), to put into the host's own form."""
        from markupsafe import Markup

        speech = speech_for(language)
        page = self._render("fields.html", speech, whole=False, **self._asked(speech, errors))
        return Markup(page)  # noqa: S704 - made by a template that escapes

    def refusal(self, language: str | None = "en") -> str:
        """The page for everybody who is refused: the same bytes, whatever the reason."""
        return self._render("refusal.html", speech_for(language), link=self._contact_link)

    def refusal_text(self, language: str | None = "en") -> str:
        """What the refusal says, as plain text for an interface such as problem details (RFC 9457)."""
        text = msgid("We cannot create an account for you. You can ask us about this here: %(contact)s")
        return speech_for(language).say(text, contact=self._contact)

    def error_text(self, error: FieldError, language: str | None = "en") -> str:
        """What to tell a person about a field: by its name and code, never by its value or message."""
        return _say_error(speech_for(language), error)

    def _asked(self, speech: Speech, errors: Sequence[FieldError]) -> dict[str, object]:
        """What the template of the boxes needs."""
        return {
            "order": speech.order,
            "countries": speech.countries if self._asks_country else (),
            "wrong": dict.fromkeys(_FIRST)
            | {error.field: _say_error(speech, error) for error in reversed(errors)},
        }

    def _summary(
        self, speech: Speech, errors: Sequence[FieldError], *, email: bool
    ) -> list[tuple[str | None, str]]:
        """The id of the first box and the text of each error, in the order of the page."""
        boxes = {"birth_date": f"birth_{speech.order[0]}"}
        boxes |= {"country": "country"} if self._asks_country else {}
        boxes |= {"email": "email"} if email else {}
        ranked = sorted(errors, key=lambda error: (*_FIRST, error.field).index(error.field))
        return list(dict.fromkeys((boxes.get(error.field), _say_error(speech, error)) for error in ranked))

    def _render(self, template: str, speech: Speech, **values: object) -> str:
        page = _environment().get_template(template)
        return page.render(speech=speech, _=speech.say, name=self._name, contact=self._contact, **values)


def _say_error(speech: Speech, error: FieldError) -> str:
    code = "missing" if error.code == "missing" else "invalid"
    return speech.say(_ERRORS.get((error.field, code), _OTHER_ERROR))


def _link(contact: str) -> str:
    """Where a link to a contact leads. Raises `ConfigError` for what is no address."""
    try:
        parts = urlsplit(contact)
        if parts.scheme == "https" and parts.hostname and contact.isprintable() and " " not in contact:
            return contact
        address = validate_email(contact, check_deliverability=False).normalized
    except (ValueError, EmailNotValidError):
        raise ConfigError(
            "contact of the age question: not an e-mail address or https URL; give one where people can ask"
        ) from None
    return f"mailto:{quote(address, safe='@+')}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """The templates, with every value escaped and no name that may be missing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["style"] = Markup(_STYLE)  # noqa: S704 - a file of this package
    return found
