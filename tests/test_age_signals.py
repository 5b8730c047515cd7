"""What others say of an age: read from each source, and never more lenient than the birth date alone."""

from __future__ import annotations

import itertools
import math
import pickle
import random
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

import agegate
from agegate import AgeGate, AgeSignal, BirthDate, Decision, Outcome, Reason, Registration, Service
from agegate.keys import KeyRing
from agegate.law import COUNTRIES, Rulebook
from agegate.model import Assurance, Limit, SignalState
from agegate.signup.age_signals import shipped
from agegate.signup.decide import FRESH, said, youngest_reading
from agegate.signup.fields import NO_BIRTH_DATE, NO_SIGNALS, check_fields
from agegate.store import Store, tables
from tests.conftest import TODAY

GATE = AgeGate()
BOOK = Rulebook.load()
DOCS = Path(agegate.__file__).parents[1] / "docs" / "age_signals.md"
DAY = timedelta(days=1)

ADMIT, REFUSE, INVALID = Outcome.ADMIT, Outcome.REFUSE, Outcome.INVALID
SHARED, DECLINED, UNKNOWN = SignalState.SHARED, SignalState.DECLINED, SignalState.UNKNOWN
TOLD, GUARDIAN, ESTIMATED, CHECKED = (
    Assurance.DECLARED,
    Assurance.GUARDIAN,
    Assurance.ESTIMATED,
    Assurance.CHECKED,
)


def signal(youngest: int | None = None, oldest: int | None = None, on: date = TODAY) -> AgeSignal:
    return AgeSignal(
        state=SHARED, method="a_source", on=on, youngest=youngest, oldest=oldest, assurance=CHECKED
    )


def silent(state: SignalState = DECLINED) -> AgeSignal:
    return AgeSignal(state=state, method="a_source", on=TODAY)


def check(*signals: Any, today: date = TODAY, **fields: Any) -> Decision:
    return GATE.check(Registration(age_signals=signals, **fields), today=today)


def answer(decision: Decision) -> tuple[object, ...]:
    """What is decided and why, without how long a browser shall remember it."""
    return decision.outcome, decision.reason, decision.limit, decision.residence, decision.errors


def aged(years: int, on: date = TODAY) -> date:
    """The birth date of who has a birthday on a day."""
    return on.replace(year=on.year - years)


# --- the type -----------------------------------------------------------------------------------------

IMPOSSIBLE: list[dict[str, Any]] = [
    {"youngest": 18, "oldest": 17},
    {"youngest": -1},
    {"oldest": -1},
    {"youngest": 126},
    {"oldest": 10**30},
    {"youngest": 13.0},
    {"youngest": True},
    {"oldest": "15"},
    {"youngest": math.nan},
    {"youngest": None, "oldest": None},
    {"youngest": 13, "assurance": None},
    {"youngest": 13, "state": DECLINED},
    {"oldest": 12, "state": UNKNOWN},
    {"youngest": 13, "method": ""},
    {"youngest": 13, "method": "Ada Kestrel"},
    {"youngest": 13, "method": "a@example.org"},
    {"youngest": 13, "method": "m" * 41},
    {"youngest": 13, "on": date.min},
    {"youngest": 13, "on": date.max},
]


@pytest.mark.parametrize("fields", IMPOSSIBLE, ids=str)
def test_signal_that_cannot_be(fields: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"state": SHARED, "method": "a_source", "on": TODAY, "assurance": CHECKED} | fields
    with pytest.raises(ValueError, match="age signal") as refused:
        AgeSignal(**whole)
    assert "\n" not in str(refused.value)
    assert not re.search(r"Ada|@|mmm", str(refused.value))


def test_signal_shows_no_age() -> None:
    for text in (repr(signal(14, 17)), str(signal(14, 17)), repr(Registration(age_signals=(signal(14, 17),)))):
        assert "14" not in text
        assert "17" not in text
    assert repr(signal(14, 17)) == "AgeSignal(a_source, shared, 2026-11-22)"


def test_registration_without_signals_does_not_list_them() -> None:
    assert repr(Registration(country="DE")) == "Registration(country)"
    assert repr(Registration(age_signals=(silent(),))) == "Registration(age_signals)"


def test_signal_is_a_frozen_value() -> None:
    assert signal(13) == signal(13)
    assert pickle.loads(pickle.dumps(signal(13, 15))) == signal(13, 15)
    with pytest.raises(AttributeError):
        signal(13).youngest = 18  # type: ignore[misc]


def test_moment_is_read_as_its_day() -> None:
    moment = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    assert AgeSignal(state=SHARED, method="m", on=moment, youngest=13, assurance=TOLD).on == TODAY


