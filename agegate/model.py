"""The domain types every room shares: frozen records of plain values, with nothing but the standard library.

The words are those of `docs/glossary.md`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal, get_args

from agegate.birthdate import BirthDate
from agegate.errors import ConfigError

Category = Literal[
    "contact",
    "usage",
    "device",
    "page_tags",
    "logs",
    "referral",
    "third_party",
    "registration",
    "billing",
    "settings",
    "profile",
]
"""A category of personal data."""

CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
"""The categories of personal data that a privacy policy of an online service names; a receipt answers all."""

Audience = Literal["general", "mixed", "directed_to_children"]
"""Whom a service is for, in the words of the COPPA Rule (16 CFR 312.2)."""

AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)

StatutoryKind = Literal["general", "social_media", "ai", "app_developer"]
"""What a service can be in the eyes of a law; a rule applies to some of them."""

STATUTORY_KINDS: Final[tuple[StatutoryKind, ...]] = get_args(StatutoryKind)


# --- sign-up -----------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What the gate answers."""

    ADMIT = "admit"
    REFUSE = "refuse"
    INVALID = "invalid"


class Reason(StrEnum):
    """Why the gate answered so."""

    OLD_ENOUGH = "old_enough"
    UNDER_LIMIT = "under_limit"
    REFUSED_BEFORE = "refused_before"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a registration that cannot be used. The value is never repeated."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Registration:
    """What a person gave at sign-up. Every field is optional here; the gate says which it needs.

    Never raises on values. `repr` shows which fields are filled, not what with.
    """

    birth_date: str | date | BirthDate | None = None
    country: str | None = None
    region: str | None = None
    billing_country: str | None = None
    phone: str | None = None
    email: str | None = None
    ip_country: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    device: str | None = None

    def __repr__(self) -> str:
        filled = [name for name in self.__slots__ if getattr(self, name) is not None]
        return f"Registration({', '.join(filled)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service that is being kept: its own floor and what kind of service it is.

    `floor` is the age in years below which nobody is served, wherever they live. `kinds` says what it
    is in the eyes of a law (`STATUTORY_KINDS`). `policy` names jurisdictions whose guidance the operator
    chose to follow although no statute makes it a limit. Raises `ConfigError` on values out of range.
    """

    name: str = "this service"
    floor: int = 13
    audience: Audience = "general"
    kinds: frozenset[str] = frozenset({"general"})
    policy: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.audience not in AUDIENCES:
            raise ConfigError(f"service.audience is unknown; choose from {', '.join(AUDIENCES)}")
        if not 0 < self.floor <= 21:
            raise ConfigError(f"service.floor is {self.floor}; write an age from 1 to 21")
        unknown = sorted(self.kinds - set(STATUTORY_KINDS))
        if unknown or not self.kinds:
            held = ", ".join(unknown) or "nothing"
            raise ConfigError(f"service.kinds holds {held}; choose from {', '.join(STATUTORY_KINDS)}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated, cited minimum age of one jurisdiction.

    A person is restricted while younger than `age`. `start` and `until` are inclusive days, `None` where
    open or unknown. `status` is a fact about that interval: a law that a court enjoined and later freed
    is two rules.
    """

    id: str
    jurisdiction: str
    regime: str
    age: int
    gate: Literal["yes", "policy", "no"]
    basis: Literal["specific", "majority", "guidance"]
    law: str
    citation: str
    start: date | None
    until: date | None
    status: Literal["in_force", "enjoined", "enacted", "proposed"]
    kinds: frozenset[str]
    confidence: Literal["high", "medium", "low"]
    sources: tuple[str, ...]
    checked: date
    mode: str = ""
    note: str = ""

    @property
    def sourced(self) -> bool:
        """Whether somebody read a source for it; a rule written from memory says it is unverified."""
        return bool(self.sources)

    def in_force(self, on: date) -> bool:
        """Whether it holds on a day. An unknown start counts: the rule is seen in force today."""
        started = self.start is None or self.start <= on
        return self.status == "in_force" and started and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Limit:
    """The age in years that holds for a person here and now, and what set it.

    `rule` is `None` where the service's own floor is what holds; `researched` is false where nobody has
    yet looked up this jurisdiction's law, which is not the same as there being none.
    """

    age: int
    jurisdiction: str
    rule: Rule | None
    researched: bool

    @property
    def why(self) -> str:
        """The reason in a line: the law and where it says so, or the service's own terms."""
        if self.rule is not None:
            return f"{self.rule.law}, {self.rule.citation} ({self.jurisdiction})"
        if not self.researched:
            return f"the service's own terms; the law of {self.jurisdiction} has not been researched"
        return f"the service's own terms; no higher limit in {self.jurisdiction}"


