"""django-allauth: the project of the page, asked by form, by the headless interface and through a provider."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.django_host.project import Project, Site, serving, write_project
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider, provider
from tests.traces import ADULT, BOXES, EMAIL, FORM, MARK, MARKERS, rows, traces

PROBLEM = "application/problem+json"
PASSWORD = "a-word-of-77-oaks"
GROWN = {"email": "reader@example.org", **ADULT, "password1": PASSWORD, "password2": PASSWORD}
CHILD = {**FORM, "password1": MARKERS["password"], "password2": MARKERS["password"]}
SIGN_UP = "/accounts/signup/"
SOCIAL = "/accounts/3rdparty/signup/"


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the page with its tables, to be copied."""
    project = write_project("allauth.md", tmp_path_factory.mktemp("allauth"))
    done = project.manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(pattern: Project, tmp_path: Path) -> Project:
    """The project of the page on SQLite, agegate's store in a file beside the host's."""
    shutil.copytree(pattern.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "all.log").unlink(missing_ok=True)
    return Project(tmp_path, pattern.page, f"sqlite:///{tmp_path}/club.db", f"sqlite:///{tmp_path}/agegate.db")


@contextmanager
def beside_a_provider(project: Project, kind: str = "wsgi") -> Iterator[tuple[Site, Provider]]:
    """The project, served beside a provider where an adult has signed in."""
    with provider(email="reader@example.org", name="Rea Der") as idp:
        project.environment |= {
            "OIDC_URL": idp.url,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_SECRET": CLIENT_SECRET,
        }
        with serving(project, kind) as site:
            yield site, idp


@pytest.fixture(params=["wsgi", "asgi"])
def both(request: pytest.FixtureRequest, project: Project) -> Iterator[tuple[Site, Provider]]:
    """The project beside a provider, served in both ways."""
    with beside_a_provider(project, request.param) as found:
        yield found


@pytest.fixture
def site(project: Project) -> Iterator[Site]:
    """The project, served."""
    with serving(project) as found:
        yield found


