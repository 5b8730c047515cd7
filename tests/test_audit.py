"""The audit trail: whatever is changed after it was sealed is named, and recording never stands alone."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import agegate.audit
from agegate.audit import Audit, AuditReport, canonical
from agegate.errors import ConfigError
from agegate.keys import KeyRing
from agegate.store import Store
from agegate.store.tables import events, seals
from tests.conftest import NOW

Change = Callable[[sa.Connection], object]


class Trail:
    """A store with its audit, and hands to tamper with it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.store = Store(url, create=True)
        self.store.upgrade()
        self.keys = KeyRing.generate()
        self.anchor = folder / "agegate.anchor"
        self.audit = Audit(self.store, self.keys, self.anchor)

    def record(self, count: int, start: int = 0) -> None:
        with self.store.writing() as connection:
            for number in range(start, start + count):
                now = NOW + timedelta(minutes=number)
                data = {"flag": number}
                self.audit.record(connection, "flagged", actor="sweep", now=now, account=f"{number}", data=data)

    def tamper(self, *changes: sa.Executable) -> None:
        with self.store.writing() as connection:
            for change in changes:
                connection.execute(change)

    def faults(self) -> tuple[str, ...]:
        return self.audit.verify().faults


@pytest.fixture
def trail(database: str, tmp_path: Path) -> Trail:
    """An empty trail."""
    return Trail(database, tmp_path)


@pytest.fixture
def sealed(trail: Trail) -> Trail:
    """Six events, sealed in two goes and anchored twice."""
    trail.record(3)
    assert trail.audit.seal(NOW) == 3
    trail.record(3, start=3)
    assert trail.audit.seal(NOW) == 3
    return trail


@pytest.fixture
def sealed_file(tmp_path: Path) -> Trail:
    """The same on SQLite alone, for what concerns the anchor file only."""
    trail = Trail(f"sqlite:///{tmp_path}/one.db", tmp_path)
    trail.record(3)
    trail.audit.seal(NOW)
    return trail


# --- untouched ----------------------------------------------------------------------------------------


def test_untouched_trail_is_clean(sealed: Trail) -> None:
    assert sealed.audit.verify() == AuditReport(6, 0, None, ())
    assert sealed.audit.seal(NOW) == 0
    assert Audit(sealed.store, sealed.keys).verify() == AuditReport(6, 0, None, ())


def test_empty_trail_is_clean(trail: Trail) -> None:
    assert trail.audit.seal() == 0
    assert trail.audit.verify() == AuditReport(0, 0, None, ())
    assert not trail.anchor.exists()


def test_events_that_wait_are_counted_with_the_oldest(sealed: Trail) -> None:
    sealed.record(2, start=10)
    report = sealed.audit.verify()
    assert (report.sealed, report.unsealed, report.faults) == (6, 2, ())
    assert report.oldest_unsealed == NOW + timedelta(minutes=10)
    assert report.oldest_unsealed.tzinfo is not None


def test_event_of_another_time_zone_is_sealed_alike(trail: Trail) -> None:
    there = timezone(timedelta(hours=-9, minutes=-30))
    with trail.store.writing() as connection:
        trail.audit.record(connection, "kind", actor="staff", now=NOW.astimezone(there).replace(microsecond=7))
    assert trail.audit.seal() == 1
    assert trail.faults() == ()


