"""docs/erasure.md decides on every column that could hold what somebody wrote, or who somebody is."""

import re
from pathlib import Path

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from services.wiring import load_service
from shared.settings import SERVICES

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "erasure.md"
LINE = re.compile(r"^\| (\w+)\.(\w+) \| ([^|]*) \|")


def decided(part: str) -> set[str]:
    """`service.table.column` of a part of the document; what is said of `every` service is meant of each."""
    found = set()
    for line in part.splitlines():
        if match := LINE.match(line):
            for service in SERVICES if match[1] == "every" else (match[1],):
                found |= {f"{service}.{match[2]}.{column}" for column in re.findall(r"`(\w+)`", match[3])}
    return found


def can_hold_words(column: Column[object]) -> bool:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, String | JSONB | LargeBinary | TSVECTOR)


def columns(service: str, metadata: MetaData) -> set[str]:
    return {
        f"{service}.{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if can_hold_words(column)
    }


def undecided(service: str, metadata: MetaData) -> set[str]:
    return columns(service, metadata) - decided(DOCUMENT.read_text())


def test_of_every_column_that_can_hold_words_it_is_written_whether_an_erasure_empties_it() -> None:
    for service in SERVICES:
        assert not undecided(service, load_service(service).metadata)


def test_no_column_is_said_to_go_and_to_stay_and_none_is_named_that_does_not_exist() -> None:
    goes, stays = (decided(part) for part in DOCUMENT.read_text().split("## What stays"))
    assert not goes & stays
    there = {column for service in SERVICES for column in columns(service, load_service(service).metadata)}
    assert not (goes | stays) - there


def test_a_new_column_that_nobody_has_decided_on_is_noticed() -> None:
    planted = MetaData()
    Table("visits", planted, Column("note", Text), Column("diagnosis", Text), Column("moods", ARRAY(Text)))
    assert undecided("offboarding", planted) == {"offboarding.visits.diagnosis", "offboarding.visits.moods"}