@pytest.mark.parametrize(
    ("youngest", "oldest", "first", "last"),
    [
        (13, 15, date(2010, 11, 23), date(2013, 11, 22)),
        (18, None, date(1900, 11, 23), date(2008, 11, 22)),
        (None, 12, date(2013, 11, 23), date(2026, 11, 22)),
        (0, 12, date(2013, 11, 23), date(2026, 11, 22)),
        (13, 13, date(2012, 11, 23), date(2013, 11, 22)),
    ],
)
def test_signal_speaks_for_the_birth_dates_of_its_ages(
    youngest: int | None, oldest: int | None, first: date, last: date
) -> None:
    assert signal(youngest, oldest).born() == BirthDate(first, last)


# --- the sources --------------------------------------------------------------------------------------

Read = tuple[SignalState, int | None, int | None, Assurance | None]

NO_AGE: Read = (UNKNOWN, None, None, None)
NOT_SHARED: Read = (DECLINED, None, None, None)


def apple(low: object, high: object, declaration: object = "selfDeclared") -> dict[str, object]:
    return {"response": "sharing", "lowerBound": low, "upperBound": high, "ageRangeDeclaration": declaration}


def play(low: object, high: object, source: object = "TIER_B", status: object = "SHARED") -> dict[str, object]:
    return {"ageSignalsStatus": status, "ageRangeSource": source, "ageLower": low, "ageUpper": high}


def av(**elements: object) -> dict[str, object]:
    return {"eu.europa.ec.av.1": elements}


