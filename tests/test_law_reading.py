"""Reading rule files: what is accepted as it stands, and every way in which one is refused."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate.errors import LawError
from agegate.law import Country, Rulebook
from agegate.law.reading import Follows, read_folder
from agegate.model import Rule

HEAD = 'country = "DE"\nname = "Germany"\nchecked = 2026-07-01\n'
RULE = {
    "id": '"de-x"',
    "regime": '"data_consent"',
    "age": "16",
    "gate": '"yes"',
    "basis": '"specific"',
    "law": '"Act on Services"',
    "citation": '"section 3"',
    "from": "2020-01-01",
    "until": "2020-12-31",
    "status": '"in_force"',
    "applies_to": '"online services"',
    "kinds": '["general"]',
    "confidence": '"high"',
    "sources": '["https://example.org"]',
}
TERRITORY = {
    "country": '"GP"',
    "name": '"Guadeloupe"',
    "checked": "2026-07-01",
    "follows": '"DE"',
    "confidence": '"low"',
    "sources": "[]",
    "unverified": "true",
}


def lines(table: dict[str, str], changes: dict[str, str | None]) -> str:
    """A table as TOML with changes; `None` leaves a key out, and a trailing `_` is no part of it."""
    found = {**table, **{key.rstrip("_"): value for key, value in changes.items()}}
    return "".join(f"{key} = {value}\n" for key, value in found.items() if value is not None)


def toml(**changes: str | None) -> str:
    """The file of Germany with one rule."""
    return f"{HEAD}\n[[rule]]\n{lines(RULE, changes)}"


def territory(**changes: str | None) -> str:
    """The file of a territory."""
    return lines(TERRITORY, changes)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, **files: str) -> dict[str, Country]:
    return {country.code: country for country in read_folder(write(folder, **files))}


def refused(folder: Path, **files: str) -> str:
    """What is said of files that cannot be used: one line."""
    with pytest.raises(LawError) as caught:
        read(folder, **files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- as it should be ------------------------------------------------------------------------------------


def test_a_rule_is_read_as_it_is_written(tmp_path: Path) -> None:
    more = {
        "jurisdiction": '"DE-BY"',
        "kinds": '["ai", "social_media"]',
        "mode": '"ban/parental"',
        "attain": '"jan1_of_year"',
        "applies_to_new_from": "2020-03-01",
        "applies_to_existing_from": "2020-05-01",
        "note": '"Soon another."',
        "checked": "2026-08-01",
    }
    (found,) = read(tmp_path, de=toml(**more))["DE"].rules
    assert found == Rule(
        id="de-x",
        jurisdiction="DE-BY",
        regime="data_consent",
        age=16,
        gate="yes",
        basis="specific",
        law="Act on Services",
        citation="section 3",
        start=date(2020, 1, 1),
        until=date(2020, 12, 31),
        status="in_force",
        applies_to="online services",
        kinds=frozenset({"ai", "social_media"}),
        confidence="high",
        sources=("https://example.org",),
        checked=date(2026, 8, 1),
        unverified=False,
        attain="jan1_of_year",
        new_from=date(2020, 3, 1),
        existing_from=date(2020, 5, 1),
        mode="ban/parental",
        note="Soon another.",
    )


def test_what_is_left_out_is_what_is_usual(tmp_path: Path) -> None:
    country = read(tmp_path, de=toml(from_=None, until=None))["DE"]
    (found,) = country.rules
    assert (country.name, country.checked, country.members, country.follows) == (
        *("Germany", date(2026, 7, 1)),
        *(frozenset(), None),
    )
    assert (found.jurisdiction, found.attain, found.mode, found.note) == ("DE", "birthday", "", "")
    assert (found.start, found.until, found.new_from, found.existing_from) == (None, None, None, None)
    assert (found.unverified, found.checked) == (False, date(2026, 7, 1))


@pytest.mark.parametrize(
    ("change", "attribute", "value"),
    [
        ({"recheck": "true", "note": '"soon"'}, "note", "RECHECK: soon"),
        ({"recheck": "true"}, "note", "RECHECK:"),
        ({"recheck": "false", "note": '"soon"'}, "note", "soon"),
        ({"age": "0"}, "age", 0),
        ({"age": "21"}, "age", 21),
        ({"until": "2020-01-01"}, "until", date(2020, 1, 1)),
        ({"from_": None}, "until", date(2020, 12, 31)),
        ({"applies_to_new_from": "2020-01-01"}, "new_from", date(2020, 1, 1)),
        ({"applies_to_existing_from": "2020-01-01"}, "existing_from", date(2020, 1, 1)),
        ({"attain": '"birthday"'}, "attain", "birthday"),
        # where nobody read the age, pages may still have been read for another part
        ({"unverified": "true"}, "sources", ("https://example.org",)),
        ({"unverified": "true", "sources": "[]"}, "sources", ()),
        ({"unverified": "false"}, "unverified", False),
        ({"sources": '["http://a.example", "https://b.example/c?d=%27e"]'}, "sourced", True),
        ({"unverified": "true", "sources": "[]"}, "sourced", False),
    ],
)
def test_what_may_be_written(
    tmp_path: Path, change: dict[str, str | None], attribute: str, value: object
) -> None:
    (found,) = read(tmp_path, de=toml(**change))["DE"].rules
    assert getattr(found, attribute) == value


def test_the_rules_of_a_file_keep_their_order(tmp_path: Path) -> None:
    second = toml(id='"de-a"').removeprefix(HEAD)
    assert [rule.id for rule in read(tmp_path, de=toml() + second)["DE"].rules] == ["de-x", "de-a"]


def test_a_file_may_hold_no_rule_and_the_union_names_its_members(tmp_path: Path) -> None:
    union = 'country = "EU"\nname = "Union"\nchecked = 2026-07-01\nmembers = ["AT", "DE"]\nrule = []\n'
    found = read(tmp_path, eu=union)["EU"]
    assert (found.rules, found.members) == ((), frozenset({"AT", "DE"}))


def test_a_territory_follows_its_mother_country(tmp_path: Path) -> None:
    sure = {"confidence": '"medium"', "sources": '["https://example.org/a"]', "unverified": None}
    found = read(tmp_path, de=toml(), gp=territory(), aw=territory(country='"AW"', note='"A note."', **sure))
    assert (found["GP"].rules, found["GP"].name) == ((), "Guadeloupe")
    assert found["GP"].follows == Follows("DE", "low", (), unverified=True)
    assert found["AW"].follows == Follows(
        "DE", "medium", ("https://example.org/a",), unverified=False, note="A note."
    )


# --- a rule that is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": '"red"'}, "de-x: colour: unknown key"),
        *(({key: None}, f": {key}: missing; add it") for key in RULE if key not in ("from", "until")),
        ({"law": '" "'}, "de-x: law: not a line of text"),
        ({"citation": '""'}, "de-x: citation: not a line of text"),
        ({"citation": '"two\\nlines"'}, "de-x: citation: not a line of text"),
        ({"applies_to": '" "'}, "de-x: applies_to: not a line of text"),
        ({"applies_to": '["all"]'}, "de-x: applies_to: not a line of text"),
        ({"note": "3"}, "de-x: note: not a line of text"),
        ({"id": None}, "rule 1: id: missing"),
        ({"id": '"fr-x"'}, "fr-x: id: not a rule's name; write it as de-law-article"),
        ({"id": '"de x"'}, "de x: id: not a rule's name"),
        ({"id": '"DE-x"'}, "DE-x: id: not a rule's name"),
        ({"id": "7"}, "7: id: not a line of text"),
        ({"age": "22"}, "de-x: age: 22 is no minimum age"),
        ({"age": "-1"}, "de-x: age: -1 is no minimum age"),
        ({"age": "true"}, "de-x: age: True is no minimum age"),
        ({"age": "16.0"}, "de-x: age: 16.0 is no minimum age"),
        ({"age": '"16"'}, "de-x: age: '16' is no minimum age"),
        ({"until": "2019-12-31"}, "de-x: until: lies before from"),
        ({"from_": '"2020-01-01"'}, "de-x: from: not a day"),
        ({"from_": "2020-01-01T00:00:00"}, "de-x: from: not a day"),
        ({"until": "2020"}, "de-x: until: not a day"),
        ({"checked": '"July"'}, "de-x: checked: not a day"),
        ({"applies_to_new_from": '"2020-01-01"'}, "de-x: applies_to_new_from: not a day"),
        ({"applies_to_new_from": "2019-12-31"}, "de-x: applies_to_new_from: lies before from"),
        ({"applies_to_new_from": "2020-01-01", "from_": None}, "de-x: applies_to_new_from: lies before from"),
        ({"applies_to_existing_from": "true"}, "de-x: applies_to_existing_from: not a day"),
        ({"applies_to_existing_from": "2019-12-31"}, "de-x: applies_to_existing_from: lies before from"),
        ({"attain": '"turn_of_the_year"'}, "de-x: attain: 'turn_of_the_year' is unknown; choose from birthday"),
        ({"attain": "true"}, "de-x: attain: True is unknown"),
        ({"kinds": '["games"]'}, "de-x: kinds: holds games"),
        ({"kinds": "[]"}, "de-x: kinds: holds nothing"),
        ({"kinds": '["ai", "ai"]'}, "de-x: kinds: holds something twice"),
        ({"kinds": '"general"'}, "de-x: kinds: not a list"),
        ({"kinds": "[1]"}, "de-x: kinds: not a list of texts"),
        ({"status": '"enacted_not_yet"'}, "de-x: status: 'enacted_not_yet' is unknown"),
        ({"gate": "true"}, "de-x: gate: True is unknown"),
        ({"confidence": '"sure"'}, "de-x: confidence: 'sure' is unknown"),
        ({"basis": '"hearsay"'}, "de-x: basis: 'hearsay' is unknown"),
        ({"regime": '"custom"'}, "de-x: regime: 'custom' is unknown"),
        ({"regime": '["data_consent"]'}, "de-x: regime: ['data_consent'] is unknown"),
        ({"mode": '"block"'}, "de-x: mode: 'block' is unknown"),
        ({"mode": '"ban,parental"'}, "de-x: mode: 'ban,parental' is unknown"),
        ({"jurisdiction": '"FR"'}, "de-x: jurisdiction: FR is not of DE"),
        ({"jurisdiction": '"DE-by"'}, "de-x: jurisdiction: DE-by is not of DE"),
        ({"jurisdiction": '"DE-ABCD"'}, "de-x: jurisdiction: DE-ABCD is not of DE"),
        ({"sources": '["example.org"]'}, "de-x: sources: not all are addresses"),
        ({"sources": '["https://example.org", "a book"]'}, "de-x: sources: not all are addresses"),
        ({"sources": '["ftp://example.org"]', "unverified": "true"}, "de-x: sources: not all are addresses"),
        ({"sources": "[]"}, "de-x: sources: none; give the pages where the age was read"),
        ({"sources": "[]", "unverified": "false"}, "de-x: sources: none"),
        ({"unverified": '"yes"'}, "de-x: unverified: neither true nor false"),
        ({"unverified": "1"}, "de-x: unverified: neither true nor false"),
        ({"recheck": '"yes"'}, "de-x: recheck: neither true nor false"),
        ({"follows": '"FR"'}, "de-x: follows: unknown key"),
    ],
)
def test_a_bad_rule_names_its_file_and_itself(tmp_path: Path, change: dict[str, str | None], says: str) -> None:
    message = refused(tmp_path, de=toml(**change))
    assert message.startswith("de.toml: ")
    assert says in message
    assert ";" in message  # what to do


def test_an_id_is_given_once(tmp_path: Path) -> None:
    message = refused(tmp_path, de=toml() + toml().removeprefix(HEAD))
    assert message == "de.toml: de-x: this id is taken in de.toml; choose another"


# --- a file that is refused -----------------------------------------------------------------------------

UNION = 'country = "EU"\nname = "E"\nchecked = 2026-07-01\nrule = []\n'


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("de", "country = ", "cannot be read as TOML"),
        ("de", "", "country: missing"),
        ("de", HEAD, "rule: missing"),
        ("de", HEAD + "rule = 3\n", "rule: not a list of tables"),
        ("de", HEAD + "rule = [3]\n", "rule: not a list of tables"),
        ("de", HEAD + "[rule]\n", "rule: not a list of tables"),
        ("de", 'colour = "red"\n' + HEAD, "colour: unknown key"),
        ("de", toml().replace('name = "Germany"\n', ""), "name: missing"),
        ("de", toml().replace('"Germany"', '""'), "name: not a line of text"),
        ("de", toml().replace('country = "DE"', 'country = ["DE"]'), "country: not a line of text"),
        ("fr", toml(), "country: DE is not the ISO code the file is named by"),
        ("xx", toml().replace('"DE"', '"XX"'), "country: XX is not an ISO 3166-1 code"),
        ("uk", toml().replace('"DE"', '"UK"'), "country: UK is not an ISO 3166-1 code; write GB"),
        ("de", toml().replace("checked = 2026-07-01\n", ""), "checked: missing"),
        ("de", toml().replace("checked = 2026-07-01", 'checked = "July"'), "checked: not a day"),
        ("de", toml().replace("checked = 2026-07-01", "checked = 2026-07-01 10:00:00"), "checked: not a day"),
        ("de", 'members = ["AT"]\n' + toml(), "members: only eu.toml"),
        ("eu", UNION, "members: only eu.toml"),
        ("eu", 'members = ["XX"]\n' + UNION, "members: only eu.toml"),
        ("eu", 'members = "AT"\n' + UNION, "members: not a list of texts"),
        ("eu", 'members = ["AT", "AT"]\n' + UNION, "members: holds something twice"),
        # references
        ("gp", territory(follows='"GP"'), "follows: GP is no other country"),
        ("gp", territory(follows='"XX"'), "follows: XX is no other country"),
        ("gp", territory(follows='"EU"'), "follows: EU is no other country"),
        ("gp", territory(follows='"de"'), "follows: de is no other country"),
        ("gp", territory(follows="true"), "follows: not a line of text"),
        ("gp", territory(follows='"FR"'), "follows: FR has no rule file with rules of its own"),
        ("gp", territory(confidence=None), "confidence: missing"),
        ("gp", territory(confidence='"sure"'), "confidence: 'sure' is unknown"),
        ("gp", territory(sources=None), "sources: missing"),
        ("gp", territory(unverified=None), "sources: none; give the pages where the age was read"),
        ("gp", territory(sources='["a book"]'), "sources: not all are addresses"),
        ("gp", territory(unverified='"yes"'), "unverified: neither true nor false"),
        ("gp", territory(note='""'), "note: not a line of text"),
        ("gp", territory(name=None), "name: missing"),
        ("gp", territory(colour='"red"'), "colour: unknown key"),
        ("gp", territory(rule="[]"), "rule: unknown key"),
        ("gp", territory(members='["AT"]'), "members: unknown key"),
        ("gp", territory(recheck="true"), "recheck: unknown key"),
        ("mq", territory(), "country: GP is not the ISO code the file is named by"),
        ("eu", territory(country='"EU"'), "members: only eu.toml"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    message = refused(tmp_path, **{name: text})
    assert message.startswith(f"{name}.toml: ")
    assert says in message
    assert ";" in message  # what to do


def test_a_territory_follows_no_territory(tmp_path: Path) -> None:
    chain = {"de": toml(), "gp": territory(follows='"MQ"'), "mq": territory(country='"MQ"')}
    assert refused(tmp_path, **chain).startswith("gp.toml: follows: ")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "de.toml").write_bytes(content)
    with pytest.raises(LawError, match=r"^de\.toml: cannot be read"):
        read_folder(tmp_path)


def test_a_folder_without_rule_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_text(toml(), encoding="utf-8")
    for ask in (read_folder, Rulebook.load):
        with pytest.raises(LawError, match="no rule files; give a folder of"):
            ask(tmp_path)


# --- all problems at once -------------------------------------------------------------------------------


def test_every_problem_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    good, bad, twice = (
        toml(**changes).removeprefix(HEAD)
        for changes in ({"id": '"de-a"'}, {"id": '"de-b"', "age": "22"}, {"id": '"de-a"'})
    )
    write(
        tmp_path,
        de=HEAD + good + bad + toml(law=None).removeprefix(HEAD) + twice,
        fr="country = ",
        at='colour = "red"\n' + toml(),
        gp=territory(),
        mq=territory(country='"MQ"', follows='"FR"'),
    )
    told: list[LawError] = []
    countries = read_folder(tmp_path, told.append)
    assert sorted(str(error).split(";")[0].split(" (")[0] for error in told) == [
        "at.toml: colour: unknown key",
        "de.toml: de-a: this id is taken in de.toml",
        "de.toml: de-b: age: 22 is no minimum age",
        "de.toml: de-x: law: missing",
        "fr.toml: cannot be read as TOML: Invalid value",
        "mq.toml: follows: FR has no rule file with rules of its own",
    ]
    assert [country.code for country in countries] == ["DE", "GP", "MQ"]
    assert {rule.id for rule in countries[0].rules} == {"de-a"}


def test_by_default_the_first_problem_stops_the_reading(tmp_path: Path) -> None:
    assert refused(tmp_path, at="country = ", de="country = ").startswith("at.toml: ")


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_rule_it_is_read_or_refused_in_one_line(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = st.recursive(
        st.one_of(
            st.booleans().map(lambda value: str(value).lower()),
            st.integers(-(2**63), 2**63 - 1).map(str),
            st.floats(allow_nan=False, allow_infinity=False).map(repr),
            st.dates().map(date.isoformat),
            st.datetimes().map(datetime.isoformat),
            st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters='"\\'), max_size=9).map(
                '"{}"'.format
            ),
            st.sampled_from(list(RULE.values())),
        ),
        lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        max_leaves=4,
    )
    keys = [*RULE, "jurisdiction", "mode", "attain", "note", "checked", "unverified", "recheck"]
    keys += ["applies_to_new_from", "applies_to_existing_from"]
    changes = data.draw(st.dictionaries(st.sampled_from(keys), values, min_size=1, max_size=3))
    told: list[LawError] = []
    folder = write(tmp_path_factory.mktemp("rules"), de=toml(**changes))
    (country,) = read_folder(folder, told.append)
    assert len(country.rules) + len(told) == 1
    assert all(str(error).startswith("de.toml: ") and "\n" not in str(error) for error in told)
