"""Killing a job at a chosen point: before or after a statement, or at a commit, by SIGKILL to itself.

A point is a statement that writes, or a commit; with `every`, a statement that only reads is one too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from agegate.config import Config
from agegate.erasure import Eraser
from agegate.sweep import Sweep
from tests.conftest import NOW
from tests.test_erasure import LATER

CONTEXT: Final = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])  # each kill then costs a fork, not an interpreter's start

JOBS: dict[str, Callable[[Config], object]] = {
    "erase": lambda config: Eraser(config).run(now=LATER),
    "sweep": lambda config: Sweep(config).run(apply=True, now=NOW),
}


def count_points(job: str, file: Path, *, every: bool) -> int:
    """Run a job whole, in a process of its own; returns how many points it can be killed at."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(job, file, None, every, sender))
    _wait(process)
    assert process.exitcode == 0
    return int(receiver.recv())


def kill_at(point: int, job: str, file: Path, *, every: bool) -> None:
    """Run a job in a process that kills itself at a point."""
    process = CONTEXT.Process(target=_run, args=(job, file, point, every, None))
    _wait(process)
    assert process.exitcode == -signal.SIGKILL, f"point {point} was not reached"


def _wait(process: BaseProcess) -> None:
    process.start()
    process.join(60)


def _run(job: str, file: Path, point: int | None, every: bool, sender: Any) -> None:
    seen = 0

    def step() -> None:
        nonlocal seen
        seen += 1
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def at_statement(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if every or not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW")):
            step()

    event.listen(sa.Engine, "before_cursor_execute", at_statement)
    event.listen(sa.Engine, "after_cursor_execute", at_statement)
    event.listen(sa.Engine, "commit", lambda _connection: step())
    JOBS[job](Config.load(file))
    if sender is not None:
        sender.send(seen)
