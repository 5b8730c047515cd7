"""The token of an admission: bound to an e-mail or phone, used once, for 30 minutes, and with no date in it."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from agegate import AgeGate, Outcome, Reason, Registration
from agegate.errors import ConfigError, DatabaseError, NotAdmittedError
from agegate.keys import KeyRing
from agegate.signup.admission import open_permits
from agegate.signup.cookie import RefusalCookie
from agegate.store import tables
from tests import test_gate_store
from tests.conftest import NOW
from tests.test_gate_store import ADULT, CHILD, DEVICE, EMAIL, KEYS, PHONE, Desktop, rotated

desk = test_gate_store.desk
sqlite_desk = test_gate_store.sqlite_desk

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TERM = 30 * MINUTE

PROOF = r"(?:[0-9a-f]{32}|-)"
SHAPE = re.compile(rf"v1\.[A-Za-z0-9_-]{{22}}\.(?P<end>[0-9]{{10}})\.(?P<email>{PROOF})\.(?P<phone>{PROOF})")


def token_of(desk: Desktop, now: datetime = NOW, born: str = ADULT, **fields: Any) -> str:
    """The token of an adult's admission."""
    decision = desk.knock(born, now, **fields)
    assert decision.outcome is Outcome.ADMIT
    assert decision.token is not None
    return decision.token


def enter(gate: AgeGate, token: Any, now: datetime = NOW, **contacts: Any) -> None:
    """Use a token up. The permit is open in the block, and nowhere else."""
    try:
        with gate.admitting(token, now=now, **contacts):
            assert len(open_permits()) == 1
    finally:
        assert open_permits() == []


def is_admitted(gate: AgeGate, token: Any, now: datetime = NOW, **contacts: Any) -> bool:
    try:
        enter(gate, token, now, **contacts)
    except NotAdmittedError:
        return False
    return True


def spent(desk: Desktop) -> list[tuple[Any, ...]]:
    return desk.tables()["agegate_token"]


# --- who gets one, and what it looks like -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        ({"email": EMAIL}, {"email"}),
        ({"phone": PHONE}, {"phone"}),
        ({"email": EMAIL, "phone": PHONE, "device": DEVICE}, {"email", "phone"}),
    ],
)
def test_token_has_one_shape_and_a_proof_for_each_contact(
    sqlite_desk: Desktop, fields: dict[str, str], bound: set[str]
) -> None:
    found = SHAPE.fullmatch(token_of(sqlite_desk, **fields))
    assert found is not None
    assert {kind for kind in ("email", "phone") if found[kind] != "-"} == bound
    assert datetime.fromtimestamp(int(found["end"]), UTC) == NOW + TERM


NO_TOKEN = [
    # what was given; the answer
    ({}, Outcome.ADMIT),
    ({"device": DEVICE}, Outcome.ADMIT),
    ({"email": ""}, Outcome.ADMIT),
    ({"born": CHILD, "email": EMAIL}, Outcome.REFUSE),
    ({"born": "soon", "email": EMAIL}, Outcome.INVALID),
    ({"email": EMAIL, "phone": "12"}, Outcome.INVALID),
]


@pytest.mark.parametrize(("fields", "outcome"), NO_TOKEN)
def test_without_an_admission_or_a_contact_there_is_no_token(
    sqlite_desk: Desktop, fields: dict[str, str], outcome: Outcome
) -> None:
    decision = sqlite_desk.knock(**fields)
    assert (decision.outcome, decision.token) == (outcome, None)


def test_who_was_refused_before_gets_no_token(sqlite_desk: Desktop) -> None:
    sqlite_desk.knock(CHILD, email=EMAIL)
    decision = sqlite_desk.knock(ADULT, email=EMAIL)
    assert (decision.reason, decision.token) == (Reason.REFUSED_BEFORE, None)
    by_cookie = sqlite_desk.gate.check(
        Registration(birth_date=ADULT, country="US", email="other@example.org"), refused_before=True, now=NOW
    )
    assert (by_cookie.reason, by_cookie.token) == (Reason.REFUSED_BEFORE, None)


