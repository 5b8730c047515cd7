"""Measuring detection: counts and measures on labelled sentences of our own, and lines that cannot be read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agegate.errors import InputError
from agegate.evaluate import LEFT_OUT, NEGATIVE, POSITIVE, Score, assess_text, evaluate, read_rows
from agegate.model import Band, Text
from tests.conftest import TODAY

ROWS = [
    # text, label, language; whether it is found as under 13, as under 18
    ("I'm 11 and I collect snails.", "self_under_13", "en", True, True),
    ("I am 9 years old and I love bridges.", "self_under_13", "en", True, True),
    ("Snails are lovely animals.", "self_under_13", "en", False, False),
    ("I'm 16 and I repair bicycles.", "self_13_17", "en", False, True),
    ("I'm 12 or so, or thirteen.", "self_under_14", "en", None, True),
    ("My school starts at eight.", "self_minor", None, None, False),
    ("I'm 42 and I bake bread.", "adult", "de", False, False),
    ("My daughter is 11 and collects snails.", "not_self", "en", False, False),
    ("I'm 10 and I paint boats.", "adult", "fr", True, True),  # a wrong label, to be counted as such
]
FILE = [{"text": text, "label": label, "lang": lang} for text, label, lang, *_ in ROWS]


def write(folder: Path, *lines: object) -> Path:
    file = folder / "labelled.jsonl"
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    file.write_text(text, encoding="utf-8")
    return file


def measured(folder: Path, *lines: object) -> dict[str, Any]:
    return evaluate(read_rows(write(folder, *lines)), today=TODAY).as_dict()


@pytest.mark.parametrize(("text", "label", "_lang", "under_13", "under_18"), ROWS)
def test_row_is_found_as_its_text_says(
    text: str, label: str, _lang: str, under_13: bool | None, under_18: bool
) -> None:
    for limit, expected in ((13, under_13), (18, under_18)):
        band = assess_text(Text("text", "0", text, TODAY), limit=limit, today=TODAY).band
        if expected is not None:
            assert (band in {Band.CERTAIN, Band.LIKELY}) is expected
        assert (expected is None) == (label in LEFT_OUT[limit])


def test_counts_and_measures(tmp_path: Path) -> None:
    found = measured(tmp_path, *FILE, "", "   ")
    assert found["under"]["13"]["all"] == {
        **{"right": 2, "wrong": 1, "missed": 1, "passed": 3},
        **{"precision": 0.6667, "recall": 0.6667, "f1": 0.6667},
    }
    assert found["under"]["18"]["all"] == {
        **{"right": 4, "wrong": 1, "missed": 2, "passed": 2},
        **{"precision": 0.8, "recall": 0.6667, "f1": 0.7273},
    }


def test_shape_of_the_json(tmp_path: Path) -> None:
    found = measured(tmp_path, *FILE)
    assert list(found) == ["schema", "rows", "texts_per_second", "under"]
    assert (found["schema"], found["rows"]) == (1, len(ROWS))
    assert {age: sorted(groups) for age, groups in found["under"].items()} == {
        "13": ["all", "de", "en", "fr"],
        "18": ["all", "de", "en", "fr", "unknown"],
    }
    assert found["under"]["13"]["de"] == {
        **{"right": 0, "wrong": 0, "missed": 0, "passed": 1},
        **{"precision": None, "recall": None, "f1": None},
    }
    json.dumps(found)


@pytest.mark.parametrize("age", sorted(POSITIVE))
def test_labels_are_for_against_or_left_out(age: int) -> None:
    assert not POSITIVE[age] & LEFT_OUT[age]
    assert POSITIVE[13] | LEFT_OUT[13] <= POSITIVE[18]
    assert not NEGATIVE & POSITIVE[13]


SCORES = [
    (Score(0, 0, 0, 0), None, None, None),
    (Score(passed=7), None, None, None),
    (Score(wrong=5), 0, None, 0),
    (Score(right=5), 1, 1, 1),
    (Score(wrong=5, missed=5), 0, 0, 0),
    (Score(right=1, wrong=3), 0.25, 1, 0.4),
    (Score(right=1, missed=3, passed=99), 1, 0.25, 0.4),
]


@pytest.mark.parametrize(("score", "precision", "recall", "f1"), SCORES)
def test_measures_follow_from_counts(
    score: Score, precision: float | None, recall: float | None, f1: float | None
) -> None:
    assert (score.precision, score.recall, score.f1) == (precision, recall, f1)


DATED = [
    # written_on; whether "I'm 11" makes the writer under 13 today, and on the 22nd of November 2027
    (None, True, True),
    ("2026-11-22", True, False),
    ("2026-01-01", True, False),
    ("2022-11-22", False, False),
]


@pytest.mark.parametrize(("written", "now", "later"), DATED)
def test_text_without_a_day_was_written_on_the_day_of_the_evaluation(
    written: str | None, now: bool, later: bool
) -> None:
    row = {"text": "I'm 11 and I collect snails.", "label": "self_under_13"}
    if written:
        row["written_on"] = written
    for today, expected in ((TODAY, now), (date(2028, 11, 23), later)):
        (score,) = [groups["all"] for age, groups in evaluate([row], today=today).scores.items() if age == 13]
        assert bool(score.right) is expected


@pytest.mark.parametrize(
    ("field", "found"), [("bio", True), ("username", True), ("comment", False), (None, False)]
)
def test_brief_age_is_read_only_in_a_profile(field: str | None, found: bool) -> None:
    row = {"text": "11yo | snails", "label": "self_under_13", "field": field}
    assert bool(evaluate([row], today=TODAY).scores[13]["all"].right) is found


GOOD = {"text": "I bake.", "label": "adult"}
BAD_LINES = [
    ("not json", "not JSON"),
    ("{'text': 'single quotes'}", "not JSON"),
    ('{"text": "cut off', "not JSON"),
    ("\x00\x01\x02", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("[]", "no text"),
    ("17", "no text"),
    ("null", "no text"),
    ({"label": "adult"}, "no text"),
    ({"text": None, "label": "adult"}, "no text"),
    ({"text": ["I bake."], "label": "adult"}, "no text"),
    ({"text": "I bake."}, "unknown label"),
    ({"text": "I bake.", "label": "grown-up"}, "unknown label"),
    ({"text": "I bake.", "label": ["adult"]}, "unknown label"),
    ({"text": "I bake.", "label": None}, "unknown label"),
    ({**GOOD, "written_on": "yesterday"}, "written_on"),
    ({**GOOD, "written_on": "2026-02-30"}, "written_on"),
    ({**GOOD, "written_on": 20260222}, "written_on"),
    ({**GOOD, "field": ["bio"]}, "field"),
]


@pytest.mark.parametrize(("line", "problem"), BAD_LINES)
def test_line_that_cannot_be_used_is_named(tmp_path: Path, line: object, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        measured(tmp_path, GOOD, "", line, GOOD)
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / 'labelled.jsonl'}: line 3: ")
    assert "I bake." not in said
    assert "\n" not in said


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00\x80" * 99)
    for file in (binary, tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as raised:
            list(read_rows(file))
        assert str(raised.value).startswith(f"{file}: ")


def test_empty_file_measures_nothing(tmp_path: Path) -> None:
    assert measured(tmp_path) == {
        **{"schema": 1, "rows": 0},
        **{"texts_per_second": measured(tmp_path)["texts_per_second"], "under": {"13": {}, "18": {}}},
    }