def by_form(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return site.sign_up(browser, fields, SIGN_UP)


def by_app(site: Site, app: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return app.post("/_allauth/app/v1/auth/signup", json={**fields, "password": fields["password1"]})


def by_browser_api(site: Site, browser: httpx.Client, fields: dict[str, str]) -> httpx.Response:
    return post_api(site, browser, "signup", {**fields, "password": fields["password1"]})


def post_api(site: Site, browser: httpx.Client, path: str, fields: dict[str, str]) -> httpx.Response:
    """Post to the headless interface as a page's script does."""
    browser.get("/_allauth/browser/v1/config")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Accept": "application/json"}
    return browser.post(f"/_allauth/browser/v1/auth/{path}", json=fields, headers=headers)


By = Callable[[Site, httpx.Client, dict[str, str]], httpx.Response]
LOCAL = [by_form, by_app, by_browser_api]


def arrive(site: Site, browser: httpx.Client) -> httpx.Response:
    """Sign in at the provider and come back."""
    page = browser.get("/accounts/oidc/club-id/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token is not None
    sent = browser.post("/accounts/oidc/club-id/login/", data={"csrfmiddlewaretoken": token[1]})
    assert sent.status_code == 302, sent.text
    back = httpx.get(sent.headers["location"])
    return browser.get(back.headers["location"])


def host_rows(site: Site) -> dict[str, int]:
    with site.project.engine() as engine:
        return rows(engine)


def found_traces(site: Site, *responses: httpx.Response) -> list[str]:
    """What of the child is in host, store, logs, what the process wrote, mails, and the answers."""
    texts = [response.text + repr(response.headers) for response in responses]
    project = site.project
    mails = project.folder / "mails"
    places = [mails] if mails.exists() else []
    with project.engine() as host, project.engine(project.store) as store:
        return traces(host, store, project.log, project.folder / "errors.txt", *places, *texts)


def emails(site: Site) -> list[tuple[object, ...]]:
    return site.project.rows("SELECT email FROM auth_user ORDER BY email")


# --- who is admitted ----------------------------------------------------------------------------------


def test_adults_are_admitted_in_every_local_way_and_have_one_row_each(site: Site) -> None:
    for number, way in enumerate(LOCAL):
        with site.browser() as browser:
            response = way(site, browser, GROWN | {"email": f"reader{number}@example.org"})
        assert response.status_code == (302 if way is by_form else 200), response.text
    assert emails(site) == [(f"reader{number}@example.org",) for number in range(3)]


@pytest.mark.parametrize("is_headless", [False, True], ids=["form", "headless"])
def test_an_adult_is_admitted_through_a_provider_after_the_question(
    both: tuple[Site, Provider], is_headless: bool
) -> None:
    site, _ = both
    with site.browser() as browser:
        assert arrive(site, browser).headers["location"] == SOCIAL
        assert emails(site) == []
        if is_headless:
            response = post_api(site, browser, "provider/signup", {"email": GROWN["email"], **ADULT})
            assert response.status_code == 200, response.text
        else:
            response = site.sign_up(browser, {"email": GROWN["email"], **ADULT}, SOCIAL)
            assert response.headers["location"] == "/welcome"
        assert "agegate_pending" not in browser.cookies
    assert emails(site) == [("reader@example.org",)]
    assert site.project.rows("SELECT count(*) FROM socialaccount_socialaccount") == [(1,)]
    with site.browser() as browser:
        assert arrive(site, browser).headers["location"] == "/welcome", "a second time it is a sign-in"
    assert emails(site) == [("reader@example.org",)]


# --- who is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", LOCAL)
def test_a_refused_child_leaves_nothing(site: Site, way: By) -> None:
    fields = {**CHILD, "birth_date": MARKERS["birth_date"]} if way is by_app else CHILD
    with site.browser() as browser:
        before = host_rows(site)
        response = way(site, browser, fields)
        assert response.status_code == 403, response.text
        assert (response.headers["content-type"] == PROBLEM) == (way is not by_form)
        assert host_rows(site) == before
        assert found_traces(site, response) == []
        again = way(site, browser, GROWN | {"email": EMAIL})
        assert (again.status_code, again.text) == (403, response.text)
        assert found_traces(site, again) == []


@pytest.mark.parametrize("is_headless", [False, True], ids=["form", "headless"])
def test_a_refused_child_from_a_provider_leaves_nothing(both: tuple[Site, Provider], is_headless: bool) -> None:
    site, idp = both
    idp.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
    with site.browser() as browser:
        before = host_rows(site)
        assert arrive(site, browser).headers["location"] == SOCIAL
        assert found_traces(site) == [], "what the provider said is sealed while the form is shown"
        question = browser.get(SOCIAL)
        assert MARK in question.text, "the form knows what the provider said"
        assert found_traces(site) == []
        if is_headless:
            response = post_api(site, browser, "provider/signup", {"email": EMAIL, "country": "US", **BOXES})
        else:
            response = site.sign_up(browser, {"email": EMAIL, "country": "US", **BOXES}, SOCIAL)
        assert response.status_code == 403
        assert host_rows(site) == before, "no session either"
        assert found_traces(site, response) == []
        assert browser.get(SOCIAL).headers["location"] == "/accounts/login/", "nothing waits any more"


def test_a_person_from_a_provider_who_never_answers_leaves_nothing_readable(
    both: tuple[Site, Provider],
) -> None:
    site, idp = both
    idp.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
    with site.browser() as browser:
        arrive(site, browser)
        browser.get(SOCIAL)
        browser.get("/welcome")
        assert found_traces(site) == []
        assert site.project.rows("SELECT count(*) FROM django_session") == [(1,)]
        browser.cookies.delete("agegate_pending")
        assert browser.get(SOCIAL).headers["location"] == "/accounts/login/"
        browser.cookies.set("agegate_pending", "no-key", domain="127.0.0.1")
        assert browser.get(SOCIAL).headers["location"] == "/accounts/login/"
        assert found_traces(site) == []


def test_second_tries_through_a_provider_get_the_same_answer(project: Project) -> None:
    with beside_a_provider(project) as (site, idp), site.browser() as first, site.browser() as other:
        idp.become("kid@example.org", "Kid")
        arrive(site, first)
        refused = site.sign_up(first, {"email": "kid@example.org", "country": "US", **BOXES}, SOCIAL)
        arrive(site, first)
        tries = [site.sign_up(first, {"email": "kid@example.org", **ADULT}, SOCIAL)]
        arrive(site, other)
        tries.append(site.sign_up(other, {"email": "typed.another@example.org", **ADULT}, SOCIAL))
        with site.browser() as third:
            tries.append(by_form(site, third, GROWN | {"email": "kid@example.org"}))
        assert [(one.status_code, one.text) for one in tries] == [(403, refused.text)] * 3
        assert emails(site) == []


def test_a_refusal_is_remembered_by_the_providers_address_too(project: Project) -> None:
    with beside_a_provider(project) as (site, idp), site.browser() as first, site.browser() as other:
        idp.become("kid@example.org", "Kid")
        arrive(site, first)
        typed = {"email": "first.typed@example.org", "country": "US", **BOXES}
        refused = site.sign_up(first, typed, SOCIAL)
        arrive(site, other)
        again = site.sign_up(other, {"email": "second.typed@example.org", **ADULT}, SOCIAL)
        assert (again.status_code, again.text) == (403, refused.text)
        assert "agegate" in other.cookies
        assert emails(site) == []


def test_a_form_of_another_site_leaves_no_refusal_at_the_interface_of_apps(site: Site) -> None:
    body = json.dumps({**CHILD, "password": CHILD["password1"]})
    path, kind = "/_allauth/app/v1/auth/signup", {"Content-Type": "text/plain"}
    with site.browser(Origin="https://other.example.com") as other, site.browser() as own:
        answer = other.post(path, content=body, headers=kind)
        assert (answer.status_code, "agegate" in answer.cookies) == (403, False)
        assert site.project.rows("SELECT * FROM agegate_refusal", site.project.store) == []
        assert "agegate" in own.post(path, content=body, headers=kind).cookies


def test_what_cannot_be_read_is_a_field_error_without_the_value(site: Site) -> None:
    wrong = {"birth_year": "2300", "country": "ZQ", "email": "not.an.address.77"}
    with site.browser() as browser:
        page = by_form(site, browser, GROWN | wrong)
        told = by_app(site, browser, GROWN | wrong)
    assert (page.status_code, told.status_code) == (200, 400)
    assert {error["param"] for error in told.json()["errors"]} == {"birth_date", "country", "email"}
    for response in (page, told):
        assert [value for value in wrong.values() if f'"{value}"' in response.text] == []
    assert emails(site) == []


def test_a_form_that_is_not_ours_creates_no_account(project: Project) -> None:
    project.more["ACCOUNT_SIGNUP_FORM_CLASS"] = None
    project.more["SILENCED_SYSTEM_CHECKS"] = ["agegate.E010"]
    with serving(project) as site, site.browser() as browser:
        assert by_form(site, browser, GROWN).status_code == 500
        assert emails(site) == []
        assert "NotAdmittedError" in site.project.log


# --- settings -----------------------------------------------------------------------------------------

OURS = "agegate.frameworks.allauth.PendingSignupMiddleware"

CHECKS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no form", {"ACCOUNT_SIGNUP_FORM_CLASS": None}, ["agegate.E010"]),
    ("a form that is not there", {"ACCOUNT_SIGNUP_FORM_CLASS": "club.adapters.Missing"}, ["agegate.E010"]),
    (
        "allauth's adapter",
        {"ACCOUNT_ADAPTER": "allauth.account.adapter.DefaultAccountAdapter"},
        ["agegate.E011"],
    ),
    (
        "automatic",
        {
            "SOCIALACCOUNT_ADAPTER": "allauth.socialaccount.adapter.DefaultSocialAccountAdapter",
            "SOCIALACCOUNT_AUTO_SIGNUP": True,
        },
        ["agegate.E012"],
    ),
    (
        "automatic is off",
        {"SOCIALACCOUNT_ADAPTER": "allauth.socialaccount.adapter.DefaultSocialAccountAdapter"},
        [],
    ),
    ("automatic with our adapter", {"SOCIALACCOUNT_AUTO_SIGNUP": True}, []),
]


@pytest.mark.parametrize(("name", "more", "codes"), CHECKS, ids=[name for name, _, _ in CHECKS])
def test_check_names_what_lets_accounts_past_the_gate(
    project: Project, name: str, more: dict[str, Any], codes: list[str]
) -> None:
    project.more |= more
    done = project.run("-c", "import django; django.setup()\n" + FIND)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == codes


FIND = (
    "from agegate.frameworks.django.checks import check_project\n"
    "found = check_project()\n"
    "assert all(one.hint for one in found)\n"
    "print(*(one.id for one in found))\n"
)


def test_check_asks_for_the_seal_of_the_session(project: Project) -> None:
    program = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        f"settings.MIDDLEWARE.remove({OURS!r})\n"
    )
    done = project.run("-c", program + FIND)
    assert done.stdout.split() == ["agegate.E013"], done.stderr


def test_our_adapter_signs_nobody_up_by_a_provider_alone_even_if_the_setting_says_so(project: Project) -> None:
    project.more["SOCIALACCOUNT_AUTO_SIGNUP"] = True
    with beside_a_provider(project) as (site, _), site.browser() as browser:
        assert arrive(site, browser).headers["location"] == SOCIAL
        assert emails(site) == []


def test_every_form_of_allauth_asks(project: Project) -> None:
    program = (
        "import django; django.setup()\n"
        "from agegate.frameworks.allauth import AgeGateSignupForm\n"
        "from allauth.account.forms import BaseSignupForm, SignupForm\n"
        "from allauth.headless.account.inputs import SignupInput\n"
        "from allauth.headless.socialaccount.inputs import SignupInput as SocialInput\n"
        "from allauth.socialaccount.forms import SignupForm as SocialForm\n"
        "forms = (BaseSignupForm, SignupForm, SignupInput, SocialInput, SocialForm)\n"
        "print(all(issubclass(form, AgeGateSignupForm) for form in forms))\n"
    )
    assert project.run("-c", program).stdout.strip() == "True"


def test_a_missing_framework_is_one_clear_line() -> None:
    program = "import sys; sys.modules['allauth'] = None\nimport agegate.frameworks.allauth"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1].endswith("install agegate[allauth]")


# --- PostgreSQL ---------------------------------------------------------------------------------------


def test_the_whole_story_on_postgresql(new_database: Callable[[], str], tmp_path: Path) -> None:
    project = write_project("allauth.md", tmp_path, new_database(), new_database())
    with beside_a_provider(project) as (site, idp), site.browser() as browser, site.app() as app:
        assert by_app(site, app, GROWN).status_code == 200
        before = host_rows(site)
        idp.become(EMAIL, MARKERS["name"], birthdate=MARKERS["birth_date"])
        arrive(site, browser)
        response = site.sign_up(browser, {"email": EMAIL, "country": "US", **BOXES}, SOCIAL)
        with site.browser() as other:
            again = by_form(site, other, CHILD | ADULT)
        assert (again.status_code, again.text) == (403, response.text)
        assert host_rows(site) == before
        assert found_traces(site, response, again) == []
        assert emails(site) == [("reader@example.org",)]
