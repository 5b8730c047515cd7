"""The first shape of the tests' own models."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.models import UserManager
from django.db import migrations, models


class Migration(migrations.Migration):
    """All of them."""

    initial = True
    dependencies: ClassVar = [("auth", "0012_alter_user_first_name_max_length")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "user_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("nickname", models.CharField(max_length=20)),
            ],
            options={"verbose_name": "user", "verbose_name_plural": "users", "abstract": False},
            bases=("auth.user",),
            managers=[("objects", UserManager())],
        ),
        migrations.CreateModel(
            name="Reader",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("auth.user",),
            managers=[("objects", UserManager())],
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.CharField(max_length=80)),
            ],
            options={"db_table": "auth_user_notes"},
        ),
    ]