def test_rolled_back_transaction_records_nothing(trail: Trail) -> None:
    def fail() -> None:
        with trail.store.writing() as connection:
            trail.audit.record(connection, "flagged", actor="sweep", now=NOW, account="1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert trail.audit.seal() == 0
    assert trail.audit.verify() == AuditReport(0, 0, None, ())


def test_event_names_the_account_by_its_tag_only(trail: Trail) -> None:
    with trail.store.writing() as connection:
        trail.audit.record(connection, "flagged", actor="sweep", now=NOW, account='"zyzzyva"')
        trail.audit.record(connection, "sealed", actor="sweep", now=NOW)
        subjects = list(connection.execute(sa.select(events.c.subject).order_by(events.c.id)).scalars())
        everything = repr(connection.execute(sa.select(events)).all())
    assert subjects == [trail.keys.tag("audit.subject", '"zyzzyva"'), None]
    assert "zyzzyva" not in everything


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_seal_in_batches_makes_one_chain(trail: Trail, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(agegate.audit, "BATCH", batch)
    trail.record(7)
    assert trail.audit.seal(NOW) == 7
    assert trail.audit.verify() == AuditReport(7, 0, None, ())
    lines = [json.loads(line)["position"] for line in trail.anchor.read_text().splitlines()]
    assert lines == [*range(batch, 7, batch), 7]


# --- tampered with ------------------------------------------------------------------------------------

EDITS = {
    "at": NOW + timedelta(microseconds=1, minutes=2),
    "kind": "overturned",
    "actor": "nobody",
    "subject": "k1:0000",
    "data": '{"flag":4}',
}


def test_every_column_of_an_event_is_tried() -> None:
    assert set(EDITS) | {"id"} == set(events.c.keys())


@pytest.mark.parametrize("column", EDITS)
def test_edited_event_is_named(sealed: Trail, column: str) -> None:
    sealed.tamper(sa.update(events).where(events.c.id == 3).values({column: EDITS[column]}))
    assert sealed.faults() == ("event 3 (position 3): edited or reordered",)


def test_emptied_subject_is_named(sealed: Trail) -> None:
    sealed.tamper(sa.update(events).where(events.c.id == 3).values(subject=None))
    assert sealed.faults() == ("event 3 (position 3): edited or reordered",)


def test_event_under_another_number_is_named(sealed: Trail) -> None:
    sealed.tamper(
        sa.update(events).where(events.c.id == 3).values(id=300),
        sa.update(seals).where(seals.c.event_id == 3).values(event_id=300),
    )
    assert sealed.faults() == ("event 300 (position 3): edited or reordered",)


def test_removed_event_is_named(sealed: Trail) -> None:
    sealed.tamper(sa.delete(events).where(events.c.id == 2))
    assert sealed.faults() == ("event 2 (position 2): removed",)


def test_event_removed_with_its_seal_leaves_a_gap(sealed: Trail) -> None:
    sealed.tamper(sa.delete(events).where(events.c.id == 2), sa.delete(seals).where(seals.c.event_id == 2))
    assert "seal 2 to 2: removed" in sealed.faults()


def test_gap_that_was_closed_is_named(sealed: Trail) -> None:
    """Every later seal is moved one down: the numbers are whole again, the hashes are not."""
    sealed.tamper(sa.delete(events).where(events.c.id == 2), sa.delete(seals).where(seals.c.event_id == 2))
    for position in range(3, 7):
        sealed.tamper(sa.update(seals).where(seals.c.position == position).values(position=position - 1))
    assert "event 3 (position 2): edited or reordered" in sealed.faults()
    assert "position 6: anchored, and gone from the chain" in sealed.faults()


def test_swapped_contents_are_named(sealed: Trail) -> None:
    with sealed.store.reading() as connection:
        rows = {row.id: row._asdict() for row in connection.execute(sa.select(events))}
    for place, other in ((2, 4), (4, 2)):
        content = {name: value for name, value in rows[other].items() if name != "id"}
        sealed.tamper(sa.update(events).where(events.c.id == place).values(content))
    assert sealed.faults() == tuple(f"event {n} (position {n}): edited or reordered" for n in (2, 4))


def test_swapped_seals_are_named(sealed: Trail) -> None:
    for place, event in ((2, -1), (4, 2), (2, 4)):
        sealed.tamper(sa.update(seals).where(seals.c.position == place).values(event_id=event))
    assert sealed.faults() == (
        "event 4 (position 2): edited or reordered",
        "event 2 (position 4): edited or reordered",
    )


def test_seal_without_an_event_is_named(sealed: Trail) -> None:
    sealed.tamper(sa.update(seals).where(seals.c.position == 3).values(event_id=99))
    assert sealed.faults() == ("event 99 (position 3): removed",)
    assert sealed.audit.verify().unsealed == 1


def test_seal_put_before_the_first_is_named(sealed: Trail) -> None:
    sealed.tamper(sa.insert(seals).values(position=0, event_id=99, hash="0" * 64, sealed_at=NOW))
    assert "event 99 (position 0): removed" in sealed.faults()


def test_forged_hash_is_named_with_the_event_after_it(sealed: Trail) -> None:
    sealed.tamper(sa.update(seals).where(seals.c.position == 4).values(hash="f" * 64))
    assert sealed.faults() == tuple(f"event {n} (position {n}): edited or reordered" for n in (4, 5))


def test_tail_cut_off_after_it_was_anchored_is_named(sealed: Trail) -> None:
    sealed.tamper(sa.delete(seals).where(seals.c.position > 4), sa.delete(events).where(events.c.id > 4))
    assert sealed.faults() == ("position 6: anchored, and gone from the chain",)
    sealed.tamper(sa.delete(seals), sa.delete(events))
    assert sealed.faults() == tuple(f"position {n}: anchored, and gone from the chain" for n in (3, 6))


def test_chain_made_anew_over_an_edited_event_is_named(sealed: Trail) -> None:
    """The strongest tampering: edit, drop every seal, and let our own sealer seal again."""
    sealed.tamper(sa.update(events).where(events.c.id == 2).values(actor="nobody"), sa.delete(seals))
    assert sealed.audit.seal(NOW) == 6
    assert "position 6: differs from the anchor" in sealed.faults()
    assert "position 3: differs from the anchor" in sealed.faults()


# --- the anchor ---------------------------------------------------------------------------------------


def test_anchor_grows_by_the_head_of_each_seal(sealed: Trail) -> None:
    with sealed.store.reading() as connection:
        heads = {row.position: row.hash for row in connection.execute(sa.select(seals))}
    lines = [json.loads(line) for line in sealed.anchor.read_text().splitlines()]
    assert [(line["position"], line["hash"]) for line in lines] == [(3, heads[3]), (6, heads[6])]
    assert [datetime.fromisoformat(line["at"]) for line in lines] == [NOW, NOW]


DOCTORED = {
    # what is put into the file: what verify says of it
    b'{"position":3,"hash":"%s"}' % (b"f" * 64): "position 3: differs from the anchor",
    b'{"position":9,"hash":"%s"}' % (b"f" * 64): "position 9: anchored, and gone from the chain",
    b"": "anchor line 1: cannot be read",
    b"garbage": "anchor line 1: cannot be read",
    b"[]": "anchor line 1: cannot be read",
    b"5": "anchor line 1: cannot be read",
    b'{"position":3}': "anchor line 1: cannot be read",
    b'{"position":"three","hash":""}': "anchor line 1: cannot be read",
    b'{"position":null,"hash":""}': "anchor line 1: cannot be read",
    b'{"position":1e999,"hash":""}': "anchor line 1: cannot be read",
    b"\xff\xfe\x00": "anchor line 1: cannot be read",
}


@pytest.mark.parametrize("line", DOCTORED, ids=ascii)
@pytest.mark.parametrize("kept", [False, True], ids=["in place of the line", "beside the line"])
def test_doctored_anchor_is_a_fault(sealed_file: Trail, line: bytes, kept: bool) -> None:
    good = sealed_file.anchor.read_bytes() if kept else b""
    sealed_file.anchor.write_bytes(line + b"\n" + good)
    assert DOCTORED[line] in sealed_file.faults()
    assert sealed_file.audit.verify().sealed == 3


def test_anchor_in_a_missing_folder(tmp_path: Path) -> None:
    trail = Trail(f"sqlite:///{tmp_path}/one.db", tmp_path / "none")
    trail.record(1)
    with pytest.raises(ConfigError, match=r"agegate\.anchor cannot be written: No such file") as refused:
        trail.audit.seal()
    assert "\n" not in str(refused.value)


def test_head_that_could_not_be_anchored_is_anchored_later(tmp_path: Path) -> None:
    trail = Trail(f"sqlite:///{tmp_path}/one.db", tmp_path / "later")
    trail.record(2)
    with pytest.raises(ConfigError):
        trail.audit.seal()
    trail.anchor.parent.mkdir()
    trail.record(1, start=2)
    assert trail.audit.seal() == 1
    assert json.loads(trail.anchor.read_text())["position"] == 3
    assert trail.audit.verify() == AuditReport(3, 0, None, ())


# --- many sealers -------------------------------------------------------------------------------------


def seal(database: str, folder: str) -> int:
    store = Store(database)
    try:
        return Audit(store, KeyRing.generate(), Path(folder) / "agegate.anchor").seal(NOW)
    finally:
        store.dispose()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_sealers_at_once_make_one_chain(
    trail: Trail, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    trail.record(200)
    if kind == "threads":
        monkeypatch.setattr(agegate.audit, "BATCH", 10)
        pool: ThreadPoolExecutor | ProcessPoolExecutor = ThreadPoolExecutor(4)
    else:
        pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        list(pool.map(abs, range(4)))  # everybody is up before the race
        assert sum(pool.map(seal, [database] * 4, [str(tmp_path)] * 4)) == 200
    assert trail.audit.verify() == AuditReport(200, 0, None, ())


# --- canonical JSON -----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5
)


@given(st.dictionaries(st.text(), JSON), st.randoms(use_true_random=False))
def test_canonical_text_does_not_depend_on_the_order_of_keys(
    content: dict[str, object], random: object
) -> None:
    keys = list(content)
    random.shuffle(keys)  # type: ignore[attr-defined]
    text = canonical(content)
    assert canonical({key: content[key] for key in keys}) == text
    assert json.loads(text) == content


def test_canonical_text_is_short_and_plain() -> None:
    assert canonical({"b": [1, 2], "a": {"d": None, "c": "né"}}) == '{"a":{"c":"né","d":null},"b":[1,2]}'
