"""What one account's evidence amounts to. Pure: the same account on the same day gives the same judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import phonenumbers

from agegate.birthdate import BirthDate
from agegate.inference import assess, could_be_under
from agegate.law import Rulebook, locale_country, parse_country, parse_region
from agegate.law.residence import residence
from agegate.law.zones import zone_country
from agegate.model import LEARNER, Account, Assessment, Band, Cause, Evidence, Limit, Residence, Service, Signal
from agegate.signals.birth_date import FILLER_RELIABILITY, is_filler

ANSWERED: Final = "the holder answered to be under age"
"""The note of a case that an answer at sign-in opened."""

STRONG: Final = 0.9
"""Counter-evidence of at least this reliability keeps a declared date from being knowledge."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why an account is flagged.

    `known` says that the service knows: the declared birth date was under the limit on the day the
    account was made and still is, wherever the person lives, and nothing strong speaks against it.
    `note` says why it waits for a person although a date was declared, or where the places disagree.
    """

    cause: Cause
    known: bool
    assessment: Assessment
    limit: Limit
    residence: Residence
    note: str = ""


@dataclass
class Judge:
    """Judges accounts on one day.

    `failures` counts the signals that raised, by name, and were skipped; `reported` the accounts whose
    declared date is under a limit of the door that may not be acted on, by what sets it; `unreadable` the
    declared places that are no place, by field.
    """

    today: date
    service: Service
    rulebook: Rulebook
    signals: Sequence[Signal]
    common_dates: frozenset[BirthDate] = frozenset()
    failures: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)

    def judge(self, account: Account) -> Judgement | None:
        """A judgement if the account is to be flagged, else `None`."""
        evidence = self.observe(account)
        where = self._place_of(account)
        now = self._strictest(where, self.today, account)
        then = self._strictest(where, account.created_on, account)
        self._report(account, where, now)
        room = could_be_under(evidence, max(now.age, then.age), self.today, account.created_on)
        if not room and not account.answered_under:
            return None
        assessment = assess(
            evidence, today=self.today, limit=now.age, created_on=account.created_on, limit_then=then.age
        )
        known, note = self._declared(account, evidence, where)
        if known or note:
            return Judgement(Cause.DECLARED, known, assessment, now, where, note)
        if account.answered_under:  # whom an answer restricts, a person must see
            return Judgement(Cause.REPORTED, False, assessment, now, where, ANSWERED)
        if assessment.band not in {Band.CERTAIN, Band.LIKELY}:
            return None
        strongest = next(item.evidence for item in assessment.weighed if item.weight > 0)
        cause = Cause.REPORTED if strongest.signal == "reports" else Cause.INFERRED
        return Judgement(
            cause, False, assessment, now, where, "; ".join(where.conflicts) if where.conflict else ""
        )

    def observe(self, account: Account) -> list[Evidence]:
        """The evidence of every signal; one that fails is counted, skipped and never makes a flag."""
        found: list[Evidence] = []
        for signal in self.signals:
            try:
                found.extend(signal.observe(account, self.today))
            except Exception:  # a plug-in may raise anything, and a sweep must outlive it
                self.failures[signal.name] += 1
        return [self._downgraded(piece, account) for piece in found]

    def _downgraded(self, piece: Evidence, account: Account) -> Evidence:
        """A declared date that very many accounts share is a default of some form, not knowledge."""
        if piece.signal == "birth_date" and account.birth_date in self.common_dates:
            return replace(piece, rule="filler", reliability=FILLER_RELIABILITY)
        return piece

    def _declared(self, account: Account, evidence: Sequence[Evidence], where: Residence) -> tuple[bool, str]:
        """Whether the declared date is knowledge; else, where it says under age, why it is not."""
        born = account.birth_date
        if (
            born is None
            or born.first > self.today
            or not self._under_everywhere(born, account, where, self.today)
        ):
            return False, ""
        if is_filler(born, account.created_on) or born in self.common_dates:
            return False, "the declared date looks like a filler"
        strong = [
            piece
            for piece in evidence
            if piece.reliability >= STRONG
            and piece.signal != "birth_date"
            and piece.speaks_against_under(self._strictest(where, self.today, account).age, self.today)
        ]
        if strong:
            return False, f"strong counter-evidence: {strong[0].signal}"
        if not self._under_then(born, account, where):
            return False, "old enough by the limit of when the account was made; the limit has risen since"
        return True, ""

    def _under_everywhere(self, born: BirthDate, account: Account, where: Residence, day: date) -> bool:
        """Whether by every reading and in every plausible place the date was under the limit on a day."""
        return not self._loosest(where, day, account).is_attained(BirthDate.on(born.first), day)

    def _under_then(self, born: BirthDate, account: Account, where: Residence) -> bool:
        """Whether the date was under the limit of the day the account was made, and is under that still."""
        then, oldest = self._loosest(where, account.created_on, account), BirthDate.on(born.first)
        return not then.is_attained(oldest, account.created_on) and not then.is_attained(oldest, self.today)

    def _strictest(self, where: Residence, day: date, account: Account) -> Limit:
        if not where.places:
            return Limit(self.service.floor, "", None, researched=False)
        return self.rulebook.strictest(where, on=day, service=self.service, created_on=account.created_on)

    def _loosest(self, where: Residence, day: date, account: Account) -> Limit:
        if not where.places:
            return Limit(self.service.floor, "", None, researched=False)
        return self.rulebook.loosest(where, on=day, service=self.service, created_on=account.created_on)

    def _report(self, account: Account, where: Residence, acting: Limit) -> None:
        """Count an account that the door would refuse today, and that no rule lets anyone act on."""
        born = account.birth_date
        if born is None or not where.places:
            return
        every = replace(self.service, majority_rules="enforce")  # whether or not the door enforces them
        door = self.rulebook.strictest(where, on=self.today, service=every)
        if not door.is_attained(born, self.today) and acting.is_attained(born, self.today):
            self.reported[door.name] += 1

    def _place_of(self, account: Account) -> Residence:
        for name in ("country", "billing_country"):
            value = account.fields.get(name)
            if value and parse_country(value) is None:
                self.unreadable[name] += 1
        return place_of(account)


def place_of(account: Account) -> Residence:
    """Where an account's fields say that its holder lives; what is no place is passed over."""
    fields = account.fields
    country = parse_country(fields.get("country", ""))
    billing = parse_country(fields.get("billing_country", ""))
    region = parse_region(fields.get("region", ""), country) if country else None
    payer = fields.get("payer")
    own_billing = billing if payer in {None, LEARNER} else None
    return residence(
        billing=billing,
        payer=payer,
        country=country,
        region=region,
        phone_region=_phone_region(fields.get("phone"), country or own_billing),
        locale_country=locale_country(fields.get("locale")),
        zone_country=zone_country(fields.get("time_zone")),
    )


def _phone_region(phone: str | None, country: str | None) -> str | None:
    if not phone:
        return None
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    return parse_country(phonenumbers.region_code_for_number(number) or "")
