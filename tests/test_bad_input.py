"""Bad input: one line that says which and what to do, exit 2, no traceback, and nothing half-written."""

from __future__ import annotations

import gc
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agegate.keys import KeyRing
from agegate.store.tables import VERSION
from tests import test_cli, test_store
from tests.conftest import Layout
from tests.hosts import DESCRIPTION, SCHOOL, enrol, school

run = test_cli.run
process = test_cli.process
Ran, Run = test_cli.Ran, test_cli.Run

CHECK = ("check", "--birth-date", "2016-04-17", "--country", "US", "--email", "kestrel@example.org")
READMIT = ("review", "readmit", "--email", "kestrel@example.org", "--by", "s", "--because", "mistyped")
EVERY = (
    *(
        CHECK,
        ("law", "DE"),
        ("doctor",),
        ("sweep",),
        ("sweep", "--apply"),
        ("host", "check"),
        ("db", "upgrade"),
    ),
    *(("review", "list"), ("review", "show", "1"), ("review", "clear", "1", "--by", "s", "--reason", "r")),
    *(("erase", "plan", "1"), ("erase", "run"), ("erase", "status"), ("audit", "verify"), READMIT),
)
NEED_NO_CONFIGURATION = (
    *(CHECK, ("law", "DE"), ("law", "lint"), ("law", "export"), ("bench", "gate")),
    ("law", "diff", "--from", "2023-12-31", "--to", "2024-01-01"),
)
READS_HOST = (("host", "check"), ("sweep",), ("sweep", "--apply"), ("erase", "plan", "1"), ("erase", "run"))
READS_STORE = (
    *(CHECK, ("sweep",), ("sweep", "--apply"), ("review", "list"), ("review", "show", "1")),
    *(("erase", "run"), ("erase", "status"), ("audit", "verify"), READMIT),
)
PLANS = (("host", "check"), ("erase", "plan", "1"), ("erase", "run"))


