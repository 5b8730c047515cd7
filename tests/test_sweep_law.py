"""The sweep under the law: whom a rule may flag, who is only counted, what makes the next one look first."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import agegate.law.rulebook
from agegate import BirthDate, Service
from agegate.config import Config
from agegate.errors import ConfigError
from agegate.law import Rulebook
from agegate.model import Account, OwnRule
from agegate.review import Desk
from agegate.signals import collect
from agegate.signup import AgeGate
from agegate.sweep import Judge, Judgement, Sweep, SweepSummary
from tests import test_cli
from tests.conftest import NOW, TODAY, Layout, write_config
from tests.hosts import DESCRIPTION, SCHOOL, enrol, school
from tests.killing import count_points, kill_at

run = test_cli.run
Run = test_cli.Run

RISEN = "old enough by the limit of when the account was made; the limit has risen since"

EVERY_SIGN = DESCRIPTION.replace(
    'country = "country"',
    'country = "country"\nregion = "region"\npayer = "payer"\nphone = "phone"\nlocale = "locale"\n'
    'time_zone = "time_zone"',
    1,
)


@pytest.fixture
def host(tmp_path: Path) -> Layout:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    return Layout("sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path)


def worldwide(layout: Layout, **sections: str) -> Config:
    """The school, with columns for everything that says where somebody lives."""
    layout.run(*SCHOOL)
    for column in ("region", "payer", "phone", "locale", "time_zone"):
        layout.run(f"ALTER TABLE people ADD COLUMN {column} TEXT")
    return write_config(layout, EVERY_SIGN, **sections)


def billed(layout: Layout, number: int, country: str) -> None:
    layout.run(f"INSERT INTO billing VALUES ({number}, {number}, '{country}')")


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def sweep(config: Config, day: date = TODAY, **how: Any) -> SweepSummary:
    how.setdefault("apply", True)
    return Sweep(config).run(now=noon(day), **how)


def states(summary: SweepSummary) -> list[tuple[str, str]]:
    return [(found.state, found.note) for found in summary.found]


# --- who is only counted ------------------------------------------------------------------------------

REPORTED: dict[str, tuple[dict[str, Any], str, date, str | None]] = {
    # who: (the account, [service], the day, the rule it is counted under)
    "sixteen where the law says a minor": (
        {"country": "CO", "born": "2010-05-01"},
        "",
        TODAY,
        "co-ley1581-art7",
    ),
    "the day before the eighteenth birthday": (
        {"country": "CO", "born": "2008-11-23"},
        "",
        TODAY,
        "co-ley1581-art7",
    ),
    "the eighteenth birthday": ({"country": "CO", "born": "2008-11-22"}, "", TODAY, None),
    "nineteen where it is twenty by choice": (
        {"country": "TH", "born": "2007-05-01"},
        "policy = ['TH']",
        TODAY,
        "th-pdpa-s20",
    ),
    "nineteen where that was not chosen": ({"country": "TH", "born": "2007-05-01"}, "", TODAY, None),
    "fifteen, month known only": ({"country": "KE", "born": "2011-05"}, "", TODAY, "ke-dpa-s33"),
    "low confidence": ({"country": "AD", "born": "2011-05-01"}, "", TODAY, "ad-llei29-2021"),
    "medium, and nobody read it": ({"country": "LI", "born": "2011-05-01"}, "", TODAY, "li-gdpr-art8"),
    "a territory by reference": ({"country": "RE", "born": "2012-05-01"}, "", TODAY, "fr-loi78-17-art45"),
    "law of which nobody saw that it began": (
        {"country": "IN", "born": "2011-05-01"},
        "",
        date(2027, 6, 1),
        "in-dpdp-s9",
    ),
    "the same, high confidence and read": (
        {"country": "AE", "born": "2013-05-01"},
        "kinds = ['social_media']",
        date(2027, 7, 1),
        "ae-cabinet-res106",
    ),
    "the same before its day": ({"country": "IN", "born": "2011-05-01"}, "", date(2027, 5, 12), None),
    "guidance that was chosen": (
        {"country": "AU", "born": "2012-05-01"},
        "policy = ['AU']",
        TODAY,
        "au-oaic-guidance",
    ),
    "guidance that was not": ({"country": "AU", "born": "2012-05-01"}, "", TODAY, None),
    "the strictest part of a country": ({"country": "CA", "born": "2013-05-01"}, "", TODAY, "ca-qc-law25"),
    "the establishment's age": (
        {"country": "US", "born": "2012-05-01"},
        "established_in = 'IE'",
        TODAY,
        "ie-dpa-s31",
    ),
    "a minor where the door does not ask for majority": (
        {"country": "CO", "born": "2010-05-01"},
        "majority_rules = 'report'",
        TODAY,
        "co-ley1581-art7",
    ),
    "an adult": ({"country": "CO", "born": "1990-05-01"}, "", TODAY, None),
    "no birth date": ({"country": "CO"}, "", TODAY, None),
    "no place": ({"country": "", "born": "2010-05-01"}, "", TODAY, None),
    "a place that is none": ({"country": "Colombia", "born": "2010-05-01"}, "", TODAY, None),
    "over the floor, where nothing is higher": ({"country": "US", "born": "2012-05-01"}, "", TODAY, None),
}


@pytest.mark.parametrize("who", REPORTED)
def test_who_is_under_a_limit_that_nobody_may_act_on_is_counted_and_not_flagged(host: Layout, who: str) -> None:
    account, service, day, rule = REPORTED[who]
    config = school(host, service=service)
    enrol(host, 1, **account)
    expected = {rule: 1} if rule else {}
    for apply in (False, True):
        summary = sweep(config, day, apply=apply)
        assert (summary.found, dict(summary.reported)) == ([], expected)


FLAGGED = {
    # who: (the account, the state); each is under a limit that may be acted on, so none is counted
    "under the floor": ({"country": "US", "born": "2016-05-01"}, "quarantined"),
    "under the floor, where the law says a minor": ({"country": "CO", "born": "2016-05-01"}, "quarantined"),
    "under the floor, without a place": ({"country": "", "born": "2016-05-01"}, "quarantined"),
    "under a sourced age": ({"country": "FR", "born": "2012-05-01"}, "quarantined"),
    "under the floor by filler": ({"country": "CO", "born": "2025-05-01"}, "awaiting_review"),
}


@pytest.mark.parametrize("who", FLAGGED)
def test_who_is_flagged_is_not_counted(host: Layout, who: str) -> None:
    account, state = FLAGGED[who]
    config = school(host)
    enrol(host, 1, **account)
    summary = sweep(config)
    assert [found.state for found in summary.found] == [state]
    assert summary.reported == {}


def counted_school(layout: Layout, **sections: str) -> Config:
    """Seven accounts: four under an age of majority, one under an unsourced age, one flagged, one adult."""
    config = school(layout, **sections)
    for number in (1, 2, 4, 6):
        enrol(layout, number, born=f"2010-05-{number:02}", country="CO")
    enrol(layout, 3, born="2011-05-01", country="AD")
    enrol(layout, 5, born="2016-03-01")
    enrol(layout, 7, born="1990-05-01", country="CO")
    return config


COUNTS = {"ad-llei29-2021": 1, "co-ley1581-art7": 4}


def told(layout: Layout, own: Callable[[str], str]) -> tuple[list[object], list[object]]:
    """What the audit's events and the sweeps' rows say was counted."""
    events = layout.rows(f"SELECT data FROM {own('agegate_event')} WHERE kind = 'sweep.finished'", store=True)
    rows = layout.rows(f"SELECT reported FROM {own('agegate_sweep')}", store=True)
    return [json.loads(str(data))["reported"] for (data,) in events], [
        json.loads(str(kept)) for (kept,) in rows
    ]


def test_counts_are_in_the_audit_event_and_the_sweeps_row(layout: Layout) -> None:
    config = counted_school(layout)
    assert dict(sweep(config).reported) == COUNTS
    assert told(layout, layout.own) == ([COUNTS], [COUNTS])
    assert dict(sweep(config).reported) == COUNTS, "the next sweep counts anew"
    assert told(layout, layout.own) == ([COUNTS, COUNTS], [COUNTS, COUNTS])


@pytest.mark.parametrize(("chunk", "stopped_after"), [(1, 1), (1, 6), (2, 3), (3, 5)])
def test_counts_of_an_interrupted_sweep_are_neither_lost_nor_doubled(
    layout: Layout, chunk: int, stopped_after: int
) -> None:
    config = counted_school(layout, sweep=f"chunk = {chunk}")

    def stop(done: int, _total: int) -> None:
        if done >= stopped_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(config, progress=stop)
    assert dict(sweep(config).reported) == COUNTS
    assert told(layout, layout.own) == ([COUNTS], [COUNTS])


def test_counts_are_the_same_after_a_kill_at_a_write(host: Layout) -> None:
    counted_school(host, sweep="chunk = 2")
    file = host.folder / "agegate.toml"
    store, whole = host.folder / "agegate.db", host.folder / "whole.db"
    Config.load(file).open_store().dispose()
    shutil.copyfile(store, whole)

    def begin_anew() -> None:
        for left in host.folder.glob("agegate.db*"):
            left.unlink()
        shutil.copyfile(whole, store)

    points = count_points("sweep", file, every=False)
    for point in range(1, points + 1, 4):
        begin_anew()
        kill_at(point, "sweep", file, every=False)
        Sweep(Config.load(file)).run(apply=True, now=NOW)
        events, rows = told(host, host.own)
        assert [counts for counts in events if counts != COUNTS] == [], f"killed at point {point} of {points}"
        assert rows[-1] == COUNTS
        assert events


def test_counts_are_printed_for_people_and_as_json(run: Run, host: Layout) -> None:
    counted_school(host)
    file = host.folder / "agegate.toml"
    printed = run("sweep", "--as-of", TODAY, "--json", "--config", file).json
    assert printed["reported"] == COUNTS
    assert printed["flags"] == 1
    text = run("sweep", "--as-of", TODAY, "--config", file).out
    assert "4 account(s) are under the limit of co-ley1581-art7, which nobody may be flagged for" in text


# --- a limit that rose ----------------------------------------------------------------------------------

SUMMER = date(2024, 6, 1)
"""Denmark: 13 until 2023-12-31, 15 from 2024-01-01."""

DANES: dict[str, tuple[str, str, tuple[str, str] | None]] = {
    # who: (made on, born, the state and note of the case or None)
    "thirteen at sign-up, before the rise": ("2023-06-01", "2010-01-01", ("awaiting_review", RISEN)),
    "fourteen at sign-up, before the rise": ("2023-06-01", "2009-06-02", ("awaiting_review", RISEN)),
    "thirteen on the day of sign-up": ("2023-06-01", "2010-06-01", ("awaiting_review", RISEN)),
    "twelve at sign-up, thirteen since": ("2023-06-01", "2010-06-02", ("awaiting_review", RISEN)),
    "twelve at sign-up, until tomorrow": ("2023-12-01", "2011-06-02", ("quarantined", "")),
    "the last day before the rise": ("2023-12-31", "2010-01-01", ("awaiting_review", RISEN)),
    "the first day of the rise": ("2024-01-01", "2010-01-01", ("quarantined", "")),
    "after the rise, and under it": ("2024-03-01", "2010-01-01", ("quarantined", "")),
    "fifteen since": ("2023-06-01", "2009-06-01", None),
    "old enough then and now": ("2023-06-01", "2000-01-01", None),
    "year known only, perhaps thirteen then": ("2023-06-01", "2010", ("awaiting_review", RISEN)),
    "month known only, twelve then, thirteen since": ("2023-06-01", "2010-07", ("awaiting_review", RISEN)),
    "month known only, twelve then and now": ("2023-06-01", "2011-07", ("quarantined", "")),
}


@pytest.mark.parametrize("who", DANES)
def test_limit_that_rose_brings_whom_it_found_to_a_person(host: Layout, who: str) -> None:
    created, born, case = DANES[who]
    config = school(host)
    enrol(host, 1, country="DK", created=created, born=born, said="2024-05-01")
    assert states(sweep(config, SUMMER)) == ([] if case is None else [case])


def test_who_was_admitted_lawfully_is_never_quarantined_by_a_machine(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, country="DK", created="2023-06-01", born="2010-01-01", said="2024-05-01")
    assert states(sweep(config, SUMMER)) == [("awaiting_review", RISEN)]
    assert Desk(config).show(1).note == RISEN
    for days in (1, 30, 200):
        assert sweep(config, SUMMER + timedelta(days=days)).found == []
        (line,) = Desk(config).list()
        assert (line.state, line.due_at) == ("awaiting_review", None)
    gate = AgeGate.from_config(config.folder / "agegate.toml")
    assert gate.account_state("1", now=noon(SUMMER + timedelta(days=201))) == "active"
    assert sweep(config, date(2025, 1, 2)).found == [], "fifteen by then"


BOOK = Rulebook.load()


def judge(
    account: Account, day: date, *, service: Service | None = None, book: Rulebook = BOOK
) -> tuple[Judgement | None, dict[str, int]]:
    """What a sweep of a day makes of one account, and what it counts."""
    found = Judge(day, service or Service(), book, collect())
    return found.judge(account), dict(found.reported)


def declared(born: date, created: date, country: str, **fields: str) -> Account:
    return Account(
        key="1", created_on=created, birth_date=BirthDate.on(born), fields={"country": country, **fields}
    )


DAYS = st.dates(date(2018, 5, 25), date(2026, 11, 22))
BORN = st.dates(date(2000, 1, 1), date(2016, 12, 31))


def age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def danish_limit(day: date) -> int:
    return 15 if day >= date(2024, 1, 1) else 13


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(created=DAYS, today=DAYS, born=BORN)
def test_known_is_only_who_was_under_the_limit_then_and_is_now(created: date, today: date, born: date) -> None:
    created, today = sorted((created, today))
    assume(age(born, created) >= 4)
    judgement, reported = judge(declared(born, created, "DK"), today)
    under_now = age(born, today) < danish_limit(today)
    under_then = age(born, today) < danish_limit(created)  # who is under it still was under it then
    assert (judgement is not None and judgement.known) == (under_now and under_then)
    if under_now and not under_then:
        assert judgement is not None
        assert judgement.note == RISEN
    assert reported == {}


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(created=DAYS, today=DAYS, born=BORN, country=st.sampled_from(("CO", "NG", "AD", "RE", "LI", "KE")))
def test_limit_of_the_door_alone_never_makes_a_case(
    created: date, today: date, born: date, country: str
) -> None:
    """Whatever the door says there, an account is acted on only under the floor of 13."""
    created, today = sorted((created, today))
    assume(age(born, created) >= 13)
    assert judge(declared(born, created, country), today)[0] is None


CHECKED = date(2024, 6, 1)


def book_without_a_first_day() -> Rulebook:
    """Denmark as it would be if nobody knew since when its 15 holds, only that it did when it was checked."""
    denmark = BOOK.countries["DK"]
    rule = next(rule for rule in denmark.rules if rule.id == "dk-dbl-s6-2024")
    undated = replace(rule, start=None, checked=CHECKED)
    return Rulebook([replace(denmark, rules=(undated,))])


UNDATED = book_without_a_first_day()


@given(created=DAYS, today=DAYS, born=BORN)
def test_rule_without_a_first_day_leaves_older_accounts_alone(created: date, today: date, born: date) -> None:
    assume(created <= today)
    assume(age(born, created) >= 13)
    judgement, reported = judge(declared(born, created, "DK"), today, book=UNDATED)
    under, newer = age(born, today) < 15, created >= CHECKED
    assert (judgement is not None) == (under and newer)
    assert judgement is None or judgement.known
    assert reported == ({"dk-dbl-s6-2024": 1} if under and not newer else {})


# --- the service's own stricter rule ------------------------------------------------------------------

OWN = (
    "[[service.stricter]]\njurisdiction = 'US'\nage = 15\nfrom = 2026-06-01\nreason = 'schools asked for it'\n"
)

OWN_CASES = {
    # who: (made on, born, the state and note of the case or None)
    "made before it": ("2026-01-15", "2012-05-01", ("awaiting_review", RISEN)),
    "made the day before": ("2026-05-31", "2012-05-01", ("awaiting_review", RISEN)),
    "made on its first day": ("2026-06-01", "2012-05-01", ("quarantined", "")),
    "made after it": ("2026-09-01", "2012-05-01", ("quarantined", "")),
    "made before it, and under the floor": ("2026-01-15", "2016-05-01", ("quarantined", "")),
    "fifteen today": ("2026-09-01", "2011-11-22", None),
    "fifteen tomorrow": ("2026-09-01", "2011-11-23", ("quarantined", "")),
}


@pytest.mark.parametrize("who", OWN_CASES)
def test_own_stricter_rule_reaches_new_accounts_and_brings_older_ones_to_a_person(
    host: Layout, who: str
) -> None:
    created, born, case = OWN_CASES[who]
    config = school(host, service=OWN)
    enrol(host, 1, created=created, born=born)
    summary = sweep(config)
    assert states(summary) == ([] if case is None else [case])
    assert summary.reported == {}


def test_own_stricter_rule_holds_from_its_day(host: Layout) -> None:
    config = school(host, service=OWN)
    enrol(host, 1, created="2026-01-15", born="2012-05-01", said="2026-02-01")
    before = sweep(config, date(2026, 5, 31), apply=False)
    assert (before.found, before.reported) == ([], {})
    assert states(sweep(config, date(2026, 6, 1))) == [("awaiting_review", RISEN)]


def test_case_names_the_own_rule_and_its_reason(run: Run, layout: Layout) -> None:
    config = school(layout, service=OWN)
    enrol(layout, 1, created="2026-09-01", born="2012-05-01")
    sweep(config)
    shown = run("review", "show", 1, "--config", layout.folder / "agegate.toml")
    assert (shown.code, shown.err) == (0, "")
    assert "law: the service's own rule for US: schools asked for it" in shown.out.splitlines()
    rule = layout.rows(f"SELECT rule, limit_age, jurisdiction FROM {layout.own('agegate_flag')}", store=True)
    assert rule == [("own:US", 15, "US")]


PARTS = [
    # the account's country and region; whether an own rule for California flags a fourteen-year-old there
    ("US", "CA", True),
    ("US", "US-CA", True),
    ("US", "NY", False),
    ("US", "", False),
    ("FR", "CA", False),
]


@pytest.mark.parametrize(("country", "region", "flagged"), PARTS)
def test_own_rule_for_a_part_never_guesses_the_region(country: str, region: str, flagged: bool) -> None:
    service = Service(stricter=(OwnRule("US-CA", 16, date(2026, 1, 1), "as our partners there do"),))
    account = declared(date(2011, 3, 1), date(2026, 9, 1), country, region=region)
    judgement, reported = judge(account, TODAY, service=service)
    assert (judgement is not None and judgement.known) == flagged
    assert reported == ({"own:US-CA": 1} if (country, region) == ("US", "") else {})


def test_sweep_does_not_start_with_a_looser_own_rule(host: Layout) -> None:
    looser = OWN.replace("'US'", "'FR'").replace("15", "14")
    config = school(host, service=looser)
    enrol(host, 1, born="2016-05-01")
    with pytest.raises(ConfigError, match=r"service\.stricter FR: 14 is looser than the 15"):
        sweep(config)
    assert host.rows("SELECT count(*) FROM agegate_sweep", store=True) == [(0,)]


# --- where people live ----------------------------------------------------------------------------------

PAID = {
    # who pays: (the payer's column, the state and note of the case of fourteen, declared US and billed FR)
    "nobody says": (None, ("awaiting_review", "declared says US")),
    "an empty cell": ("", ("awaiting_review", "declared says US")),
    "the learner": ("learner", ("awaiting_review", "declared says US")),
    "a company": ("company", None),
    "a school": ("school", None),
    "a parent": ("parent", None),
    "somebody else": ("other", None),
}


@pytest.mark.parametrize("who", PAID)
def test_only_the_learners_own_bill_says_where_they_live(host: Layout, who: str) -> None:
    payer, case = PAID[who]
    config = worldwide(host)
    enrol(host, 1, born="2012-05-01", country="US", payer=payer)
    billed(host, 1, "FR")
    assert states(sweep(config)) == ([] if case is None else [case])


def test_bill_of_somebody_else_is_no_place_at_all(host: Layout) -> None:
    """Sixteen, with nothing but a company's address in Colombia: no place, so neither counted nor flagged."""
    config = worldwide(host)
    for number, payer in enumerate(("company", "learner"), 1):
        enrol(host, number, born="2010-05-01", country="", payer=payer)
        billed(host, number, "CO")
    summary = sweep(config)
    assert (summary.found, dict(summary.reported)) == ([], {"co-ley1581-art7": 1})