READINGS: dict[str, list[tuple[dict[Any, Any], Read]]] = {
    "apple": [
        (apple(13, 16), (SHARED, 13, 15, TOLD)),
        (apple(None, 13), (SHARED, None, 12, TOLD)),
        (apple(18, None), (SHARED, 18, None, TOLD)),
        (apple(13, 16, "guardianDeclared"), (SHARED, 13, 15, GUARDIAN)),
        (apple(13, 16, "guardianGovernmentIDChecked"), (SHARED, 13, 15, GUARDIAN)),
        (apple(13, 16, "guardianPaymentChecked"), (SHARED, 13, 15, GUARDIAN)),
        (apple(13, 16, "guardianCheckedByOtherMethod"), (SHARED, 13, 15, GUARDIAN)),
        (apple(18, None, "governmentIDChecked"), (SHARED, 18, None, CHECKED)),
        (apple(18, None, "paymentChecked"), (SHARED, 18, None, CHECKED)),
        (apple(18, None, "checkedByOtherMethod"), (SHARED, 18, None, CHECKED)),
        (apple(18, None, "confirmed"), (SHARED, 18, None, CHECKED)),
        (apple(18, None, None), (SHARED, 18, None, TOLD)),
        (apple(18, None, "of a later version"), (SHARED, 18, None, TOLD)),
        (apple(18, None, ["confirmed"]), (SHARED, 18, None, TOLD)),
        ({"response": "sharing", "lowerBound": 16}, (SHARED, 16, None, TOLD)),
        ({"response": "declinedSharing"}, NOT_SHARED),
        ({"response": "declinedSharing", "lowerBound": 18}, NOT_SHARED),
        (apple(None, None), NO_AGE),
        (apple(13, 13), NO_AGE),
        (apple(16, 13), NO_AGE),
        (apple(None, 0), NO_AGE),
        (apple(-1, -1), NO_AGE),
        (apple("18", None), NO_AGE),
        (apple(18.0, None), NO_AGE),
        (apple(18, True), NO_AGE),
        ({"lowerBound": 18}, NO_AGE),
        ({"response": "error", "lowerBound": 18}, NO_AGE),
    ],
    "google_play": [
        (play(13, 15), (SHARED, 13, 15, GUARDIAN)),
        (play(0, 12), (SHARED, 0, 12, GUARDIAN)),
        (play(18, None, "TIER_A"), (SHARED, 18, None, TOLD)),
        (play(18, None, "TIER_C"), (SHARED, 18, None, ESTIMATED)),
        (play(18, None, "TIER_D"), (SHARED, 18, None, CHECKED)),
        (play(18, None, "TIER_E"), (SHARED, 18, None, TOLD)),
        (play(18, None, None), (SHARED, 18, None, TOLD)),
        (play(13, 15) | {"significantChangeStatus": "DECLINED"}, (SHARED, 13, 15, GUARDIAN)),
        (play(None, None, None, "NOT_SHARED"), NOT_SHARED),
        (play(18, None, "TIER_D", "NOT_SHARED"), NOT_SHARED),
        (play(None, None, None, "VERIFICATION_REQUIRED"), NO_AGE),
        (play(18, None, "TIER_D", "VERIFICATION_REQUIRED"), NO_AGE),
        (play(None, None, None), NO_AGE),
        (play(15, 13), NO_AGE),
        (play(-1, -1), NO_AGE),
        (play("13", "15"), NO_AGE),
        (play(13, 15.5), NO_AGE),
        ({"userStatus": "VERIFIED"}, (SHARED, 18, None, ESTIMATED)),
        ({"userStatus": "VERIFIED", "ageLower": 18, "ageUpper": None}, (SHARED, 18, None, ESTIMATED)),
        ({"userStatus": "VERIFIED", "ageLower": 13, "ageUpper": 15}, (SHARED, 13, 15, ESTIMATED)),
        ({"userStatus": "DECLARED", "ageLower": 13, "ageUpper": 15}, (SHARED, 13, 15, TOLD)),
        ({"userStatus": "SUPERVISED", "ageLower": 10, "ageUpper": 14}, (SHARED, 10, 14, GUARDIAN)),
        ({"userStatus": "SUPERVISED", "ageLower": 18}, (SHARED, 18, None, GUARDIAN)),
        ({"userStatus": "SUPERVISED_APPROVAL_PENDING", "ageLower": 13}, (SHARED, 13, None, GUARDIAN)),
        ({"userStatus": "SUPERVISED_APPROVAL_DENIED", "ageUpper": 12}, (SHARED, None, 12, GUARDIAN)),
        ({"userStatus": "SUPERVISED"}, NO_AGE),
        ({"userStatus": "UNKNOWN"}, NO_AGE),
        ({"userStatus": "UNKNOWN", "ageLower": 18}, NO_AGE),
        ({"userStatus": None, "ageLower": None, "ageUpper": None}, NO_AGE),
        ({"userStatus": 0}, NO_AGE),
    ],
    "iso_18013_5": [
        ({"age_over_18": True}, (SHARED, 18, None, CHECKED)),
        ({"age_over_18": False}, (SHARED, None, 17, CHECKED)),
        ({"age_over_13": True, "age_over_16": False}, (SHARED, 13, 15, CHECKED)),
        ({"age_over_16": False, "age_over_13": True}, (SHARED, 13, 15, CHECKED)),
        ({"age_over_21": True, "age_over_18": True}, (SHARED, 21, None, CHECKED)),
        ({"age_over_21": False, "age_over_18": False}, (SHARED, None, 17, CHECKED)),
        ({"age_over_00": True, "age_over_99": False}, (SHARED, 0, 98, CHECKED)),
        ({"age_over_18": True, "age_over_16": False}, (SHARED, None, 15, CHECKED)),
        ({"age_over_18": True, "age_over_16": False, "age_over_13": True}, (SHARED, 13, 15, CHECKED)),
        ({"age_over_18": True, "family_name": "Kestrel", 5: True}, (SHARED, 18, None, CHECKED)),
        ({"age_over_18": "true"}, NO_AGE),
        ({"age_over_18": 1}, NO_AGE),
        ({"age_over_18": None}, NO_AGE),
        ({"age_over_18": True, "age_over_21": "no"}, NO_AGE),
        ({"age_over_8": True}, NO_AGE),
        ({"age_over_١٨": True}, NO_AGE),
        ({"age_over_NN": True}, NO_AGE),
        ({"age_over_00": False}, NO_AGE),
        ({"age_in_years": 40, "birth_date": "1986-01-01"}, NO_AGE),
        ({"org.iso.18013.5.1": {"age_over_18": True}}, NO_AGE),
    ],
    "openid4vp": [
        (av(age_over_18=True), (SHARED, 18, None, CHECKED)),
        (av(age_over_18=False), (SHARED, None, 17, CHECKED)),
        (av(age_over_18=True, age_over_21=False), (SHARED, 18, 20, CHECKED)),
        ({"eu.europa.ec.eudi.pid.1": {"age_over_16": True}}, (SHARED, 16, None, CHECKED)),
        ({"org.iso.18013.5.1": {"age_over_21": True}}, (SHARED, 21, None, CHECKED)),
        ({"age_equal_or_over": {"18": True}}, (SHARED, 18, None, CHECKED)),
        ({"age_equal_or_over": {"12": True, "14": True, "16": False}}, (SHARED, 14, 15, CHECKED)),
        (av(age_over_18=True) | {"age_equal_or_over": {"16": False}}, (SHARED, None, 15, CHECKED)),
        (av(age_over_18=True) | {"age_equal_or_over": {"18": False}}, (SHARED, None, 17, CHECKED)),
        ({"error": "access_denied"}, NOT_SHARED),
        ({"error": "access_denied"} | av(age_over_18=True), NOT_SHARED),
        ({"error": "invalid_request"}, NO_AGE),
        (av(age_over_18="yes"), NO_AGE),
        (av(), NO_AGE),
        ({"eu.europa.ec.av.1": [True]}, NO_AGE),
        ({"another.namespace.1": {"age_over_18": True}}, NO_AGE),
        ({"age_over_18": True}, NO_AGE),
        ({"age_equal_or_over": True}, NO_AGE),
        ({"age_equal_or_over": {18: True}}, NO_AGE),
        ({"age_equal_or_over": {"18": 1}}, NO_AGE),
        ({"age_equal_or_over": {"999": True}}, NO_AGE),
        ({"age_equal_or_over": {"-1": True}}, NO_AGE),
        ({"age_equal_or_over": {"18": True, "_sd": []}}, NO_AGE),
    ],
    "estimator": [
        ({"age": 17.4, "error": 2.1}, (SHARED, 15, 19, ESTIMATED)),
        ({"age": 25, "error": 5}, (SHARED, 20, 30, ESTIMATED)),
        ({"age": 17.9, "error": 0.05}, (SHARED, 17, 17, ESTIMATED)),
        ({"age": 1.5, "error": 4}, (SHARED, 0, 5, ESTIMATED)),
        ({"age": 120, "error": 10}, (SHARED, 110, None, ESTIMATED)),
        ({"declined": True}, NOT_SHARED),
        ({"declined": True, "age": 30, "error": 1}, NOT_SHARED),
        ({"declined": "no", "age": 30, "error": 1}, (SHARED, 29, 31, ESTIMATED)),
        ({"age": 30}, NO_AGE),
        ({"age": 30, "error": None}, NO_AGE),
        ({"age": 30, "error": 0}, NO_AGE),
        ({"age": 30, "error": -3}, NO_AGE),
        ({"age": 30, "error": math.inf}, NO_AGE),
        ({"age": math.nan, "error": 1}, NO_AGE),
        ({"age": 30, "error": math.nan}, NO_AGE),
        ({"age": "30", "error": 1}, NO_AGE),
        ({"age": True, "error": 1}, NO_AGE),
        ({"age": -1, "error": 3}, NO_AGE),
        ({"age": 10**400, "error": 1}, NO_AGE),
        ({"error": 2}, NO_AGE),
    ],
}
"""For every source: what it may say, and what that is."""

