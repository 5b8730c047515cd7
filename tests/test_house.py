"""The house is as its documents say: every setting, guarantee, link and top-level name is accounted for."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

import agegate
from agegate.config import Config

ROOT = Path(agegate.__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings() -> list[str]:
    """Every setting outside [host], as `section.key`."""
    return [
        f"{name}.{key}"
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for key in field.annotation.model_fields
    ]


@pytest.mark.parametrize("setting", settings())
def test_every_setting_has_a_row_in_the_docs(setting: str) -> None:
    assert f"| `{setting}` |" in (ROOT / "docs" / "host.md").read_text(encoding="utf-8")


def test_every_setting_in_the_docs_exists() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \|", (ROOT / "docs" / "host.md").read_text(encoding="utf-8"), re.M
    )
    assert set(rows) == set(settings())


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [page.name for page in DOCS if page.parent.name == "docs" and page.name != "index.md"]
    assert [page for page in pages if f"({page})" not in index] == []


def frameworks() -> list[str]:
    """Every adapter, by the name of its module."""
    found = pkgutil.iter_modules([str(ROOT / "agegate" / "frameworks")])
    return sorted(module.name for module in found)


@pytest.mark.parametrize("name", frameworks())
def test_every_framework_has_a_page_a_test_and_a_line(name: str) -> None:
    folder = ROOT / "docs" / "frameworks"
    page = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(rf"agegate\.frameworks(\.{name}| import {name})\b", page), (
        "the page shows how to import it"
    )
    assert f"| [{name}]({name}.md) |" in (folder / "index.md").read_text(encoding="utf-8")
    test = (ROOT / "tests" / f"test_framework_{name}.py").read_text(encoding="utf-8")
    assert f"frameworks/{name}.md" in test or f'"{name}' in test, "the test runs what the page shows"


def test_every_framework_is_an_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(extras["optional-dependencies"])
    shown = re.findall(
        r"`agegate\[([a-z-]+)\]`", (ROOT / "docs/frameworks/index.md").read_text(encoding="utf-8")
    )
    assert set(shown) <= named
    assert len(shown) == len(frameworks())


def test_every_guarantee_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\|(?! (?:promise|case) |---)", line)]
    assert rows
    for row in rows:
        named = re.findall(r"`(test_[a-z_]+\.py)`", row)
        assert named, row
        assert all((ROOT / "tests" / name).is_file() for name in named), row


def test_readme_has_the_two_commands() -> None:
    demo, tests = re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S)
    assert "agegate demo" in demo
    assert len(tests.strip().splitlines()) == 1
    assert "pytest" in tests


def test_readme_shows_the_demo_as_it_ran() -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```", README, re.M | re.S)
    for line in (
        "1. A host of 10,000 fictional accounts",
        "5. Erasure",
        '"level": "rows_absent"',
        "6. The audit trail",
    ):
        assert line in shown


def test_nothing_else_lies_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    allowed = {"agegate", "tests", "docs", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_the_package_is_typed() -> None:
    assert (ROOT / "agegate" / "py.typed").is_file()
