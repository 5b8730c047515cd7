"""The rulebook: what a rule needs to set a limit, at the door and for an account that is there already."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, groupby, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agegate.birthdate import BirthDate
from agegate.errors import ConfigError, LawError
from agegate.law import COUNTRIES, Country, Rulebook
from agegate.law.reading import Follows
from agegate.law.rulebook import CONFIDENCES
from agegate.model import OLDEST_AGE, STATUTORY_KINDS, Limit, OwnRule, Place, Residence, Rule, Service

BOOK = Rulebook.load()
SEEN = date(2026, 7, 1)
SERVICE = Service()

# --- books of a few rules -------------------------------------------------------------------------------

CHECKED = date(2026, 1, 1)
OLDER = date(2025, 6, 1)
"""The day on which an account was made before the rules were checked."""
NEWER = date(2026, 3, 1)
"""The day on which one was made after it."""

RULE = Rule(
    id="de-x",
    jurisdiction="DE",
    regime="data_consent",
    age=16,
    gate="yes",
    basis="specific",
    law="Act on Services",
    citation="section 3",
    start=date(2020, 1, 1),
    until=None,
    status="in_force",
    applies_to="online services",
    kinds=frozenset({"general"}),
    confidence="high",
    sources=("https://example.org",),
    checked=CHECKED,
)


def rule(place: str = "DE", **changes: object) -> Rule:
    """The rule of Germany, or of another place, with changes; its id names the place."""
    named = {"id": f"{place.lower()}-x", "jurisdiction": place, **changes}
    kinds = named.get("kinds")
    if isinstance(kinds, str):
        named["kinds"] = frozenset(kinds.split())
    return replace(RULE, **named)


def book(*rules: Rule, members: str = "", **follows: Follows) -> Rulebook:
    """A rulebook of these rules; `members` are those of the EU, `follows` the territories' references."""
    ordered = sorted(rules, key=lambda one: one.jurisdiction[:2])
    grouped = groupby(ordered, key=lambda one: one.jurisdiction[:2])
    own = {code: tuple(of_country) for code, of_country in grouped}
    countries = [Country(code, code, CHECKED, listed) for code, listed in own.items() if code != "EU"]
    if members:
        countries.append(Country("EU", "EU", CHECKED, own.get("EU", ()), frozenset(members.split())))
    territories = [Country(code, code, CHECKED, (), follows=ref) for code, ref in follows.items()]
    return Rulebook([*countries, *territories])


def own(place: str, age: int, start: date = CHECKED) -> OwnRule:
    return OwnRule(place, age, start, "a promise to parents")


def at(*places: str) -> Residence:
    """A residence of places such as `DE billing`; what says so can be left out."""
    return Residence(
        tuple(Place(*(place if " " in place else f"{place} declared").split()) for place in places)
    )


# --- what a rule needs ----------------------------------------------------------------------------------

NO_DAY = {"status": "enacted", "start": None}


@pytest.mark.parametrize(
    ("change", "service", "door", "newer", "older"),
    [
        ({}, {}, 16, 16, 16),
        ({"age": 13}, {}, 13, 13, 13),
        ({"age": 0}, {}, 13, 13, 13),
        ({"age": 12}, {"floor": 10}, 12, 12, 12),
        # who is sure of it
        ({"confidence": "medium"}, {}, 16, 16, 16),
        ({"confidence": "low"}, {}, 16, 13, 13),
        ({"unverified": True}, {}, 16, 13, 13),
        ({"unverified": True, "sources": ()}, {}, 16, 13, 13),
        ({"sources": ()}, {}, 16, 13, 13),
        # what it says
        ({"basis": "guidance"}, {}, 16, 16, 16),
        ({"basis": "majority"}, {}, 16, 13, 13),
        ({"basis": "majority"}, {"majority_rules": "report"}, 13, 13, 13),
        ({"gate": "no"}, {}, 13, 13, 13),
        ({"gate": "no"}, {"policy": frozenset({"DE"})}, 13, 13, 13),
        ({"gate": "policy"}, {}, 13, 13, 13),
        ({"gate": "policy"}, {"policy": frozenset({"FR"})}, 13, 13, 13),
        ({"gate": "policy"}, {"policy": frozenset({"DE"})}, 16, 13, 13),
        (
            {"gate": "policy", "basis": "majority"},
            {"policy": frozenset({"DE"}), "majority_rules": "report"},
            *(16, 13, 13),
        ),
        # when it holds
        ({"start": None}, {}, 16, 16, 13),
        ({"start": SEEN}, {}, 16, 16, 16),
        ({"start": SEEN + timedelta(days=1)}, {}, 13, 13, 13),
        ({"until": SEEN}, {}, 16, 16, 16),
        ({"until": SEEN - timedelta(days=1)}, {}, 13, 13, 13),
        ({"status": "proposed"}, {}, 13, 13, 13),
        ({"status": "enjoined"}, {}, 13, 13, 13),
        ({"status": "enacted"}, {}, 16, 13, 13),
        ({"status": "enacted", "start": SEEN}, {}, 16, 13, 13),
        ({"status": "enacted", "start": SEEN + timedelta(days=1)}, {}, 13, 13, 13),
        (NO_DAY, {}, 13, 13, 13),
        # whom it reaches first
        ({"new_from": SEEN}, {}, 16, 16, 16),
        ({"new_from": SEEN + timedelta(days=1)}, {}, 13, 13, 13),
        ({"existing_from": SEEN}, {}, 16, 16, 16),
        ({"start": CHECKED, "existing_from": SEEN + timedelta(days=1)}, {}, 16, 16, 13),
        ({"start": CHECKED, "new_from": SEEN, "existing_from": SEEN + timedelta(days=1)}, {}, 16, 13, 13),
        # for what service
        ({}, {"kinds": frozenset({"ai"})}, 16, 16, 16),
        ({"kinds": "ai"}, {}, 13, 13, 13),
        ({"kinds": "ai"}, {"kinds": frozenset({"social_media"})}, 13, 13, 13),
        ({"kinds": "ai social_media"}, {"kinds": frozenset({"social_media"})}, 16, 16, 16),
        ({"kinds": "ai general"}, {"kinds": frozenset({"social_media"})}, 16, 16, 16),
    ],
)
def test_what_a_rule_needs_to_set_a_limit(
    change: dict[str, object], service: dict[str, object], door: int, newer: int, older: int
) -> None:
    law, kept = book(rule(**change)), Service(**service)  # type: ignore[arg-type]
    limits = [law.limit("DE", on=SEEN, service=kept, created_on=made) for made in (None, NEWER, OLDER)]
    assert [limit.age for limit in limits] == [door, newer, older]


