"""WTForms: the field and its validator alone, and the application of the page over HTTP."""

# ruff: noqa: RUF001 - digits that look alike are what is tested

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from flask import render_template_string
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import DateField, EmailField, Form, StringField
from wtforms.csrf.session import SessionCSRF
from wtforms.validators import DataRequired, ValidationError

from agegate import AgeGate as Gate
from agegate import Outcome
from agegate.errors import ConfigError
from agegate.frameworks.flask import admission
from agegate.frameworks.wtforms import AgeGate, BirthDateField, CountryField, Visit
from agegate.signup.cookie import NAME
from agegate.signup.door import Door
from tests.flask_hosts import ADULT, CONTACT, TOLD, TYPED, Site, listening, mark, serving, token
from tests.traces import BOXES, EMAIL, FORM, MARK, MARKERS, traces

CHILD = {"birth_day": "19", "birth_month": "8", "birth_year": "2021", "country": "US"}


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """A door with a store of its own."""
    return Door(Gate.open(f"sqlite:///{tmp_path}/agegate.db"), "Readers", CONTACT)


@pytest.fixture
def sign_up(door: Door) -> type[Any]:
    """A form in which the field of the address stands after the date, and that of the phone before."""

    class SignUp(Form):  # type: ignore[misc]
        phone = StringField()
        birth_date = BirthDateField(validators=[AgeGate(door)])
        country = CountryField()
        email = EmailField(validators=[DataRequired("give an address")])

    return SignUp


def fill(form: type[Any], *, visit: Visit | None = None, **values: Any) -> Any:
    """A form that was sent."""
    return form(MultiDict(values), meta={"visit": visit})


# --- the decision -------------------------------------------------------------------------------------


def test_who_is_admitted_makes_a_valid_form_with_a_token(sign_up: type[Any], door: Door) -> None:
    form = fill(sign_up, **TYPED, email=ADULT)
    assert form.decision is None
    assert form.validate()
    assert form.decision.outcome is Outcome.ADMIT
    with door.gate.admitting(form.decision.token, email=form.email.data):
        pass


def test_who_is_refused_is_told_the_same_whatever_the_reason(sign_up: type[Any], door: Door) -> None:
    first = fill(sign_up, **CHILD, email=EMAIL)
    again = fill(sign_up, **TYPED, email=EMAIL)
    crumbs = []
    for form in (first, again):
        assert not form.validate()
        assert form.decision.outcome is Outcome.REFUSE
        assert form.errors == {"birth_date": [door.screen.refusal_text("en")]}
        crumbs.append(door.crumb(form.decision))
    cookie = crumbs[0].value if crumbs[0] else ""
    elsewhere = fill(sign_up, **TYPED, email=ADULT, visit=Visit(cookie=cookie))
    assert not elsewhere.validate()
    assert elsewhere.errors == first.errors


@pytest.mark.parametrize("outcome", ["admitted", "refused", "invalid"])
def test_nothing_of_the_date_is_in_a_form_after_validation(sign_up: type[Any], outcome: str) -> None:
    posted = {"admitted": TYPED, "refused": CHILD, "invalid": {**CHILD, "birth_day": "1984-04-17"}}[outcome]
    form = fill(sign_up, **posted, email=ADULT)
    assert form.data["birth_date"]
    form.validate()
    saved = SimpleNamespace()
    form.populate_obj(saved)
    assert form.data["birth_date"] is None
    assert form.birth_date.raw_data is None
    assert not hasattr(saved, "birth_date")
    for held in (vars(form.birth_date), str(form.birth_date()), str(form.errors)):
        assert traces(str(held)) == []
        assert "1984" not in str(held)


def test_a_form_is_decided_once(sign_up: type[Any]) -> None:
    form = fill(sign_up, **TYPED, email=ADULT)
    assert form.validate()
    decision = form.decision
    assert form.validate()
    assert form.decision is decision


def test_device_and_address_come_from_the_visit(sign_up: type[Any]) -> None:
    fill(sign_up, **CHILD, visit=Visit(device="d-1")).validate()
    same = fill(sign_up, **TYPED, email=ADULT, visit=Visit(device="d-1", ip="192.0.2.1"))
    other = fill(sign_up, **TYPED, email=ADULT, device="d-1", visit=Visit(device="d-2"))
    assert [form.validate() for form in (same, other)] == [False, True]


