"""What remembers a refusal: keyed, expiring hashes of how the person could come back, and nothing else.

Pseudonymous data with a fixed term. The term does not depend on the birth date, so no birth date
follows from it; nor does a marker say of whom, where or under which rule. The way back for who mistyped is
of the same kind: a keyed, expiring mark that staff set, which makes the next answer count again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.prepared import Prepared
from agegate.signup.fields import Checked
from agegate.store.tables import refusals

# Two refusals at once: the first that commits sets the term. (PostgreSQL's words, which SQLite has, too.)
_WRITE: Final = Prepared(insert(refusals).on_conflict_do_nothing(), ("tag", "expires_at"))

_ENDED: Final = (
    sa.select(refusals.c.tag)
    .where(refusals.c.expires_at <= sa.bindparam("now", type_=refusals.c.expires_at.type))
    .with_for_update(skip_locked=True)
)
_PURGE: Final = Prepared(sa.delete(refusals).where(refusals.c.tag.in_(_ENDED)))


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a refusal is remembered by a device, and by an e-mail address or a phone number.

    Raises `ConfigError` if a device would remember for more than 24 hours.
    """

    device: timedelta = timedelta(hours=24)
    contact: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if self.device > timedelta(hours=24):
            raise ConfigError("a device may remember for 24 hours at most: schools and families share them")


DEVICE: Final = "refusal.device"

_BACK: Final = ":back"

READMISSION: Final = timedelta(days=7)
"""How long a person whom staff let back may take to answer again."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the store remembers of a person's handles, looked up once: the end of each tag that is there.

    `handles` are the purpose and value of each handle with its tags, by any key of the ring; `passes` the
    tags by which staff let this e-mail or phone back.
    """

    handles: tuple[tuple[str, str, tuple[str, ...]], ...] = field(repr=False)
    passes: tuple[str, ...] = field(repr=False)
    ends: Mapping[str, datetime] = field(repr=False)

    def is_live(self, tags: Sequence[str], now: datetime) -> bool:
        """Whether one of these tags is remembered and has not expired."""
        return any(tag in self.ends and self.ends[tag] > now for tag in tags)

    def refused_before(self, now: datetime, *, besides: str | None = None) -> bool:
        """Whether this e-mail, phone or device was refused and the memory has not expired.

        `besides` is a purpose that is left out, such as `DEVICE`.
        """
        return any(self.is_live(tags, now) for purpose, _, tags in self.handles if purpose != besides)

    def readmitted(self, now: datetime) -> bool:
        """Whether staff let this person answer once more."""
        return self.is_live(self.passes, now)

    def last_end(self, now: datetime) -> datetime | None:
        """When the last of what is remembered ends."""
        live = (self.ends[tag] for _, _, tags in self.handles for tag in tags if tag in self.ends)
        return max((end for end in live if end > now), default=None)


@cache
def _look_up(count: int) -> Prepared:
    """The statement for a number of tags; one that stays the same is compiled once."""
    wanted = [sa.bindparam(f"tag_{number}", type_=sa.String) for number in range(count)]
    return Prepared(sa.select(refusals.c.tag, refusals.c.expires_at).where(refusals.c.tag.in_(wanted)))


def recall(connection: sa.Connection, keys: KeyRing, checked: Checked) -> Recalled:
    """Look up what is remembered of a registration's e-mail, phone and device."""
    handles = tuple((purpose, value, keys.tags(purpose, value)) for purpose, value in _handles(checked))
    if not handles:
        return Recalled((), (), {})
    passes = tuple(_pass(tag) for purpose, _, tags in handles if purpose != DEVICE for tag in tags)
    wanted = [*passes, *(tag for _, _, tags in handles for tag in tags)]
    found = _look_up(len(wanted)).rows(connection, wanted)
    return Recalled(handles, passes, dict(found))


