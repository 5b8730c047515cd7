"""Django: the project of the page, served in a process of its own and asked over HTTP, by form and by API."""

# ruff: noqa: RUF001 - digits and letters that look alike are what is tested

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.errors import NotAdmittedError
from agegate.frameworks.django import BirthDateField, BirthDateWidget
from agegate.frameworks.django.guard import _named as named
from agegate.frameworks.django.statements import UNREADABLE, find_inserts, read_rows
from agegate.signup.cookie import NAME
from tests.django_host.project import Project, Site, serving, write_project
from tests.traces import ADULT, BOXES, FORM, MARKERS, rows, traces

PROBLEM = "application/problem+json"
PASSWORDS = {"password1": "a-word-of-77-oaks", "password2": "a-word-of-77-oaks"}
GROWN = {"username": "reader", "email": "reader@example.org", **ADULT, **PASSWORDS}
CHILD = {**FORM, "password1": MARKERS["password"], "password2": MARKERS["password"]}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the page with its tables, to be copied."""
    project = write_project("django.md", tmp_path_factory.mktemp("django"))
    done = project.manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(pattern: Project, tmp_path: Path) -> Project:
    """The project of the page on SQLite, agegate's store in a file beside the host's."""
    return copied(pattern, tmp_path)


def copied(pattern: Project, folder: Path) -> Project:
    """The same project in another folder."""
    shutil.copytree(pattern.folder, folder, dirs_exist_ok=True)
    (folder / "all.log").unlink(missing_ok=True)
    return Project(folder, pattern.page, f"sqlite:///{folder}/club.db", f"sqlite:///{folder}/agegate.db")


@pytest.fixture
def site(project: Project) -> Iterator[Site]:
    """The project, served as WSGI."""
    with serving(project) as found:
        yield found


@pytest.fixture(params=["wsgi", "asgi"])
def served(request: pytest.FixtureRequest, project: Project) -> Iterator[Site]:
    """The project, served in both ways."""
    with serving(project, request.param) as found:
        yield found


def by_form(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return site.sign_up(browser, fields)


def by_api(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return browser.post("/api/signup", json=fields)


def by_check(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return browser.post("/own/checked", json=fields)


def by_acheck(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return browser.post("/own/acheckd", json=fields)


def by_coroutine(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return browser.post("/api/signup-without-form", json=fields)


def by_careless_form(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return browser.post("/own/careless", json=fields)


By = Callable[[Site, httpx.Client, dict[str, str]], httpx.Response]
EVERY_WAY = [by_form, by_api, by_check, by_acheck, by_coroutine, by_careless_form]


def host_rows(site: Site) -> dict[str, int]:
    with site.project.engine() as engine:
        return rows(engine)


def found_traces(site: Site, *responses: httpx.Response) -> list[str]:
    """What of the child is in host, store, logs, what the process wrote, and the answers."""
    texts = [response.text + repr(response.headers) for response in responses]
    project = site.project
    with project.engine() as host, project.engine(project.store) as store:
        return traces(host, store, project.log, project.folder / "errors.txt", *texts)


# --- who is admitted ----------------------------------------------------------------------------------


def test_adults_are_admitted_in_every_way_and_have_one_row_each(served: Site) -> None:
    for number, way in enumerate(EVERY_WAY):
        fields = GROWN | {"username": f"reader{number}", "email": f"reader{number}@example.org"}
        with served.browser() as browser:
            response = way(served, browser, fields)
        assert response.status_code == (302 if way is by_form else 201), response.text
        if way is by_careless_form:
            assert response.json() == {"kept": ["country", "email"]}
        if way in (by_check, by_acheck):
            assert response.json() == {"again": False}, "an admission is for one account, once"
    emails = served.project.rows("SELECT email FROM auth_user ORDER BY email")
    assert emails == [(f"reader{number}@example.org",) for number in range(6)]


def test_the_birth_date_of_who_is_admitted_is_kept_nowhere(site: Site) -> None:
    born = {"birth_year": "1921", "birth_month": "8", "birth_day": "19"}
    with site.browser() as browser:
        assert by_form(site, browser, GROWN | born).status_code == 302
    kept = b"".join(file.read_bytes() for file in site.project.folder.iterdir() if file.is_file())
    assert b"reader@example.org" in kept
    assert not re.search(rb"1921\D{1,3}0?8\D{1,3}19|0?8\D{1,3}19\D{1,3}1921|19\D{1,3}0?8\D{1,3}1921", kept)


def test_nobody_is_admitted_without_an_address_to_be_recognised_by(site: Site) -> None:
    with site.app() as app:
        by_form_fields = by_api(site, app, {**GROWN, "email": ""})
        told = [way(site, app, dict(ADULT)) for way in (by_check, by_coroutine)]
    assert [one.status_code for one in (by_form_fields, *told)] == [422] * 3
    assert list(by_form_fields.json()["errors"]) == ["email"]
    assert [[error["field"] for error in one.json()["errors"]] for one in told] == [["email"], ["email"]]


# --- who is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", EVERY_WAY)
def test_a_refused_child_leaves_nothing(project: Project, way: By) -> None:
    with (
        serving(project, "asgi" if way in (by_acheck, by_coroutine) else "wsgi") as site,
        site.browser() as browser,
    ):
        before = host_rows(site)
        response = way(site, browser, CHILD)
        assert response.status_code == 403
        assert host_rows(site) == before
        assert found_traces(site, response) == []


def test_a_refused_child_leaves_nothing_when_the_form_is_wrong_otherwise(site: Site) -> None:
    with site.browser() as browser:
        response = by_form(site, browser, CHILD | {"password2": "another"})
        assert response.status_code == 403, "the first answer counts"
        again = by_form(site, browser, CHILD | ADULT)
        assert (again.status_code, again.text) == (403, response.text)
        assert found_traces(site, response, again) == []


def test_every_second_try_gets_the_same_answer(served: Site) -> None:
    grown_up = CHILD | ADULT
    with served.browser() as first, served.browser() as other, served.app() as app, served.app() as new_app:
        page = by_form(served, first, CHILD)
        told = by_api(served, app, GROWN | BOXES | {"email": "second@example.org", "birth_year": "2019"})
        tries = {
            "another date": by_form(served, first, grown_up),
            "another e-mail": by_form(served, first, GROWN | {"email": "new@example.org"}),
            "another browser": by_form(served, other, grown_up),
        }
        tries |= {"a browser that was told so": by_form(served, other, GROWN | {"email": "n2@example.org"})}
        first.cookies.clear()
        tries |= {"no cookie": by_form(served, first, grown_up)}
        apps = {
            "an app": by_api(served, new_app, grown_up),
            "another date": by_api(served, app, GROWN | {"email": "second@example.org"}),
        }
        assert {name: (one.status_code, one.text) for name, one in tries.items()} == dict.fromkeys(
            tries, (403, page.text)
        )
        assert {name: (one.status_code, one.text) for name, one in apps.items()} == dict.fromkeys(
            apps, (403, told.text)
        )
        names = {tuple(sorted(set(one.headers) - {"date"})) for one in (page, *tries.values())}
        assert len(names) == 1, "all refusals have the same header fields"
        assert told.headers["content-type"] == PROBLEM
        assert served.project.rows("SELECT count(*) FROM auth_user") == [(0,)]
        assert found_traces(served, page, told, *tries.values(), *apps.values()) == []


def test_an_adult_in_the_same_browser_is_admitted_when_the_memory_ended(site: Site) -> None:
    with site.browser() as browser:
        browser.cookies.set("agegate", "not-one-of-ours", domain="127.0.0.1")
        response = by_form(site, browser, GROWN)
    assert response.status_code == 302
    assert 'agegate="";' in response.headers["set-cookie"]


@pytest.mark.parametrize("way", [by_form, by_coroutine])
def test_a_refusal_ends_the_session_of_an_unfinished_sign_up(project: Project, way: By) -> None:
    with serving(project, "asgi" if way is by_coroutine else "wsgi") as site, site.browser() as browser:
        assert browser.get("/own/begun", params={"name": "somebody"}).status_code == 200
        assert site.project.rows("SELECT count(*) FROM django_session") == [(1,)]
        assert way(site, browser, CHILD).status_code == 403
        assert project.rows("SELECT count(*) FROM django_session") == [(0,)]


@pytest.mark.parametrize("path", ["/own/device", "/own/device?form"])
def test_a_refusal_is_remembered_by_the_device_that_the_host_names(site: Site, path: str) -> None:
    answers = []
    tries = [(CHILD, "d-1"), (GROWN, "d-1"), (GROWN | {"device": "d-1"}, "d-2")]
    for fields, device in tries:
        with site.app() as app:
            answers.append(app.post(path, json=fields, headers={"X-Installation": device}).status_code)
    assert answers == [403, 403, 201]


def test_an_account_may_be_known_by_its_phone_number(project: Project) -> None:
    project.more["AGEGATE"] = {"CONFIG": "agegate.toml", "SECURE": False, "PHONE": "last_name"}
    with serving(project) as site, site.app() as app, site.app() as other, site.app() as third:
        assert app.post("/own/phone", json={**ADULT, "number": "+1 201 555 0123"}).status_code == 201
        assert project.rows("SELECT last_name FROM auth_user") == [("+1 201 555 0123",)]
        child = {**BOXES, "country": "US", "number": MARKERS["phone"]}
        refused = other.post("/own/phone", json=child)
        again = third.post("/own/phone", json=child | ADULT)
        assert (refused.status_code, again.status_code, again.text) == (403, 403, refused.text)
        wrong = app.post("/own/phone", json={**ADULT, "number": "1" * 80})
        assert (wrong.status_code, list(wrong.json())) == (422, ["number"])
        assert "111" not in wrong.text
        assert found_traces(site, refused, again) == []


@pytest.mark.parametrize(
    ("language", "said", "first"),
    [("de", "Geburtsdatum", "birth_day"), ("en-us", "Date of birth", "birth_month"), ("ar", "", "birth_day")],
)
def test_the_question_and_the_refusal_speak_the_persons_language(
    site: Site, language: str, said: str, first: str
) -> None:
    with site.browser(**{"Accept-Language": language}) as browser:
        page = browser.get("/signup").text
        refusal = by_form(site, browser, CHILD).text
    assert said in page
    assert re.findall(r'name="(birth_\w+)"', page)[0] == first
    assert f'lang="{language[:2]}' in refusal
    assert ('dir="rtl"' in page) == (language == "ar")


def test_neither_page_nor_document_hints_at_a_limit(site: Site) -> None:
    with site.browser() as browser, site.app() as app:
        question = browser.get("/signup").text
        boxes = question[question.index("<fieldset") : question.index("<option")]
        answers = [by_form(site, browser, CHILD), by_api(site, app, {**CHILD, "email": "other@example.org"})]
    assert re.findall(r"\d", boxes) == []
    problem = answers[1].json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert not re.search(r"\bage\b|\byears?\b|parent|minor|child|1[0-9]", problem["detail"])


# --- other sites --------------------------------------------------------------------------------------

OPEN = ["/api/signup", "/api/signup-without-form"]
"""The interfaces of the page, which Django's CSRF check leaves alone."""

FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example.com"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://other.example.com"},
    {"Origin": "null"},
    {"Origin": "https://[other"},
    {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
]


REMEMBERED = ["refusal", "event"]


def test_a_form_of_another_site_leaves_no_refusal_where_django_checks_no_token(served: Site) -> None:
    kid = {**CHILD, "email": "kid@example.org"}
    for path, headers in itertools.product(OPEN, FOREIGN):
        with served.browser(**headers) as browser:
            answer = browser.post(path, data=kid)
        assert (answer.status_code, NAME in answer.cookies) == (403, False), (path, headers)
    told = [served.project.rows(f"SELECT * FROM agegate_{name}", served.project.store) for name in REMEMBERED]
    assert told == [[], []]
    with served.app() as app:
        assert by_coroutine(served, app, GROWN | {"email": "kid@example.org"}).status_code == 201


def test_a_form_of_this_site_is_decided_where_django_checks_no_token(served: Site) -> None:
    own: list[dict[str, str]] = [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
    for path, headers in itertools.product(OPEN, [*own, {"Origin": served.url}]):
        with served.browser(**headers) as browser:
            answer = browser.post(path, data=CHILD)
        assert (answer.status_code, NAME in answer.cookies) == (403, True), (path, headers)


@pytest.mark.parametrize(
    ("origin", "is_trusted"),
    [
        ("https://www.example.org", True),
        ("https://eu.club.example.org", True),
        ("http://www.example.org", False),
        ("https://example.org", False),
        ("https://other.example.com", False),
        ("https://www.example.org.example.com", False),
    ],
)
def test_a_form_of_a_site_that_the_settings_trust_is_decided(
    project: Project, origin: str, is_trusted: bool
) -> None:
    project.more["CSRF_TRUSTED_ORIGINS"] = ["https://www.example.org", "https://*.club.example.org"]
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    with serving(project) as site, site.browser(**headers) as browser:
        assert (NAME in browser.post(OPEN[0], data=CHILD).cookies) is is_trusted


def test_a_form_with_djangos_token_is_decided_whatever_else_the_browser_says(site: Site) -> None:
    with site.browser(**{"Sec-Fetch-Site": "same-site"}) as browser:
        assert by_form(site, browser, GROWN).status_code == 302


# --- what cannot be read ------------------------------------------------------------------------------

BAD_INPUT: list[tuple[str, dict[str, Any], str]] = [
    ("year 1", {"birth_year": "1"}, "birth_date"),
    ("year 2300", {"birth_year": "2300"}, "birth_date"),
    ("31 February", {"birth_day": "31", "birth_month": "2"}, "birth_date"),
    ("two digits", {"birth_year": "84"}, "birth_date"),
    ("no date", {"birth_year": "", "birth_month": "", "birth_day": ""}, "birth_date"),
    ("another calendar", {"birth_date": "1392-05-01"}, "birth_date"),
    ("Arabic digits in one text", {"birth_date": "١٩٨٤/٠٤/١٧"}, "birth_date"),
    ("null byte in the date", {"birth_year": "19\x0084"}, "birth_date"),
    ("long date", {"birth_year": "1" * 500}, "birth_date"),
    ("no country", {"country": ""}, "country"),
    ("no such country", {"country": "ZQ"}, "country"),
    ("null byte in the country", {"country": "U\x00S"}, "country"),
    ("letters that look alike", {"email": "аdult@example.org"}, "email"),
    ("null byte in the address", {"email": "adult\x00@example.org"}, "email"),
    ("long address", {"email": f"{'a' * 400}@example.org"}, "email"),
]


@pytest.mark.parametrize("way", [by_form, by_api])
def test_what_cannot_be_read_is_a_field_error_without_the_value(site: Site, way: By) -> None:
    for name, wrong, field in BAD_INPUT:
        fields = GROWN | wrong
        with site.browser() as browser:
            response = way(site, browser, fields)
        assert response.status_code == (200 if way is by_form else 422), name
        if way is by_api:
            assert list(response.json()["errors"]) == [field], name
        else:
            wrong_part = response.text.split(f"id_{field}_error")
            assert len(wrong_part) > 1 or f'id="id_{field}"' in response.text, name
            assert "errorlist" in response.text, name
        for value in wrong.values():
            assert len(value) < 3 or value not in response.text, name
        assert not re.search(r'name="birth_\w+"[^>]*value', response.text), name
    assert site.project.rows("SELECT count(*) FROM auth_user") == [(0,)]


def test_arabic_digits_in_the_boxes_are_digits(site: Site) -> None:
    boxes = {"birth_year": "١٩٨٤", "birth_month": "٠٤", "birth_day": "١٧"}
    with site.browser() as browser:
        assert by_form(site, browser, GROWN | boxes).status_code == 302


BODIES: list[tuple[str, bytes, str]] = [
    ("10 MB", b'{"email": "' + b"x" * 10_000_000 + b'"}', "body"),
    ("no JSON", b"{zyxkvartmirabel", "body"),
    ("a list", b"[1]", "body"),
    ("no UTF-8", b'{"email": "\xff"}', "body"),
    ("deep", b"[" * 100_000, "body"),
    ("a number", json.dumps({**ADULT, "email": 7}).encode(), "email"),
    ("an object", json.dumps({**ADULT, "country": {"a": 1}, "email": "a@example.org"}).encode(), "country"),
    ("80 digits", json.dumps({**ADULT, "email": "a@example.org", "phone": "+" + "1" * 80}).encode(), "phone"),
]


@pytest.mark.parametrize("path", ["/own/checked", "/api/signup-without-form"])
def test_bodies_that_cannot_be_read_name_the_field_alone(site: Site, path: str) -> None:
    for name, body, field in BODIES:
        with site.app() as app:
            response = app.post(path, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 422, (name, response.text)
        assert response.headers["content-type"] == PROBLEM, name
        assert [error["field"] for error in response.json()["errors"]] == [field], name
        assert "zyxkvartmirabel" not in response.text, name
        assert "111" not in response.text, name


def test_a_form_of_10_mb_is_not_read(site: Site) -> None:
    with site.browser() as browser:
        response = browser.post("/own/checked", data={**GROWN, "bio": "x" * 10_000_000})
    assert response.status_code == 422
    assert "x" * 20 not in response.text
    with site.browser() as browser:
        assert by_form(site, browser, GROWN | {"bio": "x" * 10_000_000}).status_code == 400
    assert site.project.rows("SELECT count(*) FROM auth_user") == [(0,)]


@pytest.mark.parametrize("is_debug", [True, False])
def test_error_pages_and_mails_show_nothing_that_was_posted(project: Project, is_debug: bool) -> None:
    project.more |= {"DEBUG": is_debug, "ADMINS": [["Operator", "operator@example.org"]]}
    project.more["LOGGING"] = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "mail": {"class": "django.utils.log.AdminEmailHandler", "include_html": True},
            "file": {"class": "logging.FileHandler", "filename": str(project.folder / "all.log")},
        },
        "root": {"handlers": ["file"], "level": "INFO"},
        "loggers": {"django.request": {"handlers": ["mail", "file"]}},
    }
    with serving(project) as site, site.browser() as browser:
        answers = [browser.post("/own/broken", data=CHILD), browser.post("/own/broken", json=dict(MARKERS))]
        assert [answer.status_code for answer in answers] == [500, 500]
        assert ("broken after" in answers[0].text) == is_debug
        mails = list((project.folder / "mails").iterdir())
        assert len(mails) >= 2
        assert traces(*(answer.text for answer in answers), *mails, project.log) == []


