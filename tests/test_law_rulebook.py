"""The rulebook: the shipped rules by their cases, and what a rule file must be."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.birthdate import BirthDate
from agegate.errors import LawError
from agegate.law import COUNTRIES, Rulebook
from agegate.law.reading import RECHECK
from agegate.law.rulebook import SHIPPED
from agegate.model import STATUTORY_KINDS, Place, Residence, Rule, Service

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
KNOWN = SETTINGS | {"jurisdiction", "on", "created_on", "limit", "rule", "set_in", "born", "old_enough", "researched"}


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


# --- the whole registry --------------------------------------------------------------------------------


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


def test_the_27_member_states_inherit_from_the_union() -> None:
    assert len(BOOK.members) == 27
    assert BOOK.members <= set(BOOK.countries)
    assert all(rule in BOOK.rules(member) for member in BOOK.members for rule in BOOK.rules("EU"))
    assert not any(rule.jurisdiction == "EU" for rule in BOOK.rules("NO") + BOOK.rules("GB"))


def test_ids_are_unique_and_begin_with_their_country() -> None:
    ids = [rule.id for rule in BOOK]
    assert len(ids) == len(set(ids)) == 104
    assert all(rule.id.startswith(rule.jurisdiction[:2].lower() + "-") for rule in BOOK)


def test_what_is_to_be_looked_at_again_says_so_first() -> None:
    again = {rule.id for rule in BOOK if rule.note.startswith(RECHECK)}
    assert {"fr-miller-bill-art1", "au-copc-draft", "us-sc-design-code", "us-tx-sb2420"} <= again


def test_no_rule_that_only_was_enacted_or_proposed_ever_holds() -> None:
    for rule in BOOK:
        if rule.status in ("enacted", "proposed", "enjoined"):
            assert not rule.in_force(date(2100, 1, 1))


def test_what_is_not_for_accounts_never_sets_a_limit() -> None:
    service = Service(floor=1, kinds=frozenset(STATUTORY_KINDS), policy=COUNTRIES)
    for rule in BOOK:
        if rule.gate == "no":
            found = BOOK.limit(rule.jurisdiction, on=rule.start or SEEN, service=service).rule
            assert found is None or found.gate != "no"


# --- rules, subdivisions, places ------------------------------------------------------------------------


def test_a_subdivision_has_its_own_rules_first_and_then_its_countrys() -> None:
    own_then_inherited = [rule.jurisdiction for rule in BOOK.rules("CA-QC")]
    assert own_then_inherited == ["CA-QC", "CA"]
    assert BOOK.subdivisions("CA") == ("CA-BC", "CA-QC")
    assert BOOK.subdivisions("DE") == ()
    assert BOOK.rules("CA-ON") == BOOK.rules("CA")


def test_a_national_age_beats_the_default_of_the_union_also_downwards() -> None:
    service = Service(floor=10)
    assert BOOK.limit("FI", on=date(2018, 12, 31), service=service).age == 16
    assert BOOK.limit("FI", on=date(2019, 1, 1), service=service).age == 13


def test_a_rule_for_services_in_general_is_for_every_kind() -> None:
    for kind in STATUTORY_KINDS:
        assert BOOK.limit("DE", on=SEEN, service=Service(kinds=frozenset({kind}))).age == 16


def test_a_place_nobody_researched_says_so() -> None:
    limit = BOOK.limit("BA", on=SEEN, service=SERVICE)
    assert (limit.age, limit.rule, limit.researched) == (13, None, False)
    assert "has not been researched" in limit.why


def test_a_rule_at_the_floor_confirms_it() -> None:
    limit = BOOK.limit("GB", on=SEEN, service=SERVICE)
    assert limit.rule is not None
    assert "DPA 2018" in limit.why


@pytest.mark.parametrize("code", ["de", "", "DE-", "DEU", "DE-ABCD", "D", "DE QC", "DE\n"])
def test_what_is_no_jurisdiction_is_an_error(code: str) -> None:
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.limit(code, on=SEEN, service=SERVICE)
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.rules(code)


def test_a_common_slip_is_told_the_right_code() -> None:
    with pytest.raises(LawError, match="write GB"):
        BOOK.limit("UK", on=SEEN, service=SERVICE)


def _at(*places: str) -> Residence:
    return Residence(tuple(Place(*place.split()) for place in places))


def test_of_two_places_the_stricter_holds_and_the_looser_is_known() -> None:
    both = _at("GB billing", "DE declared")
    assert BOOK.strictest(both, on=SEEN, service=SERVICE).jurisdiction == "DE"
    assert BOOK.loosest(both, on=SEEN, service=SERVICE).jurisdiction == "GB"


def test_an_ip_address_raises_and_never_lowers() -> None:
    assert BOOK.strictest(_at("GB declared", "DE ip"), on=SEEN, service=SERVICE).age == 16
    assert BOOK.strictest(_at("DE declared", "GB ip"), on=SEEN, service=SERVICE).age == 16
    assert BOOK.loosest(_at("DE declared", "GB ip"), on=SEEN, service=SERVICE).age == 16


def test_without_a_place_there_is_no_limit() -> None:
    for ask in (BOOK.strictest, BOOK.loosest):
        with pytest.raises(LawError, match="ask for the country"):
            ask(Residence(()), on=SEEN, service=SERVICE)


PLACES = st.sampled_from(
    [*BOOK.countries, "BA", "CA-ON", *(place for code in BOOK.countries for place in BOOK.subdivisions(code))]
)
DAYS = st.dates(date(1999, 1, 1), date(2040, 1, 1))
SERVICES = st.builds(
    Service,
    floor=st.integers(1, 21),
    kinds=st.frozensets(st.sampled_from(STATUTORY_KINDS), min_size=1),
    policy=st.frozensets(st.sampled_from(["AU", "CA"])),
)


@given(PLACES, DAYS, SERVICES, st.booleans())
def test_a_limit_is_never_below_the_floor(place: str, on: date, service: Service, acting: bool) -> None:
    limit = BOOK.limit(place, on=on, service=service, acting=acting)
    assert limit.age >= service.floor
    assert limit.age == (limit.rule.age if limit.rule else service.floor)


@given(PLACES, DAYS, SERVICES)
def test_what_is_acted_on_is_never_stricter_than_the_door(place: str, on: date, service: Service) -> None:
    acting = BOOK.limit(place, on=on, service=service, acting=True)
    assert acting.age <= BOOK.limit(place, on=on, service=service).age
    assert acting.rule is None or (acting.rule.sourced and acting.rule.confidence != "low")


@given(st.lists(PLACES, min_size=1, max_size=4), PLACES, DAYS, SERVICES)
def test_one_more_place_never_lowers_the_strictest(
    places: list[str], more: str, on: date, service: Service
) -> None:
    before = BOOK.strictest(_at(*(f"{place} declared" for place in places)), on=on, service=service)
    after = BOOK.strictest(_at(*(f"{place} declared" for place in [*places, more])), on=on, service=service)
    assert after.age >= before.age


@given(PLACES, DAYS, SERVICES)
def test_an_unknown_region_is_read_as_the_strictest(place: str, on: date, service: Service) -> None:
    country = place[:2]
    whole = BOOK.limit(country, on=on, service=service).age
    parts = [BOOK.limit(part, on=on, service=service).age for part in BOOK.subdivisions(country)]
    assert whole >= BOOK.limit(place, on=on, service=service).age
    assert whole == max([*parts, BOOK.limit(f"{country}-ZZZ", on=on, service=service).age])


# --- reading -------------------------------------------------------------------------------------------

HEAD = 'country = "DE"\nname = "Germany"\nchecked = 2026-07-01\n'
RULE = {
    "id": '"de-x"',
    "regime": '"data_consent"',
    "age": "16",
    "gate": '"yes"',
    "basis": '"specific"',
    "law": '"L"',
    "citation": '"C"',
    "from": "2020-01-01",
    "until": "2020-12-31",
    "status": '"in_force"',
    "kinds": '["general"]',
    "confidence": '"high"',
    "sources": '["https://example.org"]',
}


def _toml(**changes: str | None) -> str:
    fields = {**RULE, **{key.rstrip("_"): value for key, value in changes.items()}}
    lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
    return HEAD + "\n[[rule]]\n" + "\n".join(lines) + "\n"


def _load(folder: Path, text: str, name: str = "de.toml") -> Rulebook:
    (folder / name).write_text(text, encoding="utf-8")
    return Rulebook.load(folder)


def test_a_rule_as_it_should_be(tmp_path: Path) -> None:
    book = _load(tmp_path, _toml(recheck="true", note='"soon"', mode='"ban/parental"', checked="2026-08-01"))
    (rule,) = book.rules("DE")
    assert (rule.note, rule.mode, rule.checked) == ("RECHECK: soon", "ban/parental", date(2026, 8, 1))
    assert book.countries["DE"].checked == date(2026, 7, 1)


def test_both_days_of_an_interval_belong_to_it(tmp_path: Path) -> None:
    book = _load(tmp_path, _toml())
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1)]
    assert [book.limit("DE", on=day, service=SERVICE).age for day in days] == [13, 16, 16, 13]


def test_looked_for_and_none_found_is_researched_and_never_below_the_floor(tmp_path: Path) -> None:
    limit = _load(tmp_path, _toml(age="0", from_=None, until=None)).limit("DE", on=SEEN, service=SERVICE)
    assert (limit.age, limit.rule, limit.researched) == (13, None, True)
    assert "no higher limit in DE" in limit.why


@pytest.mark.parametrize(
    ("change", "at_the_door", "acting"),
    [
        ({}, 16, 16),
        ({"from_": None}, 16, 13),
        ({"confidence": '"medium"'}, 16, 16),
        ({"confidence": '"low"'}, 16, 13),
        ({"basis": '"majority"'}, 16, 13),
        ({"sources": "[]", "unverified": "true"}, 16, 13),
        ({"gate": '"policy"'}, 13, 13),
        ({"gate": '"no"'}, 13, 13),
        ({"status": '"enacted"'}, 13, 13),
        ({"kinds": '["ai"]'}, 13, 13),
    ],
)
def test_what_a_rule_needs_to_set_a_limit(
    tmp_path: Path, change: dict[str, str | None], at_the_door: int, acting: int
) -> None:
    book = _load(tmp_path, _toml(**change))
    on = date(2020, 6, 1)
    assert book.limit("DE", on=on, service=SERVICE).age == at_the_door
    assert book.limit("DE", on=on, service=SERVICE, acting=True).age == acting


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": '"red"'}, "colour: unknown key"),
        ({"citation": None}, "citation: missing"),
        ({"law": None}, "law: missing"),
        ({"law": '" "'}, "law: not a line of text"),
        ({"id": None}, "rule 1: id: missing"),
        ({"id": '"fr-x"'}, "id: not a rule's name"),
        ({"id": '"de x"'}, "id: not a rule's name"),
        ({"id": "7"}, "id: not a line of text"),
        ({"age": "22"}, "age: 22 is no minimum age"),
        ({"age": "-1"}, "age: -1 is no minimum age"),
        ({"age": "true"}, "age: True is no minimum age"),
        ({"age": '"16"'}, "age: '16' is no minimum age"),
        ({"until": "2019-12-31"}, "until: lies before from"),
        ({"from_": '"2020-01-01"'}, "from: not a day"),
        ({"from_": "2020-01-01T00:00:00"}, "from: not a day"),
        ({"kinds": '["games"]'}, "kinds: holds games"),
        ({"kinds": "[]"}, "kinds: holds nothing"),
        ({"kinds": '["ai", "ai"]'}, "kinds: holds something twice"),
        ({"kinds": '"general"'}, "kinds: not a list"),
        ({"status": '"enacted_not_yet"'}, "status: 'enacted_not_yet' is unknown"),
        ({"gate": "true"}, "gate: True is unknown"),
        ({"confidence": '"sure"'}, "confidence: 'sure' is unknown"),
        ({"basis": '"hearsay"'}, "basis: 'hearsay' is unknown"),
        ({"regime": '"custom"'}, "regime: 'custom' is unknown"),
        ({"mode": '"block"'}, "mode: 'block' is unknown"),
        ({"jurisdiction": '"FR"'}, "jurisdiction: FR is not of DE"),
        ({"jurisdiction": '"DE-by"'}, "jurisdiction: DE-by is not of DE"),
        ({"sources": '["example.org"]'}, "sources: not all are addresses"),
        ({"sources": "[]"}, "sources: do not fit unverified"),
        ({"unverified": "true"}, "sources: do not fit unverified"),
        ({"recheck": '"yes"'}, "recheck: neither true nor false"),
    ],
)
def test_a_bad_rule_names_its_file_and_itself(tmp_path: Path, change: dict[str, str | None], says: str) -> None:
    with pytest.raises(LawError) as caught:
        _load(tmp_path, _toml(**change))
    message = str(caught.value)
    assert message.startswith("de.toml: ")
    assert says in message
    assert "\n" not in message
    assert ";" in message.split(says)[1]  # what to do


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("de.toml", "country = ", "cannot be read as TOML"),
        ("de.toml", HEAD, "rule: missing"),
        ("de.toml", HEAD + "rule = 3\n", "rule: not a list of tables"),
        ("de.toml", 'colour = "red"\n' + HEAD, "colour: unknown key"),
        ("fr.toml", _toml(), "country: DE is not the ISO code the file is named by"),
        ("xx.toml", _toml().replace('"DE"', '"XX"'), "country: XX is not the ISO code"),
        ("de.toml", 'members = ["AT"]\n' + _toml(), "members: only eu.toml"),
        ("eu.toml", 'country = "EU"\nname = "E"\nchecked = 2026-07-01\nrule = []\n', "members: only eu.toml"),
        ("de.toml", _toml().replace("checked = 2026-07-01", 'checked = "July"'), "checked: not a day"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(LawError) as caught:
        _load(tmp_path, text, name)
    assert str(caught.value).startswith(f"{name}: ")
    assert says in str(caught.value)


def test_an_id_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"de\.toml: de-x: this id is taken in de\.toml"):
        _load(tmp_path, _toml() + _toml().removeprefix(HEAD))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LawError, match=r"de\.toml: cannot be read"):
        Rulebook.load(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="no rule files"):
        Rulebook.load(tmp_path)


# --- cost ----------------------------------------------------------------------------------------------


def test_the_shipped_rules_are_read_once() -> None:
    assert Rulebook.load() is BOOK


def test_reading_them_is_quick() -> None:
    quickest = min(_seconds() for _ in range(5))
    assert quickest < 0.05


def _seconds() -> float:
    began = time.perf_counter()
    Rulebook.load(SHIPPED)
    return time.perf_counter() - began


def test_the_law_is_light_to_import() -> None:
    heavy = {"numpy", "polars", "typer", "pydantic", "alembic", "cryptography"}
    code = f"import sys, agegate.law; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
