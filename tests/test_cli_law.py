"""`agegate law`, `agegate doctor` and `agegate bench` as people and scripts use them."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agegate.law import COUNTRIES, Rulebook
from agegate.law.rulebook import SHIPPED
from tests import test_bad_input, test_cli
from tests.conftest import Layout, write_config
from tests.hosts import DESCRIPTION, enrol, school

run = test_cli.run
Run = test_cli.Run
assert_one_line = test_bad_input.assert_one_line


@pytest.fixture
def host(tmp_path: Path) -> Layout:
    """A school on SQLite; nobody is in it yet."""
    layout = Layout(
        "sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path
    )
    school(layout)
    return layout


def configured(folder: Path, text: str) -> Path:
    """A configuration without a host."""
    file = folder / "service.toml"
    file.write_text(text, encoding="utf-8")
    return file


# --- which age holds --------------------------------------------------------------------------------

SAME = [
    # command lines that ask the same
    (("DK", "--on", "2023-12-31"), ("show", "DK", "--on", "2023-12-31"), ("--on", "2023-12-31", "DK")),
    (("CA-QC",), ("ca-qc",), (" CA-QC ",), ("show", "CA-QC")),
    (("--json", "DE"), ("DE", "--json"), ("show", "DE", "--json"), ("show", "--json", "DE")),
    (
        ("DE", "--json", "--on", "2020-01-01"),
        ("--json", "--on", "2020-01-01", "DE"),
        ("--on", "2020-01-01", "DE", "--json"),
    ),
]


@pytest.mark.parametrize("lines", SAME)
def test_place_may_stand_anywhere_and_the_word_show_be_left_out(run: Run, lines: tuple[Any, ...]) -> None:
    first, *others = (run("law", *words) for words in lines)
    assert (first.code, first.err) == (0, "")
    assert first.out
    assert [other for other in others if other != first] == []


ANSWERS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    # what: (words; keys of the answer)
    "the EU's default": (("DE",), {"age": 16, "set_by": "de-gdpr-art8", "status": "in_force", "follows": None}),
    "the last day before a rise": (
        ("DK", "--on", "2023-12-31"),
        {"age": 13, "rule": "dk-dbl-s6-2018", "until": "2023-12-31"},
    ),
    "the first day of a rise": (
        ("DK", "--on", "2024-01-01"),
        {"age": 15, "rule": "dk-dbl-s6-2024", "from": "2024-01-01", "until": None},
    ),
    "a minor": (
        ("CO", "--on", "2026-11-22"),
        {"age": 18, "existing_accounts": 13, "bands": [{"under": 18, "action": "consent"}]},
    ),
    "a sourced age": (("FR", "--on", "2026-08-01"), {"age": 15, "existing_accounts": 15}),
    "a territory": (("RE", "--on", "2026-08-01"), {"age": 15, "existing_accounts": 13, "follows": "FR"}),
    "a part": (("CA-QC", "--on", "2023-09-22"), {"age": 14, "jurisdiction": "CA-QC", "rule": "ca-qc-law25"}),
    "the same a day earlier": (("CA-QC", "--on", "2023-09-21"), {"age": 13, "set_by": "floor"}),
    "an unknown part": (
        ("CA", "--on", "2026-11-22"),
        {"age": 14, "jurisdiction": "CA-QC", "existing_accounts": 13},
    ),
    "nothing higher": (("US-CA", "--on", "2020-01-01"), {"age": 13}),
    "not researched": (
        ("MN",),
        {"age": 13, "set_by": "floor", "rule": None, "law": None, "status": "not_researched", "history": []},
    ),
    "no fixed age": (("CH",), {"age": 13, "status": "no_higher_limit", "set_by": "floor"}),
    "enacted, and its day has come": (
        ("IN", "--on", "2027-05-13"),
        {"age": 18, "status": "in_force", "existing_accounts": 13},
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answer_is_the_same_for_people_and_scripts(run: Run, what: str) -> None:
    words, expected = ANSWERS[what]
    answer, text = run("law", *words, "--json").json, run("law", *words)
    assert {key: answer[key] for key in expected} == expected
    assert (text.code, text.err) == (0, "")
    first, *rest = text.out.splitlines()
    assert first.startswith(f"{answer['age']} in {answer['jurisdiction']} on ")
    assert first.endswith(f": {answer['why']}")
    assert [rule["citation"] for rule in answer["history"] if rule["citation"] not in "\n".join(rest)] == []
    assert answer["rule"] in [None, *(rule["rule"] for rule in answer["history"])]


def test_bands_of_a_law_are_said_the_youngest_first(run: Run, tmp_path: Path) -> None:
    file = configured(tmp_path, "[service]\nkinds = ['social_media']\n")
    words = ("US-FL", "--on", "2026-11-22", "--config", file)
    assert run("law", *words, "--json").json["bands"] == [
        {"under": 13, "action": "consent"},
        {"under": 14, "action": "ban"},
        {"under": 16, "action": "parental"},
    ]
    assert "under 13: consent; under 14: ban; under 16: parental" in run("law", *words).out


def test_own_rule_is_named_with_its_reason(run: Run, tmp_path: Path) -> None:
    own = "[[service.stricter]]\njurisdiction = 'US'\nage = 16\nfrom = 2026-06-01\nreason = 'schools asked'\n"
    file = configured(tmp_path, own)
    found = run("law", "US", "--on", "2026-06-01", "--json", "--config", file).json
    expected = {"age": 16, "set_by": "own:US", "status": "own_rule", "rule": None, "existing_accounts": 16}
    assert {key: found[key] for key in expected} == expected
    assert "the service's own rule for US: schools asked" in run("law", "US", "--config", file).out
    assert run("law", "US", "--on", "2026-05-31", "--json", "--config", file).json["age"] == 13


def test_law_alone_shows_what_it_can(run: Run) -> None:
    for words in (("law",), ("law", "--help")):
        done = run(*words)
        printed = done.out + done.err
        assert done.code in {0, 2}
        assert [
            word for word in ("show", "lint", "diff", "export", "agegate law DE") if word not in printed
        ] == []


PLACES = [
    # a place that is none; what the line names to write
    ("UK", "write GB"),
    ("uk", "write GB"),
    ("UK-LND", "write GB"),
    ("EL", "write GR"),
    ("EU", "member state, such as DE"),
    ("XX", "such as DE or US"),
    ("us-ca-x", "such as CA-QC"),
    ("DE-QC", "such as CA-QC"),
    ("US-", "such as CA-QC"),
    ("CA-", "such as CA-QC"),
    ("Türkiye", "write TR"),
    ("Germany", "write DE"),
    ("germany", "write DE"),
    ("DEU", "write DE"),
    ("276", "write DE"),
    ("🇩🇪", "write DE"),
    ("🦆", "such as DE or US"),
    ("", "such as DE or US"),
    (" ", "such as DE or US"),
    ("D", "such as DE or US"),
    ("\uff24\uff25", "such as DE or US"),
    ("D\x00E", "such as DE or US"),
    ("DE\nUS", "such as DE or US"),
    ("../../rules", "such as DE or US"),
    ("X" * 10_000, "such as DE or US"),
]


@pytest.mark.parametrize(("place", "named"), PLACES, ids=[repr(place)[:12] for place, _ in PLACES])
def test_place_that_is_none_is_one_line_that_names_what_to_write(run: Run, place: str, named: str) -> None:
    for words in ((place,), ("show", place), ("--json", place), (place, "--on", "2026-01-01")):
        done = run("law", *words)
        assert_one_line(done, named)
        assert len(done.err) < 200


# --- lint -------------------------------------------------------------------------------------------


def test_shipped_law_has_no_errors_and_names_what_must_be_looked_at_again(run: Run) -> None:
    done = run("law", "lint", "--on", "2026-11-22")
    *found, last = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"0 error\(s\), [1-9][0-9]* warning\(s\)", last)
    assert [line for line in found if not re.match(r"warning: [a-z]{2}\.toml: ", line)] == []
    assert f"{len(found)} warning(s)" in last
    assert run("law", "lint", "--strict", "--on", "2026-11-22").code == 1
    as_json = run("law", "lint", "--json", "--on", "2026-11-22")
    assert (as_json.code, as_json.err) == (0, "")
    said = [f"{found['level']}: {found['where']}: {found['what']}" for found in as_json.json["findings"]]
    assert said == found


def test_law_that_grew_old_is_a_warning(run: Run) -> None:
    later = run("law", "lint", "--on", "2027-06-01").out
    assert re.search(r"^warning: de\.toml: checked [0-9]+ days ago; look at its sources again$", later, re.M)
    assert "de.toml: checked" not in run("law", "lint", "--on", "2026-11-22").out


def test_enacted_law_without_a_day_is_an_error_for_whom_it_concerns(run: Run, tmp_path: Path) -> None:
    social = "[service]\nkinds = ['social_media']\n"
    done = run("law", "lint", "--on", "2026-11-22", "--config", configured(tmp_path, social))
    assert done.code == 1
    assert done.out.startswith("error: tr.toml: tr-law5651-under15: ")
    cure = "[[service.stricter]]\njurisdiction = 'TR'\nage = 15\nfrom = 2026-11-01\nreason = 'it begins soon'\n"
    assert run("law", "lint", "--on", "2026-11-22", "--config", configured(tmp_path, social + cure)).code == 0


GOOD = """
country = "DE"
name = "Germany"
checked = 2026-07-01

