"""The desk: list, show, confirm, clear, and take a report. Every act is one transaction and one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from agegate.audit import Audit
from agegate.config import Config
from agegate.errors import HostError, InputError, NotFoundError, StateError
from agegate.host import Host
from agegate.law import Rulebook
from agegate.model import Limit, RequestState, Verdict
from agegate.signals.reports import RELIABILITY
from agegate.store import Store, tables

REVERSIBLE: Final = (RequestState.AWAITING_REVIEW, RequestState.QUARANTINED)
"""States in which a verdict can still be given or taken back: nothing has been deleted."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list: number, place, cause, state and dates. Nothing about the person."""

    case: int
    jurisdiction: str
    cause: str
    band: str
    state: str
    known_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A piece of evidence as staff see it.

    `text` is read from the host at this moment, `span` the characters that were read as evidence;
    `changed` says that they no longer read as they did. Both are empty for what is not a text.
    """

    signal: str
    rule: str
    source: str
    said_on: date
    born_first: date | None
    born_last: date | None
    weight: float
    text: str | None = field(default=None, repr=False)
    span: tuple[int, int] | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as staff see it: why it was flagged, for and against, and the law that holds."""

    line: CaseLine
    account: str
    under: float
    ever_under: float
    limit_age: int
    law: str
    note: str
    verdict: str | None
    decided_by: str | None
    evidence: tuple[EvidenceView, ...]


