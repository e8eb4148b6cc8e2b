"""The days that an incident is about: a check must judge them again before it may say that the law holds."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
NEWEST_ALONE = {"fresh", "usual_row_count"}  # what they say of the newest session the next batch settles


def upgrade() -> None:
    op.add_column("incidents", sa.Column("days", sa.Text(), nullable=False, server_default="{}"))
    incidents = sa.table(
        "incidents", *(sa.column(name) for name in ("incident", "law", "symbols", "days")), sa.column("newest", sa.Date())
    )
    con = op.get_bind()
    for row in con.execute(sa.select(incidents).where(incidents.c.newest.is_not(None))).all():
        if row.law not in NEWEST_ALONE:
            day = row.newest.isoformat()
            days = json.dumps({symbol: [day, day] for symbol in json.loads(row.symbols)}, sort_keys=True, separators=(",", ":"))
            con.execute(sa.update(incidents).where(incidents.c.incident == row.incident).values(days=days))
