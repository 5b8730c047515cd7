"""What remembers a refusal: keyed, expiring hashes of how the person could come back, and nothing else.

Pseudonymous data with a fixed term. The term does not depend on the birth date, so no birth date
follows from it; nor does a marker say of whom, where or under which rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from agegate.keys import KeyRing
from agegate.signup.fields import Checked
from agegate.store.tables import refusals


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a refusal is remembered by a device, and by an e-mail address or a phone number."""

    device: timedelta = timedelta(hours=24)
    contact: timedelta = timedelta(days=30)


def is_remembered(connection: sa.Connection, keys: KeyRing, checked: Checked, now: datetime) -> bool:
    """Whether this e-mail, phone or device was refused and the memory has not expired."""
    tags = [tag for purpose, value in _handles(checked) for tag in keys.tags(purpose, value)]
    if not tags:
        return False
    live = refusals.c.tag.in_(tags) & (refusals.c.expires_at > now)
    return connection.execute(sa.select(refusals.c.tag).where(live).limit(1)).first() is not None


def remember(connection: sa.Connection, keys: KeyRing, checked: Checked, now: datetime, terms: Terms) -> None:
    """Write a marker for each handle; one that is there already, by whichever key, keeps its own end."""
    for purpose, value in _handles(checked):
        tags = keys.tags(purpose, value)
        live = refusals.c.tag.in_(tags) & (refusals.c.expires_at > now)
        if connection.execute(sa.select(refusals.c.tag).where(live).limit(1)).first() is not None:
            continue
        connection.execute(sa.delete(refusals).where(refusals.c.tag.in_(tags)))
        term = terms.device if purpose == "refusal.device" else terms.contact
        row = {"tag": keys.tag(purpose, value), "expires_at": now + term}
        if connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_postgresql

            # Two refusals at once: the first that commits sets the term.
            connection.execute(insert_postgresql(refusals).values(row).on_conflict_do_nothing())
        else:
            connection.execute(sa.insert(refusals).values(row))


def _handles(checked: Checked) -> Sequence[tuple[str, str]]:
    found = (
        ("refusal.email", checked.email),
        ("refusal.phone", checked.phone),
        ("refusal.device", checked.device),
    )
    return [(purpose, value) for purpose, value in found if value]
