"""`agegate review`: the desk on the command line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agegate.cli.terminal import ConfigOption, JsonOption, console, parse_day, print_json
from agegate.config import Config
from agegate.jobs import MISTAKES
from agegate.jobs import readmit as let_back
from agegate.review import CaseView, Desk, EvidenceView

app = typer.Typer(help="Where staff decide about flags.", no_args_is_help=True)

CaseArgument = Annotated[int, typer.Argument(help="The case's number, from `agegate review list`.")]
ByOption = Annotated[str, typer.Option("--by", help="Your registered staff id, not your name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a line.")]

CONTEXT = 60
"""Characters of a text that are shown before and after the evidence."""


@app.command("list")
def list_cases(
    every: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the cases that wait for a person or for their day, the oldest knowledge first."""
    lines = _desk(config).list(every=every)
    if as_json:
        print_json({"cases": [asdict(line) for line in lines]})
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("case", "place", "cause", "band", "state", "known since", "erased from"):
        table.add_column(name)
    for line in lines:
        due = f"{line.due_at:%Y-%m-%d}" if line.due_at else ""
        known = f"{line.known_at:%Y-%m-%d}"
        table.add_row(str(line.case), line.jurisdiction, line.cause, line.band, line.state, known, due)
    console().print(table)


@app.command()
def show(case: CaseArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one case: the evidence for and against, its words marked, and the law that holds."""
    view = _desk(config).show(case)
    if as_json:
        print_json({"case": asdict(view)})
        return
    show_case(view)


@app.command()
def confirm(
    case: CaseArgument,
    by: ByOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Decide that the holder is a minor: quarantined at once, erased after the window."""
    due = _desk(config).confirm(case, by=by, reason=reason)
    if as_json:
        print_json({"case": case, "verdict": "minor", "erased_from": due})
    else:
        print(f"case {case}: minor; quarantined now, erased from {due:%Y-%m-%d}; `review clear` takes it back")


@app.command()
def clear(
    case: CaseArgument,
    by: ByOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Decide that the holder is no minor: nothing is erased; the same evidence never flags again."""
    _desk(config).clear(case, by=by, reason=reason)
    if as_json:
        print_json({"case": case, "verdict": "adult"})
    else:
        print(f"case {case}: adult; the account is free")


@app.command()
def report(
    account: Annotated[str, typer.Argument(help="The account's key, as JSON: 17 or '\"a-uuid\"'.")],
    age: Annotated[int, typer.Option(help="The age in years that was stated.")],
    said_by: Annotated[str, typer.Option("--from", help="holder, parent, school, moderator or other.")],
    on: Annotated[str | None, typer.Option(help="The day it was said, YYYY-MM-DD; default today.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take a report about an account's age. The next sweep brings it to a person; it restricts nobody."""
    number = _desk(config).report(account, age=age, said_by=said_by, said_on=parse_day(on, "--on"))
    if as_json:
        print_json({"report": number})
    else:
        print(f"report {number} taken; the next sweep brings it to a person")


@app.command()
def readmit(
    by: ByOption,
    because: Annotated[str, typer.Option(help=f"Why: {', '.join(MISTAKES)}.")],
    email: Annotated[str | None, typer.Option(help="The address that was used to register.")] = None,
    phone: Annotated[str | None, typer.Option(help="The number that was used to register.")] = None,
    country: Annotated[str | None, typer.Option(help="What reads a local number, as FR.")] = None,
    device: Annotated[str | None, typer.Option(help="The host's own id of the device.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Let an adult who mistyped answer the age question again: what the gate remembers is lifted.

    Ask the person first, as your own rules say. It admits nobody by itself: the new answer decides, once,
    within seven days. The audit keeps your id and the reason, nothing of the person.

    Example: agegate review readmit --email reader@example.org --by s-17 --because mistyped
    """
    lifted = let_back(
        Config.load(config), email=email, phone=phone, country=country, device=device, by=by, because=because
    )
    if as_json:
        print_json({"lifted": lifted})
    else:
        print(f"{lifted} mark(s) lifted; the person may answer once more within 7 days")


def show_case(view: CaseView) -> None:
    """A case for people."""
    line = view.line
    out = console()
    out.print(f"case {line.case}  account {view.account}  {line.state}, cause {line.cause}, band {line.band}")
    out.print(f"under {view.limit_age}: p = {view.under:.3f} today, {view.ever_under:.3f} since sign-up")
    out.print(f"law: {view.law}")
    if view.note:
        out.print(f"note: {view.note}")
    if view.verdict:
        out.print(f"decided: {view.verdict} by {view.decided_by}")
    for piece in view.evidence:
        side = "for" if piece.weight > 0 else "against"
        seen = f"{piece.signal}/{piece.rule} in {piece.source}, said {piece.said_on}"
        out.print(f"  {side} ({piece.weight:+.1f})  {seen}")
        out.print(_words(piece))


def _words(piece: EvidenceView) -> Text:
    """The evidence itself: the text with its words marked, or the birth dates that it speaks for."""
    shown = Text("      ")
    if piece.span is None:
        first, last = piece.born_first, piece.born_last
        said = f"born {first}" if first == last else f"born {first} to {last}"
        return shown.append(said if first else "forgotten after the verdict")
    if piece.text is None:
        return shown.append("the text is gone")
    start, end = piece.span
    before, after = piece.text[max(0, start - CONTEXT) : start], piece.text[end : end + CONTEXT]
    shown.append(_plain(before)).append("«", "bold").append(_plain(piece.text[start:end]), "bold reverse")
    shown.append("»", "bold").append(_plain(after))
    return shown.append("  (changed since it was flagged)") if piece.changed else shown


def _plain(text: str) -> str:
    """A stranger's text without what could move the cursor or write over the screen."""
    return "".join(char if char.isprintable() else " " for char in text)


def _desk(path: Path | None) -> Desk:
    settings = Config.load(path)
    store = settings.open_store()
    store.require()
    return Desk(settings, store=store)
