"""HTTP hooks: signed messages in, states out, on a running server; `standardwebhooks` is the oracle."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from agegate import AgeGate
from agegate.database import open_engine
from agegate.errors import ConfigError
from agegate.frameworks import hooks
from agegate.keys import KeyRing
from agegate.signup.door import LARGEST_BODY, Door
from agegate.store import Store
from agegate.webhooks import TOLERANCE, Verifier, read_secret, sign
from tests.asgi_hosts import block, loaded, prepare
from tests.conftest import NOW
from tests.oauth_provider import serving
from tests.traces import BOXES, EMAIL, IP, MARKERS, PHONE, rows, traces

SECRET = "whsec_" + base64.b64encode(b"a secret that only the tests know").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, of some other sender").decode()
GROWN = "reader@example.org"
TOLD = {"birth_date": "1984-04-17", "country": "US", "email": GROWN}
REFUSAL = "We cannot create an account for you."


class Hook:
    """A running server, the messages that it got and what it answered."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.store = store
        self.answers: list[httpx.Response] = []
        self._number = 0

    def send(
        self, path: str, message: object, *, number: str | None = None, secret: str = SECRET
    ) -> httpx.Response:
        """Send a message that the oracle signed."""
        self._number += 1
        body = message if isinstance(message, str) else json.dumps(message)
        name, moment = number or f"msg_{self._number}", datetime.now(UTC)
        signature = Webhook(secret).sign(name, moment, body)
        answer = self.post(path, body, name, str(int(moment.timestamp())), signature)
        self.answers.append(answer)
        return answer

    def post(self, path: str, body: str, name: str, moment: str, signature: str) -> httpx.Response:
        headers = {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": signature}
        return httpx.post(self.url + path, content=body, headers=headers, timeout=60, trust_env=False)

    def decide(self, **fields: object) -> dict[str, Any]:
        answer = self.send("/v1/decide", fields)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def redeem(self, **fields: object) -> str:
        return str(self.send("/v1/redeem", fields).json()["outcome"])

    def events(self) -> int:
        """How many decisions were made."""
        with self.store.reading() as connection:
            return int(connection.scalar(sa.text("SELECT count(*) FROM agegate_event")) or 0)

    def traces(self, log: str) -> list[str]:
        engine = open_engine(self.store.url)
        said = "\n".join(f"{one.status_code} {one.headers.multi_items()} {one.text}" for one in self.answers)
        try:
            return traces(engine, log, said)
        finally:
            engine.dispose()


def served(url: str, **options: Any) -> Any:
    store = Store(url, create=True)
    store.create()
    door = Door(AgeGate(store=store, keys=KeyRing.generate()), "Readers", "help@example.org", secure=False)
    return store, serving(hooks.app(door, secrets=[SECRET], **options))


@pytest.fixture
def hook(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Hook]:
    """A server on SQLite, with every logger heard."""
    caplog.set_level(logging.DEBUG)
    store, running = served(f"sqlite:///{tmp_path}/agegate.db")
    with running as url:
        yield Hook(url, store)
    store.dispose()


@pytest.fixture
def both(database: str, caplog: pytest.LogCaptureFixture) -> Iterator[Hook]:
    """The same on SQLite and on PostgreSQL."""
    caplog.set_level(logging.DEBUG)
    store, running = served(database)
    with running as url:
        yield Hook(url, store)
    store.dispose()


# --- signatures ---------------------------------------------------------------------------------------

BODY = b'{"event": "sign-up"}'


def headers(
    name: str = "msg_1", moment: datetime = NOW, secret: str = SECRET, body: bytes = BODY
) -> dict[str, str]:
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": sign(secret, name, moment, body),
    }


