"""The key ring: tags that only this installation can make, rotation, and a file that nobody else reads."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import stat
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agegate.errors import KeyRingError
from agegate.keys import ENVIRONMENT, Key, KeyRing

OLD, LATER = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
FIRST = Key("k1", OLD, None, bytes(range(32)))
SECOND = Key("k2", LATER, None, bytes(range(32, 64)))
RETIRED = Key("k1", OLD, LATER, FIRST.secret)


@pytest.fixture(autouse=True)
def no_ring_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


# --- tags ---------------------------------------------------------------------------------------------


@given(st.text(), st.text())
def test_tag_is_the_same_for_the_same_value_and_shows_nothing_of_it(value: str, other: str) -> None:
    ring = KeyRing((FIRST,))
    assert ring.tag("refusal.email", value) == KeyRing((FIRST,)).tag("refusal.email", value)
    assert (ring.tag("refusal.email", value) == ring.tag("refusal.email", other)) == (value == other)
    key, _, digest = ring.tag("refusal.email", value).partition(":")
    assert key == "k1"
    assert len(bytes.fromhex(digest)) * 8 == 128


def test_tag_is_what_the_documentation_says() -> None:
    """HKDF-SHA-256 (RFC 5869) and HMAC-SHA-256, computed here by another library."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), 32, salt=None, info=b"agegate/refusal.email").derive(FIRST.secret)
    mac = HMAC(derived, SHA256())
    mac.update(b"a value")
    assert KeyRing((FIRST,)).tag("refusal.email", "a value") == f"k1:{mac.finalize().hex()[:32]}"


def test_tag_differs_by_purpose_by_ring_and_by_key() -> None:
    one, other = KeyRing.generate(), KeyRing.generate()
    tags = {
        ring.tag(purpose, "value").partition(":")[2]
        for ring in (one, other, KeyRing((FIRST,)), KeyRing((SECOND,)))
        for purpose in ("refusal.email", "refusal.phone", "audit.subject")
    }
    assert len(tags) == 12


def test_text_that_no_database_would_take_still_has_a_tag() -> None:
    assert KeyRing((FIRST,)).tag("refusal.email", "\udc80") != KeyRing((FIRST,)).tag("refusal.email", "")


# --- rotation -----------------------------------------------------------------------------------------


def test_replaced_key_still_recognises_and_no_longer_makes() -> None:
    before, after = KeyRing((FIRST,)), KeyRing((RETIRED, SECOND))
    old, new = before.tag("p", "value"), after.tag("p", "value")
    assert after.tags("p", "value") == (old, new)
    assert after.current == SECOND
    assert old != new


@pytest.mark.parametrize(
    ("keys", "maker"),
    [
        ((FIRST,), "k1"),
        ((FIRST, SECOND), "k2"),
        ((RETIRED, SECOND), "k2"),
        ((FIRST, Key("k2", LATER, LATER, SECOND.secret)), "k1"),
    ],
)
def test_newest_key_that_is_not_retired_makes_tags(keys: tuple[Key, ...], maker: str) -> None:
    ring = KeyRing(keys)
    assert ring.tag("p", "value").startswith(f"{maker}:")
    assert len(ring.tags("p", "value")) == len(keys)


@pytest.mark.parametrize("keys", [(), (RETIRED,)])
def test_ring_without_a_key_in_use_is_refused(keys: tuple[Key, ...]) -> None:
    with pytest.raises(KeyRingError, match="every key is retired; restore"):
        KeyRing(keys)


# --- the file -----------------------------------------------------------------------------------------


def test_new_ring_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "agegate.keys"
    old_mask = os.umask(0)
    try:
        made = KeyRing.load_or_create(path)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load(path) == KeyRing.load_or_create(path) == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["agegate.keys"]


def test_ring_of_several_keys_comes_back_whole(tmp_path: Path) -> None:
    ring = KeyRing((RETIRED, SECOND))
    path = tmp_path / "agegate.keys"
    path.touch(0o600)
    path.write_text(ring.dump(), encoding="utf-8")
    assert KeyRing.load(path) == ring


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o777])
def test_file_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "agegate.keys"
    KeyRing.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(KeyRingError, match=f"run `chmod 600 {path}`"):
        KeyRing.load_or_create(path)


