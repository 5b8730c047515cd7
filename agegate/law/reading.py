"""Reading rule files: strict, because a rule that is misread silently serves children or locks adults out.

`docs/law.md` says how a file is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast, get_args

from agegate.birthdate import Attain
from agegate.errors import LawError
from agegate.law.codes import COUNTRIES, slip_hint
from agegate.model import OLDEST_AGE, STATUTORY_KINDS, Confidence, Rule, Status

EU: Final = "EU"
"""The pseudo-jurisdiction whose rules every member state inherits."""

RECHECK: Final = "RECHECK: "
"""How the note of a rule begins that may have changed since its sources were seen."""

REGIMES: Final = ("data_consent", "social_media_minimum", "contract", "app_store")
"""What kind of law sets an age; only the operator's reading of it makes it an age for accounts (`gate`)."""

SHAPE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
"""What a jurisdiction looks like: ISO 3166-1, or with a subdivision ISO 3166-2."""

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "regime": REGIMES,
    "gate": ("yes", "policy", "no"),
    "basis": ("specific", "majority", "guidance"),
    "status": get_args(Status),
    "confidence": get_args(Confidence),
}
_MODES: Final = ("ban", "parental", "feature_limit")
_HEAD: Final = ("country", "name", "checked")
_FILE_KEYS: Final = frozenset({*_HEAD, "members", "rule"})
_TERRITORY: Final = (*_HEAD, "follows", "confidence", "sources")
_TERRITORY_KEYS: Final = frozenset({*_TERRITORY, "unverified", "note"})
_REQUIRED: Final = ("id", "age", "law", "citation", "applies_to", "kinds", "sources", *_CHOICES)
_DAYS: Final = ("from", "until", "applies_to_new_from", "applies_to_existing_from", "checked")
_RULE_KEYS: Final = frozenset(
    {*_REQUIRED, *_DAYS, "jurisdiction", "mode", "attain", "unverified", "recheck", "note"}
)
_ID: Final = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")
_Table: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Follows:
    """By what a territory has its mother country's law: a reference with its own confidence and sources."""

    country: str
    confidence: Confidence
    sources: tuple[str, ...]
    unverified: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """One rule file. `checked` is the day its sources were last seen; `members` is filled for the EU only.

    A territory has no rules of its own and `follows` its mother country.
    """

    code: str
    name: str
    checked: date
    rules: tuple[Rule, ...]
    members: frozenset[str] = field(default=frozenset())
    follows: Follows | None = None


Problem: TypeAlias = Callable[[LawError], None]
"""What is told of a file or rule that cannot be used, so that the rest is still read."""


def stop(problem: LawError) -> None:
    """Raise the first problem."""
    raise problem


def read_folder(folder: Path, problem: Problem = stop) -> list[Country]:
    """Every rule file of a folder; each thing that cannot be used is told to `problem` and left out.

    Raises `LawError` if there is no file.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise LawError(f"{folder}: no rule files; give a folder of <country>.toml files")
    countries, seen = [], dict[str, str]()
    for file in files:
        try:
            country = _read_file(file, problem)
        except LawError as error:
            problem(error)
            continue
        for rule in country.rules:
            if rule.id in seen:
                problem(
                    LawError(f"{file.name}: {rule.id}: this id is taken in {seen[rule.id]}; choose another")
                )
            seen[rule.id] = file.name
        countries.append(country)
    _check_references(countries, problem)
    return countries


def _check_references(countries: Collection[Country], problem: Problem) -> None:
    """A territory's mother country must be there, and have rules to follow."""
    own = {country.code for country in countries if country.follows is None}
    for country in countries:
        if country.follows is not None and country.follows.country not in own:
            mother = country.follows.country
            problem(
                LawError(
                    f"{country.code.lower()}.toml: follows: {mother} has no rule file with rules of its own; "
                    "write it first, or name the country whose law holds"
                )
            )


