"""What all tables of clients are added to."""

from sqlalchemy import MetaData

from shared.outbox.tables import chassis_tables
from shared.people import people_tables

metadata = MetaData()
chassis_tables(metadata)
people_tables(metadata)
