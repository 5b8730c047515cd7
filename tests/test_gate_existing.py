"""Accounts that are there already: asked, limited, restricted at once by what is known, never by silence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate import AccountState, AgeGate, BirthDate, Outcome, OwnRule, Reason, Registration, Service, Standing
from agegate.erasure import Eraser
from agegate.errors import ConfigError, DatabaseError
from agegate.keys import KeyRing
from agegate.law import COUNTRIES, Rulebook
from agegate.review import Desk
from agegate.signup.decide import decide_existing
from agegate.signup.fields import check_fields
from agegate.store import Store, tables
from agegate.sweep import Sweep
from tests.conftest import NOW, TODAY, Layout
from tests.hosts import enrol, school

ACTIVE, ASK = AccountState.ACTIVE, AccountState.ASK
LIMITED, QUARANTINED = AccountState.LIMITED, AccountState.QUARANTINED

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
PATIENCE = 30 * DAY
MADE = date(2026, 1, 15)
"""The day on which the accounts of these tests were made, where nothing else is said."""

ADULT, CHILD = "1984-04-17", "2015-04-17"
EMAIL, PHONE, DEVICE = "kestrelwren@example.org", "+1 201 555 0147", "device-zyzzyva-8861"
KEYS = KeyRing.generate()


def aged(years: int, on: date = TODAY) -> date:
    """The birth date of who has a birthday on a day."""
    return on.replace(year=on.year - years)


class Door:
    """A gate on a store of the test's own, and what lies in that store."""

    def __init__(self, url: str, service: Service | None = None, rulebook: Rulebook | None = None) -> None:
        self.store = Store(url, create=True)
        self.store.create()
        self.gate = AgeGate(service, rulebook=rulebook, store=self.store, keys=KEYS)

    def sign_in(
        self,
        born: object = None,
        now: datetime = NOW,
        *,
        account: str = "1",
        made: date = MADE,
        country: str | None = "US",
        answered: bool = True,
        **fields: Any,
    ) -> Standing:
        """A sign-in at which the holder answers; without `answered`, the account merely holds what is given."""
        given = Registration(birth_date=born, country=country, **fields)  # type: ignore[arg-type]
        return self.gate.check_existing(account, given, created_on=made, answered=answered, now=now)

    def state(self, now: datetime = NOW, account: str = "1") -> AccountState:
        return self.gate.account_state(account, now=now)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.store.reading() as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

    def filled(self) -> set[str]:
        return {name for name, rows in every_row(self.store.engine).items() if rows}


