"""The one collection of all tables of this service."""

from sqlalchemy import MetaData

from shared.outbox.tables import add_chassis_tables
from shared.people.tables import add_people_tables

metadata = add_people_tables(add_chassis_tables(MetaData()))
