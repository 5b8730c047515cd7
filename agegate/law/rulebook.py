"""The rulebook: every dated, cited minimum age, and the limit that follows from them for a place and a day.

A file of `rules/` is one country with its subdivisions; `docs/law.md` says how to read and change one.
Reading is strict, because a rule that is misread silently serves children or locks adults out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

from agegate.errors import LawError
from agegate.law.codes import COMMON_SLIPS, COUNTRIES
from agegate.model import STATUTORY_KINDS, Limit, Residence, Rule, Service

SHIPPED: Final = Path(__file__).parent / "rules"
"""The rule files that come with agegate."""

EU: Final = "EU"
"""The pseudo-jurisdiction whose rules every member state inherits."""

OLDEST_AGE: Final = 21
"""No minimum age for an online service lies above the highest age of majority (21, Mississippi)."""

RECHECK: Final = "RECHECK: "
"""How the note of a rule begins that may have changed since its sources were seen."""

REGIMES: Final = ("data_consent", "social_media_minimum", "contract", "app_store")
"""What kind of law sets an age; only the operator's reading of it makes it an age for accounts (`gate`)."""

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "regime": REGIMES,
    "gate": ("yes", "policy", "no"),
    "basis": ("specific", "majority", "guidance"),
    "status": ("in_force", "enjoined", "enacted", "proposed"),
    "confidence": ("high", "medium", "low"),
}
_MODES: Final = ("ban", "parental", "feature_limit")
_FILE_KEYS: Final = frozenset({"country", "name", "checked", "members", "rule"})
_REQUIRED: Final = ("id", "age", "law", "citation", "kinds", "sources", *_CHOICES)
_RULE_KEYS: Final = frozenset(
    {*_REQUIRED, "jurisdiction", "mode", "from", "until", "unverified", "recheck", "checked", "note"}
)
_SHAPE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_ID: Final = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")
_EVERY_SERVICE: Final = frozenset({"general"})
_Table: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Country:
    """One rule file. `checked` is the day its sources were last seen; `members` is filled for the EU only."""

    code: str
    name: str
    checked: date
    rules: tuple[Rule, ...]
    members: frozenset[str] = frozenset()


