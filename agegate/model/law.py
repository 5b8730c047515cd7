"""A dated, cited rule; the limit that follows from it; the places where a person may live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from agegate.birthdate import Attain, BirthDate
from agegate.model.service import OwnRule

Status = Literal["in_force", "enjoined", "enacted", "proposed"]
"""What is known of a rule's force in its interval; `enacted` is law that begins on its first day."""

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One dated, cited minimum age of one jurisdiction.

    A person is restricted while younger than `age`, which is attained as `attain` says. `start` and
    `until` are inclusive days, `None` where open or unknown. `status` is a fact about that interval: a law
    that a court enjoined and later freed is two rules. `new_from` and `existing_from` are the days from
    which the law reaches new accounts and those that were there before, where it says so itself.
    `applies_to` is whom it binds in its own words, `kinds` the same in the words of a `Service`.
    `unverified` says that nobody read this age in a source.
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
    status: Status
    applies_to: str
    kinds: frozenset[str]
    confidence: Confidence
    sources: tuple[str, ...]
    checked: date
    unverified: bool = False
    attain: Attain = "birthday"
    new_from: date | None = None
    existing_from: date | None = None
    mode: str = ""
    note: str = ""

    @property
    def sourced(self) -> bool:
        """Whether somebody read this age in a source."""
        return bool(self.sources) and not self.unverified

    @property
    def strictness(self) -> tuple[int, bool]:
        """Rules in order: a higher age, or the same that is attained later."""
        return self.age, self.attain == "birthday"

    def in_force(self, on: date) -> bool:
        """Whether it holds on a day. An unknown start counts where it was seen in force."""
        if self.status == "enacted":
            started = self.start is not None and self.start <= on
        else:
            started = self.status == "in_force" and (self.start is None or self.start <= on)
        return started and (self.until is None or on <= self.until)

    def status_on(self, on: date) -> str:
        """Its status as of a day: law that has begun is `in_force`, law that was superseded is `ended`."""
        if self.until is not None and on > self.until:
            return "ended"
        if self.in_force(on):
            return "in_force"
        return "enacted" if self.status == "in_force" else self.status

    def reaches(self, created_on: date, on: date) -> bool:
        """Whether on a day it reaches an account that was made on another.

        Where no first day is known, accounts older than the day on which it was seen are left alone.
        """
        new_from = self.new_from or self.start
        if new_from is None:
            return created_on >= self.checked
        if created_on >= new_from:
            return on >= new_from
        return on >= max(new_from, self.existing_from or new_from)

    @property
    def may_act(self) -> bool:
        """Whether an admitted account may be flagged, quarantined or erased because of it.

        Only where somebody read the age in a source, with at least medium confidence, when it was in
        force, and where the law names the age itself.
        """
        return (
            self.status == "in_force"
            and self.gate == "yes"
            and self.sourced
            and self.confidence != "low"
            and self.basis != "majority"
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """The age in years that holds for a person here and now, and what set it.

    `rule` is `None` where the service's own terms are what holds, `own` the service's own rule above its
    floor. `researched` is false where nobody has yet looked up this jurisdiction's law, which is not the
    same as there being none.
    """

    age: int
    jurisdiction: str
    rule: Rule | None
    researched: bool
    own: OwnRule | None = None

    @property
    def strictness(self) -> tuple[int, bool]:
        """Limits in order: a higher age, or the same that is attained later."""
        return self.rule.strictness if self.rule else (self.age, True)

    @property
    def name(self) -> str:
        """What set it, in a word: the rule's id, `own:` and a place for the service's own rule, or `floor`."""
        if self.rule is not None:
            return self.rule.id
        return f"own:{self.own.jurisdiction}" if self.own else "floor"

    @property
    def why(self) -> str:
        """The reason in a line: the law and where it says so, or the service's own terms."""
        if self.rule is not None:
            return f"{self.rule.law}, {self.rule.citation} ({self.jurisdiction})"
        if self.own is not None:
            return f"the service's own rule for {self.jurisdiction}: {self.own.reason}"
        if not self.researched:
            return f"the service's own terms; the law of {self.jurisdiction} has not been researched"
        return f"the service's own terms; no higher limit in {self.jurisdiction}"

    def is_attained(self, born: BirthDate, on: date) -> bool:
        """Whether a person is old enough on a day, for certain, as the rule counts."""
        return born.has_attained(self.age, on, self.rule.attain if self.rule else "birthday")


@dataclass(frozen=True, slots=True)
class Place:
    """A jurisdiction where a person may live, what says so, and since which day it is known.

    Bases: `billing`, `declared`, `phone`; `ip`; `locale`, `time_zone`.
    """

    jurisdiction: str
    basis: str
    seen_on: date | None = None


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the account is taken to live, every plausible place, and whether they disagree.

    `places` is ordered by basis, the account's location first; a billing address outranks the rest
    (the service's own privacy policy, section 2). `hints` are what a device's language and clock suggest:
    kept and compared, never a place to live.
    """

    places: tuple[Place, ...]
    hints: tuple[Place, ...] = ()

    @property
    def located(self) -> Place | None:
        """The account's location, or `None` where nothing durable says one."""
        return self.places[0] if self.places else None

    @property
    def conflict(self) -> bool:
        """Whether the places name different countries."""
        return len({place.jurisdiction[:2] for place in self.places}) > 1

    @property
    def conflicts(self) -> tuple[str, ...]:
        """What disagrees with the account's location, hints among it: `phone says FR`, the weightiest first."""
        if self.located is None:
            return ()
        here = self.located.jurisdiction[:2]
        return tuple(
            f"{place.basis} says {place.jurisdiction}"
            for place in (*self.places, *self.hints)
            if place.jurisdiction[:2] != here
        )
