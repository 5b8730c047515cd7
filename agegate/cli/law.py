"""`agegate law`: which minimum age holds in a place on a day, and why; the law looked over and listed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from typer.core import TyperGroup

from agegate.cli.terminal import (
    ConfigOption,
    JsonOption,
    console,
    find_config,
    parse_day,
    print_json,
    progress_bar,
)
from agegate.errors import InputError
from agegate.jobs import LawImpact, law_impact
from agegate.law import Rulebook, own_code, parse_country, parse_region, slip_hint, subdivision
from agegate.law.lint import lint as find_faults
from agegate.law.listing import Change, Entry, bands, changes, every_place
from agegate.model import Limit, Rule, Service


class PlaceOrCommand(TyperGroup):
    """A group that takes a place for its command: `agegate law DE` is `agegate law show DE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # the context is click's or typer's own copy
        """Put `show` before arguments that name no command."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=PlaceOrCommand,
    no_args_is_help=True,
    help="The law: the minimum age of a place on a day; the rules checked, compared and listed.",
    epilog="`agegate law DE` says what holds in Germany today, `agegate law CA-QC --on 2023-09-21` what held "
    "in Quebec that day.",
)

DayOption = Annotated[str | None, typer.Option("--on", help="The day, YYYY-MM-DD; default today.")]


@app.callback()
def group() -> None:
    """The law: the minimum age of a place on a day; the rules checked, compared and listed."""


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="A country (DE) or a subdivision (CA-QC), ISO 3166.")],
    on: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say which minimum age holds in a place on a day, by which law, with the history of its rules.

    The word `show` can be left out. Example: agegate law DK --on 2023-12-31
    """
    code, day, service = _code(place), _day(on), _service(config)
    book = Rulebook.load()
    limit = book.limit(code, on=day, service=service)
    if as_json:
        print_json(_answer(book, code, limit, day, service))
        return
    print(f"{limit.age} in {limit.jurisdiction} on {day.isoformat()}: {limit.why}")
    steps = bands(book, limit.jurisdiction, on=day, service=service)
    if len(steps) > 1:
        print("  " + "; ".join(f"under {age}: {action}" for age, action in steps))
    for rule in book.rules(limit.jurisdiction):
        print(f"  {_line(rule, day)}")


@app.command()
def lint(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of rule files; default the shipped ones.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
    on: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Look over the rules: overlaps, gaps, unknown codes, what is missing, what must be looked at again.

    Exit 0 without errors, 1 with them; warnings are errors with --strict.
    """
    found = find_faults(_service(config), on=_day(on), folder=folder)
    errors = [finding for finding in found if finding.level == "error"]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            print(finding)
        print(f"{len(errors)} error(s), {len(found) - len(errors)} warning(s)")
    raise typer.Exit(1 if errors or (strict and found) else 0)


@app.command()
def diff(
    start: Annotated[str, typer.Option("--from", help="The earlier day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--to", help="The later day, YYYY-MM-DD.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say in which places the limit changes between two days; with a host, how many accounts it reaches.

    Example: agegate law diff --from 2023-12-31 --to 2024-01-01
    """
    first, last = parse_day(start, "--from"), parse_day(end, "--to")
    assert first is not None
    assert last is not None
    if last < first:
        raise InputError("--to lies before --from; swap them")
    settings = find_config(config)
    service = settings.law_service if settings else Service()
    book = Rulebook.load()
    book.check(service)
    found = changes(book, start=first, end=last, service=service)
    impact = None
    if settings is not None and settings.host is not None:
        with progress_bar("accounts") as progress:
            impact = law_impact(settings, start=first, end=last, progress=progress)
    if as_json:
        print_json(
            {
                "from": first,
                "to": last,
                "changes": [_change(change) for change in found],
                "accounts": _impact(impact),
            }
        )
        return
    _show_changes(found)
    if impact is not None:
        _show_impact(impact)


@app.command()
def export(
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="csv or json.")] = "csv",
    on: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write every country of ISO 3166-1 with its limit on a day and its rules, or `not researched`.

    CSV has a row for every rule, and one for a place that has none. --json is --format json.

    Example: agegate law export --on 2026-12-01 > law.csv
    """
    day, service = _day(on), _service(config)
    entries = every_place(Rulebook.load(), on=day, service=service)
    if as_json or form == "json":
        print_json({"on": day, "floor": service.floor, "places": [_entry(entry, day) for entry in entries]})
        return
    rows = (row for entry in entries for row in _rows(entry, day))
    writer = csv.DictWriter(sys.stdout, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


COLUMNS = (
    *("place", "name", "researched", "limit", "set_by", "rule", "jurisdiction", "regime", "age", "attain"),
    *("gate", "mode", "basis", "law", "citation", "from", "until", "applies_to_new_from"),
    *("applies_to_existing_from", "status", "applies_to", "kinds", "confidence", "sourced", "sources"),
    *("checked", "note"),
)


def _rows(entry: Entry, on: date) -> Iterator[dict[str, object]]:
    head: dict[str, object] = {
        "place": entry.code,
        "name": entry.name,
        "researched": "yes" if entry.researched else "not researched",
        "limit": entry.limit.age,
        "set_by": entry.limit.name,
    }
    if not entry.rules:
        yield head
    for rule in entry.rules:
        facts = _facts(rule, on)
        yield {**head, **facts, "kinds": " ".join(sorted(rule.kinds)), "sources": " ".join(rule.sources)}


def _entry(entry: Entry, on: date) -> dict[str, object]:
    return {
        "place": entry.code,
        "name": entry.name,
        "status": "researched" if entry.researched else "not_researched",
        "limit": entry.limit.age,
        "set_by": entry.limit.name,
        "why": entry.limit.why,
        "rules": [_facts(rule, on) for rule in entry.rules],
    }


def _facts(rule: Rule, on: date) -> dict[str, object]:
    """A rule as `law` and `law export` print it; its status is that of the day asked for."""
    return {
        "rule": rule.id,
        "jurisdiction": rule.jurisdiction,
        "regime": rule.regime,
        "age": rule.age,
        "attain": rule.attain,
        "gate": rule.gate,
        "mode": rule.mode,
        "basis": rule.basis,
        "law": rule.law,
        "citation": rule.citation,
        "from": rule.start,
        "until": rule.until,
        "applies_to_new_from": rule.new_from,
        "applies_to_existing_from": rule.existing_from,
        "status": rule.status_on(on),
        "applies_to": rule.applies_to,
        "kinds": sorted(rule.kinds),
        "confidence": rule.confidence,
        "sourced": rule.sourced,
        "sources": list(rule.sources),
        "checked": rule.checked,
        "note": rule.note,
    }


def _day(text: str | None) -> date:
    return parse_day(text, "--on") or datetime.now(UTC).date()


def _service(path: Path | None) -> Service:
    """The configured service, its choices checked against the law; without a configuration the default."""
    settings = find_config(path)
    service = settings.law_service if settings else Service()
    Rulebook.load().check(service)
    return service


def _code(place: str) -> str:
    country, dash, region = place.strip().partition("-")
    code = parse_country(country)
    if code is None:
        raise InputError(f"no jurisdiction of that code in ISO 3166; {slip_hint(country)}")
    if not dash:
        return code
    part = parse_region(region, code)
    if part is None:
        raise InputError(f"no subdivision of {code} has that code in ISO 3166-2; write one such as CA-QC")
    return own_code(subdivision(code, part))


def _answer(book: Rulebook, place: str, limit: Limit, on: date, service: Service) -> dict[str, Any]:
    rule = limit.rule
    known = book.countries.get(place[:2])
    follows = known.follows if known else None
    return {
        "jurisdiction": limit.jurisdiction,
        "age": limit.age,
        "rule": rule.id if rule else None,
        "set_by": limit.name,
        "law": rule.law if rule else None,
        "citation": rule.citation if rule else None,
        "from": rule.start if rule else None,
        "until": rule.until if rule else None,
        "status": rule.status_on(on) if rule else _without_rule(limit),
        "why": limit.why,
        "follows": follows.country if follows else None,
        "existing_accounts": book.limit(place, on=on, service=service, created_on=on).age,
        "bands": [
            {"under": age, "action": action}
            for age, action in bands(book, limit.jurisdiction, on=on, service=service)
        ],
        "history": [_facts(past, on) for past in book.rules(limit.jurisdiction)],
    }


def _without_rule(limit: Limit) -> str:
    if limit.own is not None:
        return "own_rule"
    return "no_higher_limit" if limit.researched else "not_researched"


def _line(rule: Rule, on: date) -> str:
    span = f"{rule.start or '?'} to {rule.until or 'open'}"
    source = "" if rule.sourced else ", unverified"
    said = f"{rule.status_on(on)}, gate {rule.gate}{source}"
    return f"{rule.age:>2}  {span}  {said}: {rule.law}, {rule.citation}"


def _change(change: Change) -> dict[str, object]:
    return {
        "place": change.code,
        "before": change.before.age,
        "before_by": change.before.name,
        "after": change.after.age,
        "after_by": change.after.name,
        "existing_accounts": change.acting,
    }


def _show_changes(found: Iterable[Change]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("place", "before", "after", "law", "existing accounts"):
        table.add_column(name, overflow="fold")
    for change in found:
        reach = "to review" if change.acting else "left alone"
        table.add_row(change.code, str(change.before.age), str(change.after.age), change.after.why, reach)
    if table.row_count:
        console().print(table)
    print(f"{table.row_count} place(s) change")


def _impact(impact: LawImpact | None) -> dict[str, object] | None:
    if impact is None:
        return None
    return {
        "read": impact.accounts,
        "without_birth_date": impact.undated,
        "without_place": impact.placeless,
        "under_new_limit": [
            {"place": place, "rule": rule, "accounts": count, "to_review": impact.reviewable[place, rule]}
            for (place, rule), count in sorted(impact.under.items())
        ],
    }


def _show_impact(impact: LawImpact) -> None:
    for (place, rule), count in sorted(impact.under.items()):
        review = impact.reviewable[place, rule]
        print(f"{count} account(s) in {place} fall under {rule}; {review} of them may come to review")
    print(
        f"{impact.accounts} accounts read, {impact.under.total()} under a new limit; "
        f"{impact.undated} without a birth date, {impact.placeless} without a place"
    )
