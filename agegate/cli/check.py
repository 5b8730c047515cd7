"""`agegate check`: what the gate answers to one registration."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agegate.cli.terminal import ConfigOption, JsonOption, find_config, is_terminal, parse_day, print_json
from agegate.errors import InputError
from agegate.model import Decision, Outcome, Registration
from agegate.signup import AgeGate

EXIT: Final = {Outcome.ADMIT: 0, Outcome.REFUSE: 1, Outcome.INVALID: 2}

Text = Annotated[str | None, typer.Option()]


def check(
    birth_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD, YYYY-MM or YYYY.")] = None,
    country: Annotated[str | None, typer.Option(help="Where the person says to live, as DE or US.")] = None,
    region: Annotated[str | None, typer.Option(help="Subdivision of that country, as QC or CA-QC.")] = None,
    billing_country: Annotated[str | None, typer.Option(help="Country of the billing address.")] = None,
    payer: Annotated[str | None, typer.Option(help="Who pays, if not the learner: company, school, …")] = None,
    phone: Text = None,
    email: Text = None,
    ip_country: Annotated[str | None, typer.Option(help="Country of the IP address; only raises.")] = None,
    ip: Annotated[str | None, typer.Option(help="The IP address, for gate.ip_database.")] = None,
    locale: Annotated[str | None, typer.Option(help="The device's, as fr-FR.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="The device's, as Europe/Paris.")] = None,
    device: Annotated[str | None, typer.Option(help="The host's own device id.")] = None,
    on: Annotated[str | None, typer.Option(help="Decide as on this day, YYYY-MM-DD.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the gate about one registration, from options or as a JSON object on stdin.

    Without a configuration nothing is remembered. With one the answer is the real gate's: a refusal is
    remembered for its term. Exit 0 admit, 1 refuse, 2 invalid.

    Example: agegate check --birth-date 2012-05-01 --country FR
    """
    given: dict[str, Any] = {
        "birth_date": birth_date,
        "country": country,
        "region": region,
        "billing_country": billing_country,
        "payer": payer,
        "phone": phone,
        "email": email,
        "ip_country": ip_country,
        "ip": ip,
        "locale": locale,
        "time_zone": time_zone,
        "device": device,
    }
    if not any(given.values()) and not is_terminal(sys.stdin):
        given = _read_stdin()
    decision = _gate(config).check(Registration(**given), today=parse_day(on, "--on"))
    _show(decision, as_json)
    raise typer.Exit(EXIT[decision.outcome])


def _gate(path: Path | None) -> AgeGate:
    return AgeGate() if find_config(path) is None else AgeGate.from_config(path)


def _read_stdin() -> dict[str, Any]:
    try:
        text = sys.stdin.read() if sys.stdin else ""
        if not text.strip():
            return {}
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError('stdin: not JSON; write one object such as {"birth_date": …, "country": …}') from None
    known = {field.name for field in fields(Registration)} - {"age_signals"}
    if not isinstance(content, dict) or set(content) - known:
        # What was given instead is not repeated: it may be the person's.
        raise InputError(f"stdin: not a registration; its keys are {', '.join(sorted(known))}")
    return content


def _show(decision: Decision, as_json: bool) -> None:
    limit = decision.limit
    if as_json:
        print_json(
            {
                "outcome": decision.outcome,
                "reason": decision.reason,
                "limit": limit.age if limit else None,
                "jurisdiction": limit.jurisdiction if limit else None,
                "rule": limit.rule.id if limit and limit.rule else None,
                "set_by": limit.name if limit else None,
                "why": limit.why if limit else None,
                "conflicts": list(decision.residence.conflicts) if decision.residence else [],
                "errors": [asdict(error) for error in decision.errors],
            }
        )
        return
    print(f"{decision.outcome}: {decision.reason}")
    if limit is not None:
        print(f"limit {limit.age}: {limit.why}")
    for error in decision.errors:
        print(f"{error.field}: {error.message}")
