"""Leases: one holder at a time, in threads and processes, and nobody waits for the dead."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from agegate.errors import BusyError
from agegate.store import Store, tables


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store with its tables."""
    store = Store(database, create=True)
    store.upgrade()
    yield store
    store.dispose()


def held(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(sa.select(tables.leases.c.name)).scalars())


def take(store: Store, name: str = "sweep", **how: int) -> None:
    with store.lease(name, **how):
        pass


def put(store: Store, holder: str, *, seconds: int) -> None:
    """Write a lease as another process would."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    with store.writing() as connection:
        connection.execute(sa.insert(tables.leases).values(name="sweep", holder=holder, until=until))


def test_lease_is_held_alone_and_given_back(store: Store, database: str) -> None:
    other = Store(database)
    with store.lease("sweep") as holder:
        assert holder
        assert held(store) == ["sweep"]
        for rival in (store, other):
            with pytest.raises(
                BusyError, match=r"another sweep is running; wait for it, or until \d\d:\d\d UTC"
            ):
                take(rival)
        take(other, "seal")
        assert held(store) == ["sweep"]
    assert held(store) == []
    take(other)


def test_failed_job_gives_its_lease_back(store: Store) -> None:
    def fail() -> None:
        with store.lease("sweep"):
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        fail()
    assert held(store) == []


def test_holders_differ(store: Store) -> None:
    with store.lease("one") as one, store.lease("two") as two:
        assert one != two


def test_renewed_lease_lasts_longer(store: Store, database: str) -> None:
    with store.lease("sweep", seconds=-1) as holder:
        store.renew("sweep", holder, seconds=60)
        with pytest.raises(BusyError):
            take(Store(database))


def test_lease_that_ran_out_is_taken_over_and_lost_for_good(store: Store, database: str) -> None:
    with store.lease("sweep", seconds=-1) as lost:
        with Store(database).lease("sweep") as taken:
            with pytest.raises(BusyError, match="ran out and another took it; start again"):
                store.renew("sweep", lost)
            store.renew("sweep", taken)
        with pytest.raises(BusyError, match="start again"):
            store.renew("sweep", lost)


def test_who_lost_a_lease_does_not_give_back_anothers(store: Store, database: str) -> None:
    other = Store(database)
    mine = store.lease("sweep", seconds=-1)
    mine.__enter__()
    with other.lease("sweep"):
        mine.__exit__(None, None, None)
        assert held(store) == ["sweep"]
    assert held(store) == []


def finished() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("machine", "alive", "seconds", "taken"),
    [
        ("here", True, 60, False),
        ("here", True, -1, True),
        ("here", False, 60, True),
        ("elsewhere", False, 60, False),  # nobody can see that it is gone
        ("elsewhere", False, -1, True),
        ("elsewhere:1", True, 60, False),
    ],
)
def test_whose_lease_is_taken_over(store: Store, machine: str, alive: bool, seconds: int, taken: bool) -> None:
    name = socket.gethostname()[:40] if machine == "here" else machine
    put(store, f"{name}:{os.getpid() if alive else finished()}:token", seconds=seconds)
    if taken:
        take(store)
        assert held(store) == []
    else:
        with pytest.raises(BusyError):
            take(store)


HOLD = """
import sys, time
from agegate.store import Store
with Store(sys.argv[1]).lease("sweep"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lease_of_a_killed_process_is_taken_over_at_once(store: Store, database: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, database], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline() == "held\n"
            with pytest.raises(BusyError):
                take(store)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert held(store) == ["sweep"]
    take(store)
    assert held(store) == []


KEPT: list[object] = []
"""Leases that a process of a race holds until it ends."""


def race(database: str, name: str) -> bool:
    """Take a lease and keep it; whether it was free."""
    lease = Store(database).lease(name)
    try:
        lease.__enter__()
    except BusyError:
        return False
    KEPT.append(lease)
    atexit.register(os._exit, 0)  # the process ends as one does that is killed: without letting go
    return True


def test_of_processes_that_race_exactly_one_wins(store: Store, database: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(abs, range(2)))  # both processes are up before the race
        for number in range(5):
            won = list(pool.map(race, [database] * 4, [f"job {number}"] * 4))
            assert sorted(won) == [False, False, False, True]
