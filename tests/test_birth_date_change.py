"""A birth date that is changed later: the gate decides anew, and the sweep hears what was said before."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agegate import AccountState, AgeGate, Outcome, Reason, Registration, Standing
from agegate.config import Config
from agegate.errors import ConfigError
from agegate.keys import ENVIRONMENT as KEY_RING
from agegate.review import CaseView, Desk
from agegate.sweep import Sweep
from tests.conftest import NOW, TODAY, Layout
from tests.hosts import enrol, school
from tests.test_gate_existing import aged, every_row

ACTIVE, ASK = AccountState.ACTIVE, AccountState.ASK
LIMITED, QUARANTINED = AccountState.LIMITED, AccountState.QUARANTINED

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MADE = date(2026, 1, 15)
"""The day on which the accounts of these tests were made."""

ADULT, CHILD = "1984-04-17", "2015-04-17"
EMAIL, PHONE, DEVICE = "kestrelwren@example.org", "+1 201 555 0147", "device-zyzzyva-8861"


class School:
    """A school host, its gate, its sweep and its desk."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.config: Config = school(layout)

    @property
    def gate(self) -> AgeGate:
        return AgeGate.from_config(self.layout.folder / "agegate.toml")

    def change(
        self, old: Any, new: Any, now: Any = NOW, *, account: str = "1", made: date = MADE, **fields: Any
    ) -> Standing:
        """The holder changes the date; the host saves it where the answer has no errors."""
        registration = Registration(**{"birth_date": new, "country": "US"} | fields)
        standing = self.gate.check_change(account, registration, previous=old, created_on=made, now=now)
        if not standing.errors and isinstance(new, str):
            self.layout.run(f"UPDATE people SET born = '{new}' WHERE id = {account}")
        return standing

    def sweep(self, now: Any) -> None:
        Sweep(self.config).run(apply=True, now=now)

    def state(self, now: Any = NOW, account: str = "1") -> AccountState:
        return self.gate.account_state(account, now=now)

    def cases(self, account: str = "1") -> list[CaseView]:
        """The open cases of an account."""
        desk = Desk(self.config)
        return [view for view in (desk.show(line.case) for line in desk.list()) if view.account == account]

    def clear(self, now: Any, account: str = "1") -> None:
        (case,) = self.cases(account)
        Desk(self.config).clear(case.line.case, by="staff-1", reason="a slip", now=now)

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of agegate's own tables."""
        engine = self.layout.engine(self.layout.store)
        try:
            found = every_row(engine)
        finally:
            engine.dispose()
        return {name: rows for name, rows in found.items() if name.startswith("agegate_") and rows}

    def reports(self) -> list[tuple[Any, ...]]:
        """Who said which age on which day."""
        table = self.layout.own("agegate_report")
        rows = self.layout.rows(f"SELECT account, said_by, age, said_on FROM {table} ORDER BY id", store=True)
        return [(account, said_by, age, str(said_on)) for account, said_by, age, said_on in rows]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        table = self.layout.own("agegate_event")
        rows = self.layout.rows(f"SELECT kind, data FROM {table} ORDER BY id", store=True)
        return [(str(kind), json.loads(str(data))) for kind, data in rows]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key ring from the environment of whoever runs the tests."""
    monkeypatch.delenv(KEY_RING, raising=False)


@pytest.fixture
def both(layout: Layout) -> School:
    """Host and store in all four layouts."""
    return School(layout)


@pytest.fixture
def one(tmp_path: Path) -> School:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    url = f"sqlite:///{tmp_path}"
    return School(Layout("sqlite-apart", f"{url}/host.db", f"{url}/agegate.db", tmp_path))


def changed(*, was: bool = False, is_: bool = False) -> tuple[str, dict[str, Any]]:
    """The event of a change."""
    return "account.birth_date_changed", {"was_under": was, "is_under": is_}


# --- to a date under the limit ------------------------------------------------------------------------------


def test_new_date_under_the_limit_restricts_at_once_and_has_a_case_at_the_next_sweep(both: School) -> None:
    enrol(both.layout, 1, born=ADULT)
    assert both.change(ADULT, CHILD) == Standing(QUARANTINED)
    assert both.state() is QUARANTINED
    assert both.reports() == [("1", "holder", 11, "2026-11-22")]
    assert both.events() == [("account.answered_under", {}), changed(is_=True)]
    both.sweep(NOW + DAY)
    assert len(both.cases()) == 1
    assert both.state(NOW + DAY) is QUARANTINED
    assert both.change(CHILD, ADULT, NOW + 2 * DAY).state is QUARANTINED, "and no later change takes it back"
    assert both.state(NOW + 2 * DAY) is QUARANTINED
    both.clear(NOW + 3 * DAY)
    assert both.state(NOW + 3 * DAY) is ACTIVE


def test_case_of_an_account_whose_host_did_not_save_the_date_waits_for_a_person(one: School) -> None:
    """The host of a restricted account need not save the date: what was said stands all the same."""
    enrol(one.layout, 1, born=ADULT)
    given = Registration(birth_date=CHILD, country="US", email=EMAIL)
    assert one.gate.check_change("1", given, previous=ADULT, created_on=MADE, now=NOW).state is QUARANTINED
    one.sweep(NOW + DAY)
    (case,) = one.cases()
    assert (case.line.cause, case.line.state) == ("reported", "awaiting_review")
    assert one.state(NOW + DAY) is QUARANTINED


def test_who_changes_to_a_date_under_the_limit_is_remembered_at_sign_up(one: School) -> None:
    enrol(one.layout, 1, born=ADULT)
    one.change(ADULT, CHILD, email=EMAIL, phone=PHONE, device=DEVICE)
    for handle in ({"email": EMAIL}, {"phone": PHONE}, {"device": DEVICE}):
        again = Registration(birth_date=ADULT, country="US", **handle)
        assert one.gate.check(again, now=NOW + HOUR).reason is Reason.REFUSED_BEFORE


NEW = [
    # the new date; the country; the state
    (str(aged(13)), "US", ACTIVE),
    (str(aged(13, TODAY + DAY)), "US", QUARANTINED),
    (str(aged(16)), "DE", ACTIVE),
    (str(aged(15)), "DE", QUARANTINED),
    ("2014", "US", QUARANTINED),
    ("2012", "US", ACTIVE),
    (aged(12), "US", QUARANTINED),
    (str(aged(15)), "CO", ACTIVE),  # a law that may not be acted on
]


@pytest.mark.parametrize(("new", "country", "state"), NEW)
def test_new_date_is_an_answer_as_at_sign_in(one: School, new: Any, country: str, state: AccountState) -> None:
    enrol(one.layout, 1, born=ADULT, country=country)
    assert one.change(ADULT, new, country=country) == Standing(state)
    assert one.state() is state
    assert len(one.reports()) == (state is QUARANTINED)


# --- from a date under the limit ----------------------------------------------------------------------------


def test_old_date_under_the_limit_is_kept_for_a_person_and_restricts_nobody(both: School) -> None:
    """A child who was not swept yet makes the date an adult's."""
    enrol(both.layout, 1, born=CHILD)
    assert both.change(CHILD, ADULT) == Standing(ACTIVE)
    assert both.state() is ACTIVE
    assert both.reports() == [("1", "holder", 11, "2026-11-22")]
    assert both.events() == [changed(was=True)]
    both.sweep(NOW + DAY)
    (case,) = both.cases()
    assert (case.line.cause, case.line.state, case.line.due_at) == ("reported", "awaiting_review", None)
    assert both.state(NOW + DAY) is ACTIVE
    assert ("reports", "holder") in [(piece.signal, piece.rule) for piece in case.evidence]
    both.clear(NOW + 2 * DAY)
    both.sweep(NOW + 3 * DAY)
    assert both.cases() == []


