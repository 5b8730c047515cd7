"""FastAPI: the application of the page, started and asked over HTTP, by form, by API and by a provider."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from agegate.frameworks.fastapi import (
    RESPONSES,
    Admitted,
    AgeCheck,
    AgeRoute,
    BirthDateInput,
    SignUp,
    install,
)
from agegate.signup.door import Door
from tests.oauth_provider import serving
from tests.traces import ADULT, BIRTH_DATE, EMAIL, FORM, MARK, MARKERS, traces

pytest.register_assert_rewrite("tests.asgi_hosts")

from tests.asgi_hosts import GROWN, TOLD, Contract, Site, prepare, running  # noqa: E402 - assertions speak

GROWN_FORM = {**ADULT, "email": GROWN}

AGE = re.compile(r"\b(1[2-9]|2[01])\b|\bminor|\bunder\b|\bold enough|\bminimum age|\badult", re.IGNORECASE)
"""What would tell somebody a limit, or that there is one."""


@pytest.fixture(scope="module")
def module_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host for tables of cases that leave nothing in it, which each of them proves."""
    with running("fastapi.md", tmp_path_factory.mktemp("host")) as found:
        yield found


class Person(BaseModel):
    birth_date: BirthDateInput
    name: str = Field(max_length=9)


class TestFastAPI(Contract):
    page: ClassVar[str] = "fastapi.md"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A host of the page on SQLite."""
    with running("fastapi.md", tmp_path) as found:
        yield found


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """A door for small applications of the tests' own."""
    return Door.from_config(str(prepare(tmp_path, f"sqlite:///{tmp_path}/agegate.db")), secure=False)


# --- the dependency in a route of the host's ----------------------------------------------------------


def test_a_route_of_the_hosts_creates_an_account_for_an_adult_alone(site: Site) -> None:
    with site.browser() as client:
        grown = client.post("/api/accounts", json={**TOLD, "email": GROWN, "name": "Rea Der"})
        assert (grown.status_code, grown.json()) == (201, {"account": 1})
        child = client.post("/api/accounts", json=MARKERS)
        page = client.post("/sign-up", json=MARKERS)
    assert child.status_code == 403
    assert child.headers["content-type"] == "application/problem+json"
    assert child.content == page.content
    assert site.accounts() == [GROWN]


def test_a_child_is_refused_before_the_models_own_errors_are_told(module_site: Site) -> None:
    with module_site.browser() as client:
        answer = client.post("/api/accounts", json={**MARKERS, "name": ""})
    assert answer.status_code == 403
    assert module_site.rows() == {}


ECHOES: list[dict[str, Any]] = [
    {**TOLD, "email": GROWN},
    {**TOLD, "email": GROWN, "name": ""},
    {**TOLD, "email": GROWN, "name": MARK * 40},
    {**TOLD, "email": GROWN, "name": [MARK]},
    {**TOLD, "email": GROWN, "name": {MARK: BIRTH_DATE}},
]


@pytest.mark.parametrize("given", ECHOES, ids=["missing", "empty", "long", "list", "object"])
def test_a_model_of_the_hosts_echoes_nothing(module_site: Site, given: dict[str, Any]) -> None:
    with module_site.browser() as client:
        answer = client.post("/api/accounts", json=given)
    assert answer.status_code == 422
    found = answer.json()["detail"]
    assert [error["loc"] for error in found] == [["body", "name"]]
    assert all(set(error) == {"type", "loc", "msg"} for error in found)
    assert TOLD["birth_date"] not in answer.text
    assert GROWN not in answer.text
    assert traces(answer.text) == []
    assert module_site.rows() == {}


