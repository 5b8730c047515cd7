"""The sweep: who is flagged, who is restricted at once, what waits for a person, and what a rerun changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agegate.config import Config
from agegate.errors import BusyError
from agegate.model import Account, Evidence, RequestState, Signal
from agegate.review import Desk
from agegate.store import tables
from agegate.sweep import Sweep, SweepSummary
from tests.conftest import NOW, Layout
from tests.hosts import enrol, school, snapshot

CASES = {
    # who: (what the account says, the state of its queue entry or None where there is no flag)
    "declared ten years old": ({"born": "2016-03-01"}, "quarantined"),
    "declared ten, month known only": ({"born": "2016-03"}, "quarantined"),
    "declared adult": ({"born": "1990-03-01"}, None),
    "declared nothing": ({}, None),
    "turned thirteen since sign-up": ({"born": "2013-06-01", "created": "2026-01-15"}, None),
    "turns thirteen tomorrow": ({"born": "2013-11-23"}, "quarantined"),
    "turned thirteen today": ({"born": "2013-11-22"}, None),
    "born on the sign-up day, as imports do": ({"born": "2026-01-15"}, "awaiting_review"),
    "two years old at sign-up": ({"born": "2024-01-15"}, "awaiting_review"),
    "fourteen in France": ({"born": "2012-05-01", "country": "FR"}, "quarantined"),
    "fourteen in the United States": ({"born": "2012-05-01", "country": "US"}, None),
    "ten, and an adult by their own words": (
        {"born": "2016-03-01", "bio": "I'm 42 and I run a bakery."},
        "awaiting_review",
    ),
    "eleven by their own words": ({"born": "1990-03-01", "bio": "I'm 11 and I draw."}, "awaiting_review"),
    "eleven by their own words of 2021": ({"bio": "I'm 11 and I draw.", "said": "2021-01-01"}, None),
    "a teacher of elevens": ({"born": "1980-03-01", "bio": "I teach 11 year olds."}, None),
    "a 5 km runner": ({"bio": "I run 5 km in 29 minutes, 12 days a month."}, None),
}


def sweep(config: Config, **how: object) -> SweepSummary:
    how.setdefault("apply", True)
    return Sweep(config).run(now=NOW, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("who", CASES)
def test_who_is_flagged_and_what_becomes_of_them(layout_sqlite: Layout, who: str) -> None:
    says, state = CASES[who]
    config = school(layout_sqlite)
    enrol(layout_sqlite, 1, **says)
    found = sweep(config).found
    assert [item.state for item in found] == ([] if state is None else [state])


@pytest.fixture
def layout_sqlite(tmp_path: object) -> Layout:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    return Layout("sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path)  # type: ignore[arg-type]


def test_conflicting_places_wait_for_a_person(layout_sqlite: Layout) -> None:
    """Fourteen is under age in France and not in the United States: a machine does not choose."""
    config = school(layout_sqlite)
    enrol(layout_sqlite, 1, born="2012-05-01", country="US")
    layout_sqlite.run("INSERT INTO billing VALUES (1, 1, 'FR')")
    (found,) = sweep(config).found
    assert (found.state, found.limit_age, found.jurisdiction) == ("awaiting_review", 15, "FR")


def test_first_sweep_is_dry_and_apply_acts_once_and_for_all(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born="2016-03-01")
    enrol(layout, 2, bio="I'm 11 and I draw.")
    dry = sweep(config, apply=False)
    assert dry.dry
    assert [found.account for found in dry.found] == ["1", "2"]
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_flag')}", store=True) == [(0,)]
    applied = sweep(config)
    assert not applied.dry
    assert [found.state for found in applied.found] == ["quarantined", "awaiting_review"]
    enrol(layout, 3, born="2016-03-02")
    later = sweep(config, apply=False)
    assert not later.dry
    assert [found.account for found in later.found] == ["3"]


def test_changed_rules_make_the_next_sweep_dry_again(layout_sqlite: Layout) -> None:
    config = school(layout_sqlite)
    sweep(config)
    assert not Sweep(config).needs_apply()
    stricter = school_again(layout_sqlite, service="floor = 14")
    assert Sweep(stricter).needs_apply()
    assert sweep(stricter, apply=False).dry


def school_again(layout: Layout, **sections: str) -> Config:
    from tests.conftest import write_config
    from tests.hosts import DESCRIPTION

    return write_config(layout, DESCRIPTION, **sections)


def test_rerun_changes_nothing_and_the_host_is_never_written(layout: Layout) -> None:
    config = school(layout)
    for number in range(1, 8):
        enrol(layout, number, born="2016-03-01" if number % 2 else None, bio="I'm 11 and I draw.")
    before = snapshot(layout)
    assert len(sweep(config).found) == 7
    flags = layout.rows(f"SELECT * FROM {layout.own('agegate_flag')} ORDER BY id", store=True)
    assert sweep(config).found == []
    assert layout.rows(f"SELECT * FROM {layout.own('agegate_flag')} ORDER BY id", store=True) == flags
    assert snapshot(layout) == before


def test_new_evidence_joins_an_open_case(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, bio="I'm 11 and I draw.")
    sweep(config)
    layout.run("UPDATE profiles SET bio = 'I am 10 years old and I draw.', updated_at = '2026-11-21'")
    assert sweep(config).found == []
    assert [line.case for line in Desk(config).list()] == [1]
    (evidence,) = Desk(config).show(1).evidence
    assert (evidence.text or "")[slice(*evidence.span or ())].startswith("I am 10")
    assert not evidence.changed


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_flags_do_not_depend_on_the_chunk(layout_sqlite: Layout, chunk: int) -> None:
    config = school(layout_sqlite, sweep=f"chunk = {chunk}")
    for number in range(1, 6):
        enrol(layout_sqlite, number, born="2016-03-01")
    summary = sweep(config)
    assert [found.account for found in summary.found] == ["1", "2", "3", "4", "5"]
    assert summary.accounts == 5


def test_interrupted_sweep_goes_on_at_its_checkpoint(layout: Layout) -> None:
    config = school(layout, sweep="chunk = 2")
    for number in range(1, 8):
        enrol(layout, number, born="2016-03-01")

    def stop(done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(config, progress=stop)
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_flag')}", store=True) == [(4,)]
    rest = sweep(config)
    assert [found.account for found in rest.found] == ["5", "6", "7"]
    assert rest.accounts == 7
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_sweep')}", store=True) == [(1,)]


def test_brake_holds_known_cases_above_its_limit_for_a_person(layout: Layout) -> None:
    config = school(layout)
    for number in range(1, 26):
        enrol(layout, number, born=f"2016-03-{number:02}")
    summary = sweep(config)
    states = [found.state for found in summary.found]
    assert states == [RequestState.QUARANTINED] * 20 + [RequestState.AWAITING_REVIEW] * 5
    assert summary.braked == 5
    assert "brake" in summary.found[-1].note
    enrol(layout, 26, born="2016-04-01")
    assert sweep(config).braked == 1, "what was quarantined within a day counts"
    enrol(layout, 27, born="2016-04-02")
    tomorrow = Sweep(config).run(now=NOW + timedelta(days=1, minutes=1))
    assert [found.state for found in tomorrow.found] == ["quarantined"]


def test_date_that_many_accounts_share_is_a_default_not_knowledge(layout_sqlite: Layout) -> None:
    config = school(layout_sqlite)
    for number in range(1, 31):
        enrol(layout_sqlite, number, born="2016-01-01")
    enrol(layout_sqlite, 31, born="2016-01-02")
    states = {found.account: (found.state, found.note) for found in sweep(config).found}
    assert states["31"] == ("quarantined", "")
    assert states["1"] == ("awaiting_review", "the declared date looks like a filler")


def test_one_sweep_at_a_time(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born="2016-03-01")
    with config.open_store().lease("sweep"), pytest.raises(BusyError):
        sweep(config)
    assert len(sweep(config).found) == 1


def test_failing_signal_is_counted_and_makes_no_flag(layout_sqlite: Layout) -> None:
    def broken(_account: Account, _today: object) -> list[Evidence]:
        raise RuntimeError("out of order")

    config = school(layout_sqlite)
    enrol(layout_sqlite, 1, born="2016-03-01")
    enrol(layout_sqlite, 2, born="1980-03-01")
    summary = Sweep(config, signals=[Signal("broken", "always fails", broken)]).run(apply=True, now=NOW)
    assert summary.failures == {"broken": 2}
    assert [found.account for found in summary.found] == ["1"]


def test_flag_says_why_without_the_persons_words(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, bio="I'm 11 and my secret word is zyzzyva.")
    (found,) = sweep(config).found
    assert "stated_age/" in found.why[0]
    assert "profiles.bio" in found.why[0]
    for table in tables.metadata.sorted_tables:
        rows = layout.rows(f"SELECT * FROM {layout.own(table.name)}", store=True)
        assert "I'm 11" not in repr(rows)
        assert "zyzzyva" not in repr(rows)