def test_an_error_page_of_another_form_is_as_it_was(project: Project) -> None:
    project.more["DEBUG"] = True
    with serving(project) as site, site.browser() as browser:
        assert "green as grass" in browser.post("/own/broken", data={"colour": "green as grass"}).text
        too_many = browser.post("/own/broken", data={f"field{number}": "x" for number in range(1100)})
        assert too_many.status_code == 400


# --- fields on their own ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"birth_day": "17", "birth_month": "4", "birth_year": "1984"}, "1984-04-17"),
        ({"birth_date": "1984-04", "birth_day": "9"}, "1984-04"),
        ({"birth_day": "17"}, "invalid"),
        ({"birth_date": ""}, None),
        ({}, None),
    ],
)
def test_the_widget_reads_boxes_and_whole_dates(data: dict[str, str], value: str | None) -> None:
    widget = BirthDateWidget()
    assert widget.value_from_datadict(data, {}, "birth_date") == value
    assert widget.value_omitted_from_data(data, {}, "birth_date") == (not data)
    other = {f"p-{name}": text for name, text in data.items()}
    assert widget.value_from_datadict(other, {}, "p-birth_date") == value


def test_a_field_that_is_not_required_may_be_empty() -> None:
    assert BirthDateField(required=False).clean(None) is None


