"""The demo's story: real at every step, ended by itself, and without an answer known in advance."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from agegate.config import Config
from agegate.database import writing
from agegate.demo import Scene, schema
from agegate.model import CATEGORIES, Outcome, RequestState
from agegate.review import Desk

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "demo", accounts=400, seed=23, now=NOW)


def change_host(scene: Scene, *statements: sa.Executable) -> None:
    engine = scene.config.open_host(read_only=False).engine
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)


def test_adult_in_child_out_child_again_out_french_fourteen_out(scene: Scene) -> None:
    assert [knock.decision.outcome for knock in scene.knock()] == [
        Outcome.ADMIT,
        Outcome.REFUSE,
        Outcome.REFUSE,
        Outcome.REFUSE,
    ]


def test_account_that_the_demo_does_not_know_is_found(scene: Scene) -> None:
    row = {
        "id": 900_001,
        "first_name": "Zori",
        "last_name": "Quillgate",
        "email": "zori.quillgate@example.org",
        "username": "zori.quillgate",
        "role": "learner",
        "country": "US",
        "plan": "free",
        "created_at": NOW,
    }
    bio = {"account_id": 900_001, "bio": "I'm ten and I collect bus tickets", "updated_at": NOW}
    change_host(scene, sa.insert(schema.accounts).values(row), sa.insert(schema.profiles).values(bio))
    assert "900001" in {found.account for found in scene.sweep(apply=True).found}


def test_bio_that_no_longer_says_so_is_not_found(scene: Scene) -> None:
    from_bio = [
        found.account
        for found in scene.sweep(apply=False).found
        if found.why[0].startswith("stated_age/") and "profiles.bio" in found.why[0] and len(found.why) == 1
    ]
    account = from_bio[0]
    table = schema.profiles
    changed = sa.update(table).where(table.c.account_id == int(account)).values(bio="I like maps.")
    change_host(scene, changed)
    assert account not in {found.account for found in scene.sweep(apply=True).found}


def test_the_surest_case_is_taken_to_its_receipt_and_nobody_else_goes(scene: Scene) -> None:
    summary = scene.sweep(apply=True)
    known = {found.account for found in summary.found if found.state is RequestState.QUARANTINED}
    case = scene.pick()
    assert case is not None
    rows = scene.rows(case.account)
    due = scene.confirm(case.line.case)
    assert (due - NOW).days == 14
    before = scene.config.open_host().count()
    scene.wait(due)
    receipts = scene.erase()
    assert len(receipts) == len(known) + 1
    assert before - scene.config.open_host().count() == len(receipts)
    receipt = next(receipt for receipt in receipts if receipt.request == _request(scene.config, case.line.case))
    assert list(receipt.categories) == list(CATEGORIES)
    erased = {table for result in receipt.categories.values() if result.rows for table in result.tables}
    assert {table for table, count in rows.items() if count} <= erased


def _request(config: Config, case: int) -> int:
    from agegate.store import tables

    with config.open_store().reading() as connection:
        query = sa.select(tables.requests.c.id).where(tables.requests.c.flag == case)
        return connection.execute(query).scalar_one()


def test_command_ends_by_itself_and_leaves_a_host_for_every_other_command(tmp_path: Path) -> None:
    folder = tmp_path / "kept here"
    command = [sys.executable, "-m", "agegate", "demo", "--dir", str(folder), "--accounts", "300", "--no-serve"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for line in (
        r"an adult in Germany: admit \(old_enough",
        r"a child of 12 in the United States: refuse \(under_limit",
        r"the same child with another birth date: refuse \(refused_before",
        r"somebody of 14 in France: refuse \(under_limit",
        r"dry: 300 accounts",
        r"\d+ flagged; \d+ quarantined",
        r"\d+ accounts erased and read back",
        r"\d+ events sealed, 0 fault\(s\)",
    ):
        assert re.search(line, done.stdout), line
    receipt = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    assert receipt["level"] == "rows_absent"
    environment = {**os.environ, "AGEGATE_CONFIG": str(folder / "agegate.toml")}
    for rest in (["review", "list"], ["host", "check"], ["audit", "verify"], ["sweep"], ["erase", "status"]):
        after = subprocess.run(
            [*command[:3], *rest], env=environment, capture_output=True, text=True, check=False
        )
        assert after.returncode == 0, after.stderr
    assert Desk(Config.load(folder / "agegate.toml")).list()