def test_a_visit_does_not_show_its_values() -> None:
    assert repr(Visit(MARK, "de", MARK, MARK)) == "Visit(language='de')"


def test_fields_may_have_names_of_their_own(door: Door) -> None:
    class SignUp(Form):  # type: ignore[misc]
        born = BirthDateField(validators=[AgeGate(door, names={"email": "mail", "country": "land"})])
        mail, land = StringField(), StringField()

    form = SignUp(MultiDict({"born": "1984-04-17", "land": "Atlantis", "mail": "reader"}))
    assert not form.validate()
    assert set(form.errors) == {"mail", "land"}
    good = SignUp(MultiDict({"born": "1984-04-17", "land": "US", "mail": ADULT}))
    assert good.validate()
    with door.gate.admitting(good.decision.token, email=ADULT):
        pass


# --- mistakes -----------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"birth_year": "0001"}, "birth_date"),
    ({"birth_year": "2300"}, "birth_date"),
    ({"birth_year": "84"}, "birth_date"),
    ({"birth_month": "2", "birth_day": "31"}, "birth_date"),
    ({"birth_year": "1984\x00"}, "birth_date"),
    ({"birth_day": "", "birth_month": "", "birth_year": ""}, "birth_date"),
    ({"birth_date": "1392-05-01"}, "birth_date"),
    ({"birth_date": "١٩٨٤-٠٤-١٧"}, "birth_date"),
    ({"birth_date": 19840417}, "birth_date"),
    ({"birth_date": "9" * 10_000_000}, "birth_date"),
    ({"country": "Atlantis"}, "country"),
    ({"country": ""}, "country"),
    ({"email": "reader@@example.org"}, "email"),
    ({"email": "r\u0435ader example.org"}, "email"),
    ({"phone": "1" * 80}, "phone"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_stands_at_its_field_and_is_not_repeated(
    sign_up: type[Any], wrong: dict[str, Any], field: str
) -> None:
    form = fill(sign_up, **(TYPED | {"email": ADULT} | wrong))
    assert not form.validate()
    assert field in form.errors
    assert (field == "birth_date") == ("birth_date" in form.errors)
    shown = str(form.errors) + "".join(str(one()) for one in form)
    for value in filter(None, wrong.values()):
        assert f'"{value}"' not in shown
        assert len(str(value)) < 3 or str(value) not in shown


def test_an_error_without_a_field_stands_at_the_date(door: Door) -> None:
    class Bare(Form):  # type: ignore[misc]
        birth_date = BirthDateField(validators=[AgeGate(door)])

    form = Bare(MultiDict({"birth_date": "1984-04-17"}))
    assert not form.validate()
    assert form.errors == {"birth_date": ["Choose the country you live in."]}


def test_a_field_with_an_error_of_its_own_keeps_that_one(door: Door) -> None:
    def no(_form: object, _field: object) -> None:
        raise ValidationError("not this")

    class SignUp(Form):  # type: ignore[misc]
        email = EmailField(validators=[no])
        birth_date = BirthDateField(validators=[AgeGate(door)])

    form = SignUp(MultiDict({"birth_date": "1984-04-17", "email": "x"}))
    assert not form.validate()
    assert form.email.errors == ["not this"]
    assert 'value=""' in form.email()


def test_an_error_of_the_gate_survives_the_validators_of_a_later_field(sign_up: type[Any]) -> None:
    form = fill(sign_up, **TYPED, email="reader@@example.org")
    assert not form.validate()
    assert form.email.errors == ["Check the email address: a part of it is missing or wrong."]


def test_who_did_not_send_a_date_is_asked_for_one(sign_up: type[Any]) -> None:
    for form in (sign_up(), sign_up(MultiDict({"email": ADULT})), sign_up(data={"birth_date": "1984-04-17"})):
        assert not form.validate()
        assert form.errors["birth_date"] == ["Enter your date of birth."]


# --- the boxes ----------------------------------------------------------------------------------------


def test_the_boxes_are_those_of_the_page_in_the_language_of_the_visit(sign_up: type[Any], door: Door) -> None:
    form = fill(sign_up, visit=Visit(language="de-AT,de;q=0.9"))
    assert str(form.birth_date()) == str(door.screen.fields("de-AT"))
    assert str(form.country()) == ""
    form.validate()
    errors = form.decision.errors
    assert errors
    assert str(form.birth_date()) == str(door.screen.fields("de-AT", errors=errors))
    assert form.errors["birth_date"] == [door.screen.error_text(errors[0], "de-AT")]


def test_without_a_country_field_there_is_no_list_of_countries(door: Door) -> None:
    class Bare(Form):  # type: ignore[misc]
        birth_date = BirthDateField(validators=[AgeGate(door)])

    assert "<select" not in str(Bare().birth_date())
    assert str(Bare().birth_date()).count("<input") == 3


# --- the order of things ------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["right", "wrong", "none"])
def test_the_gate_is_asked_only_when_the_token_of_the_form_is_right(door: Door, given: str) -> None:
    session: dict[str, str] = {}

    class SignUp(Form):  # type: ignore[misc]
        class Meta:
            csrf = True
            csrf_class = SessionCSRF
            csrf_secret = b"only-tests-know"
            csrf_context = session

        birth_date = BirthDateField(validators=[AgeGate(door)])
        country = CountryField()
        email = EmailField()

    hidden = {"right": SignUp().csrf_token.current_token, "wrong": "made##up", "none": ""}[given]
    form = SignUp(MultiDict({**CHILD, "email": EMAIL, "csrf_token": hidden}))
    assert not form.validate()
    assert (form.decision is not None) is (given == "right")
    assert form.data["birth_date"] is None
    later = SignUp(MultiDict({**TYPED, "email": EMAIL, "csrf_token": SignUp().csrf_token.current_token}))
    assert later.validate() is (given != "right")


def test_a_validator_that_stops_before_the_gate_leaves_the_form_invalid_and_empty(door: Door) -> None:
    class SignUp(Form):  # type: ignore[misc]
        birth_date = BirthDateField(validators=[DataRequired("give it"), AgeGate(door)])

    form = SignUp(MultiDict({"birth_day": ""}))
    assert not form.validate()
    assert form.decision is None
    assert form.errors == {"birth_date": ["give it"]}


def test_an_inline_validator_sees_no_date(door: Door) -> None:
    seen = []

    class SignUp(Form):  # type: ignore[misc]
        birth_date = BirthDateField(validators=[AgeGate(door)])
        country = CountryField()
        email = EmailField()

        def validate_birth_date(self, field: Any) -> None:
            seen.append(field.data)

    assert SignUp(MultiDict({**TYPED, "email": EMAIL})).validate()
    assert seen == [None]


@pytest.mark.parametrize(
    "fields",
    [
        {"birth_date": BirthDateField()},
        {"birth_date": DateField(validators=[AgeGate(Door(Gate(), "R", CONTACT))])},
    ],
    ids=["no validator", "another field"],
)
def test_field_and_validator_belong_together(fields: dict[str, Any]) -> None:
    form = type("SignUp", (Form,), fields)
    with pytest.raises(ConfigError, match="BirthDateField"):
        form(MultiDict({"birth_date": "1984-04-17"})).validate()


# --- the application of the page ----------------------------------------------------------------------


@pytest.fixture
def site(database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    """The host of the page on SQLite and on PostgreSQL, with agegate's tables in its database."""
    with listening(), serving("wtforms.md", tmp_path, database) as found:
        yield found


def post(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/sign-up", data={**fields, **token(client.get("/sign-up"))})


def post_json(client: httpx.Client, **fields: object) -> httpx.Response:
    return client.post("/sign-up", json={**fields, **token(client.get("/sign-up"))})


@pytest.mark.parametrize("send", [post, post_json], ids=["form", "api"])
def test_an_adult_is_admitted_and_has_exactly_one_row(site: Site, send: Callable[..., httpx.Response]) -> None:
    posted = TYPED if send is post else TOLD
    with site.browser() as client:
        assert send(client, **posted, email=ADULT, name="Rea Der").text == "Welcome"
    assert site.accounts() == [ADULT]


@pytest.mark.parametrize("send", [post, post_json], ids=["form", "api"])
def test_a_refused_child_leaves_nothing(
    site: Site, send: Callable[..., httpx.Response], caplog: pytest.LogCaptureFixture
) -> None:
    with site.browser() as client:
        first = send(client, **(FORM if send is post else MARKERS))
        again = send(client, **(TYPED if send is post else TOLD), email=ADULT, name="Rea Der")
    with site.browser() as other:
        back = send(other, **(TYPED if send is post else TOLD), email=EMAIL, name="Rea Der")
    assert [one.status_code for one in (first, again, back)] == [403] * 3
    assert first.text == again.text == back.text
    assert all(one.headers["set-cookie"].startswith(f"{NAME}=") for one in (first, again, back))
    assert {table for table in site.rows() if "agegate" not in table} == set()
    assert site.traces(caplog.text) == []


def test_a_refusal_is_the_same_whatever_else_is_wrong_with_the_form(site: Site) -> None:
    with site.browser() as client:
        whole = post(client, **FORM)
    with site.browser() as client:
        bare = post(client, **BOXES, country="US", email=EMAIL)
    assert (bare.status_code, bare.text) == (403, whole.text)


def test_a_form_of_another_site_leaves_no_refusal(site: Site) -> None:
    with site.browser() as client:
        assert client.post("/sign-up", data=FORM).status_code == 422
        assert NAME not in client.cookies
        assert post(client, **TYPED, email=EMAIL, name="Rea Der").text == "Welcome"


def test_a_form_that_asks_for_an_address_is_about_that_and_not_about_who_waits(site: Site) -> None:
    site.module.app.add_url_rule("/back", "back", lambda: site.module.age.keep(email=EMAIL) or "kept")
    with site.browser() as client:
        client.get("/back")
        page = client.get("/sign-up")
        assert mark(page) == {}
        posted = {**TYPED, "email": ADULT, "name": "Rea Der", **token(page)}
        assert client.post("/sign-up", data=posted).text == "Welcome"
    assert site.accounts() == [ADULT]


@pytest.mark.parametrize("kind", ["data", "json"])
def test_a_form_that_asks_for_no_address_is_about_who_waits(site: Site, kind: str) -> None:
    module = site.module

    class Finish(FlaskForm):  # type: ignore[misc]
        birth_date = BirthDateField(validators=[AgeGate(module.age)])
        country = CountryField()

    @module.app.route("/finish", methods=["GET", "POST"])
    def finish() -> str:
        form = Finish()
        if form.validate_on_submit():
            return str(admission().email)  # type: ignore[union-attr]
        return render_template_string("{{ form.csrf_token }} {{ form.birth_date() }}", form=form)

    module.app.add_url_rule("/back", "back", lambda: module.age.keep(email=ADULT) or "kept")
    posted: dict[str, str] = TYPED if kind == "data" else TOLD
    with site.browser() as client:
        early = client.get("/finish")
        client.get("/back")
        late = client.get("/finish")
        ignored = client.request("POST", "/finish", **{kind: {**posted, **token(early), **mark(early)}})
        assert (mark(early), mark(ignored)) == ({}, {})
        wrong = client.request("POST", "/finish", **{kind: {"country": "US", **token(late), **mark(late)}})
        assert mark(wrong) == mark(late) != {}
        done = client.request("POST", "/finish", **{kind: {**posted, **token(late), **mark(wrong)}})
        assert done.text == ADULT


def test_a_mistake_is_shown_with_the_form_and_only_the_wrong_is_emptied(site: Site) -> None:
    with site.browser() as client:
        page = post(client, **{**TYPED, "birth_day": "32"}, email="reader@@example.org", name="Rea Der")
    assert page.status_code == 422
    assert "There is a mistake in the date." in page.text
    assert 'value="Rea Der"' in page.text
    assert "1984" not in page.text
    assert "reader@@" not in page.text
    assert site.accounts() == []
