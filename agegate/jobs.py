"""Jobs that put use cases together: the impact of a law, whether all is in order, the way back to sign-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from agegate.audit import Audit
from agegate.birthdate import BirthDate
from agegate.config import Config
from agegate.errors import AgegateError, InputError
from agegate.law import Rulebook
from agegate.law.lint import Finding, lint
from agegate.model import Limit
from agegate.signup.addresses import Addresses
from agegate.signup.contacts import Contact
from agegate.signup.moment import aware_moment
from agegate.signup.refusals import readmit as lift
from agegate.store.tables import LONGEST_ID
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
                made = account.created_on
                door = [book.strictest(where, on=day, service=service) for day in (start, end)]
                acting = [
                    book.strictest(where, on=day, service=service, created_on=made) for day in (start, end)
                ]
                reviewable = _falls_under(born, acting[0], acting[1], end)
                if not reviewable and not _falls_under(born, door[0], door[1], end):
                    continue
                limit = acting[1] if reviewable else door[1]
                impact.under[limit.jurisdiction, limit.name] += 1
                impact.reviewable[limit.jurisdiction, limit.name] += reviewable
            impact.accounts += len(accounts)
            after = accounts[-1].key
            if progress is not None:
                progress(impact.accounts, total)
    finally:
        host.dispose()
    return impact


def _falls_under(born: BirthDate, before: Limit, after: Limit, day: date) -> bool:
    """Whether a person is under a limit on a day, and would not be under the one before it."""
    return before.is_attained(born, day) and not after.is_attained(born, day)


def diagnose(config: Config, *, on: date) -> list[Finding]:
    """Everything that keeps agegate from doing its work for a host, and what its operator should look at.

    `where` is the part of agegate; a finding of the law names its file, too.
    """
    try:
        found = list(_of_service(config, on))
    except AgegateError as error:
        return [Finding("error", "service", str(error)), *_of_host(config)]
    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("service", lambda: Rulebook.load().check(config.law_service)),
        ("keys", lambda: config.key_ring),
        ("store", lambda: config.open_store().require()),
        ("gate", lambda: Addresses(config.ip_database).close() if config.ip_database else None),
    )
    for part, look in parts:
        try:
            look()
        except AgegateError as error:
            found.append(Finding("error", part, str(error)))
    return found + list(_of_host(config))


def _of_service(config: Config, on: date) -> Iterator[Finding]:
    if config.law_service.audience == "directed_to_children":
        yield Finding(
            "error",
            "service",
            "audience is directed_to_children: such a service may not turn children away (16 CFR 312.2, "
            "312.5); it needs a parent's consent, which agegate does not collect",
        )
    for finding in lint(config.law_service, on=on):
        yield Finding(finding.level, f"law: {finding.where}", finding.what)


def _of_host(config: Config) -> Iterator[Finding]:
    if config.host is None:
        yield Finding("warning", "host", "there is no [host]: sign-up works, sweep and erasure do not")
        return
    try:
        host = config.open_host()
        try:
            for finding in host.check():
                yield Finding("error", "host", str(finding))
        finally:
            host.dispose()
    except AgegateError as error:
        yield Finding("error", "host", str(error))


MISTAKES: Final = ("mistyped", "shared_device", "not_the_person")
"""Why staff let a refused person answer again: what was typed was wrong, another person had used the device,
or another person had given this e-mail address or phone number."""


def readmit(
    config: Config,
    *,
    email: str | None = None,
    phone: str | None = None,
    country: str | None = None,
    device: str | None = None,
    by: str,
    because: str,
    now: datetime | None = None,
) -> int:
    """Let a person answer the age question again whom the gate remembers as refused; a member of staff decides.

    What is remembered of the e-mail, the phone (`country` reads a local number) and the device is lifted, and
    for seven days the next answer with this e-mail or phone counts, whatever the browser's cookie says. It
    admits nobody: the new answer decides, and another refusal is remembered again. The audit keeps who let
    somebody back and why, and nothing of whom. Returns how many marks were lifted. Raises `InputError` if
    there is neither e-mail nor phone, one cannot be read, or `because` is none of `MISTAKES`.
    """
    if because not in MISTAKES:
        raise InputError(f"--because: no such reason; write one of {', '.join(MISTAKES)}")
    if not by.strip() or len(by) > LONGEST_ID:
        raise InputError(f"--by: give your registered staff id, at most {LONGEST_ID} characters")
    if not email and not phone:
        raise InputError("--email or --phone: give what the person used to register")
    try:
        by_email = Contact.read("email", email).canonical if email else None
        by_phone = Contact.read("phone", phone, country).canonical if phone else None
    except ValueError as error:
        raise InputError(f"{error}; nothing was changed") from None
    moment = aware_moment(now, None)
    store = config.open_store()
    store.require()
    audit = Audit(store, config.key_ring)
    with store.writing() as connection:
        lifted = lift(connection, config.key_ring, by_email, by_phone, device, moment)
        audit.record(
            connection,
            "signup.readmitted",
            actor=by,
            now=moment,
            data={"because": because, "lifted": lifted},
        )
    store.dispose()
    return lifted