def test_what_applies_at_a_door_is_listed_with_the_strictest_first() -> None:
    law = book(
        rule(id="de-low", age=12),
        rule(id="de-by-year", attain="jan1_of_year"),
        rule(id="de-birthday"),
        rule(id="de-later", start=SEEN + timedelta(days=1)),
        rule(id="de-other", gate="no"),
        rule(id="de-media", age=18, kinds="social_media"),
        rule("DE-BY", age=17),
    )
    media = Service(kinds=frozenset({"social_media"}))
    for place, service, names in (
        ("DE", SERVICE, ["de-birthday", "de-by-year", "de-low"]),
        ("DE-BE", SERVICE, ["de-birthday", "de-by-year", "de-low"]),
        ("DE", media, ["de-media", "de-birthday", "de-by-year", "de-low"]),
        ("DE-BY", SERVICE, ["de-by-x", "de-birthday", "de-by-year", "de-low"]),
        ("FR", SERVICE, []),
    ):
        assert [found.id for found in law.applying(place, on=SEEN, service=service)] == names


@pytest.mark.parametrize(
    ("created_on", "acts"), [(CHECKED - timedelta(days=1), False), (CHECKED, True), (NEWER, True)]
)
def test_a_rule_of_unknown_start_leaves_alone_what_was_there_before_it_was_seen(
    created_on: date, acts: bool
) -> None:
    limit = book(rule(start=None)).limit("DE", on=SEEN, service=SERVICE, created_on=created_on)
    assert limit.name == ("de-x" if acts else "floor")


@pytest.mark.parametrize(
    ("day", "door", "newer", "older"),
    [
        # in force from January, for new accounts from April, for those before it from May
        ("2026-03-31", 13, 13, 13),
        ("2026-04-01", 16, 16, 13),
        ("2026-04-30", 16, 16, 13),
        ("2026-05-01", 16, 16, 16),
    ],
)
def test_a_law_that_reaches_new_and_existing_accounts_on_days_of_its_own(
    day: str, door: int, newer: int, older: int
) -> None:
    law = book(rule(start=CHECKED, new_from=date(2026, 4, 1), existing_from=date(2026, 5, 1)))
    on = date.fromisoformat(day)
    made = [None, date(2026, 4, 1), date(2026, 3, 31)]
    ages = [law.limit("DE", on=on, service=SERVICE, created_on=created).age for created in made]
    assert ages == [door, newer, older]


def test_both_days_of_an_interval_belong_to_it() -> None:
    law = book(rule(start=date(2020, 1, 1), until=date(2020, 12, 31)))
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1)]
    assert [law.limit("DE", on=day, service=SERVICE).age for day in days] == [13, 16, 16, 13]


def test_looked_for_and_none_found_is_researched_and_never_below_the_floor() -> None:
    limit = book(rule(age=0)).limit("DE", on=SEEN, service=SERVICE)
    assert (limit.age, limit.rule, limit.researched) == (13, None, True)
    assert "no higher limit in DE" in limit.why


def test_a_rule_at_the_floor_confirms_it() -> None:
    limit = book(rule(age=13)).limit("DE", on=SEEN, service=SERVICE)
    assert (limit.name, limit.why) == ("de-x", "Act on Services, section 3 (DE)")


def test_a_place_nobody_researched_says_so() -> None:
    limit = book(RULE).limit("FR", on=SEEN, service=SERVICE)
    assert (limit.age, limit.rule, limit.researched) == (13, None, False)
    assert "has not been researched" in limit.why


@pytest.mark.parametrize(
    ("changes", "researched"),
    [
        ([{}], True),
        ([{"status": "enjoined"}], True),
        ([{"status": "enacted"}], True),
        ([NO_DAY], True),
        ([{"gate": "no"}], True),
        ([{"age": 0}], True),
        ([{"until": CHECKED}], True),
        ([{"status": "proposed"}], False),
        ([{"regime": "social_media_minimum"}], False),
        ([{"regime": "contract"}], False),
        ([{"regime": "app_store"}, {"status": "proposed"}], False),
        ([{"regime": "contract"}, {}], True),
        ([{"kinds": "ai"}], False),
        ([{"kinds": "ai general"}], True),
        ([], False),
    ],
)
def test_a_country_is_researched_where_somebody_looked_up_consent_for_services_in_general(
    changes: list[dict[str, object]], researched: bool
) -> None:
    law = book(*(rule(id=f"de-{number}", **change) for number, change in enumerate(changes)))
    assert law.is_researched("DE") is researched
    assert law.limit("DE", on=date(2019, 1, 1), service=SERVICE).researched is researched


# --- laws that only say "a minor" -----------------------------------------------------------------------

MAJORITY = rule(id="de-majority", age=18, basis="majority")
LESS = rule(id="de-less", age=14)
MORE = rule(id="de-more", age=19)


@pytest.mark.parametrize(
    ("rules", "majority_rules", "door", "existing"),
    [
        ([MAJORITY], "enforce", "de-majority", "floor"),
        ([MAJORITY], "report", "floor", "floor"),
        ([MAJORITY, LESS], "enforce", "de-majority", "de-less"),
        ([MAJORITY, LESS], "report", "de-less", "de-less"),
        ([MAJORITY, MORE], "enforce", "de-more", "de-more"),
        ([MAJORITY, MORE], "report", "de-more", "de-more"),
    ],
)
def test_a_law_that_only_says_a_minor_refuses_where_chosen_and_never_does_more(
    rules: list[Rule], majority_rules: str, door: str, existing: str
) -> None:
    law, service = book(*rules), Service(majority_rules=majority_rules)  # type: ignore[arg-type]
    assert law.limit("DE", on=SEEN, service=service).name == door
    assert law.limit("DE", on=SEEN, service=service, created_on=NEWER).name == existing


