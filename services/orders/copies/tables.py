"""Clients as heard from `clients`."""

from sqlalchemy import BigInteger, Column, Table, Text

from services.orders.metadata import metadata

Table(
    "known_clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("owner_id", Text),  # of record
    Column("heard", BigInteger, nullable=False, server_default="0"),
)