def test_date_that_is_changed_back_and_forth_is_still_one_case(one: School) -> None:
    enrol(one.layout, 1, born=CHILD)
    assert one.change(CHILD, ADULT).state is ACTIVE
    assert one.change(ADULT, CHILD, NOW + HOUR).state is QUARANTINED
    one.sweep(NOW + DAY)
    assert len(one.cases()) == 1
    assert one.state(NOW + DAY) is QUARANTINED


OLD: list[tuple[Any, date, dict[str, Any]]] = [
    # the old date; the day the account was made; what else is given
    ("2026-01-15", MADE, {}),  # the day of sign-up
    ("2026-01", MADE, {}),
    ("2023-05-05", MADE, {}),  # younger than four at sign-up
    (MADE, MADE, {}),
    (CHILD, date(2015, 4, 17), {}),
    # nothing that could be read
    (None, MADE, {}),
    ("", MADE, {}),
    ("soon", MADE, {}),
    ("1880-01-01", MADE, {}),
    ("2027-01-01", MADE, {}),
    (20150417, MADE, {}),
    (b"2015-04-17", MADE, {}),
    # not under it: old enough, or not for certain, or lawfully there when the account was made
    (str(aged(13)), MADE, {}),
    ("2013", MADE, {}),
    ("2010-06-02", date(2023, 6, 1), {"country": "DK"}),
    (str(aged(15)), MADE, {"country": "CO"}),
]