# --- subdivisions, and the union ------------------------------------------------------------------------


def test_a_subdivision_has_its_own_rules_first_and_then_its_countrys() -> None:
    own_then_inherited = [rule.jurisdiction for rule in BOOK.rules("CA-QC")]
    assert own_then_inherited == ["CA-QC", "CA"]
    assert [rule.jurisdiction for rule in BOOK.own("CA-QC")] == ["CA-QC"]
    assert BOOK.subdivisions("CA") == ("CA-BC", "CA-QC")
    assert BOOK.subdivisions("DE") == BOOK.own("DE-BY") == ()
    assert BOOK.rules("CA-ON") == BOOK.rules("CA")


STATES = book(rule("US", age=14), rule("US-FL", age=15), rule("US-MS", age=18), rule("US-NY", age=10))


@pytest.mark.parametrize(
    ("asked", "created_on", "age", "set_in"),
    [
        ("US-FL", None, 15, "US-FL"),
        ("US-NY", None, 14, "US-NY"),
        ("US-CA", None, 14, "US-CA"),
        # of an unknown state the strictest, which is named; an account is not acted on by a guess
        ("US", None, 18, "US-MS"),
        ("US", NEWER, 14, "US"),
        ("US-MS", NEWER, 18, "US-MS"),
    ],
)
def test_a_country_of_unknown_region_is_read_as_its_strictest_at_the_door(
    asked: str, created_on: date | None, age: int, set_in: str
) -> None:
    limit = STATES.limit(asked, on=SEEN, service=SERVICE, created_on=created_on)
    assert (limit.age, limit.jurisdiction) == (age, set_in)


UNION = book(
    rule("EU", age=16, start=date(2018, 5, 25)),
    rule("FR", age=15, start=date(2019, 1, 1)),
    rule("IE", age=18, start=date(2019, 1, 1), status="proposed"),
    rule("AT", age=14, start=date(2019, 1, 1), regime="social_media_minimum", kinds="social_media"),
    rule("BE", age=13, start=date(2019, 1, 1), gate="policy"),
    rule("EU", id="eu-media", age=17, regime="social_media_minimum", kinds="social_media"),
    members="AT BE DE FR IE",
)


@pytest.mark.parametrize(
    ("place", "on", "name"),
    [
        ("FR", date(2018, 5, 24), "floor"),
        ("FR", date(2018, 5, 25), "eu-x"),
        ("FR", date(2018, 12, 31), "eu-x"),
        ("FR", date(2019, 1, 1), "fr-x"),
        ("IE", SEEN, "eu-x"),  # what is proposed replaces nothing
        ("AT", SEEN, "eu-x"),  # nor does a law of another kind
        ("BE", SEEN, "eu-x"),  # or guidance
        ("DE", SEEN, "eu-x"),  # a member without a file of its own
        ("DE-BY", SEEN, "eu-x"),
        ("NO", SEEN, "floor"),
    ],
)
def test_a_members_own_consent_age_replaces_the_default_of_the_union(place: str, on: date, name: str) -> None:
    assert UNION.limit(place, on=on, service=SERVICE).name == name
    assert UNION.limit(place, on=on, service=SERVICE, created_on=on).name == name


def test_only_the_unions_consent_age_is_a_default() -> None:
    media = Service(kinds=frozenset({"social_media"}))
    assert UNION.limit("FR", on=SEEN, service=media).name == "eu-media"


def test_a_national_age_beats_the_default_of_the_union_also_downwards() -> None:
    service = Service(floor=10)
    assert BOOK.limit("FI", on=date(2018, 12, 31), service=service).age == 16
    assert BOOK.limit("FI", on=date(2019, 1, 1), service=service).age == 13


@pytest.mark.parametrize(
    "change",
    [
        {"kinds": frozenset({"social_media"})},
        {"basis": "majority"},
        {"new_from": date(2027, 1, 1)},
        {"status": "enacted"},
        {"gate": "policy"},
        {"until": SEEN - timedelta(days=1)},
    ],
    ids=str,
)
def test_a_national_age_that_does_not_hold_itself_leaves_the_default_of_the_union(
    change: dict[str, object],
) -> None:
    union = book(rule("EU", age=16), rule("DE", age=13, **change), members="DE")
    limit = union.limit("DE", on=SEEN, service=Service(majority_rules="report"))
    assert (limit.age, limit.rule and limit.rule.jurisdiction) == (16, "EU")


def test_a_rule_for_services_in_general_is_for_every_kind() -> None:
    for kind in STATUTORY_KINDS:
        assert BOOK.limit("DE", on=SEEN, service=Service(kinds=frozenset({kind}))).age == 16


@pytest.mark.parametrize("code", ["de", "", "DE-", "DEU", "DE-ABCD", "D", "DE QC", "DE\n"])
def test_what_is_no_jurisdiction_is_an_error(code: str) -> None:
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.limit(code, on=SEEN, service=SERVICE)
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.limit(code, on=SEEN, service=SERVICE, created_on=SEEN)
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.applying(code, on=SEEN, service=SERVICE)
    with pytest.raises(LawError, match="ISO 3166"):
        BOOK.rules(code)


def test_a_common_slip_is_told_the_right_code() -> None:
    with pytest.raises(LawError, match="write GB"):
        BOOK.limit("UK", on=SEEN, service=SERVICE)


# --- territories ----------------------------------------------------------------------------------------

READ = Follows("FR", "high", ("https://example.org/territory",), unverified=False)
FROM_MEMORY = Follows("FR", "high", (), unverified=True)


@pytest.mark.parametrize("of_rule", CONFIDENCES)
@pytest.mark.parametrize("of_reference", CONFIDENCES)
def test_what_a_territory_inherits_is_never_surer_than_the_reference(of_rule: str, of_reference: str) -> None:
    reference = replace(READ, confidence=of_reference)
    (found,) = book(rule("FR", confidence=of_rule), GP=reference).rules("GP")
    assert found.confidence == min(of_rule, of_reference, key=CONFIDENCES.index)
    assert found.sources == reference.sources


