"""Writing flags: each with its evidence, its queue entry and its event, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.keys import KeyRing
from agegate.model import Account, Evidence, RequestState, Verdict, Weighed
from agegate.store import tables
from agegate.sweep.judge import Judgement


@dataclass(frozen=True)
class FlagWriter:
    """Writes what a judge found, once: the same evidence never makes a second flag."""

    keys: KeyRing
    audit: Audit
    now: datetime
    window: timedelta

    def write(
        self, connection: sa.Connection, account: Account, judgement: Judgement, *, restrict: bool
    ) -> RequestState | None:
        """Flag an account; returns the state of its new queue entry, or `None` where nothing is new.

        `restrict` says that a known case may be quarantined at once; without it everything waits for a
        person. An undecided flag takes up new evidence; a decided one stands (`_reopens`).
        """
        digests = {
            item.evidence: self.digest(account.key, item.evidence) for item in judgement.assessment.weighed
        }
        fingerprint = self._fingerprint(account, judgement, digests)
        query = sa.select(tables.flags).where(tables.flags.c.account == account.key)
        earlier = connection.execute(query.order_by(tables.flags.c.id)).all()
        if any(row.fingerprint == fingerprint for row in earlier):
            return None
        open_ = [row for row in earlier if row.verdict is None]
        if open_:
            self._update(connection, open_[-1].id, account, judgement, digests, fingerprint)
            return None
        note = judgement.note
        if earlier:
            reopened = _reopens(connection, earlier[-1], judgement)
            if reopened is None:
                return None
            note = "; ".join(part for part in (note, reopened) if part)
        known = judgement.known and restrict and not earlier
        return self._insert(connection, account, judgement, digests, fingerprint, note, known)

    def digest(self, account: str, piece: Evidence) -> str:
        """The keyed hash of what was read, bound to the account and to the rule that read it."""
        value = "\x1f".join((account, piece.signal, piece.rule, piece.source, piece.words))
        return self.keys.tag("evidence.words", value)

    def _insert(
        self,
        connection: sa.Connection,
        account: Account,
        judgement: Judgement,
        digests: dict[Evidence, str],
        fingerprint: str,
        note: str,
        known: bool,
    ) -> RequestState:
        values = _flag_values(judgement, fingerprint, note)
        row = {"account": account.key, "known_at": self.now, **values}
        flag = connection.execute(sa.insert(tables.flags).values(row)).inserted_primary_key
        assert flag is not None
        self._write_evidence(connection, flag[0], account, judgement.assessment.weighed, digests)
        state = RequestState.QUARANTINED if known else RequestState.AWAITING_REVIEW
        request = {
            "account": account.key,
            "flag": flag[0],
            "state": state,
            "cause": judgement.cause,
            "queued_at": self.now,
            "due_at": self.now + self.window if known else None,
        }
        connection.execute(sa.insert(tables.requests).values(request))
        self.audit.record(
            connection,
            "flag.opened",
            actor="sweep",
            now=self.now,
            account=account.key,
            data={
                "flag": flag[0],
                "cause": judgement.cause,
                "band": judgement.assessment.band,
                "jurisdiction": judgement.limit.jurisdiction,
                "rule": judgement.limit.name,
                "state": state,
            },
        )
        return state

    def _update(
        self,
        connection: sa.Connection,
        flag: int,
        account: Account,
        judgement: Judgement,
        digests: dict[Evidence, str],
        fingerprint: str,
    ) -> None:
        values = _flag_values(judgement, fingerprint, judgement.note)
        connection.execute(sa.update(tables.flags).where(tables.flags.c.id == flag).values(values))
        connection.execute(sa.delete(tables.evidence).where(tables.evidence.c.flag == flag))
        self._write_evidence(connection, flag, account, judgement.assessment.weighed, digests)
        self.audit.record(
            connection,
            "flag.evidence_changed",
            actor="sweep",
            now=self.now,
            account=account.key,
            data={"flag": flag, "band": judgement.assessment.band},
        )

    def _write_evidence(
        self,
        connection: sa.Connection,
        flag: int,
        account: Account,
        weighed: Sequence[Weighed],
        digests: dict[Evidence, str],
    ) -> None:
        rows = [
            {
                "flag": flag,
                "account": account.key,
                "signal": item.evidence.signal,
                "rule": item.evidence.rule,
                "source": item.evidence.source,
                "said_on": item.evidence.said_on,
                "born_first": item.evidence.born.first,
                "born_last": item.evidence.born.last,
                "weight": item.weight,
                "where_row": item.evidence.where[1] if item.evidence.where else None,
                "span_start": item.evidence.span[0] if item.evidence.span else None,
                "span_end": item.evidence.span[1] if item.evidence.span else None,
                "words": digests[item.evidence],
            }
            for item in weighed
        ]
        if rows:
            connection.execute(sa.insert(tables.evidence), rows)

    @staticmethod
    def _fingerprint(account: Account, judgement: Judgement, digests: dict[Evidence, str]) -> str:
        """A hash of the evidence that a flag rests on. Weights and the day of the sweep are not in it."""
        age, day = judgement.limit.age, account.created_on
        resting = {
            digest for piece, digest in digests.items() if piece.speaks_for_under(age, max(day, piece.said_on))
        }
        return sha256("\n".join(sorted(resting)).encode()).hexdigest()


def _flag_values(judgement: Judgement, fingerprint: str, note: str) -> dict[str, object]:
    assessment, limit = judgement.assessment, judgement.limit
    return {
        "cause": judgement.cause,
        "band": assessment.band,
        "under": assessment.under,
        "ever_under": assessment.ever_under,
        "limit_age": limit.age,
        "jurisdiction": limit.jurisdiction,
        "rule": limit.name if limit.rule or limit.own else None,
        "notes": note,
        "fingerprint": fingerprint,
    }


def _reopens(connection: sa.Connection, last: sa.Row[tuple[object, ...]], judgement: Judgement) -> str | None:
    """Why a decided case is opened again, or `None`: only evidence of a kind it did not have does that."""
    if last.verdict != Verdict.ADULT:
        return None
    signals = sa.select(tables.evidence.c.signal).where(tables.evidence.c.account == last.account)
    known = set(connection.execute(signals).scalars())
    new = {item.evidence.signal for item in judgement.assessment.weighed if item.weight > 0} - known
    if not new:
        return None
    return f"reopens case {last.id}, decided as adult: new evidence from {', '.join(sorted(new))}"


def load_answers(connection: sa.Connection, keys: Sequence[str]) -> set[str]:
    """The accounts of these whose holders answered at sign-in to be under age."""
    table = tables.questions
    under = table.c.account.in_(keys) & table.c.under_at.is_not(None)
    return set(connection.execute(sa.select(table.c.account).where(under)).scalars())


def load_reports(connection: sa.Connection, keys: Sequence[str]) -> dict[str, list[tuple[int, str, date, int]]]:
    """Reports about accounts: number, role of who reported, the day, the age that was stated."""
    found: dict[str, list[tuple[int, str, date, int]]] = {}
    query = sa.select(tables.reports).where(tables.reports.c.account.in_(keys)).order_by(tables.reports.c.id)
    for row in connection.execute(query):
        found.setdefault(row.account, []).append((row.id, row.said_by, row.said_on, row.age))
    return found
