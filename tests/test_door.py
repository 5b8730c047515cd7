"""The door: whatever is posted, one answer to all who are refused, and no trace of any of them."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from agegate import AgeGate, Decision, FieldError, Outcome, Reason, Registration
from agegate.errors import ConfigError, DatabaseError
from agegate.signup.door import LARGEST_BODY, STATUS, TOO_LARGE, Door, problem
from agegate.signup.languages import LANGUAGES
from tests import test_gate_store
from tests.conftest import NOW, Layout
from tests.hosts import enrol, school
from tests.test_gate_store import ADULT, CHILD, DEVICE, EMAIL, KEYS, PHONE, Desktop
from tests.traces import BIRTH_DATE, IP, MARK, MARKERS, rows, traces

sqlite_desk = test_gate_store.sqlite_desk

NAME, CONTACT = "Papercrane", "help@papercrane.example.net"
HOUR = timedelta(hours=1)

DOOR = Door(AgeGate(keys=KEYS), NAME, CONTACT)
"""Without a store, for what does not need one."""


@pytest.fixture
def door(sqlite_desk: Desktop) -> Door:
    """A door whose gate remembers."""
    return Door(sqlite_desk.gate, NAME, CONTACT)


def answer(door: Door, decision: Decision, language: str = "en") -> str:
    """All that a person is sent: the document as it travels, and the page."""
    return json.dumps(door.problem(decision, language), ensure_ascii=False) + door.page(decision, language)


# --- what was posted, as a registration ---------------------------------------------------------------------

POSTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # what was posted; the registration's fields
    ({}, {}),
    ({"birth_date": "2012-05-01"}, {"birth_date": "2012-05-01"}),
    ({"birth_year": "2012", "birth_month": "5", "birth_day": "1"}, {"birth_date": "2012-05-01"}),
    (
        {"birth_date": "", "birth_year": "2012", "birth_month": "05", "birth_day": "01"},
        {"birth_date": "2012-05-01"},
    ),
    (
        {"birth_date": None, "birth_year": "٢٠١٢", "birth_month": "٥", "birth_day": "١"},
        {"birth_date": "2012-05-01"},
    ),
    (
        {"birth_date": "1984", "birth_year": "2012", "birth_month": "5", "birth_day": "1"},
        {"birth_date": "1984"},
    ),
    ({"birth_year": "2012", "birth_month": "2", "birth_day": "31"}, {"birth_date": "invalid"}),
    ({"birth_year": "12", "birth_month": "2", "birth_day": "3"}, {"birth_date": "invalid"}),
    ({"birth_year": "2012"}, {"birth_date": "invalid"}),
    ({"birth_year": 2012, "birth_month": 5, "birth_day": 1}, {"birth_date": "invalid"}),
    ({"country": "US", "region": None, "email": ""}, {"country": "US", "email": ""}),
    ({"country": ["US"], "payer": {"a": 1}}, {"country": ["US"], "payer": {"a": 1}}),
    ({"birth_date": False, "email": 0}, {"birth_date": False, "email": 0}),
    (
        {
            "billing_country": "DE",
            "payer": "school",
            "phone": PHONE,
            "locale": "de",
            "time_zone": "Europe/Berlin",
        },
        {
            "billing_country": "DE",
            "payer": "school",
            "phone": PHONE,
            "locale": "de",
            "time_zone": "Europe/Berlin",
        },
    ),
    # what a person may not say of themselves, and what is no field
    ({"device": "new", "ip": "192.0.2.1", "ip_country": "JP", "age_signals": [{"youngest": 18}]}, {}),
    ({"token": "v1", "refused_before": False, "today": "2099-01-01", "now": 0, "service": "x", "": "y"}, {}),
]


@pytest.mark.parametrize("number", range(len(POSTED)))
def test_posted_fields_become_a_registration(number: int) -> None:
    posted, fields = POSTED[number]
    assert DOOR.registration(posted) == Registration(**fields)


def test_what_the_host_knows_outranks_what_was_posted() -> None:
    posted = {"device": "mine", "ip": "192.0.2.1", "ip_country": "JP", "country": "JP", "email": EMAIL}
    known = {"device": DEVICE, "ip": "192.0.2.99", "ip_country": "DE", "country": "US"}
    assert DOOR.registration(posted, **known) == Registration(**known, email=EMAIL)


def test_posted_device_helps_nobody_past_the_memory(door: Door) -> None:
    """Neither a new device that is made up, nor another one's."""
    posted = {"birth_date": CHILD, "country": "US"}
    assert door.decide(door.registration(posted, device=DEVICE), now=NOW).outcome is Outcome.REFUSE
    for made_up in ("new", "", None, ["new"], DEVICE.upper()):
        again = door.registration({"birth_date": ADULT, "country": "US", "device": made_up}, device=DEVICE)
        assert door.decide(again, now=NOW + HOUR).reason is Reason.REFUSED_BEFORE


