"""Writes the project of a documentation page to a folder, and runs it there in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from agegate.config import Config
from agegate.database import open_engine, parse_url
from agegate.keys import KeyRing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

_BLOCK = re.compile(r"^```\w+\n(?:# |<!-- )(?P<file>\S+?)(?: -->)?\n.*?^```", re.M | re.S)


@dataclass
class Project:
    """A page's project on disk: where its databases are, and how to run a program in it."""

    folder: Path
    page: str
    host: str = ""
    store: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The project's package, the one with the settings."""
        return next(file.parent.name for file in self.folder.glob("*/settings.py") if file.parent.name != "own")

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AGEGATE_", "DJANGO_"))},
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(ROOT))),
            "DJANGO_SETTINGS_MODULE": "own.settings",
            "PAGE_SETTINGS": f"{self.name}.settings",
            "MORE_SETTINGS": json.dumps(self.more),
            "SECRET_KEY": "a key that only tests know, and long enough for signing",
            **self.environment,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the project, with warnings as errors."""
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`manage.py …`."""
        return self.run("manage.py", *arguments)

    @contextmanager
    def engine(self, url: str | None = None) -> Iterator[sa.Engine]:
        """The test's own look into the host's database, or another."""
        engine = open_engine(parse_url(url or self.host))
        try:
            yield engine
        finally:
            engine.dispose()

    def rows(self, query: str, url: str | None = None) -> list[tuple[object, ...]]:
        """Read the host, or another database, by the test's own SQL."""
        with self.engine(url) as engine, engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    @property
    def log(self) -> str:
        """What all loggers wrote."""
        return (self.folder / "all.log").read_text(encoding="utf-8")


@dataclass
class Site:
    """A project that is being served."""

    project: Project
    url: str

    def browser(self, **headers: str) -> httpx.Client:
        """A browser with cookies of its own."""
        return httpx.Client(base_url=self.url, headers={"Accept": "text/html", **headers}, timeout=30)

    def app(self) -> httpx.Client:
        """A program that speaks JSON, with cookies of its own."""
        return httpx.Client(base_url=self.url, headers={"Accept": "application/json"}, timeout=30)

    def sign_up(
        self, browser: httpx.Client, fields: Mapping[str, str], path: str = "/signup"
    ) -> httpx.Response:
        """Fetch the form, fill it in as a person would, and post it."""
        page = browser.get(path)
        assert page.status_code == 200, page.text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None
        return browser.post(
            path, data={**fields, "csrfmiddlewaretoken": token[1]}, headers={"Referer": self.url + path}
        )


def write_project(page: str, folder: Path, host: str | None = None, store: str | None = None) -> Project:
    """Write the files of a page of `docs/frameworks`, the tests' own app, agegate's tables and a key ring.

    `host` and `store` are URLs in place of the page's SQLite files.
    """
    text = (ROOT / "docs" / "frameworks" / page).read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        file = folder / block["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block[0].split("\n", 1)[1].removesuffix("```"), encoding="utf-8")
    shutil.copytree(HERE, folder / "own", ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(folder, page)
    project.host = host or f"sqlite:///{folder}/{project.name}.db"
    if host is not None:
        project.more["DATABASES"] = {"default": django_database(host)}
    if store is not None:
        toml = folder / "agegate.toml"
        toml.write_text(re.sub(r'^url = ".*"', f'url = "{store}"', toml.read_text(), flags=re.M))
    config = Config.load(folder / "agegate.toml")
    project.store = config.store_url.render_as_string(hide_password=False)
    KeyRing.load_or_create(config.key_file)
    own = config.open_store(create=True)
    own.upgrade()
    own.dispose()
    return project


def django_database(url: str) -> dict[str, object]:
    """A URL as Django's `DATABASES` wants it."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parsed.database}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parsed.database,
        "USER": parsed.username,
        "PASSWORD": parsed.password or "",
        "HOST": parsed.host or str(parsed.query["host"]),
        "PORT": parsed.port or "",
    }


@contextmanager
def serving(project: Project, kind: str = "wsgi") -> Iterator[Site]:
    """The project, served as WSGI or ASGI in a process of its own until the block ends."""
    errors = project.folder / "errors.txt"
    with (
        errors.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "own.serve", kind],
            cwd=project.folder,
            env=project.variables,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            port = ""
            while line := process.stdout.readline():
                if line.strip().isdigit():
                    port = line.strip()
                    break
            assert port, errors.read_text()
            site = Site(project, f"http://127.0.0.1:{port}")
            wait_for(site.url)
            yield site
        finally:
            process.terminate()
            process.wait(20)


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=20)) as client:
        client.get(f"{url}/welcome")
