"""The story: people knock at the gate, the host is swept, a person decides, an account is erased.

It uses only what every host uses, and knows no answer in advance: what is found, and which case is taken
to its end, comes out of the sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from agegate.birthdate import anniversary
from agegate.config import Config
from agegate.demo.build import build
from agegate.erasure import Eraser, Receipt
from agegate.keys import KeyRing
from agegate.model import Decision, Registration, RequestState
from agegate.review import CaseView, Desk
from agegate.signup import AgeGate
from agegate.sweep import Progress, Sweep, SweepSummary

STAFF: Final = "staff-1"


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the gate: what is told of them, and what the gate answered."""

    who: str
    decision: Decision


class Scene:
    """The demo in a folder, at a moment of its own clock."""

    def __init__(self, folder: Path, *, accounts: int, seed: int, now: datetime) -> None:
        """Build the host. Raises `StateError` if the folder holds one already."""
        self.file = build(folder, accounts=accounts, seed=seed, today=now.date())
        self.config = Config.load(self.file)
        self.now = now
        KeyRing.load_or_create(self.config.key_file)
        self._store = self.config.open_store(create=True)
        self._store.upgrade()
        self._desk = Desk(self.config)

    def knock(self) -> Iterator[Knock]:
        """An adult, a child, the same child with another date, and somebody of 14 in France."""
        gate = AgeGate.from_config(self.file)
        today = self.now.date()
        for who, age, country, email in (
            ("an adult in Germany", 34, "DE", "reader@example.org"),
            ("a child of 12 in the United States", 12, "US", "comet@example.net"),
            ("the same child with another birth date", 20, "US", "comet@example.net"),
            ("somebody of 14 in France", 14, "FR", "marlow@example.com"),
        ):
            born = _born(age, today)
            registration = Registration(birth_date=born, country=country, email=email)
            yield Knock(who, gate.check(registration, now=self.now))

    def sweep(self, *, apply: bool, progress: Progress | None = None) -> SweepSummary:
        """Sweep the host; without `apply` the first one only looks."""
        return Sweep(self.config).run(apply=apply, now=self.now, progress=progress)

    def pick(self) -> CaseView | None:
        """The surest case that waits for a person, as the desk shows it."""
        waiting = [line for line in self._desk.list() if line.state == RequestState.AWAITING_REVIEW]
        views = [self._desk.show(line.case) for line in waiting]
        return max(views, key=lambda view: view.under, default=None)

    def confirm(self, case: int) -> datetime:
        """Decide as a member of staff would; returns the day from which the account is erased."""
        return self._desk.confirm(case, by=STAFF, reason="states their own age in the text", now=self.now)

    def wait(self, until: datetime) -> timedelta:
        """Move the demo's own clock past a moment; returns by how much."""
        passed = until - self.now + timedelta(minutes=1)
        self.now += passed
        return passed

    def rows(self, account: str) -> dict[str, int]:
        """The account's rows per table, before they go."""
        return Eraser(self.config).count(account)

    def erase(self, progress: Progress | None = None) -> list[Receipt]:
        """Carry out every request whose day has come."""
        outcomes = Eraser(self.config).run(now=self.now, progress=progress)
        return [outcome.receipt for outcome in outcomes if outcome.receipt is not None]


def _born(age: int, today: date) -> date:
    return anniversary(today, -age) - timedelta(days=100)