MALFORMED: list[Any] = [{}, None, [], "shared", 18, b"\x00", {1: 2}, {"": None}, object(), MappingProxyType({})]


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        pytest.param(name, *row, id=f"{name}-{at}")
        for name, rows in READINGS.items()
        for at, row in enumerate(rows)
    ],
)
def test_source_is_read(source: str, data: dict[Any, Any], expected: Read) -> None:
    found = shipped()[source](data, TODAY)
    assert (found.state, found.youngest, found.oldest, found.assurance) == expected
    assert found.on == TODAY


@pytest.mark.parametrize("source", sorted(READINGS))
@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_answer_is_unknown(source: str, data: Any) -> None:
    assert shipped()[source](data, TODAY).state is UNKNOWN


NAMES = sorted({name for rows in READINGS.values() for data, _ in rows for name in data}, key=str)
WORDS = (
    "sharing",
    "declinedSharing",
    "SHARED",
    "VERIFIED",
    "TIER_B",
    "selfDeclared",
    "access_denied",
    "18",
    "",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["age_over_18", "age_over_99", "18", "7"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(READINGS)), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_no_reader_raises_on_values(source: str, data: Mapping[Any, object]) -> None:
    found = shipped()[source](data, TODAY)
    assert (found.state is SHARED) == (found.youngest is not None or found.oldest is not None)


@settings(max_examples=200)
@given(st.dictionaries(st.integers(0, 99), st.booleans(), max_size=4))
def test_document_never_makes_its_holder_older_than_what_it_says(statements: dict[int, bool]) -> None:
    data = {f"age_over_{age:02}": holds for age, holds in statements.items()}
    found = shipped()["iso_18013_5"](data, TODAY)
    in_a_wallet = shipped()["openid4vp"]({"org.iso.18013.5.1": data}, TODAY)
    assert (found.youngest, found.oldest) == (in_a_wallet.youngest, in_a_wallet.oldest)
    if found.oldest is not None:
        assert all(found.oldest < age for age, holds in statements.items() if not holds)
    if found.youngest is not None:
        assert statements[found.youngest] is True
        assert all(found.youngest < age for age, holds in statements.items() if not holds)


def test_every_source_has_a_table_here_and_a_line_in_the_docs() -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", DOCS.read_text(encoding="utf-8"), re.M)
    assert sorted(shipped()) == sorted(READINGS) == sorted(rows)
    folder = Path(agegate.__file__).parent / "signup" / "age_signals"
    assert sorted(shipped()) == sorted(file.stem for file in folder.glob("[a-z]*.py"))


def test_no_two_sources_share_a_method() -> None:
    methods = [read({}, TODAY).method for read in shipped().values()]
    assert len(set(methods)) == len(methods)


def test_example_of_the_docs_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(example, str(DOCS), "exec"), names)
    assert any(isinstance(value, Decision) for value in names.values()), "it comes to a decision"