def every_row(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table in a database, whoever made it."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        postgresql = connection.dialect.name == "postgresql"
        for schema in [name for name in inspector.get_schema_names() if name in {"public", "agegate", "main"}]:
            for name in inspector.get_table_names(schema=schema):
                if name != "agegate_version":  # which migrations the tables have had
                    full = f"{schema}.{name}" if postgresql else name
                    found[name] = [tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {full}"))]
    return found


@pytest.fixture
def door(database: str) -> Iterator[Door]:
    made = Door(database)
    yield made
    made.store.dispose()


@pytest.fixture
def sqlite_door(tmp_path: Path) -> Iterator[Door]:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    made = Door(f"sqlite:///{tmp_path}/one.db")
    yield made
    made.store.dispose()


# --- the question -----------------------------------------------------------------------------------------

PASSES = [
    # since the question; the state
    (timedelta(0), ASK),
    (DAY, ASK),
    (PATIENCE - HOUR, ASK),
    (PATIENCE - SECOND, ASK),
    (PATIENCE, LIMITED),
    (PATIENCE + SECOND, LIMITED),
    (365 * DAY, LIMITED),
    (3650 * DAY, LIMITED),
]


@pytest.mark.parametrize(("passed", "state"), PASSES)
def test_open_question_becomes_a_limit_after_thirty_days_and_never_more(
    door: Door, passed: timedelta, state: AccountState
) -> None:
    assert door.sign_in().state is ASK
    assert door.state(NOW + passed) is state
    later = door.sign_in(now=NOW + passed)
    assert later.state is state
    assert [error.field for error in later.errors] == ["birth_date"]
    assert door.state(NOW + passed) is state


def test_question_is_noted_once_and_asking_again_does_not_prolong_it(door: Door) -> None:
    for days in (0, 1, 10, 29):
        assert door.sign_in(now=NOW + days * DAY).state is ASK
    assert door.rows(tables.questions) == [{"account": "1", "asked_at": NOW, "under_at": None}]
    assert door.filled() == {"agegate_question"}
    assert door.sign_in(now=NOW + PATIENCE).state is LIMITED
    assert door.filled() == {"agegate_question"}, "silence is no event and no report"


@pytest.mark.parametrize("account", ["1", "17", '"3f0c-a-uuid"', '["school",5]'])
def test_each_account_has_its_own_question(door: Door, account: str) -> None:
    assert door.sign_in(account=account).state is ASK
    assert door.state(account=account) is ASK
    assert door.state(account="2") is ACTIVE
    assert door.sign_in(ADULT, account="2").state is ACTIVE
    assert [row["account"] for row in door.rows(tables.questions)] == [account]


def test_account_that_was_never_asked_is_active(door: Door) -> None:
    assert door.state() is ACTIVE
    assert door.filled() == set()


def test_moments_in_any_time_zone_are_the_same(door: Door) -> None:
    east = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+14:00").tzinfo)
    assert door.sign_in(now=east).state is ASK
    assert door.state(NOW + PATIENCE - SECOND) is ASK
    assert door.state(east + PATIENCE) is LIMITED


UNUSABLE: list[tuple[object, date, str]] = [
    # the birth date; the day the account was made; the code of its error
    (None, MADE, "missing"),
    ("", MADE, "missing"),
    # the day of sign-up, as a form leaves it behind
    ("2026-01-15", MADE, "missing"),
    ("2026-01", MADE, "missing"),
    ("2026", MADE, "missing"),
    (MADE, MADE, "missing"),
    ("2009-05-05", date(2009, 5, 5), "missing"),
    # younger than four at sign-up
    ("2022-01-16", MADE, "missing"),
    ("2025-12-31", MADE, "missing"),
    ("2022", MADE, "missing"),
    ("2015-04-17", date(2019, 4, 16), "missing"),
    ("2000-01-01", date(2003, 12, 31), "missing"),
    # unreadable
    ("soon", MADE, "not_a_birth_date"),
    ("17.04.2015", MADE, "not_a_birth_date"),
    ("2015-02-30", MADE, "not_a_birth_date"),
    ("15", MADE, "not_a_birth_date"),
    (20150417, MADE, "not_a_birth_date"),
    (b"2015-04-17", MADE, "not_a_birth_date"),
    ("x" * 100_000, MADE, "not_a_birth_date"),
    # nobody alive, and nobody yet
    ("1880-01-01", MADE, "not_a_birth_date"),
    ("2026-11-24", MADE, "not_a_birth_date"),
    ("2027", MADE, "not_a_birth_date"),
    (date(2300, 1, 1), MADE, "not_a_birth_date"),
]


@pytest.mark.parametrize(("born", "made", "code"), UNUSABLE)
def test_birth_date_that_cannot_be_used_is_asked_for(
    sqlite_door: Door, born: object, made: date, code: str
) -> None:
    standing = sqlite_door.sign_in(born, made=made, answered=False)
    assert standing.state is ASK
    assert [(error.field, error.code) for error in standing.errors] == [("birth_date", code)]
    if isinstance(born, str) and len(born) > 4:
        assert born not in repr(standing)
    assert sqlite_door.state() is ASK
    assert sqlite_door.state(NOW + PATIENCE) is LIMITED


@pytest.mark.parametrize(
    ("born", "made", "state"),
    [
        ("2015-04-17", date(2019, 4, 16), QUARANTINED),  # a parent's account, handed on
        ("2016-05-05", date(2016, 5, 5), QUARANTINED),
        ("2022-11-22", MADE, QUARANTINED),  # four today
        ("2022-11-23", MADE, ASK),  # nobody of three answers in earnest
        ("2026-01-15", MADE, ASK),
        ("1990-01-01", date(1990, 1, 1), ACTIVE),
    ],
)
def test_answer_counts_where_a_form_would_have_left_such_a_date(
    sqlite_door: Door, born: str, made: date, state: AccountState
) -> None:
    assert sqlite_door.sign_in(born, made=made).state is state


@pytest.mark.parametrize("born", [CHILD, "2020-01-01", "2015"])
def test_date_that_the_account_merely_holds_restricts_nobody(door: Door, born: str) -> None:
    """The sweep knows fillers, counter-evidence and the brake; a sign-in does not."""
    before = every_row(door.store.engine)
    assert door.sign_in(born, answered=False) == Standing(ACTIVE)
    assert every_row(door.store.engine) == before
    assert door.sign_in(born).state is QUARANTINED


@pytest.mark.parametrize("account", ["", "a-1", "3f2b", "null", "[]", "1.5", '{"id":1}'])
def test_account_that_is_no_key_is_refused_and_nothing_is_written(sqlite_door: Door, account: str) -> None:
    for ask in (lambda: sqlite_door.sign_in(None, account=account), lambda: sqlite_door.state(account=account)):
        with pytest.raises(ValueError, match="not an account key"):
            ask()
    assert sqlite_door.rows(tables.questions) == []


def test_key_is_the_same_however_it_is_spelled(sqlite_door: Door) -> None:
    sqlite_door.sign_in(CHILD, account='["school", 5]')
    assert sqlite_door.state(account='["school",5]') is QUARANTINED


def test_day_of_making_may_be_a_moment(sqlite_door: Door) -> None:
    assert sqlite_door.sign_in(CHILD, made=NOW).state is QUARANTINED


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"born": None, "country": None}, {"birth_date", "country"}),
        ({"born": "soon", "country": "UK"}, {"birth_date", "country"}),
        ({"born": None, "region": "?"}, {"birth_date", "region"}),
        # a filler is as good as nothing, whatever else is wrong
        ({"born": "2026-01-15", "country": None}, {"birth_date", "country"}),
        ({"born": "2026-01-15", "country": "UK"}, {"birth_date", "country"}),
        ({"born": "2026-01-15", "region": "?"}, {"birth_date", "region"}),
    ],
)
def test_all_that_is_needed_is_asked_for_at_once(
    sqlite_door: Door, fields: dict[str, Any], asked: set[str]
) -> None:
    standing = sqlite_door.sign_in(**fields)
    assert standing.state is ASK
    assert {error.field for error in standing.errors} == asked


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"phone": "12"},
        {"device": 5},
        {"payer": "me"},
        {"ip_country": "UK"},
        {"billing_country": "UK"},
        {"region": "?"},
        {"locale": "?", "time_zone": "?"},
    ],
)
def test_what_the_holder_cannot_be_asked_for_does_not_matter(sqlite_door: Door, fields: dict[str, Any]) -> None:
    assert sqlite_door.sign_in(ADULT, **fields) == Standing(ACTIVE)
    assert sqlite_door.sign_in(aged(12), account="2", **fields) == Standing(QUARANTINED)
    standing = sqlite_door.sign_in(None, account="3", **fields)
    assert {error.field for error in standing.errors} <= {"birth_date", "country", "region"}


# --- an adult's answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [HOUR, 29 * DAY, PATIENCE, 365 * DAY])
def test_adult_answer_closes_the_question(door: Door, after: timedelta) -> None:
    assert door.sign_in().state is ASK
    assert door.sign_in(ADULT, NOW + after) == Standing(ACTIVE)
    assert door.state(NOW + after) is ACTIVE
    assert door.state(NOW + after + 365 * DAY) is ACTIVE
    assert door.filled() == set(), "nothing is kept of who is old enough"


def test_question_after_an_answer_that_the_host_lost_is_a_new_one(door: Door) -> None:
    door.sign_in()
    door.sign_in(ADULT, NOW + 20 * DAY)
    assert door.sign_in(now=NOW + 40 * DAY).state is ASK
    assert door.state(NOW + 40 * DAY + PATIENCE - SECOND) is ASK
    assert door.state(NOW + 40 * DAY + PATIENCE) is LIMITED


def test_account_with_an_adult_date_is_active_and_leaves_nothing(door: Door) -> None:
    assert door.sign_in(ADULT, email=EMAIL, phone=PHONE, device=DEVICE) == Standing(ACTIVE)
    assert door.filled() == set()


REMEMBERED = [
    # by what a child was refused; how long it is remembered
    ({"device": DEVICE}, DAY),
    ({"email": EMAIL}, PATIENCE),
    ({"phone": PHONE}, PATIENCE),
]