def test_gate_without_a_store_gives_no_token_and_admits_nobody() -> None:
    gate = AgeGate(keys=KEYS)
    decision = gate.check(Registration(birth_date=ADULT, country="US", email=EMAIL), now=NOW)
    assert (decision.outcome, decision.token) == (Outcome.ADMIT, None)
    with pytest.raises(ConfigError, match="from_config"):
        gate.admitting("v1", email=EMAIL)


def test_no_date_of_birth_follows_from_a_token(sqlite_desk: Desktop) -> None:
    """Two people's tokens differ in what is random or keyed, and in nothing else."""
    borns = (ADULT, "1953-12-31", "2000-02-29", "2013-11-22", "1999")
    found = [SHAPE.fullmatch(token_of(sqlite_desk, born=born, email=EMAIL, phone=PHONE)) for born in borns]
    assert None not in found
    shapes = {(len(one[0]), one["end"]) for one in found if one}
    assert len(shapes) == 1
    for name in ("email", "phone"):
        assert len({one[name] for one in found if one}) == len(borns), "nor is it known who has which"


def test_two_tokens_of_one_person_have_nothing_in_common(sqlite_desk: Desktop) -> None:
    one, other = (token_of(sqlite_desk, email=EMAIL).split(".") for _ in range(2))
    assert one[1] != other[1]
    assert one[3] != other[3]


# --- once, and for 30 minutes -------------------------------------------------------------------------------


def test_token_is_used_once(desk: Desktop) -> None:
    token = token_of(desk, email=EMAIL, phone=PHONE)
    enter(desk.gate, token, email=EMAIL)
    for again in ({"email": EMAIL}, {"phone": PHONE}, {"email": EMAIL, "phone": PHONE}):
        with pytest.raises(NotAdmittedError, match="used before"):
            enter(desk.gate, token, **again)
    assert len(spent(desk)) == 1


def test_token_is_used_up_when_the_hosts_own_code_fails(sqlite_desk: Desktop) -> None:
    token = token_of(sqlite_desk, email=EMAIL)
    with (
        pytest.raises(RuntimeError, match="the host's"),
        sqlite_desk.gate.admitting(token, email=EMAIL, now=NOW),
    ):
        raise RuntimeError("the host's own")
    assert open_permits() == []
    assert not is_admitted(sqlite_desk.gate, token, email=EMAIL)


def test_token_is_not_used_up_before_the_block_begins(sqlite_desk: Desktop) -> None:
    token = token_of(sqlite_desk, email=EMAIL)
    sqlite_desk.gate.admitting(token, email=EMAIL, now=NOW)
    assert spent(sqlite_desk) == []
    enter(sqlite_desk.gate, token, email=EMAIL)


def test_try_with_another_contact_leaves_the_token_to_its_owner(sqlite_desk: Desktop) -> None:
    token = token_of(sqlite_desk, email=EMAIL)
    assert not is_admitted(sqlite_desk.gate, token, email="other@example.org")
    assert not is_admitted(sqlite_desk.gate, token)
    assert spent(sqlite_desk) == []
    enter(sqlite_desk.gate, token, email=EMAIL)


ENDS = [
    # after the decision; whether the token still admits
    (timedelta(0), True),
    (TERM - SECOND, True),
    (TERM - timedelta(microseconds=1), True),
    (TERM, False),
    (TERM + timedelta(microseconds=1), False),
    (TERM + SECOND, False),
    (timedelta(days=3650), False),
]


@pytest.mark.parametrize(("after", "admitted"), ENDS)
def test_token_ends_to_the_second(sqlite_desk: Desktop, after: timedelta, admitted: bool) -> None:
    token = token_of(sqlite_desk, email=EMAIL)
    assert is_admitted(sqlite_desk.gate, token, NOW + after, email=EMAIL) is admitted
    if not admitted:
        with pytest.raises(NotAdmittedError, match="expired"):
            enter(sqlite_desk.gate, token, NOW + after, email=EMAIL)


