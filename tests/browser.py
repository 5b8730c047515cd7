"""A real Chromium for tests of pages: the one of the machine, started by playwright, which brings none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def find_chromium() -> str | None:
    """The path of the machine's Chromium, if it has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def require_chromium() -> str:
    """Its path; without one a test is skipped on a developer's machine, and fails where `CI` is set."""
    path = find_chromium()
    if path is None and os.environ.get("CI"):
        pytest.fail("install chromium: the tests of pages need it")
    if path is None:
        pytest.skip("no chromium on this machine: the tests of pages need it")
    return path


@contextmanager
def start_chromium(path: str) -> Iterator[Browser]:
    """A running Chromium; each test opens contexts of its own in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"],
        )
        yield browser
        browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA on a page: the rule and the first place of each."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", WCAG
    )
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in found["violations"]]
