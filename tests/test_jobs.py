"""Jobs: whom a change of law reaches on a real host, and what the doctor finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from agegate.config import Config
from agegate.errors import DatabaseError, HostError
from agegate.jobs import LawImpact, diagnose, law_impact
from agegate.keys import ENVIRONMENT as KEY_RING
from agegate.law.lint import Finding
from agegate.store import tables
from tests.conftest import TODAY, Layout
from tests.hosts import enrol, school, snapshot


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key ring from the environment of whoever runs the tests."""
    monkeypatch.delenv(KEY_RING, raising=False)


@pytest.fixture
def host(tmp_path: Path) -> Layout:
    """The embedded default alone, for tables of cases that do not depend on the database."""
    return Layout("sqlite-apart", f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path)


# --- whom a change of law reaches -------------------------------------------------------------------

BEFORE, RISE = date(2023, 12, 31), date(2024, 1, 1)
"""Denmark's age rose from 13 to 15."""

DK, IN = ("DK", "dk-dbl-s6-2024"), ("IN", "in-dpdp-s9")

REACHED: dict[str, tuple[dict[str, Any], date, date, tuple[str, str] | None, bool]] = {
    # who: (the account, from, to, what it falls under or None, whether it may come to review)
    "fourteen": ({"country": "DK", "born": "2009-06-01"}, BEFORE, RISE, DK, True),
    "thirteen today": ({"country": "DK", "born": "2011-01-01"}, BEFORE, RISE, DK, True),
    "thirteen tomorrow, so under both": ({"country": "DK", "born": "2011-01-02"}, BEFORE, RISE, None, False),
    "fifteen today": ({"country": "DK", "born": "2009-01-01"}, BEFORE, RISE, None, False),
    "fifteen tomorrow": ({"country": "DK", "born": "2009-01-02"}, BEFORE, RISE, DK, True),
    "turned fifteen meanwhile": (
        {"country": "DK", "born": "2009-05-01"},
        BEFORE,
        date(2024, 6, 1),
        None,
        False,
    ),
    "turned thirteen meanwhile": ({"country": "DK", "born": "2011-05-01"}, BEFORE, date(2024, 6, 1), DK, True),
    "year known only": ({"country": "DK", "born": "2009"}, BEFORE, RISE, DK, True),
    "made after the rise": (
        {"country": "DK", "born": "2010-01-01", "created": "2024-03-01"},
        BEFORE,
        date(2024, 6, 1),
        DK,
        True,
    ),
    "an adult": ({"country": "DK", "born": "1980-06-01"}, BEFORE, RISE, None, False),
    "another country": ({"country": "DE", "born": "2009-06-01"}, BEFORE, RISE, None, False),
    "under the floor, always": ({"country": "DK", "born": "2015-06-01"}, BEFORE, RISE, None, False),
    "the same day twice": ({"country": "DK", "born": "2009-06-01"}, RISE, RISE, None, False),
    "after the change": ({"country": "DK", "born": "2010-06-01"}, RISE, date(2024, 2, 1), None, False),
    "law that only the door knows": (
        {"country": "IN", "born": "2011-06-01"},
        date(2027, 5, 12),
        date(2027, 5, 13),
        IN,
        False,
    ),
}


@pytest.mark.parametrize("who", REACHED)
def test_whom_a_change_of_law_reaches(host: Layout, who: str) -> None:
    account, start, end, key, reviewable = REACHED[who]
    config = school(host)
    enrol(host, 1, **{"created": "2023-06-01", **account})
    impact = law_impact(config, start=start, end=end)
    assert (impact.accounts, impact.undated, impact.placeless) == (1, 0, 0)
    assert dict(impact.under) == ({key: 1} if key else {})
    assert +impact.reviewable == ({key: 1} if key and reviewable else {})


def danes(layout: Layout, **sections: str) -> Config:
    """Eleven accounts: four Danes whom the rise reaches, seven whom it does not, each for another reason."""
    config = school(layout, **sections)
    for number in range(1, 5):
        enrol(layout, number, country="DK", born=f"2009-06-{number:02}", created="2023-06-01")
    enrol(layout, 5, country="DK", created="2023-06-01")
    enrol(layout, 6, country="DK", born="soon", created="2023-06-01")
    enrol(layout, 7, country="", born="2009-06-01", created="2023-06-01")
    enrol(layout, 8, country="Danmark", born="2009-06-01", created="2023-06-01")
    enrol(layout, 9, country="", created="2023-06-01")
    enrol(layout, 10, country="DK", born="1980-06-01", created="2023-06-01")
    enrol(layout, 11, country="US", born="2009-06-01", created="2023-06-01")
    return config