@pytest.mark.parametrize("fraction", [1, 499_999, 999_999])
def test_part_of_a_second_never_prolongs_a_token(sqlite_desk: Desktop, fraction: int) -> None:
    given = NOW + timedelta(microseconds=fraction)
    token = token_of(sqlite_desk, given, email=EMAIL)
    assert not is_admitted(sqlite_desk.gate, token, given + TERM, email=EMAIL)
    assert is_admitted(sqlite_desk.gate, token, given + TERM - SECOND, email=EMAIL)


@pytest.mark.parametrize("hours", [-12, 5, 14])
def test_term_is_the_same_in_every_time_zone(sqlite_desk: Desktop, hours: int) -> None:
    there = datetime.fromisoformat(f"2026-01-01T00:00:00{hours:+03}:00").tzinfo
    token = token_of(sqlite_desk, NOW.astimezone(there), email=EMAIL)
    assert not is_admitted(sqlite_desk.gate, token, (NOW + TERM).astimezone(there), email=EMAIL)
    assert is_admitted(sqlite_desk.gate, token, (NOW + TERM - SECOND).astimezone(there), email=EMAIL)


def test_moment_without_a_time_zone_is_the_callers_mistake(sqlite_desk: Desktop) -> None:
    """As in `AgeGate.check`."""
    token = token_of(sqlite_desk, email=EMAIL)
    with pytest.raises(ValueError, match="aware"):
        enter(sqlite_desk.gate, token, NOW.replace(tzinfo=None), email=EMAIL)


def test_spent_token_is_forgotten_after_its_end(desk: Desktop) -> None:
    first = token_of(desk, email=EMAIL)
    second = token_of(desk, NOW + TERM, email="other@example.org")
    enter(desk.gate, first, NOW + TERM - SECOND, email=EMAIL)
    assert [row[0] for row in spent(desk)] == [first.split(".")[1]]
    enter(desk.gate, second, NOW + TERM, email="other@example.org")
    assert [row[0] for row in spent(desk)] == [second.split(".")[1]]
    assert not is_admitted(desk.gate, first, NOW + TERM, email=EMAIL), "forgotten is not free"


def test_spent_token_leaves_its_random_number_and_its_end(desk: Desktop) -> None:
    token = token_of(desk, email=EMAIL, phone=PHONE)
    enter(desk.gate, token, email=EMAIL, phone=PHONE)
    ((nonce, end),) = spent(desk)
    assert (nonce, str(end)[:19]) == (token.split(".")[1], "2026-11-22 12:30:00")


AT_ONCE = 8


def test_of_many_who_redeem_a_token_at_once_exactly_one_is_admitted(desk: Desktop) -> None:
    token, start = token_of(desk, email=EMAIL), threading.Barrier(AT_ONCE)

    def redeem(_number: int) -> str:
        start.wait()
        try:
            enter(desk.gate, token, email=EMAIL)
        except NotAdmittedError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = sorted(pool.map(redeem, range(AT_ONCE)))
    assert said.count("") == 1
    assert [text for text in said[1:] if "used before" not in text] == []
    assert len(spent(desk)) == 1


def test_of_many_coroutines_at_once_exactly_one_is_admitted(desk: Desktop) -> None:
    token = token_of(desk, email=EMAIL)

    async def redeem() -> bool:
        try:
            async with desk.gate.admitting(token, email=EMAIL, now=NOW):
                assert len(open_permits()) == 1
        except NotAdmittedError:
            return False
        return open_permits() == []

    async def all_of_them() -> list[bool]:
        return list(await asyncio.gather(*(redeem() for _ in range(AT_ONCE))))

    assert asyncio.run(all_of_them()).count(True) == 1


# --- for whom -----------------------------------------------------------------------------------------------