# --- with a declared birth date -----------------------------------------------------------------------

WITH_A_DATE: list[tuple[object, tuple[AgeSignal, ...], str, Outcome]] = [
    # the declared birth date, the signals, where, and what is decided
    (aged(20), (signal(18),), "DE", ADMIT),
    (aged(16), (signal(13),), "DE", ADMIT),
    (aged(16), (signal(13, 15),), "DE", REFUSE),
    (aged(16), (signal(13, 15),), "US", ADMIT),  # the younger one is old enough there
    (aged(13), (signal(0, 12),), "US", REFUSE),
    (aged(40), (signal(None, 12),), "US", REFUSE),
    (aged(40), (signal(None, 17),), "US", REFUSE),  # nobody knows how young
    (aged(40), (signal(13, 17),), "US", ADMIT),
    (aged(40), (signal(12, 17),), "US", REFUSE),
    (aged(12), (signal(18),), "US", REFUSE),  # an adult signal clears no child
    (aged(12), (signal(18), signal(21), signal(30, 40)), "US", REFUSE),
    (aged(16) + DAY, (signal(16),), "DE", REFUSE),
    (aged(40), (signal(18), signal(13, 15)), "DE", REFUSE),
    (aged(40), (signal(30, 50), signal(13, 15), signal(14, 15)), "FR", REFUSE),
    (aged(40), (signal(30, 50), signal(15, 17)), "FR", ADMIT),
    ("2010", (signal(16),), "DE", REFUSE),  # a partial date is not narrowed
    ("2010", (), "DE", REFUSE),
    ("2009", (signal(16),), "DE", ADMIT),
    (aged(20), (silent(DECLINED), silent(UNKNOWN)), "DE", ADMIT),
    (aged(12), (silent(DECLINED), silent(UNKNOWN)), "DE", REFUSE),
    # the day on which it was said counts: at most 12 three years ago is at most 15 now
    (aged(16), (signal(None, 12, TODAY.replace(year=2023)),), "DE", REFUSE),
    (aged(15), (signal(10, 12, TODAY.replace(year=2023)),), "US", ADMIT),
    # what comes from a clock that is ahead can lower
    (aged(40), (signal(None, 12, TODAY + DAY),), "US", REFUSE),
    (aged(40), (signal(None, 12, TODAY + 900 * DAY),), "US", REFUSE),
]


@pytest.mark.parametrize(("born", "signals", "country", "outcome"), WITH_A_DATE)
def test_lower_of_two_conflicting_wins(
    born: object, signals: tuple[AgeSignal, ...], country: str, outcome: Outcome
) -> None:
    decision = check(*signals, birth_date=born, country=country)
    assert decision.outcome is outcome
    assert decision.reason is (Reason.OLD_ENOUGH if outcome is ADMIT else Reason.UNDER_LIMIT)
    assert decision.errors == ()


@pytest.mark.parametrize(("shift", "outcome"), [(-1, ADMIT), (0, ADMIT), (1, REFUSE)])
def test_signal_decides_to_the_day(shift: int, outcome: Outcome) -> None:
    """Exactly 13 on some day before: 14 for certain a year later, on that day and not on the one before."""
    said_on = TODAY.replace(year=2025) + shift * DAY
    assert check(signal(13, 13, said_on), birth_date="1990", country="KR").outcome is outcome


# --- without a birth date -----------------------------------------------------------------------------

