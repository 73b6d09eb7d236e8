"""What the medical lead's review keeps: samples, judgements, questions, minutes; and what became of a visit.

Never changed after they are written, by triggers of the migrations: judgements, minutes and their corrections, and
questions once answered.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class SampleRow(Base, kw_only=True):
    """What was drawn from the accesses of one week; drawn once, so that nobody draws until it suits."""

    __tablename__ = "review_sample"
    __table_args__ = (UniqueConstraint("organization_id", "monday"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    monday: Mapped[str] = mapped_column(String(10))
    seed: Mapped[str] = mapped_column(String(64))
    """With it anybody who has the log draws the same."""
    accesses: Mapped[int]
    """From how many was drawn."""
    drawn_by: Mapped[str]
    drawn_at: Mapped[datetime]


class SampledRow(Base, kw_only=True):
    """One access of a sample."""

    __tablename__ = "review_sampled"
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("review_sample.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Number of the access's first row in the log."""
    how: Mapped[str] = mapped_column(String(16))
    score: Mapped[int]
    reasons: Mapped[str]
    """JSON list of `ReviewReason`."""


class JudgementRow(Base, kw_only=True):
    """What the medical lead found of one access; a later one stands beside the earlier."""

    __tablename__ = "review_judgement"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    seq: Mapped[int] = mapped_column(BigInteger, index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    words: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class QuestionRow(Base, kw_only=True):
    """To a person about an access, and the answer."""

    __tablename__ = "review_question"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    seq: Mapped[int] = mapped_column(BigInteger, index=True)
    to_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    to_name: Mapped[str]
    patient_id: Mapped[uuid.UUID | None]
    visit_id: Mapped[uuid.UUID | None]
    text: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None] = mapped_column(default=None)


class MinutesRow(Base, kw_only=True):
    """Signed minutes of one week's review, word for word."""

    __tablename__ = "review_minutes"
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("review_sample.id"), primary_key=True)
    body: Mapped[str]
    """JSON of `MinutesBody`; `sha256` is over these very bytes."""
    sha256: Mapped[str] = mapped_column(String(64))
    signed_by: Mapped[str]
    signed_at: Mapped[datetime]


class CorrectionRow(Base, kw_only=True):
    """Minutes signed anew after the first: version 2 and on. The earlier ones stay as they were."""

    __tablename__ = "review_minutes_correction"
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("review_sample.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    """As of `MinutesRow`."""
    sha256: Mapped[str] = mapped_column(String(64))
    signed_by: Mapped[str]
    signed_at: Mapped[datetime]


class OutcomeRow(Base, kw_only=True):
    """Whether an ambulance was avoided or called, as a doctor said after the visit; the last word counts."""

    __tablename__ = "visit_outcome"
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(20))
    by: Mapped[str]
    at: Mapped[datetime]
