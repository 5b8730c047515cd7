"""Hosts of the pages about Starlette and FastAPI: the application that a page shows, under uvicorn.

`Contract` is what both of them promise, as tests: a class that a test module inherits.
"""

# ruff: noqa: RUF001 - digits and letters that look alike are what is tested

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from unittest.mock import patch

import httpx
import pytest
import sqlalchemy as sa
from authlib.deprecate import AuthlibDeprecationWarning
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from agegate.config import Config
from agegate.database import open_engine, parse_url
from agegate.errors import NotAdmittedError
from agegate.keys import KeyRing
from agegate.signup.cookie import NAME
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider, provider, serving
from tests.traces import ADULT, BOXES, EMAIL, FORM, IP, MARKERS, PHONE, rows, traces

PAGES = Path(__file__).parent.parent / "docs" / "frameworks"

GROWN = "reader@example.org"
TOLD = {"birth_date": "1984-04-17", "country": "US"}
"""An adult, as JSON; add an e-mail address."""

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_CARRIED = re.compile(r'name="agegate_carried" value="([^"]+)"')
_numbers = count(1)

with warnings.catch_warnings():  # Authlib says at import, past every filter, that it will leave httpx
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    import authlib.integrations.starlette_client  # noqa: F401


@dataclass
class Site:
    """A running host: its address, its module, its databases, its provider, and all that it answered."""

    url: str
    module: ModuleType
    host: sa.Engine
    store: sa.Engine
    folder: Path
    person: Provider
    answers: list[httpx.Response] = field(default_factory=list)

    @contextmanager
    def browser(self, **headers: str) -> Iterator[httpx.Client]:
        """A browser of its own: with cookies, from the address that marks a child, following redirects."""
        with httpx.Client(
            base_url=self.url,
            headers={"X-Forwarded-For": IP, **headers},
            follow_redirects=True,
            timeout=60,
            trust_env=False,
            event_hooks={"response": [self._note]},
        ) as client:
            yield client

    def _note(self, response: httpx.Response) -> None:
        response.read()
        self.answers.append(response)

    def rows(self) -> dict[str, int]:
        """How many rows each of the host's tables has that has any."""
        return {name: number for name, number in rows(self.host).items() if "agegate" not in name}

    def accounts(self) -> list[str]:
        """The e-mail addresses of all accounts."""
        with self.host.connect() as connection:
            return list(connection.scalars(sa.text("SELECT email FROM accounts ORDER BY email")))

    def traces(self, log: str) -> list[str]:
        """What is left of a refused person: databases, files, log, answers with their headers."""
        said = "\n".join(f"{one.status_code} {one.headers.multi_items()} {one.text}" for one in self.answers)
        # The server's access log names addresses: the page says so, and it is the host's to leave off.
        own = "\n".join(line for line in log.splitlines() if "uvicorn.access" not in line)
        return traces(self.host, self.store, self.folder, own, said)


def block(page: str, number: int = 0) -> str:
    """One of the blocks of Python that a page of the documentation shows."""
    return _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))[number]


def prepare(folder: Path, store: str, **service: str) -> Path:
    """Write an agegate.toml, and make key ring and tables."""
    file = folder / "agegate.toml"
    more = "".join(f'{name} = "{value}"\n' for name, value in service.items())
    file.write_text(
        f'[service]\nname = "Readers"\ncontact = "help@example.org"\n{more}[store]\nurl = "{store}"\n',
        encoding="utf-8",
    )
    config = Config.load(file)
    KeyRing.load_or_create(config.key_file)
    opened = config.open_store(create=True)
    opened.upgrade()
    opened.dispose()
    return file


@contextmanager
def loaded(file: Path, text: str, **settings: str) -> Iterator[Any]:
    """A module from the text of a page, written to a file; its guard is taken away afterwards."""
    file.write_text(text, encoding="utf-8")
    name = f"asgi_host_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    with patch.dict(os.environ, settings):
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            yield module
        finally:
            del sys.modules[name]
            if hasattr(module, "guard"):
                module.guard.remove()


def async_url(url: str) -> str:
    """The URL of the same database for an async driver."""
    return re.sub(r"^(sqlite|postgresql)(\+\w+)?:", _driver, url)


def _driver(found: re.Match[str]) -> str:
    return "sqlite+aiosqlite:" if found[1] == "sqlite" else "postgresql+psycopg:"


