"""The metadata to which every `tables.py` of staff adds its tables."""

from sqlalchemy import MetaData

from shared.outbox.tables import add_chassis_tables

metadata = add_chassis_tables(MetaData())
