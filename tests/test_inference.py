"""From evidence to probability: what one statement does, what several do, and what stays the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agegate.birthdate import BirthDate, anniversary, latest_birth
from agegate.inference import LIKELY, SHIPPED_PRIOR, assess, could_be_under
from agegate.model import Assessment, Band, Evidence
from tests.conftest import TODAY

JOINED = date(2024, 3, 15)
CUT = latest_birth(13, TODAY)
"""The latest day of birth with which one is 13 today."""

UNDER = BirthDate(CUT + timedelta(days=1), TODAY)
OVER = BirthDate(anniversary(TODAY, -110), CUT)


def said(
    born: BirthDate,
    reliability: float = 0.9,
    source: str = "profiles.bio",
    on: date = TODAY,
    *,
    exact: bool = True,
    words: str = "I'm 11 at Zyzzyva Primary",
) -> Evidence:
    return Evidence("stated_age", "own", born, reliability, source, on, exact=exact, words=words)


def aged(years: int, reliability: float = 0.9, source: str = "profiles.bio", on: date = TODAY) -> Evidence:
    """Somebody says on a day to be so many years old."""
    return said(BirthDate.aged(years, years, on), reliability, source, on)


def judge(*evidence: Evidence, limit: int = 13, today: date = TODAY, **more: Any) -> Assessment:
    return assess(evidence, today=today, limit=limit, **more)


def under(*evidence: Evidence, **more: Any) -> float:
    return judge(*evidence, **more).under


# --- one statement ----------------------------------------------------------------------------------


def test_prior_is_a_distribution() -> None:
    assert sum(share for _, share in SHIPPED_PRIOR) == pytest.approx(1, abs=1e-9)
    assert [age for age, _ in SHIPPED_PRIOR] == sorted({age for age, _ in SHIPPED_PRIOR})


def test_without_evidence_the_prior_holds() -> None:
    nothing = judge()
    assert nothing.under == pytest.approx(0.005, abs=0.0005)
    assert under(limit=18) == pytest.approx(0.08, abs=0.001)
    assert (nothing.band, nothing.weighed, nothing.explain()) == (Band.NONE, (), [])


@given(st.floats(0.01, 0.9998))
def test_alone_a_statement_is_believed_with_its_reliability(reliability: float) -> None:
    assert under(said(UNDER, reliability)) == pytest.approx(reliability, abs=1e-6)


@given(st.floats(0.996, 0.9998))
def test_alone_a_statement_against_is_believed_with_its_reliability(reliability: float) -> None:
    assert under(said(OVER, reliability)) == pytest.approx(1 - reliability, abs=1e-4)


@given(st.integers(5, 80), st.floats(0.3, 0.99))
def test_alone_a_stated_age_is_believed_with_its_reliability(years: int, reliability: float) -> None:
    piece = aged(years, reliability)
    within = under(piece, limit=years + 1) - under(piece, limit=years)
    assert within == pytest.approx(reliability, abs=2e-3)


@pytest.mark.parametrize("reliability", [0.98, 0.7])
@pytest.mark.parametrize("today", [TODAY, date(2025, 2, 28), date(2025, 3, 1), date(2028, 2, 29)])
def test_threshold_is_exact_to_the_day(today: date, reliability: float) -> None:
    cut = latest_birth(13, today)
    for days, expected in ((-1, False), (0, False), (1, True), (2, True)):
        found = under(said(BirthDate.on(cut + timedelta(days=days)), reliability), today=today)
        assert (found > reliability - 0.01) is expected
        assert (found < 0.01) is not expected


def test_statement_less_reliable_than_the_prior_says_nothing() -> None:
    assert under(said(OVER, 0.3)) == pytest.approx(under(), abs=1e-6)


OUTSIDE = [
    BirthDate(TODAY + timedelta(days=1), TODAY + timedelta(days=400)),
    BirthDate.in_year(1800),
    BirthDate(date.min, date(1500, 1, 1)),
    BirthDate(date(9000, 1, 1), date.max),
]


@pytest.mark.parametrize("born", OUTSIDE)
def test_interval_of_nobody_says_nothing(born: BirthDate) -> None:
    found = judge(said(born))
    assert found.under == pytest.approx(under())
    assert [item.weight for item in found.weighed] == [pytest.approx(0)]


# --- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("years_ago", "expected"), [(0, True), (1, True), (2, False), (3, False), (8, False)])
def test_age_that_was_stated_has_grown_since(years_ago: int, expected: bool) -> None:
    piece = aged(11, 0.98, on=anniversary(TODAY, -years_ago))
    assert (under(piece) > LIKELY) is expected
    assert judge(piece, created_on=piece.said_on).ever_under > LIKELY


@pytest.mark.parametrize("created", [TODAY, JOINED, date(2015, 1, 1), date(2030, 1, 1)])
@pytest.mark.parametrize("limit_then", [None, 8, 13, 16])
@pytest.mark.parametrize("years", [8, 12, 13, 14, 20])
def test_whoever_is_under_was_ever_under(created: date, limit_then: int | None, years: int) -> None:
    found = judge(aged(years), created_on=created, limit_then=limit_then)
    assert found.ever_under >= found.under


def test_raised_limit_counts_for_who_is_under_it_today() -> None:
    found = judge(aged(14, 0.98), limit=16, limit_then=13, created_on=JOINED)
    assert min(found.under, found.ever_under) > LIKELY


COULD = [
    ([], False),
    ([said(BirthDate.on(CUT))], False),
    ([said(BirthDate.on(CUT + timedelta(days=1)))], True),
    ([said(BirthDate(CUT - timedelta(days=900), CUT + timedelta(days=1)))], True),
    ([aged(40), aged(11, source="posts.body")], True),
    ([aged(40)], False),
]


@pytest.mark.parametrize(("evidence", "expected"), COULD)
def test_only_who_could_be_under_is_assessed(evidence: list[Evidence], expected: bool) -> None:
    assert could_be_under(evidence, 13, TODAY, TODAY) is expected


def test_who_was_under_at_sign_up_is_assessed() -> None:
    assert could_be_under([aged(14)], 13, TODAY, JOINED)


# --- several statements ------------------------------------------------------------------------------


def test_independent_statements_add_up_and_one_source_repeated_does_not() -> None:
    one = under(aged(11, 0.8))
    assert under(aged(11, 0.8), aged(11, 0.8, "posts.body")) > one + 0.15
    assert under(aged(11, 0.8), aged(11, 0.8)) == pytest.approx(one)
    assert under(*[aged(11, 0.8, on=TODAY - timedelta(days=day)) for day in range(5)]) == pytest.approx(
        one, abs=1e-3
    )


@pytest.mark.parametrize(("first", "then"), [(11, 34), (34, 11)])
def test_latest_statement_of_a_source_counts(first: int, then: int) -> None:
    early, late = aged(first, 0.99, on=TODAY - timedelta(days=9)), aged(then, 0.8)
    assert judge(early, late).under == under(late)
    assert [item.evidence for item in judge(early, late).weighed] == [late]


def test_of_one_day_the_more_reliable_statement_counts() -> None:
    assert judge(aged(11, 0.7), aged(34, 0.9)).under == under(aged(34, 0.9))


@pytest.mark.parametrize(
    "against", [said(OVER, 0.999, "birth_date"), aged(30, 0.5, "birth_date"), aged(60, 0.98, "x")]
)
def test_counter_evidence_lowers(against: Evidence) -> None:
    found = judge(aged(11), against)
    assert found.under < under(aged(11)) - 0.001
    assert {item.evidence.source: item.weight < 0 for item in found.weighed} == {
        "profiles.bio": False,
        against.source: True,
    }


def test_weights_are_ranked_and_explained_without_words() -> None:
    pieces = [aged(11, 0.6), aged(10, 0.97, "posts.body"), aged(33, 0.5, "birth_date", JOINED)]
    found = judge(*pieces)
    weights = [abs(item.weight) for item in found.weighed]
    assert weights == sorted(weights, reverse=True)
    assert found.weighed[0].evidence.source == "posts.body"
    lines = found.explain()
    assert lines[0].startswith("stated_age/own in posts.body, said 2026-11-22, weight +")
    assert len(lines) == 3
    assert not [line for line in lines if "Zyzzyva" in line or "I'm" in line]
    assert "Zyzzyva" not in repr(found)


# --- bands ----------------------------------------------------------------------------------------


def hint(reliability: float, source: str = "profiles.bio") -> Evidence:
    return replace(said(UNDER, reliability, source), exact=False)


BANDS: list[tuple[Sequence[Evidence], Band]] = [
    ([], Band.NONE),
    ([said(UNDER, 0.49)], Band.NONE),
    ([said(UNDER, 0.51)], Band.WATCH),
    ([said(UNDER, 0.89)], Band.WATCH),
    ([said(UNDER, 0.901)], Band.LIKELY),
    ([said(UNDER, 0.989)], Band.LIKELY),
    ([said(UNDER, 0.991)], Band.CERTAIN),
    ([hint(0.991)], Band.LIKELY),
    ([hint(0.9), hint(0.9, "posts.body")], Band.CERTAIN),
    ([hint(0.995), hint(0.995)], Band.LIKELY),
    ([hint(0.95), said(OVER, 0.9999, "birth_date")], Band.NONE),
    ([said(BirthDate(CUT - timedelta(days=700), TODAY), 0.9998)], Band.NONE),
]


@pytest.mark.parametrize(("evidence", "band"), BANDS)
def test_band_needs_an_exact_statement_or_two_sources_to_be_certain(
    evidence: Sequence[Evidence], band: Band
) -> None:
    assert judge(*evidence).band is band


def test_interval_of_the_posterior_holds_what_was_said() -> None:
    found = judge(aged(11, 0.98)).born
    assert found.overlaps(BirthDate.aged(11, 11, TODAY))
    assert (found.last - found.first).days < 500
    assert (judge().born.last - judge().born.first).days > 40 * 365


# --- properties --------------------------------------------------------------------------------------

SOURCES = ("profiles.bio", "posts.body", "birth_date", "report:parent", "name-year")
DAYS = st.dates(date(1920, 1, 1), TODAY)
INTERVALS = st.one_of(
    DAYS.map(BirthDate.on),
    st.tuples(st.integers(0, 90), st.integers(0, 15)).map(
        lambda pair: BirthDate.aged(pair[0], sum(pair), TODAY)
    ),
    st.tuples(DAYS, st.integers(0, 9000)).map(lambda pair: BirthDate(pair[0], pair[0] + timedelta(pair[1]))),
)
PIECES = st.builds(
    said,
    INTERVALS,
    st.floats(0, 1),
    st.sampled_from(SOURCES),
    st.dates(date(2016, 1, 1), TODAY),
    exact=st.booleans(),
)
EVIDENCE = st.lists(PIECES, max_size=6)
USUAL = st.lists(PIECES.filter(lambda piece: piece.reliability <= 0.98), max_size=6)
"""As reliable as anything that is said; beyond, the bound on a single statement's ratio takes hold."""
DISTINCT = st.lists(
    PIECES, max_size=6, unique_by=lambda piece: (piece.source, piece.said_on, piece.reliability)
)


