"""The service that is being kept, and what it is in the eyes of a law."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from agegate.errors import ConfigError

Audience = Literal["general", "mixed", "directed_to_children"]
"""Whom a service is for, in the words of the COPPA Rule (16 CFR 312.2)."""

AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)

StatutoryKind = Literal["general", "social_media", "ai", "app_developer"]
"""What a service can be in the eyes of a law; a rule applies to some of them."""

STATUTORY_KINDS: Final[tuple[StatutoryKind, ...]] = get_args(StatutoryKind)

MajorityRules = Literal["enforce", "report"]
"""What a law does at the door that names no age for data or accounts and only says "a minor"."""

ParentalFlow = Literal["none"]
"""How a parent can consent. There is no such flow, so an age of consent is a minimum age."""

OLDEST_AGE: Final = 21
"""No minimum age for an online service lies above the highest age of majority (21, Mississippi)."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A minimum age that the service sets itself for a jurisdiction, above its floor, with its reason.

    It holds from `start`; who was admitted before is a case for a person. Raises `ConfigError` without a
    reason or with an age out of range.
    """

    jurisdiction: str
    age: int
    start: date
    reason: str

    def __post_init__(self) -> None:
        if not 0 < self.age <= OLDEST_AGE:
            raise ConfigError(
                f"service.stricter {self.jurisdiction}: {self.age} is no minimum age; "
                f"write one from 1 to {OLDEST_AGE}"
            )
        if not self.reason.strip():
            raise ConfigError(f"service.stricter {self.jurisdiction}: no reason; say why in a line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service that is being kept: its own floor, what kind of service it is, what it chose.

    - `floor`: the age in years below which nobody is served, wherever they live.
    - `kinds`: what it is in the eyes of a law (`STATUTORY_KINDS`).
    - `policy`: jurisdictions whose guidance the operator chose to follow although no statute makes it a
      limit.
    - `majority_rules`: whether laws that only say "a minor" refuse at the door; they never do more.
    - `established_in`: the country of the operator's establishment, whose consent age then holds at the
      door for everybody (GDPR Art. 3(1)); `None` leaves it to the residence.
    - `stricter`: the service's own higher ages.

    Raises `ConfigError` on values out of range, two own rules for one jurisdiction, or one that is not
    above the floor.
    """

    name: str = "this service"
    floor: int = 13
    audience: Audience = "general"
    kinds: frozenset[str] = frozenset({"general"})
    policy: frozenset[str] = frozenset()
    majority_rules: MajorityRules = "enforce"
    parental_flow: ParentalFlow = "none"
    established_in: str | None = None
    stricter: tuple[OwnRule, ...] = ()

    def __post_init__(self) -> None:
        if self.audience not in AUDIENCES:
            raise ConfigError(f"service.audience is unknown; choose from {', '.join(AUDIENCES)}")
        if self.majority_rules not in get_args(MajorityRules):
            raise ConfigError("service.majority_rules is unknown; choose from enforce, report")
        if self.parental_flow != "none":
            raise ConfigError("service.parental_flow: there is no such flow; write none")
        if not 0 < self.floor <= OLDEST_AGE:
            raise ConfigError(f"service.floor is {self.floor}; write an age from 1 to {OLDEST_AGE}")
        unknown = sorted(self.kinds - set(STATUTORY_KINDS))
        if unknown or not self.kinds:
            held = ", ".join(unknown) or "nothing"
            raise ConfigError(f"service.kinds holds {held}; choose from {', '.join(STATUTORY_KINDS)}")
        places = [own.jurisdiction for own in self.stricter]
        for own in self.stricter:
            if own.age <= self.floor:
                raise ConfigError(
                    f"service.stricter {own.jurisdiction}: {own.age} is not above the floor of {self.floor}; "
                    "remove it or raise it"
                )
            if places.count(own.jurisdiction) > 1:
                raise ConfigError(f"service.stricter {own.jurisdiction}: set twice; keep one")
