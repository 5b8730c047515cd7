"""The texts of the age question as gettext has them: `python -m tests.catalogues` brings the files up to date.

It extracts `agegate/signup/locale/agegate.pot` anew from templates and code, and merges it into each catalogue:
a new text is there with an empty translation, which a test then names; a text that is gone is gone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from agegate.signup import languages

LOCALE = languages.LOCALE_FOLDER
TEMPLATE = LOCALE / "agegate.pot"
METHODS = [("*.py", "python"), ("templates/*.html", "jinja2")]
KEYWORDS = {"_": None, "msgid": None}
WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)
"""A header without the moment of the last run: the same texts make the same file."""


def new_catalogue(language: str | None = None) -> Catalog:
    """An empty catalogue; without a language it is a template."""
    return Catalog(
        locale=language,
        project="agegate",
        version="1",
        header_comment="# Texts of the age question of agegate. Say nothing that hints at a minimum age.",
        msgid_bugs_address="agegate@example.org",
        last_translator="The agegate authors <agegate@example.org>",
        language_team=f"{language or 'none'} <agegate@example.org>",
        creation_date=WRITTEN,
        revision_date=WRITTEN,
        fuzzy=False,
    )


def extract() -> Catalog:
    """The texts that templates and code have now."""
    found = new_catalogue()
    folder = LOCALE.parent
    for file, line, text, comments, _ in extract_from_dir(
        folder, METHODS, keywords=KEYWORDS, comment_tags=("translators:",), strip_comment_tags=True
    ):
        found.add(text, locations=[(file, line)], auto_comments=comments)
    return found


def catalogue_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "agegate.po"


def read(file: Path, language: str | None = None) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def write(file: Path, catalogue: Catalog) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        write_po(opened, catalogue, width=100, include_lineno=False, ignore_obsolete=True)


def merged(language: str, template: Catalog) -> Catalog:
    """The texts of the template with the translations that the language's catalogue has."""
    known = read(catalogue_file(language), language) if catalogue_file(language).exists() else Catalog()
    catalogue = new_catalogue(language)
    for message in template:
        if message.id:
            translated = known.get(message.id)
            catalogue.add(
                message.id,
                translated.string if translated else "",
                locations=message.locations,
                auto_comments=message.auto_comments,
            )
    return catalogue


def main() -> None:
    template = extract()
    write(TEMPLATE, template)
    for language in languages.LANGUAGES:
        write(catalogue_file(language), merged(language, template))


if __name__ == "__main__":
    main()