class Rulebook:
    """All rules, by jurisdiction. Immutable; make one with `Rulebook.load()`."""

    __slots__ = ("_countries", "_own", "_own_limits", "_widest_limits")

    def __init__(self, countries: Iterable[Country]) -> None:
        by_code = {country.code: country for country in sorted(countries, key=lambda country: country.code)}
        self._countries = MappingProxyType(by_code)
        self._own: dict[str, tuple[Rule, ...]] = dict.fromkeys(by_code, ())
        for rule in self:
            self._own[rule.jurisdiction] = (*self._own.get(rule.jurisdiction, ()), rule)
        self._own_limits = {place: _limits(self.rules(place)) for place in (*self._own, *self.members)}
        self._widest_limits = {
            code: _limits(self._anywhere(code)) for code in by_code if self.subdivisions(code)
        }

    @classmethod
    def load(cls, folder: Path | None = None) -> Rulebook:
        """Read every `*.toml` of a folder; without one, the shipped rules (read once per process).

        Raises `LawError`, naming the file and the rule, at the first thing that cannot be used.
        """
        return _shipped() if folder is None else cls(_read_folder(folder))

    def __iter__(self) -> Iterator[Rule]:
        """Every rule, by country and in the order of its file."""
        return (rule for country in self.countries.values() for rule in country.rules)

    @property
    def countries(self) -> Mapping[str, Country]:
        """The researched countries and the pseudo-country `EU`, by code."""
        return self._countries

    @property
    def members(self) -> frozenset[str]:
        """The member states of the European Union."""
        return self.countries[EU].members if EU in self.countries else frozenset()

    def rules(self, jurisdiction: str) -> tuple[Rule, ...]:
        """A jurisdiction's own rules, then those it inherits: its country's, then the EU's for a member.

        All of them, whatever their dates and status. Raises `LawError` on what is no jurisdiction.
        """
        _check_jurisdiction(jurisdiction)
        country = jurisdiction[:2]
        line = [jurisdiction, country, EU if country in self.members else ""]
        return tuple(rule for place in dict.fromkeys(line) for rule in self._own.get(place, ()))

    def subdivisions(self, country: str) -> tuple[str, ...]:
        """The subdivisions of a country that have rules of their own."""
        return tuple(sorted(place for place in self._own if place.startswith(f"{country}-")))

    def limit(self, jurisdiction: str, *, on: date, service: Service, acting: bool = False) -> Limit:
        """The strictest of the service's floor and the rules that set a limit in a place on a day.

        A country of unknown region is read as its strictest subdivision, which the limit then names.
        `acting` asks instead for what an existing account may be acted on by: an unknown region is not
        guessed, and only rules count whose age was read in a source, with at least medium confidence and a
        known first day, and that name an age themselves rather than "a minor".

        Raises `LawError` on what is no jurisdiction.
        """
        country = jurisdiction[:2]
        rules = None if acting else self._widest_limits.get(jurisdiction)
        if rules is None:
            rules = self._own_limits.get(jurisdiction)
        if rules is None:
            _check_jurisdiction(jurisdiction)
            rules = self._own_limits.get(country, ())
        for rule in rules:
            if rule.age < service.floor:
                break
            if _sets_a_limit(rule, on, service, acting) and not self._displaced(rule, country, on):
                place = rule.jurisdiction if rule.jurisdiction.startswith(f"{jurisdiction}-") else jurisdiction
                return Limit(rule.age, place, rule, researched=True)
        return Limit(service.floor, jurisdiction, None, country in self.countries)

    def strictest(self, residence: Residence, *, on: date, service: Service, acting: bool = False) -> Limit:
        """The highest limit of all places where a person may live; the first place's where they are equal.

        Raises `LawError` where there is no place.
        """
        places = [place.jurisdiction for place in residence.places]
        return max(self._each(places, on, service, acting), key=lambda limit: limit.age)

    def loosest(self, residence: Residence, *, on: date, service: Service, acting: bool = False) -> Limit:
        """The lowest limit of all durable places: what holds wherever the person turns out to live.

        An IP address does not count, because it can be forged and would lower the limit. Raises `LawError`
        where there is no durable place.
        """
        places = [place.jurisdiction for place in residence.places if place.basis != "ip"]
        return min(self._each(places, on, service, acting), key=lambda limit: limit.age)

    def _each(self, places: Collection[str], on: date, service: Service, acting: bool) -> list[Limit]:
        if not places:
            raise LawError("residence: no place to take the law of; ask for the country")
        return [self.limit(place, on=on, service=service, acting=acting) for place in places]

    def _displaced(self, rule: Rule, country: str, on: date) -> bool:
        """Whether an EU default gives way to a member's own consent age (GDPR Art. 8(1), second sentence)."""
        if rule.jurisdiction != EU or country == EU or rule.regime != "data_consent":
            return False
        own = self._own.get(country, ())
        return any(
            other.regime == "data_consent" and other.gate == "yes" and other.in_force(on) for other in own
        )

    def _anywhere(self, country: str) -> tuple[Rule, ...]:
        places = self.subdivisions(country)
        return (*self.rules(country), *(rule for place in places for rule in self._own[place]))