PRINTED = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(PRINTED, st.text(max_size=200), st.binary(min_size=24, max_size=64))
def test_what_either_signs_the_other_accepts(name: str, text: str, secret: bytes) -> None:
    written, now = "whsec_" + base64.b64encode(secret).decode(), datetime.now(UTC)
    body = text.encode("utf-8", "replace")
    own = headers(name, now, written, body)
    Webhook(written).verify(body, own, json_parse=False)
    theirs = own | {"webhook-signature": Webhook(written).sign(name, now, body.decode())}
    assert Verifier([written]).sender_id(theirs, body, now) == name
    assert own == theirs


def test_a_moment_in_another_time_zone_is_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert sign(SECRET, "msg_1", there, BODY) == sign(SECRET, "msg_1", NOW, BODY)
    with pytest.raises(ValueError, match="aware"):
        sign(SECRET, "msg_1", NOW.replace(tzinfo=None), BODY)


FORGED: dict[str, dict[str, str | None]] = {
    "no-id": {"webhook-id": None},
    "empty-id": {"webhook-id": ""},
    "another-id": {"webhook-id": "msg_2"},
    "long-id": {"webhook-id": "m" * 5000},
    "no-time": {"webhook-timestamp": None},
    "another-time": {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    "time-with-a-fraction": {"webhook-timestamp": f"{NOW.timestamp()}"},
    "time-in-other-digits": {"webhook-timestamp": "١٧٩٥٣٤٨٨٠٠"},
    "endless-time": {"webhook-timestamp": "9" * 400},
    "no-signature": {"webhook-signature": None},
    "empty-signature": {"webhook-signature": "   "},
    "bare-signature": {"webhook-signature": sign(SECRET, "msg_1", NOW, BODY).removeprefix("v1,")},
    "another-version": {"webhook-signature": sign(SECRET, "msg_1", NOW, BODY).replace("v1,", "v1a,")},
    "another-secret": {"webhook-signature": sign(OTHER, "msg_1", NOW, BODY)},
    "another-body": {"webhook-signature": sign(SECRET, "msg_1", NOW, BODY + b" ")},
    "not-ascii": {"webhook-signature": "v1,é"},
    "endless-signature": {"webhook-signature": "v1,x " * 5000},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_message_has_no_sender(case: str) -> None:
    sent = {name: value for name, value in (headers() | FORGED[case]).items() if value is not None}
    assert Verifier([SECRET]).sender_id(headers(), BODY, NOW) == "msg_1"
    assert Verifier([SECRET]).sender_id(sent, BODY, NOW) is None
    try:
        Webhook(SECRET).verify(BODY, sent, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return
    raise AssertionError("the oracle accepts it")


@pytest.mark.parametrize("side", [1, -1], ids=["late", "early"])
def test_a_message_may_be_five_minutes_off_to_either_side(side: int) -> None:
    own = Verifier([SECRET])
    assert own.sender_id(headers(), BODY, NOW + side * TOLERANCE) == "msg_1"
    assert own.sender_id(headers(), BODY, NOW + side * (TOLERANCE + timedelta(seconds=1))) is None


@pytest.mark.parametrize("between", [" ", "  ", ", "], ids=["specification", "two-spaces", "supabase"])
def test_several_signatures_and_secrets_let_a_secret_be_replaced(between: str) -> None:
    signature = between.join((sign(OTHER, "msg_1", NOW, BODY), sign(SECRET, "msg_1", NOW, BODY)))
    sent = headers() | {"webhook-signature": signature}
    for secrets, name in (([SECRET], "msg_1"), ([OTHER], "msg_1"), ([OTHER, SECRET], "msg_1")):
        assert Verifier(secrets).sender_id(sent, BODY, NOW) == name
    assert Verifier([OTHER, SECRET]).sender_id(headers(), BODY, NOW) == "msg_1"


def test_a_secret_is_read_as_supabase_writes_it() -> None:
    assert read_secret(f"v1,{SECRET}") == read_secret(SECRET) == b"a secret that only the tests know"


NO_SECRETS = ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not*base64*but*long*enough*to*be*one", SECRET[6:]]


@pytest.mark.parametrize("number", range(len(NO_SECRETS)))
def test_what_is_no_secret_is_refused_and_not_repeated(number: int) -> None:
    with pytest.raises(ConfigError) as caught:
        Verifier([SECRET, NO_SECRETS[number]])
    assert len(NO_SECRETS[number]) < 7 or NO_SECRETS[number] not in str(caught.value)


def test_no_secret_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one secret"):
        Verifier([])


# --- who may ask ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/redeem", "/hooks/supabase"])
def test_an_unsigned_message_gets_no_word(hook: Hook, path: str) -> None:
    body, now = json.dumps(TOLD), datetime.now(UTC)
    good = Webhook(SECRET).sign("m", now, body)
    written = str(int(now.timestamp()))
    answers = [
        httpx.post(hook.url + path, content=body),
        hook.post(path, body, "m", written, Webhook(OTHER).sign("m", now, body)),
        hook.post(path, body + " ", "m", written, good),
        hook.post(path, body, "m", str(int(written) - 301), good),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, b"")}
    assert hook.events() == 0
    assert httpx.get(hook.url + path).status_code == 405
    assert hook.send(path, "9" * (LARGEST_BODY + 1)).status_code == 413


@pytest.mark.parametrize("body", ["", "[]", '"text"', "{", "[" * 90_000, "null", '{"user": 7, "metadata": []}'])
def test_a_signed_body_that_is_no_object_is_invalid(hook: Hook, body: str) -> None:
    assert hook.send("/v1/decide", body).json()["outcome"] == "invalid"
    assert hook.send("/v1/redeem", body).json()["outcome"] == "refuse"
    assert hook.send("/hooks/supabase", body).status_code == 422


# --- decide and redeem -----------------------------------------------------------------------------------


def test_an_adult_is_admitted_and_the_token_admits_one_account(both: Hook) -> None:
    told = both.decide(**TOLD)
    assert sorted(told) == ["cookie", "outcome", "schema", "token"]
    assert (told["outcome"], told["cookie"], told["schema"]) == ("admit", None, 1)
    assert both.redeem(token=told["token"], email="another@example.org") == "refuse"
    assert both.redeem(token=told["token"]) == "refuse"
    assert both.redeem(email=GROWN) == "refuse"
    assert both.redeem(token=told["token"], email=GROWN) == "admit"
    assert both.redeem(token=told["token"], email=GROWN) == "refuse"


def test_a_refused_child_leaves_nothing(both: Hook, caplog: pytest.LogCaptureFixture) -> None:
    told = both.decide(**{**MARKERS, "ip": IP})
    assert told["outcome"] == "refuse"
    assert sorted(told) == ["cookie", "outcome", "problem", "schema"]
    assert told["problem"]["detail"].startswith(REFUSAL)
    assert not re.search(r"\d", told["problem"]["detail"])
    assert both.traces(caplog.text) == []


AGAIN: dict[str, dict[str, object]] = {
    "same-email": {"email": EMAIL},
    "same-phone": {"phone": PHONE},
    "same-device": {"device": MARKERS["device"]},
    "cookie": {},
}


@pytest.mark.parametrize("case", AGAIN)
def test_a_second_try_is_refused_in_the_same_words(hook: Hook, case: str) -> None:
    first = hook.decide(**MARKERS)
    fields = {**TOLD, **AGAIN[case]} | ({"cookie": first["cookie"]["value"]} if case == "cookie" else {})
    second = hook.decide(**fields)
    assert second["problem"] == first["problem"]
    for told in (first, second):
        assert re.fullmatch(r"[\w.-]+", told["cookie"].pop("value"))
    assert second == first


def test_refusal_is_said_in_the_language_that_was_asked_for(hook: Hook) -> None:
    told = hook.decide(**MARKERS, language="de-AT")
    assert told["problem"]["detail"] != hook.decide(**MARKERS)["problem"]["detail"]


WRONG = [
    ("birth_date", {"birth_date": "31 February 2012"}),
    ("birth_date", {"birth_date": 20120501}),
    ("birth_date", {"birth_date": "9" * 100_000}),
    ("country", {"country": "Utopia"}),
    ("email", {"email": "somebody at example.org"}),
    ("email", {"email": None}),
    ("phone", {"phone": "8" * 80}),
    ("device", {"device": [MARKERS["device"]]}),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_input_is_named_and_never_repeated(hook: Hook, number: int) -> None:
    name, fields = WRONG[number]
    told = hook.decide(**{**TOLD, **fields})
    assert told["outcome"] == "invalid"
    assert [error["field"] for error in told["problem"]["errors"]] == [name]
    assert told["cookie"] is None
    for value in fields.values():
        assert value is None or str(value) not in json.dumps(told)


# --- a message that comes again --------------------------------------------------------------------------


def test_a_message_that_comes_again_gets_its_answer_and_is_not_decided_again(hook: Hook) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = [*threads.map(lambda _: hook.send("/v1/decide", TOLD, number="one"), range(24))]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert hook.events() == 1
    other = hook.send("/v1/decide", TOLD, number="two").json()
    assert other["token"] != answers[0].json()["token"]
    assert hook.events() == 2


def test_another_body_under_the_same_id_is_another_message(hook: Hook) -> None:
    assert hook.send("/v1/decide", TOLD, number="one").json()["outcome"] == "admit"
    assert hook.send("/v1/decide", MARKERS, number="one").json()["outcome"] == "refuse"


def test_a_message_that_failed_is_tried_again(tmp_path: Path) -> None:
    store, running = served(f"sqlite:///{tmp_path}/agegate.db")
    with running as url:
        found = Hook(url, store)
        with store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE agegate_event RENAME TO gone"))
        assert found.send("/v1/decide", TOLD, number="one").status_code == 500
        with store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE gone RENAME TO agegate_event"))
        assert found.send("/v1/decide", TOLD, number="one").json()["outcome"] == "admit"
    store.dispose()


def test_memory_of_answers_is_bounded(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MOST_REMEMBERED", 3)
    for number in range(8):
        assert hook.send("/v1/decide", TOLD, number=f"{number}").json()["outcome"] == "admit"
    assert hook.events() == 8
    hook.send("/v1/decide", TOLD, number="7")
    assert hook.events() == 8
    hook.send("/v1/decide", TOLD, number="0")
    assert hook.events() == 9


# --- Supabase Auth -----------------------------------------------------------------------------------------


_messages = count(1)


def user(email: str = "", phone: str = "", *, anonymous: bool = False, **data: object) -> dict[str, Any]:
    """What Supabase Auth sends before a user is created, with an id of its own each time."""
    return {
        "metadata": {
            "uuid": f"8b34dcdd-9df1-4c10-850a-{next(_messages):012}",
            "time": "2026-04-29T13:13:24.755552-07:00",
            "name": "before-user-created",
            "ip_address": IP,
        },
        "user": {
            "id": "ff7fc9ae-3b1b-4642-9241-64adb9848a03",
            "aud": "authenticated",
            "role": "",
            "email": email,
            "phone": phone,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": data,
            "identities": [],
            "created_at": "0001-01-01T00:00:00Z",
            "updated_at": "0001-01-01T00:00:00Z",
            "is_anonymous": anonymous,
        },
    }


GIVEN = {"birth_date": "1984-04-17", "country": "US"}
CHILD = {name: value for name, value in MARKERS.items() if name not in {"email", "phone"}}


def supabase(hook: Hook, message: dict[str, Any], number: str | None = None) -> tuple[int, Any]:
    answer = hook.send("/hooks/supabase", message, number=number)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("contact", [{"email": GROWN}, {"phone": "12015550123"}], ids=["email", "phone"])
def test_supabase_may_create_an_adult(both: Hook, contact: dict[str, str]) -> None:
    assert supabase(both, user(**contact, **GIVEN)) == (200, {})


def test_supabase_may_not_create_a_child_by_any_way(both: Hook, caplog: pytest.LogCaptureFixture) -> None:
    told = [
        supabase(both, user(EMAIL, "12015550189", **CHILD)),
        supabase(both, user(EMAIL, **GIVEN)),
        supabase(both, user(phone="12015550189", **GIVEN)),
    ]
    assert {json.dumps(answer) for answer in told} == {json.dumps(told[0])}
    status, body = told[0]
    assert (status, body["error"]["http_code"]) == (403, 403)
    assert body["error"]["message"].startswith(REFUSAL)
    assert both.traces(caplog.text) == []


NOT_ANSWERED = {
    "oauth": user(EMAIL, name="Mark", avatar_url="https://example.org/a.png", email_verified=True),
    "date-without-country": user(EMAIL, birth_date="1984-04-17"),
    "anonymous": user(anonymous=True, **GIVEN),
    "made-up-token": user(EMAIL, agegate_token="v1.made.up", **GIVEN),
    "token-that-is-no-text": user(EMAIL, agegate_token=["v1"], **GIVEN),
    "no-user": {"metadata": {}},
}


@pytest.mark.parametrize("case", NOT_ANSWERED)
def test_supabase_may_not_create_whom_nobody_asked(hook: Hook, case: str) -> None:
    status, body = supabase(hook, NOT_ANSWERED[case])
    assert (status, body["error"]["http_code"]) == (422, 422)
    assert body["error"]["message"]
    assert EMAIL not in body["error"]["message"]


def test_supabase_creates_by_a_token_once_and_for_its_contact_alone(both: Hook) -> None:
    token = both.decide(**TOLD)["token"]
    assert supabase(both, user("another@example.org", agegate_token=token))[0] == 422
    message = user(GROWN, agegate_token=token)
    assert supabase(both, message) == (200, {})
    assert supabase(both, message) == (200, {}), "the same message is tried again under a new id"
    assert supabase(both, user(GROWN, agegate_token=token))[0] == 422


def test_supabase_creates_a_user_of_a_provider_whose_admission_waits(both: Hook) -> None:
    assert supabase(both, user(GROWN, name="Rea"))[0] == 422
    assert both.decide(**TOLD, hold=True)["outcome"] == "admit"
    assert supabase(both, user("another@example.org", name="Rea"))[0] == 422
    assert supabase(both, user("Reader@Example.org", name="Rea")) == (200, {})
    assert supabase(both, user(GROWN, name="Rea"))[0] == 422


def test_an_admission_waits_only_where_that_was_asked_for(hook: Hook) -> None:
    hook.decide(**TOLD)
    hook.decide(**{**MARKERS, "hold": True})
    assert supabase(hook, user(GROWN, name="Rea"))[0] == 422
    assert supabase(hook, user(EMAIL, name="Rea"))[0] == 422


BY_BOTH = {**TOLD, "phone": "+12015550123"}
COMES_BACK = {
    "same-e-mail": (TOLD, {"email": GROWN}, user(GROWN, name="Rea")),
    "spelt-otherwise": (TOLD, {"email": GROWN}, user("Reader@Example.org", name="Rea")),
    "refused-by-e-mail-comes-by-phone": (BY_BOTH, {"email": GROWN}, user(phone="12015550123")),
    "refused-by-phone-comes-by-e-mail": (BY_BOTH, {"phone": "+12015550123"}, user(GROWN)),
}


@pytest.mark.parametrize("case", COMES_BACK)
def test_an_admission_that_waits_ends_with_a_refusal_of_the_same_person(hook: Hook, case: str) -> None:
    admitted, contact, message = COMES_BACK[case]
    assert hook.decide(**admitted, hold=True)["outcome"] == "admit"
    assert hook.decide(birth_date=MARKERS["birth_date"], country="US", **contact)["outcome"] == "refuse"
    status, body = supabase(hook, message)
    assert (status, body["error"]["http_code"]) == (422, 422), "as for everybody whom nobody asked"


def test_an_admission_that_waits_ends_with_a_refusal_by_supabase_too(hook: Hook) -> None:
    hook.decide(**TOLD, hold=True)
    assert supabase(hook, user(GROWN, **CHILD))[0] == 403
    assert supabase(hook, user(GROWN, name="Rea"))[0] == 422


def test_an_admission_waits_on_while_others_are_refused_and_a_date_is_mistyped(hook: Hook) -> None:
    hook.decide(**TOLD, hold=True)
    assert hook.decide(**MARKERS)["outcome"] == "refuse"
    assert hook.decide(**{**TOLD, "birth_date": "1984-02-31"})["outcome"] == "invalid"
    assert supabase(hook, user(GROWN, name="Rea")) == (200, {})


STATED = {
    "whole": {"birth_date": MARKERS["birth_date"], "country": "US"},
    "boxes": {**BOXES, "country": "US"},
    "mistyped": {"birth_date": "2012-02-31", "country": "US"},
    "one-box": {"birth_year": "2012", "country": "US"},
    "no-text": {"birth_date": False, "country": "US"},
    "without-country": {"birth_date": "1984-04-17"},
}


@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("way", ["token", "hold"])
def test_no_admission_outweighs_an_age_that_is_stated_beside_it(hook: Hook, way: str, stated: str) -> None:
    token = hook.decide(**TOLD, hold=way == "hold")["token"]
    data = {**STATED[stated], **({"agegate_token": token} if way == "token" else {})}
    expected = 403 if stated in ("whole", "boxes") else 422
    assert supabase(hook, user(GROWN, **data))[0] == expected


def test_an_adults_date_beside_a_token_is_decided_and_the_token_used(hook: Hook) -> None:
    token = hook.decide(**TOLD)["token"]
    assert supabase(hook, user(GROWN, agegate_token=token, **GIVEN)) == (200, {})
    assert hook.redeem(token=token, email=GROWN) == "refuse"


def test_supabase_of_today_is_told_the_text_at_status_200(tmp_path: Path) -> None:
    store, running = served(f"sqlite:///{tmp_path}/agegate.db", supabase_status=200)
    with running as url:
        found = Hook(url, store)
        assert supabase(found, user(GROWN, **GIVEN)) == (200, {})
        status, body = supabase(found, user(EMAIL, **CHILD))
        assert (status, body["error"]["http_code"]) == (200, 403)
        status, body = supabase(found, user(GROWN))
        assert (status, body["error"]["http_code"]) == (200, 422)
    store.dispose()
    with pytest.raises(ConfigError, match="supabase_status"):
        served(f"sqlite:///{tmp_path}/agegate.db", supabase_status=500)


# --- the page -----------------------------------------------------------------------------------------------


def test_server_and_client_of_the_page_work(tmp_path: Path) -> None:
    config = prepare(tmp_path, f"sqlite:///{tmp_path}/agegate.db")
    settings = {"AGEGATE_CONFIG": str(config), "HOOK_SECRETS": f"{SECRET} {OTHER}"}
    with (
        loaded(tmp_path / "app.py", block("hooks.md"), **settings) as server,
        serving(server.app) as url,
        loaded(tmp_path / "client.py", block("hooks.md", 1), **settings, GATE_URL=url) as client,
    ):
        assert client.ask("/v1/decide", TOLD)["outcome"] == "admit"
        assert client.ask("/v1/decide", MARKERS)["outcome"] == "refuse"
    engine = open_engine(Store(f"sqlite:///{tmp_path}/agegate.db").url)
    assert traces(engine) == []
    assert rows(engine) != {}
    engine.dispose()
