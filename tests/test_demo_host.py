"""The demo's host: a description without findings, people who are the same every time, and nobody real."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import phonenumbers
import pytest
import sqlalchemy as sa

from agegate.birthdate import BirthDate, anniversary
from agegate.config import Config
from agegate.database import open_engine, parse_url, reading
from agegate.demo import people, rows, schema
from agegate.demo.build import build
from agegate.demo.world import COUNTRIES, WORDS, YEARS, World
from agegate.errors import StateError
from agegate.host import Host, HostSection
from agegate.law.rulebook import Rulebook
from agegate.model import CATEGORIES, Account, Service

TODAY = date(2026, 3, 1)
ACCOUNTS = 300
KINDS = ("profile", "ticket")
DESCRIBED: Mapping[str, Any] = tomllib.loads(
    resources.files("agegate.demo").joinpath("agegate.toml").read_text(encoding="utf-8")
)["host"]
TABLES: Mapping[str, Any] = DESCRIBED["tables"]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `agegate.toml` of a small demo."""
    return build(tmp_path_factory.mktemp("demo") / "host", accounts=ACCOUNTS, today=TODAY)


@pytest.fixture(scope="module")
def content(described: Path) -> dict[str, list[dict[str, Any]]]:
    return dump(described)


@pytest.fixture
def host(described: Path) -> Iterator[Host]:
    found = Config.load(described).open_host()
    yield found
    found.dispose()


@pytest.fixture
def world() -> World:
    return World(Random(3), ACCOUNTS, TODAY)