@pytest.mark.parametrize(("handle", "term"), REMEMBERED)
def test_adult_answer_from_where_a_child_was_just_refused_leaves_the_question_open(
    door: Door, handle: dict[str, str], term: timedelta
) -> None:
    assert door.sign_in().state is ASK
    refused = Registration(birth_date=CHILD, country="US", **handle)
    assert door.gate.check(refused, now=NOW + HOUR).outcome is Outcome.REFUSE
    last = NOW + HOUR + term - SECOND
    expected = ASK if last < NOW + PATIENCE else LIMITED
    assert door.sign_in(ADULT, NOW + 2 * HOUR, **handle).state is ASK
    assert door.sign_in(ADULT, last, **handle).state is expected
    assert door.state(last) is expected
    assert door.sign_in(ADULT, NOW + HOUR + term, **handle).state is ACTIVE
    assert door.state(NOW + HOUR + term) is ACTIVE


def test_limit_stays_for_an_adult_answer_from_where_a_child_was_just_refused(door: Door) -> None:
    door.sign_in()
    late = NOW + PATIENCE
    door.gate.check(Registration(birth_date=CHILD, country="US", device=DEVICE), now=late)
    assert door.sign_in(ADULT, late + HOUR, device=DEVICE).state is LIMITED
    assert door.sign_in(ADULT, late + HOUR, device="another").state is ACTIVE


def test_account_that_nobody_asked_is_not_asked_for_what_another_did_on_its_device(door: Door) -> None:
    door.gate.check(Registration(birth_date=CHILD, country="US", device=DEVICE), now=NOW)
    assert door.sign_in(ADULT, NOW + HOUR, device=DEVICE).state is ACTIVE
    assert door.rows(tables.questions) == []


# --- a child's answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [None, timedelta(0), 29 * DAY, PATIENCE, 365 * DAY])
def test_answer_under_age_restricts_at_once(door: Door, asked: timedelta | None) -> None:
    """Whether the account was never asked, is asked, or limited for its silence."""
    now = NOW if asked is None else NOW + asked
    if asked is not None:
        assert door.sign_in().state is ASK
    assert door.sign_in(aged(12, now.date()), now) == Standing(QUARANTINED)
    for later in (now, now + DAY, now + 3650 * DAY):
        assert door.state(later) is QUARANTINED


def test_answer_under_age_is_a_report_for_the_desk_and_an_event_of_nobody(door: Door) -> None:
    door.sign_in(CHILD, email=EMAIL, phone=PHONE, device=DEVICE)
    (report,) = door.rows(tables.reports)
    assert {name: report[name] for name in report if name != "id"} == {
        "account": "1",
        "said_by": "holder",
        "said_on": TODAY,
        "age": 11,
        "received_at": NOW,
    }
    (event,) = door.rows(tables.events)
    assert (event["kind"], event["actor"], event["at"]) == ("account.answered_under", "gate", NOW)
    assert event["data"] == "{}"
    assert event["subject"] not in {None, "1"}
    (question,) = door.rows(tables.questions)
    assert (question["account"], question["under_at"]) == ("1", NOW)


@pytest.mark.parametrize(("born", "age"), [("2014", 11), ("2014-11", 11), ("2014-10", 12), ("2015-04", 11)])
def test_report_of_a_partial_date_has_the_age_of_its_latest_day(sqlite_door: Door, born: str, age: int) -> None:
    assert sqlite_door.sign_in(born).state is QUARANTINED
    (report,) = sqlite_door.rows(tables.reports)
    assert report["age"] == age


AGAIN = [
    ({"email": EMAIL}, timedelta(days=29)),
    ({"phone": PHONE}, timedelta(days=29)),
    ({"device": DEVICE}, timedelta(hours=23)),
]


@pytest.mark.parametrize(("handle", "after"), AGAIN)
def test_who_answered_under_age_is_refused_at_a_new_sign_up(
    door: Door, handle: dict[str, str], after: timedelta
) -> None:
    door.sign_in(CHILD, email=EMAIL, phone=PHONE, device=DEVICE)
    assert len(door.rows(tables.refusals)) == 3
    again = Registration(birth_date=ADULT, country="US", **handle)
    assert door.gate.check(again, now=NOW + after).reason is Reason.REFUSED_BEFORE
    assert door.gate.check(again, now=NOW + after + 2 * DAY).outcome is Outcome.ADMIT


SECOND_ANSWERS: list[object] = [ADULT, None, CHILD, "2016-01-01", "soon", "2026-01-15", date(1990, 1, 1)]


@pytest.mark.parametrize("second", SECOND_ANSWERS)
def test_no_later_answer_takes_an_answer_under_age_back(door: Door, second: object) -> None:
    door.sign_in(CHILD, email=EMAIL)
    before = every_row(door.store.engine)
    for later in (HOUR, 31 * DAY, 3650 * DAY):
        assert door.sign_in(second, NOW + later, email="other@example.org") == Standing(QUARANTINED)
    assert every_row(door.store.engine) == before, "one report, one event, and no new marker"


@pytest.mark.parametrize("account", ["2", '"1"', "11"])
def test_answer_is_of_its_own_account_alone(door: Door, account: str) -> None:
    door.sign_in(CHILD)
    assert door.state(account=account) is ACTIVE
    assert door.sign_in(ADULT, account=account).state is ACTIVE


# --- where, when, and under which law ---------------------------------------------------------------------

KNOWN = [
    # what is given; age on the day; the state
    ({"country": "US"}, 13, ACTIVE),
    ({"country": "US"}, 12, QUARANTINED),
    ({"country": "DE"}, 16, ACTIVE),
    ({"country": "DE"}, 15, QUARANTINED),
    ({"country": "FR"}, 15, ACTIVE),
    ({"country": "FR"}, 14, QUARANTINED),
    ({"country": "JP"}, 12, QUARANTINED),  # no law: the service's own floor holds everywhere
    ({"country": "CA", "region": "QC"}, 14, ACTIVE),
    ({"country": "CA", "region": "QC"}, 13, QUARANTINED),
    ({"country": "CA", "region": "ON"}, 13, ACTIVE),
    ({"country": "CA"}, 13, ACTIVE),  # nobody is restricted for a region that is guessed
    ({"country": "CA"}, 12, QUARANTINED),
    ({"country": None, "billing_country": "DE"}, 15, QUARANTINED),
    ({"country": None, "phone": "+49 30 901820"}, 15, QUARANTINED),
    # places that disagree: known only if under the limit in all of them
    ({"country": "US", "billing_country": "DE"}, 14, ACTIVE),
    ({"country": "DE", "billing_country": "US"}, 14, ACTIVE),
    ({"country": "DE", "phone": PHONE}, 14, ACTIVE),
    ({"country": "DE", "billing_country": "FR"}, 15, ACTIVE),
    ({"country": "DE", "billing_country": "FR"}, 14, QUARANTINED),
    ({"country": "DE", "billing_country": "FR", "phone": PHONE}, 14, ACTIVE),
    ({"country": "US", "billing_country": "DE"}, 12, QUARANTINED),
    # somebody else's address is no place
    ({"country": "DE", "billing_country": "US", "payer": "company"}, 14, QUARANTINED),
    ({"country": "US", "billing_country": "DE", "payer": "school"}, 13, ACTIVE),
    # an address never acts, and never excuses
    ({"country": "US", "ip_country": "DE"}, 14, ACTIVE),
    ({"country": "DE", "ip_country": "US"}, 14, QUARANTINED),
    ({"country": "US", "ip_country": "DE"}, 12, QUARANTINED),
    # nor does a device
    ({"country": "US", "locale": "de-DE", "time_zone": "Europe/Berlin"}, 14, ACTIVE),
    ({"country": "DE", "locale": "en-US", "time_zone": "America/New_York"}, 14, QUARANTINED),
    # laws that may not be acted on: they only say "a minor", or nobody read the age in a good source
    ({"country": "CO"}, 15, ACTIVE),
    ({"country": "ZA"}, 15, ACTIVE),
    ({"country": "LI"}, 15, ACTIVE),
    ({"country": "RU"}, 13, ACTIVE),
    ({"country": "GP"}, 14, ACTIVE),
    ({"country": "CO"}, 12, QUARANTINED),
]