# --- the guard ----------------------------------------------------------------------------------------


def test_a_route_that_asks_nobody_is_stopped(served: Site) -> None:
    with served.browser() as browser:
        response = browser.post("/own/ungated", data=GROWN)
    assert (response.status_code, "nobody admitted" in response.text) == (500, True)
    assert GROWN["email"] not in response.text
    assert served.project.rows("SELECT count(*) FROM auth_user") == [(0,)]


def test_no_way_to_insert_an_account_passes_the_guard(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    host = database if database.startswith("postgresql") else None
    project = write_project("django.md", tmp_path, host, host)
    done = project.run("-m", "own.ways")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["bare"]) >= 30
    assert set(found["bare"].values()) == {"stopped"}, found["bare"]
    unreadable = {name for name, came in found["inside"].items() if came == "stopped"}
    assert len(unreadable) == (15 if host else 12)
    assert {came for name, came in found["inside"].items() if name not in unreadable} == {"made 1"}
    assert found["again"] == {
        "rolled_back": "made 1",
        "savepoint": "made 1",
        "refused_by_the_database": "made 1",
        "committed": "stopped",
    }
    assert found["other"] == {
        "two_at_once": "made 2",
        "after_the_block": "stopped",
        "manual": "made 1",
        "imported": "made 2",
        "without_reason": "stopped",
        "note": "made 1",
    }


