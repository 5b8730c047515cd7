"""The gate's memory: what ends, what cannot be joined to what, whose it is, and how it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agegate import AgeGate, Outcome, Registration
from agegate.errors import AgegateError, NotAdmittedError
from agegate.keys import KeyRing
from agegate.signup.door import Door
from agegate.signup.fields import check_fields
from agegate.signup.refusals import Terms, readmit, recall
from agegate.store import Store
from tests.conftest import NOW, TODAY

ADULT, CHILD = "1984-04-17", "2018-04-17"
EMAIL, PARENT = "wren@example.org", "heron@example.org"
KEYS = KeyRing.generate()


def person(born: str, email: str | None = EMAIL, **more: Any) -> Registration:
    return Registration(birth_date=born, country="US", email=email, **more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of the test's own."""
    made = Store(f"sqlite:///{tmp_path}/agegate.db", create=True)
    made.create()
    yield made
    made.dispose()


@pytest.fixture
def gate(store: Store) -> AgeGate:
    """A gate on it."""
    return AgeGate(store=store, keys=KEYS)


@pytest.fixture
def door(gate: AgeGate) -> Door:
    """A door to it, on a developer's machine."""
    return Door(gate, "Readers", "help@example.org", secure=False)


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


# --- an admission that is still open --------------------------------------------------------------------


def test_refusal_ends_an_admission_of_the_same_person_that_was_not_used_yet(gate: AgeGate) -> None:
    token = gate.check(person(ADULT)).token
    assert gate.check(person(CHILD)).outcome is Outcome.REFUSE
    with pytest.raises(NotAdmittedError), gate.admitting(token, email=EMAIL):
        pass


# --- what is kept of a refused child --------------------------------------------------------------------


def test_expired_marks_do_not_stay_in_the_store(gate: AgeGate, store: Store) -> None:
    long_ago = NOW - timedelta(days=400)
    assert gate.check(person(CHILD, device="device-1"), now=long_ago).outcome is Outcome.REFUSE
    assert gate.check(person(CHILD, PARENT), now=NOW).outcome is Outcome.REFUSE
    assert len(rows(store, "SELECT tag FROM agegate_refusal")) == 1  # the one that is not over


def test_no_mark_can_be_joined_to_the_event_of_its_refusal(gate: AgeGate, store: Store) -> None:
    for number in range(5):
        now = NOW + timedelta(minutes=7 * number, seconds=3 * number, microseconds=1 + number)
        assert gate.check(person(CHILD, f"wren{number}@example.org"), now=now).outcome is Outcome.REFUSE
    moments = {datetime.fromisoformat(str(at)) for (at,) in rows(store, "SELECT at FROM agegate_event")}
    ends = [
        datetime.fromisoformat(str(end)) for (end,) in rows(store, "SELECT expires_at FROM agegate_refusal")
    ]
    assert [end for end in ends if end - timedelta(days=30) in moments] == []


def test_repr_of_what_is_recalled_shows_no_contact(gate: AgeGate, store: Store) -> None:
    checked = check_fields(person(CHILD, device="device-zyzzyva"), TODAY)
    with store.reading() as connection:
        found = repr(recall(connection, KEYS, checked))
    assert EMAIL not in found
    assert "device-zyzzyva" not in found


# --- what fails -----------------------------------------------------------------------------------------


def test_exhausted_pool_is_one_clear_error(gate: AgeGate, store: Store) -> None:
    pool: Any = store.engine.pool
    pool._timeout = 0.1
    held = [store.engine.connect() for _ in range(15)]
    try:
        with pytest.raises(AgegateError):
            gate.check(person(ADULT))
    finally:
        for connection in held:
            connection.close()


def test_worker_that_was_forked_does_not_use_its_parents_connection(new_database: Callable[[], str]) -> None:
    store = Store(new_database())
    store.create()
    store.require()  # as `AgeGate.open` and `from_config` do
    own = rows(store, "SELECT pg_backend_pid()")[0][0]
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, str(rows(store, "SELECT pg_backend_pid()")[0][0]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        theirs = answer.read()
    os.waitpid(child, 0)
    store.dispose()
    assert theirs
    assert int(theirs) != own


def test_way_back_of_one_person_is_not_used_up_by_another(gate: AgeGate, store: Store) -> None:
    for email in (EMAIL, PARENT):
        gate.check(person(CHILD, email), now=NOW)
    with store.writing() as connection:  # a member of staff works through a list: one moment for all
        for email in (EMAIL, PARENT):
            readmit(connection, KEYS, email, None, None, NOW)
    answers = [gate.check(person(ADULT, email), refused_before=True, now=NOW) for email in (EMAIL, PARENT)]
    assert [answer.outcome for answer in answers] == [Outcome.ADMIT, Outcome.ADMIT]


def test_who_gave_no_contact_is_not_recorded_as_admitted(door: Door, store: Store) -> None:
    given = door.registration({"birth_date": ADULT, "country": "US"})
    assert door.decide(given).outcome is Outcome.INVALID
    assert rows(store, "SELECT kind FROM agegate_event") == []


@pytest.mark.parametrize(
    ("hours", "least"), [(1, timedelta(minutes=57)), (2, timedelta(minutes=114)), (24, timedelta(hours=23))]
)
def test_term_is_kept_but_for_a_small_part_of_it(store: Store, hours: int, least: timedelta) -> None:
    """Whatever the minute of the refusal: a short term is no joke, and none is longer than was said."""
    made = AgeGate(store=store, keys=KEYS, terms=Terms(device=timedelta(hours=hours)))
    for minute in (0, 1, 29, 59):
        now, device = NOW + timedelta(minutes=minute, seconds=59), f"device-{minute}"
        assert made.check(person(CHILD, None, device=device), now=now).outcome is Outcome.REFUSE
        adult = person(ADULT, f"owl{minute}@example.org", device=device)
        assert made.check(adult, now=now + least).outcome is Outcome.REFUSE
        assert made.check(adult, now=now + timedelta(hours=hours)).outcome is Outcome.ADMIT
