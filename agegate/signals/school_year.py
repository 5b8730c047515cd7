"""The school year the writer says to be in: "I'm in 4th grade", "year 6 pupil", "class of 2036", "P5".

A school year is an age only with a country's school calendar, so it speaks for every usual age in that year:
of the account's country if that is known, else of all countries where the word is used. It is never exact:
children repeat and skip years, which `reliability` accounts for.

Most school years in texts are not the writer's: courses ("7th grade math"), teachers, parents, memories. So
a find needs the writer as its subject, or to open a line of a profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from agegate.birthdate import BirthDate
from agegate.model import Account, Evidence, Signal, Text
from agegate.signals.stated_age.plain import normalised

# --- the school calendar -----------------------------------------------------------------------------

Ages = tuple[int, int]

OFFSETS: Final[Mapping[str, Mapping[str, Ages]]] = {
    "grade": {"": (5, 6), "DE": (5, 7), "AT": (5, 7), "CH": (5, 7), "PL": (5, 7)},
    "year": {"": (4, 6), "GB": (4, 5), "NZ": (4, 5), "AU": (5, 6)},
    "class": {"": (5, 6), "DE": (5, 7), "AT": (5, 7), "CH": (5, 7), "PL": (5, 7), "NL": (3, 4)},
    "primary": {"": (4, 6), "GB": (4, 5), "SG": (5, 6), "HK": (5, 6)},
}
"""Years to add to a school year for its youngest and oldest usual age, by word and country; "" is any other.

US grade g is g+5 to g+6, UK year y is y+4 to y+5, Australian year y+5 to y+6, Indian class c+5 to c+6; in
Germany and Poland a late start adds a year, the Dutch `groep` counts from age 4.
New Zealand and the row of `primary` (P1 to P7) are from memory and await a source.
"""

STAGES: Final[Mapping[str, Ages]] = {"elementary": (5, 12), "primary": (4, 12), "middle": (10, 15)}
"""The usual ages at a kind of school, over countries. High schools reach beyond 18 and say too little."""

SCHOOL_YEAR_STARTS: Final = 8
"""The month from which a text belongs to the school year that ends in the next calendar year."""

COLLEGE_YEARS: Final = 5
"""A class that graduates later than this many years from now cannot be a college class."""

# --- cues: English words, no grammar -----------------------------------------------------------------

ORDINALS: Final = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth"),
)
CARDINALS: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
MISSPELT: Final = {"forth": 4, "fith": 5, "fitth": 5, "eigth": 8, "nineth": 9, "twelveth": 12}
I_AM: Final = r"i ?'?a?m|i ame|l'm|iam"
I_ATTEND: Final = "i go to|i attend|i study in|i study at|i read in|reading in|studying in|study in"
HEDGES: Final = (
    "only|just|still|now|currently|actually|like|already|about|also|almost|an?|the|in|at|on|right now|"
    "finally|basically"
)
JOINING: Final = (
    "going (?:on |in)?(?:to|in)|about to (?:start|enter|be in|go to|go into)|starting|entering|gonna be in|"
    "moving up to|"
    "ready for|almost in"
)
LEAVING: Final = "finished|completed|passed|graduated|ended"
GRADE: Final = "grade|garde|std|standard"
PUPIL: Final = "student|pupil|kid|boy|girl|child"
OTHERS: Final = (
    r"teach(?:er|ers|es|ing)?|taught|tutor|coach|principal|head|sons?|daughters?|kids?|child|children|brother|sister|"
    r"cousin|niece|nephew|grand\w{3,9}|mom|mum|mother|dad|father|parent|alumn\w{1,3}|volunteer"
)
TEACHING: Final = (
    "teach|teacher|teaching|tutor|aide|para|field|curriculum|level|standards|counsel|counsell?or|parent|mom|dad|"
    "classroom|homeroom|assistant|instructor|coach|librarian|educator|co-ordinator|coordinator|lead|chair"
)
COUNTED: Final = "days|times|hours|weeks|minutes|people|of us"
HIGHER_STUDIES: Final = (
    "of (?:my|the|a|an|our|uni|university|college|med|medical|law|this|phd|ba|bsc)|at uni|undergrad"
)
SEEMING: Final = (
    "like|if|when|since|wish|pretend|thinks?|thought|feels?|as if|remember|until|till|while|before|"
    "whenever|once"
)

# --- grammar -----------------------------------------------------------------------------------------

_YEARS: Final = {
    **{word: year for words in (ORDINALS, CARDINALS) for year, word in enumerate(words, 1)},
    **MISSPELT,
}
_WORDS: Final = "|".join(sorted(_YEARS, key=len, reverse=True))
_TH: Final = rf"(?P<year>[0-9]{{1,2}}(?: ?(?:st|nd|rd|th))?|{_WORDS})"
_NO: Final = rf"(?P<year>[0-9]{{1,2}}(?![0-9])(?![.:/,-][0-9])|{_WORDS})(?:st|nd|rd|th)?\b"
_AGED: Final = r"(?:,? [0-9a-z]{1,7}(?: ?(?:years?|yrs?)(?:[- ]?old)?)?,? (?:and|n|&))?"
_I: Final = (
    rf"\b(?:(?:{I_AM})\b{_AGED}(?:,? (?:{HEDGES})\b){{0,4}}|{I_ATTEND})(?: (?P<joining>{JOINING}))?(?: the)?"
)
_STAGE: Final = "|".join(STAGES)
_OPENING: Final = r"(?:^|[|/•·;\n] ?)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A class of statements, the calendar word to read them with and how often its finds are right."""

    name: str
    word: str
    pattern: re.Pattern[str]
    reliability: float
    profile_only: bool = False


