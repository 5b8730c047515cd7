"""Pictures of the age question for the documentation: `python -m tests.screenshots` writes them anew."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path

from agegate.signup.screen import LANGUAGES, Screen
from tests.browser import require_chromium, start_chromium

FOLDER = Path(__file__).parents[1] / "docs" / "screens"
SIZE = {"width": 480, "height": 720}
Pixel = tuple[int, ...]
SCREEN = Screen(name="Example Lessons", contact="help@example.org")


def pictures() -> dict[str, str]:
    """The pages by the name of their picture: the question in each language, the refusal in two."""
    pages = {language: SCREEN.question(language) for language in LANGUAGES}
    return pages | {f"refusal-{language}": SCREEN.refusal(language) for language in ("en", "ar")}


def shrink(png: bytes) -> bytes:
    """The same picture in at most 256 colours: less than half of what Chromium writes (PNG, third edition)."""
    width, height, rows = pixels(png)
    counted = Counter(pixel for row in rows for pixel in row)
    palette = [pixel for pixel, _ in counted.most_common(256)]
    index = {pixel: min(range(len(palette)), key=lambda at: distance(palette[at], pixel)) for pixel in counted}
    data = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", bytes(sum(palette, ()))),
        (b"IDAT", zlib.compress(data, 9)),
        (b"IEND", b""),
    )
    return png[:8] + b"".join(chunk(*part) for part in parts)


def distance(one: Pixel, other: Pixel) -> int:
    return sum((left - right) ** 2 for left, right in zip(one, other, strict=True))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels(png: bytes) -> tuple[int, int, list[list[Pixel]]]:
    """Width, height and the rows of red, green and blue of a picture as Chromium writes it."""
    width, height, *form = struct.unpack(">IIBBBBB", png[16:29])
    assert form == [8, 2, 0, 0, 0], "eight bits of red, green and blue"
    place, data = 8, b""
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        data += png[place + 8 : place + 8 + size] if png[place + 4 : place + 8] == b"IDAT" else b""
        place += size + 12
    raw, length = zlib.decompress(data), width * 3
    above, rows = bytes(length), []
    for start in range(0, height * (length + 1), length + 1):
        above = unfilter(raw[start], raw[start + 1 : start + 1 + length], above)
        rows.append([tuple(above[x : x + 3]) for x in range(0, length, 3)])
    return width, height, rows


def unfilter(kind: int, line: bytes, above: bytes) -> bytes:
    """A line of a picture from its differences to the pixel on the left and the line above."""
    found = bytearray(line)
    for x, value in enumerate(line):
        left, corner = (found[x - 3], above[x - 3]) if x >= 3 else (0, 0)
        guess = left + above[x] - corner
        nearest = min((left, above[x], corner), key=lambda one: abs(guess - one))
        found[x] = value + (0, left, above[x], (left + above[x]) // 2, nearest)[kind] & 255
    return bytes(found)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with start_chromium(require_chromium()) as browser:
        page = browser.new_page(viewport=SIZE, java_script_enabled=False)
        for name, html in pictures().items():
            page.set_content(html)
            (FOLDER / f"{name}.png").write_bytes(shrink(page.screenshot()))


if __name__ == "__main__":
    main()
