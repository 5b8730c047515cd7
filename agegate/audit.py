"""What happened: append-only events, linked into one chain by a sealer, its head anchored in a file.

An event commits with the thing it records, unchained, so that recording never waits. `Audit.seal` links
the events that have come since into a chain of SHA-256 hashes and appends the head to a file outside the
database. `Audit.verify` reads it all back and names any event that was edited, removed or reordered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from agegate.database import SCHEMA
from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.prepared import Prepared
from agegate.store import Store
from agegate.store.tables import events, seals

GENESIS: Final = "0" * 64
"""What the first event is linked to."""

_WRITE: Final = Prepared(sa.insert(events), ("at", "kind", "actor", "subject", "data"))
_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

BATCH: Final = 5_000
"""Events that one transaction seals."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `Audit.verify` found: how many events are sealed, how many wait, and every fault by name."""

    sealed: int
    unsealed: int
    oldest_unsealed: datetime | None
    faults: tuple[str, ...]


class Audit:
    """The audit trail of a store. Without an anchor file the chain has no witness outside the database."""

    def __init__(self, store: Store, keys: KeyRing, anchor: Path | None = None) -> None:
        """Use a store's events; `keys` turn an account's key into the tag that events carry."""
        self._store = store
        self._keys = keys
        self._anchor = anchor

    def subject(self, account: str) -> str:
        """The tag by which events and receipts name an account."""
        return self._keys.tag("audit.subject", account)

    def record(
        self,
        connection: sa.Connection,
        kind: str,
        *,
        actor: str,
        now: datetime,
        account: str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        """Write one event in the transaction of the thing that it records.

        `data` must hold no personal value: numbers, ids of rules, states.
        """
        row = {
            "at": now,
            "kind": kind,
            "actor": actor,
            "subject": None if account is None else self.subject(account),
            "data": canonical(data or {}),
        }
        _WRITE.run(connection, row)

    def seal(self, now: datetime | None = None) -> int:
        """Link every event that is not yet linked; returns how many. Safe to repeat, even at once."""
        total = 0
        moment = now or datetime.now(UTC)
        while True:
            count = self._seal_batch(moment)
            if self._anchor is not None:
                self._anchor_head(self._anchor, moment)
            if not count:
                return total
            total += count

    def verify(self) -> AuditReport:
        """Read chain and anchor back."""
        faults: list[str] = []
        anchors = self._anchors(faults)
        sealed, head = 0, GENESIS
        with self._store.reading() as connection:
            for position, event_id, hash_, row in _links(connection):
                sealed += 1
                if position != sealed:
                    faults.append(f"seal {sealed} to {position - 1}: removed")
                    sealed = position
                if row is None:
                    faults.append(f"event {event_id} (position {position}): removed")
                elif _link(head, row) != hash_:
                    faults.append(f"event {event_id} (position {position}): edited or reordered")
                if anchors.pop(position, hash_) != hash_:
                    faults.append(f"position {position}: differs from the anchor")
                head = hash_
            waiting = sa.select(sa.func.count(), sa.func.min(events.c.at)).where(_unsealed())
            unsealed, oldest = connection.execute(waiting).one()
        if sealed and self._anchor is not None and not self._anchor.is_file():
            faults.append("the anchor file is missing")
        faults.extend(f"position {position}: anchored, and gone from the chain" for position in sorted(anchors))
        return AuditReport(sealed, unsealed, oldest, tuple(faults))

    def _seal_batch(self, now: datetime) -> int:
        with self._store.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"LOCK TABLE {SCHEMA}.{seals.name} IN EXCLUSIVE MODE")
            last = connection.execute(sa.select(seals).order_by(seals.c.position.desc()).limit(1)).first()
            position, head = (last.position, last.hash) if last else (0, GENESIS)
            query = sa.select(events).where(_unsealed()).order_by(events.c.id).limit(BATCH)
            rows = connection.execute(query).all()
            links = []
            for row in rows:
                position += 1
                head = _link(head, row)
                links.append({"position": position, "event_id": row.id, "hash": head, "sealed_at": now})
            if links:
                connection.execute(sa.insert(seals), links)
        return len(links)

    def _anchor_head(self, anchor: Path, now: datetime) -> None:
        """Append the chain's head, unless the file has it: a kill after the commit is made good here."""
        with self._store.reading() as connection:
            last = connection.execute(sa.select(seals).order_by(seals.c.position.desc()).limit(1)).first()
        if last is None or self._anchors([]).get(last.position) == last.hash:
            return
        line = canonical({"position": last.position, "hash": last.hash, "at": now.isoformat()})
        try:
            with anchor.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"audit.anchor {anchor} cannot be written: {error.strerror}") from None

    def _anchors(self, faults: list[str]) -> dict[int, str]:
        """The anchored hashes by position; the first line of a position counts, another is a fault."""
        found: dict[int, str] = {}
        if self._anchor is None or not self._anchor.is_file():
            return found
        for number, line in enumerate(self._anchor.read_bytes().splitlines(), 1):
            try:
                row = json.loads(line)
                position, hash_ = int(row["position"]), str(row["hash"])
            except (ValueError, KeyError, TypeError, OverflowError):
                faults.append(f"anchor line {number}: cannot be read")
                continue
            if found.setdefault(position, hash_) != hash_:
                faults.append(f"anchor line {number}: position {position} was anchored with another hash")
        return found


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys, no spaces and no escapes: the same text for the same content, every time."""
    return _JSON.encode(value)


def _unsealed() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(seals.c.event_id == events.c.id)


def _link(previous: str, row: Any) -> str:
    content = {
        "previous": previous,
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(),
        "kind": row.kind,
        "actor": row.actor,
        "subject": row.subject,
        "data": row.data,
    }
    return sha256(canonical(content).encode()).hexdigest()


def _links(connection: sa.Connection) -> Iterator[tuple[int, int, str, Any]]:
    """Every seal in order, with its event, or `None` where the event is gone."""
    joined = seals.outerjoin(events, events.c.id == seals.c.event_id)
    query = (
        sa.select(seals.c.position, seals.c.event_id, seals.c.hash, *events.c)
        .select_from(joined)
        .order_by(seals.c.position)
        .execution_options(yield_per=BATCH)
    )
    for row in connection.execute(query):
        yield row.position, row.event_id, row.hash, row if row.id is not None else None