def _rule(name: str, pattern: str, reliability: float, word: str = "", profile_only: bool = False) -> Rule:
    return Rule(name, word or name, re.compile(pattern), reliability, profile_only)


RULES: Final = (
    # "I'm in 4th grade", "im a 4th grader", "I am 8 and a third grader", "I'm going into 4th grade"
    _rule("grade", rf"{_I} {_TH}[ -]?(?:graders?|{GRADE})\b", 0.93),
    # "I'm in grade 4", "I am a grade 5 student"
    _rule("grade", rf"{_I} (?:{GRADE}) {_NO}", 0.93),
    # "as a 6th grader, I", "coming from a 4th grader": the writer names itself
    _rule("grade", rf"\b(?:me,? an?|(?:^|[.!?,] ?)as an?|coming from an?) {_TH}[ -]?grader\b", 0.9),
    # "and going on to 5th grade": the pronoun is dropped
    _rule("grade", rf"(?:^|[.,!?(] ?|\b(?:and|grade) )(?P<joining>going (?:in|on )?to) {_TH}[ -]?grade\b", 0.9),
    # "I just finished 5th grade"
    _rule("grade", rf"\bi (?:just |recently )(?P<leaving>{LEAVING}) (?:the )?{_TH}[ -]?grade\b", 0.9),
    # "im in year 6", "I'm a year 5 pupil"
    _rule("year", rf"{_I} (?:year|yr) {_NO}", 0.92),
    # "I'm in class 5", "i am a 7 class student"
    _rule("class", rf"{_I} class {_NO}", 0.92),
    _rule("class", rf"{_I} {_TH} ?class (?:{PUPIL})\b", 0.9),
    _rule(
        "class",
        rf"\b(?:{I_AM}) (?:studying |now )?in (?P<year>[0-9]{{1,2}} ?(?:st|nd|rd|th)?) class\b",
        0.9,
    ),
    # "I'm in P5", "I am in primary 5"
    _rule("primary", rf"{_I} (?:p|primary ){_NO}", 0.9),
    # profile: "6th grader @ Lincoln", "class 5 student", "Year 9, exams next year"
    _rule("grade", rf"{_OPENING}{_TH}[ -]?grader\b", 0.9, profile_only=True),
    _rule("grade", rf"{_OPENING}grade {_NO} (?:{PUPIL})\b", 0.9, profile_only=True),
    _rule("grade", rf"{_OPENING}{_TH}[ -]?grade (?:{PUPIL})\b", 0.9, profile_only=True),
    _rule("year", rf"{_OPENING}(?:year|yr) {_NO}(?= (?:{PUPIL})\b|,|$)", 0.9, profile_only=True),
    _rule("class", rf"{_OPENING}class {_NO} (?:{PUPIL})\b", 0.9, profile_only=True),
    _rule("primary", rf"{_OPENING}(?:p|primary ){_NO}(?= (?:{PUPIL})\b|$)", 0.85, profile_only=True),
    # "I'm in middle school", "student at Hilltop Elementary": staff write so too
    _rule(
        "stage",
        rf"\b(?:{I_AM}) (?:still )?(?:in |an? )(?P<stage>{_STAGE}) school(?:er| (?:{PUPIL}))?\b",
        0.9,
    ),
    _rule(
        "stage",
        r"\b(?:student|pupil) (?:at|@|of) (?:\w{2,15} ){1,3}(?P<stage>elementary|primary|middle)\b",
        0.6,
    ),
    _rule(
        "class-of", rf"(?:{_OPENING}|\b(?:{I_AM})(?: in)?(?: the)? )class of (?P<leaves>20[0-9]{{2}})\b", 0.8
    ),
)