def test_staff_come_by_a_command_that_records_why(project: Project) -> None:
    person = ["createsuperuser", "--noinput", "--username", "boss", "--email", "boss@example.org"]
    assert "NotAdmittedError" in project.manage(*person).stderr
    assert "--reason" in project.manage("agegate_import", *person).stderr
    assert "no reason" in project.manage("agegate_import", "--reason", " ", *person).stderr
    assert "name the command" in project.manage("agegate_import", "--reason", "first operator").stderr
    done = project.manage("agegate_import", "--reason", "first operator", *person)
    assert done.returncode == 0, done.stderr
    assert project.rows("SELECT username, is_superuser FROM auth_user") == [("boss", 1)]
    kinds = "SELECT kind, actor, data FROM agegate_event ORDER BY id"
    assert project.rows(kinds, project.store) == [
        ("signup.import_begun", "operator", '{"reason":"first operator"}'),
        ("signup.import_ended", "operator", '{"accounts":1}'),
    ]


MENTIONS: list[tuple[str, int]] = [
    ("INSERT INTO auth_user (email) VALUES (%s)", 1),
    ('insert  into "auth_user"(email) values (%s)', 1),
    ("INSERT OR IGNORE INTO auth_user (email) VALUES (%s)", 1),
    ("REPLACE INTO [auth_user] (email) VALUES (%s)", 1),
    ('INSERT/**/INTO"public"."auth_user" (email) VALUES (%s)', 1),
    ("INSERT INTO public . auth_user DEFAULT VALUES", 1),
    ("MERGE INTO ONLY auth_user USING x ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES", 1),
    ("COPY auth_user (email) FROM STDIN", 1),
    ("WITH a AS (INSERT INTO auth_user (email) VALUES (%s)) INSERT INTO auth_user (email) VALUES (%s)", 2),
    ("COPY auth_user TO STDOUT", 0),
    ("COPY auth_user (email) TO STDOUT", 0),
    ("INSERT INTO auth_user_groups (user_id) VALUES (%s)", 0),
    ('INSERT INTO "new__auth_user" (id) SELECT id FROM "auth_user"', 0),
    ("INSERT INTO log (id) SELECT id FROM auth_user", 0),
    ("SELECT * FROM auth_user WHERE email = %s", 0),
    ("UPDATE auth_user SET email = %s", 0),
]