@pytest.mark.parametrize(
    ("of_rule", "reference", "door", "existing"),
    [
        ({}, READ, 15, 15),
        ({}, replace(READ, confidence="medium"), 15, 15),
        ({}, replace(READ, confidence="low"), 15, 13),
        ({}, FROM_MEMORY, 15, 13),
        ({}, replace(READ, unverified=True), 15, 13),
        ({"confidence": "low"}, READ, 15, 13),
        ({"unverified": True}, READ, 15, 13),
        ({"basis": "majority"}, READ, 15, 13),
        ({"gate": "no"}, READ, 13, 13),
        ({"start": SEEN + timedelta(days=1)}, READ, 13, 13),
    ],
)
def test_what_a_territory_is_held_to_by_its_mother_country(
    of_rule: dict[str, object], reference: Follows, door: int, existing: int
) -> None:
    law = book(rule("FR", age=15, **of_rule), GP=reference)
    limits = [law.limit("GP", on=SEEN, service=SERVICE, created_on=made) for made in (None, NEWER)]
    assert [limit.age for limit in limits] == [door, existing]
    assert [limit.jurisdiction for limit in limits] == ["GP", "GP"]


def test_a_territory_has_the_rules_for_the_gate_and_none_of_its_own() -> None:
    kept = [rule("FR", id=f"fr-{gate}", gate=gate) for gate in ("yes", "policy", "no")]
    law = book(*kept, GP=READ)
    assert [found.id for found in law.rules("GP")] == ["fr-yes", "fr-policy"]
    assert law.own("GP") == ()
    assert law.is_researched("GP")


def test_a_territory_follows_the_choice_of_guidance_for_its_mother_country() -> None:
    law = book(rule("FR", gate="policy"), GP=READ)
    chosen = Service(policy=frozenset({"FR"}))
    assert [law.limit("GP", on=SEEN, service=kept).age for kept in (SERVICE, chosen)] == [13, 16]


def test_a_territory_is_not_held_to_a_part_of_its_mother_country() -> None:
    law = book(rule("US", age=14), rule("US-MS", age=18), PR=replace(READ, country="US"))
    assert law.limit("US", on=SEEN, service=SERVICE).age == 18
    assert law.limit("PR", on=SEEN, service=SERVICE).age == 14


@pytest.mark.parametrize(
    ("on", "door", "existing"),
    [
        (date(2018, 5, 24), "floor", "floor"),
        (date(2018, 5, 25), "eu-x", "eu-x"),
        (date(2018, 12, 31), "eu-x", "eu-x"),
        (date(2019, 1, 1), "fr-x", "fr-x"),
    ],
)
def test_a_territory_has_the_default_of_the_union_through_its_mother_country(
    on: date, door: str, existing: str
) -> None:
    rules = [rule("EU", start=date(2018, 5, 25)), rule("FR", age=15, start=date(2019, 1, 1))]
    law = book(*rules, members="FR", GP=READ, RE=FROM_MEMORY)
    assert law.limit("GP", on=on, service=SERVICE).name == door
    assert law.limit("GP", on=on, service=SERVICE, created_on=on).name == existing
    assert law.limit("RE", on=on, service=SERVICE).name == door
    assert law.limit("RE", on=on, service=SERVICE, created_on=on).name == "floor"


# --- when an age is attained ----------------------------------------------------------------------------

BY_YEAR = rule(id="de-by-year", attain="jan1_of_year")
STRICTNESS = st.tuples(st.integers(1, OLDEST_AGE), st.booleans())
BORN_ON = st.integers(date(1990, 1, 1).toordinal(), date(2030, 12, 31).toordinal()).map(date.fromordinal)
BORN = st.one_of(
    BORN_ON.map(BirthDate.on),
    BORN_ON.map(lambda day: BirthDate.in_month(day.year, day.month)),
    BORN_ON.map(lambda day: BirthDate.in_year(day.year)),
    st.tuples(BORN_ON, st.integers(0, 900)).map(
        lambda found: BirthDate(found[0], found[0] + timedelta(days=found[1]))
    ),
)


@pytest.mark.parametrize(
    ("rules", "floor", "name"),
    [
        # of one age, the later way of counting is the stricter, the service's floor among them
        ([BY_YEAR, RULE], 13, "de-x"),
        ([RULE, BY_YEAR], 13, "de-x"),
        ([BY_YEAR], 15, "de-by-year"),
        ([BY_YEAR], 16, "floor"),
        ([RULE], 16, "de-x"),
        ([BY_YEAR, rule(age=15)], 13, "de-by-year"),
        ([replace(BY_YEAR, age=15), RULE], 13, "de-x"),
    ],
)
def test_an_age_attained_later_is_the_stricter_limit(rules: list[Rule], floor: int, name: str) -> None:
    assert book(*rules).limit("DE", on=SEEN, service=Service(floor=floor)).name == name


@pytest.mark.parametrize(
    ("place", "name"), [("GB", "gb-x"), ("FR", "fr-x"), ("GB FR", "gb-x"), ("FR GB", "gb-x"), ("DE GB", "gb-x")]
)
def test_of_two_places_of_one_age_the_one_that_is_attained_later_holds(place: str, name: str) -> None:
    law = book(rule("GB"), rule("FR", attain="jan1_of_year"), rule("DE", age=15))
    assert law.strictest(at(*place.split()), on=SEEN, service=SERVICE).name == name