def test_unreadable_places_are_counted_by_field_and_passed_over(layout: Layout) -> None:
    config = school(layout)
    for number, place in enumerate(("UK", "EU", "Türkiye", "us-ca", "XX", "de", "", " GB "), 1):
        enrol(layout, number, born="1990-05-01", country=place)
    billed(layout, 6, "UK")
    enrol(layout, 9, born="2016-05-01", country="UK")
    for apply in (False, True):
        summary = sweep(config, apply=apply)
        assert dict(summary.unreadable) == {"country": 6, "billing_country": 1}
        assert [found.account for found in summary.found] == ["9"], "the floor needs no place"


def test_unreadable_places_are_said(run: Run, host: Layout) -> None:
    school(host)
    enrol(host, 1, born="1990-05-01", country="UK")
    file = host.folder / "agegate.toml"
    assert run("sweep", "--json", "--config", file).json["unreadable"] == {"country": 1}
    text = run("sweep", "--config", file).out
    assert "1 value(s) of country could not be read and were passed over" in text
    assert "UK" not in text


PLACES = {
    # what says where: (the account's fields and bill, the note of its case)
    "bill and declaration": ({"country": "US"}, "FR", "declared says US"),
    "bill, declaration and phone": (
        {"country": "US", "phone": "+43 1 234567890"},
        "FR",
        "declared says US; phone says AT",
    ),
    "hints beside a conflict": (
        {"country": "US", "locale": "pt-BR", "time_zone": "Asia/Tokyo"},
        "FR",
        "declared says US; locale says BR; time_zone says JP",
    ),
    "one country": ({"country": "FR"}, "FR", ""),
    "two parts of a country": ({"country": "US", "region": "CA"}, "US", ""),
}