def test_posted_device_condemns_nobody(door: Door) -> None:
    """A child cannot have the memory of a refusal put on another's device."""
    posted = {"birth_date": CHILD, "country": "US", "device": DEVICE}
    assert door.decide(door.registration(posted), now=NOW).outcome is Outcome.REFUSE
    adult = door.registration({"birth_date": ADULT, "country": "US", "email": "a@example.org"}, device=DEVICE)
    assert door.decide(adult, now=NOW).outcome is Outcome.ADMIT


def test_posted_address_or_age_admits_nobody() -> None:
    posted = {
        "birth_date": "2011-06-01",
        "country": "DE",
        "ip_country": "US",
        "age_signals": "adult",
        "age": 40,
    }
    assert DOOR.decide(DOOR.registration(posted), now=NOW).outcome is Outcome.REFUSE


# --- one answer to all who are refused ----------------------------------------------------------------------

REFUSED: list[dict[str, Any]] = [
    {"birth_date": CHILD, "country": "US"},
    {"birth_date": "2024-12-31", "country": "US"},
    {"birth_date": "2011-02-03", "country": "DE"},
    {"birth_date": "2013", "country": "KR", "email": EMAIL, "phone": PHONE},
    {"birth_date": "2009-05-05", "country": "CO"},
    {"birth_date": "2013-01-01", "country": "US", "billing_country": "FR"},
    {"birth_date": CHILD, "country": "US", "locale": "ar-EG", "time_zone": "Africa/Cairo"},
]


@pytest.mark.parametrize("language", [*LANGUAGES, "fr-CA, en;q=0.5", "xx", "", None, "*" * 10_000])
def test_all_refusals_are_the_same_bytes(language: str | None) -> None:
    decisions = [DOOR.decide(DOOR.registration(posted), now=NOW) for posted in REFUSED]
    cookie = DOOR.crumb(decisions[0], None, now=NOW)
    assert cookie is not None
    adult = DOOR.registration({"birth_date": ADULT, "country": "US"})
    decisions.append(DOOR.decide(adult, cookie.value, now=NOW))
    assert decisions[-1].reason is Reason.REFUSED_BEFORE
    assert {decision.outcome for decision in decisions} == {Outcome.REFUSE}
    assert len({json.dumps(DOOR.problem(decision, language)) for decision in decisions}) == 1
    assert len({DOOR.page(decision, language) for decision in decisions}) == 1
    assert len({DOOR.crumb(decision, None, now=NOW) for decision in decisions[:-1]}) == 1


