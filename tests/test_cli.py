"""The commands as people and scripts use them: what they print, where, and with which exit code."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from typer.main import get_command

from agegate.audit import Audit
from agegate.cli import main
from agegate.cli.app import app
from agegate.config import Config
from agegate.errors import DatabaseError
from agegate.store import tables
from tests.conftest import Layout, write_config
from tests.hosts import DESCRIPTION, enrol, school


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds, which must be JSON and nothing else."""
        return json.loads(self.out)


Run = Callable[..., Ran]


def ends() -> int:
    """Run the command of `sys.argv`; returns its exit code, and lets go of the traceback."""
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    raise AssertionError("a command line must end by SystemExit")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command line in this process, in an empty folder, as `agegate …` would."""
    monkeypatch.delenv("AGEGATE_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def go(*words: object, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "argv", ["agegate", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = ends()
        gc.collect()  # the end of a process closes what its command opened; here this does
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return go


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A school on SQLite with a known child, one who says so in words, and two adults; configured by name."""
    layout = Layout(
        "sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path
    )
    school(layout)
    today = datetime.now(UTC).date()
    enrol(layout, 1, born=f"{today.year - 10}-01-01", created="2026-01-15")
    enrol(layout, 2, bio="I'm 11 and I draw.", said=str(today))
    enrol(layout, 3, born="1980-03-01")
    enrol(layout, 4)
    return layout


