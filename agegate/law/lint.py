"""Looking over the rules: what contradicts itself, what is missing, what must be looked at again.

An error is a rule that cannot be right as it stands, or that this service cannot go on without; a warning
is work for whoever keeps the law up to date. Every finding names its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, groupby
from pathlib import Path
from typing import Final, Literal

from agegate.errors import LawError
from agegate.law.codes import is_subdivision
from agegate.law.reading import EU, RECHECK, Country, read_folder
from agegate.law.rulebook import SHIPPED, Rulebook
from agegate.model import Rule, Service

STALE: Final = timedelta(days=300)
"""A file whose sources were seen longer ago than this is to be checked again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not in order: `where` is the file and the rule, `what` says what to do about it."""

    level: Literal["error", "warning"]
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.what}"


def lint(service: Service, *, on: date, folder: Path | None = None) -> list[Finding]:
    """Everything wrong with the rules of a folder (default: the shipped ones), errors first.

    `service` decides which enacted rules without a day are errors, `on` what is out of date. Raises
    `LawError` if the folder has no rule file.
    """
    found: list[Finding] = []
    countries = read_folder(folder or SHIPPED, lambda error: found.append(_of(error)))
    for country in countries:
        found += _country(country, on)
    book = Rulebook(country for country in countries if _has_mother(country, countries))
    found += _begun(book, service, on)
    found += _shadowed(book, service)
    return sorted(found, key=lambda finding: (finding.level, finding.where, finding.what))


def _of(error: LawError) -> Finding:
    """A file or rule that could not be read: its message begins with where it is."""
    where, _, what = str(error).partition(": ")
    return Finding("error", where, what)


def _has_mother(country: Country, countries: Iterable[Country]) -> bool:
    return country.follows is None or country.follows.country in {other.code for other in countries}


def _country(country: Country, on: date) -> Iterator[Finding]:
    file = f"{country.code.lower()}.toml"
    if on - country.checked > STALE:
        days = (on - country.checked).days
        yield Finding("warning", file, f"checked {days} days ago; look at its sources again")
    if country.rules and not any(rule.jurisdiction == country.code for rule in country.rules):
        said = f"no rule for {country.code} itself, only for parts of it; add one (age 0 where none was found)"
        yield Finding("error", file, said)
    for rule in country.rules:
        if rule.checked != country.checked and on - rule.checked > STALE:
            days = (on - rule.checked).days
            yield Finding(
                "warning", f"{file}: {rule.id}", f"checked {days} days ago; look at its sources again"
            )
        yield from _rule(f"{file}: {rule.id}", rule)
    for one, other in combinations(country.rules, 2):
        if _same_kind(one, other) and _overlap(one, other):
            yield Finding(
                "error", f"{file}: {other.id}", f"overlaps {one.id}; end one the day before the other begins"
            )
    yield from _gaps(file, country.rules)


def _rule(where: str, rule: Rule) -> Iterator[Finding]:
    if "-" in rule.jurisdiction and not is_subdivision(rule.jurisdiction):
        yield Finding("error", where, f"{rule.jurisdiction} is not in ISO 3166-2; mend its jurisdiction")
    if rule.status == "in_force" and rule.start and rule.start > rule.checked:
        yield Finding(
            "error", where, f"in force from {rule.start}, yet last checked on {rule.checked}; write enacted"
        )
    if rule.note.startswith(RECHECK.strip()):
        yield Finding("warning", where, "may have changed since its sources were seen; look again")


def _begun(book: Rulebook, service: Service, on: date) -> Iterator[Finding]:
    """Enacted law whose day has come or is not known, where nothing as strict holds already."""
    for rule in book:
        where = f"{rule.jurisdiction[:2].lower()}.toml: {rule.id}"
        if rule.status != "enacted":
            continue
        if rule.start is not None:
            if rule.start <= on:
                said = f"its day, {rule.start}, has come; see that it began, and write in_force"
                yield Finding("warning", where, said)
        elif (
            (rule.gate == "yes" or (rule.gate == "policy" and rule.jurisdiction in service.policy))
            and not rule.kinds.isdisjoint(service.kinds | {"general"})
            and (rule.basis != "majority" or service.majority_rules == "enforce")
            and book.limit(rule.jurisdiction, on=on, service=service).age < rule.age
        ):
            whom = "each member state" if rule.jurisdiction == EU else rule.jurisdiction
            yield Finding(
                "error",
                where,
                "enacted for a service like this, and the first day is not known; find it, or set "
                f"service.stricter for {whom} to {rule.age}",
            )


def _same_kind(one: Rule, other: Rule) -> bool:
    """Whether two rules answer the same question; bands of one law differ in their mode."""
    return (
        (one.jurisdiction, one.regime, one.gate, one.mode, one.basis)
        == (other.jurisdiction, other.regime, other.gate, other.mode, other.basis)
        and not one.kinds.isdisjoint(other.kinds)
        and _is_law(one)
        and _is_law(other)
    )


def _is_law(rule: Rule) -> bool:
    return rule.status == "in_force" or (rule.status == "enacted" and rule.start is not None)


def _overlap(one: Rule, other: Rule) -> bool:
    first, last = date.min, date.max
    return max(one.start or first, other.start or first) <= min(one.until or last, other.until or last)


def _gaps(file: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Days between two rules of one kind on which neither is written down."""

    def kind(rule: Rule) -> tuple[str, str, str, str, str]:
        return rule.jurisdiction, rule.regime, rule.gate, rule.mode, ",".join(sorted(rule.kinds))

    dated = [rule for rule in rules if rule.start and rule.status != "proposed"]
    for _, series in groupby(sorted(dated, key=lambda rule: (kind(rule), rule.start or date.min)), key=kind):
        last: Rule | None = None
        for rule in series:
            assert rule.start is not None
            if last is not None and last.until is not None and rule.start > last.until + timedelta(days=1):
                yield Finding(
                    "error",
                    f"{file}: {rule.id}",
                    f"leaves a gap after {last.id}, which ends on {last.until}; what held between them?",
                )
            if last is None or (last.until is not None and (rule.until or date.max) >= last.until):
                last = rule


def _shadowed(book: Rulebook, service: Service) -> Iterator[Finding]:
    """Rules that never decide, because a stricter one of the same place holds on each of their days."""
    for place in sorted({rule.jurisdiction for rule in book} - {EU}):
        inherited = [rule for rule in book.rules(place) if _decides(rule, service)]
        for rule in inherited:
            if rule.jurisdiction != place or rule.age == 0:
                continue
            over = next((other for other in inherited if _covers(other, rule)), None)
            if over is not None:
                file = f"{place[:2].lower()}.toml"
                yield Finding(
                    "warning", f"{file}: {rule.id}", f"never decides: {over.id} is stricter throughout"
                )


def _decides(rule: Rule, service: Service) -> bool:
    chosen = rule.gate == "yes" or (rule.gate == "policy" and rule.jurisdiction in service.policy)
    return chosen and rule.basis != "majority" and rule.jurisdiction != EU and _is_law(rule)


def _covers(other: Rule, rule: Rule) -> bool:
    """Whether `other` is stricter wherever and whenever `rule` applies; bands of one law do not count."""
    wide = rule.kinds <= other.kinds or "general" in other.kinds
    begun = other.start is None or (rule.start is not None and other.start <= rule.start)
    lasting = other.until is None or (rule.until is not None and other.until >= rule.until)
    acting = other.may_act or not rule.may_act
    stricter = other.law != rule.law and other.strictness > rule.strictness
    return stricter and wide and begun and lasting and acting