BOTH = {"email": EMAIL, "phone": PHONE}
FOR_WHOM = [
    # what the decision saw; what the account has; whether it is admitted
    ({"email": EMAIL}, {"email": EMAIL}, True),
    ({"email": EMAIL}, {"email": "KestrelWren@EXAMPLE.org"}, True),
    ({"email": EMAIL}, {"email": "kestrelwren+class@example.org"}, True),
    ({"email": "kestrelwren+class@example.org"}, {"email": EMAIL}, True),
    ({"email": "wren@b\u00fccher.example.org"}, {"email": "wren@xn--bcher-kva.example.org"}, True),
    ({"email": "e\u0301lan@example.org"}, {"email": "\u00e9lan@example.org"}, True),
    ({"phone": PHONE}, {"phone": "+12015550147"}, True),
    ({"phone": PHONE}, {"phone": "(201) 555-0147", "country": "US"}, True),
    ({"phone": "201.555.0147"}, {"phone": PHONE}, True),
    ({"phone": "201.555.0147"}, {"phone": "201-555-0147", "country": "US"}, True),
    (BOTH, BOTH, True),
    (BOTH, {"email": EMAIL}, True),
    (BOTH, {"phone": PHONE}, True),
    # another person's
    ({"email": EMAIL}, {"email": "kestrel@example.org"}, False),
    ({"email": EMAIL}, {"email": "kestrelwren@example.com"}, False),
    ({"email": EMAIL}, {"email": "kestrelwren@mail.example.org"}, False),
    ({"email": EMAIL}, {"email": "kestrelwren-class@example.org"}, False),
    ({"email": EMAIL}, {"email": "k\u0435strelwren@example.org"}, False),  # a Cyrillic letter
    ({"email": "wren@stra\u00dfe.example.org"}, {"email": "wren@strasse.example.org"}, False),
    ({"email": "+kestrel@example.org"}, {"email": "+wren@example.org"}, False),
    ({"phone": PHONE}, {"phone": "+1 201 555 0148"}, False),
    ({"phone": PHONE}, {"phone": "+44 121 234 5678"}, False),
    (BOTH, {"email": EMAIL, "phone": "+1 201 555 0148"}, False),
    (BOTH, {"email": "other@example.org", "phone": PHONE}, False),
    # what no decision saw
    ({"email": EMAIL}, {"email": EMAIL, "phone": PHONE}, False),
    ({"phone": PHONE}, {"email": EMAIL, "phone": PHONE}, False),
    ({"email": EMAIL}, {"phone": PHONE}, False),
    ({"email": EMAIL}, {}, False),
    ({"email": EMAIL}, {"country": "US"}, False),
    # what is none
    ({"email": EMAIL}, {"email": "nobody"}, False),
    ({"email": EMAIL}, {"email": 17}, False),
    ({"email": EMAIL}, {"email": b"kestrelwren@example.org"}, False),
    ({"email": EMAIL}, {"email": "x" * 1_000_000}, False),
    ({"email": EMAIL}, {"email": "\ud800@example.org"}, False),
    ({"phone": PHONE}, {"phone": "201.555.0147"}, False),  # a local number, and no country to read it by
    ({"phone": PHONE}, {"phone": "1" * 80}, False),
]


@pytest.mark.parametrize(("seen", "account", "admitted"), FOR_WHOM)
def test_token_is_for_the_contact_that_the_decision_saw(
    sqlite_desk: Desktop, seen: dict[str, str], account: dict[str, Any], admitted: bool
) -> None:
    token = token_of(sqlite_desk, **seen)
    assert is_admitted(sqlite_desk.gate, token, **account) is admitted


AS_CHECKED = [
    {"phone": "(201) 555-0147", "country": "us"},
    {"phone": "(201) 555-0147", "country": " US "},
    {"email": EMAIL, "phone": ""},
    {"phone": PHONE, "email": ""},
]