def remember(connection: sa.Connection, keys: KeyRing, recalled: Recalled, now: datetime, terms: Terms) -> None:
    """Write a marker for each handle; one that is there already, by whichever key, keeps its own end."""
    fresh = [handle for handle in recalled.handles if not recalled.is_live(handle[2], now)]
    stale = [tag for _, _, tags in fresh for tag in tags if tag in recalled.ends]
    if stale:
        connection.execute(sa.delete(refusals).where(refusals.c.tag.in_(stale)))
    rows = [
        {
            "tag": keys.tag(purpose, value),
            "expires_at": _end(now, terms.device if purpose == DEVICE else terms.contact),
        }
        for purpose, value, _ in fresh
    ]
    if rows:
        _WRITE.run(connection, *rows)
    purge(connection, now)


def purge(connection: sa.Connection, now: datetime) -> None:
    """Delete the marks that have ended, but for those that another transaction is at."""
    _PURGE.run(connection, {"now": now})


def is_refused(
    connection: sa.Connection, keys: KeyRing, email: str | None, phone: str | None, now: datetime
) -> bool:
    """Whether a canonical e-mail or phone is remembered as refused at this moment."""
    contacts = (("refusal.email", email), ("refusal.phone", phone))
    tags = [tag for purpose, value in contacts if value for tag in keys.tags(purpose, value)]
    live = refusals.c.tag.in_(tags) & (refusals.c.expires_at > now)
    return connection.execute(sa.select(refusals.c.tag).where(live).limit(1)).first() is not None


def _end(now: datetime, term: timedelta) -> datetime:
    """When a mark ends: never later than its term says, and to the hour (of a short term to a part of it).

    Finer, it would join a mark to the event of its refusal, and marks to each other.
    """
    step = int(min(term / 24, timedelta(hours=1)).total_seconds())
    last = int((now + term).timestamp())
    return datetime.fromtimestamp(last - last % step, UTC)


def take_pass(connection: sa.Connection, recalled: Recalled, now: datetime) -> bool:
    """Use up a person's way back, by e-mail and phone alike; whether this answer is the one that it is for.

    What was written in one moment for one person ends in one moment. Of answers at the same time one wins.
    """
    ends = {recalled.ends[tag] for tag in recalled.passes if tag in recalled.ends}
    mine = refusals.c.expires_at.in_(end for end in ends if end > now) & refusals.c.tag.like(f"%{_BACK}")
    return connection.execute(sa.delete(refusals).where(mine)).rowcount > 0


def readmit(
    connection: sa.Connection,
    keys: KeyRing,
    email: str | None,
    phone: str | None,
    device: str | None,
    now: datetime,
) -> int:
    """Lift what is remembered of a canonical e-mail and phone and of a device; returns how many marks.

    The next answer with this e-mail or phone counts again, whatever a cookie or a shared device remembers;
    marks of other contacts hold.
    """
    contacts = [
        (purpose, value) for purpose, value in (("refusal.email", email), ("refusal.phone", phone)) if value
    ]
    every = [*contacts, (DEVICE, device)] if device else contacts
    tags = [tag for purpose, value in every for tag in keys.tags(purpose, value)]
    mine = refusals.c.tag.in_(tags)
    lifted = connection.execute(sa.delete(refusals).where(mine, refusals.c.expires_at > now))
    connection.execute(sa.delete(refusals).where(mine | refusals.c.tag.in_([_pass(tag) for tag in tags])))
    fresh = [_pass(keys.tag(purpose, value)) for purpose, value in contacts]
    # The moment is this person's alone: it is what joins the marks that are one way back.
    end = now + READMISSION - timedelta(microseconds=secrets.randbelow(1_000_000))
    _WRITE.run(connection, *({"tag": tag, "expires_at": end} for tag in fresh))
    return lifted.rowcount


def _pass(tag: str) -> str:
    """The tag of a way back: that of the refusal, marked."""
    return f"{tag}{_BACK}"


def _handles(checked: Checked) -> Sequence[tuple[str, str]]:
    found = (
        ("refusal.email", checked.email),
        ("refusal.phone", checked.phone),
        (DEVICE, checked.device),
    )
    return [(purpose, value) for purpose, value in found if value]
