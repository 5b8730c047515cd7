"""A dated, cited rule; the limit that follows from it; the places where a person may live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


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