@contextmanager
def running(page: str, folder: Path, host: str | None = None, text: str | None = None) -> Iterator[Site]:
    """The host of a page, started as it is shown, beside a provider; `host` is the URL of its database.

    `text` is the page's program where a test changes it.
    """
    host_url = host or f"sqlite:///{folder}/accounts.db"
    store_url = host or f"sqlite:///{folder}/agegate.db"
    config = prepare(folder, store_url)
    engines = [open_engine(parse_url(url), create=True) for url in (host_url, store_url)]
    with provider(email=GROWN, name="Rea Der") as person:
        settings = {
            "AGEGATE_CONFIG": str(config),
            "DATABASE_URL": async_url(host_url),
            "SECURE_COOKIES": "no",
            "SESSION_SECRET": "only-tests-know-this-secret",
            "IDP_METADATA_URL": person.discovery,
            "IDP_CLIENT_ID": CLIENT_ID,
            "IDP_CLIENT_SECRET": CLIENT_SECRET,
        }
        with loaded(folder / "app.py", text or block(page), **settings) as module, serving(module.app) as url:
            try:
                yield Site(url, module, engines[0], engines[1], folder, person)
            finally:
                for engine in engines:
                    engine.dispose()


def carried(page: httpx.Response) -> dict[str, str]:
    """The hidden input of a page that carries what a provider said."""
    found = _CARRIED.search(page.text)
    return {"agegate_carried": found[1]} if found else {}