def test_missing_file_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="is missing; restore it, or run `agegate db upgrade`"):
        KeyRing.load(tmp_path / "none")
    with pytest.raises(KeyRingError, match="cannot be written: No such file or directory"):
        KeyRing.load_or_create(tmp_path / "none" / "agegate.keys")


def test_environment_wins_and_no_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agegate.keys"
    KeyRing.load_or_create(path)
    monkeypatch.setenv(ENVIRONMENT, KeyRing((FIRST,)).dump())
    assert KeyRing.load(path) == KeyRing.load_or_create(tmp_path / "other") == KeyRing((FIRST,))
    assert not (tmp_path / "other").exists()
    monkeypatch.setenv(ENVIRONMENT, "not a ring")
    with pytest.raises(KeyRingError, match=rf"in \${ENVIRONMENT} is not a key ring"):
        KeyRing.load(path)


# --- what is no ring ----------------------------------------------------------------------------------

SECRET = base64.b64encode(FIRST.secret).decode()
ROW = {"id": "k1", "created": "2024-01-01T00:00:00+00:00", "retired": None, "secret": SECRET}

BAD = {
    "nothing": "",
    "no JSON": '{"keys": [',
    "a list": "[]",
    "null": "null",
    "no keys": '{"schema": 1}',
    "keys is a number": '{"keys": 5}',
    "keys is an object": json.dumps({"keys": ROW}),
    "no key at all": '{"keys": []}',
    "row is a text": '{"keys": ["k1"]}',
    **{f"no {name}": json.dumps({"keys": [{k: v for k, v in ROW.items() if k != name}]}) for name in ROW},
    "created is no date": json.dumps({"keys": [ROW | {"created": "long ago"}]}),
    "created is a number": json.dumps({"keys": [ROW | {"created": 1700000000}]}),
    "retired is no date": json.dumps({"keys": [ROW | {"retired": "soon"}]}),
    "retired": json.dumps({"keys": [ROW | {"retired": ROW["created"]}]}),
    "secret is no base64": json.dumps({"keys": [ROW | {"secret": SECRET + "*"}]}),
    "secret is a number": json.dumps({"keys": [ROW | {"secret": 5}]}),
    "secret is short": json.dumps({"keys": [ROW | {"secret": SECRET[:40]}]}),
    "secret is empty": json.dumps({"keys": [ROW, ROW | {"secret": ""}]}),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_ring_is_one_line_that_says_what_to_do(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "agegate.keys"
    path.touch(0o600)
    path.write_text(BAD[fault], encoding="utf-8")
    with pytest.raises(KeyRingError, match="restore") as refused:
        KeyRing.load(path)
    assert "\n" not in str(refused.value)
    assert SECRET[:10] not in str(refused.value)


def test_file_that_is_no_text_is_no_ring(tmp_path: Path) -> None:
    path = tmp_path / "agegate.keys"
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeyRingError, match="is not a key ring; restore"):
        KeyRing.load(path)


def test_secret_shows_in_the_dump_only() -> None:
    ring = KeyRing((RETIRED, SECOND))
    assert SECRET in ring.dump()
    for text in (repr(ring), str(ring), repr(ring.keys), repr(ring.current), ring.tag("p", "v")):
        assert SECRET not in text
        assert repr(FIRST.secret)[2:-1] not in text
        assert FIRST.secret.hex() not in text


# --- made by many at once -----------------------------------------------------------------------------


def made_tag(path: str) -> str:
    return KeyRing.load_or_create(Path(path)).tag("p", "value")


def test_processes_that_start_at_once_share_one_ring(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(abs, range(8)))  # every process is up before the race
        for race in range(8):
            assert len(set(pool.map(made_tag, [str(tmp_path / f"{race}.keys")] * 8))) == 1


def test_ring_that_is_being_written_slowly_is_never_read_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the file and filling it, a slow disk leaves time for others to look."""
    fdopen, barrier = os.fdopen, Barrier(8)

    def slow(descriptor: int, *args: object, **kwargs: object) -> object:
        time.sleep(0.05)
        return fdopen(descriptor, *args, **kwargs)  # type: ignore[call-overload]

    def start(_number: int) -> str:
        barrier.wait()
        return made_tag(str(tmp_path / "agegate.keys"))

    monkeypatch.setattr(os, "fdopen", slow)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1
