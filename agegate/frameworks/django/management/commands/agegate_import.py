"""`manage.py agegate_import --reason "…" COMMAND …`: a command with accounts that the operator answers for."""

# mypy: disable-error-code="import-untyped,misc"
# Django has no types of its own, so that its classes are untyped bases.

from __future__ import annotations

import argparse

from django.core.management.base import BaseCommand, CommandParser
from django.core.management.base import CommandError as DjangoCommandError

from agegate.errors import AgegateError
from agegate.frameworks.django.guard import importing


class Command(BaseCommand):
    """Run a command such as `createsuperuser` or `loaddata` inside `importing`."""

    help = "Run another command that creates accounts nobody signs up for; the reason goes to the audit."

    def add_arguments(self, parser: CommandParser) -> None:
        """The reason, and the command with its own arguments."""
        parser.add_argument("--reason", required=True, help="why these accounts need no question")
        parser.add_argument("command", nargs=argparse.REMAINDER, help="the command, such as createsuperuser")

    def handle(self, *_args: object, **options: object) -> None:
        """Run it. Raises `CommandError` without a command, or if the store cannot be written."""
        from django.core.management import ManagementUtility

        command = options["command"]
        if not isinstance(command, list) or not command:
            raise DjangoCommandError("name the command to run, such as createsuperuser")
        try:
            with importing(str(options["reason"])):
                ManagementUtility(["manage.py", *command]).execute()
        except AgegateError as error:
            raise DjangoCommandError(str(error)) from None
