"""The shipped rules: each by its cases, all of them by what a rule may be, and every limit as it was before."""

from __future__ import annotations

import csv
import io
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from agegate.birthdate import BirthDate
from agegate.law import COUNTRIES, Rulebook
from agegate.law.listing import every_place
from agegate.law.reading import RECHECK
from agegate.law.rulebook import SHIPPED
from agegate.model import STATUTORY_KINDS, Limit, Rule, Service

CASES = Path(__file__).parent / "law"
DOCS = Path(__file__).parent.parent / "docs" / "law.md"
BOOK = Rulebook.load()
SEEN = date(2026, 7, 1)
SERVICE = Service()


def _cases() -> list[object]:
    """The cases of `law/*.toml`: on a day, in a place, for a service, the limit and the rule that sets it."""
    found: list[object] = []
    for file in sorted(CASES.glob("*.toml")):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        for number, case in enumerate(table["case"], 1):
            found.append(pytest.param(table["country"], case, id=f"{file.stem}-{number}-{case['on']}"))
    return found


SETTINGS = {"floor", "kinds", "policy", "majority_rules", "established_in"}
EXPECTED = {"limit", "rule", "set_in", "born", "old_enough", "researched"}
KNOWN = SETTINGS | EXPECTED | {"jurisdiction", "on", "created_on"}


@pytest.mark.parametrize(("country", "case"), _cases())
def test_case(country: str, case: dict[str, Any]) -> None:
    assert set(case) <= KNOWN
    jurisdiction, on = case.get("jurisdiction", country), case["on"]
    chosen = {key: value for key, value in case.items() if key in SETTINGS}
    chosen |= {key: frozenset(chosen[key]) for key in ("kinds", "policy") if key in chosen}
    limit = BOOK.limit(jurisdiction, on=on, service=Service(**chosen), created_on=case.get("created_on"))
    assert (limit.age, limit.rule.id if limit.rule else "floor") == (case["limit"], case["rule"])
    assert limit.jurisdiction == case.get("set_in", jurisdiction)
    assert limit.researched is case.get("researched", True)
    if "born" in case:
        assert limit.is_attained(BirthDate.on(case["born"]), on) is case["old_enough"]


# --- the whole registry ---------------------------------------------------------------------------------


def _documented() -> dict[str, tuple[str, int]]:
    """The lines of the table in docs/law.md: code, name and limit."""
    lines = [line.split("|") for line in DOCS.read_text(encoding="utf-8").splitlines()]
    rows = [[cell.strip() for cell in line[1:-1]] for line in lines if len(line) == 6]
    return {row[0]: (row[1], int(row[2])) for row in rows if row[2].isdigit()}


def test_every_rule_file_has_its_cases_and_its_line_in_docs_and_the_other_way_round() -> None:
    codes = {file.stem.upper() for file in SHIPPED.glob("*.toml")}
    assert set(BOOK.countries) == codes
    assert {file.stem.upper() for file in CASES.glob("*.toml")} == codes
    assert set(_documented()) == codes


@pytest.mark.parametrize("code", sorted(BOOK.countries))
def test_the_line_in_docs_says_what_the_rules_say(code: str) -> None:
    limit = BOOK.limit(code, on=SEEN, service=SERVICE)
    assert _documented()[code] == (BOOK.countries[code].name, limit.age)


def test_every_case_file_names_its_country() -> None:
    for file in CASES.glob("*.toml"):
        assert tomllib.loads(file.read_text(encoding="utf-8"))["country"] == file.stem.upper()


@pytest.mark.parametrize("rule", [rule for rule in BOOK if rule.gate == "yes"], ids=lambda rule: rule.id)
def test_every_day_on_which_a_rule_starts_or_ends_has_a_case_on_both_sides(rule: Rule) -> None:
    table = tomllib.loads((CASES / f"{rule.jurisdiction[:2].lower()}.toml").read_text(encoding="utf-8"))
    days = {
        case["on"] for case in table["case"] if case.get("jurisdiction", table["country"]) == rule.jurisdiction
    }
    if rule.start:
        assert {rule.start - timedelta(days=1), rule.start} <= days
    if rule.until:
        assert {rule.until, rule.until + timedelta(days=1)} <= days