@pytest.mark.parametrize("number", range(len(OLD)))
def test_old_date_that_was_none_or_not_under_the_limit_is_no_report(one: School, number: int) -> None:
    old, made, fields = OLD[number]
    enrol(one.layout, 1, created=str(made))
    assert one.change(old, ADULT, made=made, **fields) == Standing(ACTIVE)
    assert one.reports() == []
    assert one.events() == [changed()]
    one.sweep(NOW + DAY)
    assert one.cases() == []


@pytest.mark.parametrize(("old", "age"), [("2014", 11), ("2014-11", 11), ("2014-10", 12), (aged(8), 8)])
def test_report_of_the_old_date_is_an_age_in_whole_years(one: School, old: Any, age: int) -> None:
    enrol(one.layout, 1, born=str(old))
    assert one.change(old, ADULT).state is ACTIVE
    assert one.reports() == [("1", "holder", age, "2026-11-22")]


# --- between dates of adults, and the same again ------------------------------------------------------------


def test_change_between_dates_of_adults_is_an_event_and_nothing_else(both: School) -> None:
    enrol(both.layout, 1, born=ADULT)
    assert both.change(ADULT, "1985-05-18", email=EMAIL, phone=PHONE, device=DEVICE) == Standing(ACTIVE)
    assert set(both.kept()) - {"agegate_version"} == {"agegate_event"}
    assert both.events() == [changed()]
    both.sweep(NOW + DAY)
    assert both.cases() == []


SAME: list[tuple[Any, Any]] = [
    (ADULT, ADULT),
    (ADULT, date(1984, 4, 17)),
    (date(1984, 4, 17), f" {ADULT}\n"),
    ("1984", "1984"),
    (CHILD, CHILD),
    (date(2015, 4, 17), CHILD),
    ("2020-01-01", "2020-01-01"),
]


@pytest.mark.parametrize("number", range(len(SAME)))
def test_same_date_again_records_nothing(one: School, number: int) -> None:
    """A form that is saved as it was: what the account merely holds is for the sweep, which has a brake."""
    old, new = SAME[number]
    enrol(one.layout, 1, born=str(old).strip())
    before = one.kept()
    one.change(old, new, email=EMAIL)
    assert one.kept() == before


# --- a new date that is none --------------------------------------------------------------------------------

INVALID: list[tuple[Any, dict[str, Any], str]] = [
    # the new date; what else is given; the field that is asked for
    (None, {}, "birth_date"),
    ("", {}, "birth_date"),
    ("soon", {}, "birth_date"),
    ("2015-02-31", {}, "birth_date"),
    ("2300-01-01", {}, "birth_date"),
    ("0001-01-01", {}, "birth_date"),
    ("2015-04-17\x00", {}, "birth_date"),
    (20150417, {}, "birth_date"),
    (["1984-04-17"], {}, "birth_date"),
    ("9" * 1_000_000, {}, "birth_date"),
    # nobody answers so in earnest, or not enough
    ("2026-01-15", {}, "birth_date"),
    ("2024-01-01", {}, "birth_date"),
    ("2013", {}, "birth_date"),
    ("2010", {"country": "UK"}, "country"),
]


