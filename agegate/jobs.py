"""Jobs that put use cases together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from agegate.config import Config
from agegate.law import Rulebook
from agegate.sweep.judge import place_of


@dataclass
class LawImpact:
    """How many accounts fall under a limit on one day that their holders would meet by the law of another.

    Counted by place and by what sets the new limit. `under` counts all that the door would refuse,
    `reviewable` those of them that a sweep may bring before a person. `undated` accounts have no usable
    birth date, `placeless` ones no place.
    """

    accounts: int = 0
    undated: int = 0
    placeless: int = 0
    under: Counter[tuple[str, str]] = field(default_factory=Counter)
    reviewable: Counter[tuple[str, str]] = field(default_factory=Counter)


def law_impact(
    config: Config, *, start: date, end: date, progress: Callable[[int, int], None] | None = None
) -> LawImpact:
    """Read the host's accounts and count whom the law of `end` reaches on that day, and that of `start` not.

    Reads only, no texts. Raises `HostError` or `DatabaseError` if the host cannot be read.
    """
    impact = LawImpact()
    book, service = Rulebook.load(), config.law_service
    host = config.open_host()
    after: str | None = None
    try:
        host.check()
        total = host.count()
        while accounts := host.chunk(after, config.sweep.chunk, kinds=(), today=end):
            for account in accounts:
                born, where = account.birth_date, place_of(account)
                impact.undated += born is None
                impact.placeless += not where.places
                if born is None or not where.places:
                    continue
                before = book.strictest(where, on=start, service=service)
                limit = book.strictest(where, on=end, service=service)
                if limit.is_attained(born, end) or not before.is_attained(born, end):
                    continue
                key = (limit.jurisdiction, limit.name)
                impact.under[key] += 1
                acting = book.strictest(where, on=end, service=service, created_on=account.created_on)
                impact.reviewable[key] += not acting.is_attained(born, end)
            impact.accounts += len(accounts)
            after = accounts[-1].key
            if progress is not None:
                progress(impact.accounts, total)
    finally:
        host.dispose()
    return impact