@pytest.mark.parametrize(("fields", "age", "state"), KNOWN)
def test_only_what_is_known_by_a_law_that_may_be_acted_on_restricts(
    sqlite_door: Door, fields: dict[str, Any], age: int, state: AccountState
) -> None:
    assert sqlite_door.sign_in(aged(age), **fields) == Standing(state)
    assert sqlite_door.state() is state
    assert len(sqlite_door.rows(tables.reports)) == (state is QUARANTINED)


@pytest.mark.parametrize(
    ("country", "age"), [("CO", 15), ("ZA", 15), ("LI", 15), ("RU", 13), ("GP", 14), ("CA", 13)]
)
def test_door_is_stricter_than_what_may_be_acted_on(sqlite_door: Door, country: str, age: int) -> None:
    given = Registration(birth_date=aged(age), country=country)
    assert sqlite_door.gate.check(given, now=NOW).outcome is Outcome.REFUSE
    assert sqlite_door.sign_in(aged(age), country=country).state is ACTIVE


RISES = [
    # Denmark had 13 until 2023-12-31. Made; born; the day of the sign-in; the state
    ("2023-06-01", "2010-05-01", "2023-12-31", ACTIVE),
    ("2023-06-01", "2010-05-01", "2024-01-01", ACTIVE),  # lawfully there before the limit rose
    ("2023-06-01", "2010-05-01", "2024-06-01", ACTIVE),
    ("2023-06-01", "2010-06-01", "2024-06-01", ACTIVE),
    ("2023-06-01", "2010-06-02", "2024-06-01", ACTIVE),  # 13 meanwhile: only the rise is against them
    ("2023-12-01", "2011-06-02", "2024-01-15", QUARANTINED),  # under 13 then and now
    ("2023-06-01", "2010-06-02", "2023-06-01", QUARANTINED),
    ("2023-06-01", "2010-06-02", "2023-06-02", ACTIVE),  # grown into the law of its time
    ("2023-06-01", "2010-06-02", "2025-06-02", ACTIVE),
    ("2023-12-31", "2010-12-31", "2024-01-01", ACTIVE),
    ("2024-01-01", "2010-12-31", "2024-01-01", QUARANTINED),
    ("2024-01-01", "2009-01-01", "2024-01-01", ACTIVE),
    ("2024-01-01", "2009-01-02", "2024-01-01", QUARANTINED),
    ("2024-01-01", "2009-01-02", "2024-01-02", ACTIVE),
]


@pytest.mark.parametrize(("made", "born", "on", "state"), RISES)
def test_who_was_old_enough_when_the_account_was_made_stays(
    sqlite_door: Door, made: str, born: str, on: str, state: AccountState
) -> None:
    noon = datetime.fromisoformat(f"{on}T12:00:00+00:00")
    standing = sqlite_door.sign_in(born, noon, made=date.fromisoformat(made), country="DK")
    assert standing == Standing(state)


def test_address_asks_for_nothing(sqlite_door: Door) -> None:
    """Where a month or a year leaves the law of the address open, but not that of the place."""
    assert sqlite_door.sign_in("2010", country="US", ip_country="DE") == Standing(ACTIVE)
    assert sqlite_door.sign_in("2010", country="DE", account="2").state is ASK


def test_account_of_tomorrow_is_as_one_of_today(sqlite_door: Door) -> None:
    """Host and gate may disagree about the day by their clocks."""
    tomorrow = TODAY + DAY
    assert sqlite_door.sign_in(aged(13, tomorrow), account="3", made=tomorrow).state is QUARANTINED
    assert sqlite_door.sign_in(ADULT, made=tomorrow).state is ACTIVE
    assert sqlite_door.sign_in(aged(12), account="2", made=tomorrow).state is QUARANTINED


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({"country": "US"}, "2026-11-22T10:00:00"),
        ({"country": "US", "time_zone": "America/New_York"}, "2026-11-22T05:00:00"),
        ({"country": "GB"}, "2026-11-22T00:00:00"),
        ({"country": "KI"}, "2026-11-21T12:00:00"),
        ({"country": "BV"}, "2026-11-22T12:00:00"),
        ({"country": None, "phone": PHONE}, "2026-11-22T10:00:00"),
    ],
)
def test_birthday_begins_with_the_persons_own_midnight(
    sqlite_door: Door, fields: dict[str, Any], begins: str
) -> None:
    begun = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert sqlite_door.sign_in(aged(13), begun, account="1", **fields).state is ACTIVE
    assert sqlite_door.sign_in(aged(13), begun - SECOND, account="2", **fields).state is QUARANTINED


def test_day_that_is_given_is_taken_as_it_is(sqlite_door: Door) -> None:
    given = Registration(birth_date=aged(13), country="US")
    check = sqlite_door.gate.check_existing
    assert check("1", given, created_on=MADE, answered=True, today=TODAY).state is ACTIVE
    assert check("2", given, created_on=MADE, answered=True, today=TODAY - DAY).state is QUARANTINED
    (report,) = sqlite_door.rows(tables.reports)
    assert (report["said_on"], report["age"]) == (TODAY - DAY, 12)


