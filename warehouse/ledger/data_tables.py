"""The ledger's tables about data: incidents with their history, backfills and their partitions."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, String, Table, Text, UniqueConstraint

from warehouse.ledger.tables import METADATA, Instant

INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("incident", String(12), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("scope", Text, nullable=False),  # a symbol, or empty: many at once
    Column("what", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("on_breach", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("resolution", Text),
    Column("owner", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("symbols", Text, nullable=False),  # canonical JSON
    Column("bad", Integer, nullable=False),
    Column("newest", Date),
    Column("run", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("snoozed_until", Date),
    Column("days", Text, nullable=False, server_default="{}"),  # canonical JSON: symbol -> first and last day to judge again
    UniqueConstraint("dataset", "source", "law", "scope", name="one_incident_a_breach"),
)

INCIDENT_EVENTS = Table(
    "incident_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("incident", String(12), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
)

BACKFILLS = Table(
    "backfills",
    METADATA,
    Column("backfill", String(12), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("asked", Text, nullable=False),  # canonical JSON
    Column("before", Integer, nullable=False),  # the lake's snapshot when it began
    Column("status", Text, nullable=False),  # running | done | partly
    Column("at", Instant, nullable=False),
)

PARTITIONS = Table(
    "partitions",
    METADATA,
    Column("backfill", String(12), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("symbols", Text, nullable=False),  # canonical JSON
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("status", Text, nullable=False),  # waiting | done | refused | outage
    Column("rows", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("run", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant),
)
