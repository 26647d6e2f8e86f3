"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_conversations"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("conversation", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("deadline", sa.Float),
        sa.Column("accepted", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("failure", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_state", "requests", ["state"])
    op.create_index("ix_requests_tenant_accepted", "requests", ["tenant", "accepted"])
    op.create_index("ix_requests_tenant_conversation", "requests", ["tenant", "conversation"])
    for name, column in (("plans", "plan"), ("receipts", "receipt")):
        op.create_table(
            name,
            sa.Column("request", sa.String(64), nullable=False),
            sa.Column(column, sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("request", name=f"pk_{name}"),
            sa.ForeignKeyConstraint(
                ["request"], ["requests.id"], name=f"fk_{name}_request", ondelete="CASCADE"
            ),
        )
    op.create_table(
        "pictures",
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("request", "place", name="pk_pictures"),
        sa.ForeignKeyConstraint(
            ["request"], ["receipts.request"], name="fk_pictures_request", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_pictures_sha256", "pictures", ["sha256"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("conversation", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64)),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("thumbs", sa.Integer),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("moment", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.ForeignKeyConstraint(
            ["request"], ["requests.id"], name="fk_feedback_request", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_feedback_tenant_conversation", "feedback", ["tenant", "conversation"])
    op.create_table(
        "trials",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("moment", sa.Float, nullable=False),
        sa.Column("trial", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trials"),
    )
    op.create_index("ix_trials_tenant_moment", "trials", ["tenant", "moment"])
    op.create_table(
        "usage",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("evaluations", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day", name="pk_usage"),
    )
