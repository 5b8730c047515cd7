"""Starlette: the application of the page, started and asked over HTTP, by form, by API and by a provider."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from agegate import AgeGate
from agegate.config import Config
from agegate.database import open_engine
from agegate.errors import ConfigError, NotAdmittedError
from agegate.frameworks.starlette import Admitted, SignUp, Stopped, stopped_response
from agegate.jobs import MISTAKES, readmit
from agegate.keys import KeyRing
from agegate.signup.cookie import NAME
from agegate.signup.door import Door
from agegate.store import Store
from tests.oauth_provider import serving
from tests.traces import ADULT, EMAIL, FORM, MARK, MARKERS, PHONE, rows, traces

pytest.register_assert_rewrite("tests.asgi_hosts")

from tests.asgi_hosts import (  # noqa: E402 - assertions speak
    GROWN,
    TOLD,
    Contract,
    Site,
    carried,
    prepare,
    running,
)


@pytest.fixture(scope="module")
def module_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host for tables of cases that leave nothing in it, which each of them proves."""
    with running("starlette.md", tmp_path_factory.mktemp("host")) as found:
        yield found


class TestStarlette(Contract):
    page: ClassVar[str] = "starlette.md"


KEYS = KeyRing.generate()


class Small:
    """An application with the routes alone, on a store of its own; it notes whom it was called for."""

    def __init__(self, url: str, **options: object) -> None:
        self.store = Store(url, create=True)
        self.store.create()
        gate = AgeGate(store=self.store, keys=KEYS)
        self.door = Door(gate, "Readers", "help@example.org", secure=False)
        self.sign_up = SignUp(self.door, **options)  # type: ignore[arg-type]  # what the test gives
        self.people: list[Admitted] = []

    async def create(self, _request: Request, person: Admitted) -> Response:
        async with person.admitting():
            self.people.append(person)
        return JSONResponse({}, 201)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=self.sign_up.routes(self.create))

    def markers(self) -> int:
        """How many handles of refused people are remembered."""
        engine = open_engine(self.store.url)
        try:
            return sum(number for name, number in rows(engine).items() if "agegate_refusal" in name)
        finally:
            engine.dispose()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """The routes alone, on SQLite."""
    made = Small(f"sqlite:///{tmp_path}/agegate.db")
    yield made
    made.store.dispose()


# --- who is admitted -----------------------------------------------------------------------------------


def test_admission_is_for_one_account(small: Small) -> None:
    caught: list[str] = []

    async def create(_request: Request, person: Admitted) -> Response:
        async with person.admitting():
            pass
        with pytest.raises(NotAdmittedError) as error:
            async with person.admitting():
                pass
        caught.append(str(error.value))
        return JSONResponse({}, 201)

    with serving(Starlette(routes=small.sign_up.routes(create))) as url:
        assert httpx.post(f"{url}/sign-up", data={**ADULT, "email": GROWN}).status_code == 201
    assert len(caught) == 1
    assert "used before" in caught[0]


def test_admitted_person_shows_no_value(small: Small) -> None:
    with serving(small.app) as url:
        given = {**ADULT, "email": EMAIL, "phone": PHONE, "name": MARK}
        assert httpx.post(f"{url}/sign-up", data=given).status_code == 201
    person = small.people[0]
    assert person.posted["name"] == MARK
    assert traces(repr(person), str(person)) == []


def test_phone_number_alone_is_a_contact(small: Small) -> None:
    with serving(small.app) as url:
        given = {**TOLD, "phone": "(201) 555-0123"}
        assert httpx.post(f"{url}/sign-up", json=given).status_code == 201
    assert small.people[0].registration.phone == "(201) 555-0123"


def test_whom_staff_let_back_is_admitted_and_loses_the_cookie(tmp_path: Path) -> None:
    file = prepare(tmp_path, f"sqlite:///{tmp_path}/agegate.db")
    sign_up = SignUp(Door.from_config(str(file), secure=False))

    async def create(_request: Request, _person: Admitted) -> Response:
        return JSONResponse({}, 201)

    with (
        serving(Starlette(routes=sign_up.routes(create))) as url,
        httpx.Client(base_url=url) as client,
    ):
        assert client.post("/sign-up", data={**FORM, "email": GROWN}).status_code == 403
        assert NAME in client.cookies
        readmit(Config.load(file), email=GROWN, phone=PHONE, by="staff-1", because=MISTAKES[0])
        assert client.post("/sign-up", data={**ADULT, "email": GROWN}).status_code == 201
        assert NAME not in client.cookies


# --- what is carried ----------------------------------------------------------------------------------


@pytest.fixture
def carrying(small: Small) -> Iterator[str]:
    """The address of an application that shows the question with what a provider said."""

    async def back(request: Request) -> Response:
        return small.sign_up.ask(request, {"email": GROWN})

    with serving(Starlette(routes=[*small.sign_up.routes(small.create), Route("/back", back)])) as url:
        yield url


