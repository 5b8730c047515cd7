"""Every way in which Django can insert an account, tried in the project: prints what came of each as JSON."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 - Django is set up first
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import IntegrityError, connection, transaction  # noqa: E402
from django.db.models import Value  # noqa: E402
from django.db.models.functions import Lower  # noqa: E402
from own.models import Member, Note, Reader  # noqa: E402

from agegate import Registration  # noqa: E402
from agegate.errors import InputError, NotAdmittedError  # noqa: E402
from agegate.frameworks.django import admitting, door, importing  # noqa: E402

_numbers = itertools.count(1)
POSTGRESQL = connection.vendor == "postgresql"
REST = "password, is_superuser, first_name, last_name, is_staff, is_active, date_joined"
NOBODY = "'', false, '', '', false, true, '2026-11-22'"


def new() -> tuple[str, str]:
    """A user name and an e-mail address that nobody has."""
    number = next(_numbers)
    return f"user{number}", f"user{number}@example.org"


@contextmanager
def admitted(email: str) -> Iterator[None]:
    """The admission of an adult with this address."""
    decision = door().gate.check(Registration(birth_date="1984-04-17", country="US", email=email))
    with admitting(decision, email=email):
        yield


def sql(text: object, parameters: object = None) -> None:
    """Run SQL at Django's cursor."""
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)


def values(name: str, email: str, into: str = "INSERT INTO auth_user") -> None:
    """Insert by SQL with parameters."""
    sql(f"{into} (username, {REST}, email) VALUES (%s, {NOBODY}, %s)", [name, email])


def many(name: str, email: str) -> None:
    """`executemany`."""
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO auth_user (username, {REST}, email) VALUES (%s, {NOBODY}, %s)", [(name, email)]
        )


def fixture(name: str, email: str) -> None:
    """`loaddata`."""
    file = Path(f"{name}.json")
    fields = {"username": name, "email": email, "date_joined": "2026-11-22T00:00:00Z"}
    file.write_text(json.dumps([{"model": "auth.user", "pk": None, "fields": fields}]))
    call_command("loaddata", str(file), verbosity=0)


Way = Callable[[str, str], object]

READABLE: dict[str, Way] = {
    "save": lambda name, email: User(username=name, email=email).save(),
    "create": lambda name, email: User.objects.create(username=name, email=email),
    "create_user": lambda name, email: User.objects.create_user(name, email, "a password"),
    "bulk_create": lambda name, email: User.objects.bulk_create([User(username=name, email=email)]),
    "ignore_conflicts": lambda name, email: User.objects.bulk_create(
        [User(username=name, email=email)], ignore_conflicts=True
    ),
    "update_conflicts": lambda name, email: User.objects.bulk_create(
        [User(username=name, email=email)],
        update_conflicts=True,
        update_fields=["email"],
        unique_fields=["username"],
    ),
    "get_or_create": lambda name, email: User.objects.get_or_create(username=name, email=email),
    "update_or_create": lambda name, email: User.objects.update_or_create(
        username=name, defaults={"email": email}
    ),
    "child": lambda name, email: Member.objects.create(username=name, email=email, nickname="x"),
    "proxy": lambda name, email: Reader.objects.create(username=name, email=email),
    "acreate": lambda name, email: asyncio.run(User.objects.acreate(username=name, email=email)),
    "thread": lambda name, email: asyncio.run(
        sync_to_async(User.objects.create_user, thread_sensitive=True)(name, email)
    ),
    "sql": values,
    "executemany": many,
    "comments": lambda name, email: values(name, email, '/* x */ insert -- y\n INTO/**/"auth_user"'),
    "schema": lambda name, email: values(
        name, email, f"INSERT INTO {'public' if POSTGRESQL else 'main'} . auth_user"
    ),
    "createsuperuser": lambda name, email: call_command(
        "createsuperuser", username=name, email=email, interactive=False, verbosity=0
    ),
    "loaddata": fixture,
}
"""What the guard can read: stopped without an admission, and let through with one."""

UNREADABLE: dict[str, Way] = {
    "literal": lambda name, email: sql(
        f"INSERT INTO auth_user (username, {REST}, email) VALUES ('{name}', {NOBODY}, '{email}')"
    ),
    "no columns": lambda name, email: sql("INSERT INTO auth_user VALUES (%s, %s)", [name, email]),
    "select": lambda name, email: sql(
        f"INSERT INTO auth_user (username, {REST}, email) SELECT %s, {NOBODY}, %s", [name, email]
    ),
    "computed": lambda name, email: User.objects.create(username=name, email=Lower(Value(email))),
    "named": lambda name, email: sql(
        f"INSERT INTO auth_user (username, {REST}, email) VALUES (%(name)s, {NOBODY}, %(email)s)",
        {"name": name, "email": email},
    ),
    "two statements": lambda name, email: sql(
        f"INSERT INTO auth_user (username, {REST}, email) VALUES (%s, {NOBODY}, %s); "
        f"INSERT INTO auth_user (username, {REST}, email) VALUES ('b{name}', {NOBODY}, 'other@example.org')",
        [name, email],
    ),
    "more values": lambda name, email: sql(
        f"INSERT INTO auth_user (username, {REST}, email) VALUES (%s, {NOBODY}, %s), "
        f"('b{name}', {NOBODY}, 'b')",
        [name, email],
    ),
    "replace": lambda name, email: sql("REPLACE INTO auth_user SELECT * FROM auth_user"),
    "no address": lambda name, email: User.objects.create(username=name),
    "another address": lambda name, email: User.objects.create(username=name, email=f"other.{email}"),
    "two accounts": lambda name, email: User.objects.bulk_create(
        [User(username=name, email=email), User(username=f"{name}b", email=email)]
    ),
    "twice": lambda name, email: [User.objects.create(username=name + end, email=email) for end in ("", "b")],
}
"""What is stopped inside an admission, too."""