@pytest.mark.parametrize("chunk", [1, 4, 11, 1000])
def test_impact_reads_every_account_once_and_writes_nothing(layout: Layout, chunk: int) -> None:
    config = danes(layout, sweep=f"chunk = {chunk}")
    before = snapshot(layout)
    seen: list[tuple[int, int]] = []
    impact = law_impact(config, start=BEFORE, end=RISE, progress=lambda done, total: seen.append((done, total)))
    assert (impact.accounts, impact.undated, impact.placeless) == (11, 3, 3)
    assert dict(impact.under) == dict(impact.reviewable) == {DK: 4}
    assert seen == [(min(done, 11), 11) for done in range(chunk, 11 + chunk, chunk)]
    assert snapshot(layout) == before
    assert layout.rows(f"SELECT count(*) FROM {layout.own('agegate_event')}", store=True) == [(0,)]


def test_impact_of_an_empty_host_is_nothing(layout: Layout) -> None:
    assert law_impact(school(layout), start=BEFORE, end=RISE) == LawImpact()


def test_impact_counts_the_services_own_rule(host: Layout) -> None:
    own = "[[service.stricter]]\njurisdiction = 'US'\nage = 15\nfrom = 2024-01-01\nreason = 'schools asked'\n"
    impact = law_impact(danes(host, service=own), start=BEFORE, end=RISE)
    assert dict(impact.under) == {DK: 4, ("US", "own:US"): 1}
    assert dict(impact.reviewable) == {DK: 4, ("US", "own:US"): 1}


def test_impact_needs_a_host_as_it_is_described(host: Layout) -> None:
    config = danes(host)
    host.run("ALTER TABLE people RENAME COLUMN born TO birthday")
    with pytest.raises(HostError, match=r"people\.born"):
        law_impact(config, start=BEFORE, end=RISE)
    (host.folder / "host.db").unlink()
    with pytest.raises(DatabaseError, match="no such file"):
        law_impact(config, start=BEFORE, end=RISE)


# --- the doctor -------------------------------------------------------------------------------------

SOCIAL = "kinds = ['social_media']\n"
TURKEY = "[[service.stricter]]\njurisdiction = 'TR'\nage = 15\nfrom = {day}\nreason = 'its law begins soon'\n"


def without(*files: str) -> Callable[[Layout], None]:
    def remove(layout: Layout) -> None:
        for file in files:
            (layout.folder / file).unlink()

    return remove


def written(name: str, content: bytes) -> Callable[[Layout], None]:
    def write(layout: Layout) -> None:
        (layout.folder / name).write_bytes(content)

    return write


def edited(old: str, new: str) -> Callable[[Layout], None]:
    def edit(layout: Layout) -> None:
        file = layout.folder / "agegate.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def nothing(_layout: Layout) -> None:
    """Nothing is done to the host."""


@dataclass(frozen=True)
class Illness:
    """What is wrong with a host, and what the doctor says of it."""

    part: str
    named: tuple[str, ...]
    harm: Callable[[Layout], None] = nothing
    service: str = ""
    gate: str = ""
    level: str = "error"


ILLNESSES = {
    "a service for children": Illness(
        "service",
        ("directed_to_children", "16 CFR 312.2", "consent"),
        service="audience = 'directed_to_children'",
    ),
    "an own rule that is looser than the law": Illness(
        "service",
        ("service.stricter FR", "looser than the 15"),
        service=TURKEY.replace("TR", "FR").replace("15", "14").format(day="2026-01-01"),
    ),
    "an establishment that is no country": Illness(
        "service", ("service.established_in",), service="established_in = 'UK'"
    ),
    "guidance that there is not": Illness("service", ("service.policy", "FR"), service="policy = ['FR']"),
    "no store": Illness("store", ("agegate.db", "no such file"), without("agegate.db")),
    "an empty store": Illness(
        "store", ("no agegate tables", "agegate db upgrade"), edited("agegate.db", "host.db")
    ),
    "no keys": Illness("keys", ("agegate.keys", "agegate db upgrade"), without("agegate.keys")),
    "keys that are none": Illness("keys", ("agegate.keys", "backup"), written("agegate.keys", b"{}")),
    "a table that nobody declared": Illness(
        "host",
        ("badges", "declare it"),
        lambda layout: layout.run(
            "CREATE TABLE badges (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people (id))"
        ),
    ),
    "a column that is not there": Illness(
        "host",
        ("people.born",),
        lambda layout: layout.run("ALTER TABLE people RENAME COLUMN born TO birthday"),
    ),
    "no host's database": Illness("host", ("host.db", "no such file"), without("host.db")),
    "no IP database": Illness("gate", ("gate.ip_database", "geo.mmdb"), gate="ip_database = 'geo.mmdb'"),
    "an IP database of another format": Illness(
        "gate",
        ("gate.ip_database", "geo.mmdb"),
        written("geo.mmdb", b"network,country\n"),
        gate="ip_database = 'geo.mmdb'",
    ),
    "an empty IP database": Illness(
        "gate", ("gate.ip_database", "geo.mmdb"), written("geo.mmdb", b""), gate="ip_database = 'geo.mmdb'"
    ),
    "a folder for an IP database": Illness(
        "gate",
        ("gate.ip_database",),
        lambda layout: (layout.folder / "geo").mkdir(),
        gate="ip_database = 'geo'",
    ),
    "enacted law whose day nobody knows": Illness(
        "law: tr.toml: tr-law5651-under15",
        ("first day is not known", "service.stricter for TR to 15"),
        service=SOCIAL,
    ),
    "the same, cured too late": Illness(
        "law: tr.toml: tr-law5651-under15",
        ("first day is not known",),
        service=SOCIAL + TURKEY.format(day="2027-01-01"),
    ),
    "no description of a host": Illness(
        "host",
        ("no [host]", "sign-up works"),
        lambda layout: (
            (layout.folder / "agegate.toml").write_text(f'[store]\nurl = "{layout.store}"\n') and None
        ),
        level="warning",
    ),
}