@pytest.mark.parametrize("number", range(len(INVALID)))
def test_new_date_that_is_none_is_named_and_nothing_is_recorded(one: School, number: int) -> None:
    new, fields, asked = INVALID[number]
    for account, old in (("1", ADULT), ("2", CHILD), ("3", None)):
        enrol(one.layout, int(account), born=old)
        standing = one.change(old, new, account=account, **fields)
        assert [error.field for error in standing.errors] == [asked]
        assert standing.state in {ACTIVE, ASK}
        assert len(str(new)) < 5 or str(new) not in repr(standing)
    assert one.reports() == []
    assert one.events() == [], "no change was made"


def test_new_date_that_is_none_leaves_the_account_as_it_was(one: School) -> None:
    enrol(one.layout, 1, born=ADULT)
    assert one.change(ADULT, "soon").state is ACTIVE
    assert one.change(ADULT, CHILD, NOW + HOUR).state is QUARANTINED
    before = one.kept()
    refused = one.change(CHILD, "soon", NOW + 2 * HOUR)
    assert (refused.state, [error.field for error in refused.errors]) == (QUARANTINED, ["birth_date"])
    assert one.kept() == before


# --- what a person decided ----------------------------------------------------------------------------------


def cleared(where: School, born: str = ADULT, bio: str | None = "I'm 11 and I draw.") -> None:
    """An account of which a person found the holder to be an adult."""
    enrol(where.layout, 1, born=born, bio=bio)
    where.sweep(NOW)
    where.clear(NOW + HOUR)
    assert where.state(NOW + HOUR) is ACTIVE


def test_cleared_account_that_changes_to_a_date_under_the_limit_comes_to_the_desk_again(both: School) -> None:
    cleared(both)
    assert both.change(ADULT, CHILD, NOW + DAY) == Standing(ACTIVE), "what a person decided stands"
    assert both.reports() == [("1", "holder", 11, "2026-11-23")]
    both.sweep(NOW + 2 * DAY)
    (case,) = both.cases()
    assert case.line.state == "awaiting_review"
    assert "decided as adult: new evidence" in case.note
    assert both.state(NOW + 2 * DAY) is ACTIVE
    both.clear(NOW + 3 * DAY)
    both.sweep(NOW + 4 * DAY)
    assert both.cases() == []


def test_cleared_holder_who_mends_the_slip_is_left_in_peace(one: School) -> None:
    """The wrong date was what the person at the desk decided about: it is no news when it is mended."""
    cleared(one, born=CHILD, bio=None)
    assert one.change(CHILD, ADULT, NOW + DAY) == Standing(ACTIVE)
    one.sweep(NOW + 2 * DAY)
    assert one.cases() == []
    assert one.state(NOW + 2 * DAY) is ACTIVE


def test_restricted_account_changes_nothing_by_another_date(one: School) -> None:
    enrol(one.layout, 1, born=CHILD)
    one.sweep(NOW)
    assert one.state() is QUARANTINED
    for new in (ADULT, "1985-05-18", "soon"):
        given = Registration(birth_date=new, country="US")
        changed_ = one.gate.check_change("1", given, previous=CHILD, created_on=MADE, now=NOW + HOUR)
        assert changed_.state is QUARANTINED
    assert one.state(NOW + DAY) is QUARANTINED
    one.sweep(NOW + DAY)
    assert len(one.cases()) == 1


def test_open_question_is_closed_by_a_change_to_an_adults_date(one: School) -> None:
    enrol(one.layout, 1)
    nothing = Registration(country="US")
    assert one.gate.check_existing("1", nothing, created_on=MADE, now=NOW).state is ASK
    assert one.change(None, ADULT, NOW + HOUR) == Standing(ACTIVE)
    assert one.state(NOW + 60 * DAY) is ACTIVE


