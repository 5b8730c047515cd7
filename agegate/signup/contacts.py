"""E-mail addresses and phone numbers in the one form by which a person is recognised."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from agegate.law import parse_country

_GOOGLE: Final = ("gmail.com", "googlemail.com")
"""One provider whose two domains are one, and which passes over dots: the same mailbox, spelled anew."""

_WITH_LATIN: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})

LONGEST: Final = 320
"""No field that is read here is longer than an e-mail address can be (RFC 3696, erratum 1690)."""


def canonical_email(text: str) -> str:
    """The address in its canonical form, without what follows a plus sign in its local part.

    Raises `ValueError` whose message does not repeat it.
    """
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError("email must be an e-mail address such as name@example.org") from None
    mailbox, domain = found.local_part, found.domain
    if not text.isascii() and _looks_like_another(mailbox, domain):
        raise ValueError("email must be written in the letters of one script, as its owner writes it")
    mailbox = mailbox.partition("+")[0] or mailbox
    if domain in _GOOGLE:
        mailbox, domain = mailbox.replace(".", ""), _GOOGLE[0]
    return f"{mailbox}@{domain}".lower()


def _looks_like_another(mailbox: str, domain: str) -> bool:
    """Whether an address is made to look like another: letters of scripts that nobody mixes, or compatibility
    characters such as full-width ones (Unicode Technical Standard 39, restriction levels; UAX 15).
    """
    parts = (mailbox, *domain.split("."))
    return unicodedata.normalize("NFKC", mailbox) != mailbox or any(len(_scripts(part)) > 1 for part in parts)


def _scripts(text: str) -> set[str]:
    """The scripts of a text's letters; those that East Asian names are written in are one with Latin."""
    found = {unicodedata.name(char, "?").partition(" ")[0] for char in text if char.isalpha()}
    return {"LATIN" if script in _WITH_LATIN else script for script in found}


def phone_number(text: str, country: str | None) -> tuple[phonenumbers.PhoneNumber, str]:
    """A whole number and its region; `country` reads one that is written without its own.

    Raises `ValueError` whose message does not repeat it.
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    region = _region_of(number) if number is not None else None
    if number is None or region is None:
        raise ValueError("phone must be a whole number with its country, such as +1 201 555 0123")
    return number, region


def _region_of(number: phonenumbers.PhoneNumber) -> str | None:
    """The region in which a number is valid: what `is_valid_number` looks for and does not say.

    The main region of a shared calling code comes first there, too, and has most of its numbers.
    """
    main = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if phonenumbers.is_valid_number_for_region(number, main):
        return main
    region = phonenumbers.region_code_for_number(number)
    return region if region and phonenumbers.is_valid_number_for_region(number, region) else None


def canonical_phone(number: phonenumbers.PhoneNumber) -> str:
    """The number as E.164 writes it."""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it was written, and the form by which it is recognised."""

    kind: Literal["email", "phone"]
    given: str = field(repr=False)
    canonical: str = field(repr=False)
    country: str | None = None

    @classmethod
    def read(cls, kind: Literal["email", "phone"], text: object, country: str | None = None) -> Self:
        """A contact from what a person wrote. Raises `ValueError` whose message does not repeat it."""
        if not isinstance(text, str) or len(text) > LONGEST:
            raise ValueError(f"{kind} must be a text of at most {LONGEST} characters")
        if kind == "email":
            return cls(kind, text, canonical_email(text))
        near = parse_country(country) if isinstance(country, str) else None
        return cls(kind, text, canonical_phone(phone_number(text, near)[0]), near)

    def is_written(self, value: object) -> bool:
        """Whether a value is this contact, in whichever way it is written."""
        if value == self.given:
            return True
        try:
            return type(self).read(self.kind, value, self.country).canonical == self.canonical
        except ValueError:
            return False
