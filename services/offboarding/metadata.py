"""The one `MetaData` of offboarding: its own tables, those of the chassis and the copy of the register."""

from sqlalchemy import DateTime, MetaData

from shared.outbox.tables import add_chassis_tables
from shared.people.tables import add_people_tables

metadata = add_people_tables(add_chassis_tables(MetaData()))

Timestamp = DateTime(timezone=True)
