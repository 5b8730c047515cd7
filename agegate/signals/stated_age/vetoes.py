"""What unmakes a find: the words around it say that it is no assertion of the writer's own present age.

Eight classes, by letter: a unit, b owner, c tense, d mood, e duration, f comparison, g rule text; the eighth,
h, is that the last assertion wins, which `last_asserted` sees to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agegate.signals.stated_age import cues
from agegate.signals.stated_age.rules import HALF, OLD, Rule

BEFORE: Final = 60
"""Characters looked at before a find."""


@dataclass(frozen=True, slots=True)
class Veto:
    """Words that unmake a find: `before` it, or `after` its number. `unless` the find itself holds some."""

    name: str
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    rules: frozenset[str] = frozenset()
    unless: re.Pattern[str] | None = None


def _before(name: str, pattern: str, rules: str = "", unless: str | None = None) -> Veto:
    """A veto by what stands before a find; it bears on the `rules` named, or on all."""
    return Veto(
        name, re.compile(pattern), None, frozenset(rules.split()), (unless and re.compile(unless)) or None
    )


def _after(name: str, pattern: str, rules: str = "", unless: str | None = None) -> Veto:
    """A veto by what follows a number; it bears on the `rules` named, or on all."""
    return Veto(
        name, None, re.compile(pattern), frozenset(rules.split()), (unless and re.compile(unless)) or None
    )


_YEARS: Final = rf"(?:{OLD}|[- ]{{0,2}}(?:{cues.YEARS})\b)?"
_FIRM: Final = rf"\b(?:{cues.FIRM_HEDGES})\b"

VETOES: Final = (
    # a: what is counted is not years of life: "I'm 5 weeks in", "I'm 5'11", "I'm 3 turns from winning"
    _after("unit", rf"{HALF}[- ]{{0,2}}(?:{cues.UNITS})\b|[- ]?[ap]m\b(?! i\b)| ?(?:%|°)| for [0-9]"),
    _after("height", r"(?<=\b[4-8])(?:'|\"| [0-9]{1,2}\b)| ?['\"] ?[0-9]"),
    _after("plural", rf"{HALF}[- ](?!(?:{cues.NOT_PLURAL})\b)[a-z]{{2,14}}[^su\W]s\b(?! old)"),
    _after(
        "progress",
        rf" (?!(?:{cues.ADVERBS})\b)[a-z]{{2,12}} (?:{cues.PROGRESS})\b",
    ),
    # b: another's age, or a thing's: "my 9 year old", "dad of two | 8", "a 10 year old's mom"
    _after("owner", rf"{OLD}'s [a-z]|{OLD} (?:{cues.THINGS})\b"),
    _before("owner", rf"\b(?:{cues.OWNERS})(?: \w{{1,12}})? ?$", "year-old-here headline"),
    _before("owner", rf"\b(?:{cues.FAMILY_ROLES})\b", "headline bare"),
    _before("owner", rf"\b(?:{cues.FAMILY_ROLES}|{cues.KIN})\b[^.!?\n]{{0,50}}$", "key-value introduced"),
    _before(
        "owner",
        rf"\b(?:my|our) (?:\w{{1,10}} )?(?:{cues.OWN_FAMILY})\b[^.!?\n]{{0,40}}$",
        "year-old-self signed key-value",
    ),
    _after(
        "owner",
        rf"{OLD}s?,? (?:{cues.FAMILY_ROLES}|{cues.ENJOYS}|he|she|they)\b",
        "headline year-old-self signed",
    ),
    _before(
        "owner",
        rf"\b(?:my|our|his|her|their) (?:\w{{1,10}} )?(?:{cues.OWN_FAMILY})\b[^.!?\n]{{0,20}}[:\"] ?[\"']?$",
    ),
    _after("owner", rf",? (?:old )?(?:{cues.FAMILY_ROLES}|{cues.OWN_FAMILY})\b", "key-value"),
    _after("owner", rf".{{0,60}}\b(?:{cues.GROUPS})\b", "born", unless=r"\b(?:i|im|my)\b"),
    _before("unit", rf"\b(?:{cues.NOT_NAMES})[ ,.:#-]{{0,3}}$", "bare"),
    # c: then, not now: "when I'm 30", "the day I turned 16", "as a 5 year old I was"
    _before("tense", rf"\b(?:{cues.NOT_NOW}) (?:that )?$", "i-am am turned upcoming above child", unless=_FIRM),
    _before("tense", r"\b(?:that|the|one|same) (?:day|night|year|week|summer),? $", "turned"),
    _after("tense", rf"{_YEARS},? (?:back in|in (?:19|20)[0-9]{{2}})\b"),
    _after("tense", rf"{_YEARS},? (?:{cues.AMENDED_PAST})\b", "year-old-self headline turned"),
    _after(
        "tense",
        rf"{_YEARS},? (?:.{{0,14}}years ago|in (?:[0-9]{{1,2}}|\w{{3,5}}|a few) years?\b)",
        "turned upcoming",
    ),
    # d: seeming, wishing, quoting, figures of speech: "explain like I'm 5", "it thinks I'm 8", "12 at heart"
    _before("mood", rf"\b(?:{cues.SEEMING})(?: that| as| like)?,? ?[\"']?$"),
    _before("mood", r"[^\s,.!?;:)] (?:like|as) $", unless=_FIRM),
    _after("mood", rf"{_YEARS} \(?(?:{cues.IN_A_SENSE})\b"),
    _after("mood", rf"[- ](?:{cues.CHILD_OF_WHAT})", "child"),
    # e, f: years of something, older than somebody: "I'm 6 years clean", "I'm 10 years older"
    _after("duration", rf"[- ]?(?:{cues.YEARS})[ ,]{{1,2}}(?:{cues.COUNTED_SINCE})\b"),
    # g: text of a rule: "I am 14 or older", "ages 9 to 12"
    _after("rule-text", rf"{_YEARS} ?(?:{cues.RULES_OF_USE})"),
    _after("range", r" ?(?:to|and|or|&|,) ?[0-9]", "key-value headline bare"),
)


def vetoed(rule: Rule, found: re.Match[str]) -> bool:
    """Whether the words around a find say that it is no assertion of the writer's own present age."""
    before = found.string[max(0, found.start() - BEFORE) : found.start()]
    number_ends = found.end("n") if "n" in found.re.groupindex else found.end()
    for veto in VETOES:
        if veto.rules and rule.name not in veto.rules:
            continue
        if veto.unless is not None and veto.unless.search(found[0]):
            continue
        if veto.before is not None and veto.before.search(before):
            return True
        if veto.after is not None and veto.after.match(found.string, number_ends):
            return True
    return False