@pytest.mark.parametrize("what", PLACES)
def test_places_that_disagree_stand_in_the_cases_note(host: Layout, what: str) -> None:
    fields, bill, note = PLACES[what]
    config = worldwide(host)
    enrol(host, 1, bio="I'm 11 and I draw.", **fields)
    billed(host, 1, bill)
    (found,) = sweep(config).found
    assert (found.state, found.note) == ("awaiting_review", note)
    assert Desk(config).show(1).note == note


# --- which change of law makes the next sweep look first ------------------------------------------------


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the shipped rule files, in force for this test, to edit."""
    folder = tmp_path / "rules"
    shutil.copytree(agegate.law.rulebook.SHIPPED, folder)
    monkeypatch.setattr(agegate.law.rulebook, "SHIPPED", folder)
    agegate.law.rulebook._shipped.cache_clear()
    yield folder
    monkeypatch.undo()
    agegate.law.rulebook._shipped.cache_clear()


def edit(rules: Path, file: str, rule: str, old: str, new: str) -> None:
    """Change something in a rule of a file, or with an empty rule in its head."""
    path = rules / file
    head, *parts = path.read_text(encoding="utf-8").split("[[rule]]")
    blocks = [head, *parts]
    (at,) = [0] if not rule else [number for number, part in enumerate(blocks) if f'id = "{rule}"' in part]
    assert old in blocks[at]
    blocks[at] = blocks[at].replace(old, new, 1)
    path.write_text("[[rule]]".join(blocks), encoding="utf-8")
    agegate.law.rulebook._shipped.cache_clear()


DK, QC, CO = ("dk.toml", "dk-dbl-s6-2024"), ("ca.toml", "ca-qc-law25"), ("co.toml", "co-ley1581-art7")

EDITS = {
    # what is edited: (file, rule, old, new, whether the next sweep looks first)
    "a note": (*DK, "Many published", "Some published", False),
    "a source": (*DK, "https://gapsolutions.dk", "https://www.example.dk", False),
    "a citation": (*DK, "s. 6(2)-(3)", "section 6", False),
    "a law's name": (*DK, "as amended", "amended", False),
    "a country's name": ("dk.toml", "", "Denmark", "Kingdom of Denmark", False),
    "whom it binds, in words": (*DK, "general online services", "online services", False),
    "the day it was checked": ("dk.toml", "", "checked = 2026-07-01", "checked = 2026-08-01", False),
    "an age that may not be acted on": (*CO, "age = 18", "age = 17", False),
    "an age": (*DK, "age = 15", "age = 16", True),
    "a first day": (*DK, "from = 2024-01-01", "from = 2024-01-02", True),
    "a last day": ("dk.toml", "dk-dbl-s6-2018", "until = 2023-12-31", "until = 2023-12-30", True),
    "what it is attained by": (*DK, "age = 15", 'age = 15\nattain = "jan1_of_year"', True),
    "new accounts' day": (
        *DK,
        "from = 2024-01-01",
        "from = 2024-01-01\napplies_to_new_from = 2024-02-01",
        True,
    ),
    "old accounts' day": (
        *DK,
        "from = 2024-01-01",
        "from = 2024-01-01\napplies_to_existing_from = 2027-01-01",
        True,
    ),
    "whom it binds": (*DK, 'kinds = ["general"]', 'kinds = ["social_media"]', True),
    "confidence that it may no longer be acted on": (*DK, 'confidence = "high"', 'confidence = "low"', True),
    "a source that was not read": (*DK, 'confidence = "high"', 'confidence = "high"\nunverified = true', True),
    "a court that stopped it": (*DK, 'status = "in_force"', 'status = "enjoined"', True),
    "a subdivision's note": (*QC, "Not where", "Unless", False),
    "a subdivision's age": (*QC, "age = 14", "age = 15", True),
    "a subdivision's first day": (*QC, "from = 2023-09-22", "from = 2023-09-23", True),
    "an age read after all": (*CO, 'basis = "majority"', 'basis = "specific"', True),
}


@pytest.mark.parametrize("what", EDITS)
def test_next_sweep_looks_first_if_what_decides_has_changed(host: Layout, rules: Path, what: str) -> None:
    file, rule, old, new, looks = EDITS[what]
    config = school(host)
    sweep(config)
    assert not Sweep(config).needs_apply()
    edit(rules, file, rule, old, new)
    assert Sweep(config).needs_apply() == looks
    assert sweep(config, apply=False).dry == looks


SERVICES = {
    # [service], and whether the next sweep looks first
    "": False,
    "name = 'another'": False,
    "floor = 14": True,
    "kinds = ['social_media']": True,
    OWN: True,
    OWN.replace("15", "16"): True,
    OWN.replace("2026-06-01", "2026-07-01"): True,
    OWN.replace("'US'", "'US-CA'"): True,
}


def test_next_sweep_looks_first_if_the_services_own_terms_have_changed(host: Layout) -> None:
    config = school(host)
    sweep(config)
    plain = Sweep(config).rules
    found = {service: Sweep(write_config(host, DESCRIPTION, service=service)).rules for service in SERVICES}
    assert {service: hashed != plain for service, hashed in found.items()} == SERVICES
    changed = [hashed for service, hashed in found.items() if SERVICES[service]]
    assert len(set(changed)) == len(changed)


def test_what_decides_has_the_same_hash_in_every_process(host: Layout, rules: Path) -> None:
    """Sets have another order under another seed; a sweep must not look first for that."""
    edit(rules, *DK, '["general"]', '["general", "social_media", "ai", "app_developer"]')
    kinds = "kinds = ['social_media', 'ai', 'general', 'app_developer']\n"
    own = OWN + OWN.replace("'US'", "'FR'").replace("15", "17")
    config = school(host, service=kinds + own)
    program = "import sys; from pathlib import Path; import agegate.law.rulebook as law;"
    program += "from agegate.config import Config; from agegate.sweep import Sweep;"
    program += "law.SHIPPED = Path(sys.argv[2]); print(Sweep(Config.load(sys.argv[1])).rules)"
    hashes = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program, str(config.folder / "agegate.toml"), str(rules)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout.strip()
        for seed in (0, 1, 2)
    }
    assert hashes == {Sweep(config).rules}
    assert re.fullmatch(r"[0-9a-f]{64}", Sweep(config).rules)


def test_order_of_own_rules_in_the_file_does_not_matter(host: Layout) -> None:
    other = OWN.replace("'US'", "'FR'").replace("15", "17")
    first, second = (Sweep(school_again(host, text)).rules for text in (OWN + other, other + OWN))
    assert first == second


def school_again(layout: Layout, service: str) -> Config:
    if not (layout.folder / "agegate.toml").exists():
        return school(layout, service=service)
    return write_config(layout, DESCRIPTION, service=service)
