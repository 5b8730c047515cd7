"""What the gate remembers: a keyed, expiring marker of a refusal, and nothing else of anybody."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agegate import AccountState, AgeGate, Decision, Outcome, Reason, Registration, Service
from agegate.errors import AgegateError, ConfigError, DatabaseError, KeyRingError
from agegate.keys import ENVIRONMENT, KeyRing
from agegate.review import Desk
from agegate.signup.refusals import Terms
from agegate.store import Store
from agegate.sweep import Sweep
from tests.conftest import NOW, Layout, write_config
from tests.hosts import DESCRIPTION, enrol, school

CHILD = "2015-04-17"
ADULT = "1984-04-17"
EMAIL, PHONE, DEVICE = "kestrelwren@example.org", "+1 201 555 0147", "device-zyzzyva-8861"
KEYS = KeyRing.generate()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Desktop:
    """A gate on a store of the test's own, and what lies in that store."""

    def __init__(self, url: str, keys: KeyRing = KEYS, terms: Terms | None = None) -> None:
        self.store = Store(url, create=True)
        self.store.create()
        self.gate = AgeGate(store=self.store, keys=keys, terms=terms)

    def knock(self, born: str = ADULT, now: datetime = NOW, country: str = "US", **fields: Any) -> Decision:
        return self.gate.check(Registration(birth_date=born, country=country, **fields), now=now)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table in the database, agegate's or not."""
        with self.store.reading() as connection:
            found = sa.inspect(connection)
            schemas = [None, *(["agegate"] if connection.dialect.name == "postgresql" else [])]
            names = [(schema, name) for schema in schemas for name in found.get_table_names(schema=schema)]
            assert len(names) > 8
            return {
                name: [
                    tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {_full(schema, name)}"))
                ]
                for schema, name in names
                if name != "agegate_version"  # which migrations the tables have had
            }

    def filled(self) -> set[str]:
        return {name for name, rows in self.tables().items() if rows}

    def drop(self, table: str) -> None:
        schema = "agegate" if self.store.url.get_backend_name() == "postgresql" else None
        with self.store.writing() as connection:
            connection.execute(sa.text(f"DROP TABLE {_full(schema, table)}"))


