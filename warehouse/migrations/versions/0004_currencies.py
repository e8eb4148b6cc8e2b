"""Cash in several currencies: of openings, adjustments and books, and of the commissions of conversions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS = (
    ("executions", "commission_currency", ""),
    ("openings", "foreign_cash", "{}"),
    ("adjustments", "currency", ""),
    ("equity", "foreign_cash", "{}"),
)


def upgrade() -> None:
    for table, column, usual in COLUMNS:
        op.add_column(table, sa.Column(column, sa.Text(), nullable=False, server_default=usual))