@pytest.mark.parametrize(
    ("born", "by_birthday", "by_year"),
    [
        (BirthDate.parse("2010-01-01"), "2026-01-01", "2026-01-01"),
        (BirthDate.parse("2010-06-15"), "2026-06-15", "2026-01-01"),
        (BirthDate.parse("2010-12-31"), "2026-12-31", "2026-01-01"),
        (BirthDate.parse("2011-01-01"), "2027-01-01", "2027-01-01"),
        (BirthDate.parse("2008-02-29"), "2024-02-29", "2024-01-01"),
        (BirthDate.parse("2012-02-29"), "2028-02-29", "2028-01-01"),
        # of a partial birth date the latest day counts
        (BirthDate.parse("2010-06"), "2026-06-30", "2026-01-01"),
        (BirthDate.parse("2010"), "2026-12-31", "2026-01-01"),
        (BirthDate(date(2010, 12, 1), date(2011, 1, 15)), "2027-01-15", "2027-01-01"),
    ],
)
def test_the_day_on_which_sixteen_is_attained(born: BirthDate, by_birthday: str, by_year: str) -> None:
    for law, first in ((RULE, by_birthday), (BY_YEAR, by_year)):
        limit, day = book(law).limit("DE", on=SEEN, service=SERVICE), date.fromisoformat(first)
        assert limit.is_attained(born, day)
        assert not limit.is_attained(born, day - timedelta(days=1))


@pytest.mark.parametrize(("attain", "first"), [("birthday", "2026-03-01"), ("jan1_of_year", "2026-01-01")])
def test_who_is_born_on_29_february_attains_an_age_in_a_common_year(attain: str, first: str) -> None:
    limit = book(rule(age=18, attain=attain)).limit("DE", on=SEEN, service=SERVICE)
    born, day = BirthDate.parse("2008-02-29"), date.fromisoformat(first)
    assert limit.is_attained(born, day)
    assert not limit.is_attained(born, day - timedelta(days=1))


@given(BORN, STRICTNESS, STRICTNESS)
def test_what_is_stricter_is_never_attained_earlier(
    born: BirthDate, one: tuple[int, bool], other: tuple[int, bool]
) -> None:
    looser, stricter = (
        rule(age=age, attain="birthday" if by_birthday else "jan1_of_year")
        for age, by_birthday in sorted((one, other))
    )
    assert looser.strictness <= stricter.strictness
    assert born.attains(looser.age, looser.attain) <= born.attains(stricter.age, stricter.attain)


# --- the service's own ages -----------------------------------------------------------------------------

GERMANY = book(RULE, rule("CA", age=0), rule("CA-QC", age=14))
BEFORE = CHECKED - timedelta(days=1)


@pytest.mark.parametrize(
    ("stricter", "asked", "on", "created_on", "name"),
    [
        # from its first day, in its place and in every part of it
        (own("DE", 17), "DE", BEFORE, None, "de-x"),
        (own("DE", 17), "DE", CHECKED, None, "own:DE"),
        (own("DE", 17), "DE-BY", SEEN, None, "own:DE"),
        (own("DE-BY", 17), "DE-BY", SEEN, None, "own:DE-BY"),
        (own("DE-BY", 17), "DE-BE", SEEN, None, "de-x"),
        (own("DE", 17), "FR", SEEN, None, "floor"),
        # a country of unknown region is read as its strictest part, at the door only
        (own("DE-BY", 17), "DE", SEEN, None, "own:DE-BY"),
        (own("CA-QC", 15), "CA", SEEN, None, "own:CA-QC"),
        (own("CA-ON", 15), "CA", SEEN, None, "own:CA-ON"),
        (own("CA-ON", 15), "CA", BEFORE, None, "ca-qc-x"),
        (own("DE-BY", 17), "DE", SEEN, NEWER, "de-x"),
        (own("CA-ON", 15), "CA", SEEN, NEWER, "floor"),
        # accounts that are there already are held to it, too, whenever they were made
        (own("DE", 17), "DE", SEEN, NEWER, "own:DE"),
        (own("DE", 17), "DE", SEEN, OLDER, "own:DE"),
        (own("DE", 17), "DE-BY", SEEN, OLDER, "own:DE"),
        (own("DE-BY", 17), "DE-BY", SEEN, OLDER, "own:DE-BY"),
        (own("DE", 17), "DE", BEFORE, OLDER, "de-x"),
        # where nobody has looked up the law
        (own("FR", 14), "FR", SEEN, None, "own:FR"),
        # the law stays the reason where it is as strict or has become stricter
        (own("DE", 16), "DE", SEEN, None, "de-x"),
        (own("DE", 15), "DE", SEEN, None, "de-x"),
        (own("DE", 15), "DE", SEEN, NEWER, "de-x"),
    ],
)
def test_an_own_stricter_age_holds_in_its_place(
    stricter: OwnRule, asked: str, on: date, created_on: date | None, name: str
) -> None:
    kept = Service(stricter=(stricter,))
    limit = GERMANY.limit(asked, on=on, service=kept, created_on=created_on)
    assert limit.name == name
    if limit.own:
        assert (limit.own, limit.age, limit.jurisdiction) == (stricter, stricter.age, stricter.jurisdiction)
    assert limit.researched is (asked[:2] != "FR")


def test_the_highest_of_several_own_ages_holds() -> None:
    kept = Service(stricter=(own("DE", 17), own("DE-BY", 18), own("DE-BE", 19, SEEN + timedelta(days=1))))
    assert GERMANY.limit("DE-BY", on=SEEN, service=kept).name == "own:DE-BY"
    assert GERMANY.limit("DE-BE", on=SEEN, service=kept).name == "own:DE"
    assert GERMANY.limit("DE", on=SEEN, service=kept).name == "own:DE-BY"
    assert GERMANY.limit("DE", on=SEEN, service=kept, created_on=SEEN).name == "own:DE"


def test_an_own_age_is_stricter_than_the_same_age_by_calendar_years() -> None:
    limit = book(BY_YEAR).limit("DE", on=SEEN, service=Service(stricter=(own("DE", 16),)))
    assert limit.name == "own:DE"
    assert not limit.is_attained(BirthDate.parse("2010-06-15"), date(2026, 6, 14))


# --- what a service may choose --------------------------------------------------------------------------

