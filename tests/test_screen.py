"""The neutral age question: no hint of a limit in any language, no value written back, one refusal for all."""

# ruff: noqa: RUF001, RUF003 - look-alike and full-width characters are what is tested

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from datetime import date
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from agegate import AgeGate, BirthDate, FieldError, Outcome, Registration
from agegate.errors import BirthDateError, ConfigError
from agegate.law import COUNTRIES
from agegate.signup.languages import speech_for
from agegate.signup.screen import INVALID_DATE, LANGUAGES, Screen, negotiate, posted_birth_date
from tests import catalogues
from tests.conftest import TODAY

DOCS = Path(__file__).parents[1] / "docs"
SCREEN = Screen(name="Example Lessons", contact="help@example.org")

DATE_ERROR = FieldError("birth_date", "not_a_birth_date", "write YYYY-MM-DD")
NO_DATE = FieldError("birth_date", "missing", "give the date of birth")
NO_COUNTRY = FieldError("country", "missing", "say in which country you live")
NO_EMAIL = FieldError("email", "missing", "give an address")
ERRORS = (NO_EMAIL, NO_COUNTRY, DATE_ERROR)

VOID = {"meta", "input"}


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, and what a person reads or hears of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self._open:
            self.texts.setdefault(self._open[-1] if self._open else "", []).append(data.strip())

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def boxes(self) -> dict[str, dict[str, str]]:
        return {box["name"]: box for box in self.all("input", "select")}

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def said(self) -> str:
        """All that reaches a person: texts, and the attributes that are read out."""
        spoken = [
            one[name] for _, one in self.elements for name in ("title", "alt", "aria-label") if name in one
        ]
        return "\n".join([*(text for texts in self.texts.values() for text in texts), *spoken])


def pages(language: str) -> dict[str, str]:
    return {
        "question": SCREEN.question(language, email=True),
        "errors": SCREEN.question(language, errors=ERRORS, email=True),
        "refusal": SCREEN.refusal(language),
    }


# --- no hint of a limit ---------------------------------------------------------------------------