@dataclass(frozen=True, slots=True)
class Place:
    """A jurisdiction where a person may live, and what says so (`billing`, `declared`, `phone`, `ip`)."""

    jurisdiction: str
    basis: str


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the account is taken to live, every plausible place, and whether they disagree.

    `places` is ordered by basis, the account's location first; a billing address outranks the rest
    (the service's own privacy policy, section 2).
    """

    places: tuple[Place, ...]

    @property
    def located(self) -> Place | None:
        """The account's location, or `None` where nothing durable says one."""
        return self.places[0] if self.places else None

    @property
    def conflict(self) -> bool:
        """Whether the places name different countries."""
        return len({place.jurisdiction[:2] for place in self.places}) > 1


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer. For the host's code only: never show `limit` or `reason` to the person asked."""

    outcome: Outcome
    reason: Reason
    limit: Limit | None = None
    residence: Residence | None = None
    errors: tuple[FieldError, ...] = ()


# --- accounts and evidence ---------------------------------------------------------------------------


def account_key(values: Sequence[object]) -> str:
    """An account's key of any type as canonical JSON text: `17`, `"a-uuid"`, `["school", 5]`.

    `values` are the key's columns in order; a UUID becomes its text.
    """
    plain = [value if isinstance(value, int) else str(value) for value in values]
    return json.dumps(plain[0] if len(plain) == 1 else plain, ensure_ascii=False, separators=(",", ":"))


def key_values(key: str) -> tuple[int | str, ...]:
    """The columns' values of an account key made by `account_key`.

    Raises `ValueError` if the text is not such a key.
    """
    try:
        value = json.loads(key)
    except RecursionError:
        raise ValueError("not an account key") from None
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(part) in {int, str} for part in values):
        raise ValueError("not an account key")
    return tuple(values)


@dataclass(frozen=True, slots=True)
class Text:
    """A text an account's holder wrote. `field` is `table.column`, `row` its key as canonical JSON.

    `kind` is that of agegate.toml; only in a `profile` does a bare number between separators mean an age.
    """

    field: str
    row: str
    text: str = dataclasses.field(repr=False)
    written_on: date
    kind: str = "post"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody told staff about an account. `said_by` is a role (`parent`, `school`), never a name."""

    number: int
    said_by: str
    said_on: date
    born: BirthDate = field(repr=False)
    about_age: int


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the sweep sees it: its key, the day it was made, what was declared, what was written.

    `fields` holds the declared values by their name in agegate.toml (`email`, `handle`, `country`, …),
    only those that are filled.
    """

    key: str
    created_on: date
    birth_date: BirthDate | None = field(default=None, repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    texts: tuple[Text, ...] = field(default=(), repr=False)
    reports: tuple[Report, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe that an account's holder was born in an interval of days.

    - `signal`, `rule`: which signal saw it and by which of its rules.
    - `born`: the days of birth that it speaks for.
    - `reliability`: how often such a statement is right about the account's holder, 0 to 1, among all
      that the rule finds in ordinary accounts.
    - `source`: what said it; statements of one source never add up (`profiles.bio`, `birth_date`).
    - `said_on`: the day on which it was true.
    - `exact`: it states an age or a birth date outright, rather than a school year or a hint.
    - `where`, `span`: the text it was read in (`table.column` and row key) and the characters.
    - `words`: what was read, kept in memory only; what is stored of it is a keyed hash.
    """

    signal: str
    rule: str
    born: BirthDate = field(repr=False)
    reliability: float
    source: str
    said_on: date
    exact: bool = False
    where: tuple[str, str] | None = None
    span: tuple[int, int] | None = None
    words: str = field(default="", repr=False)

    def speaks_for_under(self, age: int, on: date) -> bool:
        """Whether everyone born in its interval is younger than `age` on a day."""
        return not BirthDate.on(self.born.first).has_attained(age, on)

    def speaks_against_under(self, age: int, on: date) -> bool:
        """Whether everyone born in its interval is at least `age` on a day."""
        return self.born.has_attained(age, on)


@dataclass(frozen=True, slots=True)
class Signal:
    """A plug-in that looks at an account and returns the evidence it sees.

    `about` is its line in the documentation. `observe(account, today)` is pure: it reads no clock, no
    file and no network.
    """

    name: str
    about: str
    observe: Callable[[Account, date], Iterable[Evidence]]


class Band(StrEnum):
    """How sure an assessment is that a person is under the limit."""

    CERTAIN = "certain"
    LIKELY = "likely"
    WATCH = "watch"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A piece of evidence with what it did: `weight` is the log10 likelihood ratio, below 0 against."""

    evidence: Evidence
    weight: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """How likely a person is under the limit, and why.

    `under` is the probability on the day of the assessment, `ever_under` that of having been under the
    limit on the day the account was made or since. `born` is the 95 % interval of the posterior.
    """

    under: float
    ever_under: float
    born: BirthDate = field(repr=False)
    band: Band
    weighed: tuple[Weighed, ...]

    def explain(self) -> list[str]:
        """One line per piece of evidence, the weightiest first, without the words of the person."""
        return [
            f"{item.evidence.signal}/{item.evidence.rule} in {item.evidence.source}, "
            f"said {item.evidence.said_on.isoformat()}, weight {item.weight:+.1f}"
            for item in self.weighed
        ]


# --- review and erasure ------------------------------------------------------------------------------


class Cause(StrEnum):
    """Why an account is in the queue."""

    DECLARED = "declared"
    INFERRED = "inferred"
    REPORTED = "reported"


class Verdict(StrEnum):
    """What a member of staff decided about a flag."""

    MINOR = "minor"
    ADULT = "adult"


class RequestState(StrEnum):
    """Where a request for erasure stands."""

    AWAITING_REVIEW = "awaiting_review"
    QUARANTINED = "quarantined"
    ERASING = "erasing"
    VERIFYING = "verifying"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD = "dead"


class AccountState(StrEnum):
    """All that the host's application may know of an account from agegate: a state, never a score."""

    ACTIVE = "active"
    QUARANTINED = "quarantined"