PARTIAL = [
    # born, as much as is known; the state in the United States on 22 November 2026
    ("2012", ACTIVE),
    ("2013", ASK),
    ("2014", QUARANTINED),
    ("2013-10", ACTIVE),
    ("2013-11", ASK),
    ("2013-12", QUARANTINED),
]


@pytest.mark.parametrize(("born", "state"), PARTIAL)
def test_partial_date_that_leaves_it_open_is_asked_for_whole(
    sqlite_door: Door, born: str, state: AccountState
) -> None:
    standing = sqlite_door.sign_in(born)
    assert standing.state is state
    said = [(error.field, error.message) for error in standing.errors]
    assert said == ([("birth_date", "give the whole date of birth")] if state is ASK else [])
    if state is ASK:
        assert sqlite_door.sign_in(f"{born}-11-22"[:10] if len(born) == 4 else f"{born}-22").state is ACTIVE


def test_partial_date_of_who_may_have_been_old_enough_then_is_asked_for_whole(sqlite_door: Door) -> None:
    noon = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
    made = date(2023, 6, 1)
    assert sqlite_door.sign_in("2010", noon, made=made, country="DK").state is ASK
    assert sqlite_door.sign_in("2010-05-31", noon, made=made, country="DK").state is ACTIVE


NO_COUNTRY = [
    # what is given beside; age; the state
    ({}, 30, ACTIVE),
    ({}, 21, ACTIVE),
    ({}, 15, ASK),
    ({}, 13, ASK),
    ({}, 12, QUARANTINED),
    ({}, 8, QUARANTINED),
    ({"ip_country": "DE"}, 15, ASK),
    ({"ip_country": "DE"}, 12, QUARANTINED),
    ({"ip_country": "DE"}, 30, ACTIVE),
    ({"locale": "en-US", "time_zone": "America/New_York"}, 15, ASK),
    ({"country": "UK"}, 15, ASK),
    ({"country": "UK"}, 30, ACTIVE),
    ({"country": "UK"}, 8, QUARANTINED),
    ({"billing_country": "US", "payer": "company"}, 15, ASK),
    ({"billing_country": "UK"}, 15, ASK),
    ({"region": "QC"}, 15, ASK),
]


@pytest.mark.parametrize(("fields", "age", "state"), NO_COUNTRY)
def test_without_a_country_the_floor_holds_and_who_is_old_enough_anywhere_is_not_asked(
    sqlite_door: Door, fields: dict[str, Any], age: int, state: AccountState
) -> None:
    standing = sqlite_door.sign_in(aged(age), **{"country": None} | fields)
    assert standing.state is state
    assert ("country" in {error.field for error in standing.errors}) is (state is ASK)
    assert "birth_date" not in {error.field for error in standing.errors}
    assert sqlite_door.state() is state


def test_country_that_was_asked_for_decides(sqlite_door: Door) -> None:
    for account, country, state in (("1", "US", ACTIVE), ("2", "DE", QUARANTINED)):
        assert sqlite_door.sign_in(aged(15), account=account, country=None).state is ASK
        assert sqlite_door.sign_in(aged(15), account=account, country=country).state is state
        assert sqlite_door.state(account=account) is state


# --- rules of the test's own ------------------------------------------------------------------------------

RULE: dict[str, str] = {
    "id": '"no-test-s1"',
    "regime": '"data_consent"',
    "age": "16",
    "gate": '"yes"',
    "basis": '"specific"',
    "law": '"An Act that exists for a test"',
    "citation": '"s. 1"',
    "from": "2020-01-01",
    "status": '"in_force"',
    "applies_to": '"general online services"',
    "kinds": '["general"]',
    "confidence": '"high"',
    "sources": '["https://example.org/act"]',
}

WEAK = [
    # what is different of a good rule; whether the door refuses a person of 15; the state of the account
    ({}, True, QUARANTINED),
    ({"confidence": '"medium"'}, True, QUARANTINED),
    ({"confidence": '"low"'}, True, ACTIVE),
    ({"sources": "[]", "unverified": "true"}, True, ACTIVE),
    ({"unverified": "true"}, True, ACTIVE),
    ({"basis": '"majority"'}, True, ACTIVE),
    ({"status": '"enacted"'}, True, ACTIVE),  # begun, but nobody has seen it in force
    ({"status": '"enjoined"'}, False, ACTIVE),
    ({"status": '"proposed"'}, False, ACTIVE),
    ({"gate": '"no"'}, False, ACTIVE),
    ({"gate": '"policy"', "basis": '"guidance"'}, False, ACTIVE),
    ({"kinds": '["social_media"]', "regime": '"social_media_minimum"'}, False, ACTIVE),
    ({"until": "2026-11-21"}, False, ACTIVE),
    ({"from": "2026-11-23"}, False, ACTIVE),
    # accounts from before the law, or from before it was seen where its start is not known
    ({"from": "2026-01-15"}, True, QUARANTINED),
    ({"from": "2026-01-16"}, True, ACTIVE),
    ({"from": ""}, True, ACTIVE),
    ({"from": "", "checked": "2026-01-15"}, True, QUARANTINED),
    ({"applies_to_new_from": "2026-01-16"}, True, ACTIVE),
    ({"applies_to_new_from": "2026-01-15"}, True, QUARANTINED),
    # attained with the year: who is 15 is 16 on 1 January
    ({"attain": '"jan1_of_year"'}, False, ACTIVE),
    ({"attain": '"jan1_of_year"', "age": "17"}, True, QUARANTINED),
]


@pytest.mark.parametrize(("different", "refused", "state"), WEAK)
def test_weak_rule_refuses_at_most_at_the_door(
    tmp_path: Path, different: dict[str, str], refused: bool, state: AccountState
) -> None:
    lines = [f"{name} = {value}" for name, value in (RULE | different).items() if value]
    head = 'country = "NO"\nname = "Norway"\nchecked = 2026-07-01\n[[rule]]\n'
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "no.toml").write_text(head + "\n".join(lines), encoding="utf-8")
    door = Door(f"sqlite:///{tmp_path}/one.db", rulebook=Rulebook.load(tmp_path / "rules"))
    born = date(2010, 12, 24)  # 15 on the day and when the account was made
    outcome = door.gate.check(Registration(birth_date=born, country="NO"), now=NOW).outcome
    assert outcome is (Outcome.REFUSE if refused else Outcome.ADMIT)
    assert door.sign_in(born, country="NO").state is state
    assert door.sign_in(aged(12), account="2", country="NO").state is QUARANTINED
    door.store.dispose()


