"""The way back for who mistyped: set by staff, for one answer, and nothing is kept of whom."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agegate import AgeGate, Decision, Outcome, Reason, Registration
from agegate.config import Config
from agegate.errors import AgegateError, ConfigError, DatabaseError, InputError
from agegate.jobs import MISTAKES, readmit
from agegate.keys import ENVIRONMENT as KEY_RING
from agegate.keys import KeyRing
from agegate.signup.cookie import RefusalCookie
from agegate.store import tables
from tests import test_cli
from tests.conftest import NOW, Layout
from tests.hosts import school
from tests.test_gate_store import ADULT, CHILD, DEVICE, EMAIL, PHONE, rotated

run = test_cli.run
Run, Ran = test_cli.Run, test_cli.Ran

ADMIT, REFUSE = Outcome.ADMIT, Outcome.REFUSE
BEFORE, UNDER = Reason.REFUSED_BEFORE, Reason.UNDER_LIMIT
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
TERM = 7 * DAY
BOTH = {"email": EMAIL, "phone": PHONE}
OTHER = "other@example.org"


class Reception:
    """A gate as its configuration says, with what staff do beside it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.config = school(layout)

    @property
    def gate(self) -> AgeGate:
        return AgeGate.from_config(self.layout.folder / "agegate.toml")

    def knock(self, born: str = ADULT, now: datetime = NOW, *, cookie: bool = False, **fields: Any) -> Decision:
        """A registration, from a browser whose `cookie` says that somebody was refused in it."""
        given = Registration(birth_date=born, country="US", **fields)
        return self.gate.check(given, refused_before=cookie, now=now)

    def let_back(self, now: datetime = NOW + HOUR, because: str = "mistyped", **whom: Any) -> int:
        return readmit(
            Config.load(self.config.folder / "agegate.toml"), by="s-17", because=because, now=now, **whom
        )

    def marks(self) -> int:
        return len(self.layout.rows(f"SELECT tag FROM {self.layout.own('agegate_refusal')}", store=True))

    def events(self, kind: str = "signup.readmitted") -> list[tuple[object, ...]]:
        table = self.layout.own("agegate_event")
        query = f"SELECT actor, subject, data FROM {table} WHERE kind = '{kind}' ORDER BY id"
        return self.layout.rows(query, store=True)

    def turn_the_key(self) -> None:
        """Replace the key, as a rotation does: the old one is retired."""
        ring = rotated(KeyRing.load(self.config.key_file))
        self.config.key_file.write_text(ring.dump(), encoding="utf-8")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key ring from the environment of whoever runs the tests."""
    monkeypatch.delenv(KEY_RING, raising=False)


@pytest.fixture
def reception(layout: Layout) -> Reception:
    """Host and store in all four layouts."""
    return Reception(layout)


@pytest.fixture
def desk(tmp_path: Path) -> Reception:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    folder = tmp_path / "one"
    folder.mkdir()
    return Reception(
        Layout("sqlite-apart", f"sqlite:///{folder}/host.db", f"sqlite:///{folder}/agegate.db", folder)
    )


# --- who comes back -----------------------------------------------------------------------------------------


def test_adult_who_mistyped_comes_back(reception: Reception) -> None:
    assert reception.knock(CHILD, **BOTH, device=DEVICE).reason is UNDER
    assert reception.knock(ADULT, NOW + HOUR, **BOTH, device=DEVICE).reason is BEFORE
    assert reception.let_back(**BOTH, device=DEVICE) == 3
    back = reception.knock(ADULT, NOW + 2 * HOUR, cookie=True, **BOTH, device=DEVICE)
    assert (back.outcome, back.reason, back.remembered_until) == (ADMIT, Reason.OLD_ENOUGH, None)
    with reception.gate.admitting(back.token, **BOTH, now=NOW + 2 * HOUR):
        pass
    assert reception.marks() == 0


LET_BACK = [
    # refused with; let back with; comes back with; what the answer counts as
    ({"email": EMAIL}, {"email": EMAIL}, {"email": EMAIL}, Reason.OLD_ENOUGH),
    ({"email": EMAIL}, {"email": "KestrelWren+x@EXAMPLE.org"}, {"email": EMAIL}, Reason.OLD_ENOUGH),
    ({"phone": PHONE}, {"phone": PHONE}, {"phone": "(201) 555-0147"}, Reason.OLD_ENOUGH),
    ({"phone": PHONE}, {"phone": "(201) 555-0147", "country": "US"}, {"phone": PHONE}, Reason.OLD_ENOUGH),
    (BOTH, BOTH, {"email": EMAIL}, Reason.OLD_ENOUGH),
    (BOTH, BOTH, {"phone": PHONE}, Reason.OLD_ENOUGH),
    ({"device": DEVICE}, {"email": EMAIL}, {"email": EMAIL, "device": DEVICE}, Reason.OLD_ENOUGH),
    ({"device": DEVICE}, {"email": EMAIL, "device": DEVICE}, {"device": DEVICE}, Reason.OLD_ENOUGH),
    # what was not lifted still counts
    ({"device": DEVICE}, {"email": EMAIL}, {"device": DEVICE}, BEFORE),
    ({"device": DEVICE}, {"email": EMAIL}, {"email": OTHER, "device": DEVICE}, BEFORE),
    (BOTH, {"email": EMAIL}, {"phone": PHONE}, BEFORE),
    ({"email": EMAIL}, {"email": OTHER}, {"email": EMAIL}, BEFORE),
    ({"email": EMAIL}, {"phone": PHONE}, {"email": EMAIL}, BEFORE),
    # what another contact remembers is no cookie and no shared device
    ({"email": EMAIL}, {"email": OTHER}, {"email": EMAIL, "phone": PHONE}, BEFORE),
    ({"email": EMAIL}, {"phone": PHONE}, BOTH, BEFORE),
    ({"phone": PHONE}, {"email": EMAIL}, BOTH, BEFORE),
    (BOTH, {"phone": PHONE}, BOTH, BEFORE),
]


@pytest.mark.parametrize(("refused", "lifted", "back", "reason"), LET_BACK)
def test_only_what_staff_lifted_counts_again(
    desk: Reception, refused: dict[str, str], lifted: dict[str, str], back: dict[str, str], reason: Reason
) -> None:
    """A child who has a friend's phone let back must not come in with an address that was refused."""
    assert desk.knock(CHILD, **refused).reason is UNDER
    desk.let_back(**lifted)
    assert desk.knock(ADULT, NOW + 2 * HOUR, **back).reason is reason


