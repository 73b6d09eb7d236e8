"""The unassigned tray: who filed a reading into which visit. A reading may have been in two, in one of them wrongly."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filing",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("kit_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("nurse", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_filing_kit_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_filing_record_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_filing_visit_id")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_filing")),
    )
    op.create_index(op.f("ix_filing_reading_id"), "filing", ["reading_id"], unique=False)
    # an empty text and false for the rows that are there, then no default any more, like every other column
    with op.batch_alter_table("finding") as finding:
        finding.add_column(sa.Column("filed_by", sa.Text(), nullable=False, server_default=""))
        finding.add_column(sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True))
        finding.add_column(sa.Column("taken_back", sa.Boolean(), nullable=False, server_default=sa.false()))
        finding.drop_constraint(op.f("pk_finding"), type_="primary")
        finding.create_primary_key(op.f("pk_finding"), ["record_id", "visit_id"])
    with op.batch_alter_table("finding") as finding:
        finding.alter_column("filed_by", server_default=None)
        finding.alter_column("taken_back", server_default=None)


def downgrade() -> None:
    # what was filed is in the signed records; before this version it was only in the tray
    op.execute("DELETE FROM finding WHERE filed_at IS NOT NULL OR taken_back")
    with op.batch_alter_table("finding") as finding:
        finding.drop_constraint(op.f("pk_finding"), type_="primary")
        finding.create_primary_key(op.f("pk_finding"), ["record_id"])
        finding.drop_column("taken_back")
        finding.drop_column("filed_at")
        finding.drop_column("filed_by")
    op.drop_index(op.f("ix_filing_reading_id"), table_name="filing")
    op.drop_table("filing")