OWN = [
    # the service; country; age; what the door says; the state
    (Service(floor=16), "US", 15, Outcome.REFUSE, QUARANTINED),
    (Service(floor=16), "US", 16, Outcome.ADMIT, ACTIVE),
    (Service(established_in="DE"), "US", 14, Outcome.REFUSE, ACTIVE),
    (Service(stricter=(OwnRule("US", 16, MADE, "a choice"),)), "US", 15, Outcome.REFUSE, QUARANTINED),
    (Service(stricter=(OwnRule("US", 16, MADE + DAY, "a choice"),)), "US", 15, Outcome.REFUSE, ACTIVE),
    (Service(stricter=(OwnRule("US-NY", 16, MADE, "a choice"),)), "US", 15, Outcome.REFUSE, ACTIVE),
]


@pytest.mark.parametrize(("service", "country", "age", "outcome", "state"), OWN)
def test_services_own_ages_reach_accounts_made_since(
    tmp_path: Path, service: Service, country: str, age: int, outcome: Outcome, state: AccountState
) -> None:
    door = Door(f"sqlite:///{tmp_path}/one.db", service)
    assert door.gate.check(Registration(birth_date=aged(age), country=country), now=NOW).outcome is outcome
    assert door.sign_in(aged(age), country=country).state is state
    door.store.dispose()


# --- properties of the pure part --------------------------------------------------------------------------

GATE, RULEBOOK, SERVICE = AgeGate(), Rulebook.load(), Service()
SOME = ("US", "GB", "DE", "FR", "DK", "CA", "KR", "JP", "CO", "LI", "GP", "BV")
DAYS = st.dates(date(2018, 6, 1), date(2027, 12, 31))
BORN = st.one_of(
    st.dates(date(1995, 1, 1), date(2018, 1, 1)).map(BirthDate.on),
    st.integers(1995, 2017).map(BirthDate.in_year),
    st.tuples(st.integers(1995, 2017), st.integers(1, 12)).map(lambda pair: BirthDate.in_month(*pair)),
)
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(SOME),
        "billing_country": st.sampled_from(SOME),
        "payer": st.sampled_from(("learner", "company")),
        "phone": st.sampled_from((PHONE, "+49 30 901820", "+45 32 12 34 56")),
    },
)


def decided(born: BirthDate | None, where: dict[str, Any], made: date, day: date) -> Outcome:
    checked = check_fields(Registration(birth_date=born, **where), day)
    return decide_existing(checked, made, day, RULEBOOK, SERVICE, answered=True)[0]


@settings(max_examples=300)
@given(BORN, WHERE, DAYS, DAYS)
def test_nobody_is_restricted_whom_the_door_admits_or_would_have_admitted(
    born: BirthDate, where: dict[str, Any], made: date, day: date
) -> None:
    if decided(born, where, made, day) is Outcome.REFUSE:
        for exact in (born.first, born.last):
            given_then = Registration(birth_date=exact, **where)
            for on in (day, min(made, day)):
                assert GATE.check(given_then, today=on).outcome is not Outcome.ADMIT


@settings(max_examples=300)
@given(BORN, WHERE, DAYS, DAYS, st.sampled_from(SOME))
def test_another_place_never_restricts(
    born: BirthDate, where: dict[str, Any], made: date, day: date, more: str
) -> None:
    fewer = {name: value for name, value in where.items() if name not in {"billing_country", "payer"}}
    placed = "country" in fewer or "phone" in fewer
    if placed and decided(born, fewer, made, day) is not Outcome.REFUSE:
        assert decided(born, fewer | {"billing_country": more}, made, day) is not Outcome.REFUSE


@given(BORN, WHERE, DAYS, DAYS)
def test_what_is_refused_is_refused_for_every_day_that_the_date_can_mean(
    born: BirthDate, where: dict[str, Any], made: date, day: date
) -> None:
    if decided(born, where, made, day) is Outcome.REFUSE:
        assert decided(BirthDate.on(born.first), where, made, day) is Outcome.REFUSE


@given(st.sampled_from(sorted(COUNTRIES)), DAYS, DAYS)
def test_adult_is_never_asked_and_child_under_the_floor_always_restricted(
    country: str, made: date, day: date
) -> None:
    made = min(made, day)
    for where in ({"country": country}, {}):
        assert decided(BirthDate.on(aged(30, made.replace(day=1))), where, made, day) is Outcome.ADMIT
        child = BirthDate.on(aged(12, day.replace(day=2)))
        if child.age_on(made) >= 4:
            assert decided(child, where, made, day) is Outcome.REFUSE
        assert decided(None, where, made, day) is Outcome.INVALID


# --- the caller's mistakes --------------------------------------------------------------------------------


def test_gate_without_a_store_knows_no_accounts() -> None:
    given = Registration(birth_date=ADULT, country="US")
    with pytest.raises(ConfigError, match="from_config"):
        AgeGate().check_existing("1", given, created_on=MADE, now=NOW)
    with pytest.raises(ConfigError, match="from_config"):
        AgeGate().account_state("1")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"now": NOW.replace(tzinfo=None)}, "aware"),
        ({"now": NOW, "today": TODAY}, "not both"),
    ],
)
@pytest.mark.parametrize("born", [ADULT, CHILD, None])
def test_ambiguous_day_is_the_callers_mistake_and_changes_nothing(
    sqlite_door: Door, born: str | None, when: dict[str, Any], said: str
) -> None:
    given = Registration(birth_date=born, country="US")
    with pytest.raises(ValueError, match=said):
        sqlite_door.gate.check_existing("1", given, created_on=MADE, **when)
    with pytest.raises(ValueError, match="aware"):
        sqlite_door.gate.account_state("1", now=NOW.replace(tzinfo=None))
    assert sqlite_door.filled() == set()


@pytest.mark.parametrize("table", ["agegate_report", "agegate_refusal", "agegate_event"])
def test_answer_is_kept_whole_or_not_at_all(door: Door, table: str) -> None:
    door.sign_in()
    schema = "agegate." if door.store.url.get_backend_name() == "postgresql" else ""
    with door.store.writing() as connection:
        connection.execute(sa.text(f"DROP TABLE {schema}{table}"))
    with pytest.raises(DatabaseError, match="agegate db upgrade"):
        door.sign_in(CHILD, email=EMAIL)
    assert door.state() is ASK
    assert door.filled() == {"agegate_question"}


# --- at once ----------------------------------------------------------------------------------------------

AT_ONCE = 8