def _full(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


@pytest.fixture
def desk(database: str) -> Iterator[Desktop]:
    made = Desktop(database)
    yield made
    made.store.dispose()


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[Desktop]:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    made = Desktop(f"sqlite:///{tmp_path}/one.db")
    yield made
    made.store.dispose()


# --- who is recognised ----------------------------------------------------------------------------

RECOGNISED = [
    # what was given when refused; what is given the next time; whether it is recognised
    ({"email": EMAIL}, {"email": EMAIL}, True),
    ({"email": EMAIL}, {"email": "KestrelWren@EXAMPLE.org"}, True),
    ({"email": EMAIL}, {"email": "kestrelwren+again@example.org"}, True),
    ({"email": "kestrelwren+new@example.org"}, {"email": EMAIL}, True),
    ({"email": "kestrel.wren+x@gmail.com"}, {"email": "KestrelWren@googlemail.com"}, True),
    ({"email": "kestrel.wren@example.org"}, {"email": EMAIL}, False),
    ({"email": EMAIL}, {"email": "kestrel@example.org"}, False),
    ({"email": EMAIL}, {"email": "kestrelwren@example.com"}, False),
    ({"phone": PHONE}, {"phone": "(201) 555-0147"}, True),
    ({"phone": PHONE}, {"phone": "+12015550147"}, True),
    ({"phone": "201.555.0147"}, {"phone": PHONE, "country": "GB"}, True),
    ({"phone": PHONE}, {"phone": "+1 201 555 0148"}, False),
    ({"device": DEVICE}, {"device": DEVICE}, True),
    ({"device": DEVICE}, {"device": DEVICE.upper()}, False),
    ({"email": EMAIL, "device": DEVICE}, {"device": DEVICE}, True),
    ({"email": EMAIL, "phone": PHONE}, {"phone": PHONE, "email": "other@example.org"}, True),
    ({"email": EMAIL}, {"device": EMAIL}, False),
    ({"email": EMAIL}, {"email": EMAIL, "country": "JP"}, True),
    ({"email": EMAIL}, {}, False),
    ({}, {"email": EMAIL}, False),
]


@pytest.mark.parametrize(("refused", "again", "known"), RECOGNISED)
def test_refused_person_is_recognised_by_what_was_given(
    sqlite_desk: Desktop, refused: dict[str, str], again: dict[str, str], known: bool
) -> None:
    assert sqlite_desk.knock(CHILD, **refused).reason is Reason.UNDER_LIMIT
    second = sqlite_desk.knock(ADULT, NOW + HOUR, **again)
    expected = (Outcome.REFUSE, Reason.REFUSED_BEFORE) if known else (Outcome.ADMIT, Reason.OLD_ENOUGH)
    assert (second.outcome, second.reason) == expected


def test_same_child_again_is_refused_before_and_never_told_more(desk: Desktop) -> None:
    first, second = desk.knock(CHILD, email=EMAIL), desk.knock(CHILD, NOW + HOUR, email=EMAIL)
    assert second.reason is Reason.REFUSED_BEFORE
    assert (second.limit, second.residence, second.errors) == (first.limit, first.residence, ())


# --- for how long -----------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)
TERMS = [
    ({"device": DEVICE}, 24 * HOUR),
    ({"email": EMAIL}, 30 * DAY),
    ({"phone": PHONE}, 30 * DAY),
]


@pytest.mark.parametrize(("handle", "term"), TERMS)
def test_memory_ends_with_its_term_and_a_fresh_refusal_starts_another(
    desk: Desktop, handle: dict[str, str], term: timedelta
) -> None:
    desk.knock(CHILD, NOW, **handle)
    assert desk.knock(ADULT, NOW + term - MINUTE, **handle).outcome is Outcome.REFUSE
    assert desk.knock(ADULT, NOW + term, **handle).outcome is Outcome.ADMIT
    later = NOW + term + HOUR
    assert desk.knock(CHILD, later, **handle).reason is Reason.UNDER_LIMIT
    assert desk.knock(ADULT, later + term - MINUTE, **handle).outcome is Outcome.REFUSE
    assert desk.knock(ADULT, later + term, **handle).outcome is Outcome.ADMIT


@pytest.mark.parametrize(("handle", "term"), TERMS)
def test_retry_does_not_prolong_the_memory(desk: Desktop, handle: dict[str, str], term: timedelta) -> None:
    desk.knock(CHILD, NOW, **handle)
    for part in (1, 2, 3):
        assert desk.knock(CHILD, NOW + part * term / 4, **handle).outcome is Outcome.REFUSE
        assert desk.knock(ADULT, NOW + part * term / 4, **handle).outcome is Outcome.REFUSE
    assert desk.knock(ADULT, NOW + term, **handle).outcome is Outcome.ADMIT


def test_end_of_the_memory_depends_on_the_refusal_alone(desk: Desktop) -> None:
    for number, born in enumerate(("2014-12-31", "2020-02-29", "2016", "2017-05")):
        desk.knock(born, email=f"wren{number}@example.org", country=("US", "FR", "DE", "KR")[number])
    assert {str(row[1])[:19] for row in desk.tables()["agegate_refusal"]} == {"2026-12-22 12:00:00"}


def test_terms_are_the_operators(database: str) -> None:
    desk = Desktop(database, terms=Terms(device=HOUR, contact=2 * HOUR))
    desk.knock(CHILD, email=EMAIL, device=DEVICE)
    outcomes = [
        desk.knock(ADULT, NOW + HOUR, **handle).outcome for handle in ({"device": DEVICE}, {"email": EMAIL})
    ]
    assert outcomes == [Outcome.ADMIT, Outcome.REFUSE]
    assert desk.knock(ADULT, NOW + 3 * HOUR, email=EMAIL).outcome is Outcome.ADMIT
    desk.store.dispose()


# --- what is kept ---------------------------------------------------------------------------------


def test_admission_leaves_an_event_and_no_marker(desk: Desktop) -> None:
    assert desk.knock(ADULT, email=EMAIL, phone=PHONE, device=DEVICE).outcome is Outcome.ADMIT
    assert desk.filled() == {"agegate_event"}
    (event,) = desk.tables()["agegate_event"]
    assert event[2:5] == ("signup.admitted", "gate", None)
    assert json.loads(event[5]) == {"jurisdiction": "US", "rule": "us-coppa"}


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"country": "XX"}, {"born": "2012-02-31"}, {"phone": "12"}]
)
def test_registration_that_cannot_be_read_leaves_nothing(sqlite_desk: Desktop, wrong: dict[str, str]) -> None:
    given = {"born": CHILD, "email": EMAIL, "device": DEVICE} | wrong
    assert sqlite_desk.knock(**given).outcome is Outcome.INVALID
    assert sqlite_desk.filled() == set()


TRACES = [
    *("kestrelwren", "example.org", "2015550147", "5550147", "zyzzyva", "8861", "hushwood"),
    *(
        "2015-04-17",
        "2015-04",
        "20150417",
        "17.04.2015",
        "04/17/2015",
        "16542",
        "735705",
    ),  # days since 1970, 0001
    *("2028-04-17", "2028-04", "1429228800", "192.0.2.77", "Antarctica/Troll"),
]