LATER = date(2027, 1, 1)
LAW = book(
    rule(age=14, until=LATER - timedelta(days=1)),
    rule(id="de-later", age=16, start=LATER, status="enacted"),
    rule("FR", age=15, kinds="social_media", regime="social_media_minimum"),
    rule("BR", age=18, basis="majority"),
    rule("AU", age=15, gate="policy"),
    rule("CA", age=0),
    rule("CA-QC", age=15),
)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stricter": (own("DE", 14), own("CA", 14))},  # the law of Quebec is not that of Canada
        {"stricter": (own("DE", 15, OLDER),)},  # when it began, and today, the law says 14
        {"stricter": (own("DE", 16, LATER),)},
        {"stricter": (own("DE-BY", 15), own("GB", 14))},
        {"stricter": (own("FR", 14),)},  # a law for social media is not for this service
        {"stricter": (own("BR", 14),), "majority_rules": "report"},
        {"stricter": (own("AU", 14),)},
        {"policy": frozenset({"AU"})},
        {"established_in": "DE"},
        {"established_in": "GB"},  # nobody looked up its law: that is no mistake in the settings
    ],
)
def test_what_a_service_may_choose(settings: dict[str, object]) -> None:
    LAW.check(Service(**settings))  # type: ignore[arg-type]