def test_adult_on_a_shared_device_comes_back_and_the_child_does_not(reception: Reception) -> None:
    """A pupil was refused at a school's computer, then a teacher; both browsers' cookies say so."""
    assert reception.knock(CHILD, email="pupil@example.org", device=DEVICE).reason is UNDER
    teacher = {"email": EMAIL, "device": DEVICE}
    assert reception.knock(ADULT, NOW + HOUR, **teacher).reason is BEFORE
    assert reception.let_back(because="shared_device", email=EMAIL) == 0
    assert reception.knock(ADULT, NOW + 2 * HOUR, cookie=True, **teacher).outcome is ADMIT
    for pupil in ({"device": DEVICE}, {"email": "pupil@example.org"}, teacher | {"email": OTHER}):
        assert reception.knock(ADULT, NOW + 3 * HOUR, **pupil).reason is BEFORE


def test_cookie_is_passed_over_for_one_answer(desk: Reception) -> None:
    gate, cookie = desk.gate, RefusalCookie(desk.gate)
    refused = desk.knock(CHILD, email=EMAIL)
    crumb = cookie.crumb(refused, None, NOW)
    assert crumb is not None
    desk.let_back(email=EMAIL)
    known = cookie.remembers(crumb.value, NOW + 2 * HOUR)
    assert known, "staff cannot reach into a browser"
    given = Registration(birth_date=ADULT, country="US", email=EMAIL)
    back = gate.check(given, refused_before=known, now=NOW + 2 * HOUR)
    gone = cookie.crumb(back, crumb.value, NOW + 2 * HOUR)
    assert (back.outcome, gone and gone.max_age) == (ADMIT, 0)
    again = gate.check(given, refused_before=known, now=NOW + 3 * HOUR)
    assert again.reason is BEFORE, "who kept the cookie has used the way back up"


