"""What looks for traces finds them: in every spelling and wrapping, in files and in databases."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from agegate.database import open_engine, parse_url
from tests.traces import EMAIL, IP, MARK, MARKERS, PHONE, rows, traces

ORDINARY = {"country", "region", "billing_country", "payer"}
"""Fields that can hold nothing of a person's own."""

SPELLINGS = [
    *(
        value
        for name, value in MARKERS.items()
        if name not in {"country", "region", "billing_country", "payer"}
    ),
    IP,
    "19.08.2021",
    "8/19/2021",
    "19 August 2021",
    "Aug 19, 2021",
    "19th Aug. 2021",
    "20210819",
    "datetime.date(2021, 8, 19)",
    "birth_year=2021",
    '"birth_year": "2021"',
    "2034-08-19",
    "+12015550189",
    "(201) 555-0189",
    "%2B1%20201%20555%200189",
    f"{MARK}%40example.org",
    MARK.upper(),
    MARK.encode().hex(),
    "1629331200",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"before {text} after", encoding="utf-8")
    assert traces(f"before {text} after") != []
    assert traces(f"before {text} after".encode()) != []
    assert traces(tmp_path) != []


WRAPPED = {
    "session": base64.urlsafe_b64encode(json.dumps({"kept": EMAIL, "and": "more"}).encode()).decode(),
    "compressed": "."
    + base64.urlsafe_b64encode(zlib.compress(b"x" * 40 + PHONE.encode())).decode().rstrip("="),
    "utf-16": MARK.encode("utf-16").decode("latin-1"),
    "escaped": f"&lt;{MARK}&gt;",
    "hash": "0fe7" + hashlib.sha256(EMAIL.encode()).hexdigest(),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_every_wrapping_is_opened(kind: str) -> None:
    assert traces(WRAPPED[kind]) != []


def test_rows_and_deleted_rows_of_a_database_are_found(database: str) -> None:
    engine = open_engine(parse_url(database), create=True)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE people (born DATE, name TEXT)"))
    assert (traces(engine), rows(engine)) == ([], {})
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO people VALUES ('2021-08-19', 'Rea')"))
    assert traces(engine) != []
    assert list(rows(engine).values()) == [1]
    engine.dispose()


@pytest.mark.parametrize(
    "text", ["", "2026-11-22T08:19:21", "reader@example.org", "k1:00ff" * 40, "1984-04-17"]
)
def test_what_is_no_trace_is_none(text: str) -> None:
    assert traces(text) == []
