"""What `import agegate` costs and gives: nothing heavy, and the public names that docs/api.md lists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import agegate

API = Path(__file__).parents[1] / "docs" / "api.md"
HEAVY = ("polars", "numpy", "typer", "alembic", "cryptography", "pydantic", "pydantic_settings", "rich")

DECIDE = """
from agegate import AgeGate, Registration, Outcome, Service
gate = AgeGate(Service())
"""
DECIDE_AND_ANSWER = DECIDE + (
    "assert gate.check(Registration(birth_date='1990', country='FR')).outcome is Outcome.ADMIT\n"
)


@pytest.mark.parametrize("program", [DECIDE, DECIDE_AND_ANSWER], ids=["imported", "used"])
def test_gate_imports_nothing_heavy(program: str) -> None:
    report = f"import sys\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + report], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_public_names_are_those_of_the_documentation() -> None:
    assert API.is_file(), "docs/api.md lists the public names, one line each: - `Name`"
    listed = re.findall(r"^- `([A-Za-z_]+)`", API.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(agegate.__all__)


def test_every_public_name_is_there() -> None:
    assert agegate.__all__ == sorted(agegate.__all__)
    assert all(hasattr(agegate, name) for name in agegate.__all__)