def all_at_once(call: Callable[[int], Standing]) -> list[Standing]:
    """Call from several threads that begin together."""
    start = threading.Barrier(AT_ONCE)

    def begin(number: int) -> Standing:
        start.wait()
        return call(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


@pytest.mark.parametrize("asked", [False, True])
def test_answers_under_age_at_once_make_one_report(door: Door, asked: bool) -> None:
    if asked:
        door.sign_in()
    found = all_at_once(lambda number: door.sign_in(CHILD, NOW + HOUR, email=EMAIL, device=DEVICE))
    assert set(found) == {Standing(QUARANTINED)}
    counts = {name: len(rows) for name, rows in every_row(door.store.engine).items() if rows}
    assert counts == {"agegate_question": 1, "agegate_report": 1, "agegate_event": 1, "agegate_refusal": 2}


def test_sign_ins_at_once_make_one_question(door: Door) -> None:
    found = all_at_once(lambda number: door.sign_in(now=NOW + number * SECOND))
    assert {standing.state for standing in found} == {ASK}
    assert len(door.rows(tables.questions)) == 1
    assert door.filled() == {"agegate_question"}


def test_answers_of_many_accounts_at_once_are_all_kept(door: Door) -> None:
    all_at_once(lambda number: door.sign_in(CHILD, account=str(number), email=f"wren{number}@example.org"))
    assert sorted(row["account"] for row in door.rows(tables.reports)) == sorted(map(str, range(AT_ONCE)))
    assert {door.state(account=str(number)) for number in range(AT_ONCE)} == {QUARANTINED}


@contextmanager
def held(door: Door, table: str) -> Iterator[sa.Connection]:
    """Let nobody write into a table of the store, as long as the block runs."""
    with door.store.engine.connect() as connection, connection.begin():
        connection.execute(sa.text(f"LOCK TABLE agegate.{table} IN SHARE MODE"))
        yield connection


def wait_for_waiters(connection: sa.Connection, number: int) -> None:
    """Wait until so many other connections wait for a lock."""
    query = (
        "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
    )
    query += " WHERE datname = current_database()) OR NOT granted AND locktype = 'transactionid'"
    deadline = time.monotonic() + 60
    while connection.execute(sa.text(query)).scalar_one() < number:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)


def test_adult_answer_at_the_same_moment_takes_no_answer_under_age_back(
    new_database: Callable[[], str],
) -> None:
    """The adult's sign-in has read the open question before the child's answer is committed."""
    door = Door(new_database())
    door.sign_in()
    with ThreadPoolExecutor(2) as pool:
        with held(door, "agegate_report") as connection:
            child = pool.submit(door.sign_in, CHILD, NOW + HOUR)
            wait_for_waiters(connection, 1)
            adult = pool.submit(door.sign_in, ADULT, NOW + HOUR)
            wait_for_waiters(connection, 2)
        assert child.result(60).state is QUARANTINED
        adult.result(60)
    assert len(door.rows(tables.reports)) == 1
    assert door.state(NOW + HOUR) is QUARANTINED
    door.store.dispose()


# --- with the desk, the sweep and the eraser --------------------------------------------------------------


def gate_of(layout: Layout) -> AgeGate:
    return AgeGate.from_config(layout.folder / "agegate.toml")


def sign_in(
    layout: Layout, born: str | None, now: datetime = NOW, account: str = "1", **fields: Any
) -> Standing:
    given = Registration(birth_date=born, **{"country": "US"} | fields)
    return gate_of(layout).check_existing(
        account, given, created_on=MADE, answered=given.birth_date is not None, now=now
    )


def state_of(layout: Layout, now: datetime = NOW, account: str = "1") -> AccountState:
    return gate_of(layout).account_state(account, now=now)


def case_of(desk: Desk, account: str = "1") -> int:
    (case,) = [line.case for line in desk.list() if desk.show(line.case).account == account]
    return case


def stored(layout: Layout) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of agegate's own tables."""
    engine = layout.engine(layout.store)
    try:
        return {name: rows for name, rows in every_row(engine).items() if name.startswith("agegate_")}
    finally:
        engine.dispose()


def test_answer_under_age_reaches_the_desk_and_an_adult_verdict_ends_it_for_ever(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1)
    enrol(layout, 2, born=ADULT)
    assert sign_in(layout, None).state is ASK
    assert sign_in(layout, CHILD, NOW + HOUR, email=EMAIL).state is QUARANTINED
    Sweep(config).run(apply=True, now=NOW + DAY)
    desk = Desk(config)
    case = case_of(desk)
    assert desk.show(case).line.cause == "reported"
    assert state_of(layout, NOW + DAY) is QUARANTINED, "while the case waits"
    desk.clear(case, by="staff-1", reason="a parent answered", now=NOW + 2 * DAY)
    for later in (2 * DAY, 3 * DAY, 3650 * DAY):
        assert state_of(layout, NOW + later) is ACTIVE
        for born in (None, ADULT, CHILD, "soon"):
            assert sign_in(layout, born, NOW + later) == Standing(ACTIVE), "and no question"
    assert len(stored(layout)["agegate_report"]) == 1
    Sweep(config).run(apply=True, now=NOW + 4 * DAY)
    assert Desk(config).list() == []
    assert state_of(layout, NOW + 5 * DAY) is ACTIVE


def test_answer_under_age_that_staff_confirm_stays_restricted(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born=ADULT)
    sign_in(layout, CHILD)
    Sweep(config).run(apply=True, now=NOW + DAY)
    desk = Desk(config)
    desk.confirm(case_of(desk), by="staff-1", reason="says so", now=NOW + 2 * DAY)
    assert state_of(layout, NOW + 2 * DAY) is QUARANTINED
    assert sign_in(layout, ADULT, NOW + 3 * DAY) == Standing(QUARANTINED)


@pytest.mark.parametrize("asked", [False, True])
def test_adult_verdict_on_another_flag_ends_the_question(layout: Layout, asked: bool) -> None:
    config = school(layout)
    enrol(layout, 1, bio="I'm 11 and I draw.")
    if asked:
        assert sign_in(layout, None).state is ASK
    Sweep(config).run(apply=True, now=NOW + DAY)
    desk = Desk(config)
    case = case_of(desk)
    assert sign_in(layout, None, NOW + DAY).state is ASK, "a case that waits is no verdict"
    desk.clear(case, by="staff-1", reason="a teacher's joke", now=NOW + 2 * DAY)
    for later in (2 * DAY, 40 * DAY, 3650 * DAY):
        assert sign_in(layout, None, NOW + later) == Standing(ACTIVE)
        assert state_of(layout, NOW + later) is ACTIVE