def _read_file(file: Path, problem: Problem) -> Country:
    """One rule file. Raises `LawError` on a head that is not exactly as `docs/law.md` says."""
    try:
        table = cast("dict[str, object]", tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise LawError(f"{file.name}: cannot be read as TOML: {error}; mend the file") from error
    where = file.name
    if "follows" in table:
        _check_keys(where, table, _TERRITORY_KEYS, _TERRITORY)
    else:
        _check_keys(where, table, _FILE_KEYS, (*_HEAD, "rule"))
    code = _text(where, table, "country")
    if code not in COUNTRIES | {EU}:
        raise LawError(f"{where}: country: {_one_line(code)} is not an ISO 3166-1 code; {slip_hint(code)}")
    if code.lower() != file.stem:
        raise LawError(f"{where}: country: {code} is not the ISO code the file is named by; make them agree")
    members = frozenset(_texts(where, table, "members")) if "members" in table else frozenset[str]()
    if bool(members) != (code == EU) or not members <= COUNTRIES:
        raise LawError(f"{where}: members: only eu.toml lists them, as ISO codes; mend the list")
    checked = _day(where, table, "checked")
    assert checked is not None
    name = _text(where, table, "name")
    if "follows" in table:
        return Country(code, name, checked, (), follows=_follows(where, table, code))
    rules = table["rule"]
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise LawError(f"{where}: rule: not a list of tables; write each rule under [[rule]]")
    read = []
    for number, rule in enumerate(rules, 1):
        try:
            read.append(_read_rule(where, rule, code, checked, number))
        except LawError as error:
            problem(error)
    return Country(code, name, checked, tuple(read), members)


def _follows(where: str, table: _Table, code: str) -> Follows:
    mother = _text(where, table, "follows")
    if mother not in COUNTRIES or mother == code:
        raise LawError(f"{where}: follows: {mother} is no other country; write its ISO 3166-1 code")
    return Follows(
        mother,
        cast("Confidence", _choice(where, table, "confidence", get_args(Confidence))),
        _sources(where, table),
        _flag(where, table, "unverified"),
        _text(where, table, "note") if "note" in table else "",
    )


def _read_rule(file: str, table: _Table, country: str, checked: date, number: int) -> Rule:
    """One rule of a file, `number` for the message where it has no id. Raises `LawError`."""
    where = f"{file}: {_one_line(table.get('id') or f'rule {number}')}"
    _check_keys(where, table, _RULE_KEYS, _REQUIRED)
    chosen = {key: _choice(where, table, key, choices) for key, choices in _CHOICES.items()}
    days = {key: _day(where, table, key) for key in _DAYS}
    start, until = days["from"], days["until"]
    if start and until and until < start:
        raise LawError(f"{where}: until: lies before from; both are the first and last day, put them in order")
    for key in ("applies_to_new_from", "applies_to_existing_from"):
        day = days[key]
        if day and (start is None or day < start):
            raise LawError(f"{where}: {key}: lies before from; a law reaches nobody before it begins")
    note = _text(where, table, "note") if "note" in table else ""
    attain = _choice(where, table, "attain", get_args(Attain)) if "attain" in table else "birthday"
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
        status=cast("Status", chosen["status"]),
        applies_to=_text(where, table, "applies_to"),
        kinds=_kinds(where, table),
        confidence=cast("Confidence", chosen["confidence"]),
        sources=_sources(where, table),
        checked=days["checked"] or checked,
        unverified=_flag(where, table, "unverified"),
        attain=cast("Attain", attain),
        new_from=days["applies_to_new_from"],
        existing_from=days["applies_to_existing_from"],
        mode=_mode(where, table),
        note=f"{RECHECK}{note}".strip() if _flag(where, table, "recheck") else note,
    )


def _check_keys(where: str, table: _Table, known: Collection[str], required: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise LawError(
                f"{where}: {_one_line(key)}: unknown key; remove it or choose from {', '.join(sorted(known))}"
            )
    for key in required:
        if key not in table:
            raise LawError(f"{where}: {key}: missing; add it")


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


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
    if not SHAPE.fullmatch(value) or value[:2] != country:
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
        unknown = _one_line(", ".join(sorted(kinds - set(STATUTORY_KINDS)))) or "nothing"
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
    """The pages that were read. Raises `LawError` if there are none and the rule does not own up to it."""
    sources = _texts(where, table, "sources")
    if not all(re.fullmatch(r"https?://\S+", source) for source in sources):
        raise LawError(
            f"{where}: sources: not all are addresses; write each as https://…, the rest in the note"
        )
    if not sources and not _flag(where, table, "unverified"):
        raise LawError(
            f"{where}: sources: none; give the pages where the age was read, or say unverified = true"
        )
    return sources
