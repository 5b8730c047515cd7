"""What remembers a refusal: keyed, expiring hashes of how the person could come back, and nothing else.

Pseudonymous data with a fixed term. The term does not depend on the birth date, so no birth date
follows from it; nor does a marker say of whom, where or under which rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from agegate.keys import KeyRing
from agegate.signup.fields import Checked
from agegate.store.tables import refusals

_LOOK_UP: Final = sa.select(refusals.c.tag, refusals.c.expires_at).where(
    refusals.c.tag.in_(sa.bindparam("tags", expanding=True))
)
_WRITE: Final = sa.insert(refusals)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a refusal is remembered by a device, and by an e-mail address or a phone number."""

    device: timedelta = timedelta(hours=24)
    contact: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the store remembers of a person's handles, looked up once: the end of each tag that is there.

    `handles` are the purpose and value of each handle with its tags, by any key of the ring.
    """

    handles: tuple[tuple[str, str, tuple[str, ...]], ...]
    ends: Mapping[str, datetime]

    def is_live(self, tags: Sequence[str], now: datetime) -> bool:
        """Whether one of these tags is remembered and has not expired."""
        return any(tag in self.ends and self.ends[tag] > now for tag in tags)

    def refused_before(self, now: datetime) -> bool:
        """Whether this e-mail, phone or device was refused and the memory has not expired."""
        return any(self.is_live(tags, now) for _, _, tags in self.handles)


def recall(connection: sa.Connection, keys: KeyRing, checked: Checked) -> Recalled:
    """Look up what is remembered of a registration's e-mail, phone and device."""
    handles = tuple((purpose, value, keys.tags(purpose, value)) for purpose, value in _handles(checked))
    if not handles:
        return Recalled((), {})
    found = connection.execute(_LOOK_UP, {"tags": [tag for _, _, tags in handles for tag in tags]})
    return Recalled(handles, {row.tag: row.expires_at for row in found})


def remember(connection: sa.Connection, keys: KeyRing, recalled: Recalled, now: datetime, terms: Terms) -> None:
    """Write a marker for each handle; one that is there already, by whichever key, keeps its own end."""
    fresh = [handle for handle in recalled.handles if not recalled.is_live(handle[2], now)]
    stale = [tag for _, _, tags in fresh for tag in tags if tag in recalled.ends]
    if stale:
        connection.execute(sa.delete(refusals).where(refusals.c.tag.in_(stale)))
    rows = [
        {
            "tag": keys.tag(purpose, value),
            "expires_at": now + (terms.device if purpose == "refusal.device" else terms.contact),
        }
        for purpose, value, _ in fresh
    ]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        # Two refusals at once: the first that commits sets the term.
        connection.execute(insert_postgresql(refusals).on_conflict_do_nothing(), rows)
    else:
        connection.execute(_WRITE, rows)


def _handles(checked: Checked) -> Sequence[tuple[str, str]]:
    found = (
        ("refusal.email", checked.email),
        ("refusal.phone", checked.phone),
        ("refusal.device", checked.device),
    )
    return [(purpose, value) for purpose, value in found if value]
