"""Flask-Security: the application of the page over HTTP, by form, by JSON and by a provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from flask_security import MailUtil, user_registered
from flask_security.oauth_provider import FsOAuthProvider

from agegate.errors import NotAdmittedError
from agegate.frameworks.flask import KEPT
from agegate.frameworks.flask_security import AgeGateDatastore
from agegate.signup.cookie import NAME
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
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.traces import BOXES, EMAIL, FORM, MARKERS

PAGE = "flask_security.md"
PASSWORD = "a long enough password"
WORD = {"password": PASSWORD, "password_confirm": PASSWORD}
SETTINGS = {
    "SECURITY_PASSWORD_SALT": "only-tests-know-this-salt",
    "SECURITY_PASSWORD_HASH": "pbkdf2_sha512",
    "SECURITY_EMAIL_VALIDATOR_ARGS": '{"check_deliverability": false}',
}

Send = Callable[..., httpx.Response]


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The host of the page on SQLite, with every logger speaking."""
    with listening(), serving(PAGE, tmp_path, **SETTINGS) as found:
        yield found


@pytest.fixture
def both(database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[tuple[Site, Provider]]:
    """The host on SQLite and on PostgreSQL, with agegate's tables in its database, beside a provider."""
    with listening(), serving_with_provider(PAGE, tmp_path, database, **SETTINGS) as found:
        yield found


def by_form(client: httpx.Client, **fields: str) -> httpx.Response:
    posted = WORD | {name: value for name, value in fields.items() if name != "birth_date"}
    if "password" in fields and "password_confirm" not in fields:
        posted["password_confirm"] = fields["password"]
    return client.post("/register", data={**posted, **token(client.get("/register"))})


def by_json(client: httpx.Client, **fields: object) -> httpx.Response:
    accepted = {"Accept": "application/json"}
    csrf = client.get("/register", headers=accepted).json()["response"]["csrf_token"]
    posted = WORD | {"password_confirm": fields.get("password", PASSWORD)} | fields
    return client.post("/register", json={**posted, "csrf_token": csrf}, headers=accepted)


def by_provider(client: httpx.Client, **fields: str) -> httpx.Response:
    page = client.get("/oauth")
    return client.post("/welcome", data={**fields, **mark(page)})


def host_rows(site: Site) -> dict[str, int]:
    return {name.removeprefix("public."): count for name, count in site.rows().items() if "agegate" not in name}


def is_signed_in(client: httpx.Client) -> bool:
    """Whether Flask-Security knows who asks: the register page is for nobody else's eyes."""
    return client.get("/register").url.path == "/"


# --- who is old enough --------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [by_form, by_json], ids=["form", "json"])
def test_an_adult_is_admitted_and_has_exactly_one_row(both: tuple[Site, Provider], send: Send) -> None:
    site, _ = both
    with site.browser() as client:
        answer = send(client, **(TYPED if send is by_form else TOLD), email=ADULT)
        assert answer.status_code == 200
        assert is_signed_in(client)
    assert host_rows(site) == {"user": 1} or host_rows(site) == {'"user"': 1}
    assert site.accounts("user") == [ADULT]


def test_an_adult_of_a_provider_answers_first(both: tuple[Site, Provider]) -> None:
    site, _ = both
    with site.browser() as client:
        page = client.get("/oauth")
        assert page.url.path == "/welcome"
        assert host_rows(site) == {}
        assert client.post("/welcome", data={**TYPED, **mark(page)}).text == "Welcome"
        assert is_signed_in(client)
    assert site.accounts("user") == [ADULT]


@pytest.mark.parametrize("send", [by_form, by_json], ids=["form", "json"])
def test_the_address_of_the_form_counts_and_not_one_that_waits_in_the_browser(
    both: tuple[Site, Provider], send: Send
) -> None:
    site, person = both
    person.become(EMAIL, MARKERS["name"])
    with site.browser() as client:
        client.get("/oauth")
        assert mark(client.get("/register")) == {}
        assert send(client, **(TYPED if send is by_form else TOLD), email=ADULT).status_code == 200
        assert is_signed_in(client)
    assert site.accounts("user") == [ADULT]


# --- who is not ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [by_form, by_json, by_provider], ids=["form", "json", "provider"])
def test_a_refused_child_leaves_nothing(
    both: tuple[Site, Provider], send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    site, person = both
    person.become(EMAIL, MARKERS["name"])
    with site.browser() as client:
        answer = send(client, **(MARKERS if send is by_json else FORM))
        assert answer.status_code == 403
        assert CONTACT in answer.text
        assert not is_signed_in(client)
        assert KEPT not in client.cookies
    assert host_rows(site) == {}
    assert site.traces(caplog.text) == []


@pytest.mark.parametrize("send", [by_form, by_json], ids=["form", "json"])
def test_a_second_try_is_refused_in_the_same_words(site: Site, send: Send) -> None:
    adult = TYPED if send is by_form else TOLD
    with site.browser() as client, site.browser() as other:
        answers = [
            send(client, **(FORM if send is by_form else MARKERS)),
            send(client, **adult, email=EMAIL),
            send(client, **adult, email=ADULT),
            send(other, **adult, email=EMAIL),
        ]
        other.cookies.clear()
        answers.append(send(other, **adult, email=EMAIL.upper()))
    assert {(one.status_code, one.text) for one in answers} == {(403, answers[0].text)}
    assert all(f"{NAME}=" in str(one.headers.get_list("set-cookie")) for one in answers)
    assert host_rows(site) == {}


def test_form_and_json_say_the_same_words(site: Site) -> None:
    with site.browser() as client:
        page, document = by_form(client, **FORM), by_json(client, **MARKERS)
    assert document.headers["content-type"] == "application/problem+json"
    said = document.json()["detail"]
    assert said.partition(".")[0] in page.text


def test_nothing_of_a_refused_child_is_looked_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    validate = MailUtil.validate

    def note(self: MailUtil, email: str) -> str:
        looked_up.append(email)
        return validate(self, email)

    monkeypatch.setattr(MailUtil, "validate", note)
    with site.browser() as client, site.browser() as other:
        assert by_form(client, **FORM).status_code == 403
        assert looked_up == []
        by_form(other, **TYPED, email=ADULT)
    assert looked_up == [ADULT]


# --- who has an account -------------------------------------------------------------------------------


@pytest.mark.parametrize("generic", ["true", "false"])
@pytest.mark.parametrize("send", [by_form, by_json], ids=["form", "json"])
def test_a_refusal_does_not_say_who_has_an_account(tmp_path: Path, send: Send, generic: str) -> None:
    settings = SETTINGS | {"SECURITY_RETURN_GENERIC_RESPONSES": generic}
    child = (
        {**BOXES, "country": "US"}
        if send is by_form
        else {"birth_date": MARKERS["birth_date"], "country": "US"}
    )
    with serving(PAGE, tmp_path, **settings) as site:
        with site.browser() as client:
            assert send(client, **(TYPED if send is by_form else TOLD), email=ADULT).status_code == 200
        with site.browser() as one, site.browser() as other:
            known, unknown = send(one, **child, email=ADULT), send(other, **child, email="new@example.org")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (403, known.text)


@pytest.mark.parametrize("send", [by_form, by_json], ids=["form", "json"])
def test_an_admission_does_not_say_who_has_an_account(site: Site, send: Send) -> None:
    adult = TYPED if send is by_form else TOLD
    with site.browser() as client:
        assert send(client, **adult, email=ADULT).status_code == 200
    with site.browser() as client:
        assert send(client, **adult, email=ADULT).status_code == 200
        assert not is_signed_in(client)
    assert site.accounts("user") == [ADULT]


@pytest.mark.parametrize(
    "mistake", [{"password": "short"}, {"email": "no address"}, {"password_confirm": "another"}], ids=str
)
def test_the_gate_is_asked_whatever_else_is_wrong(site: Site, mistake: dict[str, str]) -> None:
    with site.browser() as client:
        answer = by_form(client, **(FORM | mistake))
    with site.browser() as client:
        if "email" in mistake:  # nobody can be refused or admitted without a readable address
            assert answer.status_code == 200
        else:
            assert (answer.status_code, answer.text) == (403, by_form(client, **FORM).text)
    assert host_rows(site) == {}


# --- mistakes -----------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"birth_date": "0001-01-01"}, "birth_date"),
    ({"birth_date": "2300-01-01"}, "birth_date"),
    ({"birth_date": "1984-02-31"}, "birth_date"),
    ({"birth_date": "1392-05-01"}, "birth_date"),
    ({"birth_date": "84-04-17"}, "birth_date"),
    ({"birth_date": "1984-04-17\x00"}, "birth_date"),
    ({"birth_date": 19840417}, "birth_date"),
    ({"birth_date": {"year": 1984}}, "birth_date"),
    ({"birth_date": ""}, "birth_date"),
    ({"country": "Atlantis"}, "country"),
    ({"email": "reader@@example.org"}, "email"),
    ({"email": "r\u0435ader example.org"}, "email"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host for all mistakes: none of them changes anything."""
    with serving(PAGE, tmp_path_factory.mktemp("shared"), **SETTINGS) as found:
        yield found


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_names_the_field_and_is_not_repeated(shared: Site, wrong: dict[str, Any], field: str) -> None:
    with shared.browser() as client:
        answer = by_json(client, **(TOLD | {"email": ADULT} | wrong))
    assert answer.status_code == 400
    assert list(answer.json()["response"]["field_errors"]) == [field]
    for value in wrong.values():
        assert not value or str(value) not in answer.text
    assert host_rows(shared) == {}


@pytest.mark.parametrize("wrong", [one for one, _ in WRONG if isinstance(one.get("email"), str)], ids=range(2))
def test_the_form_comes_back_with_empty_boxes(shared: Site, wrong: dict[str, str]) -> None:
    with shared.browser() as client:
        page = by_form(client, **{**TYPED, "birth_day": "32", **wrong})
    assert page.status_code == 200
    assert "There is a mistake in the date." in page.text
    for value in ("1984", 'value="32"', *wrong.values()):
        assert value not in page.text


def test_a_body_that_is_too_large_is_refused(shared: Site) -> None:
    with shared.browser() as client:
        answer = client.post("/register", json={"email": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "xxx" not in answer.text


def test_a_form_of_another_site_leaves_no_refusal(shared: Site) -> None:
    with shared.browser() as client:
        assert client.post("/register", data=FORM).status_code == 200
        assert client.post("/register", json=MARKERS).status_code == 400
        assert NAME not in client.cookies
    assert host_rows(shared) == {}


# --- what becomes of the date -------------------------------------------------------------------------


def test_no_column_and_no_receiver_gets_the_date(site: Site) -> None:
    site.module.User.birth_date = "unset"
    told: list[tuple[Any, dict[str, Any]]] = []

    def receive(_app: object, user: Any, form_data: dict[str, Any], **_: object) -> None:
        told.append((user.birth_date, form_data))

    with user_registered.connected_to(receive), site.browser() as client:
        by_form(client, **TYPED, email=ADULT)
    [(kept, form_data)] = told
    assert kept == "unset"
    assert form_data["country"] == "US"
    assert "birth_date" not in form_data
    assert "1984" not in str(form_data)


# --- other ways to an account -------------------------------------------------------------------------


def test_a_command_creates_nobody(site: Site) -> None:
    done = site.module.app.test_cli_runner().invoke(
        args=["users", "create", ADULT, "--password", PASSWORD, "--active"]
    )
    assert isinstance(done.exception, NotAdmittedError)
    assert ADULT not in str(done.exception)
    assert host_rows(site) == {}


@pytest.mark.parametrize("how", ["datastore", "session", "another address"])
def test_a_forgotten_view_creates_nobody(site: Site, how: str) -> None:
    module = site.module

    @module.app.post("/forgotten")
    def forgotten() -> str:
        if how == "session":
            module.db.session.add(module.User(email=ADULT, fs_uniquifier="u", active=True))
        elif how == "datastore":
            module.users.create_user(email=ADULT, password=None)
        else:
            module.age.ask()
            module.users.create_user(email="other@example.org", password=None)
        module.users.commit()
        return "welcome"

    with site.browser() as client:
        assert client.post("/forgotten", data={**TYPED, "email": ADULT}).status_code == 403
    assert host_rows(site) == {}


def test_an_admission_creates_one_user(site: Site) -> None:
    module = site.module

    @module.app.post("/twice")
    def twice() -> str:
        module.age.ask()
        module.users.create_user(email=ADULT, password=None)
        module.users.commit()
        module.users.create_user(email=ADULT, password=None)
        return "welcome"

    with site.browser() as client:
        assert client.post("/twice", data={**TYPED, "email": ADULT}).status_code == 403
    assert site.accounts("user") == [ADULT]


class InMemory(AgeGateDatastore):
    """A datastore of no database that the guard knows."""

    def put(self, model: Any) -> Any:
        self.role_model.append(model)
        return model


def test_a_datastore_that_the_guard_does_not_know_creates_who_was_admitted(shared: Site) -> None:
    app, age = shared.module.app, shared.module.age
    made: list[Any] = []
    users = InMemory(SimpleNamespace, made)
    with app.test_request_context(method="POST", data={**TYPED, "email": ADULT}):
        with pytest.raises(NotAdmittedError, match="AgeGateRegisterForm"):
            users.create_user(email=ADULT)
        age.ask()
        with pytest.raises(NotAdmittedError, match="not for this email"):
            users.create_user(email="other@example.org")
        age.ask()
        users.create_user(email=ADULT)
    assert [user.email for user in made] == [ADULT]


def test_registration_without_a_password_goes_through_the_gate(tmp_path: Path) -> None:
    settings = SETTINGS | {
        "SECURITY_UNIFIED_SIGNIN": "true",
        "SECURITY_PASSWORD_REQUIRED": "false",
        "SECURITY_TOTP_SECRETS": '{"1": "only-tests-know-this-secret-too"}',
        "SECURITY_TOTP_ISSUER": "Readers",
        "SECURITY_US_ENABLED_METHODS": '["password", "email"]',
    }
    bare = {"password": "", "password_confirm": ""}
    with serving(PAGE, tmp_path, **settings) as site:
        with site.browser() as client:
            assert by_form(client, **(FORM | bare)).status_code == 403
        with site.browser() as client:
            by_form(client, **TYPED, email=ADULT, **bare)
            unknown = client.post(
                "/us-signin/send-code", json={"identity": "new@example.org", "chosen_method": "email"}
            )
            assert unknown.status_code in {200, 302, 400}
        assert site.accounts("user") == [ADULT]


def test_the_oauth_views_of_flask_security_create_nobody(tmp_path: Path) -> None:
    settings = SETTINGS | {"SECURITY_OAUTH_ENABLE": "true"}
    with serving_with_provider(PAGE, tmp_path, **settings) as (site, idp), site.browser() as client:
        told = {
            "server_metadata_url": idp.discovery,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "client_kwargs": {"scope": "openid email profile"},
        }
        site.module.app.security.oauthglue.register_provider_ext(
            FsOAuthProvider("own", told, lambda _oauth, said: ("email", said["userinfo"]["email"]))
        )
        answer = client.post("/login/oauthstart/own", data=token(client.get("/login")))
        assert answer.url.path == "/login"
        assert "/token" in idp.asked
        assert host_rows(site) == {}