[[rule]]
id = "de-law-old"
regime = "data_consent"
age = 14
gate = "yes"
basis = "specific"
law = "A law"
citation = "s. 1"
from = 2018-01-01
until = 2023-12-31
status = "in_force"
applies_to = "online services"
kinds = ["general"]
confidence = "high"
sources = ["https://www.example.org/law"]

[[rule]]
id = "de-law-new"
regime = "data_consent"
age = 16
gate = "yes"
basis = "specific"
law = "A law"
citation = "s. 1"
from = 2024-01-01
status = "in_force"
applies_to = "online services"
kinds = ["general"]
confidence = "high"
sources = ["https://www.example.org/law"]
"""

TERRITORY = """
country = "AX"
name = "Aland Islands"
checked = 2026-07-01
follows = "FI"
confidence = "low"
sources = []
unverified = true
"""

NEW = "from = 2024-01-01"


def with_(old: str, new: str) -> dict[str, str]:
    """The good file with one thing changed."""
    assert old in GOOD
    return {"de.toml": GOOD.replace(old, new, 1)}


FAULTS: dict[str, tuple[dict[str, str], str, str, str]] = {
    # what: (the files, the level, where, words of what)
    "no TOML": (with_('country = "DE"', 'country = "DE'), "error", "de.toml", "TOML"),
    "bytes that are no text": ({"de.toml": "\udcff"}, "error", "de.toml", "TOML"),
    "another country": (with_('country = "DE"', 'country = "FR"'), "error", "de.toml", "country"),
    "no country": ({"zz.toml": GOOD.replace('"DE"', '"ZZ"')}, "error", "zz.toml", "country"),
    "an unknown key": (with_("basis =", "basis_ ="), "error", "de.toml: de-law-old", "unknown key"),
    "a missing citation": (
        with_('citation = "s. 1"\n', ""),
        "error",
        "de.toml: de-law-old",
        "citation: missing",
    ),
    "an age that is none": (with_("age = 14", "age = 22"), "error", "de.toml: de-law-old", "age: 22"),
    "no source": (
        with_('["https://www.example.org/law"]', "[]"),
        "error",
        "de.toml: de-law-old",
        "unverified = true",
    ),
    "an unknown kind": (with_('["general"]', '["toys"]'), "error", "de.toml: de-law-old", "toys"),
    "an id twice": (with_("de-law-new", "de-law-old"), "error", "de.toml", "this id is taken"),
    "an overlap": (
        with_("until = 2023-12-31", "until = 2024-01-01"),
        "error",
        "de.toml: de-law-new",
        "overlaps",
    ),
    "a gap": (with_(NEW, "from = 2024-01-02"), "error", "de.toml: de-law-new", "gap after de-law-old"),
    "a day after it was checked": (
        with_(NEW, f"{NEW}\nchecked = 2023-12-01"),
        "error",
        "de.toml: de-law-new",
        "write enacted",
    ),
    "a part that is none": (
        with_(NEW, f'{NEW}\njurisdiction = "DE-QC"'),
        "error",
        "de.toml: de-law-new",
        "not in ISO 3166-2",
    ),
    "a territory alone": ({"ax.toml": TERRITORY}, "error", "ax.toml", "FI has no rule file"),
    "a rule to look at again": (
        with_(NEW, f"{NEW}\nrecheck = true"),
        "warning",
        "de.toml: de-law-new",
        "look again",
    ),
    "a file that nobody looked at": (
        with_("checked = 2026-07-01", "checked = 2025-07-01"),
        "warning",
        "de.toml",
        "again",
    ),
}


def folder_of(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "own rules"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


@pytest.mark.parametrize("what", FAULTS)
def test_fault_in_a_folder_of_ones_own_is_named_by_file_and_rule(run: Run, tmp_path: Path, what: str) -> None:
    files, level, where, words = FAULTS[what]
    folder = folder_of(tmp_path, files)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    done = run("law", "lint", folder, "--on", "2026-11-22", "--json")
    assert (done.code, done.err) == (1 if level == "error" else 0, "")
    assert run("law", "lint", folder, "--on", "2026-11-22", "--strict").code == 1
    said = {f"{found['where']}: {found['what']}": found["level"] for found in done.json["findings"]}
    assert [kind for text, kind in said.items() if text.startswith(where) and words in text] == [level], said
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_folder_of_ones_own_without_a_fault(run: Run, tmp_path: Path) -> None:
    done = run("law", "lint", folder_of(tmp_path, {"de.toml": GOOD}), "--strict", "--on", "2026-11-22")
    assert (done.code, done.out) == (0, "0 error(s), 0 warning(s)\n")


def test_every_fault_of_a_folder_is_found_at_once(run: Run, tmp_path: Path) -> None:
    """One file that cannot be read hides no fault of another, nor one rule those beside it."""
    folder = tmp_path / "rules"
    shutil.copytree(SHIPPED, folder)
    (folder / "de.toml").write_text("not = [toml", encoding="utf-8")
    for name, old, new in (
        ("dk.toml", "until = 2023-12-31", "until = 2024-06-01"),
        ("fr.toml", 'regime = "data_consent"', 'regime = "data"'),
        ("co.toml", "age = 18", "age = true"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run("law", "lint", folder, "--on", "2026-11-22")
    wrong = {line.split(": ")[1] for line in done.out.splitlines() if line.startswith("error: ")}
    assert (done.code, done.err, wrong) == (1, "", {"de.toml", "dk.toml", "fr.toml", "co.toml"})


@pytest.mark.parametrize("folder", ["none", "empty", "agegate.toml"])
def test_folder_without_rules_is_one_line(run: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "agegate.toml").touch()
    assert_one_line(run("law", "lint", tmp_path / folder), folder, "no rule files")


# --- diff -------------------------------------------------------------------------------------------

RISE = ("law", "diff", "--from", "2023-12-31", "--to", "2024-01-01")


def test_diff_says_which_places_change_and_whether_accounts_may_come_to_review(run: Run) -> None:
    text, found = run(*RISE), run(*RISE, "--json").json
    assert (text.code, text.err) == (0, "")
    assert text.out.endswith("1 place(s) change\n")
    assert re.search(r"DK +13 +15 .*to review", text.out)
    assert found == {
        "schema": 1,
        "from": "2023-12-31",
        "to": "2024-01-01",
        "changes": [
            {
                **{"place": "DK", "before": 13, "before_by": "dk-dbl-s6-2018"},
                **{"after": 15, "after_by": "dk-dbl-s6-2024", "existing_accounts": True},
            }
        ],
        "accounts": None,
    }


def test_diff_of_law_that_only_the_door_knows_leaves_accounts_alone(run: Run) -> None:
    words = ("law", "diff", "--from", "2027-05-12", "--to", "2027-05-13")
    changes = {change["place"]: change for change in run(*words, "--json").json["changes"]}
    assert (changes["IN"]["after"], changes["IN"]["existing_accounts"]) == (18, False)
    assert re.search(r"IN +13 +18 .*left alone", run(*words).out)


def test_diff_of_a_day_with_itself_is_empty(run: Run) -> None:
    words = ("law", "diff", "--from", "2024-01-01", "--to", "2024-01-01")
    assert run(*words).out == "0 place(s) change\n"
    assert run(*words, "--json").json["changes"] == []


def test_diff_agrees_with_the_law_of_both_days(run: Run) -> None:
    days = ("2023-01-01", "2027-12-31")
    limits = [
        {place["place"]: place["limit"] for place in run("law", "export", "--json", "--on", day).json["places"]}
        for day in days
    ]
    found = run("law", "diff", "--from", days[0], "--to", days[1], "--json").json["changes"]
    assert {place for place in limits[0] if limits[0][place] != limits[1][place]} <= {
        change["place"] for change in found
    }
    for change in found:
        assert (change["before"], change["after"]) == tuple(limit[change["place"]] for limit in limits)
        assert (change["before"], change["before_by"]) != (change["after"], change["after_by"])


@pytest.mark.parametrize("chosen", [True, False])
def test_diff_counts_the_accounts_of_a_host(run: Run, host: Layout, chosen: bool) -> None:
    write_config(host, DESCRIPTION, service="" if chosen else "floor = 15")
    for number in range(1, 4):
        enrol(host, number, country="DK", born=f"2009-06-{number:02}", created="2023-06-01")
    enrol(host, 4, country="DK", created="2023-06-01")
    enrol(host, 5, country="", born="1990-01-01", created="2023-06-01")
    file = host.folder / "agegate.toml"
    accounts = run(*RISE, "--json", "--config", file).json["accounts"]
    under = [{"place": "DK", "rule": "dk-dbl-s6-2024", "accounts": 3, "to_review": 3}] if chosen else []
    assert accounts == {"read": 5, "without_birth_date": 1, "without_place": 1, "under_new_limit": under}
    text = run(*RISE, "--config", file)
    assert (text.code, text.err) == (0, "")
    said = "3 account(s) in DK fall under dk-dbl-s6-2024; 3 of them may come to review"
    assert (said in text.out.splitlines()) == chosen
    counted = (
        f"5 accounts read, {3 if chosen else 0} under a new limit; 1 without a birth date, 1 without a place"
    )
    assert text.out.splitlines()[-1] == counted


DIFFS = [
    # words; what the line names
    (("--from", "soon", "--to", "2024-01-01"), ("--from", "YYYY-MM-DD")),
    (("--from", "2024-01-01", "--to", "2024-02-30"), ("--to", "YYYY-MM-DD")),
    (("--from", "", "--to", "2024-01-01"), ("--from", "YYYY-MM-DD")),
    (("--from", "2024-01-01T00:00", "--to", "2024-01-02"), ("--from", "YYYY-MM-DD")),
    (("--from", "2024-01-02", "--to", "2024-01-01"), ("--to lies before --from", "swap")),
]


@pytest.mark.parametrize(("words", "named"), DIFFS)
def test_days_of_a_diff_that_are_none_are_one_line(
    run: Run, words: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert_one_line(run("law", "diff", *words), *named)
    assert_one_line(run("law", "diff", *words, "--json"), *named)


@pytest.mark.parametrize("words", [(), ("--from", "2024-01-01"), ("--to", "2024-01-01"), ("DE",)])
def test_diff_without_its_days_asks_for_them(run: Run, words: tuple[str, ...]) -> None:
    done = run("law", "diff", *words)
    assert (done.code, done.out) == (2, "")
    assert "--from" in done.err or "--to" in done.err
    assert "Traceback" not in done.err


# --- export -----------------------------------------------------------------------------------------


def exported(run: Run, *words: object) -> list[dict[str, str]]:
    """The CSV of an export, read back."""
    done = run("law", "export", *words)
    assert (done.code, done.err) == (0, "")
    return list(csv.DictReader(io.StringIO(done.out, newline=""), strict=True))


def test_export_lists_every_country_and_says_which_was_not_researched(run: Run) -> None:
    rows = exported(run, "--on", "2026-11-22")
    book = Rulebook.load()
    assert {row["place"] for row in rows if "-" not in row["place"]} == COUNTRIES
    assert len(COUNTRIES) == 249
    assert {row["researched"] for row in rows} == {"yes", "not researched"}
    for row in rows:
        assert (row["researched"] == "yes") == book.is_researched(row["place"][:2]), row["place"]
        assert None not in row, "no cell outside the columns"
        assert row["name"]
        assert int(row["limit"]) >= 13
    places = [row["place"] for row in rows]
    assert places == sorted(places)
    without = [row["place"] for row in rows if not row["rule"]]
    assert len(without) == len(set(without))
    assert "MN" in without


def test_export_has_every_rule_of_the_law(run: Run) -> None:
    rows = exported(run)
    assert {rule.id for rule in Rulebook.load() if rule.jurisdiction != "EU"} <= {row["rule"] for row in rows}


def test_export_says_the_same_in_both_forms(run: Run) -> None:
    day = ("--on", "2026-11-22")
    rows, whole = exported(run, *day), run("law", "export", "--format", "json", *day).json
    assert run("law", "export", "--json", *day).json == whole
    assert (whole["on"], whole["floor"]) == ("2026-11-22", 13)

    def cell(value: object) -> str:
        if isinstance(value, list):
            return " ".join(value)
        return "" if value is None else str(value)

    told = []
    for place in whole["places"]:
        head = {key: cell(place[key]) for key in ("place", "name", "limit", "set_by")}
        head["researched"] = {"researched": "yes", "not_researched": "not researched"}[place["status"]]
        for rule in place["rules"] or [{}]:
            told.append(dict.fromkeys(rows[0], "") | head | {key: cell(value) for key, value in rule.items()})
    assert told == rows


def test_export_agrees_with_what_law_says_of_each_place(run: Run) -> None:
    day = ("--on", "2026-11-22")
    for place in run("law", "export", "--json", *day).json["places"][::40]:
        found = run("law", place["place"], "--json", *day).json
        assert (found["age"], found["set_by"], found["why"]) == (place["limit"], place["set_by"], place["why"])


def test_export_of_a_day_has_that_days_status(run: Run) -> None:
    def statuses(day: str) -> dict[str, str]:
        rows = exported(run, "--on", day)
        return {row["rule"]: row["status"] for row in rows if row["rule"].startswith("dk-dbl")}

    assert statuses("2023-12-31") == {"dk-dbl-s6-2018": "in_force", "dk-dbl-s6-2024": "enacted"}
    assert statuses("2024-01-01") == {"dk-dbl-s6-2018": "ended", "dk-dbl-s6-2024": "in_force"}


def test_export_is_that_of_the_service(run: Run, tmp_path: Path) -> None:
    file = configured(tmp_path, "[service]\nfloor = 17\n")
    whole = run("law", "export", "--json", "--config", file).json
    assert whole["floor"] == 17
    assert min(place["limit"] for place in whole["places"]) == 17


def test_export_in_an_unknown_form_is_refused(run: Run) -> None:
    done = run("law", "export", "--format", "xml")
    assert (done.code, done.out) == (2, "")
    assert "csv" in done.err
    assert "json" in done.err


# --- a configuration that does not fit ----------------------------------------------------------------

ASKS = [
    ("law", "DE"),
    ("law", "lint"),
    RISE,
    ("law", "export"),
    ("check", "--birth-date", "1990", "--country", "DE"),
]


@pytest.mark.parametrize("words", ASKS, ids=lambda words: " ".join(words[:2]))
def test_looser_own_rule_stops_every_question_about_the_law(
    run: Run, host: Layout, words: tuple[str, ...]
) -> None:
    own = "[[service.stricter]]\njurisdiction = 'FR'\nage = 14\nfrom = 2026-06-01\nreason = 'we think so'\n"
    write_config(host, DESCRIPTION, service=own)
    done = run(*words, "--config", host.folder / "agegate.toml")
    assert_one_line(done, "service.stricter FR", "looser than the 15")


# --- doctor -----------------------------------------------------------------------------------------


def test_doctor_lists_warnings_of_a_healthy_host_and_exits_0(run: Run, host: Layout) -> None:
    file = host.folder / "agegate.toml"
    done, as_json = run("doctor", "--config", file), run("doctor", "--json", "--config", file)
    assert (done.code, done.err, as_json.code, as_json.err) == (0, "", 0, "")
    *found, last = done.out.splitlines()
    assert last == f"0 error(s), {len(found)} warning(s)"
    said = [f"{item['level']}: {item['where']}: {item['what']}" for item in as_json.json["findings"]]
    assert said == found
    assert {item["level"] for item in as_json.json["findings"]} == {"warning"}


SICK: dict[str, tuple[Callable[[Layout], object], str]] = {
    "the key ring is gone": (lambda layout: (layout.folder / "agegate.keys").unlink(), "keys"),
    "the store is gone": (lambda layout: (layout.folder / "agegate.db").unlink(), "store"),
    "a table is not declared": (
        lambda layout: layout.run("CREATE TABLE b (id INTEGER PRIMARY KEY, p INTEGER REFERENCES people (id))"),
        "host",
    ),
    "the service is for children": (
        lambda layout: write_config(layout, DESCRIPTION, service="audience = 'directed_to_children'"),
        "service",
    ),
}


@pytest.mark.parametrize("what", SICK)
def test_doctor_exits_1_and_says_which_part_is_ill(run: Run, host: Layout, what: str) -> None:
    harm, part = SICK[what]
    harm(host)
    file = host.folder / "agegate.toml"
    done, as_json = run("doctor", "--config", file), run("doctor", "--json", "--config", file)
    assert (done.code, done.err, as_json.code, as_json.err) == (1, "", 1, "")
    wrong = [line for line in done.out.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in wrong] == [part]
    assert re.search(r"^1 error\(s\), [0-9]+ warning\(s\)$", done.out, re.M)
    assert [item["where"] for item in as_json.json["findings"] if item["level"] == "error"] == [part]


def test_doctor_needs_a_configuration(run: Run, tmp_path: Path) -> None:
    assert_one_line(run("doctor"), "agegate.toml", "--config")
    assert_one_line(run("doctor", "--config", configured(tmp_path, "[servise]\n")), "servise")


# --- bench ------------------------------------------------------------------------------------------

FIGURES = {
    *("decide_us_median", "decide_floor_us_median", "decide_ratio", "load_ms", "load_floor_ms", "load_ratio"),
    *("check_us_median", "validators_us_median", "check_ratio_to_validators"),
    *("refused_us_median", "admitted_us_median", "insert_us_median", "timing_gap_to_noise"),
    *("store_ratio_to_insert", "admission_ratio_to_insert"),
}


def test_bench_gives_each_figure_beside_its_floor(run: Run) -> None:
    done = run("bench", "gate", "--json")
    assert (done.code, done.err) == (0, "")
    figures = done.json["figures"]
    assert set(figures) == FIGURES
    assert [name for name, figure in figures.items() if not figure > 0] == []
    for part, unit in (("decide", "_us_median"), ("load", "_ms")):
        ratio = figures[f"{part}{unit}"] / figures[f"{part}_floor{unit}"]
        assert figures[f"{part}_ratio"] == pytest.approx(ratio, rel=0.05)
    floors = done.json["floors_seconds"]
    assert floors["store"] == pytest.approx(figures["insert_us_median"] / 1e6, rel=0.01)
    assert floors["check"] == pytest.approx(figures["validators_us_median"] / 1e6, rel=0.01)
    assert set(floors) == {"decide", "load", "check", "store"}


def test_bench_of_a_part_that_cannot_run_is_null_and_exit_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    done = run("bench", "gate", "--json")
    assert done.code == 1
    assert done.json["figures"]["store_ratio_to_insert"] is None
    assert done.json["floors_seconds"]["store"] is None
    assert done.json["figures"]["check_ratio_to_validators"] > 0


def test_bench_is_a_table_for_people(run: Run) -> None:
    done = run("bench", "gate")
    assert (done.code, done.err) == (0, "")
    rows = dict(re.findall(r"^ *([a-z_]+) +([0-9][0-9.,]*) *$", done.out, re.M))
    assert set(rows) == FIGURES


# --- help -------------------------------------------------------------------------------------------

TEACHES = ["law", "law show", "law lint", "law diff", "law export", "doctor", "bench gate"]


@pytest.mark.parametrize("words", TEACHES)
def test_help_has_an_example_or_says_what_the_exits_mean(run: Run, words: str) -> None:
    done = run(*words.split(), "--help")
    printed = " ".join(done.out.replace("│", " ").split())
    assert (done.code, done.err) == (0, "")
    assert re.search(r"\bExit 0\b|Example: agegate |`?agegate law [A-Z]{2}", printed), printed