def test_refusal_by_memory_is_the_same_answer(door: Door) -> None:
    given = {"country": "US", "email": EMAIL, "phone": PHONE}
    first = door.decide(door.registration({"birth_date": CHILD} | given, device=DEVICE), now=NOW)
    for handle in ({"email": EMAIL}, {"phone": PHONE}, {}):
        posted = {"birth_date": ADULT, "country": "US"} | handle
        again = door.decide(door.registration(posted, device=DEVICE), now=NOW + HOUR)
        assert (first.reason, again.reason) == (Reason.UNDER_LIMIT, Reason.REFUSED_BEFORE)
        assert answer(door, again) == answer(door, first)


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusal_names_no_limit_and_no_reason(language: str) -> None:
    for country, limits in (("US", ("13", "12", "14")), ("DE", ("16", "15", "17")), ("CO", ("18", "17"))):
        decision = DOOR.decide(DOOR.registration({"birth_date": CHILD, "country": country}), now=NOW)
        told = DOOR.problem(decision, language)
        assert set(told) == {"type", "status", "title", "detail"}
        assert (told["type"], told["status"], told["title"]) == ("about:blank", 403, "Forbidden")
        assert CONTACT in str(told["detail"])
        said = str(told["detail"]).replace(CONTACT, "")
        assert [limit for limit in limits if limit in said] == []
        assert not any(character.isdecimal() for character in said)


def test_coroutines_get_the_same_decisions(door: Door) -> None:
    async def ask(posted: Mapping[str, object], cookie: object = None) -> Decision:
        return await door.adecide(door.registration(posted), cookie, now=NOW)

    for posted in ({"birth_date": ADULT, "country": "US"}, {"birth_date": CHILD, "country": "US"}, {}):
        assert asyncio.run(ask(posted)) == door.decide(door.registration(posted), now=NOW)
    crumb = door.crumb(door.decide(door.registration(REFUSED[0]), now=NOW), None, now=NOW)
    assert crumb is not None
    again = asyncio.run(ask({"birth_date": ADULT, "country": "US"}, crumb.value))
    assert again.reason is Reason.REFUSED_BEFORE


def test_body_that_is_too_large_is_a_problem_of_the_same_kind() -> None:
    told = problem(DOOR.screen, Outcome.INVALID, (TOO_LARGE,), "en", 413)
    assert (told["status"], told["type"]) == (413, "about:blank")
    assert [error["field"] for error in told["errors"]] == ["body"]  # type: ignore[attr-defined]
    assert LARGEST_BODY >= 100_000
    assert STATUS[Outcome.REFUSE] == 403


def test_door_of_a_configuration_needs_a_contact(layout: Layout) -> None:
    school(layout)
    file = layout.folder / "agegate.toml"
    with pytest.raises(ConfigError, match=r"service\.contact"):
        Door.from_config(str(file))
    text = file.read_text(encoding="utf-8")
    section = f'[service]\nname = "{NAME}"\ncontact = "{CONTACT}"\n[gate]\ndevice_hours = 2\n'
    file.write_text(section + text, encoding="utf-8")
    made = Door.from_config(str(file), secure=False)
    crumb = made.crumb(made.decide(made.registration(REFUSED[0], device=DEVICE), now=NOW), now=NOW)
    assert crumb is not None
    assert (crumb.max_age, crumb.secure) == (2 * 3600, False)
    assert NAME in made.page(made.decide(made.registration({}), now=NOW))


# --- bad input ----------------------------------------------------------------------------------------------

