"""`agegate demo`: the whole line on a host in miniature, in half a minute."""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agegate.audit import Audit
from agegate.cli import review as review_command
from agegate.cli import sweep as sweep_command
from agegate.cli.terminal import ConfigOption, print_json, progress_bar
from agegate.demo import Scene
from agegate.erasure import Receipt
from agegate.errors import InputError


def demo(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep everything here; default a new temporary folder.")
    ] = None,
    accounts: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many accounts to make.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed makes other people.")] = 7,
    no_serve: Annotated[  # noqa: ARG001 - part of the interface; this version has no console to start
        bool, typer.Option("--no-serve", help="Start no console at the end (this version has none).")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Build a host of fictional people, sweep it, show what was found, erase one account, print the receipt.

    Everything stays in one folder, its agegate.toml too, so that every other command can be tried on it.
    """
    if config is not None:
        raise InputError("the demo writes its own agegate.toml; leave --config out")
    place = folder or Path(tempfile.mkdtemp(prefix="agegate-demo-"))
    scene = Scene(place, accounts=accounts, seed=seed, now=datetime.now(UTC))
    print(f"1. A host of {accounts:,} fictional accounts, built in {place}\n")
    _gate(scene)
    _sweep(scene)
    _review_and_erase(scene)
    _next(scene)


def _gate(scene: Scene) -> None:
    print("2. At the gate")
    for knock in scene.knock():
        decision = knock.decision
        why = decision.limit.why if decision.limit else ""
        print(f"   {knock.who}: {decision.outcome} ({decision.reason}; {why})")
    print("   The person asked is never told the limit; this is what the host's own code sees.\n")


def _sweep(scene: Scene) -> None:
    print("3. The sweep; the first one only looks")
    with progress_bar("   looking") as progress:
        dry = scene.sweep(apply=False, progress=progress)
    print(f"   dry: {dry.accounts:,} accounts in {dry.seconds:.1f} s, {len(dry.found)} would be flagged")
    with progress_bar("   sweeping") as progress:
        summary = scene.sweep(apply=True, progress=progress)
    sweep_command.show_found(summary.found)
    signals = Counter(line.split("/")[0] for found in summary.found for line in found.why[:1])
    print(f"   {len(summary.found)} flagged; {summary.quarantined} quarantined, because the service knows")
    print(f"   strongest evidence: {', '.join(f'{name} {count}' for name, count in signals.most_common())}\n")


def _review_and_erase(scene: Scene) -> None:
    case = scene.pick()
    if case is None:
        print("4. No case waits for a person\n")
        return
    print("4. A person decides: the surest case of those that wait")
    review_command.show_case(case)
    rows = scene.rows(case.account)
    due = scene.confirm(case.line.case)
    print(f"   confirmed by staff: quarantined now, erased from {due:%Y-%m-%d}\n")
    passed = scene.wait(due)
    print(f"5. Erasure; the demo moves its own clock {passed.days} days ahead, past the window")
    with progress_bar("   erasing") as progress:
        receipts = scene.erase(progress)
    tables = ", ".join(f"{table} {count}" for table, count in rows.items() if count)
    print(f"   {len(receipts)} accounts erased and read back; of the confirmed one went: {tables}")
    subject = Audit(scene.config.open_store(), scene.config.key_ring).subject(case.account)
    print("   its receipt:")
    _receipt(next(receipt for receipt in receipts if receipt.subject == subject))


def _receipt(receipt: Receipt) -> None:
    print_json(receipt.as_dict())
    print()


def _next(scene: Scene) -> None:
    trail = Audit(scene.config.open_store(), scene.config.key_ring, scene.config.anchor_file).verify()
    print(f"6. The audit trail: {trail.sealed} events sealed, {len(trail.faults)} fault(s)\n")
    print("Go on:")
    print(f"   export AGEGATE_CONFIG={shlex.quote(str(scene.file.absolute()))}")
    for line in (
        "agegate review list                 the cases that wait for a person",
        "agegate review show 1               one case, its evidence marked",
        "agegate erase plan 17               what would be deleted of account 17",
        "agegate law FR                      which limit holds in France, and why",
        "agegate host check                  whether the host's description is complete",
        "agegate audit verify                whether the trail is whole",
    ):
        print(f"   {line}")
