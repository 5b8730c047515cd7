"""The rows that the people of the demo's host leave behind: what they gave, wrote and did."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from agegate.demo import schema
from agegate.demo.world import COUNTRIES, NAMES, Person, World

Rows: TypeAlias = dict[sa.Table, list[dict[str, Any]]]
"""Rows to be inserted, by table."""

DOMAINS: Final = ("example.com", "example.org", "example.net")
NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")
"""Domains (RFC 2606) and addresses (RFC 5737) that belong to nobody."""


# --- what they write ---------------------------------------------------------------------------------


def _say(world: World, template: str, person: Person, on: date) -> str:
    return template.format_map({name: _FILL[name](world, person, on) for name in _names(template)})


@cache
def _names(template: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(template) if name))


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number if number < 20 else number % 10, 'th') }"


def _school_year(person: Person, on: date) -> int:
    """The American grade: how old one was when the school year began in September, less five."""
    return person.age(date(on.year if on.month >= 9 else on.year - 1, 9, 1)) - 5


def _child_of(world: World, person: Person, on: date) -> int:
    return world.rng.randint(2, max(3, min(16, person.age(on) - 21)))


_Fill: TypeAlias = Callable[[World, Person, date], object]


def _word(part: str) -> _Fill:
    return lambda world, _person, _on: world.pick(NAMES[part])


def _between(least: int, most: int) -> _Fill:
    return lambda world, _person, _on: world.rng.randint(least, most)


_WORDS_FOR_AGES: Final = dict(enumerate(("eight", "nine", "ten", "eleven", "twelve"), 8))

_FILL: Final[Mapping[str, _Fill]] = {
    "age": lambda _world, person, on: person.age(on),
    "age_word": lambda _world, person, on: _WORDS_FOR_AGES.get(person.age(on), person.age(on)),
    "next": lambda _world, person, on: person.age(on) + 1,
    "born_year": lambda _world, person, _on: person.born.year,
    "born_long": lambda _world, person, _on: f"{person.born.day} {person.born:%B %Y}",
    "first": lambda _world, person, _on: person.first,
    "grade": lambda _world, person, on: _ordinal(_school_year(person, on)),
    "grade_number": lambda _world, person, on: _school_year(person, on),
    "year_group": lambda _world, person, on: _school_year(person, on) + 1,
    "class_of": lambda _world, person, _on: person.born.year + 18,
    "class_short": lambda _world, person, _on: f"{(person.born.year + 18) % 100:02}",
    "company": lambda world, person, _on: world.employer(person),
    "years": lambda world, person, on: world.rng.randint(2, max(3, min(35, person.age(on) - 20))),
    "career": _between(25, 44),
    "grandchild": _between(7, 17),
    "kid": _child_of,
    "kid2": _child_of,
    "any_grade": lambda world, _person, _on: _ordinal(world.rng.randint(1, 8)),
    "any_age": _between(6, 12),
    "any_year": _between(1, 9),
    "teen_age": _between(14, 18),
    "past": _between(6, 12),
    "past_later": _between(13, 17),
    "late": _between(19, 33),
    "since": lambda world, _person, on: on.year - world.rng.randint(1, 14),
    "grad": lambda world, _person, on: on.year + world.rng.randint(0, 3),
    "siblings": lambda world, _person, _on: world.pick(("two", "three", "four", "five")),
    "n": _between(3, 30),
    "more": _between(31, 60),
    "streak": _between(10, 400),
    "team": _between(6, 45),
    "people": _between(60, 900),
    "km": lambda world, _person, _on: world.pick((5, 8, 10, 12, 21)),
    "minutes": _between(11, 40),
    "pet": _between(2, 13),
    "town": _word("town"),
    "topic": _word("topic"),
    "topic2": _word("topic"),
}
"""What the braces of a template stand for."""


def _names_used(world: World, person: Person, number: int) -> tuple[str, str]:
    """An e-mail address and a user name; a pupil's carries the year of birth, as schools like to do."""
    first, last = person.first.lower(), person.last.lower()
    if person.school is not None:
        handle = world.unique(f"{first}{person.born.year}", number)
        state = world.pick(COUNTRIES["US"]["regions"]).lower()
        return f"{handle}@students.{person.school.lower()}.k12.{state}.us", handle
    styles = (
        f"{first}.{last}",
        f"{first}{world.rng.randint(1, 99)}",
        f"{world.pick(NAMES['handle'])}{world.rng.randint(2, 99)}",
        f"{world.pick(NAMES['handle'])}_{first}",
        f"{first}_{last}",
        f"{first}{person.created.year - world.rng.randint(0, 9)}",
        f"{last}.{first}",
    )
    handle = world.unique(world.pick(styles), number)
    if person.organisation is not None:
        domain = world.employer(person).lower().replace(" ", "-") + ".example"
    else:
        domain = world.pick(DOMAINS)
    formal = world.chance(0.7) and handle != f"{first}.{last}"
    local = world.unique(f"{first}.{last}", number) if formal else handle
    return f"{local}@{domain}", handle


