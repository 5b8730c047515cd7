"""Signals that read an account's declared fields and reports, and how all signals are found."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate import signals
from agegate.birthdate import BirthDate
from agegate.errors import ConfigError
from agegate.model import Account, Evidence, Report, Signal, Text
from agegate.signals import birth_date, collect, handle_year, pupil_email, reports, shipped
from tests.conftest import TODAY

JOINED = date(2024, 3, 15)
DOCS = Path(__file__).parents[1] / "docs" / "signals.md"


def account(born: BirthDate | None = None, created: date = JOINED, **fields: str) -> Account:
    return Account("17", created_on=created, birth_date=born, fields=fields)


def seen(signal: Signal, who: Account) -> list[Evidence]:
    return list(signal.observe(who, TODAY))


# --- birth_date -----------------------------------------------------------------------------------

DECLARED = [
    # what was declared; by which rule it is read; how reliable it is
    ("2015-03-01", "declared-minor", 0.98),
    ("2015-03", "declared-minor", 0.98),
    ("2008-11-23", "declared-minor", 0.98),
    ("2008", "declared-minor", 0.98),  # the latest reading is not yet 18
    ("2008-11-22", "declared-adult", 0.5),
    ("1984-01-01", "declared-adult", 0.5),
    ("1900", "declared-adult", 0.5),
    ("2024-03-15", "filler", 0.3),  # the day of sign-up
    ("2024-03", "filler", 0.3),
    ("2024", "filler", 0.3),
    ("2020-03-16", "filler", 0.3),  # three years old at sign-up
    ("2020-03-15", "declared-minor", 0.98),  # four, on the day
    ("2025-01-01", "filler", 0.3),  # born after sign-up
    ("2026-11-22", "filler", 0.3),
]


@pytest.mark.parametrize(("born", "rule", "reliability"), DECLARED)
def test_declared_date_is_strong_under_the_limit_and_weak_above_it(
    born: str, rule: str, reliability: float
) -> None:
    (piece,) = seen(birth_date.SIGNAL, account(BirthDate.parse(born)))
    assert (piece.rule, piece.reliability) == (rule, reliability)
    assert (piece.born, piece.said_on, piece.exact) == (BirthDate.parse(born), JOINED, True)
    assert (piece.source, piece.where, piece.span) == ("birth_date", None, None)


@pytest.mark.parametrize("born", [None, BirthDate.on(date(2026, 11, 23)), BirthDate.in_year(2300)])
def test_no_date_or_one_of_the_future_is_no_evidence(born: BirthDate | None) -> None:
    assert seen(birth_date.SIGNAL, account(born)) == []


# --- handle_year ----------------------------------------------------------------------------------

NAMES = [
    # handle; e-mail; years read, each with its reliability
    ("anna2012", "", [(2012, 0.14)]),
    ("1987anna", "", [(1987, 0.5)]),
    ("an.1999.na", "", [(1999, 0.5)]),
    ("", "anna2012@example.org", [(2012, 0.14)]),
    ("anna1987", "anna1987@example.org", [(1987, 0.5)] * 2),
    ("anna2012", "anna1987@example.org", [(2012, 0.14), (1987, 0.5)]),
    ("anna2020", "", [(2020, 0.14)]),  # four years before the account
    ("anna2021", "", []),
    ("anna1901", "", []),
    ("anna1902", "", [(1902, 0.5)]),
    ("anna12", "", []),
    ("anna20123", "", []),
    ("anna12012", "", []),
    ("anna2012and1987", "", []),
    ("anna1850", "", []),
    ("anna\uff12\uff10\uff11\uff12", "", []),
    ("", "anna@class2012.example.org", []),
    ("", "2012", []),
    ("anna", "", []),
]


@pytest.mark.parametrize(("handle", "email", "years"), NAMES)
def test_year_in_a_name_is_weak_evidence(handle: str, email: str, years: list[tuple[int, float]]) -> None:
    found = seen(handle_year.SIGNAL, account(handle=handle, email=email))
    assert [(piece.born, piece.reliability) for piece in found] == [
        (BirthDate.in_year(year), reliability) for year, reliability in years
    ]
    assert {piece.source for piece in found} <= {"name-year"}, "handle and address are one source"
    assert not [piece for piece in found if piece.exact]


# --- pupil_email ------------------------------------------------------------------------------------

ADDRESSES = [
    ("a.b@students.lincoln.k12.ca.us", True),
    ("a.b@student.lincoln.k12.ca.us", True),
    ("a.b@stu.lincoln.k12.tx.us", True),
    ("a.b@pupils.hillside.sch.uk", True),
    ("a.b@pupil.hillside.sch.uk", True),
    ("a.b@learners.kowhai.school.nz", True),
    ("a.b@Students.Lincoln.K12.CA.US", True),
    ("a.b@hs-students.katyisd.org", True),
    ("a.b@students.katyisd.org", True),
    ("a.b@lincoln.k12.ca.us", False),  # teachers have one, too
    ("a.b@staff.hillside.sch.uk", False),
    ("students.a@hillside.sch.uk", False),  # the host says it, not the name
    ("a.b@students.university.edu", False),
    ("a.b@students.example.org", False),
    ("a.b@mystudents.lincoln.k12.ca.us", False),
    ("a.b@students.lincoln.k12.ca.us.example.org", False),
    ("students.lincoln.k12.ca.us", True),
    ("", False),
    ("@", False),
]


@pytest.mark.parametrize(("email", "found"), ADDRESSES)
def test_pupils_host_of_a_school_says_school_age(email: str, found: bool) -> None:
    pieces = seen(pupil_email.SIGNAL, account(email=email))
    assert [(piece.born, piece.source, piece.exact) for piece in pieces] == [
        (BirthDate.aged(5, 19, JOINED), "email-host", False)
    ] * found


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "reliability"),
    [("holder", 0.97), ("parent", 0.95), ("school", 0.95), ("moderator", 0.92), ("other", 0.9)],
)
def test_report_counts_by_who_reports(role: str, reliability: float) -> None:
    report = Report(3, role, date(2026, 5, 1), BirthDate.aged(11, 11, date(2026, 5, 1)), 11)
    who = Account("17", JOINED, reports=(report, report))
    first, second = seen(reports.SIGNAL, who)
    assert (first.born, first.reliability, first.said_on) == (report.born, reliability, report.said_on)
    assert first.exact
    assert (first.source, second.source) == (f"report:{role}",) * 2, "two parents are one source"
    assert reliability < 0.99, "no report is certain alone"


def test_every_role_has_a_case() -> None:
    assert set(reports.RELIABILITY) == {"holder", "parent", "school", "moderator", "other"}


# --- discovery --------------------------------------------------------------------------------------

MODULES = sorted(found.name for found in pkgutil.iter_modules(signals.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_module_of_the_folder_is_a_signal_of_its_name(name: str) -> None:
    signal = importlib.import_module(f"agegate.signals.{name}").SIGNAL
    assert isinstance(signal, Signal)
    assert signal.name == name
    assert signal.about.strip()
    assert "\n" not in signal.about
    assert signal in shipped()


def test_shipped_signals_are_the_modules_of_the_folder() -> None:
    names = [signal.name for signal in shipped()]
    assert names == MODULES
    assert len(set(names)) == len(names) >= 6


@pytest.mark.parametrize("signal", shipped(), ids=lambda signal: signal.name)
def test_signal_has_its_line_in_the_documentation(signal: Signal) -> None:
    assert DOCS.is_file(), "docs/signals.md has a table with a row for each signal: | `name` | …"
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(f"| `{signal.name}` |")]


def test_hosts_own_signal_is_added_and_never_replaces_one() -> None:
    own = Signal("badge", "a badge that pupils carry", lambda _account, _today: [])
    assert collect([own]) == (*shipped(), own)
    with pytest.raises(ConfigError, match="birth_date"):
        collect([Signal("birth_date", "another", own.observe)])
    with pytest.raises(ConfigError, match="badge"):
        collect([own, own])


# --- properties -----------------------------------------------------------------------------------

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
WORDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ("I'm 11 and in year 6", "born 2014", "anna2012", "a@students.x.k12.ca.us", "class of 2036")
    ),
)
FIELDS = (
    "email",
    "handle",
    "role",
    "company",
    "country",
    "region",
    "billing_country",
    "phone",
    "locale",
    "time_zone",
)
BORN = st.tuples(st.dates(), st.integers(0, 400)).map(
    lambda pair: BirthDate(pair[0], date.fromordinal(min(pair[0].toordinal() + pair[1], date.max.toordinal())))
)
KINDS = st.sampled_from(("profile", "ticket", "post", "interpersonal"))
ACCOUNTS = st.builds(
    Account,
    key=st.text(max_size=9),
    created_on=DAYS,
    birth_date=st.one_of(st.none(), BORN),
    fields=st.dictionaries(st.sampled_from(FIELDS), WORDS),
    texts=st.lists(st.builds(Text, WORDS, WORDS, WORDS, DAYS, KINDS), max_size=3).map(tuple),
    reports=st.lists(
        st.builds(
            Report, st.integers(), st.sampled_from(tuple(reports.RELIABILITY)), DAYS, BORN, st.integers(0, 120)
        ),
        max_size=2,
    ).map(tuple),
)


@pytest.mark.parametrize("signal", shipped(), ids=lambda signal: signal.name)
@settings(max_examples=60)
@given(who=ACCOUNTS, today=DAYS)
def test_signal_is_pure_and_outlives_any_account(signal: Signal, who: Account, today: date) -> None:
    first = list(signal.observe(who, today))
    assert first == list(signal.observe(who, today))
    assert all(piece.signal == signal.name and 0 < piece.reliability < 1 for piece in first)