WITHOUT_A_DATE: list[tuple[tuple[AgeSignal, ...], str, Outcome]] = [
    ((signal(18),), "DE", ADMIT),
    ((signal(16),), "DE", ADMIT),
    ((signal(13, 15),), "DE", REFUSE),
    ((signal(13, 15),), "US", ADMIT),
    ((signal(13),), "KR", REFUSE),  # may be 13, and the limit is 14
    ((signal(1, 12),), "US", REFUSE),
    ((signal(0, 12),), "US", REFUSE),
    ((signal(None, 12),), "US", REFUSE),
    ((signal(None, 13),), "US", INVALID),  # may be 13: asked
    ((signal(0, 13),), "US", INVALID),  # 0 says as little as nothing
    ((signal(None, 15),), "DE", REFUSE),
    ((signal(None, 16),), "DE", INVALID),
    ((signal(None, 40),), "DE", INVALID),
    ((signal(0),), "DE", INVALID),
    ((silent(DECLINED),), "DE", INVALID),
    ((silent(UNKNOWN),), "DE", INVALID),
    ((silent(), signal(18)), "DE", ADMIT),
    ((signal(18), signal(13, 15)), "DE", REFUSE),
    ((signal(18), signal(13, 15)), "US", ADMIT),
    ((signal(16), signal(None, 17)), "DE", ADMIT),  # both can be true
    ((signal(18), signal(None, 12)), "US", REFUSE),
    ((signal(None, 20), signal(None, 12)), "US", REFUSE),
    # the day: fresh, of a year ago and more, still to come
    ((signal(16, None, TODAY - FRESH),), "DE", ADMIT),
    ((signal(16, None, TODAY - FRESH - DAY),), "DE", INVALID),
    ((signal(16, None, TODAY + DAY),), "DE", INVALID),
    ((signal(16, None, TODAY + DAY), signal(18)), "DE", ADMIT),
    ((signal(15, None, TODAY - DAY),), "DE", REFUSE),
    ((signal(15, None, TODAY.replace(year=2025)),), "DE", ADMIT),  # 15 a year ago
    ((signal(18), signal(None, 12, TODAY - 2 * FRESH)), "DE", REFUSE),
    ((signal(None, 5, TODAY - 3 * FRESH),), "US", REFUSE),
]


@pytest.mark.parametrize("born", [None, ""])
@pytest.mark.parametrize(("signals", "country", "outcome"), WITHOUT_A_DATE)
def test_signal_stands_in_for_a_missing_birth_date(
    signals: tuple[AgeSignal, ...], country: str, outcome: Outcome, born: str | None
) -> None:
    decision = check(*signals, birth_date=born, country=country)
    assert decision.outcome is outcome
    assert decision.errors == ((NO_BIRTH_DATE,) if outcome is INVALID else ())


def test_signal_does_not_hide_other_errors() -> None:
    assert [error.field for error in check(signal(18)).errors] == ["country"]
    assert {error.field for error in check(signal(None, 5)).errors} == {"birth_date", "country"}
    unreadable = check(signal(18), birth_date="soon", country="DE")
    assert [(error.field, error.code) for error in unreadable.errors] == [("birth_date", "not_a_birth_date")]


@pytest.mark.parametrize(
    "value",
    ["shared", 18, {"youngest": 18}, ({"youngest": 18},), (signal(18), None), [[signal(18)]], object(), (18,)],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_signal_is_an_error_of_the_field(value: Any) -> None:
    decision = GATE.check(Registration(birth_date="1990", country="DE", age_signals=value), today=TODAY)
    assert decision.outcome is INVALID
    assert decision.errors == (NO_SIGNALS,)
    assert (NO_SIGNALS.field, NO_SIGNALS.code) == ("age_signals", "invalid")


def test_value_that_cannot_even_be_compared_is_an_error_of_the_field() -> None:
    registration = Registration(birth_date="1990", country="DE", age_signals=numpy.array([1, 2]))  # type: ignore[arg-type]
    assert GATE.check(registration, today=TODAY).errors == (NO_SIGNALS,)
    assert repr(registration) == "Registration(birth_date, country, age_signals)"


@pytest.mark.parametrize("value", [None, (), []], ids=repr)
def test_no_signals_are_no_error(value: Any) -> None:
    registration = Registration(birth_date="1990", country="DE", age_signals=value)
    assert GATE.check(registration, today=TODAY) == check(birth_date="1990", country="DE")


@pytest.mark.parametrize("wrap", [list, lambda signals: signals[0]], ids=["list", "alone"])
def test_signals_may_come_in_a_list_or_alone(wrap: Any) -> None:
    registration = Registration(country="DE", age_signals=wrap((signal(13, 15),)))
    assert GATE.check(registration, today=TODAY).outcome is REFUSE


# --- what holds whatever is said ----------------------------------------------------------------------

AGES = st.none() | st.integers(0, 30)
DAYS = st.dates(TODAY - 3 * FRESH, TODAY + 5 * DAY) | st.just(TODAY)


@st.composite
def shared(draw: st.DrawFn) -> AgeSignal:
    """A signal of any interval, most of them of the last years."""
    youngest, oldest = draw(AGES), draw(AGES)
    if youngest is None and oldest is None:
        oldest = draw(st.integers(0, 30))
    if youngest is not None and oldest is not None:
        youngest, oldest = sorted((youngest, oldest))
    return signal(youngest, oldest, draw(DAYS))


SIGNALS = st.lists(shared() | st.sampled_from((silent(DECLINED), silent(UNKNOWN))), max_size=3)
BORN = st.dates(date(1990, 1, 1), TODAY).flatmap(
    lambda day: st.sampled_from((day, day.isoformat(), f"{day:%Y-%m}", f"{day:%Y}", BirthDate.on(day)))
)
PLACES = st.fixed_dictionaries(
    {"country": st.sampled_from(sorted(COUNTRIES))},
    optional={"billing_country": st.sampled_from(sorted(COUNTRIES)), "ip_country": st.just("DE")},
)


@settings(max_examples=300)
@given(BORN, PLACES, SIGNALS)
def test_signals_are_never_looser_than_the_declared_date_alone(
    born: Any, places: dict[str, Any], signals: list[AgeSignal]
) -> None:
    alone = check(birth_date=born, **places)
    decision = check(*signals, birth_date=born, **places)
    assert decision.outcome in ({ADMIT, REFUSE} if alone.outcome is ADMIT else {REFUSE})
    assert (decision.limit, decision.residence) == (alone.limit, alone.residence)


@settings(max_examples=300)
@given(st.none() | BORN, PLACES, SIGNALS, shared())
def test_one_more_signal_never_lets_in_who_was_refused(
    born: Any, places: dict[str, Any], signals: list[AgeSignal], more: AgeSignal
) -> None:
    if check(*signals, birth_date=born, **places).outcome is REFUSE:
        assert check(*signals, more, birth_date=born, **places).outcome is REFUSE


@settings(max_examples=200)
@given(st.none() | BORN, PLACES, SIGNALS)
def test_order_of_signals_makes_no_difference(
    born: Any, places: dict[str, Any], signals: list[AgeSignal]
) -> None:
    rows = itertools.permutations(signals)
    first, *others = [answer(check(*row, birth_date=born, **places)) for row in rows]
    assert all(other == first for other in others)


@given(st.none() | BORN, PLACES, SIGNALS)
def test_declined_and_unknown_change_nothing(
    born: Any, places: dict[str, Any], signals: list[AgeSignal]
) -> None:
    spoken = [found for found in signals if found.state is SHARED]
    with_silent, without = (check(*row, birth_date=born, **places) for row in (signals, spoken))
    assert answer(with_silent) == answer(without)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(COUNTRIES)),
    st.integers(0, 12),
    st.dates(date(2010, 1, 1), date(2040, 12, 31)),
    st.integers(18, 60),
)
def test_adult_signal_never_admits_a_declared_child_anywhere_on_any_day(
    country: str, age: int, today: date, adult: int
) -> None:
    born = today - timedelta(days=round(age * 365.2425))
    assert check(signal(adult, None, today), birth_date=born, country=country, today=today).outcome is REFUSE