@pytest.fixture(scope="module")
def sqlite_school(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """One host for all cases: none of them may change it, which each of them proves."""
    return populated(on_sqlite(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either_school(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The same on the embedded default and on the server; how host and store lie changes no message."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_school")  # type: ignore[no-any-return]
    server = sa.make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql")
    admin = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in ("bad_host", "bad_store"):
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    host, store = (server.set(database=name).render_as_string() for name in ("bad_host", "bad_store"))
    return populated(Layout("postgresql-apart", host, store, tmp_path_factory.mktemp("postgresql")))


@pytest.fixture
def sqlite_host(sqlite_school: Layout) -> Iterator[Layout]:
    yield from with_its_configuration_back(sqlite_school)


@pytest.fixture
def host(either_school: Layout) -> Iterator[Layout]:
    yield from with_its_configuration_back(either_school)


def with_its_configuration_back(layout: Layout) -> Iterator[Layout]:
    file = layout.folder / "agegate.toml"
    content = file.read_bytes()
    yield layout
    file.write_bytes(content)


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    """A host of the test's own, to damage."""
    if request.param == "sqlite":
        return populated(on_sqlite(tmp_path))
    make = request.getfixturevalue("new_database")
    return populated(Layout("postgresql-apart", make(), make(), tmp_path))


def on_sqlite(folder: Path) -> Layout:
    return Layout("sqlite-apart", f"sqlite:///{folder}/host.db", f"sqlite:///{folder}/agegate.db", folder)


def populated(layout: Layout) -> Layout:
    school(layout)
    enrol(layout, 1, born="2018-03-01", bio="I'm 8 and I draw.")
    enrol(layout, 2, born="1980-03-01")
    return layout


def everything(layout: Layout) -> dict[str, object]:
    """Every file by its bytes and mode, every table of host and store by its rows."""
    gc.collect()  # a failed command's connections, which the traceback held open
    found: dict[str, object] = {}
    for file in sorted(layout.folder.rglob("*")):
        if file.is_file():
            found[str(file)] = (sha256(file.read_bytes()).hexdigest(), stat.S_IMODE(file.stat().st_mode))
    for url in (layout.host, layout.store):
        if url.startswith("postgresql"):
            found |= {f"{url} {name}": rows for name, rows in tables(layout, url).items()}
    return found


def tables(layout: Layout, url: str) -> dict[str, list[str]]:
    engine = layout.engine(url)
    with engine.connect() as connection:
        found = sa.inspect(connection)
        names = [
            f"{schema}.{name}" for schema in ("public", "agegate") for name in found.get_table_names(schema)
        ]
        rows = {name: sorted(map(repr, connection.execute(sa.text(f"SELECT * FROM {name}")))) for name in names}
    engine.dispose()
    return rows


def edit(layout: Layout, old: str, new: str) -> None:
    file = layout.folder / "agegate.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def assert_one_line(done: Ran, *named: str) -> None:
    """One line on stderr, from agegate, that names what is wrong; exit 2, and nothing on stdout."""
    assert (done.code, done.out) == (2, ""), done
    assert re.fullmatch(r"agegate: [^\n]+\n", done.err), done.err
    assert not [word for word in named if word not in done.err], done.err


def assert_refused(run: Run, layout: Layout, commands: Any, *named: str) -> None:
    """Each command says it in a line and leaves everything as it was."""
    before = everything(layout)
    for words in commands:
        done = run(*words, "--config", layout.folder / "agegate.toml")
        assert_one_line(done, *named)
    assert everything(layout) == before


# --- agegate.toml ---------------------------------------------------------------------------------

CONFIGURATIONS = {
    # what is edited, into what: what the line names
    "not TOML": ('key = "id"', "key = id", ("agegate.toml", "not TOML", "line ")),
    "a table that is not closed": ("[host.accounts]", "[host.accounts", ("agegate.toml", "not TOML", "line ")),
    "a key twice": ('key = "id"', 'key = "id"\nkey = "id"', ("agegate.toml", "not TOML", "line ")),
    "a null byte": ("[host]", "\x00[host]", ("agegate.toml", "not TOML")),
    "an unknown section": (
        "[store]",
        "[sweeep]\nchunk = 5\n[store]",
        ("sweeep: unknown key", "did you mean sweep?"),
    ),
    "an unknown key": ("[store]", "[service]\nflor = 12\n[store]", ("service.flor: unknown key", "floor?")),
    "an unknown key, unlike any": ("[store]", "[store]\nzzz = 1", ("store.zzz: unknown key", "known are url")),
    "an unknown key inside": (
        'key = "id"',
        'key = "id"\nkeys = 1',
        ("host.accounts.keys: unknown key", "key?"),
    ),
    "an unknown field": ('handle = "handle"', 'nick = "handle"', ("host.accounts.fields.nick",)),
    "an unknown category": ('category = "billing"', 'category = "bills"', ("host.tables.billing.category",)),
    "a number that is none": ("[store]", '[sweep]\nchunk = "many"\n[store]', ("sweep.chunk",)),
    "a number out of range": ("[store]", "[service]\nfloor = 99\n[store]", ("service.floor",)),
    "a kind of service that is none": (
        "[store]",
        '[service]\nkinds = ["toys"]\n[store]',
        ("kinds", "social_media"),
    ),
    "an own rule without a reason": (
        "[store]",
        "[[service.stricter]]\njurisdiction = 'FR'\nage = 16\nfrom = 2026-01-01\n[store]",
        ("service.stricter.0.reason",),
    ),
    "a parental flow": (
        "[store]",
        "[service]\nparental_flow = 'email'\n[store]",
        ("service.parental_flow", "none"),
    ),
    "an IP database that is no path": ("[store]", "[gate]\nip_database = 1\n[store]", ("gate.ip_database",)),
    "a missing key": ('created = "created_at"', "", ("host.accounts.created",)),
}


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_configuration_that_cannot_be_read(run: Run, sqlite_host: Layout, case: str) -> None:
    old, new, named = CONFIGURATIONS[case]
    edit(sqlite_host, old, new)
    assert_refused(run, sqlite_host, EVERY, *named)


def test_secret_in_the_configuration_is_never_repeated(run: Run, sqlite_host: Layout) -> None:
    edit(sqlite_host, "[host]\nurl = ", '[host]\nurrl = "postgresql://app:hushwood@db/x"\nurl = ')
    done = run("sweep", "--config", sqlite_host.folder / "agegate.toml")
    assert_one_line(done, "host.urrl")
    assert "hushwood" not in done.err


def test_configuration_that_is_missing_is_named(run: Run, sqlite_host: Layout) -> None:
    before = everything(sqlite_host)
    for words in {*EVERY, *NEED_NO_CONFIGURATION}:
        assert_one_line(run(*words, "--config", sqlite_host.folder / "none.toml"), "none.toml", "--config")
    for words in set(EVERY) - set(NEED_NO_CONFIGURATION):
        assert_one_line(run(*words), "agegate.toml", "AGEGATE_CONFIG")
    assert everything(sqlite_host) == before


def test_configuration_without_a_host(run: Run, sqlite_host: Layout) -> None:
    file = sqlite_host.folder / "agegate.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[host]")[0], encoding="utf-8")
    assert_refused(run, sqlite_host, READS_HOST, "agegate.toml", "[host]")


def test_configuration_that_is_binary(run: Run, sqlite_host: Layout) -> None:
    (sqlite_host.folder / "agegate.toml").write_bytes(b"\xff\xfe[\x00h\x00")
    assert_refused(run, sqlite_host, EVERY, "agegate.toml", "not TOML")


# --- databases -----------------------------------------------------------------------------------

NO_SOCKET = "postgresql://app:hushwood@/school?host=/nonexistent/run"
DATABASES = {
    "a SQLite file that is missing": ("sqlite:///missing.db", ("missing.db", "no such file")),
    "a SQLite folder that is missing": ("sqlite:///no/such/host.db", ("host.db", "no such file")),
    "a folder": ("sqlite:///.", ("no such file",)),
    "a server whose socket is missing": (NO_SOCKET, ("/nonexistent/run", "postgresql")),
    "a database of another kind": ("mysql://localhost/school", ("mysql", "sqlite")),
    "no URL": ("the usual one", ("database URL", "sqlite:///")),
    "no URL at all": ("", ("database URL", "sqlite:///")),
    "a file that is no database": ("sqlite:///agegate.toml", ("agegate.toml",)),
}


@pytest.mark.parametrize("case", DATABASES)
@pytest.mark.parametrize("role", ["host", "store"])
def test_database_that_cannot_be_reached(run: Run, sqlite_host: Layout, case: str, role: str) -> None:
    url, named = DATABASES[case]
    edit(sqlite_host, getattr(sqlite_host, role), url)
    assert_refused(run, sqlite_host, READS_HOST if role == "host" else READS_STORE, *named)
    assert "hushwood" not in run("sweep", "--config", sqlite_host.folder / "agegate.toml").err


@pytest.mark.parametrize(
    "url", ["sqlite:///no/such/agegate.db", NO_SOCKET, "mysql://localhost/x", "sqlite:///."]
)
def test_upgrade_that_cannot_make_its_tables_leaves_no_key_ring(
    run: Run, sqlite_host: Layout, url: str
) -> None:
    edit(sqlite_host, sqlite_host.store, url)
    ring = sqlite_host.folder / "agegate.keys"
    aside = ring.rename(ring.with_suffix(".aside"))
    try:
        assert_refused(run, sqlite_host, [("db", "upgrade")])
    finally:
        aside.rename(ring)


def test_store_without_tables_asks_for_the_upgrade(run: Run, host: Layout) -> None:
    edit(host, f'[store]\nurl = "{host.store}"', f'[store]\nurl = "{host.host}"')
    assert_refused(run, host, READS_STORE, "no agegate tables", "agegate db upgrade")


@pytest.mark.parametrize("table", ["agegate_flag", "agegate_lease", "agegate_event", "agegate_refusal"])
def test_store_that_lacks_a_table_is_not_written_in_part(run: Run, fresh: Layout, table: str) -> None:
    engine = fresh.engine(fresh.store)
    with engine.begin() as connection:
        cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
        connection.execute(sa.text(f"DROP TABLE {fresh.own(table)}{cascade}"))
    engine.dispose()
    uses = CHECK if table == "agegate_refusal" else ("sweep", "--apply")
    assert_refused(run, fresh, [uses], table, "agegate db upgrade")


def test_store_of_an_earlier_version_asks_for_the_upgrade_and_then_works(
    run: Run, tmp_path: Path, database: str
) -> None:
    """The first version's tables, with rows: no command touches them before `agegate db upgrade` has run."""
    host = replace(on_sqlite(tmp_path), store=database)
    old = test_store.of_the_first_version(database)
    old.dispose()
    host.run(*SCHOOL)
    (tmp_path / "agegate.toml").write_text(
        f'[store]\nurl = "{host.store}"\n[host]\nurl = "{host.host}"\n{DESCRIPTION}', encoding="utf-8"
    )
    KeyRing.load_or_create(tmp_path / "agegate.keys")
    assert_refused(run, host, READS_STORE, "version 0001", f"this is {VERSION}", "agegate db upgrade")
    done = run("db", "upgrade", "--config", tmp_path / "agegate.toml")
    assert (done.code, done.err) == (0, "")
    old.require()
    shown = run("review", "list", "--all", "--json", "--config", tmp_path / "agegate.toml")
    assert [case["case"] for case in shown.json["cases"]] == [5]


# --- names that the host's database does not have ------------------------------------------------------

SWEPT = {
    "the account table": ('table = "people"', 'table = "persons"', ("persons",)),
    "the key": ('key = "id"', 'key = "uuid"', ("people.uuid",)),
    "the creation day": ('created = "created_at"', 'created = "joined"', ("people.joined",)),
    "a field": ('birth_date = "born"', 'birth_date = "birthday"', ("people.birthday",)),
    "a field of another table": ('"billing.country"', '"billing.nation"', ("billing.nation",)),
    "another table of a field": ('"billing.country"', '"payments.country"', ("payments",)),
    "a text's table": ('table = "profiles"', 'table = "bios"', ("bios", "host.texts")),
    "a text": ('column = "bio"', 'column = "about"', ("profiles.about", "host.texts")),
    "a text's day": ('written = "updated_at"', 'written = "at"', ("profiles.at", "host.texts")),
}
PLANNED = {
    "a declared table": ("[host.tables.visits]", "[host.tables.trips]", ("trips",)),
    "a declared reference": ('account = "person_id"', 'account = "user_id"', ("visits.user_id",)),
    "a table that is not personal": (
        "[host.not_held]",
        '[host.not_personal]\nnone = "x y z"\n[host.not_held]',
        ("none",),
    ),
}


@pytest.mark.parametrize("case", SWEPT)
def test_name_that_the_sweep_needs_and_does_not_find(run: Run, host: Layout, case: str) -> None:
    old, new, named = SWEPT[case]
    edit(host, old, new)
    assert_refused(run, host, READS_HOST, *named)


@pytest.mark.parametrize("case", PLANNED)
def test_name_that_the_plan_needs_and_does_not_find(run: Run, host: Layout, case: str) -> None:
    old, new, named = PLANNED[case]
    edit(host, old, new)
    assert_refused(run, host, PLANS, *named)


def test_line_says_what_to_do(run: Run, sqlite_host: Layout) -> None:
    """The message's pattern is its class's docstring: what is wrong, then what to do (agegate/errors.py)."""
    good = (sqlite_host.folder / "agegate.toml").read_text(encoding="utf-8")
    silent = []
    for case, (old, new, _) in (SWEPT | PLANNED).items():
        (sqlite_host.folder / "agegate.toml").write_text(good.replace(old, new, 1), encoding="utf-8")
        if "; " not in run("erase", "run", "--config", sqlite_host.folder / "agegate.toml").err:
            silent.append(case)
    for case, (url, _) in DATABASES.items():
        text = good.replace(sqlite_host.host, url, 1)
        (sqlite_host.folder / "agegate.toml").write_text(text, encoding="utf-8")
        if case != "a file that is no database":
            done = run("host", "check", "--config", sqlite_host.folder / "agegate.toml")
            silent += [case] if "; " not in done.err else []
    assert silent == []


# --- what is asked ----------------------------------------------------------------------------------

ASKED = [
    (("--birth-date", "2016-04-17", "--country", "ZZ"), ("country: ",)),
    (("--birth-date", "2016-04-17", "--country", "UK"), ("country: ", "GB")),
    (("--birth-date", "2016-04-17", "--billing-country", "Germany"), ("billing_country: ",)),
    (("--birth-date", "2016-04-17", "--country", "EU"), ("country: ", "member state, such as DE")),
    (("--birth-date", "2016-04-17", "--country", "XX"), ("country: ", "such as DE or US")),
    (
        ("--birth-date", "2016-04-17", "--country", "us-ca"),
        ("country: ", "write the country US", "as its region"),
    ),
    (("--birth-date", "2016-04-17", "--country", "Türkiye"), ("country: ", "write TR")),
    (("--birth-date", "2016-04-17", "--country", "🦆"), ("country: ", "such as DE or US")),
    (("--birth-date", "2016-04-17", "--country", "🇹🇷"), ("country: ", "write TR")),
    (("--birth-date", "2016-04-17", "--country", " "), ("country: ",)),
    (("--birth-date", "2016-04-17", "--country", "\uff24\uff25"), ("country: ", "such as DE or US")),
    (("--birth-date", "2016-04-17", "--billing-country", "EL"), ("billing_country: ", "write GR")),
    (("--birth-date", "2016-04-17", "--country", "DE", "--ip-country", "UK"), ("ip_country: ", "write GB")),
    (("--birth-date", "2016-04-17", "--country", "DE", "--region", "QC"), ("region: ", "ISO 3166-2")),
    (("--birth-date", "2016-04-17", "--country", "DE", "--region", "CA-QC"), ("region: ", "ISO 3166-2")),
    (("--birth-date", "2016-04-17", "--country", "CA", "--region", "Quebec"), ("region: ", "ISO 3166-2")),
    (("--birth-date", "2016-04-17", "--country", "US", "--region", "🦆"), ("region: ", "ISO 3166-2")),
    (("--birth-date", "2016-04-17", "--region", "QC"), ("region: ", "country: ")),
    (("--birth-date", "2016-04-17", "--country", "DE", "--payer", "my boss"), ("payer: ", "company")),
    (("--birth-date", "2016-02-31", "--country", "DE"), ("birth_date: ", "no such day")),
    (("--birth-date", "yesterday", "--country", "DE"), ("birth_date: ", "YYYY-MM-DD")),
    (("--birth-date", "2300-01-01", "--country", "DE"), ("birth_date: ", "future")),
    (("--birth-date", "1392-05-01", "--country", "DE"), ("birth_date: ", "125 years")),
]


@pytest.mark.parametrize(("options", "named"), ASKED)
def test_registration_that_cannot_be_read_is_invalid_and_leaves_nothing(
    run: Run, sqlite_host: Layout, options: tuple[str, ...], named: tuple[str, ...]
) -> None:
    before = everything(sqlite_host)
    given = (
        "check",
        *options,
        "--email",
        "kestrel@example.org",
        "--config",
        sqlite_host.folder / "agegate.toml",
    )
    done = run(*given)
    assert (done.code, done.err, done.out.splitlines()[0]) == (2, "", "invalid: invalid")
    assert not [word for word in named if word not in done.out]
    assert not [value for value in options[1::2] if len(value) > 2 and value in done.out]
    assert run(*given, "--json").json["outcome"] == "invalid"
    assert everything(sqlite_host) == before


STDIN = ["not json", "[]", "17", '{"birthday": "2012-05-01"}', '{"kestrel@example.org\\n": 1}', "[" * 100_000]


@pytest.mark.parametrize("text", STDIN)
def test_registration_on_stdin_that_is_none(run: Run, text: str) -> None:
    done = run("check", stdin=text)
    assert_one_line(done, "stdin: ")
    assert not [word for word in ("2012-05-01", "kestrel") if word in done.err]


PLACES = [
    ("UK", "GB"),
    ("EL", "GR"),
    ("EU", "DE"),
    ("ZZ", "DE"),
    ("", "DE"),
    ("Türkiye", "TR"),
    ("CA-Q?", "CA-QC"),
]


@pytest.mark.parametrize(("place", "hint"), PLACES)
def test_law_of_a_place_that_is_none(run: Run, place: str, hint: str) -> None:
    assert_one_line(run("law", place), hint)


SLIPS: list[tuple[tuple[object, ...], str]] = [
    (("review", "show", 99), "no case 99"),
    (("review", "confirm", 99, "--by", "s", "--reason", "r"), "no case 99"),
    (("review", "clear", 99, "--by", " ", "--reason", "r"), "--by"),
    ((*READMIT[:2], "--by", "s", "--because", "mistyped"), "--email or --phone"),
    ((*READMIT[:3], "kestrel", *READMIT[4:]), "email must be"),
    ((*READMIT[:6], "--because", "pity"), "mistyped, shared_device, not_the_person"),
    (("review", "report", 1, "--age", 11, "--from", "neighbour"), "--from"),
    (("review", "report", 1, "--age", 300, "--from", "parent"), "--age"),
    (("review", "report", 1, "--age", 11, "--from", "parent", "--on", "soon"), "--on"),
    (("review", "report", 77, "--age", 11, "--from", "parent"), "no such account"),
    (("review", "report", "{", "--age", 11, "--from", "parent"), "no such account"),
    (("review", "report", "[" * 9999, "--age", 11, "--from", "parent"), "no such account"),
    (("erase", "plan", 77), "no such account"),
    (("erase", "plan", "[1, 2]"), "no such account"),
    (("sweep", "--as-of", "soon"), "--as-of"),
    (("check", "--on", "soon", "--country", "DE"), "--on"),
    (("law", "DE", "--on", "2026-02-30"), "--on"),
    (("law", "lint", "--on", "soon"), "--on"),
    (("law", "export", "--on", "soon"), "--on"),
    (("law", "diff", "--from", "soon", "--to", "2026-01-01"), "--from"),
    (("law", "diff", "--from", "2026-01-02", "--to", "2026-01-01"), "--to lies before --from"),
    (("law", "DE-QC"), "no subdivision of DE"),
]


@pytest.mark.parametrize(("words", "named"), SLIPS)
def test_slip_is_named_and_changes_nothing(
    run: Run, sqlite_host: Layout, words: tuple[object, ...], named: str
) -> None:
    before = everything(sqlite_host)
    done = run(*words, "--config", sqlite_host.folder / "agegate.toml")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"agegate: [^\n]+\n", done.err)
    assert named in done.err
    assert everything(sqlite_host) == before


# --- as processes -----------------------------------------------------------------------------------

PROCESSES: dict[str, Callable[[Layout], None]] = {
    "an unknown key": lambda host: edit(host, "[store]", "[stor]\nx = 1\n[store]"),
    "a missing column": lambda host: edit(host, 'column = "bio"', 'column = "about"'),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_real_process_says_it_in_a_line(sqlite_host: Layout, case: str) -> None:
    PROCESSES[case](sqlite_host)
    before = everything(sqlite_host)
    done = process("sweep", "--apply", AGEGATE_CONFIG=str(sqlite_host.folder / "agegate.toml"))
    assert_one_line(done)
    assert everything(sqlite_host) == before


def test_real_process_gets_bytes_that_are_no_text() -> None:
    raw = subprocess.run(
        [sys.executable, "-m", "agegate", "check"],
        input=b'{"country": "\xff"}',
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
    )
    assert_one_line(Ran(raw.returncode, raw.stdout.decode(), raw.stderr.decode()), "stdin: ")