LONG = "9" * 10_000_000
# fmt: off
BAD: dict[str, list[Any]] = {
    "birth_date": [
        "0001-01-01", "0001", "2300-01-01", "2300", "2012-02-31", "1392-05-01", "٢٠١٢-٠٥-٠١", "12-05-01",
        "01/05/12", "2012-05-01\x00", "\x002012-05-01", "2012-5-1", "2012-05-01T00:00", "\ud800",
        "2012-05-\udc00", "🎂🎂🎂🎂🎂", LONG, 2012, 20120501.5, True, False, b"2012-05-01",
        ["2012-05-01"], [["2012"]], {"year": "2012"}, {"a": {"b": [1]}}, (), 10**400, float("nan"),
        float("inf"), object(),
    ],
    "country": [
        "UK", "EU", "ZZ", "Ｄ Ｅ", "D\x00E", "Türkiye", "\ud83c", LONG, 49, True, ["DE"], {"code": "DE"}, [[]],
        1e400, object(),
    ],
    "region": ["Québec", "US-QC-1", "\x00\x00", "\udfff", LONG, 5, ["CA"], {"a": 1}],
    "billing_country": ["UK", "ΑΤ", LONG, 43, ["AT"], {"AT": 1}, True],
    "payer": ["my aunt", "LEARNER", LONG, 5, ["learner"], {"learner": 1}, True, [[["learner"]]]],
    "phone": [
        "1" * 80, "+" * 80, "+1" + "0" * 78, "+1 201 555 014\x00", "٠١٢", "☎☎☎☎☎", "\ud800" * 9, LONG, 5,
        12015550147, ["+12015550147"], {"n": 1}, True,
    ],
    "email": [
        "nobody", "a@b", "kestrel@example.org\x00", "kes\x00trel@example.org", "kestrel@exa\nmple.org",
        "kestrel@example.org,b@example.org", "kestrel＠example.org", "\ud800@example.org",
        "kestrel@\udfffexample.org", "@" * 300, "k@" + "e" * 300 + ".org", LONG, 17, True,
        ["k@example.org"], {"k": "@"}, b"k@example.org",
    ],
}
# fmt: on
BAD_ONES = [
    pytest.param(name, value, id=f"{name}-{number}")
    for name, values in BAD.items()
    for number, value in enumerate(values)
]


@pytest.mark.parametrize(("name", "value"), BAD_ONES)
def test_bad_value_is_named_by_its_field_and_never_repeated(door: Door, name: str, value: Any) -> None:
    posted = {"birth_date": CHILD, "country": "US", "email": EMAIL} | {name: value}
    decision = door.decide(door.registration(posted, device=DEVICE), now=NOW)
    assert decision.outcome is Outcome.INVALID
    assert [error.field for error in decision.errors] == [name]
    told = door.problem(decision)
    assert (told["status"], told["title"]) == (422, "Unprocessable Content")
    (listed,) = told["errors"]  # type: ignore[misc]
    assert set(listed) == {"field", "code", "message"}
    assert (listed["field"], len(listed["message"]) < 120) == (name, True)
    other = DOOR.decide(DOOR.registration(posted | {name: BAD[name][0]}), now=NOW)
    assert answer(door, decision) == answer(DOOR, other), "the answer follows from the field alone"
    for shown in {str(value), repr(value)}:
        if len(shown) > 4:
            assert shown not in json.dumps(told, ensure_ascii=False) + repr(decision)
    assert door.crumb(decision, None, now=NOW) is None
    assert rows(door_store(door)) == {"agegate_version": 1}, "an unfinished sign-up leaves nothing"


def door_store(door: Door) -> sa.Engine:
    memory = door.gate._memory
    assert memory is not None
    return memory.store.engine


BOXES: list[tuple[Any, Any, Any]] = [
    # year, month, day
    ("1", "1", "1"),
    ("2300", "1", "1"),
    ("2012", "2", "31"),
    ("1392", "5", "1"),
    ("12", "5", "1"),
    ("2012", "5", ""),
    ("2012", "", ""),
    ("", "", "1"),
    (LONG, "5", "1"),
    ("2012", LONG, "1"),
    ("2012\x00", "5", "1"),
    ("\ud800", "5", "1"),
    ("२०१२", "٥", "\ud800"),
    (2012, 5, 1),
    (True, True, True),
    (["2012"], ["5"], ["1"]),
    ({"y": 2012}, [], {}),
    ("²⁰¹²", "5", "1"),
    ("MMXII", "V", "I"),
    ("+201", "5", "1"),
    ("-012", "5", "1"),
    ("2_12", "5", "1"),
    ("1e3 ", "5", "1"),
]


