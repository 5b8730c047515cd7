"""The whole law as a list: every place on a day, what changes between two days, and the bands of a place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate.law import COUNTRIES, Country, Rulebook
from agegate.law.listing import bands, changes, every_place
from agegate.model import STATUTORY_KINDS, OwnRule, Rule, Service

BOOK = Rulebook.load()
SEEN = date(2026, 7, 1)
SERVICE = Service()
MEDIA = Service(kinds=frozenset({"general", "social_media"}))
REPORTING = replace(MEDIA, majority_rules="report")

# --- every place ----------------------------------------------------------------------------------------


def test_all_countries_are_listed_in_order_each_with_its_subdivisions_that_have_rules() -> None:
    codes = [entry.code for entry in every_place(BOOK, on=SEEN, service=SERVICE)]
    own = {rule.jurisdiction for rule in BOOK if "-" in rule.jurisdiction}
    assert len(COUNTRIES) == 249
    assert codes == sorted(COUNTRIES | own)
    assert len(own) > 10


@pytest.mark.parametrize(
    ("code", "name", "limit", "researched", "own_rules"),
    [
        ("DE", "Germany", "de-gdpr-art8", True, False),  # and those of the union
        ("CA", "Canada", "ca-qc-law25", True, True),
        ("CA-QC", "Canada", "ca-qc-law25", True, True),
        ("CA-BC", "Canada", "floor", True, True),
        ("GP", "Guadeloupe", "fr-loi78-17-art45", True, False),
        ("AQ", "Antarctica", "floor", False, True),  # nobody looked: there are none
    ],
)
def test_an_entry_has_its_name_its_limit_and_its_rules(
    code: str, name: str, limit: str, researched: bool, own_rules: bool
) -> None:
    entries = {entry.code: entry for entry in every_place(BOOK, on=SEEN, service=SERVICE)}
    entry = entries[code]
    assert (entry.name, entry.limit.name, entry.researched) == (name, limit, researched)
    assert entry.limit == BOOK.limit(code, on=SEEN, service=SERVICE)
    assert (entry.rules == BOOK.own(code)) is own_rules
    assert entry.rules == (BOOK.own(code) if "-" in code else BOOK.rules(code))


def test_a_country_nobody_researched_is_listed_by_its_name_in_iso_3166() -> None:
    entries = list(every_place(Rulebook([]), on=SEEN, service=SERVICE))
    assert [entry.code for entry in entries] == sorted(COUNTRIES)
    assert not any(entry.researched or entry.rules for entry in entries)
    assert {entry.name for entry in entries} >= {"Germany", "Brazil", "Åland Islands"}


def test_a_researched_country_is_listed_by_the_name_in_its_file() -> None:
    book = Rulebook([Country("CI", "Ivory Coast", SEEN, ())])
    names = {entry.code: entry.name for entry in every_place(book, on=SEEN, service=SERVICE)}
    assert (names["CI"], names["DE"]) == ("Ivory Coast", "Germany")


def test_every_rule_of_a_country_is_in_the_list() -> None:
    listed = {rule.id for entry in every_place(BOOK, on=SEEN, service=SERVICE) for rule in entry.rules}
    assert {rule.id for rule in BOOK} == listed


# --- what changes between two days ----------------------------------------------------------------------


def _changed(start: str, end: str, service: Service = SERVICE, book: Rulebook = BOOK) -> list[str]:
    """The changes as `DK 13 dk-a > 15 dk-b`, with an exclamation mark where accounts may be acted on."""
    found = changes(book, start=date.fromisoformat(start), end=date.fromisoformat(end), service=service)
    return [
        f"{one.code} {one.before.age} {one.before.name} > {one.after.age} {one.after.name}{'!' * one.acting}"
        for one in found
    ]


@pytest.mark.parametrize(
    ("start", "end", "service", "found"),
    [
        ("2023-12-31", "2024-01-01", SERVICE, ["DK 13 dk-dbl-s6-2018 > 15 dk-dbl-s6-2024!"]),
        ("2024-01-01", "2023-12-31", SERVICE, ["DK 15 dk-dbl-s6-2024 > 13 dk-dbl-s6-2018"]),
        ("2023-12-30", "2023-12-31", SERVICE, []),
        ("2024-01-01", "2024-01-02", SERVICE, []),
        ("2024-01-01", "2024-01-01", SERVICE, []),
        # an unknown province is read as the strictest one, by which no account is acted on
        (
            "2023-09-21",
            "2023-09-22",
            SERVICE,
            ["CA 13 floor > 14 ca-qc-law25", "CA-QC 13 floor > 14 ca-qc-law25!"],
        ),
        # enacted law holds at the door only
        ("2026-11-30", "2026-12-01", SERVICE, ["CL 13 floor > 14 cl-ley21719-art16quater"]),
        # a law for social media
        ("2025-11-24", "2025-11-25", SERVICE, []),
        ("2025-11-24", "2025-11-25", MEDIA, ["US-FL 13 us-coppa > 16 us-fl-hb3-16!"]),
    ],
)
def test_what_changes_in_the_shipped_law(start: str, end: str, service: Service, found: list[str]) -> None:
    assert _changed(start, end, service) == found


RULE = Rule(
    id="de-a",
    jurisdiction="DE",
    regime="data_consent",
    age=16,
    gate="yes",
    basis="specific",
    law="Act A",
    citation="section 3",
    start=date(2020, 1, 1),
    until=date(2020, 12, 31),
    status="in_force",
    applies_to="online services",
    kinds=frozenset({"general"}),
    confidence="high",
    sources=("https://example.org",),
    checked=SEEN,
)
NEXT = {"id": "de-b", "start": date(2021, 1, 1), "until": None}
OWN = Service(stricter=(OwnRule("DE", 17, date(2021, 1, 1), "a promise to parents"),))


@pytest.mark.parametrize(
    ("following", "service", "found"),
    [
        ({}, SERVICE, ["DE 16 de-a > 16 de-b"]),  # of another law
        ({"id": "de-a"}, SERVICE, []),
        ({"attain": "jan1_of_year"}, SERVICE, ["DE 16 de-a > 16 de-b"]),
        ({"id": "de-a", "attain": "jan1_of_year"}, SERVICE, ["DE 16 de-a > 16 de-a"]),
        ({"age": 15}, SERVICE, ["DE 16 de-a > 15 de-b"]),
        ({"gate": "no"}, SERVICE, ["DE 16 de-a > 13 floor"]),
        ({"confidence": "low"}, SERVICE, ["DE 16 de-a > 16 de-b"]),
        ({}, OWN, ["DE 16 de-a > 17 own:DE!"]),
        ({"age": 18}, OWN, ["DE 16 de-a > 18 de-b!"]),
        ({}, Service(floor=18), []),
    ],
)
def test_a_change_is_of_the_age_or_of_what_sets_it(
    following: dict[str, object], service: Service, found: list[str]
) -> None:
    rules = (RULE, replace(RULE, **(NEXT | following)))
    book = Rulebook([Country("DE", "Germany", SEEN, rules)])
    assert _changed("2020-12-31", "2021-01-01", service, book) == found


DAYS = st.dates(date(2017, 1, 1), date(2029, 1, 1))
BESIDE = st.sampled_from(
    sorted(
        {
            day + timedelta(days=step)
            for rule in BOOK
            for day in (rule.start, rule.until)
            if day
            for step in (-1, 0, 1)
        }
    )
)
SERVICES = st.builds(
    Service,
    floor=st.sampled_from([1, 13, 16, 18]),
    kinds=st.frozensets(st.sampled_from(STATUTORY_KINDS), min_size=1),
    majority_rules=st.sampled_from(["enforce", "report"]),
    stricter=st.sampled_from([(), (OwnRule("DE", 19, SEEN, "why"), OwnRule("US-FL", 19, SEEN, "why"))]),
)


@given(st.one_of(DAYS, BESIDE), st.one_of(DAYS, BESIDE), SERVICES)
@settings(deadline=None)
def test_nothing_changes_exactly_where_all_limits_are_equal(start: date, end: date, service: Service) -> None:
    before, after = (
        {entry.code: entry.limit for entry in every_place(BOOK, on=on, service=service)} for on in (start, end)
    )
    found = changes(BOOK, start=start, end=end, service=service)

    def may_act(place: str, on: date) -> tuple[int, bool]:
        old = start - timedelta(days=1)
        return BOOK.limit(place, on=on, service=service, created_on=old).strictness

    rising = {place for place in before if may_act(place, end) > may_act(place, start)}
    assert {change.code for change in found if change.acting} == rising
    assert [change.code for change in found] == [
        place for place in before if before[place] != after[place] or place in rising
    ]
    assert all((change.before, change.after) == (before[change.code], after[change.code]) for change in found)


# --- bands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "on", "service", "found"),
    [
        ("US-FL", SEEN, MEDIA, [(13, "consent"), (14, "ban"), (16, "parental")]),
        ("US-FL", SEEN, SERVICE, [(13, "consent")]),
        ("US-FL", date(2025, 11, 24), MEDIA, [(13, "consent")]),
        ("US", SEEN, MEDIA, [(13, "consent")]),  # those of a place, not of its parts
        ("ID", SEEN, MEDIA, [(16, "ban"), (18, "consent")]),
        ("ID", SEEN, SERVICE, [(18, "consent")]),
        ("ID", SEEN, REPORTING, [(16, "ban")]),
        ("AU", SEEN, MEDIA, [(16, "ban")]),
        ("AU", SEEN, SERVICE, []),
        ("TR", SEEN, SERVICE, []),  # an age of 0 is no band
        ("AQ", SEEN, MEDIA, []),
    ],
)
def test_under_which_age_what_happens(
    place: str, on: date, service: Service, found: list[tuple[int, str]]
) -> None:
    assert bands(BOOK, place, on=on, service=service) == found


@given(st.sampled_from(sorted({rule.jurisdiction for rule in BOOK} - {"EU"})), DAYS, SERVICES)
def test_the_highest_band_of_a_subdivision_is_its_limit(place: str, on: date, service: Service) -> None:
    ages = [age for age, _ in bands(BOOK, f"{place[:2]}-ZZZ", on=on, service=service)]
    limit = BOOK.limit(f"{place[:2]}-ZZZ", on=on, service=replace(service, stricter=()))
    assert max([service.floor, *ages]) == limit.age