@pytest.fixture
def at_host(run: Run, host: Layout, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run`, with `AGEGATE_CONFIG` naming the school's agegate.toml."""
    monkeypatch.setenv("AGEGATE_CONFIG", str(host.folder / "agegate.toml"))
    return run


def config_of(layout: Layout) -> Config:
    return Config.load(layout.folder / "agegate.toml")


def make_due(layout: Layout) -> None:
    layout.rows("SELECT 1")
    engine = layout.engine(layout.store)
    with engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(days=1)
        connection.execute(
            tables.requests.update().where(tables.requests.c.due_at.is_not(None)).values(due_at=past)
        )
    engine.dispose()


# --- check ----------------------------------------------------------------------------------------

CHECKS = [
    # options; exit code; the first line; words of the rest
    (("--birth-date", "1990-05-01", "--country", "FR"), 0, "admit: old_enough", "limit 15"),
    (
        ("--birth-date", "2012-05-01", "--country", "FR", "--on", "2026-11-22"),
        1,
        "refuse: under_limit",
        "limit 15",
    ),
    (
        ("--birth-date", "2012-05-01", "--country", "FR", "--on", "2027-05-01"),
        0,
        "admit: old_enough",
        "limit 15",
    ),
    (("--birth-date", "1990", "--country", "CA", "--region", "ON"), 0, "admit: old_enough", "(CA-ON)|CA-ON"),
    (("--birth-date", "1990", "--country", "UK"), 2, "invalid: invalid", "GB"),
    (("--birth-date", "soon", "--country", "FR"), 2, "invalid: invalid", "birth_date: "),
    (("--birth-date", "1990"), 2, "invalid: invalid", "country: "),
    (("--birth-date", "1990", "--ip-country", "FR"), 2, "invalid: invalid", "country: "),
    ((), 2, "invalid: invalid", "birth_date: "),
]


@pytest.mark.parametrize(("options", "code", "first", "more"), CHECKS)
def test_check_answers_by_text_and_exit_code(
    run: Run, options: tuple[str, ...], code: int, first: str, more: str
) -> None:
    done = run("check", *options)
    assert (done.code, done.out.splitlines()[0], done.err) == (code, first, "")
    assert re.search(more, done.out)
    assert not list(Path().iterdir()), "nothing is remembered without a configuration"


def test_check_reads_a_registration_from_stdin(run: Run) -> None:
    done = run("check", "--on", "2026-11-22", stdin='{"birth_date": "2012-05-01", "country": "FR"}')
    assert (done.code, done.out.splitlines()[0]) == (1, "refuse: under_limit")
    full = {"birth_date": 2012, "country": ["FR"], "locale": "fr", "time_zone": "Europe/Paris"}
    assert run("check", stdin=json.dumps(full)).code == 2


def test_check_without_any_stdin_asks_for_what_it_needs() -> None:
    command = f"exec {sys.executable} -m agegate check <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert "birth_date: give the date of birth" in done.stdout


def test_json_of_check_has_its_keys(run: Run) -> None:
    done = run("check", "--birth-date", "2012-05-01", "--country", "FR", "--on", "2026-11-22", "--json")
    keys = [
        "schema",
        "outcome",
        "reason",
        "limit",
        "jurisdiction",
        "rule",
        "set_by",
        "why",
        "conflicts",
        "errors",
    ]
    assert (list(done.json), done.err) == (keys, "")
    assert (done.json["outcome"], done.json["limit"], done.json["jurisdiction"]) == ("refuse", 15, "FR")
    wrong = run("check", "--birth-date", "soon", "--json").json
    assert [(error["field"], sorted(error)) for error in wrong["errors"]] == [
        ("birth_date", ["code", "field", "message"]),
        ("country", ["code", "field", "message"]),
    ]


def test_check_says_which_places_disagree_and_whose_address_counts(run: Run) -> None:
    teenager = ("check", "--birth-date", "2012-05-01", "--country", "US", "--billing-country", "FR")
    own = run(*teenager, "--on", "2026-11-22", "--json")
    assert (own.code, own.json["jurisdiction"], own.json["conflicts"]) == (1, "FR", ["declared says US"])
    paid_for = run(*teenager, "--payer", "company", "--on", "2026-11-22", "--json")
    assert (paid_for.code, paid_for.json["jurisdiction"], paid_for.json["conflicts"]) == (0, "US", [])


def test_check_compares_the_devices_time_zone_and_takes_it_for_no_place(run: Run) -> None:
    somebody = ("check", "--birth-date", "1990-05-01", "--country", "FR", "--json")
    assert run(*somebody, "--time-zone", "Europe/Paris").json["conflicts"] == []
    away = run(*somebody, "--time-zone", "Asia/Tokyo").json
    assert (away["jurisdiction"], away["conflicts"]) == ("FR", ["time_zone says JP"])


def test_check_with_a_configuration_remembers(at_host: Run, host: Layout) -> None:
    child = ("--birth-date", "2018-04-17", "--country", "US", "--email", "comet@example.net")
    assert at_host("check", *child).code == 1
    again = at_host("check", "--birth-date", "1984", *child[2:])
    assert (again.code, again.out.splitlines()[0]) == (1, "refuse: refused_before")
    assert host.rows("SELECT count(*) FROM agegate_refusal", store=True) == [(1,)]


# --- law ------------------------------------------------------------------------------------------

LAWS = [
    (("DE",), 16, "DE"),
    (("de",), 16, "DE"),
    (("DK", "--on", "2023-12-31"), 13, "DK"),
    (("DK", "--on", "2024-01-01"), 15, "DK"),
    (("CA-QC",), 14, "CA-QC"),
    (("CA",), 14, "CA-QC"),
    (("CA-ON",), 13, "CA-ON"),
    (("JP",), 13, "JP"),
]
LAW_KEYS = [
    *("jurisdiction", "age", "rule", "set_by", "law", "citation", "from", "until", "status", "why"),
    *("follows", "existing_accounts", "bands", "history"),
]


@pytest.mark.parametrize(("words", "age", "jurisdiction"), LAWS)
def test_law_says_which_age_holds_and_by_which_rule(
    run: Run, words: tuple[str, ...], age: int, jurisdiction: str
) -> None:
    done = run("law", *words)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{age} in {jurisdiction} on ")
    found = run("law", *words, "--json").json
    assert [key for key in found if key != "schema"] == LAW_KEYS
    assert (found["age"], found["jurisdiction"]) == (age, jurisdiction)
    assert found["rule"] is None or found["rule"] in [rule["rule"] for rule in found["history"]]


def test_law_of_an_unresearched_place_says_so(run: Run) -> None:
    assert run("law", "MN", "--json").json["status"] == "not_researched"
    assert "has not been researched" in run("law", "MN").out


# --- host, sweep, review, erase ----------------------------------------------------------------------


def test_host_check_finds_what_is_undeclared(at_host: Run, host: Layout) -> None:
    whole = at_host("host", "check")
    assert (whole.code, whole.out) == (0, "6 tables declared, 0 finding(s)\n")
    assert at_host("host", "check", "--json").json["findings"] == []
    host.run("CREATE TABLE badges (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people (id))")
    done = at_host("host", "check")
    assert done.code == 1
    assert done.out.startswith("badges: reaches the account (badges.owner -> people); declare it")
    (finding,) = at_host("host", "check", "--json").json["findings"]
    assert list(finding) == ["where", "problem", "remedy"]


def test_sweep_looks_first_and_acts_when_told(at_host: Run, host: Layout) -> None:
    count = "SELECT count(*) FROM agegate_flag"
    for words in (("sweep",), ("sweep", "--dry-run"), ("sweep", "--as-of", "2026-11-22")):
        dry = at_host(*words)
        assert (dry.code, dry.err) == (0, "")
        assert "2 would be flagged" in dry.out
        assert dry.out.endswith("nothing was written; `agegate sweep --apply` acts\n")
        assert host.rows(count, store=True) == [(0,)]
    applied = at_host("sweep", "--apply", "--json")
    assert (applied.code, applied.err) == (0, "")
    summary = applied.json
    assert (summary["dry"], summary["accounts"], summary["flags"], summary["quarantined"]) == (False, 4, 2, 1)
    assert [(found["account"], found["state"]) for found in summary["found"]] == [
        ("1", "quarantined"),
        ("2", "awaiting_review"),
    ]
    assert host.rows(count, store=True) == [(2,)]
    assert at_host("sweep", "--as-of", "2026-11-22", "--json").json["dry"] is True


@pytest.mark.parametrize("other", [("--dry-run",), ("--as-of", "2026-11-22")])
def test_sweep_either_acts_or_looks(at_host: Run, other: tuple[str, ...]) -> None:
    done = at_host("sweep", "--apply", *other)
    assert (done.code, done.out) == (2, "")
    assert done.err == "agegate: --apply acts and --dry-run or --as-of only look: give one of them\n"


def test_sweep_beside_another_one_is_asked_to_try_later(at_host: Run, host: Layout) -> None:
    with config_of(host).open_store().lease("sweep"):
        done = at_host("sweep", "--apply")
    assert (done.code, done.out) == (75, "")
    assert re.fullmatch(r"agegate: another sweep is running; .*\n", done.err)
    with config_of(host).open_store().lease("erase run"):
        assert at_host("erase", "run").code == 75


def test_sweep_needs_a_person_when_the_brake_holds(at_host: Run, host: Layout) -> None:
    for number in range(10, 31):
        enrol(host, number, born=f"2018-03-{number:02}")
    done = at_host("sweep", "--apply")
    assert (done.code, done.err) == (1, "")
    assert "brake: 2 known case(s) wait for a person" in done.out


def test_sweep_outlives_an_account_of_year_one(at_host: Run, host: Layout) -> None:
    """Some frameworks write 0001-01-01 where nobody set a day; one such row must not stop a sweep."""
    enrol(host, 9, bio="I'm 10 and I sing.", said="2026-11-20", created="0001-01-01")
    done = at_host("sweep", "--json")
    assert (done.code, done.err) == (0, "")
    assert "1" in [found["account"] for found in done.json["found"]]


def test_review_from_report_to_verdict(at_host: Run, host: Layout) -> None:
    assert at_host("review", "report", 4, "--age", 11, "--from", "parent", "--json").json["report"] == 1
    assert at_host("review", "report", 3, "--age", 9, "--from", "other", "--on", "2026-11-01").out.startswith(
        "report 2"
    )
    at_host("sweep", "--apply")
    listed = at_host("review", "list", "--json").json["cases"]
    cases = {
        at_host("review", "show", case["case"], "--json").json["case"]["account"]: case["case"]
        for case in listed
    }
    assert {"1", "2", "4"} <= set(cases)
    shown = at_host("review", "show", cases["2"])
    assert shown.code == 0
    assert "under 13: p = " in shown.out
    assert "«I'm 11»" in shown.out
    assert "Person 2" not in shown.out
    verdict = ("--by", "staff-7", "--reason", "by the evidence")
    confirmed = at_host("review", "confirm", cases["2"], *verdict)
    assert (confirmed.code, confirmed.out[:16]) == (0, f"case {cases['2']}: minor; q"[:16])
    cleared = at_host("review", "clear", cases["4"], *verdict, "--json").json
    assert (cleared["case"], cleared["verdict"]) == (cases["4"], "adult")
    assert at_host("review", "confirm", cases["1"], *verdict, "--json").json["verdict"] == "minor"
    again = at_host("review", "confirm", cases["2"], *verdict)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert cases["4"] not in [case["case"] for case in at_host("review", "list", "--json").json["cases"]]
    assert cases["4"] in [case["case"] for case in at_host("review", "list", "--all", "--json").json["cases"]]
    assert "decided: minor by staff-7" in at_host("review", "show", cases["2"]).out
    assert at_host("review", "list").out.count("quarantined") == 2


def test_erasure_from_plan_to_receipt(at_host: Run, host: Layout) -> None:
    at_host("sweep", "--apply")
    plan = at_host("erase", "plan", 1)
    assert "people: 1 row(s)" in plan.out
    assert "messages: 2 row(s)" in plan.out
    steps = {step["table"]: step["rows"] for step in at_host("erase", "plan", 1, "--json").json["steps"]}
    assert steps == {"people": 1, "profiles": 1, "billing": 0, "tickets": 1, "messages": 2, "visits": 1}
    assert at_host("erase", "status").out.split() == ["1", "awaiting_review", "1", "quarantined"]
    assert at_host("erase", "run").out == "0 erased, 0 need a person\n"
    make_due(host)
    done = at_host("erase", "run", "--json")
    assert (done.code, done.err, done.json["findings"]) == (0, "", [])
    assert len(done.json["receipts"]) == 1
    assert at_host("erase", "status", "--json").json["states"] == {"awaiting_review": 1, "done": 1}
    assert host.rows("SELECT id FROM people ORDER BY id") == [(2,), (3,), (4,)]


def test_erasure_that_needs_a_person_says_so(at_host: Run, host: Layout) -> None:
    at_host("sweep", "--apply")
    make_due(host)
    host.run("CREATE TABLE badges (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people (id))")
    refused = at_host("erase", "run")
    assert (refused.code, refused.out) == (1, "")
    assert re.fullmatch(r"agegate: the erasure plan is refused: 1 finding\(s\): badges: .*\n", refused.err)
    assert at_host("erase", "plan", 1).code == 1


def test_erasure_prints_receipts_and_findings_for_people(at_host: Run, host: Layout) -> None:
    at_host("sweep", "--apply")
    make_due(host)
    again = "INSERT INTO visits VALUES (OLD.person_id, OLD.ip)"
    host.run(f"CREATE TRIGGER comes_back AFTER DELETE ON visits BEGIN {again}; END")
    dead = at_host("erase", "run")
    assert (dead.code, dead.err) == (1, "")
    assert re.fullmatch(r"request 1: not erased: .*visits.*\n0 erased, 1 need a person\n", dead.out)
    assert "request 1: " in at_host("erase", "status").out
    host.run("DROP TRIGGER comes_back")
    done = at_host("erase", "run")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"request 1: erased, .*; receipt [0-9a-f]{16}\n1 erased, 0 need a person\n", done.out)


def test_review_shows_each_kind_of_evidence(at_host: Run, host: Layout) -> None:
    host.run("UPDATE people SET born = '2025-03-04' WHERE id = 1")
    at_host("sweep", "--apply")
    filler, words = at_host("review", "show", 1).out, at_host("review", "show", 2).out
    assert "note: the declared date looks like a filler" in filler
    assert "born 2025-03-04" in filler
    assert "(changed since it was flagged)" not in words
    host.run("UPDATE profiles SET bio = 'I was\x1b[2J 11 once.' WHERE person_id = 2")
    changed = at_host("review", "show", 2).out
    assert "(changed since it was flagged)" in changed
    assert "\x1b" not in changed, "a stranger's text must not move the cursor"
    host.run("DELETE FROM profiles WHERE person_id = 2")
    assert "the text is gone" in at_host("review", "show", 2).out
    assert (
        at_host("review", "clear", 1, "--by", "staff-7", "--reason", "r").out
        == "case 1: adult; the account is free\n"
    )
    assert "forgotten after the verdict" in at_host("review", "show", 1).out


def test_sweep_counts_what_could_not_be_read(at_host: Run, host: Layout) -> None:
    host.run("UPDATE people SET born = 'soon' WHERE id IN (3, 4)")
    assert "2 value(s) of born could not be read and were passed over" in at_host("sweep").out
    assert at_host("sweep", "--json").json["unreadable"] == {"born": 2}


# --- evaluate, db, audit ------------------------------------------------------------------------------


def test_evaluate_prints_a_table_or_json(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "I\'m 11 and I draw.", "label": "self_under_13"}\n', encoding="utf-8")
    done = run("evaluate", file)
    assert (done.code, done.err) == (0, "")
    assert "precision" in done.out
    assert run("evaluate", file, "--as-of", "2026-11-22", "--json").json["under"]["13"]["all"]["right"] == 1
    missing = run("evaluate", tmp_path / "missing.jsonl")
    assert (missing.code, missing.out, missing.err.count("\n")) == (2, "", 1)


def test_db_upgrade_makes_tables_and_keys_once(run: Run, layout: Layout) -> None:
    write_config(layout, DESCRIPTION)
    file = layout.folder / "agegate.toml"
    ring = (layout.folder / "agegate.keys").read_bytes()
    for _ in range(2):
        done = run("db", "upgrade", "--config", file)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("tables are up to date in ")
    assert (layout.folder / "agegate.keys").read_bytes() == ring


def test_audit_names_an_event_that_was_edited(at_host: Run, host: Layout) -> None:
    at_host("sweep", "--apply")
    whole = at_host("audit", "verify")
    assert (whole.code, whole.out.split(",")[-1]) == (0, " 0 fault(s)\n")
    engine = host.engine(host.store)
    with engine.begin() as connection:
        connection.execute(tables.events.update().where(tables.events.c.id == 1).values(actor="nobody"))
    engine.dispose()
    done = at_host("audit", "verify", "--json")
    assert (done.code, len(done.json["faults"]), done.err) == (1, 1, "")
    assert at_host("audit", "verify").out.startswith("event 1 (position 1): edited or reordered\n")


def test_audit_names_a_tail_that_nobody_sealed(at_host: Run, host: Layout) -> None:
    config = config_of(host)
    store = config.open_store()
    with store.writing() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=1)
        Audit(store, config.key_ring).record(connection, "signup.refused", actor="gate", now=long_ago)
    assert at_host("audit", "verify").code == 1
    Audit(store, config.key_ring, config.anchor_file).seal()
    assert at_host("audit", "verify").code == 0


# --- every command --------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))
        if not hasattr(command, "commands"):
            found[" ".join(words)] = command

    walk(get_command(app), ())
    return found


COMMANDS = commands()


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_trigger_is_printed_installed_and_removed(at_host: Run, host: Layout) -> None:
    printed = at_host("host", "guard")
    assert (printed.code, printed.err) == (0, "")
    assert "agegate_admission" in printed.out
    enrol(host, 71)
    assert at_host("host", "guard", "--install").out.endswith("installed\n")
    with pytest.raises((sa.exc.DBAPIError, DatabaseError), match="nobody admitted"):
        enrol(host, 72)
    assert at_host("host", "check").code == 0, "the trigger's own table is no finding"
    assert at_host("host", "guard", "--remove").out.endswith("removed\n")
    enrol(host, 72)


def test_trigger_is_not_both_installed_and_removed(at_host: Run) -> None:
    slip = at_host("host", "guard", "--install", "--remove")
    assert (slip.code, len(slip.err.splitlines())) == (2, 1)


def test_commands_are_those_of_this_version() -> None:
    assert set(COMMANDS) == {
        *("check", "sweep", "evaluate", "doctor", "demo", "host check", "db upgrade", "audit verify"),
        *("law show", "law lint", "law diff", "law export", "bench gate"),
        *("review list", "review show", "review confirm", "review clear", "review report"),
        *("review readmit", "host guard"),
        *("erase plan", "erase run", "erase status"),
    }


@pytest.mark.parametrize("words", COMMANDS)
def test_help_teaches(run: Run, words: str) -> None:
    done = run(*words.split(), "--help")
    assert (done.code, done.err) == (0, "")
    about = (COMMANDS[words].help or "").strip()
    assert about.endswith(".") or "Example: agegate " in about.splitlines()[-1], "a sentence, or an example"
    assert len(about.split()) >= 6
    assert about.splitlines()[0] in " ".join(done.out.replace("│", " ").split())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_takes_a_configuration(words: str) -> None:
    assert "--config" in options(COMMANDS[words])


@pytest.mark.parametrize(
    "words", [(), *((name,) for name in ("law", "review", "erase", "host", "bench", "db", "audit"))]
)
def test_command_alone_shows_its_help(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert "Usage: " in done.out + done.err
    assert done.code in {0, 2}


JSON_RUNS = {
    "check": ("--birth-date", "1990", "--country", "DE"),
    "law show": ("DE",),
    "law lint": (),
    "law diff": ("--from", "2023-12-31", "--to", "2024-01-01"),
    "law export": (),
    "sweep": (),
    "evaluate": ("texts.jsonl",),
    "doctor": (),
    "bench gate": (),
    "host check": (),
    "host guard": (),
    "review list": (),
    "review show": (1,),
    "review confirm": (1, "--by", "staff-7", "--reason", "r"),
    "review clear": (1, "--by", "staff-7", "--reason", "r"),
    "review report": (4, "--age", 11, "--from", "school"),
    "review readmit": ("--email", "comet@example.net", "--by", "staff-7", "--because", "mistyped"),
    "erase plan": (1,),
    "erase run": (),
    "erase status": (),
    "audit verify": (),
}


def test_every_command_with_json_has_a_run_here() -> None:
    assert set(JSON_RUNS) == {words for words, command in COMMANDS.items() if "--json" in options(command)}


def test_stdout_is_only_json_with_json(at_host: Run) -> None:
    Path("texts.jsonl").write_text('{"text": "I bake.", "label": "adult"}\n', encoding="utf-8")
    at_host("sweep", "--apply")
    for words, more in JSON_RUNS.items():
        done = at_host(*words.split(), *more, "--json")
        assert (done.code, done.err) == (0, ""), words
        assert done.json["schema"] == 1, words


# --- real processes ---------------------------------------------------------------------------------


def process(*words: object, stdin: str = "", **environment: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "agegate", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_commands_work_as_processes(host: Layout, tmp_path: Path) -> None:
    refused = process("check", "--json", stdin='{"birth_date": "2020", "country": "FR"}')
    assert (refused.code, refused.json["outcome"], refused.err) == (1, "refuse", "")
    named = {"AGEGATE_CONFIG": str(host.folder / "agegate.toml")}
    swept = process("sweep", "--apply", **named)
    assert (swept.code, swept.err) == (0, ""), "progress is quiet without a terminal"
    assert "2 flagged" in swept.out
    assert process("nonsense").code == 2


def test_interrupted_process_keeps_what_was_done(host: Layout) -> None:
    """Ctrl-C in the midst of a sweep, slowed down to one account a second."""
    write_config(host, DESCRIPTION, sweep="chunk = 1")
    slow = "import time, agegate.sweep.run as r; o = r.Sweep._chunk;"
    slow += "r.Sweep._chunk = lambda *a: (print('chunk', flush=True), time.sleep(1), o(*a))[2];"
    program = (
        f"{slow} import sys; sys.argv = ['agegate', 'sweep', '--apply']; from agegate.cli import main; main()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"AGEGATE_CONFIG": str(host.folder / "agegate.toml")},
    )
    assert started.stdout is not None
    for _ in range(3):
        started.stdout.readline()
    time.sleep(0.2)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=20)
    assert (started.returncode, err.count("\n")) == (130, 1)
    assert err.startswith("agegate: stopped")
    assert host.rows("SELECT count(*) FROM agegate_flag", store=True) == [(2,)]
    assert host.rows("SELECT count(*) FROM agegate_lease", store=True) == [(0,)]