def test_a_mistake_does_not_prolong_what_is_carried(
    carrying: str, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, began = carried(httpx.get(f"{carrying}/back")), time.time()

    def send_after(minutes: int, **fields: str) -> httpx.Response:
        monkeypatch.setattr("cryptography.fernet.time.time", lambda: began + 60 * minutes)
        return httpx.post(f"{carrying}/sign-up", data=fields)

    page = send_after(20, **first)
    assert (page.status_code, carried(page)) == (422, first)
    late = send_after(40, **ADULT, **carried(page))
    assert (late.status_code, carried(late)) == (422, {})
    assert small.people == []
    assert send_after(29, **ADULT, **first).status_code == 201


@pytest.mark.parametrize("change", ["{}!" + MARK, MARK + "{}", "['{}']", "{}\n", " {}"])
def test_what_is_carried_is_sent_back_only_as_it_was_closed(carrying: str, small: Small, change: str) -> None:
    closed = carried(httpx.get(f"{carrying}/back"))["agegate_carried"]
    answer = httpx.post(f"{carrying}/sign-up", data={"agegate_carried": change.format(closed)})
    assert (answer.status_code, carried(answer)) == (422, {})
    assert traces(answer.text) == []
    by_json = httpx.post(f"{carrying}/sign-up", json={**TOLD, "agegate_carried": [closed]})
    assert (by_json.status_code, by_json.json()["errors"][0]["field"]) == (422, "agegate_carried")
    assert small.people == []


# --- 200 at once ----------------------------------------------------------------------------------------


def test_two_hundred_at_once_from_one_device_are_remembered_once_and_none_is_admitted(
    database: str,
) -> None:
    made = Small(database, known=lambda request: {"device": request.headers["x-device"]})
    emails = [f"reader{number}@example.org" for number in range(4)]
    children = [{**MARKERS, "phone": PHONE, "email": emails[number % 4]} for number in range(100)]
    retried = [{**TOLD, "email": f"other{number}@example.org"} for number in range(100)]
    limits = httpx.Limits(max_connections=40)
    with (
        serving(made.app) as url,
        ThreadPoolExecutor(40) as threads,
        httpx.Client(limits=limits, timeout=60, trust_env=False) as client,
    ):

        def send(given: dict[str, str]) -> tuple[int, bytes]:
            answer = client.post(f"{url}/sign-up", json=given, headers={"X-Device": "one-device", "Cookie": ""})
            return answer.status_code, answer.content

        answers = [*threads.map(send, children), *threads.map(send, retried)]
    remembered = made.markers()
    made.store.dispose()
    assert len(answers) == 200
    assert {status for status, _ in answers} == {403}
    assert len({body for _, body in answers}) == 1
    assert made.people == []
    assert remembered == len(emails) + 2, "one for each address, one for the phone, one for the device"


# --- where the routes are -----------------------------------------------------------------------------


def test_a_mounted_page_posts_to_itself_whichever_route_shows_it(small: Small) -> None:
    async def back(request: Request) -> Response:
        return small.sign_up.ask(request, {"email": GROWN})

    inner = [*small.sign_up.routes(small.create), Route("/back", back)]
    with serving(Starlette(routes=[Mount("/members", routes=inner)])) as url:
        page = httpx.get(f"{url}/members/back").text
        action = re.findall(r'<form[^>]* action="([^"]+)"', page)
        assert action == ["/members/sign-up"]
        hidden = re.findall(r'name="agegate_carried" value="([^"]+)"', page)[0]
        answer = httpx.post(f"{url}{action[0]}", data={**ADULT, "agegate_carried": hidden})
    assert answer.status_code == 201
    assert small.people[0].carried == {"email": GROWN}
    assert "agegate_carried" not in small.people[0].posted


def test_a_page_of_a_named_origin_may_post(tmp_path: Path) -> None:
    made = Small(f"sqlite:///{tmp_path}/agegate.db", origins=["https://www.example.org"])
    headers = {"Origin": "https://www.example.org", "Sec-Fetch-Site": "same-site"}
    with serving(made.app) as url:
        answer = httpx.post(f"{url}/sign-up", data={**ADULT, "email": GROWN}, headers=headers)
    made.store.dispose()
    assert answer.status_code == 201


def test_routes_of_the_hosts_own_use_the_handler(small: Small) -> None:
    async def own(request: Request) -> Response:
        return await small.create(request, await small.sign_up.admit(request))

    app = Starlette(
        routes=[Route("/own", own, methods=["POST"])], exception_handlers={Stopped: stopped_response}
    )
    with serving(app) as url:
        child = httpx.post(f"{url}/own", json=MARKERS)
        grown = httpx.post(f"{url}/own", json={**TOLD, "email": GROWN})
    assert (child.status_code, child.headers["content-type"]) == (403, "application/problem+json")
    assert NAME in child.cookies
    assert grown.status_code == 201


@pytest.mark.parametrize(
    ("language", "order"),
    [
        ("en-US", ["month", "day", "year"]),
        ("en-GB", ["day", "month", "year"]),
        ("ko", ["year", "month", "day"]),
    ],
)
def test_the_question_comes_in_the_visitors_language_again_after_a_mistake(
    small: Small, language: str, order: list[str]
) -> None:
    headers = {"Accept-Language": language, "Accept": "text/html"}
    with serving(small.app) as url:
        asked = httpx.get(f"{url}/sign-up", headers=headers)
        again = httpx.post(f"{url}/sign-up", data={"email": GROWN}, headers=headers)
    assert again.status_code == 422
    for page in (asked.text, again.text):
        assert re.findall(r'<input[^>]* name="birth_(\w+)"', page) == order
        assert f'lang="{language[:2]}' in page


def test_a_form_that_wants_json_gets_a_problem_document(small: Small) -> None:
    with serving(small.app) as url:
        answer = httpx.post(f"{url}/sign-up", data=FORM, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_gate_without_a_key_ring_is_told_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="key ring"):
        SignUp(Door(AgeGate(), "Readers", "help@example.org"))
