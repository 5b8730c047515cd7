"""agegate.toml: what is wrong is said in one line by file and key, what is right is found from anywhere."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from agegate import AgeGate, OwnRule, Service
from agegate.config import Config
from agegate.errors import ConfigError, DatabaseError, HostError
from agegate.keys import ENVIRONMENT as KEY_RING
from agegate.keys import KeyRing
from tests.conftest import Layout
from tests.hosts import DESCRIPTION, school

SECRET = "zyzzyva"
"""A value that no message may repeat."""

HOST = f'[host]\nurl = "sqlite:///host.db"\n{DESCRIPTION}'


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from the environment of whoever runs the tests."""
    for name in ("AGEGATE_CONFIG", "AGEGATE_HOST__URL", KEY_RING):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the tests write the configuration."""
    return tmp_path / "agegate.toml"


def loaded(file: Path, text: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return Config.load(file)


def host(old: str, new: str) -> str:
    """The school's `[host]` with one thing changed."""
    assert old in HOST
    return HOST.replace(old, new, 1)


def own_rule(
    more: str = "",
    *,
    jurisdiction: str | None = "'FR'",
    age: str | None = "16",
    start: str | None = "2026-12-01",
    reason: str | None = "'as our partners do'",
) -> str:
    """A `[[service.stricter]]`, its values as TOML; `None` leaves one out."""
    given = {"jurisdiction": jurisdiction, "age": age, "from": start, "reason": reason}
    lines = [f"{key} = {value}" for key, value in given.items() if value is not None]
    return "\n".join(["[[service.stricter]]", *lines, more, ""])


# --- what is wrong ------------------------------------------------------------------------------------