def test_every_researched_fact_is_there_as_a_rule_or_as_a_reference() -> None:
    own = list(BOOK)
    references = [country for country in BOOK.countries.values() if country.follows]
    assert (len(own), len(references)) == (170, 16)
    assert all(bool(country.rules) != bool(country.follows) for country in BOOK.countries.values())


def test_the_27_member_states_inherit_from_the_union() -> None:
    assert len(BOOK.members) == 27
    assert BOOK.members <= set(BOOK.countries)
    assert all(rule in BOOK.rules(member) for member in BOOK.members for rule in BOOK.rules("EU"))
    assert not any(rule.jurisdiction == "EU" for rule in BOOK.rules("NO") + BOOK.rules("GB"))


def test_ids_are_unique_and_begin_with_their_country() -> None:
    ids = [rule.id for rule in BOOK]
    assert len(ids) == len(set(ids))
    assert all(rule.id.startswith(rule.jurisdiction[:2].lower() + "-") for rule in BOOK)


def test_what_is_to_be_looked_at_again_says_so_first() -> None:
    again = {rule.id for rule in BOOK if rule.note.startswith(RECHECK)}
    assert {"fr-miller-bill-art1", "au-copc-draft", "us-sc-design-code", "us-tx-sb2420"} <= again


def test_whatever_nobody_read_in_a_source_says_so() -> None:
    for rule in BOOK:
        assert rule.sourced is not rule.unverified, rule.id
    for country in BOOK.countries.values():
        reference = country.follows
        assert reference is None or reference.sources or reference.unverified, country.code


def test_a_rule_that_was_not_read_though_pages_were_says_what_they_held() -> None:
    assert [rule.id for rule in BOOK if rule.unverified and rule.sources and not rule.note] == []


def test_docs_say_where_nobody_read_the_age_that_holds() -> None:
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    by_code = {line.split("|")[1].strip(): line for line in lines}
    limits = {code: BOOK.limit(code, on=SEEN, service=SERVICE) for code in BOOK.countries}
    from_memory = [code for code, limit in limits.items() if limit.rule and limit.rule.unverified]
    assert len(from_memory) > 20
    assert [code for code in from_memory if "unverified" not in by_code[code]] == []


def test_a_country_without_a_file_is_not_researched_and_says_so() -> None:
    unknown = sorted(COUNTRIES - set(BOOK.countries))
    assert len(unknown) > 100
    for code in unknown:
        limit = BOOK.limit(code, on=SEEN, service=SERVICE)
        assert not limit.researched
        assert limit.why == f"the service's own terms; the law of {code} has not been researched"


DAYS_AROUND = [date(1990, 1, 1), SEEN, date(2100, 1, 1)]


def _days_of(rule: Rule) -> list[date]:
    """Days before, in and after a rule's interval, its edges among them."""
    edges = [day for day in (rule.start, rule.until, rule.new_from, rule.existing_from) if day]
    beside = [day + timedelta(days=step) for day in edges for step in (-1, 0, 1)]
    return sorted({*DAYS_AROUND, *beside})


EVERYTHING = Service(floor=1, kinds=frozenset(STATUTORY_KINDS), policy=COUNTRIES)
"""A service that every law is for, and that chose to follow all guidance."""


def _may_set(rule: Rule, on: date) -> bool:
    """Whether a rule is among those that set a limit at the door of such a service."""
    return rule in BOOK.applying(rule.jurisdiction, on=on, service=EVERYTHING)


@pytest.mark.parametrize(
    "rule", [rule for rule in BOOK if rule.status in ("proposed", "enjoined")], ids=lambda rule: rule.id
)
def test_what_is_only_proposed_or_was_stopped_by_a_court_never_holds(rule: Rule) -> None:
    for on in _days_of(rule):
        assert not rule.in_force(on)
        assert not _may_set(rule, on)