def test_account_that_the_sweep_restricted_is_not_asked(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born=CHILD)
    Sweep(config).run(apply=True, now=NOW)
    for born in (None, ADULT, CHILD):
        assert sign_in(layout, born, NOW + HOUR) == Standing(QUARANTINED)
    kept = stored(layout)
    assert (kept["agegate_question"], kept["agegate_report"]) == ([], [])
    desk = Desk(config)
    desk.clear(case_of(desk), by="staff-1", reason="a slip", now=NOW + DAY)
    assert sign_in(layout, None, NOW + DAY) == Standing(ACTIVE)


ANSWERS = [
    # what the host holds of the account; what its holder answered; the country named with it; days to the sweep
    ({"born": None, "country": "US"}, CHILD, "US", 1),
    ({"born": ADULT, "country": "US"}, CHILD, "US", 1),
    ({"born": CHILD, "country": "US"}, CHILD, "US", 1),
    ({"born": None, "country": "DE"}, "2011-04-17", "DE", 1),
    ({"born": ADULT, "country": "DE"}, "2011-04-17", "DE", 1),
    ({"born": "2026-01-15", "country": "US"}, CHILD, "US", 1),
    ({"born": None, "country": None}, CHILD, None, 1),
    # the host does not know the country by whose law the answer was under age
    ({"born": None, "country": None}, "2011-04-17", "DE", 1),
    ({"born": None, "country": "US"}, "2011-04-17", "DE", 1),
    # by the day of the sweep the holder may have grown into the limit
    ({"born": None, "country": "US"}, "2013-12-24", "US", 1),
    ({"born": None, "country": "US"}, "2013-12-24", "US", 60),
    ({"born": ADULT, "country": "US"}, "2013-12-24", "US", 60),
    ({"born": None, "country": "US"}, CHILD, "US", 1000),
]


@pytest.mark.parametrize(("held_by_host", "answer", "country", "days"), ANSWERS)
def test_whoever_is_restricted_by_an_answer_has_a_case_at_the_desk(
    tmp_path: Path, held_by_host: dict[str, Any], answer: str, country: str | None, days: int
) -> None:
    """Nobody may be restricted without a person who can take it back."""
    layout = Layout(
        "sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path
    )
    config = school(layout)
    enrol(layout, 1, **held_by_host)
    assert sign_in(layout, answer, country=country).state is QUARANTINED
    later = NOW + days * DAY
    Sweep(config).run(apply=True, now=later)
    assert state_of(layout, later) is QUARANTINED
    desk = Desk(config)
    waiting = [line.case for line in desk.list() if desk.show(line.case).account == "1"]
    assert len(waiting) == 1
    desk.clear(waiting[0], by="staff-1", reason="a slip", now=later + DAY)
    assert state_of(layout, later + DAY) is ACTIVE


@pytest.mark.parametrize("born", [None, CHILD])
def test_question_of_an_erased_account_is_forgotten(layout: Layout, born: str | None) -> None:
    """The host may give its key to a new account, which is asked anew."""
    config = school(layout)
    enrol(layout, 1, bio="I'm 11 and I draw.")
    enrol(layout, 2, born=ADULT)
    sign_in(layout, None)
    sign_in(layout, None, account="2")
    sign_in(layout, born, NOW + HOUR)
    Sweep(config).run(apply=True, now=NOW + DAY)
    desk = Desk(config)
    desk.confirm(case_of(desk), by="staff-1", reason="says so", now=NOW + DAY)
    erased = NOW + 20 * DAY
    (outcome,) = Eraser(config).run(now=erased)
    assert outcome.receipt is not None
    kept = stored(layout)
    assert [row[0] for row in kept["agegate_question"]] == ["2"]
    assert kept["agegate_report"] == []
    assert state_of(layout, erased) is ACTIVE
    assert sign_in(layout, None, erased).state is ASK
    assert state_of(layout, erased + PATIENCE - SECOND) is ASK
    assert state_of(layout, erased + PATIENCE) is LIMITED


# --- what is kept -----------------------------------------------------------------------------------------

MARK = "zyzzyvakestrel"
EVERY_FIELD = {
    "country": MARK,
    "region": MARK,
    "billing_country": MARK,
    "payer": MARK,
    "phone": MARK,
    "email": MARK,
    "ip": MARK,
    "ip_country": MARK,
    "locale": MARK,
    "time_zone": MARK,
    "device": MARK,
}
USABLE = {
    "country": "US",
    "region": "NJ",
    "billing_country": "US",
    "payer": "learner",
    "phone": PHONE,
    "email": f"{MARK}@example.org",
    "ip": "192.0.2.77",
    "ip_country": "US",
    "locale": f"en-{MARK}",
    "time_zone": "Antarctica/Troll",
    "device": MARK,
}
TRACES = [
    *(MARK, "example.org", "2015550147", "5550147", "192.0.2.77", "Antarctica", "US-NJ", "learner"),
    *("2015-04", "20150417", "17.04.2015", "04/17/2015", "16542", "735705", "1429228800"),
    *("1984-04", "19840417"),
]


def test_both_registrations_fill_every_field() -> None:
    for fields in (EVERY_FIELD, USABLE):
        filled = Registration(birth_date=ADULT, **fields)
        assert all(getattr(filled, name) is not None for name in filled.__slots__)


@pytest.mark.parametrize("fields", [EVERY_FIELD, USABLE], ids=["unreadable", "usable"])
def test_nothing_that_was_given_is_kept_or_said(layout: Layout, fields: dict[str, str]) -> None:
    config = school(layout)
    enrol(layout, 1)
    said: list[str] = []

    def look() -> None:
        found = json.dumps(stored(layout), default=str).lower()
        repeated = [trace for trace in TRACES if trace.lower() in found]
        assert repeated == []

    for number, born in enumerate((MARK, None, f"2015-{MARK}", "2013", ADULT, CHILD, ADULT, CHILD)):
        said.append(repr(sign_in(layout, born, NOW + number * HOUR, **fields)))
        look()
    assert state_of(layout, NOW + DAY) is QUARANTINED
    Sweep(config).run(apply=True, now=NOW + DAY)
    desk = Desk(config)
    desk.confirm(case_of(desk), by="staff-1", reason="says so", now=NOW + DAY)
    said.append(repr(sign_in(layout, CHILD, NOW + 2 * DAY, **fields)))
    look()
    Eraser(config).run(now=NOW + 20 * DAY)
    look()
    assert [trace for trace in TRACES if trace.lower() in " ".join(said).lower()] == []
    files = [found for found in layout.folder.rglob("agegate*") if found.is_file() and found.suffix != ".toml"]
    assert files
    for file in files:
        assert MARK not in file.read_bytes().decode("latin-1").lower()