@pytest.mark.parametrize("born", [CHILD, "2015-04"])
def test_refusal_keeps_nothing_of_the_child(desk: Desktop, tmp_path: Path, born: str) -> None:
    fields = {"email": EMAIL, "phone": PHONE, "device": f"{DEVICE}-192.0.2.77", "billing_country": "US"}
    fields |= {"ip_country": "US", "locale": "en-hushwood", "time_zone": "Antarctica/Troll", "region": "NJ"}
    for when in (NOW, NOW + HOUR):
        assert desk.knock(born, when, **fields).outcome is Outcome.REFUSE
    kept = desk.tables()
    assert desk.filled() == {"agegate_refusal", "agegate_event"}
    assert len(kept["agegate_refusal"]) == 3
    assert {len(row) for row in kept["agegate_refusal"]} == {2}, "a tag and its end"
    desk.store.dispose()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert bool(files) == (desk.store.url.get_backend_name() == "sqlite")
    places = {"the tables": repr(kept).lower()}
    places |= {file.name: file.read_bytes().decode("latin-1").lower() for file in files}
    found = [(trace, place) for trace in TRACES for place, held in places.items() if trace.lower() in held]
    assert found == []


def test_children_of_any_age_leave_the_same_but_for_their_tags(desk: Desktop) -> None:
    for number, born in enumerate(("2015-04-17", "2022-10-03")):
        desk.knock(born, email=f"wren{number}@example.org")
    events = [row[1:] for row in desk.tables()["agegate_event"]]
    assert len(events) == 2
    assert events[0] == events[1]
    assert len({row[1:] for row in desk.tables()["agegate_refusal"]}) == 1


def test_marker_and_event_are_kept_together_or_not_at_all(desk: Desktop) -> None:
    desk.drop("agegate_event")
    with pytest.raises(DatabaseError):
        desk.knock(CHILD, email=EMAIL)
    assert desk.tables()["agegate_refusal"] == []


@pytest.mark.parametrize("born", [CHILD, ADULT])
@pytest.mark.parametrize("table", ["agegate_refusal", "agegate_event"])
def test_broken_store_admits_nobody(desk: Desktop, table: str, born: str) -> None:
    desk.drop(table)
    with pytest.raises(DatabaseError, match="agegate db upgrade") as raised:
        desk.knock(born, email=EMAIL, phone=PHONE, device=DEVICE)
    assert not [trace for trace in TRACES if trace in str(raised.value)]


def test_file_that_is_no_database_admits_nobody(tmp_path: Path) -> None:
    desk = Desktop(f"sqlite:///{tmp_path}/one.db")
    desk.store.dispose()
    (tmp_path / "one.db").write_bytes(b"no database at all" * 500)
    with pytest.raises(AgegateError, match=r"one\.db"):
        desk.knock(ADULT, email=EMAIL)


# --- keys -------------------------------------------------------------------------------------------


def rotated(ring: KeyRing) -> KeyRing:
    """The ring after a key was replaced: the old one recognises, a new one makes tags."""
    (old,) = ring.keys
    new = replace(KeyRing.generate().current, id="k2")
    return KeyRing((replace(old, retired=NOW), new))


def test_retired_key_still_recognises(desk: Desktop, database: str) -> None:
    desk.knock(CHILD, email=EMAIL)
    later = Desktop(database, rotated(KEYS))
    assert later.knock(ADULT, NOW + DAY, email=EMAIL).reason is Reason.REFUSED_BEFORE
    assert Desktop(database, KeyRing.generate()).knock(ADULT, NOW + DAY, email=EMAIL).outcome is Outcome.ADMIT


def test_retry_under_a_new_key_does_not_prolong_the_memory(desk: Desktop, database: str) -> None:
    desk.knock(CHILD, email=EMAIL)
    later = Desktop(database, rotated(KEYS))
    assert later.knock(ADULT, NOW + 29 * DAY, email=EMAIL).outcome is Outcome.REFUSE
    assert later.knock(ADULT, NOW + 31 * DAY, email=EMAIL).outcome is Outcome.ADMIT


# --- opening ----------------------------------------------------------------------------------------


@pytest.fixture
def no_ring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.chdir(tmp_path)


def test_open_makes_tables_and_a_private_key_file_beside_a_sqlite_file(tmp_path: Path, no_ring: None) -> None:
    url = f"sqlite:///{tmp_path}/gate.db"
    child = Registration(birth_date=CHILD, country="US", email=EMAIL)
    assert AgeGate.open(url).check(child, now=NOW).reason is Reason.UNDER_LIMIT
    ring = tmp_path / "agegate.keys"
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    made = ring.read_bytes()
    again = AgeGate.open(url, service=Service(floor=12)).check(replace(child, birth_date=ADULT), now=NOW)
    assert again.reason is Reason.REFUSED_BEFORE
    assert ring.read_bytes() == made