def write(world: World, rows: Rows, number: int, person: Person) -> None:
    """Add all rows of one person, who gets this number."""
    adult = person.age(person.created.date()) >= 18
    rows[schema.accounts].append(_account(world, number, person, adult=adult))
    _write_details(world, rows, number, person, adult=adult)
    _write_traces(world, rows, number, person)
    if person.ticket is not None:
        _write_ticket(world, rows, number, person, *person.ticket)


def _account(world: World, number: int, person: Person, *, adult: bool) -> dict[str, object]:
    """What was given at sign-up; a few adults of earlier days were never asked for their country."""
    email, username = _names_used(world, person, number)
    code, regions, phones = (person.country[key] for key in ("code", "regions", "phones"))
    asked = not adult or world.chance(0.96)
    return {
        "id": number,
        "organisation_id": person.organisation,
        "first_name": person.first,
        "last_name": person.last,
        "email": email,
        "phone": world.digits(world.pick(phones)) if phones and world.chance(0.35) else None,
        "username": username,
        "birth_date": person.declared,
        "role": person.role,
        "company": world.employer(person) if person.organisation and world.chance(0.8) else None,
        "country": code if asked else None,
        "region": world.pick(regions) if asked and regions and world.chance(0.6) else None,
        "plan": world.pick(("free", "free", "free", "plus", "team")),
        "created_at": person.created,
    }


def _write_details(world: World, rows: Rows, number: int, person: Person, *, adult: bool) -> None:
    """What the person gave: profile, settings, billing."""
    country = person.country
    settings = {"locale": world.pick(country["locales"]), "time_zone": world.pick(country["zones"])}
    rows[schema.settings].append({"account_id": number, **settings, "marketing": world.chance(0.3)})
    if person.bio is not None or world.chance(0.5):
        template, at = person.bio or (None, person.created)
        bio = None if template is None else _say(world, template, person, at.date())
        interests = f"{world.pick(NAMES['topic'])}, {world.pick(NAMES['topic'])}"
        row = {"bio": bio, "interests": interests if world.chance(0.4) else None, "updated_at": at}
        rows[schema.profiles].append({"account_id": number, **row})
    if adult and world.chance(0.25):
        rows[schema.billing].append(
            {
                "account_id": number,
                "name": f"{person.first} {person.last}",
                "address": f"{world.rng.randint(1, 200)} {world.pick(NAMES['trade'])} Row",
                "country": country["code"] if world.chance(0.97) else world.country()["code"],
                "card_last4": world.digits("####"),
                "created_at": world.moment(person.created),
            }
        )


def _write_traces(world: World, rows: Rows, number: int, person: Person) -> None:
    """What is left behind without a word: how many rows, and what is in them besides their moment."""
    for table, (counts, moment, trace) in _TRACES.items():
        for _ in range(world.pick(counts)):
            row = {"account_id": number, **trace(world), moment: world.moment(person.created)}
            rows[table].append(row)


def _device(world: World) -> dict[str, object]:
    system, browser = world.pick(("Windows", "macOS", "Linux", "Android")), world.pick(("Firefox", "Chrome"))
    return {"device_id": f"{world.rng.getrandbits(64):016x}", "os": system, "browser": browser}


def _page_tag(world: World) -> dict[str, object]:
    page = world.pick(("/", "/prices", "/lessons", "/mail/opened"))
    return {"cookie": f"{world.rng.getrandbits(64):016x}", "page": page}


def _access(world: World) -> dict[str, object]:
    address = f"{world.pick(NETWORKS)}.{world.rng.randint(1, 254)}"
    return {"ip": address, "path": f"/lessons/{world.lesson()}"}


def _partner(world: World) -> dict[str, object]:
    known = world.pick(("reads the newsletter", "opened an offer", "was at a fair"))
    return {"partner": f"{world.pick(NAMES['trade'])} Exchange", "content": known}


_TRACES: Final[Mapping[sa.Table, tuple[tuple[int, ...], str, Callable[[World], dict[str, object]]]]] = {
    schema.usage_events: ((0, 1, 2, 4, 6), "at", lambda world: {"lesson_id": world.lesson()}),
    schema.devices: ((1, 1, 1, 2), "seen_at", _device),
    schema.page_tags: ((0, 1, 2), "at", _page_tag),
    schema.access_logs: ((1, 2, 3, 4), "at", _access),
    schema.referrals: (
        (0, 0, 0, 1),
        "at",
        lambda world: {"source": world.pick(("newsletter", "search", "friend", "school"))},
    ),
    schema.partner_data: ((0,) * 9 + (1,), "received_at", _partner),
}


def _write_ticket(
    world: World, rows: Rows, number: int, person: Person, ticket: Mapping[str, str], opened: datetime
) -> None:
    """A ticket with what its opener asked and, for most, what staff answered."""
    world.tickets += 1
    subject = {"id": world.tickets, "account_id": number, "subject": ticket["subject"]}
    rows[schema.support_tickets].append({**subject, "opened_at": opened})
    asked = {"author_id": number, "body": _say(world, ticket["asks"], person, opened.date())}
    messages = [{**asked, "sent_at": opened}]
    answered = opened + timedelta(hours=world.rng.randint(1, 30))
    if answered < world.end:
        messages.append({"author_id": None, "body": ticket["answer"], "sent_at": answered})
    rows[schema.ticket_messages].extend({"ticket_id": world.tickets, **message} for message in messages)
