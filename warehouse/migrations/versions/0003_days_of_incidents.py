"""The days that an incident is about: a check must judge them again before it may say that the law holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("days", sa.Text(), nullable=False, server_default="{}"))