@pytest.mark.parametrize(("sql", "number"), MENTIONS)
def test_statements_that_write_accounts_are_told_from_those_that_do_not(sql: str, number: int) -> None:
    assert find_inserts(sql, "auth_user") == number


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("INSERT INTO t (a, b) VALUES (%s)", [1]),
        ("INSERT INTO t (a) VALUES (%s", [1]),
        ("INSERT INTO t (a) DEFAULT VALUES", []),
        ("INSERT INTO t DEFAULT VALUES", []),
        ("INSERT INTO t (a) VALUES (%(a)s)", {"a": 1}),
        ("INSERT INTO t (a, b) SELECT * FROM UNNEST((%s)::int[])", [[1]]),
        ("INSERT INTO t (a) SELECT * FROM UNNEST(%s, f(%s))", [[1], [2]]),
        ("INSERT INTO t (a) SELECT * FROM UNNEST((lower(%s))::text[])", [["x"]]),
    ],
)
def test_a_statement_that_cannot_be_read_is_refused(sql: str, params: object) -> None:
    with pytest.raises(NotAdmittedError, match="cannot be checked"):
        list(read_rows(sql, "t", params))


ITEMS = st.sampled_from(
    ["%s", "(%s)::varchar", "NULL", "DEFAULT", "'a,(b%%'", "now()", "lower(%s)", "f(%s, ')')"]
)


