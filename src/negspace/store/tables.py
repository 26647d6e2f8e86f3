"""The tables. Moments are seconds since the epoch; values of Negspace are kept as the JSON they write."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversations = Table(
    "conversations",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("begun", Float, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("conversation", String(64)),
    Column("state", String(16), nullable=False),  # accepted, done, failed
    Column("priority", Integer, nullable=False),
    Column("deadline", Float),
    Column("accepted", Float, nullable=False),
    Column("ended", Float),
    Column("request", Text, nullable=False),
    Column("failure", Text),
    Index(None, "state"),
    Index(None, "tenant", "accepted"),
    Index(None, "tenant", "conversation"),
)

plans = Table(
    "plans",
    metadata,
    Column("request", String(64), ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("plan", Text, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("request", String(64), ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("receipt", Text, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("request", String(64), ForeignKey("receipts.request", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("request", String(64), ForeignKey("requests.id", ondelete="SET NULL")),
    Column("said", Text, key="complaint", nullable=False),
    Column("thumbs", Integer),  # 1 up, -1 down
    Column("changes", Text, nullable=False),
    Column("moment", Float, nullable=False),
    Index(None, "tenant", "conversation"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("moment", Float, nullable=False),
    Column("trial", Text, nullable=False),
    Index(None, "tenant", "moment"),
)

usage = Table(
    "usage",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),  # days since the epoch
    Column("evaluations", Integer, nullable=False),
)