def dump(described: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    engine = open_engine(parse_url("sqlite:///host.db", base=described.parent), read_only=True)
    try:
        with reading(engine) as connection:
            return {
                table.name: [
                    dict(row)
                    for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
                ]
                for table in schema.metadata.sorted_tables
            }
    finally:
        engine.dispose()


def read_all(host: Host) -> list[Account]:
    found: list[Account] = []
    while chunk := host.chunk(found[-1].key if found else None, 97, kinds=KINDS, today=TODAY):
        found += chunk
    return found


def where_found(described: Path, tables: Mapping[str, Any]) -> set[str]:
    """The tables that are reported when these alone are declared."""
    section = HostSection.model_validate({**DESCRIBED, "tables": tables})
    host = Host(section, parse_url(section.url, base=described.parent))
    try:
        return {finding.where.partition(".")[0] for finding in host.check()}
    finally:
        host.dispose()


def templates(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for part in node.values() if isinstance(node, dict) else node:
            yield from templates(part)


# --- the description ---------------------------------------------------------------------------------


def test_nothing_is_undeclared(host: Host) -> None:
    assert host.check() == []


@pytest.mark.parametrize("table", TABLES)
def test_a_table_left_out_is_reported(described: Path, table: str) -> None:
    rest = {name: declared for name, declared in TABLES.items() if name != table}
    assert table in where_found(described, rest)


def test_two_ways_to_the_account_must_be_settled(described: Path) -> None:
    unsettled = {**TABLES, "ticket_messages": {"category": "contact"}}
    assert where_found(described, unsettled) == {"ticket_messages"}


def test_every_foreign_key_is_indexed(host: Host) -> None:
    inspector = sa.inspect(host.engine)
    for table in inspector.get_table_names():
        indexed = {tuple(index["column_names"]) for index in inspector.get_indexes(table)}
        indexed.add(tuple(inspector.get_pk_constraint(table)["constrained_columns"]))
        assert {tuple(key["constrained_columns"]) for key in inspector.get_foreign_keys(table)} <= indexed


def test_every_account_is_read(host: Host) -> None:
    accounts = read_all(host)
    assert len(accounts) == host.count() == ACCOUNTS
    assert not host.unreadable
    assert {text.kind for account in accounts for text in account.texts} == set(KINDS)
    filled = {field for account in accounts for field in account.fields}
    assert filled | {"birth_date"} == set(DESCRIBED["accounts"]["fields"])


# --- the rows ----------------------------------------------------------------------------------------


def test_every_category_has_rows(content: dict[str, list[dict[str, Any]]]) -> None:
    section = HostSection.model_validate(DESCRIBED)
    held = {category for name, table in section.tables.items() if content[name] for category in table.category}
    assert held == set(CATEGORIES)


def test_how_many_rows(content: dict[str, list[dict[str, Any]]]) -> None:
    counts = {name: len(found) for name, found in content.items()}
    assert set(counts) == set(schema.metadata.tables) == {*TABLES, "organisations", "lessons"}
    assert counts["accounts"] == counts["settings"] == ACCOUNTS
    assert counts["profiles"] > 0.7 * ACCOUNTS
    assert counts["support_tickets"] < counts["ticket_messages"] <= 2 * counts["support_tickets"]
    assert min(counts["devices"], counts["access_logs"]) >= ACCOUNTS
    assert all(counts.values())


def test_everything_happened_since_the_service_opened(content: dict[str, list[dict[str, Any]]]) -> None:
    cells = (value for found in content.values() for row in found for value in row.values())
    days = [value.date() for value in cells if isinstance(value, datetime)]
    assert anniversary(TODAY, -YEARS) <= min(days)
    assert max(days) < TODAY


def test_the_same_seed_gives_the_same_host(described: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "again", accounts=ACCOUNTS, today=TODAY)
    assert dump(again) == dump(described)
    assert again.read_bytes() == described.read_bytes()


def test_another_seed_gives_other_people(content: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    other = dump(build(tmp_path / "other", accounts=ACCOUNTS, seed=8, today=TODAY))
    assert other["accounts"] != content["accounts"]
    assert other["organisations"] != content["organisations"]


@pytest.mark.parametrize("accounts", [1, 12])
def test_a_very_small_host(tmp_path: Path, accounts: int) -> None:
    host = Config.load(build(tmp_path, accounts=accounts, today=TODAY)).open_host()
    try:
        assert len(read_all(host)) == accounts
        assert host.check() == []
    finally:
        host.dispose()


@pytest.mark.parametrize("name", ["host.db", "agegate.toml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(StateError, match=r"--dir"):
        build(tmp_path, accounts=1, today=TODAY)
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [(name, "mine")]


def test_a_failure_leaves_no_database(tmp_path: Path) -> None:
    with pytest.raises(OverflowError):
        build(tmp_path, accounts=1, today=date.min)
    assert list(tmp_path.iterdir()) == []


# --- nobody real, and nobody marked ------------------------------------------------------------------


def test_addresses_belong_to_nobody(content: dict[str, list[dict[str, Any]]]) -> None:
    reserved = r"[^@]+@(example\.(com|org|net)|[a-z-]+\.example)"
    towns = "|".join(town.lower() for town in WORDS["names"]["town"])
    pupils = rf"[a-z]+\d{{4}}(\.x\d+)?@students\.({towns})\.k12\.[a-z]{{2}}\.us"
    emails = [row["email"] for row in content["accounts"]]
    assert [email for email in emails if not re.fullmatch(f"{reserved}|{pupils}", email)] == []
    networks = r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}"
    assert all(re.fullmatch(networks, row["ip"]) for row in content["access_logs"])


@pytest.mark.parametrize("column", ["email", "username"])
def test_nobody_shares_a_name_to_sign_in_with(content: dict[str, list[dict[str, Any]]], column: str) -> None:
    assert len({row[column] for row in content["accounts"]}) == ACCOUNTS


@pytest.mark.parametrize(
    ("code", "pattern"), [(code, each) for code, country in COUNTRIES.items() for each in country["phones"]]
)
def test_telephone_numbers_are_well_formed(world: World, code: str, pattern: str) -> None:
    for _ in range(20):
        number = phonenumbers.parse(world.digits(pattern))
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.region_code_for_number(number) == code


def test_no_column_says_who_is_too_young(content: dict[str, list[dict[str, Any]]]) -> None:
    columns = {column for found in content.values() for column in found[0]}
    assert {
        column for column in columns if re.search("minor|child|under|truth|label|_age|^age", column)
    } == set()
    assert set(content["profiles"][0]) == {"account_id", "bio", "interests", "updated_at"}


# --- who was old enough ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", COUNTRIES)
def test_a_country_admits_no_earlier_than_its_law(code: str) -> None:
    law, country = Rulebook.load(), COUNTRIES[code]
    days = [TODAY - timedelta(days=90 * quarter) for quarter in range(-8, 4 * YEARS)]
    places = [code, *(f"{code}-{region}" for region in country["regions"])]
    limits = [law.limit(place, on=day, service=Service()).age for place in places for day in days]
    assert country["admits"] >= max(limits)


@pytest.mark.parametrize("make", [people._adult, people._teen, people._never_filled_in, people._imported])
def test_ordinary_people_were_old_enough_when_they_signed_up(world: World, make: Any) -> None:
    for _ in range(500):
        person = make(world)
        assert BirthDate.on(person.born).has_attained(person.country["admits"], person.created.date())
        for written in (person.bio, person.ticket):
            assert written is None or person.created <= written[1] < world.end


def test_the_too_young_are_few_and_of_every_kind(world: World) -> None:
    cast = list(people._cast(world, 10_000))
    of_children = [make for make in cast if make.__name__.startswith("_child")]
    assert len(cast) == 10_000
    assert 20 <= len(of_children) <= 35
    assert set(cast) == {people._adult, *people._CASTS}
    assert of_children != sorted(of_children, key=lambda make: make.__name__)


@pytest.mark.parametrize("make", [make for make in people._CASTS if make.__name__.startswith("_child")])
def test_the_too_young_were_so_when_they_signed_up(world: World, make: Any) -> None:
    for _ in range(100):
        person = make(world)
        assert not BirthDate.on(person.born).has_attained(person.country["admits"], person.created.date())


def test_some_birth_dates_are_fillers(tmp_path: Path) -> None:
    host = Config.load(build(tmp_path, accounts=2000, today=TODAY)).open_host()
    try:
        common = host.common_birth_dates(0.005, 5)
        accounts = read_all(host)
    finally:
        host.dispose()
    assert BirthDate.on(people.FILLER) in common
    assert len(common) == 2
    same_day = [each for each in accounts if each.birth_date == BirthDate.on(each.created_on)]
    assert same_day


# --- what they write ---------------------------------------------------------------------------------


def test_texts_are_many_and_every_brace_is_known() -> None:
    bios = list(templates(WORDS["bios"]))
    assert len(set(bios)) == len(bios) >= 60
    used = {name for text in templates({**WORDS, "names": {}}) for name in rows._names(text)}
    assert used == set(rows._FILL)


def test_ages_are_those_of_the_day_of_writing(world: World) -> None:
    person = people._child_long_ago(world)
    assert person.bio is not None
    then = person.bio[1].date()
    assert rows._say(world, "{age}, {age_word}, then {next}", person, then) == "12, twelve, then 13"
    assert person.age(TODAY) == 17


@pytest.mark.parametrize(
    ("born", "on", "grade"),
    [
        (date(2015, 8, 31), date(2025, 10, 1), "5th"),
        (date(2015, 9, 2), date(2025, 10, 1), "4th"),
        (date(2015, 8, 31), date(2025, 8, 1), "4th"),
        (date(2017, 5, 1), date(2026, 1, 10), "3rd"),
    ],
)
def test_a_grade_begins_in_september(world: World, born: date, on: date, grade: str) -> None:
    person = people._child(world)
    person.born = born
    assert rows._say(world, "{grade}", person, on) == grade
