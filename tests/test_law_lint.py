"""Looking over the rules: for each fault exactly the finding that it is, and nothing for what is right."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from agegate.errors import LawError
from agegate.law import Rulebook
from agegate.law.lint import STALE, Finding, lint
from agegate.model import OwnRule, Service
from tests.conftest import TODAY

CHECKED = date(2026, 7, 1)
SERVICE = Service()
MEDIA = Service(kinds=frozenset({"social_media"}))

# --- rule files -----------------------------------------------------------------------------------------

BASE = {
    "id": "de-a",
    "regime": "data_consent",
    "age": 16,
    "gate": "yes",
    "basis": "specific",
    "law": "Act A",
    "citation": "section 3",
    "status": "in_force",
    "applies_to": "online services",
    "kinds": ["general"],
    "confidence": "high",
    "sources": ["https://example.org"],
}
TERRITORY = """
country = "GP"
name = "Guadeloupe"
checked = 2026-07-01
confidence = "low"
sources = []
unverified = true
"""


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else repr(value)


def rule(name: str = "a", **changes: object) -> str:
    """A rule `de-<name>` of Act `<name>` with changes; what is `None` is left out, `from_` is `from`."""
    table = {**BASE, "id": f"de-{name}", "law": f"Act {name.upper()}"} | changes
    lines = [f"{key.rstrip('_')} = {_value(value)}" for key, value in table.items() if value is not None]
    return "\n".join(["[[rule]]", *lines, ""])


def germany(*rules: str, checked: date = CHECKED) -> dict[str, str]:
    return {"de": f'country = "DE"\nname = "Germany"\nchecked = {checked}\n' + "".join(rules)}


def found(folder: Path, files: dict[str, str], service: Service = SERVICE, on: date = TODAY) -> list[Finding]:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return lint(service, on=on, folder=folder)


def day(text: str) -> date:
    return date.fromisoformat(text)


# A rule that has to do with no other.
WHOLE = rule("whole", regime="contract", age=18, gate="no", basis="majority")

# Two rules, one after the other.
UNTIL_2020 = {"from_": day("2018-05-25"), "until": day("2020-12-31")}
FROM_2021 = {"from_": day("2021-01-01"), "age": 15}

# Law that is passed, and nobody knows from when it holds.
NO_DAY = {"status": "enacted", "regime": "social_media_minimum", "age": 17}
OWN = OwnRule("DE", 17, day("2026-01-01"), "the law that is coming")
FIND_THE_DAY = (
    "error: de.toml: de-b: enacted for a service like this, and the first day is not known; "
    "find it, or set service.stricter for DE to 17"
)


# --- one file with one fault ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "findings"),
    [
        # nothing wrong
        ([], []),
        ([rule()], []),
        ([rule("a", **UNTIL_2020), rule("b", **FROM_2021)], []),
        ([rule("b", **FROM_2021), rule("a", **UNTIL_2020)], []),
        # two ages on one day
        (
            [rule("a", **UNTIL_2020), rule("b", **FROM_2021 | {"from_": day("2020-12-31")})],
            ["error: de.toml: de-b: overlaps de-a; end one the day before the other begins"],
        ),
        (
            [rule("a"), rule("b", from_=day("2021-01-01"), law="Act A", age=15)],
            ["error: de.toml: de-b: overlaps de-a"],
        ),
        (
            [
                rule("a", **UNTIL_2020),
                rule("b", **FROM_2021 | {"from_": day("2020-06-01"), "status": "enacted"}),
            ],
            [
                "error: de.toml: de-b: overlaps de-a",
                "warning: de.toml: de-b: its day, 2020-06-01, has come",
            ],
        ),
        # what answers another question may hold on the same days
        ([rule("a"), rule("b", law="Act A", age=15, jurisdiction="DE-BY")], []),
        ([rule("a"), rule("b", law="Act A", age=15, regime="social_media_minimum")], []),
        ([rule("a"), rule("b", law="Act A", age=15, gate="policy")], []),
        ([rule("a", mode="ban"), rule("b", law="Act A", age=17, mode="parental")], []),
        ([rule("a"), rule("b", law="Act A", age=18, basis="majority")], []),
        ([rule("a", kinds=["ai"]), rule("b", law="Act A", age=15, kinds=["social_media"])], []),
        ([rule("a"), rule("b", age=17, status="proposed")], []),
        ([rule("a"), rule("b", age=17, status="enjoined", from_=day("2021-01-01"))], []),
        # days without an answer
        (
            [rule("a", **UNTIL_2020), rule("b", **FROM_2021 | {"from_": day("2021-01-02")})],
            [
                "error: de.toml: de-b: leaves a gap after de-a, which ends on 2020-12-31; "
                "what held between them?"
            ],
        ),
        (
            [
                rule("b", status="enjoined", **FROM_2021 | {"from_": day("2021-02-01")}),
                rule("a", **UNTIL_2020),
            ],
            ["error: de.toml: de-b: leaves a gap after de-a"],
        ),
        (
            [rule("a", **UNTIL_2020), rule("b", status="proposed", **FROM_2021 | {"from_": day("2027-01-01")})],
            [],
        ),
        ([rule("a", **UNTIL_2020), rule("b", from_=day("2022-01-01"), jurisdiction="DE-BY")], []),
        (
            # a court stopped it for some in between, and it went on holding for the rest
            [
                rule("a", **UNTIL_2020),
                rule("b", status="enjoined", from_=day("2019-01-01"), until=day("2019-06-30")),
                rule("c", **FROM_2021),
            ],
            [],
        ),
        # a rule that never decides
        (
            [rule("a"), rule("b", age=15, regime="social_media_minimum", kinds=["social_media"])],
            ["warning: de.toml: de-b: never decides: de-a is stricter throughout"],
        ),
        (
            [rule("a"), rule("b", age=14, jurisdiction="DE-BY", from_=day("2021-01-01"))],
            ["warning: de.toml: de-b: never decides: de-a is stricter throughout"],
        ),
        (
            [rule("a"), rule("b", attain="jan1_of_year", regime="social_media_minimum")],
            ["warning: de.toml: de-b: never decides: de-a is stricter throughout"],
        ),
        # one that decides on some day, for some service or on some other question
        (
            [rule("a", **UNTIL_2020), rule("b", age=15, regime="social_media_minimum", kinds=["social_media"])],
            [],
        ),
        (
            [rule("a", from_=day("2021-01-01")), rule("b", age=15, regime="social_media_minimum")],
            [],
        ),
        ([rule("a", kinds=["ai"]), rule("b", age=15, kinds=["general"], regime="contract")], []),
        ([rule("a", status="proposed"), rule("b", age=15, regime="social_media_minimum")], []),
        ([rule("a", gate="policy"), rule("b", age=15)], []),
        ([rule("a", basis="majority", age=18), rule("b", age=15)], []),
        ([rule("a"), rule("b", age=0, regime="social_media_minimum")], []),
        ([rule("a"), rule("b", age=16, regime="social_media_minimum")], []),
        (
            # who is there already is acted on only by what somebody read
            [rule("a", unverified=True), rule("b", age=15, regime="social_media_minimum")],
            [],
        ),
        # a part without the whole
        (
            [rule(jurisdiction="DE-BY")],
            ["error: de.toml: no rule for DE itself, only for parts of it; add one"],
        ),
        ([rule("a", age=0), rule("b", jurisdiction="DE-BY")], []),
        # codes
        (
            [WHOLE, rule(jurisdiction="DE-ZZ")],
            ["error: de.toml: de-a: DE-ZZ is not in ISO 3166-2; mend its jurisdiction"],
        ),
        ([WHOLE, rule(jurisdiction="DE-BY")], []),
        (
            [rule("a", **UNTIL_2020), rule("a", **FROM_2021)],
            ["error: de.toml: de-a: this id is taken in de.toml; choose another"],
        ),
        # what cannot be read
        ([rule(citation=None)], ["error: de.toml: de-a: citation: missing; add it"]),
        ([rule(age=22)], ["error: de.toml: de-a: age: 22 is no minimum age; write 0 (none found) to 21"]),
        (
            [rule("a", age=22), rule("b", law=None), rule("c", jurisdiction="DE-ZZ"), WHOLE],
            [
                "error: de.toml: de-a: age: 22 is no minimum age",
                "error: de.toml: de-b: law: missing",
                "error: de.toml: de-c: DE-ZZ is not in ISO 3166-2",
            ],
        ),
        # days that nobody can have seen
        (
            [rule(from_=day("2026-07-02"))],
            ["error: de.toml: de-a: in force from 2026-07-02, yet last checked on 2026-07-01; write enacted"],
        ),
        ([rule(from_=day("2026-07-01"))], []),
        ([rule(from_=day("2026-07-02"), checked=day("2026-07-02"))], []),
        ([rule(from_=day("2026-07-02"), status="proposed")], []),
        # law whose day has come
        (
            [rule(status="enacted", from_=TODAY)],
            ["warning: de.toml: de-a: its day, 2026-11-22, has come; see that it began, and write in_force"],
        ),
        ([rule(status="enacted", from_=TODAY + timedelta(days=1))], []),
        (
            [rule(status="enacted", gate="no", from_=day("2026-08-01"))],
            ["warning: de.toml: de-a: its day, 2026-08-01, has come"],
        ),
        # what may have changed
        (
            [rule(recheck=True)],
            ["warning: de.toml: de-a: may have changed since its sources were seen; look again"],
        ),
        ([rule(recheck=True, note="Soon.")], ["warning: de.toml: de-a: may have changed"]),
        ([rule(recheck=False, note="Not to RECHECK: it is old.")], []),
    ],
)
def test_what_is_found_in_a_file(tmp_path: Path, rules: list[str], findings: list[str]) -> None:
    files = germany(*rules) if rules else germany("rule = []\n")
    assert_findings(found(tmp_path, files), findings)


def assert_findings(given: list[Finding], findings: list[str]) -> None:
    """These are the findings, in order; each may be written by how it begins."""
    said = [str(finding) for finding in given]
    assert len(said) == len(findings), said
    for whole, beginning in zip(said, findings, strict=True):
        assert whole.startswith(beginning)


# --- law without a first day ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "service", "others", "findings"),
    [
        ({}, SERVICE, [], [FIND_THE_DAY]),
        ({}, SERVICE, [rule("a")], [FIND_THE_DAY]),
        ({"kinds": ["social_media"]}, MEDIA, [], [FIND_THE_DAY]),
        ({}, MEDIA, [], [FIND_THE_DAY]),
        ({"jurisdiction": "DE-BY"}, SERVICE, [WHOLE], [FIND_THE_DAY.replace("for DE", "for DE-BY")]),
        # for another kind of service, or not for accounts
        ({"kinds": ["social_media"]}, SERVICE, [], []),
        ({"kinds": ["ai"]}, MEDIA, [], []),
        ({"gate": "no"}, SERVICE, [], []),
        ({"gate": "policy"}, SERVICE, [], []),
        # only proposed
        ({"status": "proposed"}, SERVICE, [], []),
        # where something as strict holds already: the service's own age, its floor, another law
        ({}, Service(stricter=(OWN,)), [], []),
        ({}, Service(stricter=(OwnRule("DE", 16, OWN.start, "not enough"),)), [], [FIND_THE_DAY]),
        ({}, Service(stricter=(OwnRule("DE", 17, TODAY + timedelta(days=1), "late"),)), [], [FIND_THE_DAY]),
        ({}, Service(stricter=(OwnRule("FR", 17, OWN.start, "elsewhere"),)), [], [FIND_THE_DAY]),
        ({"jurisdiction": "DE-BY"}, Service(stricter=(OWN,)), [WHOLE], []),
        ({}, Service(floor=17), [], []),
        ({}, Service(floor=16), [], [FIND_THE_DAY]),
        ({}, SERVICE, [rule("a", age=17)], []),
        ({}, SERVICE, [rule("a", age=17, until=day("2026-11-21"))], [FIND_THE_DAY]),
        ({}, SERVICE, [rule("a", age=18, kinds=["ai"])], [FIND_THE_DAY]),
    ],
)
def test_law_without_a_first_day_must_not_be_overlooked(
    tmp_path: Path, change: dict[str, object], service: Service, others: list[str], findings: list[str]
) -> None:
    files = germany(*others, rule("b", **NO_DAY | change))
    assert_findings(found(tmp_path, files, service), findings)


# --- files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "stale"), [(0, False), (300, False), (301, True), (1000, True)])
def test_a_file_is_to_be_looked_at_again_after_300_days(tmp_path: Path, days: int, stale: bool) -> None:
    assert timedelta(days=300) == STALE
    files = germany(rule(), checked=TODAY - timedelta(days=days))
    findings = [f"warning: de.toml: checked {days} days ago; look at its sources again"]
    assert_findings(found(tmp_path, files), findings if stale else [])


@pytest.mark.parametrize(
    ("file_days", "rule_days", "findings"),
    [
        (300, 300, []),
        (300, 301, ["warning: de.toml: de-a: checked 301 days ago; look at its sources again"]),
        (300, 0, []),
        (301, 300, ["warning: de.toml: checked 301 days ago"]),
        (301, 301, ["warning: de.toml: checked 301 days ago"]),
        (
            *(301, 400),
            ["warning: de.toml: checked 301 days ago", "warning: de.toml: de-a: checked 400 days ago"],
        ),
    ],
)
def test_a_rule_that_was_checked_on_a_day_of_its_own_is_looked_at_by_that(
    tmp_path: Path, file_days: int, rule_days: int, findings: list[str]
) -> None:
    own = rule(checked=TODAY - timedelta(days=rule_days))
    assert_findings(found(tmp_path, germany(own, checked=TODAY - timedelta(days=file_days))), findings)


def test_a_reference_is_looked_at_as_its_file_is(tmp_path: Path) -> None:
    (tmp_path / "fr.toml").write_text(
        'country = "FR"\nname = "France"\nchecked = 2026-07-01\nrule = []\n', encoding="utf-8"
    )
    files = {"gp": TERRITORY + 'follows = "FR"\n'}
    assert_findings(found(tmp_path, files), [])
    assert_findings(
        found(tmp_path, files, on=CHECKED + timedelta(days=301)),
        ["warning: fr.toml: checked 301 days ago", "warning: gp.toml: checked 301 days ago"],
    )


def test_faults_of_several_files_are_found_at_once_with_errors_first(tmp_path: Path) -> None:
    files = germany(rule("a", recheck=True), rule("b", citation=None)) | {
        "at": "country = ",
        "fr": 'colour = "red"\n',
        "gp": TERRITORY + 'follows = "MQ"\n',
    }
    assert_findings(
        found(tmp_path, files),
        [
            "error: at.toml: cannot be read as TOML",
            "error: de.toml: de-b: citation: missing; add it",
            "error: fr.toml: colour: unknown key",
            "error: gp.toml: follows: MQ has no rule file with rules of its own; write it first",
            "warning: de.toml: de-a: may have changed since its sources were seen",
        ],
    )


def test_a_finding_says_its_level_where_it_is_and_what_to_do(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, germany(rule(recheck=True)))
    assert (finding.level, finding.where) == ("warning", "de.toml: de-a")
    assert finding.what == "may have changed since its sources were seen; look again"


def test_a_folder_without_rule_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="no rule files"):
        lint(SERVICE, on=TODAY, folder=tmp_path)


# --- the shipped rules ----------------------------------------------------------------------------------


def test_the_shipped_rules_have_no_error_and_only_ask_to_be_looked_at_again() -> None:
    findings = lint(SERVICE, on=TODAY)
    again = [rule.id for rule in Rulebook.load() if rule.note.startswith("RECHECK:")]
    assert {finding.level for finding in findings} == {"warning"}
    assert sorted(finding.where.split(": ")[1] for finding in findings) == sorted(again)


@pytest.mark.parametrize(
    ("on", "comes"),
    [
        ("2026-11-30", []),
        ("2026-12-01", ["cl-ley21719-art16quater"]),
    ],
)
def test_a_shipped_law_whose_day_comes_is_to_be_looked_at(on: str, comes: list[str]) -> None:
    findings = lint(SERVICE, on=day(on))
    assert [finding.where.split(": ")[1] for finding in findings if "has come" in finding.what] == comes


def test_a_social_media_service_is_told_to_find_the_first_day_of_a_shipped_law() -> None:
    kinds = frozenset({"general", "social_media"})
    errors = [finding for finding in lint(Service(kinds=kinds), on=TODAY) if finding.level == "error"]
    assert_findings(errors, ["error: tr.toml: tr-law5651-under15: enacted for a service like this"])
    stricter = (OwnRule("TR", 15, day("2026-07-01"), "the law that is coming"),)
    cured = lint(Service(kinds=kinds, stricter=stricter), on=TODAY)
    assert [finding for finding in cured if finding.level == "error"] == []
