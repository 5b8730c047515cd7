"""What a gate with a store does with a decision: what it recalls, remembers, records and proves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agegate.audit import Audit
from agegate.keys import KeyRing
from agegate.model import Decision, Limit, Outcome, Reason
from agegate.signup.admission import issue
from agegate.signup.fields import NO_CONTACT, Checked
from agegate.signup.refusals import DEVICE, Terms, recall, remember, take_pass
from agegate.store import Store


@dataclass(frozen=True)
class Memory:
    """The store with the key ring that its tags need, the audit, and how long refusals are remembered."""

    store: Store
    keys: KeyRing
    audit: Audit
    terms: Terms

    def answer(
        self,
        checked: Checked,
        decision: Decision,
        now: datetime,
        heard: Sequence[Mapping[str, object]],
        *,
        refused_before: bool,
        contact_needed: bool,
    ) -> Decision:
        """The decision in the light of earlier refusals, and this one remembered. Fails closed: it raises.

        `heard` is what may be kept of the age signals of others.
        """
        under = decision.outcome is Outcome.REFUSE
        with self.store.writing() as connection:
            recalled = recall(connection, self.keys, checked)
            back = recalled.readmitted(now) and take_pass(connection, recalled, now)
            shared = refused_before or recalled.refused_before(now)  # by a browser or device, too
            if recalled.refused_before(now, besides=DEVICE) or (shared and not back):
                decision = replace(decision, outcome=Outcome.REFUSE, reason=Reason.REFUSED_BEFORE)
            if contact_needed and lacks_contact(checked, decision):
                return contact_missing(decision)
            # Only who is under the limit by this answer: else an adult at a school's computer would be
            # remembered by e-mail for what another's device did.
            if under:
                remember(connection, self.keys, recalled, now, self.terms)
            admitted = decision.outcome is Outcome.ADMIT
            self.audit.record(
                connection,
                "signup.admitted" if admitted else "signup.refused",
                actor="gate",
                now=now,
                data=_kept(decision.limit, heard),
            )
        if admitted:
            token = issue(self.keys, checked.email, checked.phone, now)
            return Decision(Outcome.ADMIT, decision.reason, decision.limit, decision.residence, token=token)
        return replace(decision, remembered_until=self._until(decision, recalled.last_end(now), under, now))

    def note(self, kind: str, actor: str, data: Mapping[str, object]) -> None:
        """Record what happened, in a transaction of its own."""
        with self.store.writing() as connection:
            self.audit.record(connection, kind, actor=actor, now=datetime.now(UTC), data=data)

    def _until(self, decision: Decision, last: datetime | None, under: bool, now: datetime) -> datetime | None:
        """Until when the browser shall remember: as a device does, and no longer than what recalled it."""
        term = now + self.terms.device
        if decision.reason is Reason.REFUSED_BEFORE:
            return min(term, last) if last else None
        return term if under else None


def lacks_contact(checked: Checked, decision: Decision) -> bool:
    """Whether an admission could be bound to nothing."""
    return decision.outcome is Outcome.ADMIT and not (checked.email or checked.phone)


def contact_missing(decision: Decision) -> Decision:
    """The answer to who is old enough, and gave no contact."""
    return Decision(Outcome.INVALID, Reason.INVALID, None, decision.residence, (NO_CONTACT,))


def _kept(limit: Limit | None, heard: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """What the audit keeps of a decision: which rule held, and what others said; the day is the event's."""
    found: dict[str, object] = {}
    if limit is not None:
        found |= {"jurisdiction": limit.jurisdiction, "rule": limit.name}
    if heard:
        found["age_signals"] = list(heard)
    return found