def by_form(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/sign-up", data=fields)


def by_api(client: httpx.Client, **fields: object) -> httpx.Response:
    return client.post("/sign-up", json=fields)


def by_provider(client: httpx.Client, **fields: str) -> httpx.Response:
    return by_form(client, **carried(client.get("/oauth")), **fields)


def by_multipart(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/sign-up", files={name: (None, value) for name, value in fields.items()})


CHILD_FORM = {**FORM, "agegate_note": "marked"}
WAYS: dict[str, tuple[Callable[..., httpx.Response], dict[str, str], dict[str, str]]] = {
    "form": (by_form, CHILD_FORM, {**ADULT, "email": GROWN, "name": "Rea Der"}),
    "multipart": (by_multipart, CHILD_FORM, {**ADULT, "email": GROWN, "name": "Rea Der"}),
    "api": (by_api, MARKERS, {**TOLD, "email": GROWN, "name": "Rea Der"}),
    "provider": (by_provider, {**BOXES, "country": "US"}, ADULT),
}
"""How somebody signs up: the way, what a child gives, what an adult gives."""

SECOND_TRIES: dict[str, tuple[bool, dict[str, str]]] = {
    "another-date": (True, {**ADULT, "email": EMAIL}),
    "same-date": (True, {**BOXES, "country": "US", "email": EMAIL}),
    "same-browser-another-email": (True, {**ADULT, "email": "another@example.org"}),
    "cleared-cookie-same-email": (False, {**ADULT, "email": EMAIL}),
    "other-browser-same-phone": (False, {**ADULT, "email": "another@example.org", "phone": PHONE}),
    "other-browser-spelt-otherwise": (False, {**ADULT, "email": f"{EMAIL.partition('@')[0]}+x@Example.ORG"}),
}
"""Another try of a refused child: whether the cookie is sent, and what is given."""

LONG = "9" * 400_000
WRONG: list[tuple[str, dict[str, Any]]] = [
    *(
        ("birth_date", {"birth_date": value})
        for value in (
            "0001-01-01",
            "2300-01-01",
            "2012-02-31",
            "1392-05-01",
            "٢٠١٢-٠٥-٠١",
            "12-05-01",
            "2012-05-01\x00",
        )
    ),
    ("birth_date", {"birth_date": LONG}),
    ("birth_date", {"birth_date": ["1984-04-17"]}),
    ("birth_date", {"birth_date": 19840417}),
    ("birth_date", {"birth_date": None}),
    ("birth_date", {"birth_date": None, "birth_year": "84", "birth_month": "4", "birth_day": "17"}),
    ("birth_date", {"birth_date": None, "birth_year": "1984", "birth_month": "February", "birth_day": "31"}),
    ("country", {"country": "Utopia\x00land"}),
    ("email", {"email": "so\x00meone@example.org"}),
    ("email", {"email": "somebody at example.org"}),
    ("email", {"email": None}),
    ("phone", {"phone": "8" * 80}),
    ("region", {"region": "Atlantis"}),
]
"""What cannot be used, by the field that the answer names."""


def wrong_answers() -> list[Any]:
    return [pytest.param(name, given, id=f"{name}-{number}") for number, (name, given) in enumerate(WRONG)]


class Contract:
    """What a framework's page promises; `page` is its file."""

    page: ClassVar[str]

    @pytest.fixture
    def site(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
        """The host of the page on SQLite, its tables and agegate's in two files, with every logger heard."""
        caplog.set_level(logging.DEBUG)
        with running(self.page, tmp_path) as found:
            yield found

    @pytest.fixture
    def both(self, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
        """The same on SQLite and on PostgreSQL, with agegate's tables in the host's database."""
        caplog.set_level(logging.DEBUG)
        with running(self.page, tmp_path, database) as found:
            yield found

    @pytest.mark.parametrize("way", WAYS)
    def test_an_adult_is_admitted_and_has_exactly_one_row(self, both: Site, way: str) -> None:
        send, _, grown = WAYS[way]
        with both.browser() as client:
            answer = send(client, **grown)
        assert (answer.status_code, answer.json()) == (201, {"account": 1})
        assert both.accounts() == [GROWN]
        assert sum(both.rows().values()) == 1

    @pytest.mark.parametrize("way", WAYS)
    def test_a_refused_child_leaves_nothing(
        self, both: Site, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        send, child, _ = WAYS[way]
        both.person.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
        with both.browser() as client:
            answer = send(client, **child)
        assert answer.status_code == 403
        assert both.rows() == {}
        assert both.traces(caplog.text) == []

    @pytest.mark.parametrize("case", SECOND_TRIES)
    def test_a_second_try_is_refused_in_the_same_words(
        self, site: Site, case: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        keeps_cookie, fields = SECOND_TRIES[case]
        with site.browser() as client:
            first = by_form(client, **FORM)
            if not keeps_cookie:
                client.cookies.clear()
            second = by_form(client, **fields)
        assert first.status_code == second.status_code == 403
        assert first.content == second.content
        assert _shape(first) == _shape(second)
        assert site.rows() == {}
        assert _refusals(site) > 0
        assert site.traces(caplog.text) == []

    def test_all_refusals_by_the_api_are_one_document(self, site: Site) -> None:
        with site.browser() as client:
            told = [by_api(client, **MARKERS), by_api(client, **TOLD, email="another@example.org")]
            client.cookies.clear()
            told.append(by_api(client, **TOLD, email=EMAIL))
        assert {answer.content for answer in told} == {told[0].content}
        assert {answer.headers["content-type"] for answer in told} == {"application/problem+json"}
        assert sorted(told[0].json()) == ["detail", "status", "title", "type"]
        assert not re.search(r"\d", told[0].json()["detail"])

    def test_the_cookie_is_the_servers_alone(self, site: Site) -> None:
        with site.browser() as client:
            sent = by_form(client, **FORM).headers["set-cookie"].lower()
        assert sent.startswith(f"{NAME}=")
        assert {"httponly", "samesite=lax", "path=/", "max-age=86400"} <= set(sent.split("; "))

    def test_the_page_asks_neutrally_and_is_kept_nowhere(self, site: Site) -> None:
        with site.browser() as client:
            page = client.get("/sign-up")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert 'name="birth_year"' in page.text
        assert 'name="email"' in page.text
        assert not re.search(r"\b(1[2-8]|21)\b", re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL))

    @pytest.mark.parametrize(("name", "given"), wrong_answers())
    def test_wrong_input_is_named_and_never_repeated(
        self, module_site: Site, name: str, given: dict[str, Any]
    ) -> None:
        fields = {**TOLD, "email": GROWN} | given
        fields = {name: value for name, value in fields.items() if value is not None}
        with module_site.browser() as client:
            told = by_api(client, **fields)
            assert told.status_code == 422
            assert [error["field"] for error in told.json()["errors"]] == [name]
            shown = None
            if all(isinstance(value, str) for value in fields.values()):
                shown = by_form(client, **fields)
                assert shown.status_code == 422
        for answer in filter(None, (told, shown)):
            assert "set-cookie" not in answer.headers
            for value in given.values():
                assert value is None or len(str(value)) < 5 or str(value) not in answer.text
        assert module_site.rows() == {}

    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            ("application/json", b"{" * 200_000, 422),
            ("application/json", b"[" * 900_000, 422),
            ("application/json", b'["1984-04-17"]', 422),
            ("application/json", b"\xff\xfe\x00", 422),
            ("application/json", b"", 422),
            ("application/json", b'{"birth_date": "' + b"7" * 10_000_000 + b'"}', 413),
            ("application/x-www-form-urlencoded", b"birth_date=" + b"7" * 10_000_000, 413),
            ("multipart/form-data", b"--x\r\n", 422),
            ("text/plain", b"birth_date=1984-04-17", 415),
            ("", b"", 415),
        ],
        ids=[f"case-{number}" for number in range(1, 11)],
    )
    def test_a_body_that_cannot_be_read_is_named(
        self, module_site: Site, kind: str, body: bytes, status: int
    ) -> None:
        headers = {"Content-Type": kind, "Accept": "application/json"} if kind else {}
        with module_site.browser() as client:
            told = client.post("/sign-up", content=body, headers=headers)
        assert told.status_code == status
        assert [error["field"] for error in told.json()["errors"]] == ["body"]
        assert told.json()["status"] == status
        assert module_site.rows() == {}

    def test_an_adult_without_any_contact_is_asked_for_one(self, site: Site) -> None:
        with site.browser() as client:
            told = by_api(client, **TOLD)
            assert (told.status_code, told.json()["errors"][0]["field"]) == (422, "email")
            assert by_api(client, birth_date=MARKERS["birth_date"], country="US").status_code == 403
            assert by_api(client, **TOLD, email=GROWN).status_code == 403

    FOREIGN: ClassVar[list[dict[str, str]]] = [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.org"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://[:"},
    ]

    @pytest.mark.parametrize("headers", FOREIGN)
    def test_a_post_of_another_site_is_neither_taken_nor_remembered(
        self, site: Site, headers: dict[str, str]
    ) -> None:
        with site.browser() as client:
            answer = client.post("/sign-up", data={**FORM, "email": GROWN}, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
            assert _refusals(site) == 0
            assert by_form(client, **ADULT, email=GROWN).status_code == 201

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
    def test_a_post_of_the_own_page_is_taken(self, site: Site, headers: dict[str, str]) -> None:
        with site.browser() as client:
            answer = client.post("/sign-up", data={**ADULT, "email": GROWN}, headers=headers)
            assert answer.status_code == 201

    def test_what_a_provider_said_cannot_be_changed_or_overruled(self, site: Site) -> None:
        with site.browser() as client:
            hidden = carried(client.get("/oauth"))["agegate_carried"]
            assert GROWN not in hidden
            changed = by_form(client, **ADULT, email=GROWN, agegate_carried=hidden[:-9] + "AAAAAAAA=")
            assert changed.status_code == 422
            assert site.rows() == {}
            answer = by_form(client, **ADULT, email="another@example.org", agegate_carried=hidden)
            assert answer.status_code == 201
            again = client.get("/oauth")
            assert again.json() == {"account": 1}
        assert site.accounts() == [GROWN]

    def test_a_mistake_keeps_what_the_provider_said_for_the_next_answer(self, site: Site) -> None:
        with site.browser() as client:
            page = by_provider(client, **{**ADULT, "birth_month": "14"})
            assert page.status_code == 422
            assert 'name="email"' not in page.text
            assert by_form(client, **carried(page), **ADULT).status_code == 201
        assert site.accounts() == [GROWN]

    def test_an_account_that_nobody_admitted_is_stopped(self, both: Site) -> None:
        async def insert() -> None:
            engine = create_async_engine(async_url(both.host.url.render_as_string(hide_password=False)))
            try:
                async with AsyncSession(engine) as session, session.begin():
                    session.add(both.module.Account(email=GROWN, name="Rea Der"))
            finally:
                await engine.dispose()

        with pytest.raises(NotAdmittedError):
            asyncio.run(insert())
        assert both.rows() == {}


def _shape(answer: httpx.Response) -> list[tuple[str, str]]:
    """The headers that a refusal has, without what differs between any two answers."""
    cookie = re.sub(r"agegate=[^;]+", "agegate=…", answer.headers["set-cookie"])
    cookie = re.sub(r"expires=[^;]+", "expires=…", cookie)
    rest = [pair for pair in answer.headers.items() if pair[0] not in ("set-cookie", "date")]
    return [*rest, ("set-cookie", cookie)]


def _refusals(site: Site) -> int:
    return sum(number for name, number in rows(site.store).items() if "agegate_refusal" in name)