def test_open_refuses_a_key_file_that_others_can_read(tmp_path: Path, no_ring: None) -> None:
    AgeGate.open(f"sqlite:///{tmp_path}/gate.db")
    (tmp_path / "agegate.keys").chmod(0o644)
    with pytest.raises(KeyRingError, match="chmod 600"):
        AgeGate.open(f"sqlite:///{tmp_path}/gate.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "not a url"])
def test_open_refuses_what_cannot_remember(url: str, tmp_path: Path, no_ring: None) -> None:
    with pytest.raises(DatabaseError):
        AgeGate.open(url)
    assert list(tmp_path.iterdir()) == []


def test_open_on_postgresql_asks_for_tables_and_a_key(
    new_database: Any, monkeypatch: pytest.MonkeyPatch, no_ring: None
) -> None:
    url = new_database()
    with pytest.raises(DatabaseError, match="agegate db upgrade"):
        AgeGate.open(url)
    store = Store(url)
    store.upgrade()
    store.dispose()
    with pytest.raises(KeyRingError, match="missing"):
        AgeGate.open(url)
    monkeypatch.setenv(ENVIRONMENT, KEYS.dump())
    child = Registration(birth_date=CHILD, country="US", email=EMAIL)
    assert AgeGate.open(url).check(child, now=NOW).outcome is Outcome.REFUSE
    again = replace(child, birth_date=ADULT)
    assert AgeGate.open(url).check(again, now=NOW).reason is Reason.REFUSED_BEFORE
    assert not list(Path().iterdir())


def test_from_config_takes_service_and_terms_from_the_file(layout: Layout) -> None:
    sections = {"service": "floor = 14", "gate": "device_hours = 2\ncontact_days = 1"}
    write_config(layout, DESCRIPTION, **sections)
    gate = AgeGate.from_config(layout.folder / "agegate.toml")
    born = Registration(birth_date="2013-01-01", country="US", email=EMAIL, device=DEVICE)
    assert gate.check(born, now=NOW).reason is Reason.UNDER_LIMIT
    adult = replace(born, birth_date=ADULT)
    known = {
        "device": [gate.check(replace(adult, email=None), now=NOW + hours * HOUR).reason for hours in (1, 2)],
        "email": [gate.check(replace(adult, device=None), now=NOW + hours * HOUR).reason for hours in (23, 24)],
    }
    assert set(map(tuple, known.values())) == {(Reason.REFUSED_BEFORE, Reason.OLD_ENOUGH)}


def test_from_config_asks_for_tables_that_are_missing(layout: Layout, no_ring: None) -> None:
    layout.run("CREATE TABLE t (id INTEGER)")
    (layout.folder / "agegate.toml").write_text(f'[store]\nurl = "{layout.host}"\n', encoding="utf-8")
    with pytest.raises(DatabaseError, match="agegate db upgrade"):
        AgeGate.from_config()
    assert not (layout.folder / "agegate.keys").exists()


# --- accounts that are there --------------------------------------------------------------------------


def test_account_state_is_a_state_and_nothing_else(layout: Layout) -> None:
    config = school(layout)
    enrol(layout, 1, born="2016-03-01")
    enrol(layout, 2, bio="I'm 11 and I draw.")
    enrol(layout, 3, born="1980-03-01")
    gate = AgeGate.from_config(layout.folder / "agegate.toml")
    active, quarantined = AccountState.ACTIVE, AccountState.QUARANTINED
    assert [gate.account_state(key) for key in "123"] == [active] * 3
    Sweep(config).run(apply=True, now=NOW)
    assert [gate.account_state(key) for key in "123"] == [quarantined, active, active], (
        "a score never restricts"
    )
    desk = Desk(config)
    cases = {desk.show(line.case).account: line.case for line in desk.list()}
    desk.confirm(cases["2"], by="staff-1", reason="says so", now=NOW)
    desk.clear(cases["1"], by="staff-1", reason="a slip", now=NOW)
    assert [gate.account_state(key) for key in ("1", "2", "4")] == [active, quarantined, active]


def test_gate_without_a_store_knows_no_accounts() -> None:
    with pytest.raises(ConfigError, match="from_config"):
        AgeGate().account_state("1")


def test_moments_in_any_time_zone_are_the_same(desk: Desktop) -> None:
    east = NOW.astimezone(UTC).astimezone(datetime.fromisoformat("2026-01-01T00:00:00+14:00").tzinfo)
    desk.knock(CHILD, east, email=EMAIL)
    assert desk.knock(ADULT, NOW + 30 * DAY - MINUTE, email=EMAIL).outcome is Outcome.REFUSE
    assert desk.knock(ADULT, NOW + 30 * DAY, email=EMAIL).outcome is Outcome.ADMIT
