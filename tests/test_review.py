"""The desk: what staff see, what a verdict does, and that people outrank the machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from agegate.audit import Audit
from agegate.config import Config
from agegate.errors import AgegateError, InputError, NotFoundError, StateError
from agegate.model import AccountState, RequestState
from agegate.review import Desk
from agegate.signup import AgeGate
from agegate.sweep import Sweep
from tests.conftest import NOW, Layout
from tests.hosts import enrol, school

WINDOW = timedelta(days=14)


@pytest.fixture
def config(layout: Layout) -> Config:
    """One account that states an age (case 1) and one that declared one (case 2), swept."""
    config = school(layout)
    enrol(layout, 1, bio="hello! I'm 11 and I draw dragons", born="1990-05-05")
    enrol(layout, 2, born="2016-03-01")
    enrol(layout, 3, born="1980-03-01")
    Sweep(config).run(apply=True, now=NOW)
    return config


def states(config: Config) -> dict[int, str]:
    return {line.case: line.state for line in Desk(config).list(every=True)}


def gate(config: Config) -> AgeGate:
    return AgeGate.from_config(config.folder / "agegate.toml")


def test_list_shows_nothing_about_the_person(config: Config) -> None:
    lines = Desk(config).list()
    assert [(line.case, line.cause, line.state) for line in lines] == [
        (1, "inferred", "awaiting_review"),
        (2, "declared", "quarantined"),
    ]
    assert (lines[0].due_at, lines[1].due_at) == (None, NOW + WINDOW)
    assert not {"account", "born", "age"} & set(lines[0].__slots__)


def test_show_marks_the_words_and_gives_both_sides_and_the_law(config: Config) -> None:
    view = Desk(config).show(1)
    words, declared = view.evidence
    assert words.text is not None
    assert words.span is not None
    assert words.text[slice(*words.span)] == "I'm 11"
    assert words.weight > 0 > declared.weight
    assert "16 CFR 312" in view.law
    assert view.limit_age == 13
    assert view.under > 0.9


def test_show_says_when_the_text_has_changed_or_is_gone(config: Config, layout: Layout) -> None:
    layout.run("UPDATE profiles SET bio = 'nothing to see' WHERE person_id = 1")
    assert Desk(config).show(1).evidence[0].changed
    layout.run("DELETE FROM profiles WHERE person_id = 1")
    gone = Desk(config).show(1).evidence[0]
    assert (gone.text, gone.changed) == (None, True)


def test_minor_quarantines_at_once_and_is_due_after_the_window(config: Config) -> None:
    assert gate(config).account_state("1") is AccountState.ACTIVE
    due = Desk(config).confirm(1, by="staff-7", reason="says so twice", now=NOW)
    assert due == NOW + WINDOW
    assert gate(config).account_state("1") is AccountState.QUARANTINED
    view = Desk(config).show(1)
    assert (view.verdict, view.decided_by, view.line.due_at) == ("minor", "staff-7", due)


def test_adult_cancels_and_forgets_the_birth_dates(config: Config, layout: Layout) -> None:
    Desk(config).clear(2, by="staff-7", reason="works card seen", now=NOW)
    assert states(config)[2] == RequestState.CANCELLED
    assert gate(config).account_state("2") is AccountState.ACTIVE
    columns = "born_first, born_last, where_row, span_start"
    kept = layout.rows(f"SELECT {columns} FROM {layout.own('agegate_evidence')} WHERE flag = 2", store=True)
    assert set(kept) == {(None, None, None, None)}


def test_minor_is_taken_back_while_nothing_is_deleted(config: Config) -> None:
    desk = Desk(config)
    desk.confirm(1, by="staff-7", reason="says so", now=NOW)
    desk.clear(1, by="staff-8", reason="it was a song", now=NOW)
    assert states(config)[1] == RequestState.CANCELLED
    assert gate(config).account_state("1") is AccountState.ACTIVE


def test_cleared_account_is_not_flagged_again_on_the_same_evidence(config: Config) -> None:
    for case in (1, 2):
        Desk(config).clear(case, by="staff-7", reason="known to us", now=NOW)
    assert Sweep(config).run(now=NOW + timedelta(days=1)).found == []
    assert Sweep(config).run(now=NOW + timedelta(days=60)).found == []


def test_more_of_the_same_kind_does_not_outrank_a_person(config: Config, layout: Layout) -> None:
    Desk(config).clear(1, by="staff-7", reason="known to us", now=NOW)
    layout.run("UPDATE profiles SET bio = 'I am 10 years old', updated_at = '2026-11-21' WHERE person_id = 1")
    assert Sweep(config).run(now=NOW + timedelta(days=1)).found == []


def test_new_evidence_of_another_kind_reopens_and_says_so(config: Config) -> None:
    desk = Desk(config)
    desk.clear(1, by="staff-7", reason="known to us", now=NOW)
    desk.report("1", age=11, said_by="school", now=NOW)
    (found,) = Sweep(config).run(now=NOW + timedelta(days=1)).found
    assert (found.account, found.state) == ("1", "awaiting_review")
    view = max((desk.show(case) for case in states(config)), key=lambda view: view.line.case)
    assert "reopens case 1, decided as adult: new evidence from reports" in view.note


def test_report_alone_restricts_nobody_and_reaches_a_person(config: Config) -> None:
    desk = Desk(config)
    assert desk.report("3", age=9, said_by="parent", now=NOW) == 1
    assert gate(config).account_state("3") is AccountState.ACTIVE
    (found,) = Sweep(config).run(now=NOW).found
    assert (found.account, found.cause, found.state) == ("3", "reported", "awaiting_review")


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda desk: desk.show(99), NotFoundError),
        (lambda desk: desk.confirm(99, by="staff-7", reason="x"), NotFoundError),
        (lambda desk: desk.confirm(1, by=" ", reason="x"), InputError),
        (lambda desk: desk.clear(1, by="staff-7", reason=""), InputError),
        (lambda desk: desk.report("1", age=11, said_by="Aunt", now=NOW), InputError),
        (lambda desk: desk.report("1", age=-1, said_by="parent", now=NOW), InputError),
        (lambda desk: desk.report("77", age=11, said_by="parent", now=NOW), NotFoundError),
        (lambda desk: desk.report("not a key", age=11, said_by="parent", now=NOW), NotFoundError),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(
    config: Config, layout: Layout, act: Callable[[Desk], object], error: type[AgegateError]
) -> None:
    def all_rows() -> list[object]:
        names = ("agegate_flag", "agegate_request", "agegate_report", "agegate_event")
        return [
            sorted(layout.rows(f"SELECT * FROM {layout.own(name)}", store=True), key=repr) for name in names
        ]

    before = all_rows()
    with pytest.raises(error):
        act(Desk(config))
    assert all_rows() == before


def test_decided_twice_is_refused_and_says_what_it_is(config: Config) -> None:
    desk = Desk(config)
    desk.confirm(1, by="staff-7", reason="says so", now=NOW)
    with pytest.raises(StateError, match="decided as minor already"):
        desk.confirm(1, by="staff-8", reason="says so", now=NOW)
    desk.clear(2, by="staff-7", reason="known to us", now=NOW)
    with pytest.raises(StateError, match="cancelled"):
        desk.confirm(2, by="staff-8", reason="says so", now=NOW)


def test_two_people_at_once_make_one_decision(config: Config, layout: Layout) -> None:
    start = Barrier(8)
    done: list[str] = []

    def decide(number: int) -> None:
        desk = Desk(config)
        start.wait()
        try:
            desk.confirm(1, by=f"staff-{number}", reason="says so", now=NOW)
            done.append(f"staff-{number}")
        except StateError:
            pass

    threads = [Thread(target=decide, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert Desk(config).show(1).decided_by == done[0]
    decided = layout.own("agegate_event")
    assert layout.rows(f"SELECT count(*) FROM {decided} WHERE kind = 'flag.decided'", store=True) == [(1,)]


def test_every_act_is_in_the_sealed_trail(config: Config) -> None:
    desk = Desk(config)
    desk.confirm(1, by="staff-7", reason="says so", now=NOW)
    desk.clear(2, by="staff-8", reason="known to us", now=NOW)
    report = Audit(config.open_store(), config.key_ring, config.anchor_file).verify()
    assert (report.unsealed, report.faults) == (0, ())
    assert report.sealed == 5  # two flags, the sweep's end, two verdicts