@given(st.lists(st.lists(ITEMS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_every_value_that_is_read_is_the_one_that_the_database_gets(rows_of_items: list[list[str]]) -> None:
    groups = ", ".join(f"({', '.join(items)})" for items in rows_of_items)
    count = groups.count("%s")
    numbers = iter(range(count))
    expected = []
    for items in rows_of_items:
        taken = [next(numbers) if "%s" in item else None for item in items]
        plain = [item in ("%s", "(%s)::varchar") for item in items]
        expected.append([one if ok else UNREADABLE for one, ok in zip(taken, plain, strict=True)])
    sql = f'INSERT INTO "auth_user" ("a", "b", "c") VALUES {groups} RETURNING "id"'
    assert [list(row.values()) for row in read_rows(sql, "auth_user", list(range(count)))] == expected


# --- transactions and settings ------------------------------------------------------------------------


def test_asking_inside_a_transaction_on_the_same_file_fails_at_once(project: Project) -> None:
    share_file(project)
    with serving(project) as site, site.app() as app:
        response = app.post("/own/atomic", json=GROWN, timeout=8)
        assert response.status_code == 500
        assert "before transaction.atomic begins" in response.text
        assert by_api(site, app, GROWN).status_code == 201


def test_asking_inside_a_transaction_on_another_file_is_no_matter(site: Site) -> None:
    with site.app() as app:
        assert app.post("/own/atomic", json=GROWN).text == "asked"


def share_file(project: Project) -> None:
    """Put agegate's tables into the host's file."""
    toml = project.folder / "agegate.toml"
    toml.write_text(toml.read_text().replace("agegate.db", "club.db"))
    done = subprocess.run(
        [sys.executable, "-m", "agegate", "db", "upgrade", "--config", str(toml)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    project.store = project.host


WITHOUT_OURS = ["django.contrib.sessions.middleware.SessionMiddleware"]
OURS = "agegate.frameworks.django.AgegateMiddleware"

CHECKS: list[tuple[str, dict[str, Any], str]] = [
    ("no configuration", {"AGEGATE": {"CONFIG": "nowhere.toml"}}, "agegate.E001"),
    ("middleware missing", {"MIDDLEWARE": WITHOUT_OURS}, "agegate.E003"),
    ("middleware too early", {"MIDDLEWARE": [OURS, *WITHOUT_OURS]}, "agegate.E004"),
    ("guard off", {"AGEGATE": {"CONFIG": "agegate.toml", "GUARD": False}}, "agegate.W001"),
]


@pytest.mark.parametrize(("name", "more", "code"), CHECKS, ids=[name for name, _, _ in CHECKS])
def test_check_names_what_is_wrong_with_a_hint(
    project: Project, name: str, more: dict[str, Any], code: str
) -> None:
    project.more |= more
    done = project.manage("check", "--fail-level", "WARNING")
    assert done.returncode == 1
    assert set(re.findall(r"agegate\.\w\d{3}", done.stderr)) == {code}
    assert "HINT: " in done.stderr


def test_check_asks_for_a_contact_and_finds_atomic_requests_on_the_same_file(project: Project) -> None:
    toml = project.folder / "agegate.toml"
    toml.write_text(
        toml.read_text().replace('contact = "help@example.org"', "").replace("agegate.db", "club.db")
    )
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(project.folder / "club.db")}
    project.more |= {"DATABASES": {"default": {**database, "ATOMIC_REQUESTS": True}}}
    done = project.manage("check")
    assert re.findall(r"agegate\.\w\d{3}", done.stderr) == ["agegate.E002", "agegate.E005"]
    done = project.run(
        "-c", "import django; django.setup()\nfrom agegate.frameworks.django import door\ndoor()"
    )
    assert 'settings: AGEGATE["CONTACT"]: name where' in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"EMIAL": "email"}, "unknown key EMIAL"),
        ({"EMAIL": "address"}, "has no field 'address'"),
        ({"PHONE": "groups"}, "has no field 'groups'"),
        ("agegate.toml", "must be a dict"),
    ],
    ids=["unknown key", "no such field", "no column", "no dict"],
)
def test_a_wrong_setting_stops_the_start_with_one_line(project: Project, setting: Any, said: str) -> None:
    project.more |= {"AGEGATE": setting}
    done = project.manage("check")
    assert done.returncode == 1
    assert said in done.stderr.strip().splitlines()[-1]