class Desk:
    """What a member of staff does with flags. `by` is always a registered, opaque staff id."""

    def __init__(self, config: Config, *, store: Store | None = None, host: Host | None = None) -> None:
        """Open the desk of the host that `config` describes."""
        self._store = store or config.open_store()
        self._host = host or config.open_host()
        self._keys = config.key_ring
        self._audit = Audit(self._store, config.key_ring, config.anchor_file)
        self._window = timedelta(days=config.erasure.window_days)
        self._stricter = config.law_service.stricter

    def list(self, *, every: bool = False) -> list[CaseLine]:
        """Cases that wait for a person or for their day, the oldest knowledge first; `every` adds the rest."""
        query = _cases().order_by(tables.flags.c.known_at, tables.flags.c.id)
        if not every:
            query = query.where(tables.requests.c.state.in_(REVERSIBLE))
        with self._store.reading() as connection:
            return [_line(row) for row in connection.execute(query)]

    def show(self, case: int) -> CaseView:
        """One case, its evidence read from the host as it is now. Raises `NotFoundError`."""
        with self._store.reading() as connection:
            row = connection.execute(_cases().where(tables.flags.c.id == case)).first()
            if row is None:
                raise NotFoundError(f"no case {case}: `agegate review list` shows the open ones")
            query = sa.select(tables.evidence).where(tables.evidence.c.flag == case)
            pieces = connection.execute(query.order_by(tables.evidence.c.weight.desc())).all()
        return CaseView(
            line=_line(row),
            account=row.account,
            under=row.under,
            ever_under=row.ever_under,
            limit_age=row.limit_age,
            law=self._law(row),
            note=row.notes,
            verdict=row.verdict,
            decided_by=row.decided_by,
            evidence=tuple(self._view(row.account, piece) for piece in pieces),
        )

    def confirm(self, case: int, *, by: str, reason: str, now: datetime | None = None) -> datetime:
        """Decide that the holder is a minor: quarantined at once, erased after the window.

        Returns the day from which it is erased. Raises `NotFoundError`, or `StateError` if the case was
        decided or its erasure has begun.
        """
        moment = now or datetime.now(UTC)
        due = moment + self._window
        values = {"state": RequestState.QUARANTINED, "due_at": due}
        self._decide(case, Verdict.MINOR, values, by=by, reason=reason, now=moment)
        return due

    def clear(self, case: int, *, by: str, reason: str, now: datetime | None = None) -> None:
        """Decide that the holder is no minor: nothing is erased, and the same evidence never flags again.

        Takes back an earlier verdict, or a quarantine, as long as nothing was deleted. Raises as `confirm`.
        """
        moment = now or datetime.now(UTC)
        values = {"state": RequestState.CANCELLED, "due_at": None, "done_at": moment}
        self._decide(case, Verdict.ADULT, values, by=by, reason=reason, now=moment)

    def report(
        self, account: str, *, age: int, said_by: str, said_on: date | None = None, now: datetime | None = None
    ) -> int:
        """Take a report that the holder of an account is `age` years old; returns its number.

        A report never restricts: the next sweep flags the account for a person. `said_by` is a role, not
        a name. Raises `InputError` on a role or age that cannot be, `NotFoundError` on an unknown account.
        """
        moment = now or datetime.now(UTC)
        if said_by not in RELIABILITY:
            raise InputError(f"--from must be one of {', '.join(RELIABILITY)}")
        if not 0 <= age <= 120:
            raise InputError("--age must be an age in years from 0 to 120")
        self._host.account(account, kinds=(), today=moment.date())
        row = {
            "account": account,
            "said_by": said_by,
            "said_on": said_on or moment.date(),
            "age": age,
            "received_at": moment,
        }
        with self._store.writing() as connection:
            number = connection.execute(sa.insert(tables.reports).values(row)).inserted_primary_key
            assert number is not None
            data = {"report": number[0], "from": said_by}
            self._audit.record(
                connection, "report.received", actor="desk", now=moment, account=account, data=data
            )
        self._audit.seal(moment)
        return int(number[0])

    def _decide(
        self,
        case: int,
        verdict: Verdict,
        request: Mapping[str, object],
        *,
        by: str,
        reason: str,
        now: datetime,
    ) -> None:
        if not by.strip() or not reason.strip():
            raise InputError("a verdict needs --by (your staff id) and --reason (why, in a line)")
        if len(by) > tables.LONGEST_ID:
            raise InputError(f"--by: a staff id has at most {tables.LONGEST_ID} characters; give yours")
        flag, mine = tables.flags, tables.requests.c.flag == case
        other = flag.c.verdict.is_(None) | (flag.c.verdict != verdict)
        decision = {"verdict": verdict, "decided_by": by, "decided_at": now, "reason": reason}
        with self._store.writing() as connection:
            # The flag's row is what two people who decide at once wait for each other at.
            decided = connection.execute(sa.update(flag).where(flag.c.id == case, other).values(decision))
            open_ = mine & tables.requests.c.state.in_(REVERSIBLE)
            changed = connection.execute(sa.update(tables.requests).where(open_).values(request))
            row = connection.execute(_cases().where(flag.c.id == case)).first()
            if row is None:
                raise NotFoundError(f"no case {case}: `agegate review list` shows the open ones")
            if decided.rowcount != 1 or changed.rowcount != 1:
                raise StateError(_refused(case, verdict, row, again=decided.rowcount != 1))
            if verdict is Verdict.ADULT:
                forget_evidence(connection, case)
                answered = tables.questions.c.account == row.account
                connection.execute(sa.delete(tables.questions).where(answered))
            self._audit.record(
                connection,
                "flag.decided",
                actor=by,
                now=now,
                account=row.account,
                data={"flag": case, "verdict": verdict, "state": str(request["state"])},
            )
        self._audit.seal(now)

    def _law(self, row: sa.Row[Any]) -> str:
        """The law of the flag in a line, from what set its limit."""
        place = row.jurisdiction
        rule = next((rule for rule in Rulebook.load() if rule.id == row.rule), None)
        own = next((own for own in self._stricter if row.rule == f"own:{own.jurisdiction}"), None)
        if own is None and (row.rule or "").startswith("own:"):
            return f"a rule of the service's own for {place}, which it no longer has"
        researched = not place or Rulebook.load().is_researched(place[:2])
        return Limit(row.limit_age, place or "no known place", rule, researched, own).why

    def _view(self, account: str, piece: sa.Row[Any]) -> EvidenceView:
        """The evidence with its text as it is now, and whether the words are still those that were read."""
        text, span, changed = None, None, False
        if piece.where_row is not None and piece.span_start is not None:
            try:
                text = self._host.text(piece.source, piece.where_row)
            except HostError:
                text = None
            span = (piece.span_start, piece.span_end)
            words = (text or "")[span[0] : span[1]]
            value = "\x1f".join((account, piece.signal, piece.rule, piece.source, words))
            changed = piece.words not in self._keys.tags("evidence.words", value)
        return EvidenceView(
            signal=piece.signal,
            rule=piece.rule,
            source=piece.source,
            said_on=piece.said_on,
            born_first=piece.born_first,
            born_last=piece.born_last,
            weight=piece.weight,
            text=text,
            span=span,
            changed=changed,
        )


def _refused(case: int, verdict: Verdict, row: sa.Row[Any], *, again: bool) -> str:
    """Why a verdict is not taken, in a line. The transaction in which it was tried is rolled back."""
    if again:
        return f"case {case} is decided as {verdict} already; `agegate review show {case}` says by whom"
    return (
        f"case {case} is {row.state}, so it cannot be decided as {verdict}: a verdict can change until "
        "erasure begins"
    )


def forget_evidence(connection: sa.Connection, case: int) -> None:
    """Keep of a decided case's evidence what recognises it again: keyed hash and signal, no birth dates."""
    emptied = {
        "born_first": None,
        "born_last": None,
        "where_row": None,
        "span_start": None,
        "span_end": None,
    }
    table = tables.evidence
    connection.execute(sa.update(table).where(table.c.flag == case).values(emptied))


def _cases() -> sa.Select[Any]:
    request = tables.requests
    return sa.select(tables.flags, request.c.state, request.c.due_at).join(
        request, request.c.flag == tables.flags.c.id
    )


def _line(row: sa.Row[Any]) -> CaseLine:
    return CaseLine(
        case=row.id,
        jurisdiction=row.jurisdiction,
        cause=row.cause,
        band=row.band,
        state=row.state,
        known_at=row.known_at,
        due_at=row.due_at,
    )