HINTS = {
    # words of age, of who is meant by it, and of another try
    "en": r"\bage|\bold|young|adult|\bkid|child|minor|parent|guardian|minim|at least|again|later|retry",
    "es": r"\bedad|adult|niñ|menor|mayor|padre|madre|tutor|mínim|al menos|otra vez|de nuevo|más tarde",
    "fr": r"\bâge|adulte|enfant|mineur|majeur|parent|tuteur|minim|au moins|à nouveau|plus tard|réessay",
    "de": r"\balter\b|jahre alt|erwachsen|kind|jugend|minder|volljähr|eltern|mindest|erneut|später|noch einmal",
    "pt": r"\bidade|adult|criança|menor|maior|\bpais\b|\bmãe|respons|mínim|pelo menos|novamente|mais tarde",
    "it": r"\betà|adult|bambin|minor|maggior|genitor|tutor|minim|almeno|di nuovo|più tardi|riprov",
    "nl": r"leeftijd|\boud|volwassen|kind|minder|ouder|voogd|minim|minstens|opnieuw|later",
    "pl": r"\bwiek|lat\b|doros|dziec|nielet|pełnolet|rodzic|opiekun|minim|co najmniej|ponownie|później",
    "tr": r"yaşın|yaş\b|yetişkin|çocuk|reşit|ebeveyn|\bveli|asgari|en az|tekrar|yeniden|daha sonra",
    "ja": r"歳|才|年齢|大人|成人|未成年|子供|子ども|保護者|以上|もう一度|再度|やり直|後で",
    "ko": r"나이|연령|만\s|성인|미성년|어린이|아동|부모|보호자|이상|최소|다시|나중",
    "ar": r"\bعمر|\bسنّ?\b|بالغ|قاصر|طفل|أطفال|والد|وصي|الأدنى|على الأقل|مجدد|مرة أخرى|لاحق",
}
"""What no page may say, by language."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_hints_at_a_limit_or_another_try(language: str) -> None:
    for html in pages(language).values():
        page = Page(html)
        page.texts.pop("option", None)  # names of countries are not ours
        assert re.findall(HINTS[language], page.said(), re.IGNORECASE) == []
    assert re.findall(HINTS[language], SCREEN.refusal_text(language), re.IGNORECASE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_is_anywhere_to_be_read(language: str) -> None:
    said = "".join(Page(html).said() for html in pages(language).values()) + SCREEN.refusal_text(language)
    assert [
        letter for letter in said if letter.isnumeric() and letter not in "一二三四五六七八九十百千万"
    ] == []
    assert re.search("[一二三四五六七八九十百]+[歳年]", said) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("errors", [(), ERRORS], ids=["fresh", "errors"])
def test_boxes_are_empty_and_bound_to_nothing(language: str, errors: tuple[FieldError, ...]) -> None:
    page = Page(SCREEN.question(language, errors=errors, email=True))
    boxes = page.boxes()
    assert set(boxes) == {"birth_day", "birth_month", "birth_year", "country", "email"}
    bounds = {"value", "min", "max", "step", "pattern", "placeholder", "maxlength", "minlength", "size", "list"}
    assert [set(box) & bounds for box in boxes.values() if set(box) & bounds] == []
    options = page.all("option")
    assert options[0] == {"value": ""}
    assert [option for option in options if "selected" in option] == []
    assert sorted(option["value"] for option in options[1:]) == sorted(COUNTRIES)


def test_boxes_say_what_they_are_for_to_machines_too() -> None:
    """WCAG 2.2, 1.3.5 and 1.3.1."""
    page = Page(SCREEN.question(email=True))
    kinds = {name: (box.get("autocomplete"), box.get("inputmode")) for name, box in page.boxes().items()}
    assert kinds == {
        "birth_day": ("bday-day", "numeric"),
        "birth_month": ("bday-month", "numeric"),
        "birth_year": ("bday-year", "numeric"),
        "country": ("country", None),
        "email": ("email", None),
    }
    labels = [label["for"] for label in page.all("label")]
    assert labels == [box["id"] for box in page.boxes().values()]
    assert page.texts["legend"] == ["Date of birth"]


def test_nothing_that_was_typed_is_written_back() -> None:
    typed = FieldError("birth_date", "not_a_birth_date", "2013-02-31 of somebody@example.org")
    for html in (SCREEN.question(errors=[typed]), str(SCREEN.fields(errors=[typed])), SCREEN.error_text(typed)):
        assert "2013" not in html
        assert "somebody" not in html


# --- the refusal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusal_leads_nowhere_but_to_where_one_can_ask(language: str) -> None:
    page = Page(SCREEN.refusal(language))
    assert page.all("form", "input", "button", "select", "script") == []
    assert page.all("a") == [{"href": "mailto:help@example.org"}]
    assert "help@example.org" in SCREEN.refusal_text(language)
    assert page.texts["h1"][0] in SCREEN.refusal_text(language)


def test_refusal_is_the_same_whoever_gets_it(tmp_path: Path) -> None:
    """Under the limit, refused before with an adult's date, or under another country's limit."""
    gate = AgeGate.open(f"sqlite:///{tmp_path}/agegate.db")
    answers = [
        Registration(birth_date="2018-01-02", country="US", email="reader@example.org"),
        Registration(birth_date="1990-01-02", country="US", email="reader@example.org"),
        Registration(birth_date="2011-01-02", country="DE", email="another@example.org"),
    ]
    shown = set()
    for answer in answers:
        decision = gate.check(answer, today=TODAY)
        assert decision.outcome is Outcome.REFUSE
        SCREEN.question("fr", errors=decision.errors)
        shown.add((SCREEN.refusal("en"), SCREEN.refusal_text("en")))
    assert len(shown) == 1


CONTACTS = [
    ("help@example.org", "mailto:help@example.org"),
    (" help+age@example.org ", "mailto:help+age@example.org"),
    ("https://example.org/help?topic=account&from=page", "https://example.org/help?topic=account&from=page"),
]


@pytest.mark.parametrize(("contact", "link"), CONTACTS)
def test_contact_becomes_a_link(contact: str, link: str) -> None:
    page = Page(Screen(name="Example", contact=contact).refusal())
    assert page.all("a") == [{"href": link}]
    assert contact.strip() in page.said()


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "help",
        "http://example.org",
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://a b",
        "ftp://x.org",
    ],
)
def test_contact_where_nobody_can_ask_is_refused(contact: str) -> None:
    with pytest.raises(ConfigError, match=r"^contact of the age question: not an e-mail address or https URL"):
        Screen(name="Example", contact=contact)


def test_service_has_a_name() -> None:
    with pytest.raises(ConfigError, match="needs the service's name"):
        Screen(name="  ", contact="help@example.org")


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_its_language_direction_and_title(language: str) -> None:
    for name, html in pages(language).items():
        page = Page(html)
        (root,) = page.all("html")
        assert root == {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}
        (title,) = page.texts["title"]
        assert title.endswith(f"{page.texts['h1'][0]} – Example Lessons")
        assert title.startswith(page.texts["h1"][0]) is (name != "errors")


@pytest.mark.parametrize("language", LANGUAGES)
def test_policy_allows_the_one_style_sheet_and_the_page_needs_no_more(language: str) -> None:
    for html in pages(language).values():
        (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
        digest = b64encode(sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}';" in Screen.csp
        page = Page(html)
        assert page.all("script", "link", "img", "iframe", "object") == []
        assert "url(" not in style
        assert "@import" not in style
        assert [
            one for _, one in page.elements if any(name == "style" or name[:2] == "on" for name in one)
        ] == []
        metas = {meta.get("name"): meta.get("content") for meta in page.all("meta")}
        assert (metas["referrer"], metas["robots"]) == ("same-origin", "noindex")
    assert Screen.csp.startswith("default-src 'none'; ")


def test_hosts_own_values_are_escaped() -> None:
    odd = "<b>\"'&"
    screen = Screen(name=f"Lessons {odd}", contact="help@example.org", action=f"/join?a=1&b={odd}")
    html = screen.question(hidden={"csrf_token": odd, odd: "1"})
    assert "<b>" not in html
    page = Page(html)
    (form,) = page.all("form")
    assert (form["method"], form["action"]) == ("post", f"/join?a=1&b={odd}")
    hidden = {box["name"]: box["value"] for box in page.all("input") if box["type"] == "hidden"}
    assert hidden == {"csrf_token": odd, odd: "1"}
    assert "action" not in Page(SCREEN.question()).all("form")[0]


def test_fields_go_into_the_hosts_own_form() -> None:
    fields = SCREEN.fields("ar", errors=ERRORS)
    assert isinstance(fields, Markup)
    page = Page(fields)
    assert page.elements[0] == ("div", {"class": "agegate-fields", "lang": "ar", "dir": "rtl"})
    assert set(page.boxes()) == {"birth_day", "birth_month", "birth_year", "country"}
    assert page.all("html", "style", "form", "button") == []
    assert SCREEN.error_text(DATE_ERROR, "ar") in page.said()


def test_country_is_asked_only_where_the_host_wants_it() -> None:
    screen = Screen(name="Example", contact="help@example.org", countries=False)
    for html in (screen.question(errors=[NO_COUNTRY]), str(screen.fields())):
        assert set(Page(html).boxes()) == {"birth_day", "birth_month", "birth_year"}
    assert "Choose the country you live in." in Page(screen.question(errors=[NO_COUNTRY])).texts["li"]


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", [*LANGUAGES, "en-US"])
def test_errors_stand_on_top_and_lead_to_their_boxes(language: str) -> None:
    page = Page(SCREEN.question(language, errors=ERRORS, email=True))
    (summary,) = [one for one in page.all("div") if one.get("role") == "alert"]
    assert summary["aria-labelledby"] in page.ids()
    first = next(iter(page.boxes()))
    links = [(one["href"], text) for one, text in zip(page.all("a"), page.texts["a"], strict=True)]
    assert links == [
        (f"#agegate-{first}", SCREEN.error_text(DATE_ERROR, language)),
        ("#agegate-country", SCREEN.error_text(NO_COUNTRY, language)),
        ("#agegate-email", SCREEN.error_text(NO_EMAIL, language)),
    ]
    assert len(set(page.ids())) == len(page.ids())
    for box in page.boxes().values():
        assert box["aria-invalid"] == "true"
        assert box["aria-describedby"] in page.ids()
    (group,) = page.all("fieldset")
    assert set(group["aria-describedby"].split()) <= set(page.ids())


def test_without_errors_nothing_is_marked_wrong() -> None:
    page = Page(SCREEN.question(email=True))
    assert [one for _, one in page.elements if "aria-invalid" in one or one.get("role") == "alert"] == []
    assert page.all("fieldset")[0]["aria-describedby"] in page.ids()


def test_error_that_comes_twice_is_said_once() -> None:
    page = Page(SCREEN.question(errors=[NO_COUNTRY, FieldError("country", "invalid", "write GB"), NO_COUNTRY]))
    assert page.texts["a"] == ["Choose the country you live in."]


WRONG: list[dict[str, Any]] = [
    {},
    {"birth_date": "soon", "country": "UK", "region": "?", "email": "nobody", "phone": "12"},
    {"birth_date": "2300-01-01", "country": "US", "payer": "me", "device": 5, "billing_country": "EL"},
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("given_", WRONG, ids=["empty", "wrong", "odd"])
def test_every_error_of_the_gate_has_a_text_for_people(language: str, given_: dict[str, Any]) -> None:
    errors = AgeGate().check(Registration(**given_), today=TODAY).errors
    assert errors
    known = {
        str(message.string) for message in catalogues.read(catalogues.catalogue_file(language)) if message.id
    }
    for error in errors:
        text = SCREEN.error_text(error, language)
        assert text in known
        assert text != error.message
        assert text in Page(SCREEN.question(language, errors=[error])).said()


# --- languages ------------------------------------------------------------------------------------


def messages(file: Path, language: str | None = None) -> dict[str, str]:
    return {str(one.id): str(one.string) for one in catalogues.read(file, language) if one.id}


def test_template_of_the_catalogues_is_what_the_pages_say() -> None:
    assert messages(catalogues.TEMPLATE) == {str(one.id): "" for one in catalogues.extract() if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_whole(language: str) -> None:
    file = catalogues.catalogue_file(language)
    catalogue = catalogues.read(file, language)
    template = messages(catalogues.TEMPLATE)
    said = messages(file, language)
    assert list(said) == list(template), "run python -m tests.catalogues, then translate"
    assert [text for text, translated in said.items() if not translated.strip()] == []
    assert [one.id for one in catalogue if one.fuzzy] == []
    assert list(catalogue.obsolete) == []
    for text, translated in said.items():
        assert re.findall(r"%\(\w+\)s", translated) == re.findall(r"%\(\w+\)s", text)
        assert text.endswith(".") is translated.endswith((".", "。"))
        assert text.endswith(":") is translated.endswith((":", "："))
    same = {text for text, translated in said.items() if text == translated}
    assert same == set(template) if language == "en" else same <= {"Error: %(title)s"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusal_says_the_same_as_page_and_as_text(language: str) -> None:
    page = Page(SCREEN.refusal(language))
    (heading,), (*_, where) = page.texts["h1"], page.texts["p"]
    assert re.findall(r"\w+", SCREEN.refusal_text(language)) == re.findall(
        r"\w+", f"{heading} {where} help@example.org"
    )


@pytest.mark.parametrize("name", [*LANGUAGES, "refusal-en", "refusal-ar"])
def test_every_language_has_its_picture_in_the_documentation(name: str) -> None:
    picture = (DOCS / "screens" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 30_000
    assert f"(screens/{name}.png)" in (DOCS / "screen.md").read_text(encoding="utf-8")


ORDERS = [
    ("en", "day month year"),
    ("en-GB", "day month year"),
    ("en-US", "month day year"),
    ("en-us", "month day year"),
    ("en_US.UTF-8", "month day year"),
    ("en-US,en;q=0.9", "month day year"),
    ("en-AU", "day month year"),
    ("es", "day month year"),
    ("fr", "day month year"),
    ("fr-CA", "day month year"),
    ("de", "day month year"),
    ("pt", "day month year"),
    ("pt-BR", "day month year"),
    ("it", "day month year"),
    ("nl", "day month year"),
    ("pl", "day month year"),
    ("tr", "day month year"),
    ("ja", "year month day"),
    ("ja-JP", "year month day"),
    ("ko", "year month day"),
    ("ar", "day month year"),
    ("ar-EG", "day month year"),
]


@pytest.mark.parametrize(("language", "order"), ORDERS)
def test_boxes_come_in_the_order_of_the_locale(language: str, order: str) -> None:
    expected = [f"birth_{part}" for part in order.split()]
    for html in (SCREEN.question(language), str(SCREEN.fields(language))):
        assert [name for name in Page(html).boxes() if name != "country"] == expected


TAGS = [
    ("pt-BR", "pt-BR"),
    ("de-AT", "de-AT"),
    ("de-BR", "de"),  # no such locale
    ("fr-FR-u-ca-gregory", "fr-FR"),
    ("xx", "en"),
    ("", "en"),
    ("zh-Hant-TW, ko;q=0.2", "ko"),
]


@pytest.mark.parametrize(("language", "tag"), TAGS)
def test_page_names_the_locale_it_is_in(language: str, tag: str) -> None:
    assert Page(SCREEN.question(language)).all("html")[0]["lang"] == tag


ALPHABETS = [
    ("en", "AF AX AL AT AZ"),  # Åland is sorted with A
    ("es", "NZ OM"),
    ("fr", "DK EG ES ET FI"),  # Égypte, Éthiopie
    ("de", "AF EG AL NO OM AT PK"),  # Ägypten, Österreich
    ("pl", "LT LU LV MG"),  # Łotwa after Luksemburg
    ("tr", "CW TD CZ DK ID IR IT JM KE KG LB"),  # Çad, İran, Kırgızistan, Lübnan
    ("ja", "IS IE US IT OM GA KE CH SD CN"),  # kana by sound, then kanji
    ("ko", "GH GU NG DE US JP"),
    ("ar", "ES DE JP IT TR FR"),
    ("nl", "IE IS IN IT"),  # IJsland
]


@pytest.mark.parametrize(("language", "codes"), ALPHABETS)
def test_countries_are_sorted_as_in_a_dictionary(language: str, codes: str) -> None:
    listed = [option["value"] for option in Page(SCREEN.question(language)).all("option")]
    expected = codes.split()
    assert [code for code in listed if code in expected] == expected


def test_countries_have_the_names_of_the_locale() -> None:
    names = {tag: dict(speech_for(tag).countries) for tag in ("en", "de", "ja", "ar", "pt-BR", "pt-PT")}
    assert {tag: found["DE"] for tag, found in names.items() if "-" not in tag} == {
        "en": "Germany",
        "de": "Deutschland",
        "ja": "ドイツ",
        "ar": "ألمانيا",
    }
    assert names["pt-BR"]["PL"] != names["pt-PT"]["PL"]


NEGOTIATIONS = [
    (None, "en"),
    ("", "en"),
    ("*", "en"),
    ("de", "de"),
    ("DE-at", "de"),
    ("pt-BR", "pt"),
    ("pt_PT", "pt"),
    ("ar-EG,ar;q=0.9,en;q=0.8", "ar"),
    ("en;q=0.5, fr;q=0.8", "fr"),
    ("fr;q=0.8, en;q=0.8", "fr"),
    ("zh-CN, zh;q=0.9, ja;q=0.1", "ja"),
    ("zh, sw", "en"),
    ("fr;q=0, *;q=0.5", "en"),
    ("en;q=0, *", "es"),
    ("nl ; q=0.3 , it ;Q=0.4", "it"),
    ("de;q=2, ko;q=0.1", "ko"),
    ("de;q=0.5555, ko;q=0.1", "ko"),
    ("deutsch", "en"),
    ("it;level=1, pl", "pl"),
    (",,;q=1,-,_,\x00, tr", "tr"),
    ("de" * 500_000, "en"),
    ("x," * 2_000_000 + "de", "en"),
    ("ｄｅ", "en"),
]


@pytest.mark.parametrize(("header", "language"), NEGOTIATIONS, ids=lambda value: str(value)[:20])
def test_language_is_the_best_of_the_header(header: str | None, language: str) -> None:
    assert negotiate(header) == language


def test_default_language_is_the_hosts() -> None:
    assert negotiate("sw", default="tr") == "tr"
    assert negotiate("*", default="tr") == "tr"
    assert negotiate("de", default="tr") == "de"


@given(
    st.text()
    | st.lists(st.sampled_from((*LANGUAGES, "zh", "*", "en-US", ";q=0", ";q=0.5", ",", "-"))).map("".join)
)
def test_no_header_breaks_the_page(header: str) -> None:
    language = negotiate(header)
    assert language in LANGUAGES
    tag = Page(SCREEN.refusal(header)).all("html")[0]["lang"]
    assert tag.split("-")[0] == language


# --- what was posted ------------------------------------------------------------------------------


def posted(day: object, month: object, year: object) -> str | None:
    return posted_birth_date({"birth_day": day, "birth_month": month, "birth_year": year})


DATES = [
    (("5", "7", "1990"), "1990-07-05"),
    (("05", "07", "1990"), "1990-07-05"),
    ((" 5 ", "\t7\n", " 1990 "), "1990-07-05"),
    (("29", "2", "2012"), "2012-02-29"),
    (("٥", "٧", "١٩٩٠"), "1990-07-05"),
    (("۵", "۷", "۱۹۹۰"), "1990-07-05"),
    (("５", "１２", "１９９０"), "1990-12-05"),
    (("५", "७", "१९९०"), "1990-07-05"),
    (("\u200f٥\u200e", "\u2067٧\u2069", "\u061c١٩٩٠"), "1990-07-05"),
    (("1", "1", "2300"), "2300-01-01"),
    (("1", "5", "1392"), "1392-05-01"),
    (("1", "1", "0001"), "0001-01-01"),
]


@pytest.mark.parametrize(("boxes", "day"), DATES)
def test_date_is_read_as_it_was_typed(boxes: tuple[str, str, str], day: str) -> None:
    assert posted(*boxes) == day
    BirthDate.parse(day)


@pytest.mark.parametrize("nothing", [None, "", " ", "\u3000", "\u200f"])
def test_three_empty_boxes_are_no_answer(nothing: str | None) -> None:
    assert posted(nothing, nothing, nothing) is None
    assert posted_birth_date({}) is None


UNREADABLE: list[tuple[object, object, object]] = [
    ("", "7", "1990"),
    ("5", None, "1990"),
    ("5", "7", " "),
    ("5", "7", "90"),
    ("5", "7", "1"),
    ("5", "7", "19900"),
    ("31", "2", "1990"),
    ("29", "2", "2013"),
    ("0", "7", "1990"),
    ("5", "13", "1990"),
    ("5", "7", "0000"),
    ("005", "7", "1990"),
    ("5", "July", "1990"),
    ("5.", "7", "1990"),
    ("-5", "7", "1990"),
    ("+5", "7", "1990"),
    ("5", "7", "1 990"),
    ("5", "7", "1_99"),
    ("²", "7", "1990"),
    ("Ⅴ", "7", "1990"),
    ("五", "7", "1990"),
    ("l", "7", "l990"),
    ("5", "7", "199O"),
    ("5", "7", "199О"),
    ("5\x00", "7", "1990"),
    ("5", "7", "1990\ud800"),
    ("5", "7", "1" * 10_000_000),
    ("5", "7", " " * 10_000_000),
    ("5", "7", " " * 10_000_000 + "1990"),
    (5, 7, 1990),
    (["5"], ["7"], ["1990"]),
    (b"5", b"7", b"1990"),
    (True, 1.0, object()),
]


@pytest.mark.parametrize("boxes", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_whole_date_goes_on_as_invalid(boxes: tuple[object, object, object]) -> None:
    assert posted(*boxes) == INVALID_DATE


ANY = st.none() | st.text(max_size=50) | st.integers() | st.binary() | st.lists(st.text())


@given(ANY, ANY, ANY)
def test_no_answer_breaks_the_reading(day: object, month: object, year: object) -> None:
    found = posted(day, month, year)
    assert (
        found in {None, INVALID_DATE} or BirthDate.parse(str(found)).first == BirthDate.parse(str(found)).last
    )


@given(st.dates(date(1000, 1, 1)), st.sampled_from(("0", "٠", "०", "０", "߀", "𝟎")))
def test_digits_of_every_script_are_digits(day: date, zero: str) -> None:
    def written(number: int) -> str:
        return "".join(chr(ord(zero) + int(digit)) for digit in str(number))

    assert posted(written(day.day), written(day.month), written(day.year)) == day.isoformat()


def test_mark_of_an_unreadable_date_is_one_that_the_gate_refuses() -> None:
    with pytest.raises(BirthDateError):
        BirthDate.parse(INVALID_DATE)
    decision = AgeGate().check(Registration(birth_date=INVALID_DATE, country="US"), today=TODAY)
    assert [error.field for error in decision.errors] == ["birth_date"]


# --- the extra ------------------------------------------------------------------------------------

WITHOUT_THE_EXTRA = """
import sys
sys.modules[{missing!r}] = None
from agegate.errors import ConfigError
from agegate.signup.screen import Screen, negotiate, posted_birth_date
assert negotiate("de") == "de"
assert posted_birth_date({{"birth_day": "5", "birth_month": "7", "birth_year": "1990"}}) == "1990-07-05"
try:
    Screen(name="Example", contact="help@example.org")
except ConfigError as error:
    print(error)
"""

WITH_AGEGATE_ALONE = """
import sys
import agegate
print(sorted({"agegate.signup.screen", "agegate.signup.languages", "jinja2", "babel"} & set(sys.modules)))
"""


def run(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.strip()


@pytest.mark.parametrize("missing", ["jinja2", "babel"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    said = run(WITHOUT_THE_EXTRA.format(missing=missing))
    assert said == "the age question needs the extra web: install agegate[web]"


def test_gate_alone_does_not_load_the_question() -> None:
    assert run(WITH_AGEGATE_ALONE) == "[]"
