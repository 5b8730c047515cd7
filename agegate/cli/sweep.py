"""`agegate sweep`: read the accounts, flag those that look like a minor's."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agegate.cli.terminal import ConfigOption, JsonOption, console, parse_day, print_json, progress_bar
from agegate.config import Config
from agegate.errors import InputError
from agegate.model import RequestState
from agegate.sweep import Found, Sweep, SweepSummary


def sweep(
    apply: Annotated[bool, typer.Option("--apply", help="Act, the first time under these rules too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    as_of: Annotated[str | None, typer.Option(help="Look as on this day, YYYY-MM-DD; always dry.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read every account and flag those that look like a minor's.

    The first sweep of a host, and the first under changed rules, only says what it would do; --apply makes
    it act. A score alone restricts nobody: it waits for a person (`agegate review list`). Exit 0 done,
    1 if the brake held cases back, 75 if another sweep runs.
    """
    if apply and (dry_run or as_of):
        raise InputError("--apply acts and --dry-run or --as-of only look: give one of them")
    settings = Config.load(config)
    store = settings.open_store()
    store.require()
    day = parse_day(as_of, "--as-of")
    now = datetime.combine(day, time(12), UTC) if day else None
    with progress_bar("sweep") as progress:
        summary = Sweep(settings, store=store).run(
            apply=apply, dry=dry_run or day is not None, now=now, progress=progress
        )
    if as_json:
        print_json(as_dict(summary))
    else:
        show(summary)
    raise typer.Exit(1 if summary.braked else 0)


def as_dict(summary: SweepSummary) -> dict[str, object]:
    """A summary for JSON."""
    return {
        "dry": summary.dry,
        "as_of": summary.as_of,
        "accounts": summary.accounts,
        "flags": len(summary.found),
        "quarantined": summary.quarantined,
        "braked": summary.braked,
        "reported": dict(sorted(summary.reported.items())),
        "failed_signals": dict(summary.failures),
        "unreadable": dict(summary.unreadable),
        "seconds": round(summary.seconds, 3),
        "found": [
            {
                "account": found.account,
                "cause": found.cause,
                "band": found.band,
                "under": round(found.under, 4),
                "limit": found.limit_age,
                "jurisdiction": found.jurisdiction,
                "state": found.state,
                "why": list(found.why),
                "note": found.note,
            }
            for found in summary.found
        ],
    }


SHOWN: Final = 25
"""Rows that people are shown of what was found; `--json` gives all."""


def show(summary: SweepSummary) -> None:
    """A summary for people: what was found and why, then the counts and what to do next."""
    show_found(summary.found)
    kinds = Counter((found.cause, found.band) for found in summary.found)
    counted = ", ".join(f"{count} {cause} ({band})" for (cause, band), count in sorted(kinds.items()))
    verb = "would be " if summary.dry else ""
    print(
        f"{summary.accounts} accounts read in {summary.seconds:.1f} s; {len(summary.found)} {verb}flagged"
        f"{': ' + counted if counted else ''}; {summary.quarantined} {verb}quarantined"
    )
    for rule, count in sorted(summary.reported.items()):
        print(f"{count} account(s) are under the limit of {rule}, which nobody may be flagged for")
    for column, count in sorted(summary.unreadable.items()):
        print(f"{count} value(s) of {column} could not be read and were passed over")
    for signal, count in sorted(summary.failures.items()):
        print(f"signal {signal} failed on {count} account(s) and was skipped there")
    if summary.braked:
        print(f"brake: {summary.braked} known case(s) wait for a person; `agegate review list` shows them")
    if summary.dry:
        print("nothing was written; `agegate sweep --apply` acts")


def show_found(found: list[Found]) -> None:
    """What was found and why, a row an account: the restricted, the likeliest, then what has a catch."""
    if not found:
        return
    quarantined = RequestState.QUARANTINED
    ranked = sorted(found, key=lambda item: (bool(item.note), item.state != quarantined, -item.under))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("account", "limit", "p(under)", "band", "state", "why"):
        table.add_column(name, overflow="fold")
    for item in ranked[:SHOWN]:
        why = [line.split(", weight")[0] for line in item.why[:2]] + ([item.note] if item.note else [])
        limit = f"{item.limit_age} {item.jurisdiction}".strip()
        row = (item.account, limit, f"{item.under:.3f}", item.band, item.state, "; ".join(why))
        table.add_row(*row)
    console().print(table)
    if rest := Counter(item.note or "other evidence" for item in ranked[SHOWN:]):
        counted = ", ".join(f"{count} ({note})" for note, count in rest.most_common())
        print(f"and {rest.total()} more: {counted}")