@pytest.mark.parametrize("number", range(len(BOXES)))
def test_bad_boxes_are_no_birth_date(number: int) -> None:
    posted = dict(zip(("birth_year", "birth_month", "birth_day"), BOXES[number], strict=True))
    decision = DOOR.decide(DOOR.registration(posted | {"country": "US"}), now=NOW)
    assert [error.field for error in decision.errors] == ["birth_date"]
    assert "2012" not in answer(DOOR, decision)


@pytest.mark.parametrize("name", ["locale", "time_zone"])
@pytest.mark.parametrize("value", ["\ud800\x00", 5, True, [], {"a": 1}, [["de"]], float("nan"), b"de"])
def test_what_a_device_says_of_itself_is_no_reason_to_fail(name: str, value: object) -> None:
    for born, outcome in ((ADULT, Outcome.ADMIT), (CHILD, Outcome.REFUSE)):
        posted = {"birth_date": born, "country": "US", name: value}
        assert DOOR.decide(DOOR.registration(posted), now=NOW).outcome is outcome


@pytest.mark.parametrize("name", ["locale", "time_zone"])
def test_ten_megabytes_of_a_devices_words_are_passed_over(name: str) -> None:
    posted = {"birth_date": CHILD, "country": "US", name: "de-" * 3_333_333}
    assert DOOR.decide(DOOR.registration(posted), now=NOW).outcome is Outcome.REFUSE


LOOKALIKES = [
    # the address; whether it is made to look like another
    ("kestr\u0435lwren@example.org", True),  # a Cyrillic letter among Latin ones
    ("\u03bfwl@example.org", True),  # a Greek one
    ("reader@ex\u0430mple.org", True),
    ("\uff4beystone@example.org", True),  # full-width
    ("owl\u017f@example.org", True),  # a long s
    ("\u0447\u0438\u0442\u0430\u0442\u0435\u043b\u044c@example.org", False),  # one script
    ("jos\u00e9@example.org", False),
    ("\u8aad\u66f8-reader@example.org", False),  # written together in Japanese and Chinese
    ("reader@b\u00fccher.example", False),
]


@pytest.mark.parametrize(("address", "is_made_up"), LOOKALIKES, ids=range(len(LOOKALIKES)))
def test_address_that_looks_like_another_is_an_error_of_the_field(
    door: Door, address: str, is_made_up: bool
) -> None:
    decision = door.decide(door.registration({"birth_date": ADULT, "country": "US", "email": address}), now=NOW)
    expected = [("email", "invalid")] if is_made_up else []
    assert [(error.field, error.code) for error in decision.errors] == expected
    assert address not in repr(decision)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("birth_date", "birth_day", "birth_month", "birth_year", "country", "region", "billing_country", "payer"),
    *("phone", "email", "locale", "time_zone", "device", "ip", "ip_country", "age_signals"),
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(("US", "DE", "1984", CHILD, EMAIL))))
def test_whatever_is_posted_is_answered(posted: dict[str, Any]) -> None:
    decision = DOOR.decide(DOOR.registration(posted), posted.get("device"), now=NOW)
    assert (decision.outcome is Outcome.INVALID) == bool(decision.errors)
    if decision.outcome is not Outcome.ADMIT:
        json.dumps(DOOR.problem(decision))
        DOOR.page(decision)


@given(
    st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=30).map(lambda text: f"zqxw{text}"), min_size=1)
)
def test_no_answer_repeats_what_was_posted(posted: dict[str, str]) -> None:
    decision = DOOR.decide(DOOR.registration(posted), now=NOW)
    assert decision.outcome is Outcome.INVALID
    assert "zqxw" not in answer(DOOR, decision) + repr(decision)


def test_page_asks_again_with_empty_boxes_and_the_hosts_own_hidden_fields() -> None:
    decision = DOOR.decide(DOOR.registration({"birth_date": "2012-02-31", "country": "UK"}), now=NOW)
    page = DOOR.page(decision, "en", hidden={"csrf": "t0k3n"})
    assert "t0k3n" in page
    assert "2012" not in page
    assert [error.field for error in decision.errors] == ["birth_date", "country"]