def test_answer_that_cannot_be_read_does_not_use_the_way_back_up(desk: Reception) -> None:
    desk.knock(CHILD, **BOTH)
    desk.let_back(**BOTH)
    assert desk.knock("soon", NOW + 2 * HOUR, cookie=True, **BOTH).outcome is Outcome.INVALID
    assert desk.knock(ADULT, NOW + 3 * HOUR, cookie=True, **BOTH).outcome is ADMIT


ENDS = [
    # after staff let the person back; whether the answer counts whatever the cookie says
    (timedelta(0), True),
    (TERM - SECOND, True),
    (TERM, False),
    (TERM + SECOND, False),
]


@pytest.mark.parametrize(("after", "counts"), ENDS)
def test_way_back_ends_after_seven_days(desk: Reception, after: timedelta, counts: bool) -> None:
    desk.let_back(NOW, email=EMAIL)
    found = desk.knock(ADULT, NOW + after, cookie=True, email=EMAIL)
    assert (found.outcome is ADMIT) is counts


# --- once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [CHILD, ADULT])
def test_way_back_is_for_one_answer(reception: Reception, first: str) -> None:
    reception.knock(CHILD, **BOTH)
    reception.let_back(**BOTH)
    assert reception.knock(first, NOW + 2 * HOUR, cookie=True, **BOTH).reason is not BEFORE
    assert reception.knock(ADULT, NOW + 3 * HOUR, cookie=True, **BOTH).reason is BEFORE


ANSWERS = [
    # what the first answer has of what was lifted; what the second has
    ({"email": EMAIL}, {"phone": PHONE}),
    ({"phone": PHONE}, {"email": EMAIL}),
    ({"email": EMAIL}, BOTH),
    ({"phone": PHONE}, BOTH),
    (BOTH, {"phone": PHONE}),
]


@pytest.mark.parametrize(("first", "second"), ANSWERS)
def test_two_contacts_that_were_let_back_are_one_answer(
    desk: Reception, first: dict[str, str], second: dict[str, str]
) -> None:
    """Who answers with the e-mail, is refused, and comes with the phone has had the answer."""
    desk.knock(CHILD, **BOTH)
    desk.let_back(**BOTH)
    assert desk.knock(CHILD, NOW + 2 * HOUR, cookie=True, **first).reason is UNDER
    assert desk.knock(ADULT, NOW + 3 * HOUR, cookie=True, **second).reason is BEFORE


def test_under_age_again_is_refused_and_remembered_again(reception: Reception) -> None:
    reception.knock(CHILD, **BOTH, device=DEVICE)
    reception.let_back(**BOTH, device=DEVICE)
    later = NOW + 2 * HOUR
    again = reception.knock(CHILD, later, cookie=True, **BOTH, device=DEVICE)
    assert (again.outcome, again.reason, again.token) == (REFUSE, UNDER, None)
    assert again.remembered_until == later + DAY
    for handle, term in (({"email": EMAIL}, 30 * DAY), ({"phone": PHONE}, 30 * DAY), ({"device": DEVICE}, DAY)):
        assert reception.knock(ADULT, later + term - SECOND, **handle).reason is BEFORE
        assert reception.knock(ADULT, later + term, **handle).outcome is ADMIT


def test_staff_who_let_somebody_back_twice_give_one_answer(desk: Reception) -> None:
    desk.knock(CHILD, **BOTH)
    assert [desk.let_back(**BOTH), desk.let_back(NOW + 2 * HOUR, **BOTH)] == [2, 0]
    assert desk.knock(CHILD, NOW + 3 * HOUR, **BOTH).reason is UNDER
    assert desk.knock(ADULT, NOW + 4 * HOUR, **BOTH).reason is BEFORE
    assert desk.let_back(NOW + 5 * HOUR, **BOTH) == 2, "and may do so again"
    assert desk.knock(ADULT, NOW + 6 * HOUR, **BOTH).outcome is ADMIT