@pytest.mark.parametrize("rule", [rule for rule in BOOK if rule.status == "enacted"], ids=lambda rule: rule.id)
def test_what_is_enacted_holds_from_its_first_day_on_and_nobody_is_acted_on_by_it(rule: Rule) -> None:
    for on in _days_of(rule):
        begun = rule.start is not None and on >= rule.start
        assert rule.in_force(on) is begun
        assert _may_set(rule, on) is (begun and rule.gate != "no")
        acting = BOOK.limit(rule.jurisdiction, on=on, service=EVERYTHING, created_on=on)
        assert acting.rule != rule


@pytest.mark.parametrize("rule", [rule for rule in BOOK if rule.gate == "no"], ids=lambda rule: rule.id)
def test_what_is_not_for_accounts_never_sets_a_limit(rule: Rule) -> None:
    for on in _days_of(rule):
        assert not _may_set(rule, on)
        for created_on in (None, on):
            limit = BOOK.limit(rule.jurisdiction, on=on, service=EVERYTHING, created_on=created_on)
            assert limit.rule != rule


# --- every limit, as it was before ----------------------------------------------------------------------

DAYS = tuple(
    date.fromisoformat(day)
    for day in (
        *("2018-05-24", "2018-05-25", "2019-06-01", "2020-06-01", "2022-06-01", "2024-01-01"),
        *("2025-06-01", "2026-07-01", "2026-11-22", "2026-12-01", "2027-06-01", "2028-01-01"),
    )
)
SNAPSHOTS = {
    "limits.csv": SERVICE,
    "limits_social_media.csv": Service(kinds=frozenset({"general", "social_media"})),
}
ANEW = "if that is meant, write the files anew with `python -m tests.test_law_rules` and look at the difference"


def _cell(limit: Limit) -> str:
    return f"{limit.age} {limit.name if limit.researched else 'not researched'}"


def _snapshot(service: Service) -> str:
    """The limit at the door of every place on each of the days, as CSV."""
    columns = [list(every_place(BOOK, on=day, service=service)) for day in DAYS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["place", *DAYS])
    for entries in zip(*columns, strict=True):
        writer.writerow([entries[0].code, *(_cell(entry.limit) for entry in entries)])
    return text.getvalue()


def _cells(text: str) -> dict[tuple[str, str], str]:
    """A snapshot's cells by place and day."""
    head, *rows = csv.reader(io.StringIO(text))
    return {(row[0], day): cell for row in rows for day, cell in zip(head[1:], row[1:], strict=True)}


@pytest.mark.parametrize("file", SNAPSHOTS)
def test_every_limit_is_what_it_was(file: str) -> None:
    path = CASES / file
    kept = path.read_text(encoding="utf-8") if path.exists() else "place\n"
    now = _snapshot(SNAPSHOTS[file])
    before, after = _cells(kept), _cells(now)
    changed = [
        f"{place} on {day}: {before.get((place, day), 'no row')}, now {after.get((place, day), 'no row')}"
        for place, day in sorted(before.keys() | after.keys())
        if before.get((place, day)) != after.get((place, day))
    ]
    if changed:
        pytest.fail("\n".join([f"{len(changed)} cell(s) of {file} differ; {ANEW}:", *changed[:40]]))
    assert kept == now, f"{file} has the same limits in another form; {ANEW}"


def test_the_snapshot_has_every_country_and_every_subdivision_with_rules() -> None:
    own = {rule.jurisdiction for rule in BOOK if "-" in rule.jurisdiction}
    for service in SNAPSHOTS.values():
        assert {place for place, _ in _cells(_snapshot(service))} == COUNTRIES | own


def write_snapshots() -> None:
    """Write both files anew."""
    for file, service in SNAPSHOTS.items():
        (CASES / file).write_text(_snapshot(service), encoding="utf-8", newline="\n")
        print(f"tests/law/{file}")


if __name__ == "__main__":
    write_snapshots()
