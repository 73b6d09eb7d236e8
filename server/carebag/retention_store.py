"""What each `carebag retention` command needs: the database, whom it is about, and who acts."""

import argparse
import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from carebag.admin.command import opened
from carebag.admin.leaves import operator
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.entered_text import named
from carebag_server.not_possible import NotPossible
from carebag_server.retention import proposals
from carebag_server.settings import settings_from
from carebag_server.tables import Organization, PatientRow


def database(args: argparse.Namespace) -> Database:
    """Of this version; what is deleted in an SQLite file is overwritten in it, too."""
    database = opened(settings_from(args).database_url)
    if database.engine.dialect.name == "sqlite":
        event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete=ON").close())
        database.engine.dispose()
    return database


class writing:  # noqa: N801 (reads as a word)
    """One writing transaction on the hub's database."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._database = database(args)
        self._transaction = self._database.transaction()

    def __enter__(self) -> Session:
        return self._transaction.__enter__()

    def __exit__(self, *failure: Any) -> None:
        try:
            self._transaction.__exit__(*failure)
        finally:
            self._database.dispose()


def provider(session: Session, name: str) -> Organization:
    """Raises: NotPossible: none has that name, or more than one."""
    found = session.scalars(select(Organization).where(Organization.name == name)).all()
    if len(found) != 1:
        raise NotPossible(
            "no care provider has that name" if not found else "more than one care provider has that name"
        )
    return found[0]


def patient(session: Session, number: str) -> PatientRow:
    """By personal number as it is stored, or id. Raises: NotPossible: none has it, or more than one."""
    found = session.scalars(select(PatientRow).where(PatientRow.personal_id == number)).all()
    if not found:
        try:
            row = session.get(PatientRow, uuid.UUID(number))
        except ValueError:
            row = None
        found = [row] if row else []
    if len(found) != 1:
        raise NotPossible("no patient has that number" if not found else "more than one patient has that number")
    return found[0]


def actor(args: argparse.Namespace) -> Actor:
    """As the access log names who acts."""
    name = f"{someone(args).name} ({args.login()}, carebag retention)"
    return replace(operator(), practitioner=name, care_unit="carebag retention")


def someone(args: argparse.Namespace) -> proposals.Someone:
    """By the name that was said and the login. Raises: NotPossible: the name says nothing."""
    return proposals.Someone(named(args.by, "whoever does it", "--by"), args.login())