def test_of_many_answers_at_once_one_counts(new_database: Callable[[], str], tmp_path: Path) -> None:
    """All of them have read the way back before the first is committed."""
    made = Reception(Layout("postgresql-apart", new_database(), new_database(), tmp_path))
    made.let_back(email=EMAIL)
    gate, number = made.gate, 4
    given = Registration(birth_date=ADULT, country="US", email=EMAIL)

    def answer(_number: int) -> Outcome:
        return gate.check(given, refused_before=True, now=NOW + 2 * HOUR).outcome

    with ThreadPoolExecutor(number) as pool:
        with held(made.layout) as connection:
            waiting = [pool.submit(answer, each) for each in range(number)]
            wait_for_waiters(connection, number)
        outcomes = [each.result(60) for each in waiting]
    assert sorted(outcomes) == [ADMIT, *[REFUSE] * (number - 1)]


@contextmanager
def held(layout: Layout) -> Iterator[sa.Connection]:
    """Let nobody write an event, as long as the block runs."""
    engine = layout.engine(layout.store)
    with engine.connect() as connection, connection.begin():
        connection.execute(sa.text("LOCK TABLE agegate.agegate_event IN SHARE MODE"))
        yield connection
    engine.dispose()


def wait_for_waiters(connection: sa.Connection, number: int) -> None:
    """Wait until so many other connections wait for a lock, of the table or of a row."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 60
    while connection.execute(query).scalar_one() < number:
        assert time.monotonic() < deadline, "nobody waits"
        connection.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
        time.sleep(0.01)


def test_staff_who_let_the_same_person_back_at_once_are_both_answered(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    """Neither has seen the other's: the second waits for the first to be committed."""
    made = Reception(Layout("postgresql-apart", new_database(), new_database(), tmp_path))
    with ThreadPoolExecutor(2) as pool:
        with held(made.layout) as connection:
            waiting = [pool.submit(made.let_back, email=EMAIL) for _ in range(2)]
            wait_for_waiters(connection, 2)
        assert [each.result(60) for each in waiting] == [0, 0]
    assert len(made.events()) == 2


# --- keys ---------------------------------------------------------------------------------------------------


def test_marks_under_an_old_and_a_new_key_are_all_lifted(reception: Reception) -> None:
    reception.knock(CHILD, email=EMAIL, device=DEVICE)
    reception.turn_the_key()
    reception.knock(CHILD, NOW + HOUR, phone=PHONE)
    assert reception.let_back(**BOTH, device=DEVICE, now=NOW + 2 * HOUR) == 3
    assert reception.knock(ADULT, NOW + 3 * HOUR, **BOTH, device=DEVICE).outcome is ADMIT
    for handle in ({"email": EMAIL}, {"phone": PHONE}, {"device": DEVICE}):
        assert reception.knock(ADULT, NOW + 4 * HOUR, **handle).outcome is ADMIT


def test_way_back_outlives_a_rotation_and_is_still_for_one_answer(desk: Reception) -> None:
    desk.knock(CHILD, email=EMAIL)
    desk.let_back(email=EMAIL)
    desk.turn_the_key()
    assert desk.knock(ADULT, NOW + 2 * HOUR, cookie=True, email=EMAIL).outcome is ADMIT
    assert desk.knock(ADULT, NOW + 3 * HOUR, cookie=True, email=EMAIL).reason is BEFORE


# --- what is kept -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("because", MISTAKES)
def test_audit_keeps_who_and_why_and_nothing_of_whom(reception: Reception, because: str) -> None:
    reception.knock(CHILD, **BOTH, device=DEVICE)
    reception.let_back(because=because, **BOTH, device=DEVICE)
    ((actor, subject, data),) = reception.events()
    assert (actor, subject) == ("s-17", None)
    assert json.loads(str(data)) == {"because": because, "lifted": 3}
    engine = reception.layout.engine(reception.layout.store)
    with engine.connect() as connection:
        kept = " ".join(
            repr(tuple(row))
            for table in tables.metadata.sorted_tables
            for row in connection.execute(sa.text(f"SELECT * FROM {reception.layout.own(table.name)}"))
        )
    engine.dispose()
    assert [trace for trace in ("kestrelwren", "5550147", DEVICE, "2015-04") if trace in kept] == []


