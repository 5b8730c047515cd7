"""Flask: the application of the page, started and asked over HTTP, by form, by API and by a provider."""

# ruff: noqa: RUF001 - digits and letters that look alike are what is tested

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask, render_template_string, request
from flask_wtf import CSRFProtect

from agegate import AgeGate, Outcome
from agegate.errors import ConfigError
from agegate.frameworks.flask import KEPT, LONGEST_KEPT, Admission, AgeDoor, admission, current_door
from agegate.signup.cookie import NAME
from agegate.signup.door import Door
from tests.flask_hosts import (
    ADULT,
    CONTACT,
    TOLD,
    TYPED,
    Site,
    listening,
    mark,
    serving,
    serving_with_provider,
    token,
)
from tests.oauth_provider import Provider
from tests.traces import BOXES, EMAIL, FORM, MARK, MARKERS

PROBLEM = "application/problem+json"

Send = Callable[[httpx.Client], httpx.Response]


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The host of the page on SQLite, its tables and agegate's in two files, with every logger speaking."""
    with listening(), serving("flask.md", tmp_path) as found:
        yield found


@pytest.fixture
def both(database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The same host on SQLite and on PostgreSQL, with agegate's tables in its database, and a provider."""
    with listening(), serving_with_provider("flask.md", tmp_path, database) as (found, idp):
        idp.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
        yield found


@pytest.fixture
def idp(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[tuple[Site, Provider]]:
    """The host on SQLite beside a provider where an adult has signed in."""
    with listening(), serving_with_provider("flask.md", tmp_path) as found:
        yield found


def form(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/sign-up", data=fields)


def api(client: httpx.Client, **fields: object) -> httpx.Response:
    return client.post("/sign-up", json=fields)


def by_provider(client: httpx.Client, **fields: str) -> httpx.Response:
    return form(client, **{**fields, **mark(client.get("/oauth"))})


# --- who is old enough --------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [form, api], ids=["form", "api"])
def test_an_adult_is_admitted_and_has_exactly_one_row(both: Site, send: Callable[..., httpx.Response]) -> None:
    with both.browser() as client:
        answer = send(client, **(TYPED if send is form else TOLD), email=ADULT)
        assert answer.status_code == (200 if send is form else 201)
        assert answer.json() == {"account": 1}
        assert client.get("/").json() == {"account": 1}
    assert both.accounts() == [ADULT]


def test_an_adult_of_a_provider_answers_first_and_keeps_the_name(idp: tuple[Site, Provider]) -> None:
    site, _ = idp
    with site.browser() as client:
        page = client.get("/oauth")
        assert page.url.path == "/sign-up"
        assert 'name="email"' not in page.text
        assert site.rows() == {}
        assert form(client, **TYPED, **mark(page)).json() == {"account": 1}
        assert KEPT not in client.cookies
        client.cookies.clear()
        assert client.get("/oauth").json() == {"account": 1}
    assert site.accounts() == [ADULT]
    assert site.module.Account.__tablename__ in site.rows()


def test_what_a_provider_said_waits_where_nobody_reads_it(idp: tuple[Site, Provider]) -> None:
    site, person = idp
    person.become(EMAIL, MARKERS["name"])
    with site.browser() as client:
        client.get("/oauth")
        assert KEPT in client.cookies
        assert site.traces("") == []


@pytest.mark.parametrize("damage", ["changed", "late", "none"])
def test_what_was_kept_counts_for_half_an_hour_and_unchanged(
    idp: tuple[Site, Provider], damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = idp
    with site.browser() as client:
        hidden = mark(client.get("/oauth"))
        if damage == "changed":
            value = client.cookies[KEPT]
            client.cookies.clear()
            client.cookies.set(KEPT, f"{value[:-8]}AAAAAAA=")
        if damage == "late":
            monkeypatch.setattr("agegate.signup.carried.TERM", timedelta(seconds=-2))
        answer = form(client, **TYPED, **hidden)
        assert answer.status_code == (200 if damage == "none" else 422)
    assert site.accounts() == ([ADULT] if damage == "none" else [])


# --- whom a page is about -----------------------------------------------------------------------------

OTHER = "heron@example.org"


def names(site: Site) -> list[tuple[str, str]]:
    with site.host.connect() as connection:
        return [(row[0], row[1]) for row in connection.execute(sa.text("SELECT email, name FROM accounts"))]


@pytest.mark.parametrize("send", [form, api], ids=["form", "api"])
def test_a_page_that_was_open_before_is_not_about_who_waits_in_the_browser(
    idp: tuple[Site, Provider], send: Callable[..., httpx.Response]
) -> None:
    site, _ = idp
    with site.browser() as client:
        assert 'name="email"' in client.get("/sign-up").text  # the parent's page asks for an address
        client.get("/oauth")  # a child came from a provider, saw the question, and left it
        assert KEPT in client.cookies
        posted = TYPED if send is form else TOLD
        assert send(client, **posted, email=OTHER).json() == {"account": 1}
        assert KEPT not in client.cookies
    assert names(site) == [(OTHER, "")]


def test_a_page_that_was_open_before_stays_so_after_a_mistake(idp: tuple[Site, Provider]) -> None:
    site, _ = idp
    with site.browser() as client:
        client.get("/oauth")
        again = form(client, **{**TYPED, "birth_day": "32"}, email=OTHER)
        assert (again.status_code, 'name="email"' in again.text, mark(again)) == (422, True, {})
        unread = client.post("/sign-up", content=b"{", headers={"Content-Type": "application/json"})
        assert (unread.status_code, mark(unread)) == (422, {})
        assert form(client, **TYPED, email=OTHER).json() == {"account": 1}
    assert names(site) == [(OTHER, "")]


@pytest.mark.parametrize("send", [form, api], ids=["form", "api"])
def test_a_page_about_who_waits_stays_so_after_a_mistake(
    idp: tuple[Site, Provider], send: Callable[..., httpx.Response]
) -> None:
    site, _ = idp
    with site.browser(Accept="text/html") as client:
        first = client.get("/oauth")
        again = form(client, **{**TYPED, "birth_day": "32"}, **mark(first))
        assert (again.status_code, 'name="email"' in again.text) == (422, False)
        assert mark(again) == mark(first) != {}
        send(client, **(TYPED if send is form else TOLD), **mark(again))
    assert names(site) == [(ADULT, "Rea Der")]


def test_a_page_about_one_person_is_not_about_the_next_who_waits(idp: tuple[Site, Provider]) -> None:
    site, person = idp
    with site.browser() as client:
        first = client.get("/oauth")
        person.become(EMAIL, "Wren")
        client.get("/oauth")
        answer = form(client, **TYPED, **mark(first))
        assert (answer.status_code, 'name="email"' in answer.text) == (422, True)
    assert site.rows() == {}


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        (ADULT, (ADULT, "Rea Der")),
        (f" {ADULT.upper()} ", (ADULT, "Rea Der")),
        ("", (ADULT, "Rea Der")),
        (OTHER, (OTHER, "")),
    ],
    ids=["the same", "the same, written otherwise", "none", "another"],
)
def test_a_typed_address_is_never_replaced_by_one_that_waits_in_the_browser(
    idp: tuple[Site, Provider], typed: str, made: tuple[str, str]
) -> None:
    site, _ = idp
    with site.browser() as client:
        page = client.get("/oauth")
        wrong = form(client, **{**TYPED, "birth_day": "32"}, **mark(page), email=typed)
        assert ('name="email"' in wrong.text) is (made[0] == OTHER)
        assert form(client, **TYPED, **mark(page), email=typed).json() == {"account": 1}
    assert names(site) == [made]


@pytest.mark.parametrize("hidden", ["x", "\u0435", "0" * 64])
def test_a_made_up_mark_counts_for_nothing(idp: tuple[Site, Provider], hidden: str) -> None:
    site, _ = idp
    with site.browser() as client:
        client.get("/oauth")
        assert api(client, **TOLD, **{KEPT: hidden}).status_code == 422
        assert api(client, **TOLD, **{KEPT: [hidden]}).status_code == 422
    assert site.rows() == {}


def test_a_form_of_the_hosts_own_is_about_who_waits(idp: tuple[Site, Provider]) -> None:
    site, _ = idp
    app, age = site.module.app, site.module.age

    @app.route("/join", methods=["GET", "POST"])
    def join() -> str:
        if request.method == "POST":
            return str(age.admit({"birth_date": request.form["born"], "country": "US"}).email)
        return render_template_string("{{ age_fields() }}")

    with site.browser() as client:
        assert mark(client.get("/join")) == {}
        client.get("/oauth")
        hidden = mark(client.get("/join"))
        assert client.post("/join", data={"born": TOLD["birth_date"]}).status_code == 422
        assert client.post("/join", data={"born": TOLD["birth_date"], **hidden}).text == ADULT


def test_over_https_no_other_host_of_the_domain_can_say_who_waits(tmp_path: Path) -> None:
    with serving("flask.md", tmp_path, SESSION_COOKIE_SECURE="true") as site:
        app, age, https = site.module.app, site.module.age, "https://localhost"
        app.add_url_rule("/back", "back", lambda: age.keep(email=ADULT, name="Rea Der") or "kept")
        browser, planted = app.test_client(), app.test_client()
        set_cookie = browser.get("/back", base_url=https).headers["Set-Cookie"].split("; ")
        name, _, value = set_cookie[0].partition("=")
        assert name == f"__Host-{KEPT}"
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(set_cookie)
        assert not any(one.startswith("Domain") for one in set_cookie)
        planted.set_cookie(KEPT, value, secure=True)
        asked = [one.get("/sign-up", base_url=https).text for one in (browser, planted)]
        assert ['name="email"' in page for page in asked] == [False, True]
        hidden = re.search(rf'name="{KEPT}" value="(\w+)"', asked[0])
        assert hidden is not None
        done = browser.post("/sign-up", base_url=https, data={**TYPED, KEPT: hidden[1]})
        assert done.status_code == 302
        assert f"__Host-{KEPT}=;" in str(done.headers.getlist("Set-Cookie"))
        assert site.accounts() == [ADULT]


# --- who is not ---------------------------------------------------------------------------------------


def test_the_search_for_traces_finds_an_admitted_person(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with site.browser() as client:
        assert form(client, **TYPED, email=EMAIL).status_code == 200
    assert any("accounts" in trace for trace in site.traces(caplog.text))


@pytest.mark.parametrize(
    "send",
    [lambda c: form(c, **FORM), lambda c: api(c, **MARKERS), lambda c: by_provider(c, **FORM)],
    ids=["form", "api", "provider"],
)
def test_a_refused_child_leaves_nothing(both: Site, send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with both.browser() as client:
        answer = send(client)
        assert answer.status_code == 403
        assert CONTACT in answer.text
        assert client.get("/").json() == {"account": None}
        assert set(client.cookies) <= {NAME, "session"}
        assert "e30." in client.cookies.get("session", "e30.")  # an empty object, signed
    assert {table for table in both.rows() if "agegate" not in table} == set()
    assert both.traces(caplog.text) == []
    assert "POST /sign-up" in caplog.text


def _cleared(client: httpx.Client) -> httpx.Client:
    client.cookies.clear()
    return client


AGAIN = {
    "another date": lambda c: form(c, **TYPED, email=EMAIL),
    "no cookie, same address": lambda c: form(_cleared(c), **TYPED, email=EMAIL),
    "same address, written otherwise": lambda c: form(_cleared(c), **TYPED, email=EMAIL.upper()),
    "same browser, another address": lambda c: form(c, **TYPED, email=ADULT),
    "same phone": lambda c: form(_cleared(c), **TYPED, email=ADULT, phone=MARKERS["phone"]),
    "the same again": lambda c: form(c, **FORM),
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_second_try_is_refused_in_the_same_words(site: Site, again: Send) -> None:
    with site.browser() as client:
        first = form(client, **FORM)
        second = again(client)
    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert second.headers["set-cookie"].partition("=")[0] == NAME
    assert {**second.headers, "date": "", "set-cookie": ""} == {**first.headers, "date": "", "set-cookie": ""}
    assert site.rows() == {}


def test_a_second_try_by_the_api_in_another_client_is_refused_in_the_same_words(site: Site) -> None:
    with site.browser() as client, site.browser() as other:
        first, second = api(client, **MARKERS), api(other, **TOLD, email=EMAIL)
    assert (second.status_code, second.text) == (403, first.text)
    assert site.rows() == {}


def test_a_refused_browser_stays_refused_with_a_provider(idp: tuple[Site, Provider]) -> None:
    site, _ = idp
    with site.browser() as client:
        first = form(client, **FORM)
        assert by_provider(client, **TYPED).text == first.text
        assert KEPT not in client.cookies
    assert site.rows() == {}


def test_a_refusal_says_neither_limit_nor_reason(site: Site) -> None:
    with site.browser() as client:
        said = api(client, **MARKERS).json()
    assert said == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": f"We cannot create an account for you. You can ask us about this here: {CONTACT}",
    }


# --- cookies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "is_secure"), [("false", False), ("true", True)])
def test_the_cookie_of_a_refusal_is_closed_to_scripts(tmp_path: Path, setting: str, is_secure: bool) -> None:
    with serving("flask.md", tmp_path, SESSION_COOKIE_SECURE=setting) as site, site.browser() as client:
        set_cookie = form(client, **FORM).headers["set-cookie"]
    assert set_cookie.startswith(f"{NAME}=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=86400"} <= set(set_cookie.split("; "))
    assert ("Secure" in set_cookie.split("; ")) is is_secure


def test_an_admission_deletes_a_cookie_that_says_nothing(site: Site) -> None:
    with site.browser(Cookie=f"{NAME}=stale") as client:
        client.follow_redirects = False
        answer = form(client, **TYPED, email=ADULT)
    assert any(
        one.startswith(f"{NAME}=;") and "Max-Age=0" in one for one in answer.headers.get_list("set-cookie")
    )


# --- the guard and the token --------------------------------------------------------------------------


def _add(site: Site, email: str) -> dict[str, str]:
    site.module.db.session.add(site.module.Account(email=email, name=""))
    site.module.db.session.commit()
    return {}


@pytest.mark.parametrize("how", ["without the gate", "for another address", "twice", "with a used token"])
def test_what_was_not_admitted_is_refused_and_told_to_the_operator(
    site: Site, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    age = site.module.age

    def create(admitted: Admission) -> dict[str, str]:
        with admitted.admitting():
            _add(site, ADULT if how != "for another address" else "other@example.org")
            if how == "twice":
                _add(site, ADULT)
        with admitted.admitting():
            raise AssertionError("a token counts once")

    if how == "without the gate":
        site.module.app.post("/forgotten")(lambda: _add(site, EMAIL))
    else:
        site.module.app.register_blueprint(age.blueprint(create, url="/forgotten"))
    with site.browser() as client, site.browser() as child:
        refusal = form(child, **FORM)
        answer = client.post("/forgotten", data={**TYPED, "email": ADULT})
        assert (answer.status_code, answer.text) == (403, refusal.text)
        assert answer.headers["set-cookie"].startswith(f"{NAME}=")
    assert site.accounts() == ([ADULT] if how in {"twice", "with a used token"} else [])
    told = [one.getMessage() for one in caplog.records if one.name == site.module.app.logger.name]
    assert len(told) == 1
    assert told[0].startswith("agegate: ")
    assert "example.org" not in told[0]


# --- mistakes -----------------------------------------------------------------------------------------

DATE = "birth_date"
WRONG: list[tuple[dict[str, str], str]] = [
    ({"birth_year": "0001"}, DATE),
    ({"birth_year": "2300"}, DATE),
    ({"birth_year": "84"}, DATE),
    ({"birth_month": "2", "birth_day": "31"}, DATE),
    ({"birth_year": "١٩", "birth_month": "٤"}, DATE),
    ({"birth_year": "<script>"}, DATE),
    ({"birth_day": "1\x00"}, DATE),
    ({"birth_year": "9" * 5000}, DATE),
    ({"birth_day": "", "birth_month": "", "birth_year": ""}, DATE),
    ({"country": "Atlantis"}, "country"),
    ({"country": "U\x00S"}, "country"),
    ({"country": ""}, "country"),
    ({"email": "reader@exa\u0000mple.org"}, "email"),
    ({"email": "reader@@example.org"}, "email"),
    ({"email": "r\u0435ader example.org"}, "email"),
    ({"phone": "1" * 80}, "phone"),
    ({"phone": "+1 201"}, "phone"),
    ({"region": "XX-YY"}, "region"),
]
TOLD_WRONG: list[tuple[dict[str, object], str]] = [
    ({"birth_date": "0001-01-01"}, DATE),
    ({"birth_date": "2300-01-01"}, DATE),
    ({"birth_date": "1984-02-31"}, DATE),
    ({"birth_date": "1392-05-01"}, DATE),
    ({"birth_date": "١٩٨٤-٠٤-١٧"}, DATE),
    ({"birth_date": "84-04-17"}, DATE),
    ({"birth_date": "1984-04-17\x00"}, DATE),
    ({"birth_date": 19840417}, DATE),
    ({"birth_date": ["1984-04-17"]}, DATE),
    ({"birth_date": {"year": 1984}}, DATE),
    ({"birth_date": None}, DATE),
    ({"country": 7}, "country"),
    ({"email": ["reader@example.org"]}, "email"),
    ({"email": 12}, "email"),
    ({"phone": {"number": "0"}}, "phone"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host for all mistakes: none of them changes anything."""
    with serving("flask.md", tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_in_the_form_names_the_field_and_is_not_repeated(
    shared: Site, wrong: dict[str, str], field: str
) -> None:
    posted = TYPED | {"email": ADULT} | wrong
    with shared.browser() as client, shared.browser(Accept="application/json") as script:
        page, document = form(client, **posted), form(script, **posted)
        asked = client.get("/sign-up").text
    assert (page.status_code, document.status_code) == (422, 422)
    assert document.headers["content-type"] == PROBLEM
    assert field in {error["field"] for error in document.json()["errors"]}
    for value in filter(None, wrong.values()):
        assert f'value="{value}"' not in page.text
        assert len(value) < 3 or page.text.count(value) == asked.count(value)
        assert not any(value in error["message"] for error in document.json()["errors"])
    assert page.text.count("agegate-error") > asked.count("agegate-error") or field in {"phone", "region"}
    assert shared.rows() == {}


@pytest.mark.parametrize(("wrong", "field"), TOLD_WRONG, ids=range(len(TOLD_WRONG)))
def test_a_mistake_in_json_names_the_field_and_is_not_repeated(
    shared: Site, wrong: dict[str, object], field: str
) -> None:
    with shared.browser() as client:
        answer = api(client, **(TOLD | {"email": ADULT} | wrong))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    for value in wrong.values():
        assert value is None or json.dumps(value, ensure_ascii=False).strip('"[]{}') not in answer.text
    assert shared.rows() == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"7", b"null", b"\xff\xfe", b"[" * 100_000])
def test_json_that_is_no_object_names_the_body(shared: Site, body: bytes) -> None:
    with shared.browser() as client:
        answer = client.post("/sign-up", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["body"]


@pytest.mark.parametrize("limit", [None, 2000], ids=["ours", "the host's"])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_that_is_too_large_names_the_body(tmp_path: Path, kind: str, limit: int | None) -> None:
    boundary = "; boundary=part" if kind.startswith("multipart") else ""
    with serving("flask.md", tmp_path) as site, site.browser(Accept="application/json") as client:
        site.module.app.config["MAX_CONTENT_LENGTH"] = limit
        body = b'{"email": "' + b"x" * (10_000_000 if limit is None else 3000)
        answer = client.post("/sign-up", content=body, headers={"Content-Type": kind + boundary})
    assert answer.status_code == 413
    assert [error["field"] for error in answer.json()["errors"]] == ["body"]
    assert len(answer.content) < 1000


def test_an_admission_needs_an_address_and_a_refusal_does_not(site: Site) -> None:
    with site.browser() as client:
        asked = api(client, **TOLD)
        assert (asked.status_code, [one["field"] for one in asked.json()["errors"]]) == (422, ["email"])
        assert "agegate-email-error" in form(client, **TYPED, email="").text
        assert form(client, **BOXES, country="US").status_code == 403


# --- other sites --------------------------------------------------------------------------------------

FOREIGN = {
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, 400),
    "same-site": ({"Sec-Fetch-Site": "same-site"}, 400),
    "own": ({"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example.org"}, 403),
    "typed": ({"Sec-Fetch-Site": "none"}, 403),
    "origin": ({"Origin": "https://elsewhere.example.org"}, 400),
    "null": ({"Origin": "null"}, 400),
    "no browser": ({}, 403),
}


@pytest.mark.parametrize(("headers", "status"), FOREIGN.values(), ids=FOREIGN)
def test_a_form_of_another_site_leaves_no_refusal(site: Site, headers: dict[str, str], status: int) -> None:
    with site.browser(**headers) as client:
        assert form(client, **FORM).status_code == status
        assert (NAME in client.cookies) is (status == 403)
    with site.browser() as adult:
        assert (form(adult, **TYPED, email=EMAIL).status_code == 200) is (status == 400)


def test_an_own_origin_is_no_other_site(site: Site) -> None:
    with site.browser(Origin=site.url) as client:
        assert form(client, **TYPED, email=ADULT).status_code == 200


def test_the_page_carries_the_token_of_flask_wtf(site: Site) -> None:
    CSRFProtect(site.module.app)
    with site.browser() as client:
        assert form(client, **TYPED, email=ADULT).status_code == 400
        hidden = token(client.get("/sign-up"))
        wrong = form(client, **{**TYPED, "birth_day": "32"}, email=ADULT, **hidden)
        assert wrong.status_code == 422
        assert form(client, **TYPED, email=ADULT, **token(wrong)).status_code == 200
    assert site.accounts() == [ADULT]


# --- what is answered to whom -------------------------------------------------------------------------

ACCEPTS = [
    ("*/*", "text/html; charset=utf-8"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
    ("application/json", PROBLEM),
    (PROBLEM, PROBLEM),
    ("application/json;q=0.5,text/html", "text/html; charset=utf-8"),
    ("image/png", "text/html; charset=utf-8"),
]


@pytest.mark.parametrize(("accept", "kind"), ACCEPTS)
def test_a_refusal_is_a_page_or_a_document_as_is_accepted(shared: Site, accept: str, kind: str) -> None:
    with shared.browser(Accept=accept) as client:
        answer = form(client, **FORM)
    assert (answer.status_code, answer.headers["content-type"]) == (403, kind)
    assert answer.headers["cache-control"] == "no-store"
    assert ("content-security-policy" in answer.headers) is (kind != PROBLEM)


def test_page_and_errors_are_in_the_language_of_who_asks(shared: Site) -> None:
    with shared.browser(**{"Accept-Language": "de-AT,de;q=0.9"}) as client:
        assert '<html lang="de-AT"' in client.get("/sign-up").text
        german = api(client, country="DE").json()["errors"][0]["message"]
        assert '<html lang="de-AT"' in form(client, **FORM).text
    with shared.browser() as client:
        assert german != api(client, country="DE").json()["errors"][0]["message"]


def test_the_question_is_the_same_for_a_refused_browser(shared: Site) -> None:
    with shared.browser() as client:
        before = client.get("/sign-up").text
        form(client, **FORM)
        assert client.get("/sign-up").text == before


# --- forms of the host's own --------------------------------------------------------------------------


def test_a_form_of_the_hosts_own_shows_the_boxes_and_the_errors(site: Site) -> None:
    app, age = site.module.app, site.module.age

    @app.route("/join", methods=["GET", "POST"])
    def join() -> str | tuple[str, int]:
        if request.method == "POST":
            decision = age.ask()
            if decision.outcome is Outcome.INVALID:
                return render_template_string("{{ age_fields(decision) }}", decision=decision), 422
            admitted = admission()
            assert admitted is not None
            assert admission() is None  # once
            with admitted.admitting():
                _add(site, str(admitted.email))
            return "welcome"
        return render_template_string("{{ age_fields() }}")

    with site.browser() as client:
        assert client.get("/join").text.count("<input") == 3
        wrong = client.post("/join", data={**TYPED, "birth_day": "32", "email": ADULT})
        assert (wrong.status_code, wrong.text.count("agegate-birth_date-error")) == (422, 5)
        assert client.post("/join", data={**TYPED, "email": ADULT}).text == "welcome"
        assert client.post("/join", data=FORM).status_code == 403
    assert site.accounts() == [ADULT]


def test_a_view_may_give_what_it_read_itself(site: Site) -> None:
    age = site.module.age

    @site.module.app.post("/told")
    def told() -> str:
        with age.admit({**TOLD, "phone": request.form["call"], "country": "US"}).admitting():
            return "welcome"

    with site.browser() as client:
        assert client.post("/told", data={"call": "(201) 555-0123"}).text == "welcome"


async def _create(_admitted: Admission) -> str:
    async with _admitted.admitting():
        return "welcome"


def test_a_blueprint_asks_and_its_view_may_be_a_coroutine(site: Site) -> None:
    site.module.app.register_blueprint(site.module.age.blueprint(_create, url="/join"))
    with site.browser() as client:
        assert "agegate-birth_day" in client.get("/join").text
        assert client.post("/join", data={**TYPED, "email": ADULT}).text == "welcome"
        assert client.put("/join").status_code == 405


# --- the extension itself -----------------------------------------------------------------------------


def test_known_facts_of_the_host_count_and_posted_ones_do_not(tmp_path: Path) -> None:
    with serving("flask.md", tmp_path) as site:
        app = Flask("another")
        age = AgeDoor(site.module.door, ip=lambda: "192.0.2.1", device=lambda: request.headers.get("X-Device"))
        age.init_app(app)
        app.post("/sign-up")(lambda: "welcome" if current_door().admit() else "")
        first = app.test_client().post("/sign-up", data=FORM | {"email": ""}, headers={"X-Device": "d-1"})
        assert first.status_code == 403
        same = app.test_client().post(
            "/sign-up", data={**TYPED, "email": "a@example.org"}, headers={"X-Device": "d-1"}
        )
        other = app.test_client().post(
            "/sign-up", data={**TYPED, "email": "b@example.org", "device": "d-1"}, headers={"X-Device": "d-2"}
        )
        assert (same.status_code, other.status_code) == (403, 200)


def test_personal_values_are_not_shown_by_an_admission() -> None:
    found = Admission(AgeGate().check(_adult()), AgeGate(), EMAIL, MARKERS["phone"], "US", {"name": MARK})
    assert repr(found) == "Admission()"


def _adult() -> Any:
    from agegate import Registration

    return Registration(birth_date="1984-04-17", country="US", email=EMAIL)


def test_a_door_without_keys_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"key ring: .*AgeGate\.open"):
        AgeDoor(Door(AgeGate(), "Readers", CONTACT))


def test_an_application_without_the_extension_is_a_mistake() -> None:
    with Flask("bare").app_context(), pytest.raises(ConfigError, match=r"AgeDoor\(door, app\)"):
        current_door()


def test_more_than_a_cookie_holds_is_not_kept(shared: Site) -> None:
    with shared.module.app.test_request_context(), pytest.raises(ValueError, match=str(LONGEST_KEPT)) as raised:
        shared.module.age.keep(email=EMAIL, name=MARK * 200)
    assert MARK not in str(raised.value)


@pytest.mark.parametrize("module", ["flask", "wtforms", "flask_security"])
def test_a_missing_framework_is_one_line_that_names_the_extra(module: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; import agegate.frameworks.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("agegate.errors.ConfigError: ")
    assert last.endswith(f"install agegate[{module.replace('_', '-')}]")