def test_adults_date_from_where_a_child_was_refused_does_not_close_the_question(one: School) -> None:
    enrol(one.layout, 1)
    nothing = Registration(country="US")
    assert one.gate.check_existing("1", nothing, created_on=MADE, now=NOW).state is ASK
    refused = Registration(birth_date=CHILD, country="US", device=DEVICE)
    assert one.gate.check(refused, now=NOW + HOUR).outcome is Outcome.REFUSE
    standing = one.change(None, ADULT, NOW + 2 * HOUR, device=DEVICE)
    assert (standing.state, [error.field for error in standing.errors]) == (ASK, ["birth_date"])
    assert "account.birth_date_changed" not in [kind for kind, _ in one.events()], "it must not be saved"


# --- what is kept -------------------------------------------------------------------------------------------

DATES = ("1984", "04-17", "1985-05-18", "2015-04", "17.04.", "20150417")


def test_no_date_of_birth_is_kept_by_a_change(both: School) -> None:
    said = []
    pairs = ((ADULT, "1985-05-18"), (CHILD, ADULT), (ADULT, CHILD), (CHILD, "2016"))
    for account, (old, new) in enumerate(pairs):
        given_ = Registration(birth_date=new, country="US", email=EMAIL, phone=PHONE, device=DEVICE)
        standing = both.gate.check_change(str(account), given_, previous=old, created_on=MADE, now=NOW)
        said.append(repr(standing))
    kept = repr(both.kept())
    assert {row[2] for row in both.reports()} == {9, 11}, "ages in whole years, for the desk"
    for trace in (*DATES, "kestrelwren", "5550147", "zyzzyva"):
        assert trace not in " ".join(said)
        assert trace not in kept


def test_two_people_who_change_their_dates_leave_the_same(one: School) -> None:
    for account, old, new in (("1", ADULT, "1985-05-18"), ("2", "1951-01-01", "1999-12-31")):
        enrol(one.layout, int(account), born=old)
        one.change(old, new, account=account)
    table = one.layout.own("agegate_event")
    rows = one.layout.rows(f"SELECT kind, actor, at, data FROM {table}", store=True)
    assert (len(rows), len(set(rows))) == (2, 1)


# --- the caller's mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["", "a-1", "null", "1.5", '{"id":1}'])
def test_account_that_is_no_key_is_refused(one: School, account: str) -> None:
    given = Registration(birth_date=CHILD, country="US")
    with pytest.raises(ValueError, match="not an account key"):
        one.gate.check_change(account, given, previous=ADULT, created_on=MADE, now=NOW)
    assert one.kept().keys() <= {"agegate_version"}


@pytest.mark.parametrize(
    ("when", "said"), [({"now": NOW.replace(tzinfo=None)}, "aware"), ({"now": NOW, "today": TODAY}, "not both")]
)
def test_ambiguous_day_is_the_callers_mistake(one: School, when: dict[str, Any], said: str) -> None:
    given = Registration(birth_date=CHILD, country="US")
    with pytest.raises(ValueError, match=said):
        one.gate.check_change("1", given, previous=ADULT, created_on=MADE, **when)
    assert one.kept().keys() <= {"agegate_version"}


def test_gate_without_a_store_records_no_change() -> None:
    given = Registration(birth_date=CHILD, country="US")
    with pytest.raises(ConfigError, match="from_config"):
        AgeGate().check_change("1", given, previous=ADULT, created_on=MADE, now=NOW)


# --- whatever is given --------------------------------------------------------------------------------------

_accounts = itertools.count(1)
SAID = st.one_of(
    st.dates(date(1920, 1, 1), TODAY),
    st.dates(date(2008, 1, 1), TODAY).map(str),
    st.integers(1990, 2026).map(str),
    st.none(),
    st.text(max_size=12),
    st.integers(),
    st.lists(st.integers(), max_size=2),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAID, SAID)
def test_no_change_raises_and_only_who_said_so_is_restricted(one: School, old: Any, new: Any) -> None:
    account, before = str(next(_accounts)), len(one.reports())
    given_ = Registration(birth_date=new, country="US")
    standing = one.gate.check_change(account, given_, previous=old, created_on=MADE, now=NOW)
    if standing.state is QUARANTINED:
        assert len(one.reports()) > before
        assert str(new) >= "2013", "nobody of fourteen"
