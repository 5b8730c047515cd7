"""Text without disguises: lower case, plain quotes, ASCII digits; with a way back to what was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agegate.signals.stated_age.cues import ONES, TEENS

_LOOKALIKES: Final = str.maketrans("‘’ʼ`´′“”–—―−ı", "''''''\"\"----i")
_SPACED: Final = re.compile(rf"\b(?:{'|'.join(' '.join(word) for word in (*TEENS, *ONES[3:]))})\b")

_PUNCTUATION: Final = " \t\r\n.,;:!?|/•·-~*()[]_"


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in lower-case plain characters; `origin` says where each came from, `None` if nothing moved."""

    text: str
    origin: Sequence[int] | None = None

    def span(self, found: re.Match[str]) -> tuple[int, int]:
        """The characters of a find in the text as it was written, without the punctuation around it."""
        start = found.end() - len(found[0].lstrip(_PUNCTUATION))
        end = found.start() + len(found[0].rstrip(_PUNCTUATION))
        return (start, end) if self.origin is None else (self.origin[start], self.origin[end - 1] + 1)


def normalised(text: str) -> Plain:
    """The text in lower case with quotes and dashes made plain, NFKC, digits of all scripts made ASCII,
    invisible and enclosing marks dropped (keycap emoji), and number words written `t e n` closed up."""
    plain = Plain(text.lower().replace("`", "'")) if text.isascii() else _from_unicode(text)
    spaced = _SPACED.search(plain.text)
    if spaced is None:
        return plain
    kept = [
        at for at in range(len(plain.text)) if plain.text[at] != " " or not spaced.start() < at < spaced.end()
    ]
    origin = plain.origin or range(len(plain.text))
    return Plain("".join(plain.text[at] for at in kept), [origin[at] for at in kept])


def _from_unicode(text: str) -> Plain:
    written: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text.translate(_LOOKALIKES)):
        plain = char.lower() if char < "\x80" else _plain(char)
        written.append(plain)
        origin.extend([at] * len(plain))
    return Plain("".join(written), origin)


def _plain(char: str) -> str:
    if char == "½":
        return " 1/2"
    if char == "\N{KEYCAP TEN}":
        return "10"
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    return "".join(
        str(unicodedata.decimal(part)) if part.isdecimal() else part
        for part in unicodedata.normalize("NFKC", char).lower()
    )