@pytest.mark.parametrize("code", ["missing", "invalid", "not_a_birth_date", "zqxw"])
@pytest.mark.parametrize("name", [*FIELDS, "body", "zqxw"])
def test_every_error_has_words_that_repeat_neither_name_nor_message(name: str, code: str) -> None:
    error = FieldError(name, code, "zqxw is wrong")
    told = problem(DOOR.screen, Outcome.INVALID, (error,), "en")
    (listed,) = told["errors"]  # type: ignore[misc]
    assert listed["message"].endswith(".")
    assert "zqxw" not in listed["message"]


# --- no trace of who is refused -----------------------------------------------------------------------------

KNOWN = {"device": MARKERS["device"], "ip": IP, "ip_country": "US"}


def test_nothing_of_a_refused_person_is_kept_logged_or_said(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    """A marker in every field: in no table, file, log, response, cookie, decision or exception."""
    for logger in ("", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, logger)
    config = school(layout)
    enrol(layout, 1, born="1984-04-17")
    door = Door(AgeGate.from_config(layout.folder / "agegate.toml"), NAME, CONTACT)
    said: list[str] = []
    jar: str | None = None
    for number, born in enumerate((BIRTH_DATE, ADULT, MARK, None, BIRTH_DATE, "2021-08")):
        given = door.registration(MARKERS | {"birth_date": born}, **KNOWN)
        decision = door.decide(given, jar, now=NOW + number * HOUR)
        assert decision.outcome is (Outcome.INVALID if born in {MARK, None} else Outcome.REFUSE)
        assert decision.token is None
        crumb = door.crumb(decision, jar, now=NOW + number * HOUR)
        jar = crumb.value if crumb else jar
        said += [repr(given), f"{decision!r} {decision}", answer(door, decision), answer(door, decision, "ar")]
        said += [f"{crumb!r}"]
    assert jar is not None
    for name in ("email", "phone", "country", "region", "payer", "billing_country"):
        given = door.registration(MARKERS | {name: MARK}, **KNOWN)
        said += [answer(door, door.decide(given, now=NOW)), repr(given)]
    said += list(errors_of(layout, door))
    places = (layout.engine(layout.store), layout.engine(layout.host))
    kept = [rows(engine) for engine in places]
    found = traces(*said, caplog.text, *places, layout.folder)
    for engine in places:
        engine.dispose()
    assert found == []
    assert "INSERT INTO" in caplog.text, "the log of the database's own driver is on"
    assert sum(kept[0].values()) > 3, "something was kept: the markers and the events"
    assert config.key_file.exists()


def errors_of(layout: Layout, door: Door) -> Iterator[str]:
    """What is raised about a refused person, as it would stand in a log, and on whom it was raised."""
    given = door.registration(MARKERS, **KNOWN)
    for table in ("agegate_event", "agegate_refusal"):
        engine = layout.engine(layout.store)
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {layout.own(table)} RENAME TO elsewhere"))
        with pytest.raises(DatabaseError) as raised:
            door.decide(given, now=NOW + HOUR)
        yield "".join(traceback.format_exception(raised.value))
        yield repr(raised.value)
        with engine.begin() as connection:
            schema = "agegate." if engine.dialect.name == "postgresql" else ""
            connection.execute(sa.text(f"ALTER TABLE {schema}elsewhere RENAME TO {table}"))
        engine.dispose()


def test_markers_would_be_found(tmp_path: Path, sqlite_desk: Desktop) -> None:
    """The search itself, and that every field of a registration carries one."""
    given = DOOR.registration(MARKERS, **KNOWN)
    assert all(getattr(given, name) for name in given.__slots__ if name != "age_signals")
    (tmp_path / "leak").write_bytes(EMAIL.encode() + MARK.encode())
    assert traces(tmp_path / "leak")
    assert traces(date.fromisoformat(BIRTH_DATE).isoformat())
    assert traces(sqlite_desk.store.engine) == []
