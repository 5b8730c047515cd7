"""A kill at any statement or commit: the job, run again, ends as an unkilled run does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agegate.audit import Audit
from agegate.config import Config
from agegate.sweep import Sweep
from tests.conftest import NOW, Databases, Layout
from tests.hosts import enrol, school, snapshot
from tests.killing import JOBS, count_points, kill_at


class Copies:
    """A prepared layout that can be had again, fresh, any number of times."""

    def __init__(self, layout: Layout, databases: Databases | None) -> None:
        self._layout = layout
        self._databases = databases

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[tuple[Layout, Config]]:
        """A copy of host, store, key ring and configuration in a new folder, gone afterwards."""
        shutil.copytree(self._layout.folder, folder)
        host, store = self._layout.host, self._layout.store
        copied = {url: self._copied(url, folder) for url in {host, store}}
        copy = replace(self._layout, folder=folder, host=copied[host], store=copied[store])
        file = folder / "agegate.toml"
        text = file.read_text(encoding="utf-8")
        for section, old in (("store", store), ("host", host)):
            text = text.replace(f'[{section}]\nurl = "{old}"', f'[{section}]\nurl = "{copied[old]}"')
        file.write_text(text, encoding="utf-8")
        yield copy, Config.load(file)
        shutil.rmtree(folder)
        if self._databases is not None:
            self._databases.drop(*copied.values())

    def _copied(self, url: str, folder: Path) -> str:
        if self._databases is not None:
            return self._databases.make(template=url)
        return f"sqlite:///{folder}/{Path(url).name}"


def outcome(layout: Layout, config: Config) -> dict[str, object]:
    """All that a job leaves behind, without what a kill may change: running numbers, moments of leases."""

    def rows(columns: str, table: str) -> list[tuple[object, ...]]:
        return sorted(layout.rows(f"SELECT {columns} FROM {layout.own(table)}", store=True), key=repr)

    report = Audit(config.open_store(), config.key_ring, config.anchor_file).verify()
    journal, exists = "agegate_journal", "SELECT name FROM sqlite_master WHERE name = 'agegate_journal'"
    if layout.host.startswith("postgresql"):
        journal, exists = "agegate.agegate_journal", "SELECT to_regclass('agegate.agegate_journal')"
    return {
        "host": snapshot(layout),
        "requests": rows("account, state, due_at, done_at, plan, finding", "agegate_request"),
        "flags": rows("account, cause, band, fingerprint, verdict", "agegate_flag"),
        "evidence": rows("account, signal, source, words", "agegate_evidence"),
        "receipts": rows("request, body", "agegate_receipt"),
        "events": rows("kind, subject", "agegate_event"),
        "leases": rows("name", "agegate_lease"),
        "sweeps": rows("checkpoint, accounts, quarantined, finished_at", "agegate_sweep"),
        "journal": sorted(layout.rows(f"SELECT request, step, rows, captured FROM {journal}"), key=repr)
        if layout.rows(exists) not in ([], [(None,)])
        else [],
        "trail": (report.sealed, report.unsealed, report.faults),
    }


@pytest.fixture
def prepared(layout: Layout, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Layout, Copies]:
    """Three accounts, one known to be under age; agegate's tables made, nothing swept."""
    home = tmp_path / "prepared"
    home.mkdir()
    if layout.name.startswith("sqlite"):
        store = f"sqlite:///{home}/host.db" if layout.together else f"sqlite:///{home}/agegate.db"
        layout = replace(layout, folder=home, host=f"sqlite:///{home}/host.db", store=store)
        databases = None
    else:
        layout, databases = replace(layout, folder=home), request.getfixturevalue("databases")
    school(layout, sweep="chunk = 1")
    for number, born in enumerate((None, "2016-03-01", "1990-03-01"), 1):
        enrol(layout, number, born=born, bio="I'm 11 and I draw" if number == 1 else None)
    return layout, Copies(layout, databases)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["writes", "every"]
)
def test_kill_at_any_statement_converges(
    prepared: tuple[Layout, Copies], job: str, every: bool, tmp_path: Path
) -> None:
    layout, copies = prepared
    if job == "erase":
        Sweep(Config.load(layout.folder / "agegate.toml")).run(apply=True, now=NOW - timedelta(minutes=1))
    with copies.fresh(tmp_path / "whole") as (whole, config):
        points = count_points(job, config.folder / "agegate.toml", every=every)
        expected = [outcome(whole, config)]
        JOBS[job](config)  # who is killed after the last commit has nothing left to do but a second run
        expected.append(outcome(whole, config))
    killed = 0
    for point in range(1, points + 1):
        with copies.fresh(tmp_path / "killed") as (copy, config):
            kill_at(point, job, config.folder / "agegate.toml", every=every)
            JOBS[job](config)
            assert outcome(copy, config) in expected, f"killed at point {point} of {points}"
        killed += 1
    print(f"{job} on {layout.name}: {points} points recorded, {killed} killed")
    assert killed == points > 40
