"""The languages of the age question: which one is asked for, its catalogue, date order and country names.

Texts come from gettext catalogues (`locale/<language>/LC_MESSAGES/agegate.po`), which are compiled in memory;
the order of day, month and year, the direction and the names of countries come from the CLDR by Babel.
"""

# ruff: noqa: RUF001 - letters that look alike are different letters of the alphabets

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from agegate.law import COUNTRIES, locale_country

if TYPE_CHECKING:
    from babel import Locale
    from babel.support import NullTranslations

LANGUAGES: Final = ("en", "es", "fr", "de", "pt", "it", "nl", "pl", "tr", "ja", "ko", "ar")
"""The languages with a whole catalogue."""

LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
"""Where the catalogues lie, as text."""

LONGEST_HEADER: Final = 1000
"""Characters of an Accept-Language header that are read. A browser sends about a hundred."""

_RANGE: Final = re.compile(
    r"\s*(?P<tag>\*|[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)(?:\.[A-Za-z0-9-]{1,20})?\s*"
    r"(?:;\s*[qQ]\s*=\s*(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
"""A language range with its weight (RFC 9110, sections 12.4.2 and 12.5.4), or a locale (`pt_BR.UTF-8`)."""

_PARTS: Final[Mapping[str, str]] = MappingProxyType({"d": "day", "M": "month", "L": "month", "y": "year"})
"""The letters of a CLDR date pattern (UTS 35, part 4) that a birth date has."""


def negotiate(accept_language: str | None, default: str = "en") -> str:
    """The best of `LANGUAGES` for an Accept-Language header (RFC 9110, section 12.5.4) or a locale (`pt-BR`).

    A language stands for all of its regions. `default` is the answer where nothing fits. Never raises,
    however long or odd the header.
    """
    return _best(accept_language, default)[0]


def speech_for(language: str | None) -> Speech:
    """How to speak to whoever sent this language, locale or Accept-Language header."""
    return _speech(*_best(language, "en"))


@dataclass(frozen=True, slots=True)
class Speech:
    """One language as a page needs it.

    `tag` is the language tag with its region, if one is known; `order` are day, month and year in the order
    of the locale; `countries` are the codes and names of all countries in the order of the alphabet.
    """

    language: str
    tag: str
    direction: str
    order: tuple[str, ...]
    countries: tuple[tuple[str, str], ...] = field(repr=False)
    catalogue: NullTranslations = field(repr=False)

    def say(self, text: str, **values: str) -> str:
        """A text of the catalogue, with its placeholders filled."""
        said = self.catalogue.gettext(text)
        return said % values if values else said


def _best(header: str | None, default: str) -> tuple[str, str | None]:
    """The language and the region that a header prefers."""
    weighed = sorted(_ranges(header or ""), key=lambda found: -found[1])
    unwanted = {tag.lower() for tag, weight in weighed if not weight}
    for tag, weight in weighed:
        language = re.split("[-_]", tag, maxsplit=1)[0].lower()
        if weight and language in LANGUAGES:
            return language, locale_country(tag)
        if weight and language == "*":
            break
    return next((one for one in (default, *LANGUAGES) if one not in unwanted), default), None


def _ranges(header: str) -> list[tuple[str, float]]:
    """The language ranges of a header with their weights; what is none is left out."""
    found = map(_RANGE.fullmatch, header[:LONGEST_HEADER].split(","))
    return [(one["tag"], float(one["weight"] or 1)) for one in found if one]


@lru_cache(maxsize=128)
def _speech(language: str, region: str | None) -> Speech:
    from babel import Locale, UnknownLocaleError

    locale = Locale.parse(language)
    if region is not None:
        try:
            locale = Locale.parse(f"{language}_{region}")
        except UnknownLocaleError:
            region = None
    return Speech(
        language=language,
        tag=f"{language}-{region}" if region else language,
        direction=locale.text_direction,
        order=_order(locale),
        countries=_countries(locale),
        catalogue=_catalogue(language),
    )


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> NullTranslations:
    """The catalogue of a language, compiled in memory."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    compiled = BytesIO()
    with (LOCALE_FOLDER / language / "LC_MESSAGES" / "agegate.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _order(locale: Locale) -> tuple[str, ...]:
    """Day, month and year in the order of the locale's medium date.

    English without a region puts the day first, as the English of the world (`en-001`) does: the month
    first is the custom of few countries, and their browsers name them.
    """
    from babel.dates import get_date_format

    pattern = get_date_format("medium", "en_001" if str(locale) == "en" else locale).pattern
    letters = re.sub("'[^']*'", "", pattern)
    return tuple(dict.fromkeys(_PARTS[letter] for letter in letters if letter in _PARTS))


def _countries(locale: Locale) -> tuple[tuple[str, str], ...]:
    """The codes and names of all countries, sorted by name."""
    names = [(code, locale.territories[code]) for code in COUNTRIES]
    return tuple(sorted(names, key=lambda pair: (_sort_key(pair[1], locale.language), pair[0])))


_AFTER: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "es": {"ñ": "n"},
        "pl": {"ą": "a", "ć": "c", "ę": "e", "ł": "l", "ń": "n", "ó": "o", "ś": "s", "ź": "z", "ż": "z\uffff"},
        "tr": {"ç": "c", "ğ": "g", "ı": "h", "ö": "o", "ş": "s", "ü": "u"},
    }
)
"""Letters of their own, and after which letter they stand (CLDR collations). Elsewhere accents do not count."""


def _sort_key(name: str, language: str) -> str | bytes:
    """What sorts names as a dictionary of the language does, as well as it goes without ICU."""
    if language == "ja":  # kana, then kanji by their usual reading: the order of JIS X 0208
        return "".join(_kana(name)).encode("euc_jp", "replace")
    if language == "tr":
        name = name.replace("I", "ı").replace("İ", "i")
    after = _AFTER.get(language, {})
    letters = (
        f"{after[letter]}\uffff" if letter in after else _plain(letter)
        for letter in unicodedata.normalize("NFC", name.casefold())
    )
    return " ".join("".join(letter if letter[:1].isalnum() else " " for letter in letters).split())


def _kana(name: str) -> Iterator[str]:
    """The characters of a Japanese name as they sort (JIS X 4061): long vowels written out, none small."""
    vowel = ""
    for letter in map(_plain, name):
        if letter == "ー":
            yield vowel
        elif letter.isalnum():
            called = unicodedata.name(letter)
            vowel = "アイウエオ"["AIUEO".index(called[-1])] if called[-1] in "AIUEO" else ""
            yield unicodedata.lookup(called.replace("SMALL ", "")) if "KATAKANA" in called else letter


def _plain(letter: str) -> str:
    """A letter without its marks; a Korean syllable stays whole."""
    parts = unicodedata.normalize("NFD", letter)
    return unicodedata.normalize("NFC", "".join(part for part in parts if not unicodedata.combining(part)))
