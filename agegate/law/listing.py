"""The whole law as a list: every country's limit on a day, and what changes between two days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from agegate.law.codes import COUNTRIES, country_name
from agegate.law.reading import EU
from agegate.law.rulebook import Rulebook
from agegate.model import Limit, Rule, Service


@dataclass(frozen=True, slots=True)
class Entry:
    """One country, or a subdivision with rules of its own: the limit at the door on a day, and its rules."""

    code: str
    name: str
    limit: Limit
    rules: tuple[Rule, ...]

    @property
    def researched(self) -> bool:
        """Whether somebody has looked up this country's law; else the service's floor alone holds."""
        return self.limit.researched


@dataclass(frozen=True, slots=True)
class Change:
    """A place whose limit differs between two days: at the door, or for accounts that were there before.

    `before` and `after` are the door's; `acting` says whether accounts made before the first day come under
    a higher limit that they may be acted on by.
    """

    code: str
    before: Limit
    after: Limit
    acting: bool


def every_place(book: Rulebook, *, on: date, service: Service) -> Iterator[Entry]:
    """All 249 countries of ISO 3166-1 in order, each followed by its subdivisions that have rules."""
    for code in sorted(COUNTRIES):
        known = book.countries.get(code)
        name = known.name if known else country_name(code)
        for place in (code, *book.subdivisions(code)):
            limit = book.limit(place, on=on, service=service)
            rules = book.rules(place) if place == code else book.own(place)
            yield Entry(place, name, limit, rules)


def changes(book: Rulebook, *, start: date, end: date, service: Service) -> list[Change]:
    """The places whose limit is another on `end` than on `start`, or set by another law."""
    found = []
    old = start - timedelta(days=1)
    before = {entry.code: entry.limit for entry in every_place(book, on=start, service=service)}
    for entry in every_place(book, on=end, service=service):
        earlier, later = before[entry.code], entry.limit
        then = book.limit(entry.code, on=start, service=service, created_on=old)
        now = book.limit(entry.code, on=end, service=service, created_on=old)
        rises = now.strictness > then.strictness
        if rises or (earlier.strictness, earlier.name) != (later.strictness, later.name):
            found.append(Change(entry.code, earlier, later, rises))
    return found


def bands(book: Rulebook, place: str, *, on: date, service: Service) -> list[tuple[int, str]]:
    """Under which ages what happens, the youngest first: `(14, "ban")`, `(16, "parental")`.

    Where a law has several bands, or a place several laws. Without a way for parents to consent all of
    them refuse; `consent` is the age of a consent law. The EU stands for no place.
    """
    assert place != EU
    applying = book.applying(place, on=on, service=service)
    return sorted({(rule.age, rule.mode or "consent") for rule in applying if rule.age > 0})
