"""A patient is known by system and number together, perhaps without day of birth; care units, HSA-ids, merges of
patients, one-time links for passkeys, one-time codes and former keys of kits."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BACK = (
    "INSERT INTO patient (id, name, personal_id, personal_id_system, birth_date, place, own_doctor) "
    "SELECT id, name, personal_id, personal_id_system, birth_date, place, own_doctor FROM patient_before"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("uq_patient_personal_id"), "patient", type_="unique")
        op.alter_column("patient", "personal_id", type_=sa.String(length=64))
        op.alter_column("patient", "birth_date", nullable=True)
        op.create_unique_constraint(
            op.f("uq_patient_personal_id_system_personal_id"), "patient", ["personal_id_system", "personal_id"]
        )
    else:
        _remake_patient(64, ["personal_id_system", "personal_id"], birth_date_nullable=True)
    _make_tables()


def _remake_patient(longest: int, unique: list[str], *, birth_date_nullable: bool) -> None:
    """SQLite changes no constraint of a table that is there. Visits point to it meanwhile: what they point to is there
    again when the transaction ends."""
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute("CREATE TABLE patient_before AS SELECT * FROM patient")
    op.drop_table("patient")
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("personal_id", sa.String(length=longest), nullable=False),
        sa.Column("personal_id_system", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.String(length=10), nullable=birth_date_nullable),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("own_doctor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint(*unique, name=op.f(f"uq_patient_{'_'.join(unique)}")),
    )
    op.execute(_BACK)
    op.drop_table("patient_before")


def _make_tables() -> None:
    op.create_table(
        "care_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_care_unit_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_unit")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_care_unit_organization_id_name")),
    )
    op.create_table(
        "hsa_name",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.String(length=31), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_hsa_name")),
        sa.UniqueConstraint("value", name=op.f("uq_hsa_name_value")),
    )
    op.create_table(
        "patient_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.Column("said_by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("taken_back_by", sa.Uuid(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_merge_patient_id")),
        sa.ForeignKeyConstraint(["into_id"], ["patient.id"], name=op.f("fk_patient_merge_into_id")),
        sa.ForeignKeyConstraint(["said_by"], ["practitioner.id"], name=op.f("fk_patient_merge_said_by")),
        sa.ForeignKeyConstraint(["taken_back_by"], ["practitioner.id"], name=op.f("fk_patient_merge_taken_back_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_merge")),
    )
    for column in ("patient_id", "into_id"):
        op.create_index(op.f(f"ix_patient_merge_{column}"), "patient_merge", [column], unique=False)
    op.create_table(
        "passkey_link",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_passkey_link_practitioner_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_passkey_link")),
    )
    op.create_index(op.f("ix_passkey_link_practitioner_id"), "passkey_link", ["practitioner_id"], unique=False)
    op.create_table(
        "kit_code",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kit_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_kit_code_organization_id")),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_kit_code_kit_id")),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_kit_code")),
    )
    op.create_table(
        "former_kit_key",
        sa.Column("kit_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_former_kit_key_kit_id")),
        sa.PrimaryKeyConstraint("kit_id", "public_key", name=op.f("pk_former_kit_key")),
    )


def downgrade() -> None:
    """A patient without day of birth gets an empty one. Two systems with the same number cannot go back: it fails."""
    for table in ("former_kit_key", "kit_code", "passkey_link", "patient_merge", "hsa_name", "care_unit"):
        op.drop_table(table)
    op.execute("UPDATE patient SET birth_date = '' WHERE birth_date IS NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("uq_patient_personal_id_system_personal_id"), "patient", type_="unique")
        op.alter_column("patient", "birth_date", nullable=False)
        op.create_unique_constraint(op.f("uq_patient_personal_id"), "patient", ["personal_id"])
    else:
        _remake_patient(64, ["personal_id"], birth_date_nullable=False)
