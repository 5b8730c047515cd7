"""The age question in a real browser without script: readable by everybody, usable by keyboard, sent whole."""

# ruff: noqa: RUF001 - digits of other scripts are what is typed

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page

from agegate import FieldError
from agegate.signup.screen import LANGUAGES, Screen, posted_birth_date
from tests.browser import require_chromium, start_chromium, violations

SCREEN = Screen(name="Example Lessons", contact="https://example.org/help")
ERRORS = (
    FieldError("birth_date", "not_a_birth_date", ""),
    FieldError("country", "missing", ""),
    FieldError("email", "invalid", ""),
    FieldError("device", "invalid", ""),
)


def pages(language: str) -> dict[str, str]:
    return {
        "question": SCREEN.question(language, email=True),
        "errors": SCREEN.question(language, errors=ERRORS, email=True),
        "refusal": SCREEN.refusal(language),
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium; skips, or in continuous integration fails, where there is none."""
    with start_chromium(require_chromium()) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that runs no script."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_a_browser_tests_are_skipped_but_not_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no chromium on this machine"):
        require_chromium()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="install chromium"):
        require_chromium()


# --- to be read by everybody ----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_against_wcag(browser: Browser, language: str, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    for name, html in pages(language).items():
        page.set_content(html)
        assert (name, violations(page)) == (name, [])
    context.close()


def test_axe_would_find_something(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(SCREEN.question().replace("<label", "<span").replace("</label", "</span"))
    found = violations(page)
    page.close()
    assert {one.split(":")[0] for one in found} == {"label", "select-name"}


@pytest.mark.parametrize("language", [*LANGUAGES, "en-US"])
def test_narrow_or_enlarged_page_needs_no_scrolling_sideways(page: Page, language: str) -> None:
    """320 CSS pixels are what 1280 are at 400 % (WCAG 2.2, 1.4.10); then letters are set wider (1.4.12)."""
    page.set_viewport_size({"width": 320, "height": 640})
    wider = "* { letter-spacing: .12em !important; word-spacing: .16em !important } </style>"
    for html in pages(language).values():
        for shown in (html, html.replace("</style>", wider)):
            page.set_content(shown)
            assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_every_target_can_be_hit(page: Page) -> None:
    """24 by 24 CSS pixels at least (WCAG 2.2, 2.5.8)."""
    for html in pages("en").values():
        page.set_content(html)
        for target in page.locator("a, input, select, button").all():
            box = target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 24


def colours(browser: Browser, name: str, **chosen: Any) -> list[str]:
    """A colour of the ground, the paper and the button, as a person with these settings sees it."""
    context = browser.new_context(**chosen)
    page = context.new_page()
    page.set_content(SCREEN.question())
    look_up = "(one, name) => getComputedStyle(one)[name]"
    found = [page.locator(place).evaluate(look_up, name) for place in ("html", "main", "button")]
    context.close()
    return found


def test_dark_and_light_are_the_persons_choice(browser: Browser) -> None:
    light, dark = (colours(browser, "backgroundColor", color_scheme=one) for one in ("light", "dark"))
    assert len({*light, *dark}) == 6


def test_persons_own_colours_leave_every_edge_visible(browser: Browser) -> None:
    edges = colours(browser, "borderBlockStartColor", forced_colors="active")[1:]
    grounds = colours(browser, "backgroundColor", forced_colors="active")[1:]
    assert all(edge != ground for edge, ground in zip(edges, grounds, strict=True))
    assert edges[1] != colours(browser, "borderBlockStartColor")[2]  # the button has none of its own


# --- by keyboard ----------------------------------------------------------------------------------

FOCUSED = "(({name, href, type, value}) => name || href || type)(document.activeElement)"


def walk(page: Page) -> list[tuple[str, dict[str, float], str]]:
    """What the tab key reaches, one after the other: its name, where it lies, how its focus is shown."""
    found: list[tuple[str, dict[str, float], str]] = []
    while True:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            return found
        place = page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        found.append((page.evaluate(FOCUSED), place, outline))
        assert len(found) < 20, "the tab key leads out of the page"


ORDERS = [
    ("en", ["birth_day", "birth_month", "birth_year"]),
    ("en-US", ["birth_month", "birth_day", "birth_year"]),
    ("ja", ["birth_year", "birth_month", "birth_day"]),
    ("ar", ["birth_day", "birth_month", "birth_year"]),
]


@pytest.mark.parametrize("width", [320, 800])
@pytest.mark.parametrize(("language", "boxes"), ORDERS)
def test_tab_key_follows_the_eye(page: Page, language: str, boxes: list[str], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 2000})
    page.set_content(SCREEN.question(language, email=True))
    walked = walk(page)
    assert [name for name, _, _ in walked] == [*boxes, "country", "email", "submit"]
    onward = -1 if language == "ar" else 1
    seen = sorted(walked, key=lambda one: (one[1]["top"], onward * one[1]["left"]))
    assert seen == walked
    assert {outline for _, _, outline in walked} == {"solid"}


def test_errors_come_first_and_lead_to_their_boxes(page: Page) -> None:
    page.set_content(SCREEN.question("en", errors=ERRORS, email=True))
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    reached = [name for name, _, _ in walk(page)]
    assert [name.rsplit("#")[-1] for name in reached[:3]] == [
        "agegate-birth_day",
        "agegate-country",
        "agegate-email",
    ]
    page.locator("a").nth(1).press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "country"


# --- sent -----------------------------------------------------------------------------------------


class Host(BaseHTTPRequestHandler):
    """A service that asks at the first visit, and refuses everybody who answers."""

    posts: ClassVar[list[tuple[dict[str, str], str | None]]] = []

    def do_GET(self) -> None:
        self._send(
            SCREEN.question(self.headers["Accept-Language"], hidden={"csrf_token": "token-1"}, email=True)
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posts.append((dict(parse_qsl(body, keep_blank_values=True)), self.headers["Origin"]))
        self._send(SCREEN.refusal(self.headers["Accept-Language"]))

    def log_message(self, *parts: object) -> None:
        """Print nothing."""

    def _send(self, html: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", SCREEN.csp)
        self.end_headers()
        self.wfile.write(html.encode())


@pytest.fixture
def host() -> Iterator[str]:
    """The address of a running `Host`."""
    Host.posts.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


TYPED = [
    ("en-US", ["7", "5", "1990"]),
    ("de-DE", ["5", "7", "1990"]),
    ("ja-JP", ["１９９０", "７", "５"]),
    ("ar-EG", ["٥", "٧", "١٩٩٠"]),
]


@pytest.mark.parametrize(("locale", "typed"), TYPED)
def test_form_is_sent_by_keyboard_and_without_script(
    browser: Browser, host: str, locale: str, typed: list[str]
) -> None:
    context = browser.new_context(java_script_enabled=False, locale=locale)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{host}/join")
    assert page.locator("html").get_attribute("lang") == locale
    assert page.locator("main").evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    for part in typed:
        page.keyboard.press("Tab")
        page.keyboard.insert_text(part)
    page.locator("select").select_option("FR")
    page.locator("[name=email]").fill("reader@example.org")
    page.locator("[name=email]").press("Enter")
    page.wait_for_selector("h1 + p + .agegate-contact")
    ((form, origin),) = Host.posts
    assert posted_birth_date(form) == "1990-07-05"
    assert (form["country"], form["email"], form["csrf_token"]) == ("FR", "reader@example.org", "token-1")
    assert origin == host  # what CSRF protection compares; a page without referrer would send "null"
    assert re.search(r"[0-9]", page.locator("body").inner_text()) is None
    assert complaints == []
    context.close()


def test_form_that_is_empty_is_sent_all_the_same(page: Page, host: str) -> None:
    """The page's own error is read in its own language; a browser's would be in the browser's."""
    page.goto(host)
    page.locator("button").click()
    page.wait_for_selector(".agegate-contact")
    ((form, _),) = Host.posts
    assert posted_birth_date(form) is None
    assert form["country"] == ""
