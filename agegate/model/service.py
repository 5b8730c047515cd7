"""The service that is being kept, and what it is in the eyes of a law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from agegate.errors import ConfigError

Audience = Literal["general", "mixed", "directed_to_children"]
"""Whom a service is for, in the words of the COPPA Rule (16 CFR 312.2)."""

AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)

StatutoryKind = Literal["general", "social_media", "ai", "app_developer"]
"""What a service can be in the eyes of a law; a rule applies to some of them."""

STATUTORY_KINDS: Final[tuple[StatutoryKind, ...]] = get_args(StatutoryKind)


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
