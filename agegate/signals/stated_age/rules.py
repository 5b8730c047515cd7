"""What a statement of one's own age looks like: `RULES`, each a class of first-person English.

Every quantifier is bounded and none is nested over the same characters, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from agegate.birthdate import BirthDate
from agegate.errors import BirthDateError
from agegate.signals.stated_age import cues

YOUNGEST: Final = 4
"""Nobody younger writes."""

OLDEST: Final = 110
"""Above it a number is a joke or counts something else."""

OLDEST_MINOR: Final = 17

# --- the shapes of a number --------------------------------------------------------------------------

_VALUES: Final = {
    **{word: value for value, word in enumerate(cues.ONES, 1)},
    **{word: value for value, word in enumerate(cues.TEENS, 10)},
    **{word: 10 * value for value, word in enumerate(cues.TENS, 2)},
}
_VALUE: Final = re.compile("|".join(sorted(_VALUES, key=len, reverse=True)))
_SPELT: Final = (
    rf"(?:{'|'.join(cues.TENS)})(?:[- ]?(?:{'|'.join(cues.ONES)})\b)?"
    rf"|{'|'.join(sorted((*cues.TEENS, *cues.ONES), key=len, reverse=True))}"
)
_COUNTS_ON: Final = r"[0-9%°$#]|[.,:][0-9]|\s?[-/] ?[0-9]|\s?(?:st|nd|rd|th)\b"
_GLUED: Final = rf"(?P<n>[0-9]{{1,3}}(?!{_COUNTS_ON})|(?:{_SPELT})(?![a-z]))"
_N: Final = rf"(?<![\w.,:/$#]){_GLUED}"
HALF: Final = r"(?: and (?:a half|[a-z]{3,6} quarters)| 1/2)?"
OLD: Final = rf"(?:[- ]{{0,2}}(?:{cues.YEARS})(?:[- ]{{0,2}}(?:{cues.OLD})\b|/o\b|o\b)|[- ]?olds?\b)"
_AGED: Final = rf"{_GLUED}{OLD}"
_EDGE: Final = r"(?:^|[|/•·,;:\n*()~_-]) ?"
_ENDS: Final = r"(?= ?(?:[|/•·,;\n_](?! ?[0-9])|- |$))"
_DASH: Final = r"(?<![a-z0-9])[-~] ?"
_NAME: Final = rf"\b(?!(?:{cues.NOT_NAMES}|{cues.KIN})\b)[^\W\d_]{{2,15}}(?: [^\W\d_]{{1,15}})?"
_HEDGED: Final = rf"(?:[ ,.:=]{{1,3}}(?:{cues.HEDGES})\b){{0,4}}"
_I_AM: Final = rf"\b(?:{cues.I_AM})\b"
_CLAUSE: Final = rf"(?:^|[.!?;:,\n(-] {{0,2}}|\b(?:{cues.OPENERS}) )"
_DATE: Final = (
    r"(?:(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?(?: of)? )?"
    rf"(?:(?P<month>{'|'.join(cues.MONTHS)})[a-z]{{0,6}}\.?,? ?)?"
    r"(?:(?P<day_after>[0-9]{1,2})(?:st|nd|rd|th)?,? )?(?:[0-9]{1,2}[/.-][0-9]{1,2}[/.-])?"
    r"(?P<year>(?:19|20)[0-9]{2})(?![0-9])"
)

# --- what a statement says ---------------------------------------------------------------------------

Reading = Callable[[re.Match[str], date], BirthDate | None]


def _number(found: re.Match[str]) -> int:
    words = found["n"]
    return int(words) if words.isdecimal() else sum(_VALUES[word] for word in _VALUE.findall(words))


def _ages(youngest: int, oldest: int, on: date) -> BirthDate | None:
    return BirthDate.aged(youngest, oldest, on) if YOUNGEST <= youngest <= oldest <= OLDEST else None


def age_now(found: re.Match[str], on: date) -> BirthDate | None:
    """The number is the age."""
    return _ages(_number(found), _number(found), on)


def age_soon(found: re.Match[str], on: date) -> BirthDate | None:
    """The number is the age after the next birthday."""
    return _ages(_number(found) - 1, _number(found) - 1, on)


def younger(found: re.Match[str], on: date) -> BirthDate | None:
    """The number is an age of the teens that is still to come; anything later is a plan, not a limit."""
    return _ages(YOUNGEST, _number(found) - 1, on) if 9 < _number(found) <= 21 else None


def at_least(found: re.Match[str], on: date) -> BirthDate | None:
    """The number is passed. Only of adults: that children are "over 12" is consent text."""
    return _ages(_number(found), OLDEST, on) if _number(found) >= 18 else None


def decade(found: re.Match[str], on: date) -> BirthDate | None:
    """The number is the first year of a decade of life."""
    return _ages(_number(found), _number(found) + 9, on) if _number(found) % 10 == 0 else None


def born(found: re.Match[str], on: date) -> BirthDate | None:
    """A year, a month or a day of birth. In 04/05/2014 only the year is sure."""
    year, month, day = int(found["year"]), found["month"], found["day"] or found["day_after"]
    if not on.year - OLDEST <= year <= on.year - YOUNGEST:
        return None
    if month is None:
        return BirthDate.in_year(year)
    number = cues.MONTHS.index(month) + 1
    try:
        return BirthDate.on(date(year, number, int(day))) if day else BirthDate.in_month(year, number)
    except (ValueError, BirthDateError):
        return BirthDate.in_month(year, number)


def minor(found: re.Match[str], on: date) -> BirthDate | None:
    """No number: the writer is a child."""
    return _ages(YOUNGEST, OLDEST_MINOR, on)


# --- the classes of statement ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A class of statements; `reliability` is how often its finds are right in ordinary accounts.

    One of `hints` occurs in every text it can match: looking for them first keeps ordinary texts cheap.
    `profile_only` rules need the brevity of a profile, where a number alone between separators is an age.
    `exact` is false where only a limit is stated.
    """

    name: str
    read: Reading
    reliability: float
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    exact: bool = True
    profile_only: bool = False


