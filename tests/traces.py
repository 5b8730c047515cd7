"""Looks for traces of a refused person: in databases, files, logs, responses, exceptions.

`MARKERS` is a child's registration with something of its own in every field that can hold it. `traces` looks
for each of them as it is, percent-encoded, in base64 (cookies and tokens, compressed ones too), in hexadecimal
and as a plain hash. A birth date is looked for in its usual spellings, and with it the days on which the
child would reach a limit.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_plus

import sqlalchemy as sa

MARK = "zyxkvartmirabel"
"""In every text field."""

EMAIL = f"{MARK}@example.org"
PHONE = "+1 201 555 0189"
BIRTH_DATE = "2021-08-19"
IP = "203.0.113.77"

MARKERS = {
    "birth_date": BIRTH_DATE,
    "country": "US",
    "region": "US-KY",
    "billing_country": "US",
    "payer": "learner",
    "phone": PHONE,
    "email": EMAIL,
    "locale": "haw-US",
    "time_zone": "America/Kentucky/Monticello",
    "device": f"device-{MARK}",
    "username": f"{MARK}user",
    "name": f"{MARK} Name",
    "first_name": f"{MARK} First",
    "last_name": f"{MARK} Last",
    "password": f"Pass-{MARK}-77",
    "bio": f"{MARK} biography",
}
"""A child in the United States: a whole registration, and fields that a host may ask for beside it."""

BOXES = {"birth_year": "2021", "birth_month": "8", "birth_day": "19"}
"""The same birth date as the three boxes of the question."""

FORM = {name: value for name, value in MARKERS.items() if name != "birth_date"} | BOXES
"""The same registration as the form posts it."""

ADULT = {"birth_year": "1984", "birth_month": "4", "birth_day": "17", "country": "US"}
"""Somebody who is admitted, as the form posts it; add an e-mail address."""

_YEARS = "(?:2021|203[4-9])"
_PLAIN = (EMAIL, MARK, PHONE, "+12015550189", "2015550189", BIRTH_DATE)
_HASHES = "|".join(
    hashlib.new(name, value.encode(), usedforsecurity=False).hexdigest()
    for name in ("md5", "sha1", "sha256", "sha512")
    for value in _PLAIN
)
_PATTERNS = {
    "mark": re.compile(f"{MARK}|{MARK.encode().hex()}|{MARK[::-1]}"),
    "phone": re.compile(r"201\D{0,3}555\D{0,2}0189"),
    "ip": re.compile(re.escape(IP)),
    "time_zone": re.compile("kentucky.monticello"),
    "locale": re.compile("haw[-_]us"),
    "birth_date": re.compile(
        rf"{_YEARS}(?:08|[\W_]{{1,3}}0?8[\W_]{{1,3}})19(?!\d)"
        rf"|(?<!\d)0?8[\W_]{{1,3}}19[\W_]{{1,3}}{_YEARS}(?!\d)"
        rf"|(?<!\d)19[\W_]{{1,3}}0?8[\W_]{{1,3}}{_YEARS}(?!\d)"
        rf"|aug\w*\W{{1,3}}19\W{{1,4}}{_YEARS}|19(?:th)?\W{{1,3}}aug\w*\W{{1,3}}{_YEARS}"
        r"|year\W{1,6}2021(?!\d)|1629331200"
    ),
    "hash": re.compile(_HASHES),
}

_TOKEN = re.compile(r"[A-Za-z0-9_+/-]{16,}={0,2}")
"""What may be base64, in either alphabet."""

_AROUND = 30
"""Characters that are shown on both sides of a trace."""


def traces(*places: str | bytes | Path | sa.Engine) -> list[str]:
    """What of `MARKERS` is in these places, as `place: which: what is around it`; empty where there is nothing.

    A `Path` is a file or a folder with all its files, an engine is a database with every row of every schema
    (on SQLite also the bytes of its file and of what lies beside it, with deleted rows).
    """
    found = []
    for number, place in enumerate(places, 1):
        for name, text in _texts(place, f"place {number}"):
            for view in _views(text):
                for which, pattern in _PATTERNS.items():
                    if hit := pattern.search(view):
                        around = view[max(hit.start() - _AROUND, 0) : hit.end() + _AROUND]
                        found.append(f"{name}: {which}: {around!r}")
    return list(dict.fromkeys(found))


def rows(engine: sa.Engine) -> dict[str, int]:
    """How many rows each table of a database has that has any, by `schema.table` (on SQLite: by table)."""
    return {name: len(lines) for name, lines in _dump(engine).items() if lines}


def _texts(place: str | bytes | Path | sa.Engine, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(place, str):
        yield name, place
    elif isinstance(place, bytes):
        yield name, place.decode("latin-1")
        yield name, place.decode("utf-8", "replace")
    elif isinstance(place, Path):
        files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        for file in files:
            yield file.name, file.read_bytes().decode("latin-1")
    else:
        for table, lines in _dump(place).items():
            yield table, "\n".join(lines)
        if place.dialect.name == "sqlite" and place.url.database:
            file = Path(place.url.database)
            for beside in file.parent.glob(f"{file.name}*"):
                yield beside.name, beside.read_bytes().decode("latin-1")


def _views(text: str) -> Iterator[str]:
    """The text as it is and decoded, in lower case."""
    yield text.lower()
    yield unquote_plus(html.unescape(text)).lower()
    yield text.replace("\x00", "").lower()  # UTF-16
    decoded = [found for token in _TOKEN.findall(text) if (found := _decode(token))]
    if decoded:
        yield "\n".join(decoded).lower()


def _decode(token: str) -> str:
    """What a token of base64 says, decompressed where it was compressed; empty where it is none."""
    plain = token.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        content = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return ""
    if content[:1] == b"\x78":
        with suppress(zlib.error):
            content = zlib.decompress(content)
    return content.decode("latin-1")


def _dump(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table of a database as text."""
    with engine.connect() as connection:
        found = sa.inspect(connection)
        schemas: list[str | None] = [None]
        if connection.dialect.name == "postgresql":
            schemas = [name for name in found.get_schema_names() if name != "information_schema"]
        tables = [(schema, name) for schema in schemas for name in found.get_table_names(schema=schema)]
        quote = connection.dialect.identifier_preparer.quote
        dump = {}
        for schema, name in tables:
            full = ".".join(quote(part) for part in (schema, name) if part)
            lines = connection.execute(sa.text(f"SELECT * FROM {full}"))
            dump[full] = [" ".join(map(_cell, line)) for line in lines]
        return dump


def _cell(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