def _looser(place: str, own_age: int, age: int) -> str:
    return f"service.stricter {place}: {own_age} is looser than the {age} of Act on Services"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        # looser than the law of the place, or of its country
        ({"floor": 12, "stricter": (("DE", 13),)}, _looser("DE", 13, 14)),
        ({"floor": 12, "stricter": (("DE-BY", 13),)}, _looser("DE-BY", 13, 14)),
        ({"stricter": (("CA-QC", 14),)}, _looser("CA-QC", 14, 15)),
        # by the law of its first day, or of the day on which the law was last looked at
        ({"floor": 12, "stricter": (("DE", 13, date(2015, 1, 1)),)}, _looser("DE", 13, 14)),
        ({"stricter": (("DE", 15, LATER),)}, _looser("DE", 15, 16)),
        ({"stricter": (("FR", 14),), "kinds": frozenset({"social_media"})}, _looser("FR", 14, 15)),
        ({"stricter": (("BR", 17),)}, _looser("BR", 17, 18)),
        ({"stricter": (("AU", 14),), "policy": frozenset({"AU"})}, _looser("AU", 14, 15)),
        # not above the floor, twice, nowhere
        ({"stricter": (("DE", 13),)}, "service.stricter DE: 13 is not above the floor of 13"),
        ({"floor": 16, "stricter": (("DE", 15),)}, "service.stricter DE: 15 is not above the floor of 16"),
        ({"stricter": (("DE", 17), ("DE", 18))}, "service.stricter DE: set twice"),
        ({"stricter": (("XX", 17),)}, "service.stricter XX: no jurisdiction"),
        ({"stricter": (("UK", 17),)}, "service.stricter UK: no jurisdiction"),
        ({"stricter": (("EU", 17),)}, "service.stricter EU: no jurisdiction"),
        ({"stricter": (("de", 17),)}, "service.stricter de: no jurisdiction"),
        ({"stricter": (("Germany", 17),)}, "service.stricter Germany: no jurisdiction"),
        ({"stricter": (("DE-ABCD", 17),)}, "service.stricter DE-ABCD: no jurisdiction"),
        ({"stricter": (("DE-ZZ", 17),)}, "service.stricter DE-ZZ: no jurisdiction"),
        # guidance that nobody gave
        ({"policy": frozenset({"DE"})}, "service.policy: there is no guidance to follow for DE"),
        ({"policy": frozenset({"AU", "GB"})}, "service.policy: there is no guidance to follow for GB"),
        ({"policy": frozenset({"AU-NSW"})}, "service.policy: there is no guidance to follow for AU-NSW"),
        ({"policy": frozenset({"Australia"})}, "service.policy: there is no guidance to follow for Australia"),
        # an establishment in no country
        ({"established_in": "UK"}, "service.established_in is no country"),
        ({"established_in": "EU"}, "service.established_in is no country"),
        ({"established_in": "de"}, "service.established_in is no country"),
        ({"established_in": "DE-BY"}, "service.established_in is no country"),
    ],
)
def test_what_a_service_may_not_choose(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        LAW.check(_service(settings))
    message = str(refused.value)
    assert message.startswith(said)
    assert ";" in message  # what to do
    assert "\n" not in message


def _service(settings: dict[str, object]) -> Service:
    """The service of these settings, its own ages written as place and age."""
    stricter = tuple(own(*values) for values in settings.get("stricter", ()))  # type: ignore[attr-defined]
    return Service(**(settings | {"stricter": stricter}))  # type: ignore[arg-type]


def test_a_later_law_does_not_stop_a_running_service_and_holds_nevertheless() -> None:
    running = Service(stricter=(own("DE", 15),))
    LAW.check(running)
    limits = [LAW.limit("DE", on=day, service=running) for day in (LATER - timedelta(days=1), LATER)]
    assert [limit.name for limit in limits] == ["own:DE", "de-later"]


# --- where the service is established -------------------------------------------------------------------

ESTABLISHED = book(
    rule("EU", age=16),
    rule("DK", age=15),
    rule("DK", id="dk-social", age=17, regime="social_media_minimum", kinds="social_media"),
    rule("BR", age=18, basis="majority"),
    rule("MX", age=12),
    rule("US", age=13),
    rule("ID", age=18),
    members="DK IE",
)


@pytest.mark.parametrize(
    ("home", "settings", "asked", "name", "set_in"),
    [
        # its consent age is the least, wherever a person lives
        ("DK", {}, "US", "dk-x", "DK"),
        ("DK", {}, "US-FL", "dk-x", "DK"),
        ("DK", {}, "AQ", "dk-x", "DK"),
        ("IE", {}, "US", "eu-x", "IE"),
        ("IE", {}, "DK", "eu-x", "IE"),
        # and nothing is lowered by it
        ("DK", {}, "IE", "eu-x", "IE"),
        ("DK", {}, "DK", "dk-x", "DK"),
        ("DK", {}, "ID", "id-x", "ID"),
        ("MX", {}, "US", "us-x", "US"),
        ("MX", {}, "AQ", "floor", "AQ"),
        ("DK", {"floor": 16}, "US", "floor", "US"),
        ("AQ", {}, "IE", "eu-x", "IE"),
        # of its law only the consent age
        ("DK", {"kinds": frozenset({"social_media"})}, "US", "dk-x", "DK"),
        ("DK", {"kinds": frozenset({"social_media"})}, "DK", "dk-social", "DK"),
        ("BR", {}, "US", "br-x", "BR"),
        ("BR", {"majority_rules": "report"}, "US", "us-x", "US"),
        # an own age may still be higher
        ("DK", {"stricter": (own("US", 14),)}, "US", "dk-x", "DK"),
        ("DK", {"stricter": (own("US", 17),)}, "US", "own:US", "US"),
    ],
)
def test_the_consent_age_of_the_establishment_holds_at_every_door(
    home: str, settings: dict[str, object], asked: str, name: str, set_in: str
) -> None:
    kept = Service(established_in=home, **settings)  # type: ignore[arg-type]
    limit = ESTABLISHED.limit(asked, on=SEEN, service=kept)
    assert (limit.name, limit.jurisdiction) == (name, set_in)
    elsewhere = replace(kept, established_in=None)
    assert limit.strictness >= ESTABLISHED.limit(asked, on=SEEN, service=elsewhere).strictness
    for made in (OLDER, NEWER):  # nobody is acted on because of it
        existing = ESTABLISHED.limit(asked, on=SEEN, service=kept, created_on=made)
        assert existing == ESTABLISHED.limit(asked, on=SEEN, service=elsewhere, created_on=made)


# --- where a person may live ----------------------------------------------------------------------------


def test_of_two_places_the_stricter_holds_and_the_looser_is_known() -> None:
    both = at("GB billing", "DE declared")
    assert BOOK.strictest(both, on=SEEN, service=SERVICE).jurisdiction == "DE"
    assert BOOK.loosest(both, on=SEEN, service=SERVICE).jurisdiction == "GB"


@pytest.mark.parametrize("created_on", [None, SEEN])
def test_of_equal_places_the_first_is_named(created_on: date | None) -> None:
    law = book(rule("FR"), rule("GB"))
    for ask in (law.strictest, law.loosest):
        assert ask(at("GB", "FR"), on=SEEN, service=SERVICE, created_on=created_on).name == "gb-x"
        assert ask(at("FR", "GB"), on=SEEN, service=SERVICE, created_on=created_on).name == "fr-x"


def test_an_ip_address_raises_and_never_lowers() -> None:
    assert BOOK.strictest(at("GB declared", "DE ip"), on=SEEN, service=SERVICE).age == 16
    assert BOOK.strictest(at("DE declared", "GB ip"), on=SEEN, service=SERVICE).age == 16
    assert BOOK.loosest(at("DE declared", "GB ip"), on=SEEN, service=SERVICE).age == 16


def test_without_a_place_there_is_no_limit() -> None:
    for ask in (BOOK.strictest, BOOK.loosest):
        with pytest.raises(LawError, match="ask for the country"):
            ask(Residence(()), on=SEEN, service=SERVICE)
    with pytest.raises(LawError, match="ask for the country"):
        BOOK.loosest(at("DE ip"), on=SEEN, service=SERVICE)


@pytest.mark.parametrize(
    ("service", "created_on", "name"),
    [
        (Service(), None, "co-ley1581-art7"),
        (Service(majority_rules="report"), None, "gb-x"),
        (Service(), NEWER, "us-ms-x"),
        (Service(stricter=(own("FR", 19),)), None, "own:FR"),
        (Service(stricter=(own("FR", 19),)), NEWER, "own:FR"),
        (Service(floor=20), None, "floor"),
    ],
)
def test_the_highest_limit_of_the_world(service: Service, created_on: date | None, name: str) -> None:
    law = book(
        rule("CO", id="co-ley1581-art7", age=18, basis="majority"),
        rule("GB", age=17, unverified=True),
        rule("US", age=13),
        rule("US-MS", age=15),
    )
    assert law.highest(on=SEEN, service=service, created_on=created_on).name == name


def test_the_highest_limit_of_the_world_counts_members_without_a_file() -> None:
    law = book(rule("EU", age=16), rule("FR", age=15), members="FR DE")
    assert law.limit("DE", on=SEEN, service=SERVICE).age == 16
    assert law.highest(on=SEEN, service=SERVICE).age == 16


# --- for anybody, anywhere, on any day ------------------------------------------------------------------

EVERYWHERE = [
    *(code for code in BOOK.countries if code != "EU"),
    *(place for code in BOOK.countries for place in BOOK.subdivisions(code)),
    *("AQ", "CA-ON", "DE-BY"),
]
PLACES = st.sampled_from(EVERYWHERE)
PLACED = st.sampled_from(
    [Place(place, basis) for basis in ("billing", "declared", "phone") for place in EVERYWHERE]
)
ONE_MORE = st.sampled_from([Place(place, basis) for basis in ("phone", "ip") for place in EVERYWHERE])
DAYS = st.integers(date(1999, 1, 1).toordinal(), date(2040, 1, 1).toordinal()).map(date.fromordinal)
GUIDED = ("AU", "CA", "SG", "TH")


def _any_of(values: Sequence[str], *, least: int) -> list[frozenset[str]]:
    sizes = range(least, len(values) + 1)
    return [frozenset(chosen) for size in sizes for chosen in combinations(values, size)]


def _kept(
    floor: int,
    kinds: frozenset[str],
    policy: frozenset[str],
    choices: tuple[str, str | None],
    stricter: list[tuple[str, int, date]],
) -> Service:
    majority_rules, established_in = choices
    ages = [(place, min(floor + above, OLDEST_AGE), start) for place, above, start in stricter]
    return Service(
        floor=floor,
        kinds=kinds,
        policy=policy,
        majority_rules=majority_rules,  # type: ignore[arg-type]
        established_in=established_in,
        stricter=tuple(own(*values) for values in ages if values[1] > floor),
    )


SERVICES = st.builds(
    _kept,
    st.integers(1, OLDEST_AGE),
    st.sampled_from(_any_of(STATUTORY_KINDS, least=1)),
    st.sampled_from(_any_of(GUIDED, least=0)),
    st.sampled_from(list(product(["enforce", "report"], [None, "AQ", "BR", "DK", "IE", "US"]))),
    st.lists(st.tuples(PLACES, st.integers(1, 8), DAYS), max_size=2, unique_by=lambda values: values[0]),
)


@given(PLACES, DAYS, SERVICES, st.none() | DAYS)
def test_a_limit_is_never_below_the_floor(
    place: str, on: date, service: Service, created_on: date | None
) -> None:
    limit = BOOK.limit(place, on=on, service=service, created_on=created_on)
    said = limit.rule.age if limit.rule else limit.own.age if limit.own else service.floor
    assert limit.age == said >= service.floor


@given(PLACES, DAYS, SERVICES, DAYS)
def test_what_is_acted_on_is_never_stricter_than_the_door(
    place: str, on: date, service: Service, created_on: date
) -> None:
    acting = BOOK.limit(place, on=on, service=service, created_on=created_on)
    assert acting.strictness <= BOOK.limit(place, on=on, service=service).strictness
    assert acting.rule is None or (acting.rule.sourced and acting.rule.confidence != "low")


@given(PLACES, DAYS, SERVICES)
def test_an_unknown_region_is_read_as_the_strictest(place: str, on: date, service: Service) -> None:
    country = place[:2]
    own_places = {one.jurisdiction for one in service.stricter if one.jurisdiction.startswith(f"{country}-")}
    parts = [*BOOK.subdivisions(country), *own_places, f"{country}-ZZZ"]
    whole = BOOK.limit(country, on=on, service=service).strictness
    assert whole >= BOOK.limit(place, on=on, service=service).strictness
    assert whole == max(BOOK.limit(part, on=on, service=service).strictness for part in parts)


@given(DAYS, SERVICES, st.none() | DAYS)
@settings(max_examples=30)
def test_the_highest_limit_is_that_of_the_strictest_place(
    on: date, service: Service, created_on: date | None
) -> None:
    places = {*EVERYWHERE, *COUNTRIES, *(one.jurisdiction for one in service.stricter)}
    limits = [BOOK.limit(place, on=on, service=service, created_on=created_on) for place in places]
    highest = BOOK.highest(on=on, service=service, created_on=created_on)
    assert highest.strictness == max(limit.strictness for limit in limits)


@given(PLACES, DAYS, SERVICES, st.none() | DAYS)
def test_an_own_age_never_lowers_a_limit(
    place: str, on: date, service: Service, created_on: date | None
) -> None:
    law = BOOK.limit(place, on=on, service=replace(service, stricter=()), created_on=created_on)
    assert BOOK.limit(place, on=on, service=service, created_on=created_on).strictness >= law.strictness


@given(PLACES, DAYS, SERVICES, st.sampled_from(sorted(COUNTRIES)))
def test_an_establishment_never_lowers_a_limit(place: str, on: date, service: Service, home: str) -> None:
    nowhere, there = (replace(service, established_in=country) for country in (None, home))
    raised = BOOK.limit(place, on=on, service=there)
    assert raised.strictness >= BOOK.limit(place, on=on, service=nowhere).strictness
    assert raised.strictness <= max(
        BOOK.limit(place, on=on, service=nowhere).strictness,
        BOOK.limit(home, on=on, service=nowhere).strictness,
    )


@given(
    born=BORN,
    places=st.lists(PLACED, min_size=1, max_size=3),
    more=ONE_MORE,
    weight=st.integers(0, 3),
    law_of=DAYS,
    service=SERVICES,
    created_on=st.none() | DAYS,
    beside=st.integers(-800, 800),
    later=st.integers(0, 4000),
)
@settings(max_examples=10_000, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nobody_below_the_floor_none_admitted_for_one_more_place_and_none_refused_for_waiting(
    born: BirthDate,
    places: list[Place],
    more: Place,
    weight: int,
    law_of: date,
    service: Service,
    created_on: date | None,
    beside: int,
    later: int,
) -> None:
    """What holds for anybody: at the door (`created_on` is `None`) and for accounts.

    - Floor: no limit of one place or of several lies below the service's floor.
    - Places: one more plausible place, however weighty, never lowers the strictest limit, which is that of
      each place or higher, and never raises the loosest; an IP address does not even lower that. So whoever
      is old enough with it is old enough without it.
    - Days: with the law held fixed, that is, by the limit of one day (`law_of`), whoever is old enough on
      some day is old enough on every later day. There is a first such day: on none before it and on all
      from it on. (The law itself may become stricter: whoever is old enough today may not be by the law of
      tomorrow. That is no part of this.)
    """

    def limits(residence: Residence) -> tuple[Limit, Limit]:
        asked = {"on": law_of, "service": service, "created_on": created_on}
        return BOOK.strictest(residence, **asked), BOOK.loosest(residence, **asked)

    strictest, loosest = limits(Residence(tuple(places)))
    wider, looser = limits(Residence((*places[:weight], more, *places[weight:])))
    assert service.floor <= looser.age <= loosest.age <= strictest.age <= wider.age
    assert looser.strictness <= loosest.strictness <= strictest.strictness <= wider.strictness
    if more.basis == "ip":
        assert looser == loosest
    for place in (*places, more):
        here, _ = limits(Residence((replace(place, basis="declared"),)))
        assert here.strictness <= wider.strictness

    first = born.attains(strictest.age, strictest.rule.attain if strictest.rule else "birthday")
    day = first + timedelta(days=beside)
    assert strictest.is_attained(born, day) is (day >= first)
    if strictest.is_attained(born, day):
        assert strictest.is_attained(born, day + timedelta(days=later))
        assert loosest.is_attained(born, day)
    if wider.is_attained(born, day):
        assert strictest.is_attained(born, day)


# --- cost -----------------------------------------------------------------------------------------------


def test_the_shipped_rules_are_read_once() -> None:
    assert Rulebook.load() is BOOK


def test_the_law_is_light_to_import() -> None:
    heavy = {"numpy", "polars", "typer", "pydantic", "alembic", "cryptography", "pycountry"}
    code = f"import sys, agegate.law; agegate.law.Rulebook.load(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