def _limits(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that may set a limit, the strictest first; among equals the order stays."""
    return tuple(sorted((rule for rule in rules if rule.gate != "no"), key=lambda rule: -rule.age))


def _sets_a_limit(rule: Rule, on: date, service: Service, acting: bool) -> bool:
    """Whether a rule sets a limit for a service on a day. A rule for services in general is for every kind."""
    if not rule.in_force(on) or rule.kinds.isdisjoint(service.kinds | _EVERY_SERVICE):
        return False
    if rule.gate == "policy" and rule.jurisdiction not in service.policy:
        return False
    return not acting or (
        rule.sourced and rule.confidence != "low" and rule.basis != "majority" and rule.start is not None
    )


def _check_jurisdiction(code: str) -> None:
    if not _SHAPE.fullmatch(code):
        raise LawError("jurisdiction: not an ISO 3166 code; write one such as DE or CA-QC, in capitals")
    if code[:2] in COMMON_SLIPS:
        right = COMMON_SLIPS[code[:2]]
        raise LawError(f"jurisdiction {code}: {code[:2]} is not an ISO 3166 code; write {right}")


# --- reading ------------------------------------------------------------------------------------------


@cache
def _shipped() -> Rulebook:
    return Rulebook(_read_folder(SHIPPED))


def _read_folder(folder: Path) -> list[Country]:
    """Every rule file of a folder. Raises `LawError` if there is none, or two rules have one id."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise LawError(f"{folder}: no rule files; give a folder of <country>.toml files")
    countries, seen = [], dict[str, str]()
    for file in files:
        country = _read_file(file)
        for rule in country.rules:
            if rule.id in seen:
                raise LawError(f"{file.name}: {rule.id}: this id is taken in {seen[rule.id]}; choose another")
            seen[rule.id] = file.name
        countries.append(country)
    return countries


def _read_file(file: Path) -> Country:
    """One rule file. Raises `LawError` on anything that is not exactly as `docs/law.md` says."""
    try:
        table = cast("dict[str, object]", tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LawError(f"{file.name}: cannot be read as TOML: {error}; mend the file") from error
    where = file.name
    _check_keys(where, table, _FILE_KEYS, ("country", "name", "checked", "rule"))
    code = _text(where, table, "country")
    if code != file.stem.upper() or code not in COUNTRIES | {EU}:
        raise LawError(f"{where}: country: {code} is not the ISO code the file is named by; make them agree")
    members = frozenset(_texts(where, table, "members")) if "members" in table else frozenset[str]()
    if bool(members) != (code == EU) or not members <= COUNTRIES:
        raise LawError(f"{where}: members: only eu.toml lists them, as ISO codes; mend the list")
    checked = _day(where, table, "checked")
    rules = table["rule"]
    if checked is None or not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise LawError(f"{where}: rule: not a list of tables; write each rule under [[rule]]")
    read = tuple(_read_rule(where, rule, code, checked, number) for number, rule in enumerate(rules, 1))
    return Country(code, _text(where, table, "name"), checked, read, members)


def _read_rule(file: str, table: _Table, country: str, checked: date, number: int) -> Rule:
    """One rule of a file, `number` for the message where it has no id. Raises `LawError`."""
    where = f"{file}: {table.get('id') or f'rule {number}'}"
    _check_keys(where, table, _RULE_KEYS, _REQUIRED)
    chosen = {key: _choice(where, table, key, choices) for key, choices in _CHOICES.items()}
    start, until = _day(where, table, "from"), _day(where, table, "until")
    if start and until and until < start:
        raise LawError(f"{where}: until: lies before from; both are the first and last day, put them in order")
    note = _text(where, table, "note") if "note" in table else ""
    return Rule(
        id=_id(where, table, country),
        jurisdiction=_jurisdiction(where, table, country),
        regime=chosen["regime"],
        age=_age(where, table),
        gate=cast("Literal['yes', 'policy', 'no']", chosen["gate"]),
        basis=cast("Literal['specific', 'majority', 'guidance']", chosen["basis"]),
        law=_text(where, table, "law"),
        citation=_text(where, table, "citation"),
        start=start,
        until=until,
        status=cast("Literal['in_force', 'enjoined', 'enacted', 'proposed']", chosen["status"]),
        kinds=_kinds(where, table),
        confidence=cast("Literal['high', 'medium', 'low']", chosen["confidence"]),
        sources=_sources(where, table),
        checked=_day(where, table, "checked") or checked,
        mode=_mode(where, table),
        note=f"{RECHECK}{note}".strip() if _flag(where, table, "recheck") else note,
    )


def _check_keys(where: str, table: _Table, known: Collection[str], required: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise LawError(f"{where}: {key}: unknown key; remove it or choose from {', '.join(sorted(known))}")
    for key in required:
        if key not in table:
            raise LawError(f"{where}: {key}: missing; add it")


def _text(where: str, table: _Table, key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise LawError(f"{where}: {key}: not a line of text; write one in quotes")
    return value


def _texts(where: str, table: _Table, key: str) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise LawError(f'{where}: {key}: not a list of texts; write ["…", "…"]')
    if len(set(value)) != len(value):
        raise LawError(f"{where}: {key}: holds something twice; keep it once")
    return tuple(value)


def _day(where: str, table: _Table, key: str) -> date | None:
    value = table.get(key)
    if value is not None and type(value) is not date:  # a datetime is a date, too
        raise LawError(f"{where}: {key}: not a day; write YYYY-MM-DD without quotes")
    return value


def _flag(where: str, table: _Table, key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise LawError(f"{where}: {key}: neither true nor false; write one, without quotes")
    return value


def _choice(where: str, table: _Table, key: str, choices: tuple[str, ...]) -> str:
    value = table[key]
    if not isinstance(value, str) or value not in choices:
        raise LawError(f"{where}: {key}: {value!r} is unknown; choose from {', '.join(choices)}")
    return value


def _id(where: str, table: _Table, country: str) -> str:
    value = _text(where, table, "id")
    if not _ID.fullmatch(value) or not value.startswith(f"{country.lower()}-"):
        raise LawError(f"{where}: id: not a rule's name; write it as {country.lower()}-law-article")
    return value


def _jurisdiction(where: str, table: _Table, country: str) -> str:
    value = _text(where, table, "jurisdiction") if "jurisdiction" in table else country
    if not _SHAPE.fullmatch(value) or value[:2] != country:
        raise LawError(f"{where}: jurisdiction: {value} is not of {country}; move the rule to its own file")
    return value


def _age(where: str, table: _Table) -> int:
    value = table["age"]
    if type(value) is not int or not 0 <= value <= OLDEST_AGE:  # true is an int, too
        raise LawError(f"{where}: age: {value!r} is no minimum age; write 0 (none found) to {OLDEST_AGE}")
    return value


def _kinds(where: str, table: _Table) -> frozenset[str]:
    kinds = frozenset(_texts(where, table, "kinds"))
    if not kinds or not kinds <= set(STATUTORY_KINDS):
        unknown = ", ".join(sorted(kinds - set(STATUTORY_KINDS))) or "nothing"
        raise LawError(f"{where}: kinds: holds {unknown}; choose from {', '.join(STATUTORY_KINDS)}")
    return kinds


def _mode(where: str, table: _Table) -> str:
    mode = _text(where, table, "mode") if "mode" in table else ""
    if mode and not set(mode.split("/")) <= set(_MODES):
        raise LawError(
            f"{where}: mode: {mode!r} is unknown; choose from {', '.join(_MODES)}, joined by a slash"
        )
    return mode


def _sources(where: str, table: _Table) -> tuple[str, ...]:
    """The pages where the age was read.

    Raises `LawError` unless there are some, or the rule says outright that nobody read it.
    """
    sources = _texts(where, table, "sources")
    if not all(re.fullmatch(r"https?://\S+", source) for source in sources):
        raise LawError(
            f"{where}: sources: not all are addresses; write each as https://…, the rest in the note"
        )
    if bool(sources) == _flag(where, table, "unverified"):
        fits = "the pages where the age was read, or [] and unverified = true"
        raise LawError(f"{where}: sources: do not fit unverified; give {fits}")
    return sources