@pytest.mark.parametrize("fields", AS_CHECKED)
def test_what_was_checked_can_be_given_as_it_was(sqlite_desk: Desktop, fields: dict[str, str]) -> None:
    """A host passes the same form to both: the gate reads a country in any case, and nothing for nothing."""
    token = token_of(sqlite_desk, **fields)
    enter(sqlite_desk.gate, token, **fields)
    with pytest.raises(NotAdmittedError, match="used before"):
        enter(sqlite_desk.gate, token, **fields)


def test_friends_token_admits_no_child(sqlite_desk: Desktop) -> None:
    """A grown-up friend passes the gate on the child's telephone, with an address of the friend's own."""
    token = token_of(sqlite_desk, email="friend@example.org", device=DEVICE)
    assert sqlite_desk.knock(CHILD, email=EMAIL, device=DEVICE).token is None
    for account in ({"email": EMAIL}, {"email": "friend@example.org", "phone": PHONE}, {"phone": PHONE}):
        assert not is_admitted(sqlite_desk.gate, token, **account)


def test_proofs_of_two_tokens_do_not_make_a_third(sqlite_desk: Desktop) -> None:
    mine = token_of(sqlite_desk, email=EMAIL).split(".")
    friends = token_of(sqlite_desk, email="friend@example.org", phone=PHONE).split(".")
    for email, phone in ((mine[3], friends[4]), (friends[3], mine[3]), (friends[4], friends[3])):
        for stem in (mine[:3], friends[:3]):
            made = ".".join((*stem, email, phone))
            if made not in {".".join(mine), ".".join(friends)}:
                assert not is_admitted(sqlite_desk.gate, made, email=EMAIL, phone=PHONE)
    assert spent(sqlite_desk) == []


# --- keys ---------------------------------------------------------------------------------------------------


def with_keys(desk: Desktop, keys: KeyRing) -> AgeGate:
    """A gate on the same store with another key ring."""
    return AgeGate(store=desk.store, keys=keys)


def test_retired_key_is_still_read_and_a_newer_key_is_unknown_to_the_old_ring(desk: Desktop) -> None:
    old, ring = token_of(desk, email=EMAIL), rotated(KEYS)
    enter(with_keys(desk, ring), old, email=EMAIL)
    new = with_keys(desk, ring).check(Registration(birth_date=ADULT, country="US", email=EMAIL), now=NOW).token
    assert not is_admitted(desk.gate, new, email=EMAIL)
    enter(with_keys(desk, ring), new, email=EMAIL)


def test_token_of_a_gate_with_other_keys_admits_nobody(sqlite_desk: Desktop) -> None:
    token = token_of(sqlite_desk, email=EMAIL)
    for ring in (KeyRing.generate(), KeyRing((replace(KEYS.current, secret=b"\x00" * 32),))):
        assert not is_admitted(with_keys(sqlite_desk, ring), token, email=EMAIL)
    assert spent(sqlite_desk) == []


@pytest.mark.parametrize("name", ["k1", "2026.11", "eu/1", "k.v1.", "\u30ad\u30fc", "-"])
def test_key_may_have_any_name(sqlite_desk: Desktop, name: str) -> None:
    """An operator who edits the ring names keys as they like."""
    gate = with_keys(sqlite_desk, KeyRing((replace(KEYS.current, id=name),)))
    token = gate.check(Registration(birth_date=ADULT, country="US", email=EMAIL), now=NOW).token
    enter(gate, token, email=EMAIL)
    assert not is_admitted(gate, token, email=EMAIL)


# --- changed and made up ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forgery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """One store for all forgeries: none of them may leave anything in it."""
    made = Desktop(f"sqlite:///{tmp_path_factory.mktemp('forgery')}/one.db")
    yield made
    assert spent(made) == []
    made.store.dispose()


CHANGES = ("0", "1", "9", "a", "f", "A", "Z", "_", "-", ":", ".", " ", "\x00", "\u0663", "\uff11", "e\u0301")


