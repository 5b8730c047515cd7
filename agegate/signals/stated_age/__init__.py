"""The age the writer states: "I'm 11", "as a 7 year old, I", "born in 2013", "not 13 yet", "I'm 34".

A number is easy to find; what it counts and whose it is decides. So a text goes through four steps:

1. `plain.normalised` undoes disguises (full-width, keycap and spaced-out characters) and remembers where
   each character came from, so that a span points into the text as it was written.
2. `rules.RULES`, each a class of first-person statement, find candidates.
3. `vetoes.VETOES` throw out what counts something else, is another's, or is not asserted of the present.
4. `last_asserted` keeps one: "I'm 8, I mean 9" is 9.

`cues` holds the words. Adult ages are found by the same rules: they are the best evidence that a child's age
elsewhere is a slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from agegate.model import Account, Evidence, Signal, Text
from agegate.signals.stated_age.plain import normalised
from agegate.signals.stated_age.rules import RULES, may_match
from agegate.signals.stated_age.vetoes import vetoed

FIRM: Final = 0.8
"""From this reliability on a find outranks a later, weaker one of the same text."""


def finds(text: Text) -> Iterator[Evidence]:
    """Every own age asserted in a text, rule by rule."""
    plain = normalised(text.text)
    for rule in RULES:
        if rule.profile_only and text.kind != "profile":
            continue
        if not any(hint in plain.text for hint in rule.hints):
            continue
        for found in rule.pattern.finditer(plain.text):
            born = rule.read(found, text.written_on)
            if born is None or vetoed(rule, found):
                continue
            start, end = plain.span(found)
            yield Evidence(
                signal="stated_age",
                rule=rule.name,
                born=born,
                reliability=rule.reliability,
                source=text.field,
                said_on=text.written_on,
                exact=rule.exact,
                where=(text.field, text.row),
                span=(start, end),
                words=text.text[start:end],
            )


def last_asserted(found: Sequence[Evidence]) -> Evidence | None:
    """The last age a text states outright; without one the last limit, without that the last weak find.

    A correction counts only where there is an age to correct.
    """
    stated = [evidence for evidence in found if evidence.rule != "corrected"]
    if not any(evidence.exact for evidence in stated):
        found = stated
    return max(found, key=lambda one: (one.exact, one.reliability >= FIRM, _end(one)), default=None)


def _end(evidence: Evidence) -> tuple[int, int]:
    """Where its words end; of two that end together the longer one comes last."""
    start, end = evidence.span or (0, 0)
    return end, -start


def observe(account: Account, today: date) -> Iterator[Evidence]:
    """One piece of evidence for each text in which the writer states an age."""
    for text in account.texts:
        if may_match(text.text):
            evidence = last_asserted(tuple(finds(text)))
            if evidence is not None:
                yield evidence


SIGNAL: Final = Signal("stated_age", "the age the account's holder states in what they write", observe)
