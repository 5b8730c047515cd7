"""`agegate law`: which minimum age holds in a place on a day, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from agegate.cli.terminal import ConfigOption, JsonOption, find_config, parse_day, print_json
from agegate.errors import InputError
from agegate.law import COMMON_SLIPS, Rulebook, parse_country, parse_region, subdivision
from agegate.model import Limit, Rule, Service


def law(
    place: Annotated[str, typer.Argument(help="A country (DE) or a subdivision (CA-QC), ISO 3166.")],
    on: Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD; default today.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say which minimum age holds in a place on a day, by which law, with the history of its rules.

    Example: agegate law DK --on 2023-12-31
    """
    code = _code(place)
    day = parse_day(on, "--on") or datetime.now(UTC).date()
    settings = find_config(config)
    service = settings.law_service if settings else Service()
    book = Rulebook.load()
    limit = book.limit(code, on=day, service=service)
    rules = book.rules(limit.jurisdiction)
    if as_json:
        print_json(_answer(limit, rules))
        return
    print(f"{limit.age} in {limit.jurisdiction} on {day.isoformat()}: {limit.why}")
    for rule in rules:
        print(f"  {_line(rule)}")


def _code(place: str) -> str:
    country, _, region = place.strip().partition("-")
    code = parse_country(country)
    if code is None:
        slip = COMMON_SLIPS.get(country.upper())
        hint = f"write {slip}" if slip else "write a code such as DE, or CA-QC for a subdivision"
        raise InputError(f"no jurisdiction of that code in ISO 3166; {hint}")
    if not region:
        return code
    part = parse_region(region, code)
    if part is None:
        raise InputError(f"no subdivision of {code} of that shape; write one such as CA-QC")
    return subdivision(code, part)


def _answer(limit: Limit, rules: tuple[Rule, ...]) -> dict[str, Any]:
    rule = limit.rule
    return {
        "jurisdiction": limit.jurisdiction,
        "age": limit.age,
        "rule": rule.id if rule else None,
        "law": rule.law if rule else None,
        "citation": rule.citation if rule else None,
        "from": rule.start if rule else None,
        "until": rule.until if rule else None,
        "status": rule.status if rule else ("no_higher_limit" if limit.researched else "not_researched"),
        "history": [
            {
                "rule": past.id,
                "jurisdiction": past.jurisdiction,
                "regime": past.regime,
                "age": past.age,
                "gate": past.gate,
                "law": past.law,
                "citation": past.citation,
                "from": past.start,
                "until": past.until,
                "status": past.status,
                "confidence": past.confidence,
                "sources": list(past.sources),
                "checked": past.checked,
            }
            for past in rules
        ],
    }


def _line(rule: Rule) -> str:
    span = f"{rule.start or '?'} to {rule.until or 'open'}"
    source = "" if rule.sourced else ", unverified"
    return f"{rule.age:>2}  {span}  {rule.status}, gate {rule.gate}{source}: {rule.law}, {rule.citation}"