WRONG = {
    # what: (the file, what the message names beside the file)
    "not TOML": (f"[service\nname = '{SECRET}'", ("not TOML", "line 1")),
    "a value left out": ("[service]\nfloor = \n", ("not TOML", "line 2")),
    "a table twice": ("[service]\n[service]\n", ("not TOML", "line 2")),
    "unknown section": (f"[servise]\nname = '{SECRET}'", ("servise: unknown key", "did you mean service?")),
    "unknown section like none": (
        "[zzz]\n",
        ("zzz: unknown key", "known are audit, erasure, gate, host, keys"),
    ),
    "unknown key of pydantic's": ("_env_file = 'x'", ("_env_file",)),
    "unknown service key": (
        f"[service]\nflor = '{SECRET}'",
        ("service.flor: unknown key", "did you mean floor?"),
    ),
    "unknown store key": (f"[store]\nurls = '{SECRET}'", ("store.urls: unknown key", "did you mean url?")),
    "unknown keys key": ("[keys]\nfiles = 'x'", ("keys.files: unknown key", "did you mean file?")),
    "unknown audit key": ("[audit]\nancor = 'x'", ("audit.ancor: unknown key", "did you mean anchor?")),
    "unknown gate key": ("[gate]\ndevice_hour = 1", ("gate.device_hour", "did you mean device_hours?")),
    "unknown sweep key": ("[sweep]\nchunks = 7", ("sweep.chunks", "did you mean chunk?")),
    "unknown erasure key": ("[erasure]\nwindow = 7", ("erasure.window", "did you mean window_days?")),
    "unknown host key": (host("url", "uri"), ("host.uri: unknown key", "did you mean url?", "host.url: ")),
    "unknown accounts key": (host("created =", "create ="), ("host.accounts.create: unknown", "created?")),
    "unknown text key": (host("written =", "writen ="), ("host.texts.0.writen: unknown key", "written?")),
    "unknown table key": (
        host('account = "person_id"', 'acount = "person_id"'),
        ("host.tables.visits.acount: unknown key", "did you mean account?"),
    ),
    "unknown field": (
        host('handle = "handle"', 'nick = "handle"'),
        ("host.accounts.fields.nick", "birth_date"),
    ),
    "unknown category": (
        host('category = "logs"', f'category = "{SECRET}"'),
        ("host.tables.visits.category.0", "'contact'"),
    ),
    "no category": (host('category = "logs"', "category = []"), ("host.tables.visits.category",)),
    "unknown category not held": (host("usage =", "usages ="), ("host.not_held.usages", "'contact'")),
    "no reason": (host('"nothing is counted"', '""'), ("host.not_held.usage",)),
    "unknown kind of text": (
        host('column = "bio"', f'column = "bio"\nkind = "{SECRET}"'),
        ("host.texts.0.kind", "'profile'"),
    ),
    "no account table": ("[host]\nurl = 'sqlite:///x.db'", ("host.accounts: Field required",)),
    "no key": (host('key = "id"', "key = []"), ("host.accounts.key",)),
    "owners": (host('account = "person_id"', f"owners = '{SECRET}'"), ("host.tables.visits.owners", "'any'")),
    "floor 0": ("[service]\nfloor = 0", ("service.floor", "greater than or equal to 1")),
    "floor 22": ("[service]\nfloor = 22", ("service.floor", "less than or equal to 21")),
    "floor in words": (f"[service]\nfloor = '{SECRET}'", ("service.floor", "integer")),
    "floor and a half": ("[service]\nfloor = 13.5", ("service.floor", "integer")),
    "audience": (f"[service]\naudience = '{SECRET}'", ("service.audience", "directed_to_children")),
    "kind": (f"[service]\nkinds = ['{SECRET}']", ("service.kinds", "social_media")),
    "no kind": ("[service]\nkinds = []", ("service.kinds", "at least 1 item")),
    "kinds as text": (f"[service]\nkinds = '{SECRET}'", ("service.kinds",)),
    "majority rules": (f"[service]\nmajority_rules = '{SECRET}'", ("service.majority_rules", "'enforce'")),
    "majority rules of another type": ("[service]\nmajority_rules = true", ("service.majority_rules",)),
    "parental flow": (f"[service]\nparental_flow = '{SECRET}'", ("service.parental_flow", "'none'")),
    "established in no text": ("[service]\nestablished_in = 353", ("service.established_in", "string")),
    "own rules as text": (f"[service]\nstricter = '{SECRET}'", ("service.stricter", "tuple")),
    "one own rule, not a list": ("[service.stricter]\njurisdiction = 'FR'", ("service.stricter", "tuple")),
    "own rule, unknown key": (
        own_rule("place = 'FR'"),
        ("service.stricter.0.place: unknown key", "known are age"),
    ),
    "own rule, slip in a key": (
        own_rule("reasons = 'x'"),
        ("service.stricter.0.reasons", "did you mean reason?"),
    ),
    "own rule without a place": (
        own_rule(jurisdiction=None),
        ("service.stricter.0.jurisdiction: Field required",),
    ),
    "own rule without an age": (own_rule(age=None), ("service.stricter.0.age: Field required",)),
    "own rule without a day": (own_rule(start=None), ("service.stricter.0.from: Field required",)),
    "own rule without a reason": (own_rule(reason=None), ("service.stricter.0.reason: Field required",)),
    "own rule, reason empty": (own_rule(reason="''"), ("service.stricter.0.reason", "at least 3 characters")),
    "own rule, age 0": (own_rule(age="0"), ("service.stricter.0.age", "greater than or equal to 1")),
    "own rule, age 22": (own_rule(age="22"), ("service.stricter.0.age", "less than or equal to 21")),
    "own rule, age in words": (own_rule(age=f"'{SECRET}'"), ("service.stricter.0.age", "integer")),
    "own rule, day in words": (own_rule(start=f"'{SECRET}'"), ("service.stricter.0.from", "date")),
    "the second own rule": (own_rule() + own_rule(age="0"), ("service.stricter.1.age",)),
    "IP database": ("[gate]\nip_database = 5", ("gate.ip_database", "path")),
    "section as text": (f"service = '{SECRET}'", ("service: Input should be",)),
    "section as list": ("[[service]]\nfloor = 13", ("service: Input should be",)),
    "device hours": ("[gate]\ndevice_hours = 25", ("gate.device_hours", "24")),
    "contact days": ("[gate]\ncontact_days = 0", ("gate.contact_days", "1")),
    "chunk": ("[sweep]\nchunk = 0", ("sweep.chunk",)),
    "brake share": ("[sweep]\nbrake_share = 0", ("sweep.brake_share",)),
    "unknown kind to sweep": (f"[sweep]\ntexts = ['{SECRET}']", ("sweep.texts", "profile")),
    "window": ("[erasure]\nwindow_days = 91", ("erasure.window_days", "90")),
    "path": ("[keys]\nfile = 5", ("keys.file",)),
    "two at once": ("[service]\nfloor = 0\n[sweep]\nchunk = 0", ("service.floor", "sweep.chunk")),
    "in tables and not personal": (
        host("[host.not_held]", "[host.not_personal]\nbilling = 'it is not'\n[host.not_held]"),
        ("host: ", "billing is in tables and in not_personal; keep one"),
    ),
    "held and not held": (
        host("[host.not_held]", "[host.not_held]\nlogs = 'none'"),
        ("host: ", "logs has a table and is in not_held; keep one"),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_file_is_one_line_with_file_and_key_and_no_value(file: Path, what: str) -> None:
    text, named = WRONG[what]
    with pytest.raises(ConfigError) as refused:
        loaded(file, text)
    said = str(refused.value)
    assert said.startswith(f"{file}: ")
    assert [part for part in named if part not in said] == []
    assert "\n" not in said
    assert SECRET not in said


UNFIT = {
    # what: (the file, what the message names)
    "own rule at the floor": ("[service]\nfloor = 16\n" + own_rule(), ("service.stricter FR", "floor of 16")),
    "own rule under the floor": (
        "[service]\nfloor = 18\n" + own_rule(),
        ("service.stricter FR", "floor of 18"),
    ),
    "own rule looser than the law": (own_rule(age="14"), ("service.stricter FR", "14 is looser than the 15")),
    "own rule looser in a part": (
        "[service]\nfloor = 12\n" + own_rule(jurisdiction="'CA-QC'", age="13"),
        ("service.stricter CA-QC", "13 is looser than the 14"),
    ),
    "own rule looser than guidance that was chosen": (
        "[service]\npolicy = ['AU']\n" + own_rule(jurisdiction="'AU'", age="14"),
        ("service.stricter AU", "14 is looser than the 15"),
    ),
    "own rule looser in a territory": (
        own_rule(jurisdiction="'RE'", age="14"),
        ("service.stricter RE", "14 is looser than the 15"),
    ),
    "own rule twice": (own_rule() + own_rule(age="17"), ("service.stricter FR", "set twice")),
    "own rule, reason of blanks": (own_rule(reason="'    '"), ("service.stricter FR", "reason")),
    **{
        f"own rule for {place}": (
            own_rule(jurisdiction=f"'{place}'"),
            (f"service.stricter {place}", "such as DE"),
        )
        for place in ("UK", "EU", "XX", "fr", "FR-", "Türkiye", "DE-QC", "US-ZZ", "US-CA-X")
    },
    **{
        f"established in {place}": (
            f"[service]\nestablished_in = '{place}'",
            ("service.established_in", "such as IE"),
        )
        for place in ("UK", "EU", "ie", "CA-QC", SECRET)
    },
    **{
        f"guidance of {place}": (f"[service]\npolicy = ['{place}']", ("service.policy", place))
        for place in ("FR", "UK", "EU", "XX", "AU-NSW")
    },
}


@pytest.mark.parametrize("what", UNFIT)
def test_what_does_not_fit_the_law_is_one_line_with_its_key(file: Path, what: str) -> None:
    """Well written, and yet no gate, sweep or command starts with it."""
    text, named = UNFIT[what]
    with pytest.raises(ConfigError) as refused:
        AgeGate(loaded(file, text).law_service)
    said = str(refused.value)
    assert [part for part in named if part not in said] == []
    assert "\n" not in said
    assert "; " in said, "and what to do"
    assert SECRET not in said


def test_own_rule_is_measured_by_the_law_of_its_first_day(file: Path) -> None:
    """Denmark's age rose on 2024-01-01; what was written in 2023 must not fall short of it either."""
    for start in ("2023-06-01", "2024-01-01", "2026-12-01"):
        with pytest.raises(ConfigError, match="14 is looser than the 15"):
            AgeGate(loaded(file, own_rule(jurisdiction="'DK'", age="14", start=start)).law_service)
        AgeGate(loaded(file, own_rule(jurisdiction="'DK'", age="15", start=start)).law_service)


def test_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=rf"^{file}: not TOML"):
        Config.load(file)


def test_missing_file_says_how_to_name_one(file: Path, tmp_path: Path) -> None:
    for place, problem in ((file, "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(
            ConfigError, match=rf"^{place}: {problem}; name the file with --config or \$AGEGATE_"
        ):
            Config.load(place)
    with pytest.raises(ConfigError, match=r"^agegate\.toml: No such file"):
        Config.load()


def test_host_is_missed_only_when_it_is_needed(file: Path) -> None:
    config = loaded(file, "")
    assert config.law_service.floor == 13
    for need in (
        lambda: config.host_section,
        lambda: config.host_url,
        lambda: config.store_url,
        config.open_host,
    ):
        with pytest.raises(ConfigError, match=rf"^{file}: there is no \[host\]"):
            need()


def test_store_needs_no_host_when_it_is_named(file: Path, tmp_path: Path) -> None:
    config = loaded(file, '[store]\nurl = "sqlite:///own.db"')
    assert config.store_url.database == str(tmp_path / "own.db")
    config.open_store(create=True).upgrade()
    assert (tmp_path / "own.db").exists()


@pytest.mark.parametrize("url", ["host.db", f"mysql://u:{SECRET}@h/db", "sqlite://"])
def test_url_that_cannot_be_used_is_our_own_error(file: Path, url: str) -> None:
    config = loaded(file, host("sqlite:///host.db", url))
    with pytest.raises((DatabaseError, ConfigError, HostError)) as refused:
        config.open_store()
    assert SECRET not in str(refused.value)


def test_what_the_service_chose_is_read(file: Path, tmp_path: Path) -> None:
    text = "[service]\nmajority_rules = 'report'\nparental_flow = 'none'\nestablished_in = 'IE'\n"
    text += own_rule() + own_rule(jurisdiction="'US-CA'") + "[gate]\nip_database = 'geo.mmdb'\n"
    config = loaded(file, text)
    assert config.law_service == Service(
        majority_rules="report",
        established_in="IE",
        stricter=(
            OwnRule("FR", 16, date(2026, 12, 1), "as our partners do"),
            OwnRule("US-CA", 16, date(2026, 12, 1), "as our partners do"),
        ),
    )
    assert config.ip_database == tmp_path / "geo.mmdb"


def test_nothing_chosen_is_the_strictest_reading(file: Path) -> None:
    config = loaded(file, "")
    assert config.law_service == Service(majority_rules="enforce", parental_flow="none", established_in=None)
    assert config.ip_database is None


def test_missing_ip_database_is_named_by_its_key(layout: Layout) -> None:
    school(layout, gate="ip_database = 'none.mmdb'")
    with pytest.raises(ConfigError, match=r"^gate\.ip_database: .*none\.mmdb") as refused:
        AgeGate.from_config(layout.folder / "agegate.toml")
    assert "\n" not in str(refused.value)


# --- the environment ----------------------------------------------------------------------------------


def test_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AGEGATE_HOST__URL", "sqlite:///replica.db")
    monkeypatch.setenv("AGEGATE_SERVICE__FLOOR", "16")
    config = loaded(file, f"[service]\nfloor = 14\nname = 'kept'\n{HOST}")
    assert config.host_url.database == str(tmp_path / "replica.db")
    assert (config.law_service.floor, config.law_service.name) == (16, "kept")
    assert config.host_section.accounts.table == "people"


def test_what_the_service_chose_can_come_from_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rule = {"jurisdiction": "FR", "age": 17, "from": "2026-12-01", "reason": "by the environment"}
    given = {
        "SERVICE__MAJORITY_RULES": "report",
        "SERVICE__PARENTAL_FLOW": "none",
        "SERVICE__ESTABLISHED_IN": "IE",
        "SERVICE__STRICTER": json.dumps([rule]),
        "GATE__IP_DATABASE": "other.mmdb",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"AGEGATE_{name}", value)
    config = loaded(file, f"{own_rule()}[gate]\nip_database = 'geo.mmdb'\n")
    assert config.law_service == Service(
        majority_rules="report",
        established_in="IE",
        stricter=(OwnRule("FR", 17, date(2026, 12, 1), "by the environment"),),
    )
    assert config.ip_database == tmp_path / "other.mmdb"


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("AGEGATE_SERVICE__MAJORITY_RULES", SECRET, "service.majority_rules"),
        ("AGEGATE_SERVICE__PARENTAL_FLOW", SECRET, "service.parental_flow"),
        ("AGEGATE_SERVICE__STRICTER", SECRET, "service"),
        ("AGEGATE_SERVICE__STRICTER", f'[{{"jurisdiction": "{SECRET}"}}]', r"service\.stricter\.0\.age"),
        ("AGEGATE_SERVICE__STRICTER", f'[{{"place": "{SECRET}"}}]', r"service\.stricter\.0\.place"),
        ("AGEGATE_SERVICE__FLOOR", SECRET, "service.floor"),
        ("AGEGATE_SERVICE__FLOR", SECRET, "service.flor"),
        ("AGEGATE_HOST__URLS", SECRET, "host.urls"),
        ("AGEGATE_SERVICE__KINDS", SECRET, "service"),
        ("AGEGATE_SWEEP__TEXTS", SECRET, "sweep"),
        ("AGEGATE_SERVICE", SECRET, "service"),
    ],
)
def test_wrong_value_in_the_environment_is_one_line_without_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=key) as refused:
        loaded(file, HOST)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_variables_of_ours_are_no_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = KeyRing.generate()
    monkeypatch.setenv(KEY_RING, ring.dump())
    monkeypatch.setenv("AGEGATE_CONFIG", "elsewhere.toml")
    assert loaded(file, HOST).key_ring == ring