@given(BORN, SIGNALS)
def test_reading_is_the_declared_date_or_a_younger_one(born: Any, signals: list[AgeSignal]) -> None:
    declared = check_fields(Registration(birth_date=born, country="DE"), TODAY).birth_date
    assert declared is not None
    reading = youngest_reading(declared, signals, TODAY)
    assert reading is not None
    assert reading == declared or reading.first > declared.last


# --- ten thousand registrations, against a reckoning of the test's own --------------------------------

PEOPLE = 10_000


def age_on(born: date, day: date) -> int:
    """Whole years, by months and days alone; 29 February is not over before 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def born_barely(age: int, on: date) -> date:
    """The last day on which one can be born and have an age on a day."""
    year = on.year - age
    try:
        return on.replace(year=year)
    except ValueError:  # born on a day after 28 February they would be a day too young
        return date(year, 2, 28)


def strictest_born(latest: date | None, signals: list[AgeSignal], day: date) -> date | None:
    """The latest day of birth that is plausible, or none where nothing says how old somebody is at least."""
    spoken = [found for found in signals if found.state is SHARED]
    if latest is None:
        usable = [found for found in spoken if found.youngest and 0 <= (day - found.on).days <= FRESH.days]
        if not usable:
            return None
        latest = max(born_barely(found.youngest or 0, found.on) for found in usable)
    lower = [found for found in spoken if found.oldest is not None and age_on(latest, found.on) > found.oldest]
    return max([latest, *(born_barely(found.youngest or 0, found.on) for found in lower)])


def is_under(limit: Limit, born: date, day: date) -> bool:
    if limit.rule is not None and limit.rule.attain == "jan1_of_year":
        return day.year - born.year < limit.age
    return age_on(born, day) < limit.age


def some_signals(chance: random.Random, day: date) -> list[AgeSignal]:
    found = []
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        if chance.random() < 0.15:
            found.append(silent(chance.choice((DECLINED, UNKNOWN))))
            continue
        youngest = chance.choice((None, 0, 9, 13, 14, 15, 16, 17, 18, 21))
        width = chance.choice((None, 0, 1, 2, 5, 30))
        oldest = None if width is None else (youngest or 12) + width
        if youngest is None and oldest is None:
            oldest = 12
        on = day - chance.choice((0, 0, 0, 0, 1, 200, 365, 400, 401, 2000, -1, -2, -40)) * DAY
        found.append(signal(youngest, oldest, on))
    return found


def some_birth_date(chance: random.Random, day: date) -> tuple[object, date | None]:
    """What was given as a birth date, and the latest day that it can mean."""
    born = day - timedelta(days=chance.randint(0, 30 * 365))
    kind = chance.random()
    if kind < 0.4:
        return None, None
    if kind < 0.5:
        return chance.choice(("soon", "2012-13", 5, day + DAY)), None
    if kind < 0.6:
        return f"{born:%Y}", date(born.year, 12, 31)
    return born, born


def test_ten_thousand_registrations_admit_nobody_whose_strictest_reading_is_under_age() -> None:
    chance, service, answers = random.Random(20261122), Service(), Counter[tuple[Outcome, bool]]()
    countries = sorted(COUNTRIES)
    for _ in range(PEOPLE):
        day = date(2024, 1, 1) + timedelta(days=chance.randrange(5 * 366))
        given, latest = some_birth_date(chance, day)
        signals = some_signals(chance, day)
        fields: dict[str, Any] = {"country": chance.choice((*countries, *("DE", "US", "FR", "KR") * 30, None))}
        if chance.random() < 0.3:
            fields["billing_country"] = chance.choice(countries)
        if chance.random() < 0.2:
            fields["ip_country"] = chance.choice(countries)
        decision = check(*signals, birth_date=given, today=day, **fields)
        answers[decision.outcome, latest is None] += 1
        if decision.outcome is not ADMIT:
            continue
        born = strictest_born(latest, signals, day)
        assert born is not None, "admitted, and nothing says how old"
        assert decision.residence is not None
        assert decision.residence.places
        for place in decision.residence.places:
            limit = BOOK.limit(place.jurisdiction, on=day, service=service)
            assert not is_under(limit, born, day), (given, signals, place, day)
    assert all(answers[outcome, missing] > 100 for outcome in (ADMIT, REFUSE) for missing in (True, False))


# --- what is kept, and accounts that are there already ------------------------------------------------

LIMIT = BOOK.limit("DE", on=TODAY, service=Service())


def test_what_is_kept_of_a_signal_is_its_method_and_over_or_under() -> None:
    signals = [signal(18), signal(13, 15), signal(None, 40), silent(), signal(16, None, TODAY - FRESH - DAY)]
    kept = said(signals, LIMIT, TODAY)
    assert LIMIT.age == 16
    assert [row["over"] for row in kept] == [True, False, False, False]
    assert all(row.keys() == {"method", "over"} for row in kept)
    assert {row["method"] for row in kept} == {"a_source"}
    assert said([], LIMIT, TODAY) == []


@given(SIGNALS, PLACES)
def test_one_signal_is_over_just_when_it_alone_admits(signals: list[AgeSignal], places: dict[str, Any]) -> None:
    for found in signals:
        decision = check(found, **places)
        limit = decision.limit or check(birth_date="1950", **places).limit
        assert limit is not None
        assert [row["over"] for row in said([found], limit, TODAY)] == (
            [decision.outcome is ADMIT] if found.state is SHARED else []
        )


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("born", [None, "1984-04-17", "2015-04-17"])
@pytest.mark.parametrize(
    "signals",
    [(signal(None, 12),), (signal(30),), (silent(),), ("?",)],
    ids=["child", "adult", "silent", "none"],
)
def test_accounts_that_are_there_go_by_the_birth_date_alone(
    tmp_path: Path, signals: Any, born: str | None, answered: bool
) -> None:
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")
    standings = [
        gate.check_existing(
            account,
            Registration(birth_date=born, country="DE", age_signals=given),
            created_on=date(2026, 1, 15),
            answered=answered,
            today=TODAY,
        )
        for account, given in (("1", ()), ("2", signals))
    ]
    assert standings[0] == standings[1]


def test_no_age_of_a_signal_reaches_the_store(tmp_path: Path) -> None:
    """97 and 98: ages that nothing else in an event is made of."""
    store = Store(f"sqlite:///{tmp_path}/agegate.db", create=True)
    store.create()
    gate = AgeGate(store=store, keys=KeyRing.generate())
    for country, found in (("DE", signal(97, 98)), ("US", signal(None, 12))):
        registration = Registration(country=country, email="kestrel@example.org", age_signals=(found,))
        gate.check(registration, today=TODAY)
    with store.reading() as connection:
        rows = connection.execute(sa.select(tables.events)).mappings().all()
    store.dispose()
    assert [row["kind"] for row in rows] == ["signup.admitted", "signup.refused"]
    assert not any(re.search(r"97|98|youngest|oldest|assurance", str(row["data"])) for row in rows)
