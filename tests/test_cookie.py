"""The cookie that remembers a refusal: signed, with a fixed end, and nothing of the person."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agegate import AgeGate, Decision, Outcome, Reason, Registration
from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.signup.cookie import LONGEST, NAME, Crumb, RefusalCookie
from agegate.signup.refusals import Terms
from tests import test_gate_store
from tests.conftest import NOW, TODAY
from tests.test_gate_store import ADULT, CHILD, DEVICE, EMAIL, KEYS, PHONE, Desktop, rotated

sqlite_desk = test_gate_store.sqlite_desk

ADMIT, REFUSE = Outcome.ADMIT, Outcome.REFUSE
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))


class Browser:
    """A browser that keeps a cookie as browsers do: until its age is over, or it is cleared."""

    def __init__(self, gate: AgeGate) -> None:
        self.gate = gate
        self.cookie = RefusalCookie(gate)
        self.jar: str | None = None
        self._thrown_away: datetime | None = None

    def visit(self, born: str | date = ADULT, now: datetime = NOW, **fields: Any) -> Decision:
        """Register, as a door lets one do: the cookie goes there, and what comes back is kept."""
        if self._thrown_away is not None and now >= self._thrown_away:
            self.clear()
        given = Registration(birth_date=born, country="US", **fields)
        decision = self.gate.check(given, refused_before=self.cookie.remembers(self.jar, now), now=now)
        self.take(self.cookie.crumb(decision, self.jar, now), now)
        return decision

    def take(self, crumb: Crumb | None, now: datetime) -> None:
        if crumb is not None:
            self.jar = crumb.value or None
            self._thrown_away = now + timedelta(seconds=crumb.max_age)

    def clear(self) -> None:
        self.jar = self._thrown_away = None


def end_of(value: str) -> datetime:
    """The end that a cookie says: all that it says, read without a key."""
    payload = value.split(".")[0]
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    assert text.isdecimal()
    return datetime.fromtimestamp(int(text), UTC)


def crumb_of(gate: AgeGate, born: str | date = CHILD, now: datetime = NOW, **fields: Any) -> Crumb:
    """The cookie that a refusal in a fresh browser sets."""
    decision = gate.check(Registration(**{"birth_date": born, "country": "US"} | fields), now=now)
    assert decision.outcome is REFUSE
    crumb = RefusalCookie(gate).crumb(decision, None, now)
    assert crumb is not None
    return crumb


@pytest.fixture(params=["store", "no store"])
def gate(request: pytest.FixtureRequest) -> Iterator[AgeGate]:
    """A gate that remembers in its store, too, and one that has only the cookie."""
    if request.param == "store":
        yield request.getfixturevalue("sqlite_desk").gate
    else:
        yield AgeGate(keys=KEYS)


# --- how long -----------------------------------------------------------------------------------------------

LATER = [
    # after the refusal; what an adult's date gets in the same browser
    (timedelta(0), REFUSE),
    (MINUTE, REFUSE),
    (DAY - SECOND, REFUSE),
    (DAY, ADMIT),
    (DAY + SECOND, ADMIT),
    (365 * DAY, ADMIT),
]


@pytest.mark.parametrize(("after", "outcome"), LATER)
def test_browser_is_remembered_for_a_day_whoever_uses_it(
    gate: AgeGate, after: timedelta, outcome: Outcome
) -> None:
    browser = Browser(gate)
    assert browser.visit(CHILD).reason is Reason.UNDER_LIMIT
    second = browser.visit(ADULT, NOW + after, email="another@example.org")
    assert second.outcome is outcome
    assert (second.reason is Reason.REFUSED_BEFORE) is (outcome is REFUSE)
    assert Browser(gate).visit(ADULT, NOW + after, email="another@example.org").outcome is ADMIT


def test_retry_never_prolongs_the_end(gate: AgeGate) -> None:
    browser = Browser(gate)
    browser.visit(CHILD)
    first = browser.jar
    for hours in range(1, 24):
        for born in (CHILD, ADULT, "2020-01-01", "2016"):
            assert browser.visit(born, NOW + hours * HOUR).outcome is REFUSE
            assert browser.jar == first
    assert browser.visit(ADULT, NOW + DAY).outcome is ADMIT


def test_answer_that_cannot_be_read_neither_clears_nor_sets_a_cookie(gate: AgeGate) -> None:
    browser = Browser(gate)
    assert browser.visit("soon").outcome is Outcome.INVALID
    assert browser.jar is None
    browser.visit(CHILD)
    before = browser.jar
    assert browser.visit("soon", NOW + HOUR).outcome is Outcome.INVALID
    assert browser.jar == before
    assert browser.visit(ADULT, NOW + 2 * HOUR).outcome is REFUSE


def test_admission_deletes_the_cookie_and_sets_none(gate: AgeGate) -> None:
    cookie, browser = RefusalCookie(gate), Browser(gate)
    admitted = browser.visit(ADULT)
    assert cookie.crumb(admitted, None, NOW) is None
    for had in ("", "made up", crumb_of(gate, now=NOW - 2 * DAY).value):
        crumb = cookie.crumb(admitted, had, NOW)
        assert crumb is not None
        assert (crumb.value, crumb.max_age, crumb.name, crumb.path) == ("", 0, NAME, "/")


@pytest.mark.parametrize("hours", [1, 2, 23])
def test_term_is_the_operators(hours: int) -> None:
    term = hours * HOUR
    gate = AgeGate(keys=KEYS, terms=Terms(device=term))
    crumb = crumb_of(gate)
    assert (crumb.max_age, end_of(crumb.value)) == (hours * 3600, NOW + term)
    browser = Browser(gate)
    browser.visit(CHILD)
    assert browser.visit(ADULT, NOW + term - SECOND).outcome is REFUSE
    assert browser.visit(ADULT, NOW + term).outcome is ADMIT


def test_new_browser_of_a_known_device_is_remembered_no_longer_than_the_device(sqlite_desk: Desktop) -> None:
    """A school computer: a pupil is refused, and a teacher comes an hour before the memory ends."""
    pupil, teacher = Browser(sqlite_desk.gate), Browser(sqlite_desk.gate)
    pupil.visit(CHILD, device=DEVICE)
    for hours in (1, 12, 23):
        refused = teacher.visit(ADULT, NOW + hours * HOUR, device=DEVICE, email=EMAIL)
        assert refused.reason is Reason.REFUSED_BEFORE
        assert teacher.jar is not None
        assert end_of(teacher.jar) == NOW + DAY
    assert teacher.visit(ADULT, NOW + DAY, device=DEVICE, email=EMAIL).outcome is ADMIT


def test_adult_on_a_remembered_device_is_not_remembered_elsewhere(sqlite_desk: Desktop) -> None:
    Browser(sqlite_desk.gate).visit(CHILD, device=DEVICE)
    adult = {"email": EMAIL, "phone": PHONE}
    assert Browser(sqlite_desk.gate).visit(ADULT, NOW + HOUR, device=DEVICE, **adult).outcome is REFUSE
    assert Browser(sqlite_desk.gate).visit(ADULT, NOW + HOUR, device="at home", **adult).outcome is ADMIT


@pytest.mark.parametrize("handle", [{"email": EMAIL}, {"phone": PHONE}])
def test_new_browser_of_a_known_contact_is_remembered_as_a_device_is(
    sqlite_desk: Desktop, handle: dict[str, str]
) -> None:
    """The contact is known for 30 days; a browser that it was used in is not."""
    Browser(sqlite_desk.gate).visit(CHILD, **handle)
    shared = Browser(sqlite_desk.gate)
    tried = NOW + 10 * DAY
    assert shared.visit(ADULT, tried, **handle).reason is Reason.REFUSED_BEFORE
    assert shared.visit(ADULT, tried + DAY - SECOND).outcome is REFUSE
    assert shared.visit(ADULT, tried + DAY).outcome is ADMIT
    last = NOW + 30 * DAY - MINUTE
    shared = Browser(sqlite_desk.gate)
    assert shared.visit(ADULT, last, **handle).outcome is REFUSE
    assert shared.jar is not None
    assert end_of(shared.jar) == NOW + 30 * DAY, "nor longer than what recalled it"


STEPS = st.lists(
    st.tuples(
        st.integers(0, 30 * 3600),  # seconds since the last visit
        st.booleans(),  # whether the answer is a child's
        st.booleans(),  # whether the cookies are cleared first
    ),
    min_size=1,
    max_size=12,
)
_devices = itertools.count()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_tried_a_days_memory_begins_with_a_childs_answer_alone(
    gate: AgeGate, steps: list[tuple[int, bool, bool]]
) -> None:
    """No retry, by anybody, on the device that was refused makes it longer than a day or ends it before."""
    browser, device, now = Browser(gate), f"device {next(_devices)}", NOW
    clears = has_store(gate)
    end: datetime | None = None
    for seconds, child, cleared in steps:
        now += timedelta(seconds=seconds)
        if cleared and clears:
            browser.clear()
        outcome = browser.visit(CHILD if child else ADULT, now, device=device).outcome
        known = end is not None and now < end
        assert outcome is (REFUSE if child or known else ADMIT)
        if child and not known:
            end = now + DAY


def has_store(gate: AgeGate) -> bool:
    """Whether a gate has a store, so that clearing the cookies does not help."""
    try:
        gate.account_state("1")
    except ConfigError:
        return False
    return True


# --- what it says -------------------------------------------------------------------------------------------


@given(st.dates(date(2014, 1, 1), TODAY), st.sampled_from(("US", "DE", "KR", "FR", "JP")))
def test_no_birth_date_follows_from_the_cookie(born: date, country: str) -> None:
    """Whoever is refused at a moment gets the same bytes."""
    gate = AgeGate(keys=KEYS)
    assert crumb_of(gate, born, country=country) == crumb_of(gate)


REFUSALS: list[dict[str, Any]] = [
    {},
    {"born": "2020-02-29"},
    {"born": "2016"},
    {"country": "DE", "born": "2011-05-05"},
    {"email": EMAIL},
    {"phone": PHONE, "device": DEVICE},
    {"email": "a@example.org", "device": "x" * 100_000, "locale": "ar", "ip": "192.0.2.1"},
]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_every_refusal_sets_the_same_cookie(gate: AgeGate, number: int) -> None:
    found = crumb_of(gate, **REFUSALS[number])
    assert found == crumb_of(AgeGate(keys=KEYS))
    assert end_of(found.value) == NOW + DAY


def test_refusal_by_memory_sets_one_of_the_same_shape(sqlite_desk: Desktop) -> None:
    fresh = crumb_of(sqlite_desk.gate, email=EMAIL, device=DEVICE)
    for handle in ({"email": EMAIL}, {"device": DEVICE}, {"email": EMAIL, "device": DEVICE}):
        for born in (ADULT, CHILD):
            again = crumb_of(sqlite_desk.gate, born, NOW + HOUR, **handle)
            assert replace(again, value="") == replace(fresh, value="")
            assert len(again.value) == len(fresh.value)
            assert NOW + DAY <= end_of(again.value) <= NOW + HOUR + DAY


def test_attributes_keep_it_from_scripts_and_other_sites() -> None:
    gate = AgeGate(keys=KEYS)
    crumb = crumb_of(gate)
    assert (crumb.name, crumb.path, crumb.httponly, crumb.samesite, crumb.secure) == (
        "agegate",
        "/",
        True,
        "lax",
        True,
    )
    refused = gate.check(Registration(birth_date=CHILD, country="US"), now=NOW)
    plain = RefusalCookie(gate, secure=False).crumb(refused, None, NOW)
    assert plain == replace(crumb, secure=False)
    assert len(crumb.value) <= LONGEST


# --- who signed it ------------------------------------------------------------------------------------------


def test_change_of_any_character_is_found() -> None:
    gate = AgeGate(keys=KEYS)
    value, cookie = crumb_of(gate).value, RefusalCookie(gate)
    assert cookie.remembers(value, NOW)
    changed = {
        value[:at] + new + value[at + 1 :] for at in range(len(value)) for new in "AZaz09-_. =\x00\u0663"
    }
    changed |= {value[:at] + value[at + 1 :] for at in range(len(value))} | {
        f"{value}A",
        f"A{value}",
        value * 2,
    }
    believed = {text for text in changed - {value} if cookie.remembers(text, NOW)}
    # The last character of base64 has bits to spare: it may be spelled in several ways, with the same end.
    assert {text[:-1] for text in believed} <= {value[:-1]}
    assert {end_of(text) for text in believed} <= {NOW + DAY}


def test_end_cannot_be_moved() -> None:
    gate = AgeGate(keys=KEYS)
    cookie, browser = RefusalCookie(gate), Browser(gate)
    browser.visit(CHILD)
    assert browser.jar is not None
    _, signature = browser.jar.split(".", 1)
    for end in (0, 1, int((NOW + 9 * DAY).timestamp()), 10**12):
        payload = base64.urlsafe_b64encode(str(end).encode()).rstrip(b"=").decode()
        assert not cookie.remembers(f"{payload}.{signature}", NOW)


def test_forged_cookie_is_replaced_by_a_true_one() -> None:
    gate = AgeGate(keys=KEYS)
    cookie = RefusalCookie(gate)
    refused = gate.check(Registration(birth_date=CHILD, country="US"), now=NOW)
    stale = crumb_of(gate, now=NOW - 2 * DAY).value
    for had in ("made up", stale, crumb_of(AgeGate(keys=KeyRing.generate())).value):
        crumb = cookie.crumb(refused, had, NOW)
        assert crumb == cookie.crumb(refused, None, NOW)
        assert crumb is not None
        assert end_of(crumb.value) == NOW + DAY


def test_cookie_under_a_retired_key_is_read_and_one_under_other_keys_is_not() -> None:
    old, new, strange = AgeGate(keys=KEYS), AgeGate(keys=rotated(KEYS)), AgeGate(keys=KeyRing.generate())
    given = crumb_of(old).value
    assert RefusalCookie(new).remembers(given, NOW)
    assert not RefusalCookie(strange).remembers(given, NOW)
    made = crumb_of(new).value
    assert RefusalCookie(new).remembers(made, NOW)
    assert not RefusalCookie(old).remembers(made, NOW), "made with the new key"
    refused = new.check(Registration(birth_date=ADULT, country="US"), refused_before=True, now=NOW + HOUR)
    kept = RefusalCookie(new).crumb(refused, given, NOW + HOUR)
    assert kept is not None
    assert kept.value == given, "a new key does not prolong what the old one signed"


def test_nothing_else_that_the_gate_signs_is_a_cookie(sqlite_desk: Desktop) -> None:
    token = sqlite_desk.knock(ADULT, email=EMAIL).token
    cookie = RefusalCookie(sqlite_desk.gate)
    for value in (token, KEYS.tag("refusal.cookie", "1"), KEYS.tag("refusal.device", DEVICE)):
        assert not cookie.remembers(value, NOW)


def test_cookie_needs_a_key_ring() -> None:
    with pytest.raises(ConfigError, match="key ring"):
        RefusalCookie(AgeGate())


@given(st.one_of(st.none(), st.integers(), st.binary(), st.booleans(), st.text(), st.lists(st.text())))
def test_whatever_a_browser_sends_is_read_without_an_error(value: object) -> None:
    gate = AgeGate(keys=KEYS)
    cookie = RefusalCookie(gate)
    assert not cookie.remembers(value, NOW)
    refused = gate.check(Registration(birth_date=CHILD, country="US"), now=NOW)
    crumb = cookie.crumb(refused, value, NOW)
    assert crumb is not None
    assert end_of(crumb.value) == NOW + DAY


ODD = ["x" * 1_000_000, "." * LONGEST, ".eJwz.x", "\x00.\x00", "\ud800", "a.\ud800", "\udcff.x", "\U0001f36a.x"]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_cookie_is_none(number: int) -> None:
    """Also what a framework makes of bytes that are no text: surrogates stand for them."""
    cookie = RefusalCookie(AgeGate(keys=KEYS))
    assert not cookie.remembers(ODD[number], NOW)


def test_gate_believes_the_cookie_only_of_who_could_be_admitted() -> None:
    """The cookie never hides a slip of the form: who is told of it learns nothing."""
    gate = AgeGate(keys=KEYS)
    wrong = gate.check(Registration(birth_date="soon", country="US"), refused_before=True, now=NOW)
    assert (wrong.outcome, wrong.reason) == (Outcome.INVALID, Reason.INVALID)
    assert wrong == gate.check(Registration(birth_date="soon", country="US"), now=NOW)