def test_two_people_who_were_let_back_leave_the_same_but_for_their_tags(desk: Reception) -> None:
    for email, born in ((EMAIL, CHILD), (OTHER, "2021-01-31")):
        desk.knock(born, email=email)
        desk.let_back(email=email)
    assert len(set(desk.events())) == 1
    ends = desk.layout.rows("SELECT expires_at FROM agegate_refusal", store=True)
    assert len({str(end)[:15] for (end,) in ends}) == 1, "but for the part of a second that joins one person's"


def test_way_back_and_its_event_are_kept_together_or_not_at_all(reception: Reception) -> None:
    reception.knock(CHILD, **BOTH)
    engine = reception.layout.engine(reception.layout.store)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"ALTER TABLE {reception.layout.own('agegate_event')} RENAME COLUMN actor TO a")
        )
    with pytest.raises(AgegateError):
        reception.let_back(**BOTH)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"ALTER TABLE {reception.layout.own('agegate_event')} RENAME COLUMN a TO actor")
        )
    engine.dispose()
    assert reception.knock(ADULT, NOW + 2 * HOUR, **BOTH).reason is BEFORE


# --- the caller's mistakes ----------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    # what is given; what the line names
    ({}, "--email or --phone"),
    ({"device": DEVICE}, "--email or --phone"),
    ({"country": "US"}, "--email or --phone"),
    ({"email": EMAIL, "because": "kind"}, "--because"),
    ({"email": EMAIL, "because": ""}, "--because"),
    ({"email": EMAIL, "by": ""}, "--by"),
    ({"email": EMAIL, "by": "  "}, "--by"),
    ({"email": ""}, "email"),
    ({"email": "kestrelwren"}, "email"),
    ({"email": "kestrelwren@example.org\x00"}, "email"),
    ({"email": "x" * 1_000_000}, "email"),
    ({"email": "\ud800@example.org"}, "email"),
    ({"email": EMAIL, "phone": "12"}, "phone"),
    ({"phone": "(201) 555-0147"}, "phone"),
    ({"phone": "(201) 555-0147", "country": "ZZ"}, "phone"),
    ({"phone": "1" * 80}, "phone"),
]


@pytest.mark.parametrize(("given", "named"), WRONG)
def test_what_cannot_be_read_is_named_and_nothing_changes(
    desk: Reception, given: dict[str, Any], named: str
) -> None:
    desk.knock(CHILD, **BOTH, device=DEVICE)
    with pytest.raises(InputError) as raised:
        readmit(desk.config, **{"by": "s-17", "because": "mistyped", "now": NOW + HOUR} | given)
    assert named in str(raised.value)
    assert len(str(raised.value)) < 200
    assert "kestrelwren" not in str(raised.value)
    assert (desk.marks(), desk.events()) == (3, [])


def test_country_is_read_as_the_gate_reads_it(desk: Reception) -> None:
    desk.knock(CHILD, phone=PHONE)
    assert desk.let_back(phone="(201) 555-0147", country="us") == 1


def test_staff_id_that_is_too_long_to_be_kept_is_named(reception: Reception) -> None:
    """The audit's column has 120 characters; PostgreSQL is the one that counts them."""
    with pytest.raises(InputError, match="--by"):
        readmit(reception.config, email=EMAIL, by="s" * 121, because="mistyped", now=NOW)


def test_moment_without_a_time_zone_is_the_callers_mistake(desk: Reception) -> None:
    with pytest.raises(ValueError, match="aware"):
        desk.let_back(NOW.replace(tzinfo=None), email=EMAIL)


