"""Models beside the user model: a child table, a proxy, and tables whose names begin alike."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Member(User):
    """Multi-table inheritance: its rows have one in the user table, too."""

    nickname = models.CharField(max_length=20)


class Reader(User):
    """Another name for the user table."""

    class Meta:
        proxy = True


class Note(models.Model):
    """No account, in a table whose name begins with the user table's."""

    text = models.CharField(max_length=80)

    class Meta:
        db_table = "auth_user_notes"