_HINT: Final = re.compile(
    r"(?i)gra?de?|\b(?:year|yr|class|std|standard|primary|elementary|middle school|p[1-7])|garde"
)
_BEFORE: Final = re.compile(
    rf"\b(?:(?:{OTHERS})\b[^.!?]{{0,12}}|(?:{SEEMING}) |(?:my|our|his|her|their|your|not|to) )$"
)
_AFTER: Final = re.compile(
    rf"'s\b|,? (?:he|she|they|my)\b|s? (?:\w{{2,12}} )?(?:{TEACHING})s?\b"
    rf"| (?:{COUNTED}|{HIGHER_STUDIES})\b"
)


def vetoed(found: re.Match[str]) -> bool:
    """Whether the words around say that somebody else is in that school year, or the writer was."""
    before = found.string[max(0, found.start() - 40) : found.start()]
    return _BEFORE.search(before) is not None or _AFTER.match(found.string, found.end()) is not None


def usual_ages(word: str, year: int, country: str | None) -> Ages | None:
    """The youngest and oldest usual age in a school year; of all countries where none is known."""
    systems = OFFSETS[word]
    if not 1 <= year <= 13:
        return None
    low, high = systems.get(country or "", systems[""])
    return year + low, year + high


def ages(rule: Rule, found: re.Match[str], country: str | None, on: date) -> Ages | None:
    """The ages that a find speaks for, or `None` if it says no school year of a child."""
    said = found.groupdict()
    if rule.name == "stage":
        return STAGES[said["stage"] or ""]
    if rule.name == "class-of":
        return _ages_of_class(int(said["leaves"] or 0), on)
    words = said["year"] or ""
    digits = re.match(r"[0-9]+", words)
    usual = usual_ages(rule.word, int(digits[0]) if digits else _YEARS[words], country)
    if usual is None:
        return None
    return usual[0] - (said.get("joining") is not None), usual[1] + (said.get("leaving") is not None)


def _ages_of_class(leaves: int, on: date) -> Ages | None:
    """US graduation year: in 2026-27 the class of 2035 is in grade 4. College classes are too near to tell."""
    ends = on.year + (on.month >= SCHOOL_YEAR_STARTS)
    grade = 12 - (leaves - ends)
    return usual_ages("grade", grade, "US") if leaves - ends >= COLLEGE_YEARS else None


def finds(text: Text, country: str | None) -> Iterator[Evidence]:
    """Every school year in a text that its writer claims, in no particular order."""
    plain = normalised(text.text)
    for rule in RULES:
        if rule.profile_only and text.kind != "profile":
            continue
        for found in rule.pattern.finditer(plain.text):
            usual = None if vetoed(found) else ages(rule, found, country, text.written_on)
            if usual is None:
                continue
            start, end = plain.span(found)
            yield Evidence(
                signal="school_year",
                rule=rule.name,
                born=BirthDate.aged(*usual, text.written_on),
                reliability=rule.reliability,
                source=text.field,
                said_on=text.written_on,
                where=(text.field, text.row),
                span=(start, end),
                words=text.text[start:end],
            )


def observe(account: Account, today: date) -> Iterable[Evidence]:
    """One piece of evidence for each text in which the writer claims a school year: the last one claimed."""
    country = account.fields.get("billing_country") or account.fields.get("country")
    for text in account.texts:
        if _HINT.search(text.text):
            last = max(finds(text, country), key=lambda evidence: evidence.span or (0, 0), default=None)
            if last is not None:
                yield last


SIGNAL: Final = Signal("school_year", "the school year the account's holder says they are in", observe)
