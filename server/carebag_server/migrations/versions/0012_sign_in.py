"""HSA-ids of people and commissions, locks and proofs of sessions, names and ends of passkeys, sign-in by a provider.

What is signed in counts as proved when it was signed in, by a one-time link: a proof that is never too good.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("practitioner", sa.Column("hsa_id", sa.String(64), nullable=True))
    op.create_index("ix_practitioner_hsa_id", "practitioner", ["hsa_id"], unique=True)
    op.add_column("commission", sa.Column("hsa_id", sa.String(64), nullable=True))
    op.create_index("ix_commission_hsa_id", "commission", ["hsa_id"])
    op.add_column("commission", sa.Column("purpose", sa.Text(), nullable=False, server_default=""))
    op.add_column("commission", sa.Column("provider_hsa_id", sa.String(64), nullable=True))
    op.add_column("signed_in", sa.Column("locked_at", _TIME, nullable=True))
    # SQLite adds no NOT NULL column without a constant default
    op.add_column(
        "signed_in", sa.Column("proved_at", _TIME, nullable=False, server_default="1970-01-01 00:00:00+00:00")
    )
    op.execute("UPDATE signed_in SET proved_at = created_at")
    op.add_column("signed_in", sa.Column("proved_by", sa.String(16), nullable=False, server_default="link"))
    op.add_column("passkey", sa.Column("name", sa.Text(), nullable=False, server_default=""))
    op.add_column("passkey", sa.Column("ended_at", _TIME, nullable=True))
    op.add_column("passkey_challenge", sa.Column("session_id", sa.Uuid(), nullable=True))
    op.create_table(
        "oidc_flow",
        sa.Column("state_sha256", sa.String(64), nullable=False),
        sa.Column("browser_sha256", sa.String(64), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state_sha256", name=op.f("pk_oidc_flow")),
    )
    op.create_index("ix_oidc_flow_browser_sha256", "oidc_flow", ["browser_sha256"])


def downgrade() -> None:
    op.drop_table("oidc_flow")
    op.drop_column("passkey_challenge", "session_id")
    op.drop_column("passkey", "ended_at")
    op.drop_column("passkey", "name")
    for column in ("proved_by", "proved_at", "locked_at"):
        op.drop_column("signed_in", column)
    op.drop_index("ix_commission_hsa_id", "commission")
    for column in ("provider_hsa_id", "purpose", "hsa_id"):
        op.drop_column("commission", column)
    op.drop_index("ix_practitioner_hsa_id", "practitioner")
    op.drop_column("practitioner", "hsa_id")