def ill(layout: Layout, *illnesses: Illness) -> list[Finding]:
    """What the doctor finds at a school with some illnesses."""
    gate = "".join(f"{illness.gate}\n" for illness in illnesses if illness.gate)
    school(layout, service="\n".join(illness.service for illness in illnesses), gate=gate)
    for illness in illnesses:
        illness.harm(layout)
    return diagnose(Config.load(layout.folder / "agegate.toml"), on=TODAY)


def errors(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.level == "error"]


@pytest.mark.parametrize("what", ILLNESSES)
def test_each_illness_is_found_alone_and_named(host: Layout, what: str) -> None:
    illness = ILLNESSES[what]
    found = ill(host, illness)
    matching = [finding for finding in found if (finding.level, finding.where) == (illness.level, illness.part)]
    assert len(matching) == 1, found
    assert [word for word in illness.named if word not in matching[0].what] == []
    assert errors(found) == [finding for finding in matching if finding.level == "error"]
    assert [str(finding) for finding in found if "\n" in str(finding)] == []
    assert str(matching[0]) == f"{illness.level}: {illness.part}: {matching[0].what}"


def test_healthy_host_has_no_errors(layout: Layout) -> None:
    found = diagnose(school(layout), on=TODAY)
    assert errors(found) == []
    assert all(finding.where.startswith("law: ") for finding in found), "what is to be looked at again"
    assert found


def test_own_rule_cures_a_law_without_a_day(host: Layout) -> None:
    config = school(host, service=SOCIAL + TURKEY.format(day=TODAY))
    assert errors(diagnose(config, on=TODAY)) == []
    assert [finding.where for finding in errors(diagnose(config, on=TODAY - timedelta(days=1)))] == [
        "law: tr.toml: tr-law5651-under15"
    ]


def test_readable_ip_database_is_no_illness(host: Layout) -> None:
    config = school(host, gate="ip_database = 'geo.mmdb'")
    writer = MMDBWriter()
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "FR"}})
    writer.to_db_file(str(host.folder / "geo.mmdb"))
    assert errors(diagnose(config, on=TODAY)) == []


def test_keys_that_others_can_read_are_found(host: Layout) -> None:
    config = school(host)
    config.key_file.chmod(0o644)
    (finding,) = errors(diagnose(config, on=TODAY))
    assert (finding.where, "chmod 600" in finding.what) == ("keys", True)


def test_store_of_another_version_is_found_with_both(layout: Layout) -> None:
    config = school(layout)
    version = sa.text(f"UPDATE {layout.own('agegate_version')} SET version_num = '0001'")
    engine = layout.engine(layout.store)
    with engine.begin() as connection:
        connection.execute(version)
    engine.dispose()
    (finding,) = errors(diagnose(config, on=TODAY))
    assert (finding.where, "0001" in finding.what, tables.VERSION in finding.what) == ("store", True, True)


def test_every_illness_is_found_beside_the_others(host: Layout) -> None:
    """Nothing hides behind anything else: whoever mends, mends all of it at once."""
    names = (
        *("a service for children", "an own rule that is looser than the law", "no store", "no keys"),
        *("no host's database", "no IP database", "enacted law whose day nobody knows"),
    )
    order = sorted(
        names, key=lambda name: "[[" in ILLNESSES[name].service
    )  # a table's keys come before its tables
    found = errors(ill(host, *(ILLNESSES[name] for name in order)))
    assert sorted(finding.where for finding in found) == sorted(ILLNESSES[name].part for name in names)


def test_server_that_is_gone_is_said_of_host_and_store(host: Layout) -> None:
    config = school(host)
    text = (host.folder / "agegate.toml").read_text(encoding="utf-8")
    for url in (host.host, host.store):
        text = text.replace(url, "postgresql://app:hushwood@/school?host=/nonexistent/run")
    (host.folder / "agegate.toml").write_text(text, encoding="utf-8")
    found = errors(diagnose(Config.load(host.folder / "agegate.toml"), on=TODAY))
    assert [finding.where for finding in found] == ["store", "host"]
    assert "hushwood" not in repr(found)
    assert config.key_ring


def test_doctor_changes_nothing(host: Layout) -> None:
    config = school(host)
    enrol(host, 1, born="2016-05-01")
    before = {
        file: file.read_bytes() for file in host.folder.iterdir() if file.suffix in {".db", ".toml", ".keys"}
    }
    diagnose(config, on=TODAY)
    assert {file: file.read_bytes() for file in before} == before
