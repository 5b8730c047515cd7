"""fastapi-users: the application of the page, started and asked over HTTP, by form, API and a provider."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

pytest.importorskip("fastapi_users", reason="its database adapter needs SQLAlchemy before 2.1")

pytest.register_assert_rewrite("tests.asgi_hosts")

from agegate.birthdate import BirthDate  # noqa: E402 - after the check above
from agegate.errors import NotAdmittedError  # noqa: E402 - the same
from agegate.signup.cookie import NAME  # noqa: E402 - the same
from tests.asgi_hosts import GROWN, Site, block, carried, running, wrong_answers  # noqa: E402 - the same
from tests.conftest import NOW  # noqa: E402 - the same
from tests.traces import ADULT, BIRTH_DATE, BOXES, EMAIL, FORM, MARK, MARKERS, traces  # noqa: E402 - the same

PAGE = "fastapi_users.md"
PASSWORD = "a long enough passphrase"
TOLD = {"birth_date": "1984-04-17", "country": "US", "email": GROWN, "password": PASSWORD}


@pytest.fixture(scope="module", autouse=True)
def secret() -> Iterator[None]:
    """The secret that the page's application reads beside what all pages read."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("USERS_SECRET", "only-tests-know-this-secret-of-some-length")
        yield


@pytest.fixture
def both(database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The host of the page on SQLite and on PostgreSQL, agegate's tables in its database, all loggers heard."""
    caplog.set_level(logging.DEBUG)
    with running(PAGE, tmp_path, database) as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The host of the page on SQLite, its tables and agegate's in two files, every logger heard."""
    caplog.set_level(logging.DEBUG)
    with running(PAGE, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def module_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host for tables of cases that leave nothing in it, which each of them proves."""
    with running(PAGE, tmp_path_factory.mktemp("host")) as found:
        yield found


def users(site: Site) -> list[tuple[str, str | None]]:
    """The e-mail address and country of every account."""
    with site.host.connect() as connection:
        found = connection.execute(sa.text('SELECT email, country FROM "user" ORDER BY email'))
        return [(row.email, row.country) for row in found]


def by_api(client: httpx.Client, **fields: object) -> httpx.Response:
    return client.post("/auth/register", json=fields)


def by_form(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/sign-up", data=fields)


def by_json(client: httpx.Client, **fields: object) -> httpx.Response:
    return client.post("/sign-up", json=fields)


def question(client: httpx.Client) -> httpx.Response:
    """What the provider's callback answers."""
    leave = client.get("/auth/provider/authorize").json()["authorization_url"]
    return client.get(leave)


def by_provider(client: httpx.Client, **fields: str) -> httpx.Response:
    return by_form(client, **carried(question(client)), **fields)


WAYS: dict[str, tuple[Callable[..., httpx.Response], dict[str, str], dict[str, str], int, str | None]] = {
    "api": (by_api, MARKERS, TOLD, 201, "US"),
    "form": (by_form, FORM, {**ADULT, "email": GROWN, "password": PASSWORD}, 204, "US"),
    "json": (by_json, MARKERS, TOLD, 204, "US"),
    "provider": (by_provider, {**BOXES, "country": "US"}, ADULT, 204, None),
}
"""How somebody signs up: the way, what a child and an adult give, the adult's answer, what is stored."""


@pytest.mark.parametrize("way", WAYS)
def test_an_adult_is_admitted_and_has_exactly_one_account(both: Site, way: str) -> None:
    send, _, grown, status, country = WAYS[way]
    with both.browser() as client:
        answer = send(client, **grown)
        signed_in = client.cookies.get("fastapiusersauth")
        again = question(client) if way == "provider" else send(client, **grown)
    assert answer.status_code == status
    assert users(both) == [(GROWN, country)]
    assert again.status_code == (204 if way == "provider" else 400)
    assert (signed_in is None) == (way == "api")
    assert traces(answer.text) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_child_leaves_nothing(both: Site, way: str, caplog: pytest.LogCaptureFixture) -> None:
    send, child, _, _, _ = WAYS[way]
    both.person.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
    with both.browser() as client:
        answer = send(client, **child)
        assert NAME in client.cookies
    assert answer.status_code == 403
    assert both.rows() == {}
    assert both.traces(caplog.text) == []


def test_a_provider_alone_makes_no_account(both: Site, caplog: pytest.LogCaptureFixture) -> None:
    both.person.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
    with both.browser() as client:
        page = question(client)
    assert page.status_code == 200
    assert 'name="birth_year"' in page.text
    assert "agegate_carried" in carried(page)
    assert both.rows() == {}
    assert both.traces(caplog.text) == []


SECOND_TRIES: dict[str, tuple[bool, dict[str, str]]] = {
    "another date": (True, {**TOLD, "email": EMAIL}),
    "same browser, another e-mail": (True, TOLD),
    "cleared cookie, same e-mail": (False, {**TOLD, "email": EMAIL}),
    "other spelling": (False, {**TOLD, "email": EMAIL.replace("@", "+x@").upper()}),
}


@pytest.mark.parametrize(("keeps_cookie", "fields"), SECOND_TRIES.values(), ids=SECOND_TRIES)
def test_a_second_try_is_refused_in_the_same_words(
    site: Site, keeps_cookie: bool, fields: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with site.browser() as client:
        first = by_api(client, **MARKERS)
        if not keeps_cookie:
            client.cookies.clear()
        second = by_api(client, **fields)
    assert first.status_code == second.status_code == 403
    assert first.content == second.content
    assert sorted(first.headers) == sorted(second.headers)
    assert site.rows() == {}
    assert site.traces(caplog.text) == []


def test_a_refused_child_who_comes_by_a_provider_is_refused_again(site: Site) -> None:
    site.person.become(EMAIL)
    with site.browser() as client:
        by_api(client, **MARKERS)
        client.cookies.clear()
        answer = by_provider(client, **ADULT)
    assert answer.status_code == 403
    assert site.rows() == {}


def test_a_refused_child_is_not_told_whether_an_e_mail_is_taken(site: Site) -> None:
    with site.browser() as client:
        by_api(client, **TOLD)
    with site.browser() as client:
        taken = by_api(client, **{**MARKERS, "email": GROWN})
        client.cookies.clear()
        free = by_api(client, **{**MARKERS, "email": "free@example.org"})
        client.cookies.clear()
        weak = by_api(client, **{**MARKERS, "email": "weak@example.org", "password": ""})
    assert taken.status_code == free.status_code == weak.status_code == 403
    assert taken.content == free.content == weak.content
    assert len(users(site)) == 1


@pytest.mark.parametrize(("name", "given"), wrong_answers())
def test_what_cannot_be_used_is_named_and_never_repeated(
    module_site: Site, name: str, given: dict[str, Any]
) -> None:
    fields = {**TOLD, **given}
    with module_site.browser() as client:
        # The page's schema has no boxes and no telephone number: they are the form's.
        answer = (by_json if "birth_year" in given or name == "phone" else by_api)(client, **fields)
    assert answer.status_code == 422
    told = answer.json()
    # FastAPI itself checks the types that the host's own schema declares.
    named = [one["field"] for one in told.get("errors", [])] or [one["loc"][-1] for one in told["detail"]]
    assert named == [name]
    assert len(answer.content) < 2_000
    assert all(str(value) not in answer.text for value in given.values() if len(str(value)) > 4 and value)
    assert TOLD["birth_date"] not in answer.text
    assert module_site.rows() == {}


def test_a_missing_field_of_the_hosts_echoes_nothing(module_site: Site) -> None:
    with module_site.browser() as client:
        for send in (by_api, by_json):
            answer = send(client, **{name: value for name, value in TOLD.items() if name != "password"})
            assert answer.status_code == 422
            assert [one["loc"] for one in answer.json()["detail"]] == [["body", "password"]]
            assert TOLD["birth_date"] not in answer.text
            assert GROWN not in answer.text
    assert module_site.rows() == {}


def test_what_the_provider_said_cannot_be_changed_nor_its_answer_used_twice(site: Site) -> None:
    with site.browser() as client:
        hidden = carried(question(client))
        changed = by_form(client, agegate_carried=hidden["agegate_carried"][:-4] + "AAA=", **ADULT)
        assert changed.status_code == 422
        assert site.rows() == {}
        assert by_form(client, **hidden, **ADULT, email="other@example.org").status_code == 204
        assert by_form(client, **hidden, **ADULT).status_code == 204  # signs in, as the provider would
    assert users(site) == [(GROWN, None)]


def test_who_has_an_account_signs_in_by_a_provider_without_the_question(site: Site) -> None:
    with site.browser() as client:
        by_provider(client, **ADULT)
    with site.browser() as client:
        assert question(client).status_code == 204
    assert len(users(site)) == 1


def test_account_with_a_password_is_not_taken_over_by_a_provider(site: Site) -> None:
    with site.browser() as client:
        by_api(client, **TOLD)
        answer = by_provider(client, **ADULT)
    assert len(users(site)) == 1
    assert (answer.status_code, answer.json()) == (400, {"detail": "REGISTER_USER_ALREADY_EXISTS"})


def test_another_sites_form_is_not_taken(site: Site) -> None:
    with site.browser(Origin="https://elsewhere.example.net") as client:
        answer = by_form(client, **ADULT, email=GROWN, password=PASSWORD)
    assert answer.status_code == 403
    assert site.rows() == {}


def test_flags_that_are_not_the_persons_to_set_are_not_taken(site: Site) -> None:
    with site.browser() as client:
        by_json(client, **TOLD, is_superuser=True, is_verified=True)
    with site.host.connect() as connection:
        flags = connection.execute(sa.text('SELECT is_superuser, is_verified FROM "user"')).one()
    assert not any(flags)


def test_description_of_the_interface_names_no_age(module_site: Site) -> None:
    with module_site.browser() as client:
        told = client.get("/openapi.json").text
    assert "birth_date" in told
    assert "minor" not in told.lower()
    assert "years" not in told.lower()


# --- the manager without a browser --------------------------------------------------------------------


def _manager(site: Site, work: Callable[[Any, Any], Any]) -> Any:
    """Run a coroutine of the host's manager as a script would, on an engine of its own."""
    module: Any = site.module

    async def run() -> Any:
        engine = module.create_async_engine(module.engine.url)
        try:
            async with module.AsyncSession(engine, expire_on_commit=False) as session:
                stored = module.SQLAlchemyUserDatabase(session, module.User, module.OAuthAccount)
                return await work(module.UserManager(stored, module.Response()), module)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def test_a_script_asks_the_gate_too(site: Site) -> None:
    _manager(site, lambda manager, host: manager.create(host.UserCreate(**TOLD)))
    for fields in (MARKERS, {"email": "nobody@example.org", "password": PASSWORD}):
        with pytest.raises(NotAdmittedError) as met:
            _manager(site, lambda manager, host, fields=fields: manager.create(host.UserCreate(**fields)))
        assert traces(str(met.value)) == []
    with pytest.raises(NotAdmittedError):
        _manager(
            site,
            lambda manager, host: manager.oauth_callback("openid", "token", "subject", "other@example.org"),
        )
    assert users(site) == [(GROWN, "US")]


def test_schema_that_never_asked_is_refused(site: Site) -> None:
    def work(manager: Any, host: Any) -> Any:
        return manager.create(host.schemas.BaseUserCreate(email=GROWN, password=PASSWORD))

    with pytest.raises(NotAdmittedError, match="birth_date"):
        _manager(site, work)
    assert site.rows() == {}


def test_user_database_used_past_the_manager_is_stopped_by_the_guard(site: Site) -> None:
    def work(manager: Any, host: Any) -> Any:
        return manager.user_db.create({"email": GROWN, "hashed_password": "none"})

    with pytest.raises(NotAdmittedError):
        _manager(site, work)
    assert site.rows() == {}


def test_schema_keeps_no_answer_but_what_the_host_stores(site: Site) -> None:
    module: Any = site.module
    plain = type("Plain", (module.AgeGateUserCreate, module.schemas.BaseUserCreate), {})
    keeping = type("Keeping", (plain,), {"stored": frozenset({"birth_date", "region"})})
    given = {**TOLD, "birth_date": BIRTH_DATE, "region": "KY"}
    for schema, kept in ((plain, {}), (keeping, {"birth_date": "2021-08-19", "region": "KY"})):
        for made in (schema(**given).create_update_dict(), schema(**given).create_update_dict_superuser()):
            assert {name: str(value) for name, value in made.items()} == {
                "email": GROWN,
                "password": PASSWORD,
                **kept,
            }
    assert BIRTH_DATE not in repr(plain(**given))
    assert MARK not in repr(plain(**{**given, "birth_date": MARK}))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("1984-04-17", date(1984, 4, 17)),
        (" 1984-04-17 ", date(1984, 4, 17)),
        (date(1984, 4, 17), date(1984, 4, 17)),
        (NOW, NOW.date()),
        (BirthDate.on(date(1984, 4, 17)), date(1984, 4, 17)),
        ("1984-04", None),
        ("1984", None),
        (BirthDate.in_year(1984), None),
        ("not-a-date", None),
        (1984, None),
        (None, None),
    ],
)
def test_birth_date_is_stored_as_a_whole_day_or_not_at_all(
    module_site: Site, told: object, kept: date | None
) -> None:
    module: Any = module_site.module
    base = type("Plain", (module.AgeGateUserCreate, module.schemas.BaseUserCreate), {})
    schema = type("Keeping", (base,), {"stored": frozenset({"birth_date"})})
    for make in ("create_update_dict", "create_update_dict_superuser"):
        made = getattr(schema(**{**TOLD, "birth_date": told}), make)()
        assert (type(made["birth_date"]), made["birth_date"]) == (type(kept), kept)


@pytest.mark.parametrize("born", ["1984", "1984-04"])
def test_an_adult_who_told_a_part_of_the_date_has_an_account_where_dates_are_stored(
    tmp_path: Path, born: str
) -> None:
    text = "import datetime\n" + block(PAGE)
    for shown, stored in (
        ('frozenset({"country"})', 'frozenset({"birth_date"})'),
        ("    country: Mapped[str | None]", "    birth_date: Mapped[datetime.date | None]"),
    ):
        assert shown in text
        text = text.replace(shown, stored)
    with running(PAGE, tmp_path, text=text) as site, site.browser() as client:
        for send, email in ((by_json, GROWN), (by_api, "other@example.org")):
            answer = send(client, **{**TOLD, "birth_date": born, "email": email})
            assert answer.status_code in (201, 204)
        assert by_json(client, **{**TOLD, "email": "whole@example.org"}).status_code == 204
        with site.host.connect() as connection:
            kept = connection.execute(sa.text('SELECT email, birth_date FROM "user" ORDER BY email')).all()
    expected = [("other@example.org", None), (GROWN, None), ("whole@example.org", "1984-04-17")]
    assert [tuple(row) for row in kept] == expected