def test_a_changed_setting_makes_another_door(project: Project) -> None:
    program = (
        "import django; django.setup()\n"
        "from django.test import override_settings\n"
        "from agegate.frameworks.django import door\n"
        "print(door().name)\n"
        "with override_settings(AGEGATE={'NAME': 'Draughts Club', 'CONTACT': 'https://example.org/help'}):\n"
        "    print(door().name, door().contact)\n"
        "print(door().name)\n"
    )
    told = project.run("-c", program)
    assert told.stdout.splitlines() == [
        "Chess Club",
        "Draughts Club https://example.org/help",
        "Chess Club",
    ], told.stderr


def test_a_guard_can_be_taken_away(project: Project) -> None:
    program = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "from agegate.frameworks.django import Guard\n"
        "connection.ensure_connection()\n"
        "guard = Guard('notes', email='email').install()\n"
        "print(len(connection.execute_wrappers))\n"
        "guard.remove()\n"
        "print(len(connection.execute_wrappers))\n"
        "connection.close(); connection.ensure_connection()\n"
        "print(len(connection.execute_wrappers))\n"
        "Guard('notes')\n"
    )
    told = project.run("-c", program)
    assert told.stdout.split() == ["2", "1", "1"]
    assert told.stderr.strip().splitlines()[-1].endswith('name its field in "EMAIL" or "PHONE"')


def test_a_form_without_the_middleware_admits_nobody(project: Project) -> None:
    program = "import django; django.setup()\nfrom club.forms import SignupForm\nSignupForm({}).is_valid()\n"
    done = project.run("-c", program)
    assert "the middleware is missing" in done.stderr.strip().splitlines()[-1]


def test_a_missing_framework_is_one_clear_line() -> None:
    program = "import sys; sys.modules['django'] = None\nimport agegate.frameworks.django"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1].endswith("install agegate[django]")


# --- PostgreSQL ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", ["together", "apart"])
def test_the_whole_story_on_postgresql(new_database: Callable[[], str], tmp_path: Path, lie: str) -> None:
    host = new_database()
    project = write_project("django.md", tmp_path, host, host if lie == "together" else new_database())
    project.more["DATABASES"]["default"]["ATOMIC_REQUESTS"] = True
    with serving(project) as site, site.browser() as browser, site.app() as app, site.app() as other:
        assert by_api(site, other, GROWN).status_code == 201
        before = host_rows(site) if lie == "apart" else {}
        answers = [
            by_form(site, browser, CHILD),
            by_api(site, app, CHILD),
            by_form(site, browser, CHILD | ADULT),
        ]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert lie == "together" or host_rows(site) == before
        assert found_traces(site, *answers) == []
        assert browser.post("/own/ungated", data={**GROWN, "username": "b"}).status_code == 500
        assert project.rows("SELECT email FROM auth_user") == [("reader@example.org",)]
        assert project.rows("SELECT count(*) FROM django_session") == [(0,)]


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        (("email", "phone"), "first"),
        (("EMAIL", "phone"), "first"),
        (("phone", "Email"), "second"),
        (("email", "EMAIL"), UNREADABLE),
        (("phone", "name"), None),
    ],
)
def test_a_column_is_read_however_its_name_is_written(columns: tuple[str, str], value: object) -> None:
    assert named(dict(zip(columns, ("first", "second"), strict=True)), "email") is value
