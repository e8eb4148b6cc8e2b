"""Incidents with their history; backfills and their partitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.String(length=27)


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident", sa.String(length=12), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("dataset", "source", "law", "scope", "what")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("severity", "on_breach", "state")),
        sa.Column("resolution", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("owner", "note", "symbols")),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Date(), nullable=True),
        sa.Column("run", sa.Text(), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("opened_at", "seen_at", "changed_at")),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.UniqueConstraint("dataset", "source", "law", "scope", name="one_incident_a_breach"),
    )
    op.create_table(
        "incident_events",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("incident", sa.String(length=12), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "by", "note")),
    )
    op.create_index(op.f("ix_incident_events_incident"), "incident_events", ["incident"], unique=False)
    op.create_table(
        "backfills",
        sa.Column("backfill", sa.String(length=12), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("dataset", "source", "asked")),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_table(
        "partitions",
        sa.Column("backfill", sa.String(length=12), primary_key=True),
        sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("symbols", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("since", "until")),
        sa.Column("status", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("rows", "added", "revised", "quarantined")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("run", "note")),
        sa.Column("at", INSTANT, nullable=True),
    )