def test_change_of_any_character_is_found(forgery: Desktop) -> None:
    token = token_of(forgery, **BOTH)
    changed = {token[:at] + new + token[at + 1 :] for at in range(len(token)) for new in CHANGES}
    changed |= {token[:at] + new + token[at:] for at in range(len(token) + 1) for new in CHANGES}
    changed |= {token[:at] + token[at + 1 :] for at in range(len(token))}
    changed |= {token[:at] for at in range(len(token))} | {token[at:] for at in range(1, len(token))}
    changed |= {token.upper(), token.swapcase(), f"{token}\n", token * 2}
    changed -= {token}
    assert len(changed) > 2000
    assert [text for text in changed if is_admitted(forgery.gate, text, **BOTH)] == []


@pytest.mark.parametrize(("contact", "part"), [({"email": EMAIL}, 3), ({"phone": PHONE}, 4)])
def test_change_of_the_end_or_of_the_proof_that_is_needed_is_found(
    forgery: Desktop, contact: dict[str, str], part: int
) -> None:
    parts = token_of(forgery, **contact).split(".")
    later = [*parts[:2], str(int(parts[2]) + 1), *parts[3:]]
    other = [*parts[:1], "A" * 22, *parts[2:]]
    swapped = [*parts[:3], parts[4], parts[3]]
    emptied = [*parts[:part], "-", *parts[part + 1 :]]
    for forged in (later, other, swapped, emptied):
        assert not is_admitted(forgery.gate, ".".join(forged), **contact)


@given(st.one_of(st.text(), st.text(alphabet="v1.-:k0123456789abcdef", max_size=200)))
def test_what_is_made_up_admits_nobody(forgery: Desktop, text: str) -> None:
    for token in (text, f"v1.{text}", f"v1.AAAAAAAAAAAAAAAAAAAAAA.1795350600.{text}.-"):
        assert not is_admitted(forgery.gate, token, email=EMAIL)


MADE_UP: list[Any] = [
    *(None, "", " ", "v1", "v1....", "v1.a.b.c.d", "null", "undefined", "true", "[]", "{}", "...."),
    *(5, 0, True, 1.5, b"v1.a.1795350600.-.-", ["v1"], ("v1",), {}, object()),
    *("v1.a.1795350600.-.-", "v1.a.1795350600..", "v1..1795350600.-.-", "v2.a.1795350600.-.-"),
    *("v1.a.-1.-.-", "v1.a.0.-.-", "v1.a.1e9.-.-", "v1.a.99999999999999999999.-.-", "v1.a.1_7.-.-"),
    *(f"v1.a.{'9' * 900}.-.-", f"v1.{'a' * 900}.1795350600.-.-", "v1.a.\u0661\u0667.-.-"),
    *("x" * 1_000_000, "." * 1_000_000, "v1." * 400_000, "\x00" * 500),
    *("\ud800", "v1.\ud800.1795350600.-.-", "v1.a.1795350600.\ud800.-", "v1.a.1795350600.k1:\udfff.-"),
]


@pytest.mark.parametrize("number", range(len(MADE_UP)))
def test_what_is_no_token_admits_nobody(forgery: Desktop, number: int) -> None:
    with pytest.raises(NotAdmittedError) as raised:
        enter(forgery.gate, MADE_UP[number], **{"email": EMAIL})
    assert len(str(raised.value)) < 200


def test_nothing_else_that_the_gate_signs_is_a_token(forgery: Desktop) -> None:
    refused = forgery.knock(CHILD, device="another")
    crumb = RefusalCookie(forgery.gate).crumb(refused, None, NOW)
    assert crumb is not None
    stem = f"v1.AAAAAAAAAAAAAAAAAAAAAA.{int((NOW + TERM).timestamp())}"
    tags = [KEYS.tag(purpose, EMAIL) for purpose in ("refusal.email", "readmission.email", "admission.email")]
    for token in (crumb.value, *(f"{stem}.{tag}.-" for tag in tags)):
        assert not is_admitted(forgery.gate, token, email=EMAIL)


# --- the block, and a store that is gone --------------------------------------------------------------------