def test_store_that_is_missing_lets_nobody_back(desk: Reception) -> None:
    Path(str(desk.config.store_url.database)).unlink()
    with pytest.raises(DatabaseError):
        desk.let_back(email=EMAIL)


def test_configuration_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        readmit(Config.load(tmp_path / "none.toml"), email=EMAIL, by="s", because="mistyped")


# --- the command --------------------------------------------------------------------------------------------


def command(run: Run, desk: Reception, *words: str) -> Ran:
    return run("review", "readmit", *words, "--config", desk.layout.folder / "agegate.toml")


WHOLE = ("--email", EMAIL, "--phone", "201 555 0147", "--country", "US", "--device", DEVICE)
REASON = ("--by", "s-17", "--because", "mistyped")


def test_command_lets_a_person_back(run: Run, desk: Reception) -> None:
    desk.knock(CHILD, datetime.now(NOW.tzinfo), **BOTH, device=DEVICE)
    done = command(run, desk, *WHOLE, *REASON)
    assert (done.code, done.err) == (0, "")
    assert done.out == "3 mark(s) lifted; the person may answer once more within 7 days\n"
    present = datetime.now(NOW.tzinfo)
    assert desk.knock(ADULT, present, cookie=True, **BOTH, device=DEVICE).outcome is ADMIT
    assert [(actor, subject) for actor, subject, _ in desk.events()] == [("s-17", None)]


def test_command_answers_in_json(run: Run, desk: Reception) -> None:
    desk.knock(CHILD, datetime.now(NOW.tzinfo), email=EMAIL)
    for lifted in (1, 0):
        done = command(run, desk, "--email", EMAIL, *REASON, "--json")
        assert (done.code, done.err, done.json) == (0, "", {"schema": 1, "lifted": lifted})


SLIPS = [
    # options; what the line names
    ((*REASON,), "--email or --phone"),
    ((*REASON, "--device", DEVICE), "--email or --phone"),
    ((*REASON, "--email", "kestrelwren"), "email"),
    ((*REASON, "--email", ""), "email"),
    ((*REASON, "--phone", "5550147"), "phone"),
    ((*REASON, "--phone", "(201) 555-0147"), "country"),
    (("--by", " ", "--because", "mistyped", "--email", EMAIL), "--by"),
    (("--by", "s-17", "--because", "pity", "--email", EMAIL), "mistyped, shared_device, not_the_person"),
]


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(("words", "named"), SLIPS)
def test_command_names_a_slip_in_a_line_and_changes_nothing(
    run: Run, desk: Reception, words: tuple[str, ...], named: str, as_json: tuple[str, ...]
) -> None:
    desk.knock(CHILD, **BOTH, device=DEVICE)
    done = command(run, desk, *words, *as_json)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"agegate: [^\n]+\n", done.err)
    assert named in done.err
    assert [
        trace for trace in ("kestrelwren", "555", DEVICE) if trace in done.err.replace(" 555 0123", "")
    ] == []
    assert (desk.marks(), desk.events()) == (3, [])


@pytest.mark.parametrize("missing", ["--by", "--because"])
def test_command_asks_for_who_and_why(run: Run, desk: Reception, missing: str) -> None:
    words = [
        word for pair in (("--by", "s-17"), ("--because", "mistyped")) if pair[0] != missing for word in pair
    ]
    done = command(run, desk, "--email", EMAIL, *words)
    assert (done.code, done.out) == (2, "")
    assert missing in done.err
    assert "kestrelwren" not in done.err


def test_command_of_a_ring_with_a_new_key_lifts_the_old_marks(run: Run, desk: Reception) -> None:
    desk.knock(CHILD, datetime.now(NOW.tzinfo), email=EMAIL)
    desk.turn_the_key()
    assert command(run, desk, "--email", EMAIL, *REASON, "--json").json["lifted"] == 1


def test_host_need_not_be_there_to_let_somebody_back(run: Run, desk: Reception) -> None:
    """Who was refused has no account: only the store is asked."""
    Path(str(desk.config.host_url.database)).unlink()
    assert command(run, desk, "--email", EMAIL, *REASON).code == 0
