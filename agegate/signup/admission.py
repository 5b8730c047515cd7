"""Admissions: the token that proves one, and the permit that it opens for the guard.

A token is signed by the key ring, names nobody and holds no date of birth: a random number, the second in
which it ends, and a keyed hash for each of e-mail and phone that the decision saw. It is used once. Using
it opens a permit for the code that runs inside `AgeGate.admitting`: the guard lets one account with that
e-mail or phone through, without asking any database.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final

import sqlalchemy as sa

from agegate.errors import NotAdmittedError
from agegate.keys import KeyRing
from agegate.signup.contacts import Contact
from agegate.signup.refusals import is_refused
from agegate.store import Store
from agegate.store.tables import tokens
from agegate.transactions import asked_by, caller

TERM: Final = timedelta(minutes=30)
"""How long a token may be used after the decision."""

LONGEST: Final = 1000
"""No token is longer; what is, is not read."""

_VERSION: Final = "v1"
_NONE: Final = "-"
_AGAIN: Final = "call AgeGate.check again and use its new token"


@dataclass(eq=False)
class Permit:
    """Leave to create one account with this e-mail or phone, as long as it is open."""

    email: Contact | None = field(repr=False)
    phone: Contact | None = field(repr=False)
    is_open: bool = True
    taken_by: object | None = None
    """The database connection that carried the account, until it rolls back."""

    def fits(self, email: object, phone: object) -> bool:
        """Whether a new account's e-mail and phone are those that the decision saw; `None` is none."""
        pairs = [(value, own) for value, own in ((email, self.email), (phone, self.phone)) if value is not None]
        return bool(pairs) and all(own is not None and own.is_written(value) for value, own in pairs)


_permits: ContextVar[tuple[Permit, ...]] = ContextVar("agegate_permits", default=())


def open_permits() -> list[Permit]:
    """The permits of the running code that are open and were not taken yet."""
    return [permit for permit in _permits.get() if permit.is_open and permit.taken_by is None]


@dataclass(eq=False)
class Import:
    """Accounts that the operator answers for: staff, a migration, fixtures; how many came."""

    accounts: int = 0


_import: ContextVar[Import | None] = ContextVar("agegate_import", default=None)


def open_import() -> Import | None:
    """The import that the running code is in."""
    return _import.get()


@contextmanager
def importing() -> Iterator[Import]:
    """Let accounts in without a permit, and count them."""
    found = Import()
    before = _import.get()
    _import.set(found)
    try:
        yield found
    finally:
        _import.set(before)


def issue(keys: KeyRing, email: str | None, phone: str | None, now: datetime) -> str | None:
    """A token for a decision about this canonical e-mail and phone; `None` where there is neither."""
    if email is None and phone is None:
        return None
    stem = f"{_VERSION}.{secrets.token_urlsafe(16)}.{int((now + TERM).timestamp())}"
    by_email = _proof(keys.tag("admission.email", f"{stem}.{email}")) if email else _NONE
    by_phone = _proof(keys.tag("admission.phone", f"{stem}.{phone}")) if phone else _NONE
    return f"{stem}.{by_email}.{by_phone}"


def _proof(tag: str) -> str:
    """A tag without the name of its key, which may be any text; every key of the ring is tried."""
    return tag.rpartition(":")[2]


def spend(
    store: Store, keys: KeyRing, token: object, email: Contact | None, phone: Contact | None, now: datetime
) -> None:
    """Use a token up for this e-mail and phone, in a transaction of its own.

    Every contact that is given must be one that the decision saw, and one must be given. Raises
    `NotAdmittedError` if the token is none, is for another contact, has expired or was used, or if one of the
    contacts was refused since.
    """
    nonce, expires_at, proofs = _read(token)
    pairs = zip((email, phone), proofs, strict=True)
    given = [(contact, proof) for contact, proof in pairs if contact is not None]
    if not given:
        raise NotAdmittedError(
            "an admission is for an e-mail address or a phone number; give the one that was checked"
        )
    stem = str(token).rsplit(".", 2)[0]
    for contact, proof in given:
        tags = keys.tags(f"admission.{contact.kind}", f"{stem}.{contact.canonical}")
        # Every tag is compared, in the same time, whichever fits.
        if not sum(hmac.compare_digest(_proof(tag), proof) for tag in tags):
            raise NotAdmittedError(
                f"the token is not for this {contact.kind}, or was made up or changed; {_AGAIN}"
            )
    if expires_at <= now:
        raise NotAdmittedError(f"the token has expired; {_AGAIN}")
    by_email, by_phone = (contact.canonical if contact else None for contact in (email, phone))
    with store.writing() as connection:
        if is_refused(connection, keys, by_email, by_phone, now):
            raise NotAdmittedError(f"this person was refused since the token was given; {_AGAIN}")
        connection.execute(sa.delete(tokens).where(tokens.c.expires_at <= now))
        row = {"nonce": nonce, "expires_at": expires_at}
        if connection.execute(_insert(connection, row).returning(tokens.c.nonce)).first() is None:
            raise NotAdmittedError(f"the token was used before; {_AGAIN}")


def _insert(connection: sa.Connection, row: dict[str, object]) -> sa.Insert:
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(tokens).values(row).on_conflict_do_nothing()
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(tokens).values(row).on_conflict_do_nothing()


def _read(token: object) -> tuple[str, datetime, Sequence[str]]:
    """The nonce, the end and the two proofs of what looks like a token."""
    is_text = isinstance(token, str) and len(token) <= LONGEST and token.isascii()
    parts = str(token).split(".") if is_text else []
    try:
        version, nonce, end, *proofs = parts
        expires_at = datetime.fromtimestamp(int(end), UTC)
    except (ValueError, OverflowError, OSError):
        version = ""
    if version != _VERSION or len(proofs) != 2 or len(nonce) > 40:
        raise NotAdmittedError(f"there is no token, or it was cut or changed; {_AGAIN}")
    return nonce, expires_at, proofs


class Admitting:
    """The block in which one account may be created; `with` in plain code, `async with` in a coroutine."""

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        token: str | None,
        email: Contact | None,
        phone: Contact | None,
        now: datetime | None,
    ) -> None:
        """Keep what `AgeGate.admitting` was given; nothing is used up before the block begins."""
        self._spent = (store, keys, token, email, phone)
        self._now = now
        self._permit = Permit(email, phone)

    def __enter__(self) -> None:
        """Use the token up and open the permit. Raises `NotAdmittedError`."""
        spend(*self._spent, self._now or datetime.now(UTC))
        self._open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the permit, used or not."""
        self._permit.is_open = False
        # Not `reset`: a generator or a framework may end the block in another context than it began in.
        _permits.set(tuple(permit for permit in _permits.get() if permit is not self._permit))

    async def __aenter__(self) -> None:
        """The same without blocking the loop. Raises `NotAdmittedError`."""
        import asyncio  # only who runs a loop needs it

        with asked_by(caller()):
            await asyncio.to_thread(spend, *self._spent, self._now or datetime.now(UTC))
        self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the permit, used or not."""
        self.__exit__(kind, error, trace)

    def _open(self) -> None:
        _permits.set((*_permits.get(), self._permit))