def test_permit_is_open_in_the_block_of_its_own_thread_alone(sqlite_desk: Desktop) -> None:
    with (
        sqlite_desk.gate.admitting(token_of(sqlite_desk, email=EMAIL), email=EMAIL, now=NOW),
        ThreadPoolExecutor(1) as pool,
    ):
        assert len(open_permits()) == 1
        assert pool.submit(open_permits).result() == []
    assert open_permits() == []


def test_permit_of_one_coroutine_is_none_of_another(sqlite_desk: Desktop) -> None:
    token = token_of(sqlite_desk, email=EMAIL)

    async def bystander(inside: asyncio.Event, seen: asyncio.Event) -> list[Any]:
        await inside.wait()
        found = list(open_permits())
        seen.set()
        return found

    async def main() -> list[Any]:
        inside, seen = asyncio.Event(), asyncio.Event()
        other = asyncio.create_task(bystander(inside, seen))
        async with sqlite_desk.gate.admitting(token, email=EMAIL, now=NOW):
            inside.set()
            await seen.wait()
            assert len(open_permits()) == 1
        return await other

    assert asyncio.run(main()) == []


def test_store_without_its_table_admits_nobody(desk: Desktop) -> None:
    token = token_of(desk, email=EMAIL)
    desk.drop("agegate_token")
    with pytest.raises(DatabaseError, match="agegate db upgrade"):
        enter(desk.gate, token, email=EMAIL)


def test_store_that_is_gone_admits_nobody(tmp_path: Path) -> None:
    made = Desktop(f"sqlite:///{tmp_path}/one.db")
    token = token_of(made, email=EMAIL)
    made.store.dispose()
    for file in tmp_path.iterdir():
        file.write_bytes(b"no database at all" * 500)
    with pytest.raises(DatabaseError):
        enter(made.gate, token, email=EMAIL)
    made.store.dispose()


def test_token_that_never_reached_the_store_is_not_taken_for_spent(sqlite_desk: Desktop) -> None:
    """The transaction that uses it up is the one that counts: where it fails, the token is whole."""
    token = token_of(sqlite_desk, email=EMAIL)
    name = tables.tokens.name
    with sqlite_desk.store.writing() as connection:
        connection.execute(sa.text(f"ALTER TABLE {name} RENAME TO elsewhere"))
    with pytest.raises(DatabaseError):
        enter(sqlite_desk.gate, token, email=EMAIL)
    with sqlite_desk.store.writing() as connection:
        connection.execute(sa.text(f"ALTER TABLE elsewhere RENAME TO {name}"))
    enter(sqlite_desk.gate, token, email=EMAIL)


# --- where it never stands ----------------------------------------------------------------------------------


def test_token_and_contacts_stand_in_no_repr_log_or_message(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, name)
    made = Desktop(database)
    decision = made.knock(ADULT, **BOTH)
    token = decision.token
    assert token is not None
    block = made.gate.admitting(token, **BOTH, now=NOW)
    said = [repr(decision), str(decision), repr(block)]
    with block:
        said += [repr(open_permits()), str(open_permits())]
    wrong: tuple[tuple[str, dict[str, str]], ...] = (
        (token, BOTH),
        (token, {}),
        (token, {"email": "other@example.org"}),
        (token[:-1], BOTH),
        (f"{token}\n", BOTH),
        (token, {"phone": "kestrelwren"}),
        (token, {"email": "kestrelwren@@example.org"}),
    )
    for forged, contacts in wrong:
        with pytest.raises(NotAdmittedError) as raised:
            enter(made.gate, forged, **contacts)
        said += [str(raised.value), repr(raised.value)]
    logged = caplog.text
    assert "INSERT INTO" in logged, "the log of the database's own driver is on"
    made.store.dispose()
    proofs = token.split(".")[3:]
    for trace in (token, *proofs, "kestrelwren", "5550147"):
        assert trace not in logged
        assert trace not in " ".join(said)
    assert token.split(".")[1] not in " ".join(said)