# --- where things are ---------------------------------------------------------------------------------


def test_file_given_then_environment_then_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("agegate.toml", "named.toml", "given.toml"), 14):
        (tmp_path / name).write_text(f"[service]\nfloor = {number}\n")
    assert Config.load().service.floor == 14
    monkeypatch.setenv("AGEGATE_CONFIG", str(tmp_path / "named.toml"))
    assert Config.load().service.floor == 15
    assert Config.load("given.toml").service.floor == 16


def test_relative_places_start_at_the_files_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    text = (
        '[store]\nurl = "sqlite:///own/store.db"\n[keys]\nfile = "own/ring"\n[audit]\nanchor = "/srv/anchor"\n'
    )
    (folder / "agegate.toml").write_text(text + HOST)
    config = Config.load("etc/agegate.toml")
    monkeypatch.chdir("/")
    assert config.folder == folder
    assert config.host_url.database == str(folder / "host.db")
    assert config.store_url.database == str(folder / "own" / "store.db")
    assert config.key_file == folder / "own" / "ring"
    assert config.anchor_file == Path("/srv/anchor")


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("sqlite:///host.db", "sqlite:///{folder}/agegate.db"),
        ("sqlite:///data/host.db", "sqlite:///{folder}/data/agegate.db"),
        ("sqlite:////srv/host.db", "sqlite:////srv/agegate.db"),
        ("postgresql://u@h/db", "postgresql+psycopg://u@h/db"),
    ],
)
def test_default_store_lies_beside_the_host(file: Path, tmp_path: Path, url: str, store: str) -> None:
    config = loaded(file, host("sqlite:///host.db", url))
    assert str(config.store_url) == store.format(folder=tmp_path)


def test_configured_host_and_store_open(layout: Layout) -> None:
    config = school(layout)
    config.open_store().require()
    assert config.open_host().check() == []
    assert config.key_ring == KeyRing.load(config.key_file)
    with pytest.raises(HostError, match="a test names table agegate_request"):
        config.open_host().schema.table("agegate_request", named_by="a test")


def test_settings_are_frozen(file: Path) -> None:
    config = loaded(file, "")
    for section in (config, config.service):
        with pytest.raises(ValueError, match="frozen"):
            section.floor = 1  # type: ignore[union-attr, misc]