def _rule(
    name: str, read: Reading, reliability: float, pattern: str, hints: str = "",
    *, exact: bool = True, profile_only: bool = False,
) -> Rule:  # fmt: skip
    return Rule(name, read, reliability, re.compile(pattern), tuple(hints.split("|")), exact, profile_only)


RULES: Final = (
    # "I'm 11", "im only 9 yrs old", "I am a 34 year old man"
    _rule("i-am", age_now, 0.97, rf"{_I_AM}{_HEDGED}[ -]{{0,3}}\(?{_GLUED}{HALF}{OLD}?", "m|i ame"),
    # "I am a kid who is 10", "im a child age 8"
    _rule(
        "i-am",
        age_now,
        0.95,
        rf"{_I_AM}(?: an?)? (?:{cues.PERSON}),? (?:{cues.WHO_IS}) {_GLUED}{OLD}?",
        "m",
    ),
    # "im8 lol": glued by haste
    _rule("i-am", age_now, 0.9, rf"\b(?:i'm|im|i am){_GLUED}(?![a-z]){OLD}?", "m"),
    # "so cool am 6 years old": the pronoun is dropped, so the unit must be there
    _rule("am", age_now, 0.95, rf"(?<!who )(?<!i )\bam{_HEDGED} {_AGED}", "am"),
    # "as a 7 year old, I", "coming from a 6 yr old", "me, a 14 year old"
    _rule(
        "year-old-self",
        age_now,
        0.92,
        rf"(?:{_CLAUSE}|\bfor (?=me ))(?:as|from|me,?|says) (?:just |only )?(?:an?|one) (?:only )?{_AGED}",
        "old|ole|yo|y/o|of age",
    ),
    # "this is a 14 year old boy"
    _rule("year-old-self", age_now, 0.9, rf"\bthis is an? {_AGED} (?:{cues.PERSON})\b", "this is a"),
    # "13 year old boy here"
    _rule(
        "year-old-here",
        age_now,
        0.92,
        rf"{_N}{OLD}(?: (?:{cues.PERSON})){{0,2}} (?:here|speaking)\b",
        "here|speaking",
    ),
    # "age: 11", "my age is 12", "me = 11"; in a profile "age 11"
    _rule(
        "key-value",
        age_now,
        0.93,
        rf"(?:{_EDGE}age(?: is|s? ?[:=-])|\bmy (?:{cues.TRUE} )?age(?: is| ?[:=-])){_HEDGED} ?{_GLUED}",
        "age",
    ),
    _rule("key-value", age_now, 0.9, rf"{_EDGE}aged? ?{_GLUED}", "age", profile_only=True),
    _rule("key-value", age_now, 0.9, rf"\bme ?[:=] ?{_GLUED}", "me"),
    # "- Mia, age 9", "by Otis the 7 year old", "-9 year old-" where a text ends
    _rule(
        "signed",
        age_now,
        0.92,
        rf"(?:{_DASH}|\b(?:love|from|by|signed),? ){_NAME}"
        rf"(?:,? aged? |, | \(|,? the ){_GLUED}{OLD}?[\s.!)-]{{0,4}}$",
        "-|~|love|from|by|signed",
    ),
    _rule(
        "signed",
        age_now,
        0.92,
        rf"(?:{_DASH}|\bby {_NAME},? (?:the|an?) ){_AGED}[^a-z]{{0,8}}$",
        "old|ole|yo|y/o|of age",
    ),
    # "my name is Otis, 9", "I'm Otis, 10"
    _rule(
        "introduced", age_now, 0.9, rf"\bmy name(?: is|'?s) {_NAME},?(?: and)?(?: aged?)? {_GLUED}", "my name"
    ),
    _rule("introduced", age_now, 0.85, rf"\b(?:i'm|im|i am) [a-z]{{2,15}}, (?:aged? )?{_N}{OLD}?", "m"),
    # "I'm almost 12", "I'll be 14 in May", "I turn 9 tomorrow", "my 10th birthday is next week"
    _rule("upcoming", age_soon, 0.93, rf"{_I_AM}{_HEDGED} (?:{cues.SOON}) (?:an? )?{_N}{OLD}?", "m"),
    _rule(
        "upcoming",
        age_soon,
        0.9,
        rf"\b(?:(?:{cues.I_WILL}) (?:soon |finally |only )?(?:be|turn|become)"
        rf"(?: turning)?|i turn) {_N}{OLD}?",
        "l be|l turn|i turn|l soon|l finally|l only|l become|gonna",
    ),
    _rule(
        "upcoming",
        age_soon,
        0.93,
        r"\bmy (?P<n>[0-9]{1,2})(?:st|nd|rd|th) (?:birthday|b-?day)(?: party)? "
        r"(?:is|will be) (?:on|in|next|tomorrow|this|coming|soon)\b",
        "day",
    ),
    _rule("upcoming", age_soon, 0.9, rf"(?:^|[|/•·\n] ?)(?:{cues.SOON}) {_N}{OLD}?", profile_only=True),
    # "I just turned 13"
    _rule(
        "turned",
        age_now,
        0.93,
        r"\bi(?:'ve|ve| have|'m)?(?: just| recently| finally| only| now| already){0,2} "
        rf"(?:turned|became) {_N}{OLD}?",
        "turned|became",
    ),
    # "I was born in 2013", "dob 2013-05-11"; in a profile "b. 11 May 2013"
    _rule(
        "born",
        born,
        0.95,
        rf"\b(?:i(?: was|'m| am)(?: actually| really| only)? born|im born|"
        rf"(?:my )?(?:{cues.BIRTH_FIELDS}))(?: is|:| on| in| the year| back| year|,|\.){{0,3}} ?{_DATE}",
        "born|b",
    ),
    _rule("born", born, 0.9, rf"{_EDGE}(?:born|b\.)(?: on| in|:){{0,2}} ?{_DATE}", "b", profile_only=True),
    # "I'm not 13 yet", "till I'm 13", "I don't turn 14 until May", "I'm under 13"
    _rule(
        "below",
        younger,
        0.92,
        rf"(?:{_I_AM}|\bi ain'?t)(?: still)?(?: not)?(?: even| quite| yet| old enough){{0,2}}"
        rf" {_N}{OLD}? (?:yet|until|till)",
        "yet|til",
        exact=False,
    ),
    _rule(
        "below",
        younger,
        0.92,
        rf"\b(?:until?l?|till?|'til|when|once|as soon as) (?:(?:{cues.I_AM})|"
        rf"i (?:turn|get|hit|reach|become))(?: at least| older than| about| like)? {_N}{OLD}?",
        "til|when|once|soon",
        exact=False,
    ),
    _rule(
        "below",
        younger,
        0.93,
        r"\bi (?:don'?t|do not|won'?t|haven'?t|didn'?t) (?:turn|turned|be|hit|reach)(?: even)?"
        rf" {_N} (?:until|till|yet|for)",
        "til|yet|for",
        exact=False,
    ),
    _rule(
        "below",
        younger,
        0.92,
        rf"{_I_AM}(?: still| only)? (?:under|below|younger than|less than) (?:the age of )?"
        rf"{_N}{OLD}?",
        "under|below|than",
        exact=False,
    ),
    # "I'm in my late 50s", "I'm over 40"
    _rule(
        "decade",
        decade,
        0.95,
        rf"{_I_AM} in my (?:[a-z/-]{{3,6}}[ -]){{0,2}}(?P<n>[2-9]0)'?s",
        "in my",
        exact=False,
    ),
    _rule(
        "above",
        at_least,
        0.7,
        rf"{_I_AM}(?: well| way)? (?:over|above|past) {_N}{OLD}?",
        "over|above|past",
        exact=False,
    ),
    # "I'm a kid too"
    _rule(
        "child",
        minor,
        0.9,
        rf"{_I_AM}(?: only| just| still| literally)? a (?:{cues.CHILD})\b",
        "m",
        exact=False,
    ),
    # "eight, I mean nine": counts only where there is an age to correct
    _rule(
        "corrected", age_now, 0.9, rf"\b(?:{cues.CORRECTIONS})[,. ]{{1,3}}{_N}{OLD}?", "mean|oops|wait|sorry"
    ),
    # profile: "Otis, 10, drummer", "11yo baker", "they | 12 | frogs"
    _rule("signed", age_now, 0.9, rf"^{_NAME}, {_N}(?= ?(?:[,|/.-]|$))", ",", profile_only=True),
    _rule("headline", age_now, 0.92, rf"{_EDGE}{_AGED}", profile_only=True),
    _rule(
        "bare",
        age_now,
        0.65,
        rf"(?:^|(?<![0-9])[|/•·,;\n] ?|(?<!\w)- ?|[_.] ){_GLUED}{_ENDS}",
        profile_only=True,
    ),
)

_DIGIT: Final = re.compile(r"[\d\u2460-\u2473\uff41-\uff5a\U0001d400-\U0001d7ff\U0001f51f]")
_STEM: Final = re.compile(
    "|".join((*cues.ONES[3:], "eleven", "twelve", "thirt", "ten", "twenty", "fort", "fift"))
)
_SPACED: Final = re.compile(r" [a-z] [a-z]\b")
_CHILD: Final = re.compile(rf" a (?:{cues.CHILD})\b")


def may_match(text: str) -> bool:
    """Whether any rule can match: the cheap look that spares nine texts in ten the grammar."""
    if _DIGIT.search(text) is not None:
        return True
    lower = text.lower()
    return any(look.search(lower) is not None for look in (_STEM, _CHILD, _SPACED))