if POSTGRESQL:
    from psycopg.sql import SQL, Identifier

    INSERT = SQL(f"INSERT INTO {{}} (username, {REST}, email) VALUES (%s, {NOBODY}, %s)").format(
        Identifier("public", "auth_user")
    )
    READABLE |= {
        "composed": lambda name, email: sql(INSERT, [name, email]),
        "bytes": lambda name, email: sql(INSERT.as_bytes(), [name, email]),
    }
    UNREADABLE |= {
        "cte": lambda name, email: sql(
            f"WITH made AS (INSERT INTO auth_user (username, {REST}, email) "
            f"VALUES (%s, {NOBODY}, %s) RETURNING id) SELECT * FROM made",
            [name, email],
        ),
        "copy": lambda name, email: sql("COPY auth_user (username) FROM '/dev/null'"),
        "merge": lambda name, email: sql(
            f"MERGE INTO auth_user USING (SELECT 1) AS one ON false WHEN NOT MATCHED THEN INSERT "
            f"(username, {REST}, email) VALUES (%s, {NOBODY}, %s)",
            [name, email],
        ),
    }


def outcome(way: Callable[[], object]) -> str:
    """What came of a way."""
    before = User.objects.count()
    try:
        with transaction.atomic():
            way()
    except NotAdmittedError as error:
        return "stopped" if User.objects.count() == before and "example.org" not in str(error) else "made"
    except (IntegrityError, CommandError) as error:
        return type(error).__name__
    return f"made {User.objects.count() - before}"


def bare(way: Way) -> str:
    """Without an admission, in autocommit mode, as most code runs."""
    before = User.objects.count()
    try:
        way(*new())
    except NotAdmittedError:
        return "stopped" if User.objects.count() == before else "made"
    return f"made {User.objects.count() - before}"


def inside(way: Way) -> str:
    """Inside an admission."""
    name, email = new()
    with admitted(email):
        return outcome(lambda: way(name, email))


def again(first: Callable[[str, str], object]) -> str:
    """A second try in the same admission, after the first one failed."""
    name, email = new()
    with admitted(email):
        first(name, email)
        return outcome(lambda: User.objects.create(username=f"{name}z", email=email))


def rolled_back(name: str, email: str) -> None:
    """The account comes, and its transaction is rolled back."""
    with transaction.atomic():
        User.objects.create(username=name, email=email)
        transaction.set_rollback(True)


def savepoint(name: str, email: str) -> None:
    """The account comes, and its savepoint is rolled back by an error that was caught."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                User.objects.create(username=name, email=email)
                raise RuntimeError
        except RuntimeError:
            pass


def refused_by_the_database(name: str, email: str) -> None:
    """The user name is taken."""
    with importing("a member of staff"):
        User.objects.create(username=name, email="")
    try:
        with transaction.atomic():
            User.objects.create(username=name, email=email)
    except IntegrityError:
        return
    raise AssertionError("the name was free")


def committed(name: str, email: str) -> None:
    """The account is there."""
    with transaction.atomic():
        User.objects.create(username=name, email=email)


def two_at_once() -> str:
    """Two admissions, and one statement with two rows (on PostgreSQL, arrays)."""
    one, other = new(), new()
    with ExitStack() as stack:
        for _, email in (one, other):
            stack.enter_context(admitted(email))
        users = [User(username=name, email=email) for name, email in (one, other)]
        return outcome(lambda: User.objects.bulk_create(users))


def after_the_block() -> str:
    """The block has ended."""
    name, email = new()
    with admitted(email):
        pass
    return outcome(lambda: User.objects.create(username=name, email=email))


def manual() -> str:
    """The host begins and ends its transactions by itself."""
    name, email = new()
    before = User.objects.count()
    with admitted(email):
        transaction.set_autocommit(False)
        try:
            User.objects.create(username=name, email=email)
            transaction.commit()
        finally:
            transaction.set_autocommit(True)
    return f"made {User.objects.count() - before}"


def imported() -> str:
    """The operator answers for them."""
    with importing("two members of staff"):
        return outcome(lambda: User.objects.bulk_create([User(username=name) for name, _ in (new(), new())]))


def without_reason() -> str:
    """No reason is none."""
    try:
        with importing(" "):
            return "let in"
    except InputError:
        return "stopped"


def note() -> str:
    """Another table is none of the guard's business."""
    Note.objects.create(text="INSERT INTO auth_user (email) VALUES (%s)")
    return f"made {Note.objects.count()}"


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    json.dump(
        {
            "bare": {name: bare(way) for name, way in {**READABLE, **UNREADABLE}.items()},
            "inside": {name: inside(way) for name, way in {**READABLE, **UNREADABLE}.items()},
            "again": {
                way.__name__: again(way) for way in (rolled_back, savepoint, refused_by_the_database, committed)
            },
            "other": {
                way.__name__: way()
                for way in (two_at_once, after_the_block, manual, imported, without_reason, note)
            },
        },
        sys.stdout,
    )
