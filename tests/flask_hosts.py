"""Hosts of the pages about Flask: the application that a page shows, served on a real port."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import httpx
import sqlalchemy as sa
from werkzeug.serving import make_server

from agegate.config import Config
from agegate.database import open_engine, parse_url
from agegate.frameworks.flask import KEPT
from agegate.keys import KeyRing
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider, provider
from tests.traces import IP, rows, traces

PAGES = Path(__file__).parent.parent / "docs" / "frameworks"

CONTACT = "help@example.org"
ADULT = "reader@example.org"

COUNTRY = "US"
TYPED = {"birth_year": "1984", "birth_month": "4", "birth_day": "17", "country": COUNTRY}
"""An adult, as the form posts it; add an e-mail address."""
TOLD = {"birth_date": "1984-04-17", "country": COUNTRY}
"""The same as JSON."""

_BLOCK = re.compile(r"(?:`(?P<name>[\w./]+)`[^\n]*:\n\n)```(?P<kind>python|html)\n(?P<text>.*?)```", re.DOTALL)
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_MARK = re.compile(rf'<input type="hidden" name="{KEPT}" value="([0-9a-f]+)">')
_numbers = count(1)


@dataclass
class Site:
    """A running host: its address, its module, its database and its folder."""

    url: str
    module: ModuleType
    host: sa.Engine
    store: sa.Engine
    folder: Path
    answers: list[httpx.Response] = field(default_factory=list)
    """Every answer that it gave to `browser`."""

    @contextmanager
    def browser(self, **headers: str) -> Iterator[httpx.Client]:
        """A browser of its own: with cookies, from the address that marks a child, following redirects."""
        with httpx.Client(
            base_url=self.url,
            headers={"X-Forwarded-For": IP, **headers},
            follow_redirects=True,
            timeout=30,
            trust_env=False,
            event_hooks={"response": [self._note]},
        ) as client:
            yield client

    def _note(self, response: httpx.Response) -> None:
        response.read()
        self.answers.append(response)

    def rows(self) -> dict[str, int]:
        """How many rows each of the host's tables has that has any."""
        return rows(self.host)

    def accounts(self, table: str = "accounts") -> list[str]:
        """The e-mail addresses of all accounts."""
        with self.host.connect() as connection:
            return list(connection.scalars(sa.text(f'SELECT email FROM "{table}" ORDER BY email')))

    def traces(self, log: str) -> list[str]:
        """What is left of a refused person: databases, files, log, answers with their headers."""
        own = "\n".join(line for line in log.splitlines() if "uvicorn.access" not in line)  # the provider's
        said = "\n".join(f"{one.status_code} {one.headers.multi_items()} {one.text}" for one in self.answers)
        return traces(self.host, self.store, self.folder, own, said)


def blocks(page: str) -> Mapping[str, str]:
    """The files that a page of the documentation shows, by the name above each."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = {block["name"]: block["text"] for block in _BLOCK.finditer(text)}
    assert "app.py" in found, f"{page} shows no app.py"
    return found


def token(page: httpx.Response) -> dict[str, str]:
    """The hidden CSRF token of a page of Flask-WTF, to post with its form."""
    found = _CSRF.search(page.text)
    assert found is not None, page.text
    return {"csrf_token": found[1]}


def mark(page: httpx.Response) -> dict[str, str]:
    """The hidden input of a page that is about who is kept, to post with its form; empty if it is not."""
    found = _MARK.search(page.text)
    return {} if found is None else {KEPT: found[1]}


@contextmanager
def listening() -> Iterator[None]:
    """Let every logger say everything; an engine that is made meanwhile logs its statements, too."""
    names = [None, *logging.root.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def serving(page: str, folder: Path, host: str | None = None, **config: str) -> Iterator[Site]:
    """The host of a page, started from its files as they are shown.

    `host` is the URL of its database (default: a SQLite file), `config` is more for `FLASK_…`.
    """
    for name, text in blocks(page).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    host_url = host or f"sqlite:///{folder}/accounts.db"
    store_url = host or f"sqlite:///{folder}/agegate.db"
    settings = _prepare(folder, store_url) | {
        "FLASK_SECRET_KEY": "only-tests-know-this-secret",
        "FLASK_SESSION_COOKIE_SECURE": "false",
        "FLASK_SQLALCHEMY_DATABASE_URI": parse_url(host_url).render_as_string(hide_password=False),
        "FLASK_IDP_SERVER_METADATA_URL": "http://127.0.0.1:9/",
        **{f"FLASK_{name}": value for name, value in config.items()},
    }
    engines = [open_engine(parse_url(url), create=True) for url in (host_url, store_url)]
    with ExitStack() as stack:
        for engine in engines:
            stack.callback(engine.dispose)
        with patch.dict(os.environ, settings):
            module = stack.enter_context(_loaded(folder / "app.py"))
        url = stack.enter_context(_running(module.app))
        yield Site(url, module, *engines, folder)


@contextmanager
def serving_with_provider(
    page: str, folder: Path, host: str | None = None, **config: str
) -> Iterator[tuple[Site, Provider]]:
    """The same beside a provider where an adult, `ADULT`, has signed in."""
    with provider(email=ADULT, name="Rea Der") as idp:
        settings = {
            "IDP_SERVER_METADATA_URL": idp.discovery,
            "IDP_CLIENT_ID": CLIENT_ID,
            "IDP_CLIENT_SECRET": CLIENT_SECRET,
        }
        with serving(page, folder, host, **settings, **config) as site:
            yield site, idp


def _prepare(folder: Path, store: str) -> dict[str, str]:
    """Write the configuration, make key ring and tables; returns what tells the application of it."""
    file = folder / "agegate.toml"
    text = f'[service]\nname = "Readers"\ncontact = "{CONTACT}"\n[store]\nurl = "{store}"\n'
    file.write_text(text, encoding="utf-8")
    config = Config.load(file)
    KeyRing.load_or_create(config.key_file)
    opened = config.open_store(create=True)
    opened.upgrade()
    opened.dispose()
    return {"AGEGATE_CONFIG": str(file)}


@contextmanager
def _loaded(file: Path) -> Iterator[Any]:
    """A module from a file, with a name of its own; its guard is taken away afterwards."""
    name = f"flask_host_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]
        if hasattr(module, "guard"):
            module.guard.remove()
        if hasattr(module, "db"):
            with module.app.app_context():
                module.db.session.remove()
                module.db.engine.dispose()


@contextmanager
def _running(app: Any) -> Iterator[str]:
    """The URL of an application that Werkzeug serves in threads."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()
