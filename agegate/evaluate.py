"""How good detection is on labelled texts: precision, recall and F1, by the limit and by language.

A row is `{"text", "label", "lang"?, "written_on"?, "field"?}`. Labels say what the writer says of themselves:
`self_under_13`, `self_13_17`, `self_under_14` (12 or 13), `self_minor` (a minor of unknown age), `adult`,
`not_self`. A row counts as found if its assessment is in band certain or likely.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from agegate.errors import InputError
from agegate.inference import assess
from agegate.model import Account, Assessment, Band, Signal, Text
from agegate.signals import collect

POSITIVE: Final = {
    13: frozenset({"self_under_13"}),
    18: frozenset({"self_under_13", "self_under_14", "self_13_17", "self_minor"}),
}
"""Labels of writers under each age that is evaluated."""

LEFT_OUT: Final = {13: frozenset({"self_under_14", "self_minor"}), 18: frozenset[str]()}
"""Labels that do not say which side of the age the writer is on."""

PROFILE_FIELDS: Final = frozenset({"bio", "profile", "username", "handle", "role", "company"})
"""Values of `field` that are read as a profile; any other text is read as a post."""

NEGATIVE: Final = frozenset({"self_13_17", "adult", "not_self"})


@dataclass
class Score:
    """Counts of one group of rows, and the measures that follow: `None` where there is nothing to divide by."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    passed: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the found that are right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of the true that are found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else None

    def as_dict(self) -> dict[str, float | None]:
        """Counts and measures, for JSON."""
        measures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        counts = {"right": self.right, "wrong": self.wrong, "missed": self.missed, "passed": self.passed}
        rounded = {name: None if value is None else round(value, 4) for name, value in measures.items()}
        return counts | rounded


@dataclass
class Evaluation:
    """Scores by age and group (`all`, then a language's code), and how fast it went."""

    rows: int = 0
    seconds: float = 0.0
    scores: dict[int, dict[str, Score]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": 1,
            "rows": self.rows,
            "texts_per_second": round(self.rows / self.seconds) if self.seconds else None,
            "under": {
                str(age): {group: score.as_dict() for group, score in sorted(groups.items())}
                for age, groups in self.scores.items()
            },
        }


def assess_text(text: Text, *, limit: int, today: date, signals: Iterable[Signal] = ()) -> Assessment:
    """What one text says of its writer's age, by the shipped signals or those given."""
    account = Account("0", created_on=text.written_on, texts=(text,))
    evidence = [piece for signal in signals or collect() for piece in signal.observe(account, today)]
    return assess(evidence, today=today, limit=limit, created_on=text.written_on)


def evaluate(rows: Iterable[Mapping[str, Any]], *, today: date) -> Evaluation:
    """Score labelled rows, as `read_rows` gives them."""
    signals = collect()
    result = Evaluation(scores={age: {} for age in POSITIVE})
    started = time.perf_counter()
    for row in rows:
        result.rows += 1
        text = _text(row, today)
        for age, groups in result.scores.items():
            if row["label"] in LEFT_OUT[age]:
                continue
            found = assess_text(text, limit=age, today=today, signals=signals)
            flagged = found.band in {Band.CERTAIN, Band.LIKELY}
            for group in ("all", str(row.get("lang") or "unknown")):
                _count(groups.setdefault(group, Score()), flagged, row["label"] in POSITIVE[age])
    result.seconds = time.perf_counter() - started
    return result


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON Lines file. Raises `InputError` that names the file and the line."""
    known = POSITIVE[18] | NEGATIVE
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, f"{file}: line {number}", known)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({type(error).__name__}); name a JSON Lines file") from None


def _row(line: str, place: str, known: frozenset[str]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{place}: not JSON; write one object per line") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f'{place}: there is no text; write {{"text": …, "label": …}}')
    if not isinstance(row.get("label"), str) or row["label"] not in known:
        raise InputError(f"{place}: unknown label; use one of {', '.join(sorted(known))}")
    if not isinstance(row.get("field", ""), str):
        raise InputError(f"{place}: field is not a text; write the field's name, such as bio")
    try:
        date.fromisoformat(row.get("written_on") or "2000-01-01")
    except (TypeError, ValueError):
        raise InputError(f"{place}: written_on is not a day; write YYYY-MM-DD") from None
    return row


def _text(row: Mapping[str, Any], today: date) -> Text:
    written = date.fromisoformat(row["written_on"]) if row.get("written_on") else today
    kind = "profile" if row.get("field") in PROFILE_FIELDS else "post"
    return Text("text", "0", row["text"], written, kind)


def _count(score: Score, flagged: bool, positive: bool) -> None:
    score.right += flagged and positive
    score.wrong += flagged and not positive
    score.missed += positive and not flagged
    score.passed += not positive and not flagged