@settings(max_examples=200)
@given(EVIDENCE, st.integers(1, 21), st.one_of(st.none(), st.dates(date(2000, 1, 1), date(2030, 1, 1))))
def test_every_number_is_a_probability(evidence: list[Evidence], limit: int, created: date | None) -> None:
    found = judge(*evidence, limit=limit, created_on=created)
    assert 0 <= found.under <= found.ever_under <= 1 + 1e-9
    assert all(math.isfinite(item.weight) for item in found.weighed)
    assert found.born.first <= found.born.last <= TODAY


@pytest.mark.parametrize("sources", [2, 20, 200])
def test_any_number_of_sources_is_a_probability(sources: int) -> None:
    birthday = BirthDate.on(anniversary(TODAY, -8))
    found = judge(*[said(birthday, 1.0, f"table{number}.text") for number in range(sources)])
    assert found.under == pytest.approx(1)
    assert all(math.isfinite(item.weight) for item in found.weighed)


@given(USUAL)
def test_probability_grows_with_the_limit(evidence: list[Evidence]) -> None:
    found = [under(*evidence, limit=limit) for limit in range(1, 22)]
    assert all(low <= high + 1e-6 for low, high in pairwise(found))


@given(PIECES, st.integers(1, 3000))
def test_probability_never_grows_with_time(piece: Evidence, days: int) -> None:
    usual = replace(piece, reliability=min(piece.reliability, 0.98))
    # The prior is of ages, so it drifts over a fixed birth date by a tenth of its mass under 13 at the most.
    assert under(usual, today=TODAY + timedelta(days=days)) <= under(usual) + 5e-4


@given(DISTINCT, st.randoms())
def test_order_of_evidence_does_not_matter(evidence: list[Evidence], random: Any) -> None:
    shuffled = random.sample(evidence, len(evidence))
    one, other = judge(*evidence), judge(*shuffled)
    assert one.under == pytest.approx(other.under, abs=1e-9)
    assert one.band is other.band


def test_order_of_equal_statements_does_not_matter() -> None:
    """Two rows of one table say two ages on one day: which of them counts must not hang on the query."""
    one, other = aged(11, 0.9), aged(34, 0.9)
    assert judge(one, other).under == judge(other, one).under