def test_a_body_that_is_no_json_is_not_repeated_by_a_route_of_the_hosts(module_site: Site) -> None:
    with module_site.browser() as client:
        answer = client.post(
            "/api/accounts", content=json.dumps(MARKERS)[:-1], headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "json_invalid"
    assert traces(answer.text) == []


class Strict(BaseModel):
    """A model that is as talkative as pydantic can be."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    birth_date: str
    numbers: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _refuse(self) -> Strict:
        raise ValueError(f"no {self.birth_date}")


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"birth_date": BIRTH_DATE}, [["body"]]),
        ({"birth_date": BIRTH_DATE, MARK: 1}, [["body"]]),
        ({"birth_date": BIRTH_DATE, "numbers": {MARK: "x"}}, [["body", "numbers"]]),
        ([BIRTH_DATE], [["body"]]),
        (BIRTH_DATE, [["body"]]),
    ],
    ids=["validator", "posted-key", "key-of-a-map", "list", "text"],
)
def test_installed_handler_repeats_no_value_no_key_and_no_wording(given: object, places: list[Any]) -> None:
    app = FastAPI()

    @app.post("/strict")
    async def strict(new: Strict) -> None:
        raise AssertionError(new)

    with serving(app) as url:
        assert traces(httpx.post(f"{url}/strict", json=given).text) != [], "FastAPI itself repeats it"
    install(app)
    app.middleware_stack = None
    with serving(app) as url:
        answer = httpx.post(f"{url}/strict", json=given)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == places
    assert traces(answer.text) == []


def inner_application() -> FastAPI:
    """An application of its own, with a model that has a birth date."""
    inner = FastAPI()

    @inner.post("/people")
    async def people(new: Person) -> None:
        raise AssertionError(new)

    return inner


def behind_a_router(app: FastAPI, inner: FastAPI) -> None:
    own = APIRouter()
    own.mount("/inner", inner)
    app.include_router(own)


def behind_another(app: FastAPI, inner: FastAPI) -> None:
    between = FastAPI()
    between.mount("/deeper", inner)
    app.mount("/inner", Starlette(routes=[Mount("/deep", between)]))


MOUNTS: dict[str, tuple[str, Callable[[FastAPI, FastAPI], Any]]] = {
    "mounted": ("/inner", lambda app, inner: app.mount("/inner", inner)),
    "behind-middleware": ("/inner", lambda app, inner: app.mount("/inner", GZipMiddleware(inner))),
    "behind-another": ("/inner/deep/deeper", behind_another),
    "behind-a-router": ("/inner", behind_a_router),
    "at-a-host": ("", lambda app, inner: app.host("127.0.0.1", inner)),
    "each-in-the-other": ("/inner", lambda app, inner: (app.mount("/inner", inner), inner.mount("/app", app))),
}


@pytest.mark.parametrize("case", MOUNTS)
def test_a_mounted_application_echoes_nothing_and_names_its_own_fields(case: str) -> None:
    prefix, mount = MOUNTS[case]
    app, inner = FastAPI(), inner_application()
    mount(app, inner)
    install(app)
    with serving(app) as url:
        answer = httpx.post(f"{url}{prefix}/people", json={"birth_date": BIRTH_DATE, MARK: MARK})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "name"])
    assert traces(answer.text) == []


def test_an_application_that_is_mounted_later_needs_an_install_of_its_own() -> None:
    app, inner = FastAPI(), inner_application()
    install(app)
    app.mount("/inner", inner)
    install(inner)
    with serving(app) as url:
        answer = httpx.post(f"{url}/inner/people", json={"birth_date": BIRTH_DATE})
    assert answer.status_code == 422
    assert traces(answer.text) == []


def test_a_mounted_application_answers_for_the_dependency(door: Door) -> None:
    app = FastAPI()
    app.mount("/inner", small(door, installed=False))
    install(app)
    with serving(app) as url:
        answer = httpx.post(f"{url}/inner/accounts", data={**FORM, "name": "Rea"})
    assert answer.status_code == 403
    assert 'lang="en"' in answer.text


def small(door: Door, *, installed: bool, route_class: type[Any] | None = None) -> FastAPI:
    """An application with one route behind the dependency, and a form parameter of its own."""
    app, check = FastAPI(), AgeCheck(SignUp(door))
    own = APIRouter(route_class=route_class) if route_class else APIRouter()

    @own.post("/accounts", responses=RESPONSES)
    def create(name: Annotated[str, Form()], person: Admitted = Depends(check)) -> dict[str, Any]:  # noqa: B008
        with person.admitting():
            return {"name": name, "email": person.registration.email}

    app.include_router(own)
    if installed:
        install(app)
    return app


def test_dependency_reads_a_form_that_the_route_declared_too_and_plain_functions_work(door: Door) -> None:
    with serving(small(door, installed=True)) as url:
        answer = httpx.post(f"{url}/accounts", data={**ADULT, "email": GROWN, "name": "Rea"})
    assert (answer.status_code, answer.json()) == (200, {"name": "Rea", "email": GROWN})


@pytest.mark.parametrize("route_class", [None, AgeRoute], ids=["plain-route", "age-route"])
def test_dependency_refuses_and_sets_the_cookie_without_install(
    door: Door, route_class: type[Any] | None
) -> None:
    with serving(small(door, installed=False, route_class=route_class)) as url, httpx.Client() as client:
        answer = client.post(f"{url}/accounts", data=FORM, headers={"Accept": "application/json"})
        assert answer.status_code == 403
        assert ("title" in answer.json()) == (route_class is AgeRoute)
        assert traces(answer.text) == []
        again = client.post(f"{url}/accounts", data={**ADULT, "email": GROWN, "name": "Rea"})
        assert again.status_code == 403, "the cookie came with the bare answer too"


TEN_MEGABYTES = b"7" * 10_000_000


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with-its-length", "in-chunks"])
@pytest.mark.parametrize("route_class", [None, AgeRoute], ids=["plain-route", "age-route"])
def test_a_body_that_is_too_large_is_not_taken_beside_a_file_parameter(
    door: Door, route_class: type[Any] | None, is_chunked: bool
) -> None:
    app, check, taken = FastAPI(), AgeCheck(SignUp(door)), []
    own = APIRouter(route_class=route_class) if route_class else APIRouter()

    @own.post("/accounts")
    async def create(picture: Annotated[UploadFile, File()], person: Admitted = Depends(check)) -> None:  # noqa: B008
        taken.append((await picture.read(), person.registration.email))

    app.include_router(own)
    install(app)
    with serving(app) as url, httpx.Client(base_url=url) as client:

        def send(content: bytes) -> httpx.Response:
            made = client.build_request("POST", "/accounts", data=GROWN_FORM, files={"picture": content})
            sent = made.read()
            kind, accept = made.headers["content-type"], "application/json"
            headers = {"Content-Type": kind, "Accept": accept}
            return client.post("/accounts", content=iter([sent]) if is_chunked else sent, headers=headers)

        large, right = send(TEN_MEGABYTES), send(b"a small picture")
    assert (large.status_code, large.json()["errors"][0]["field"]) == (413, "body")
    assert right.status_code == 200
    assert taken == [(b"a small picture", GROWN)]


# --- what describes the interface --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc"])
def test_descriptions_name_no_age(module_site: Site, path: str) -> None:
    with module_site.browser() as client:
        answer = client.get(path)
    assert answer.status_code == 200
    assert AGE.findall(re.sub(r"(?s)<style.*?</style>|https?://\S+", "", answer.text)) == []


@pytest.mark.parametrize("path", ["/sign-up", "/api/accounts"])
def test_refusals_and_field_errors_are_described(module_site: Site, path: str) -> None:
    with module_site.browser() as client:
        described = client.get("/openapi.json").json()["paths"][path]["post"]
    for status in ("403", "413", "415", "422"):
        assert list(described["responses"][status]["content"]) == ["application/problem+json"]
    assert "birth_date" in json.dumps(described) or "NewAccount" in json.dumps(described)


# --- a birth date in a model of the host's ----------------------------------------------------------


@pytest.mark.parametrize("value", [BIRTH_DATE, 19, None, {"on": BIRTH_DATE}, [BIRTH_DATE]])
def test_birth_date_of_a_model_is_shown_to_nobody(value: object) -> None:
    person = Person.model_validate({"birth_date": value, "name": "Rea"})
    assert person.birth_date.value == value
    assert json.loads(person.model_dump_json()) == {"birth_date": None, "name": "Rea"}
    assert traces(repr(person), str(person), f"{person.birth_date}", repr(person.model_dump())) == []
    again = Person.model_validate({"birth_date": person.birth_date, "name": "Rea"})
    assert again.birth_date is person.birth_date


def test_birth_date_of_a_model_is_not_in_another_fields_error() -> None:
    with pytest.raises(ValidationError) as caught:
        Person.model_validate({"birth_date": BIRTH_DATE, "name": "R" * 10})
    assert traces(str(caught.value), repr(caught.value.errors())) == []


def test_an_application_that_cannot_be_described_still_echoes_nothing() -> None:
    app = FastAPI()

    @app.post("/people")
    async def people(new: Person) -> None:
        raise AssertionError(new)

    def undescribed() -> dict[str, Any]:
        raise RuntimeError("no description today")

    app.openapi = undescribed  # type: ignore[method-assign]  # as the framework's own documentation does it
    install(app)
    with serving(app) as url:
        answer = httpx.post(f"{url}/people", json={"birth_date": BIRTH_DATE, "name": MARK})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]
    assert traces(answer.text) == []


def test_birth_date_of_a_model_is_described_as_a_text() -> None:
    described = Person.model_json_schema()["properties"]["birth_date"]
    assert described["type"] == "string"
    assert AGE.findall(json.dumps(described)) == []


# --- without the extra --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "missing", "extra"),
    [
        ("fastapi", "fastapi", "fastapi"),
        ("fastapi", "starlette", "fastapi"),
        ("starlette", "starlette", "starlette"),
        ("hooks", "starlette", "starlette"),
    ],
)
def test_missing_framework_is_one_clear_line(module: str, missing: str, extra: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; import agegate.frameworks.{module}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("agegate.errors.ConfigError: ")
    assert last.endswith(f"install agegate[{extra}]")
    assert "During handling" not in ran.stderr


def test_account_of_a_refused_person_is_nowhere_after_every_way_was_tried(site: Site) -> None:
    with site.browser() as client:
        for path in ("/sign-up", "/api/accounts"):
            for born in (BIRTH_DATE, "1984-04-17", "not-a-date", None):
                answer = client.post(path, json={**MARKERS, "birth_date": born})
                assert answer.status_code in (403, 422)
    assert site.rows() == {}
    assert EMAIL not in site.accounts()
