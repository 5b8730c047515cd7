"""Erasure: planned whole or refused, carried out in order, read back, and receipted without personal data."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from agegate.audit import Audit
from agegate.config import Config
from agegate.erasure import Eraser, Outcome
from agegate.errors import BusyError, NotFoundError, PlanRefusedError
from agegate.model import CATEGORIES, AccountState, RequestState
from agegate.review import Desk
from agegate.signup import AgeGate
from agegate.sweep import Sweep
from tests.conftest import NOW, Layout, write_config
from tests.hosts import DESCRIPTION, SCHOOL, enrol, school, snapshot

LATER = NOW + timedelta(days=14, minutes=1)


@pytest.fixture
def config(layout: Layout) -> Config:
    """Accounts 1 and 2 are known to be under age, 3 to 5 are not; all have rows in every table."""
    config = school(layout)
    for number, born in enumerate(("2016-03-01", "2015-03-01", "1990-03-01", None, "1980-01-01"), 1):
        enrol(layout, number, born=born, bio=f"marker-{number}", email=f"marker-{number}@example.org")
    layout.run(
        "INSERT INTO billing VALUES (1, 1, 'US'), (2, 3, 'US')", "INSERT INTO courses VALUES (1, 'maps')"
    )
    Sweep(config).run(apply=True, now=NOW)
    return config


def erase(config: Config, **how: object) -> list[Outcome]:
    return Eraser(config).run(now=LATER, **how)  # type: ignore[arg-type]


def test_plan_goes_from_the_leaves_to_the_account(config: Config) -> None:
    order = [step.table for step in Eraser(config).plan().steps]
    assert order[-1] == "people"
    assert order.index("messages") < order.index("tickets")
    assert set(order) == {"people", "profiles", "billing", "tickets", "messages", "visits"}


def test_count_deletes_nothing(config: Config, layout: Layout) -> None:
    before = snapshot(layout)
    counts = Eraser(config).count("1")
    assert counts == {"messages": 2, "tickets": 1, "visits": 1, "profiles": 1, "billing": 1, "people": 1}
    assert snapshot(layout) == before
    with pytest.raises(NotFoundError):
        Eraser(config).count("99")


def test_nothing_runs_before_its_day(config: Config, layout: Layout) -> None:
    before = snapshot(layout)
    assert Eraser(config).run(now=NOW + timedelta(days=13)) == []
    assert snapshot(layout) == before


def test_due_accounts_go_whole_and_nobody_else_is_touched(config: Config, layout: Layout) -> None:
    before = snapshot(layout)
    receipts = [outcome.receipt for outcome in erase(config)]
    assert [receipt and receipt.request for receipt in receipts] == [1, 2]
    after = snapshot(layout)
    gone = {number: repr(f"marker-{number}") for number in (1, 2)}
    for table, rows in after.items():
        kept = {"courses": before["courses"]}.get(table) or [
            row for row in before[table] if not _of(table, row)
        ]
        assert rows == kept
        assert not any(marker.strip("'") in repr(rows) for marker in gone.values())


def _of(table: str, row: tuple[object, ...]) -> bool:
    """Whether a row of the school belongs to account 1 or 2."""
    column = {"people": 0, "visits": 0}.get(table, 1)
    return row[column] in {1, 2}


def test_receipt_answers_every_category_and_names_nobody(config: Config, layout: Layout) -> None:
    first = erase(config)[0].receipt
    assert first is not None
    assert list(first.categories) == list(CATEGORIES)
    assert {name: result.state for name, result in first.categories.items()} == {
        "contact": "erased",
        "usage": "not_held",
        "device": "not_held",
        "page_tags": "not_held",
        "logs": "erased",
        "referral": "not_held",
        "third_party": "not_held",
        "registration": "erased",
        "billing": "erased",
        "settings": "not_held",
        "profile": "erased",
    }
    assert first.categories["contact"].rows == 4
    body = json.loads(first.canonical())
    assert body["schema"] == 1
    assert body["level"] == "rows_absent"
    assert (body["rule"], body["cause"]) == ("us-coppa", "declared")
    assert body["out_of_scope"]
    assert "marker" not in first.canonical()
    ((stored,),) = layout.rows(
        f"SELECT body FROM {layout.own('agegate_receipt')} WHERE request = 1", store=True
    )
    assert stored == first.canonical()


def test_agegate_keeps_no_more_than_a_tag_of_the_erased(config: Config, layout: Layout) -> None:
    (first, *_) = erase(config)
    assert first.receipt is not None
    for name in ("agegate_flag", "agegate_request"):
        accounts = layout.rows(f"SELECT account FROM {layout.own(name)} WHERE id = 1", store=True)
        assert accounts == [(first.receipt.subject,)]
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_evidence')}", store=True) == [(0,)]
    journal = "agegate.agegate_journal" if layout.host.startswith("postgresql") else "agegate_journal"
    assert layout.rows(f"SELECT count(*) FROM {journal} WHERE captured IS NOT NULL") == [(0,)]
    assert "marker" not in repr(layout.rows(f"SELECT * FROM {journal}"))


def test_receipt_is_in_the_sealed_trail(config: Config, layout: Layout) -> None:
    receipts = [outcome.receipt for outcome in erase(config)]
    events = layout.rows(
        f"SELECT data FROM {layout.own('agegate_event')} WHERE kind = 'erasure.done' ORDER BY id", store=True
    )
    assert [json.loads(str(data))["receipt"] for (data,) in events] == [
        receipt and receipt.hash for receipt in receipts
    ]
    report = Audit(config.open_store(), config.key_ring, config.anchor_file).verify()
    assert (report.unsealed, report.faults) == (0, ())


def test_rerun_finds_nothing_to_do(config: Config, layout: Layout) -> None:
    erase(config)
    after = snapshot(layout)
    assert erase(config) == []
    assert snapshot(layout) == after


def test_verdict_taken_back_in_the_window_is_not_erased(config: Config, layout: Layout) -> None:
    Desk(config).clear(1, by="staff-7", reason="known to us", now=NOW)
    assert [outcome.request for outcome in erase(config)] == [2]
    assert layout.rows("SELECT id FROM people ORDER BY id") == [(1,), (3,), (4,), (5,)]


def test_account_already_gone_is_a_success_that_found_nothing(config: Config, layout: Layout) -> None:
    for table, column in (
        ("messages", "ticket_id"),
        ("tickets", "person_id"),
        ("profiles", "person_id"),
        ("billing", "person_id"),
        ("visits", "person_id"),
        ("people", "id"),
    ):
        layout.run(f"DELETE FROM {table} WHERE {column} = 1")
    first = erase(config)[0].receipt
    assert first is not None
    assert {result.state for result in first.categories.values()} == {"none_found", "not_held"}


def test_key_given_to_a_new_account_after_erasure(config: Config, layout: Layout) -> None:
    """A database may reuse a number; the newcomer is a new case and the old receipt stays."""
    erase(config)
    enrol(layout, 1, born="2016-03-01", bio="marker-1", email="marker-1@example.org")
    Sweep(config).run(now=LATER)
    outcomes = Eraser(config).run(now=LATER + timedelta(days=15))
    assert [outcome.receipt is not None for outcome in outcomes] == [True]
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_receipt')}", store=True) == [(3,)]


@pytest.mark.parametrize("table", ["profiles", "billing", "tickets", "messages", "visits"])
def test_undeclared_table_makes_the_plan_refuse(layout: Layout, table: str) -> None:
    config = school(layout)
    enrol(layout, 1, born="2016-03-01")
    Sweep(config).run(apply=True, now=NOW)
    lines = DESCRIPTION.split(f"[host.tables.{table}]")
    without = lines[0] + lines[1].partition("[")[1] + lines[1].partition("[")[2]
    config = write_config(layout, without)
    before = snapshot(layout)
    with pytest.raises(PlanRefusedError) as refused:
        erase(config)
    assert any(table in finding for finding in refused.value.findings)
    assert snapshot(layout) == before


def test_all_findings_come_at_once(layout: Layout) -> None:
    layout.run(*SCHOOL)
    config = write_config(layout, DESCRIPTION.partition("[host.tables.profiles]")[0])
    with pytest.raises(PlanRefusedError) as refused:
        Eraser(config).plan()
    named = " ".join(refused.value.findings)
    assert all(table in named for table in ("profiles", "billing", "tickets", "messages", "visits"))
    assert "category usage" in named


def test_circle_of_references_is_a_finding(layout: Layout) -> None:
    layout.run(*SCHOOL)
    if layout.host.startswith("postgresql"):
        layout.run("ALTER TABLE tickets ADD COLUMN last INTEGER REFERENCES messages (id)")
    else:
        layout.run("ALTER TABLE tickets ADD COLUMN last INTEGER REFERENCES messages (id)")
    owned = DESCRIPTION.replace(
        '[host.tables.tickets]\ncategory = "contact"',
        '[host.tables.tickets]\ncategory = "contact"\nowners = "any"',
    )
    config = write_config(layout, owned)
    with pytest.raises(PlanRefusedError, match="circle"):
        Eraser(config).plan()


def test_row_of_another_that_refers_here_stops_that_request_only(config: Config, layout: Layout) -> None:
    """A reference that appears while the plan is run: the request is dead, visible, and goes on when mended."""
    eraser = Eraser(config)
    eraser.plan()
    layout.run(
        "CREATE TABLE badges (id INTEGER PRIMARY KEY, holder INTEGER REFERENCES people (id))",
        "INSERT INTO badges VALUES (1, 1)",
    )
    dead, done = eraser.run(now=LATER)
    assert dead.receipt is None
    assert "people" in dead.finding
    assert done.receipt is not None
    gate = AgeGate.from_config(config.folder / "agegate.toml")
    assert gate.account_state("1") is AccountState.QUARANTINED
    states = dict(layout.rows(f"SELECT id, state FROM {layout.own('agegate_request')}", store=True))
    assert states == {1: RequestState.DEAD, 2: RequestState.DONE}
    layout.run("DELETE FROM badges", "DROP TABLE badges")
    (again,) = erase(config)
    assert again.receipt is not None


def test_rows_that_come_back_are_found_and_nothing_is_called_done(config: Config, layout: Layout) -> None:
    """A trigger writes a visit whenever one is deleted: reading back sees it."""
    if layout.host.startswith("postgresql"):
        layout.run(
            "CREATE FUNCTION again() RETURNS trigger AS $$ BEGIN INSERT INTO visits VALUES (OLD.id, 'late');"
            " RETURN OLD; END $$ LANGUAGE plpgsql",
            "CREATE TRIGGER late AFTER DELETE ON people FOR EACH ROW EXECUTE FUNCTION again()",
        )
    else:
        layout.run(
            "CREATE TRIGGER late AFTER DELETE ON people BEGIN INSERT INTO visits VALUES (OLD.id, 'late'); END"
        )
    outcomes = erase(config)
    assert [outcome.receipt for outcome in outcomes] == [None, None]
    assert "1 in visits" in outcomes[0].finding
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_receipt')}", store=True) == [(0,)]
    layout.run("DROP TRIGGER late" + (" ON people" if layout.host.startswith("postgresql") else ""))
    assert all(outcome.receipt is not None for outcome in erase(config))


def test_one_run_at_a_time(config: Config, layout: Layout) -> None:
    before = snapshot(layout)
    with config.open_store().lease("erase run"), pytest.raises(BusyError):
        erase(config)
    assert snapshot(layout) == before
