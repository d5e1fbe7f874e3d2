"""Messages survive the bus: what is encoded is decoded the same, readers ignore what they do not know."""

import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import MESSAGES
from shared.contracts.clients import ClientTransferred, FreezeAccess, Ownership
from shared.contracts.staff import EmployeeResigned
from shared.messages import Message, Record, Undecodable, decode_record, encode_record, get_record_type

TYPES = {message.type: message for message in MESSAGES}
RESIGNED = EmployeeResigned(
    employee_id="7", employment_id="m-1", status="resigned", notice_on=date(2026, 3, 2), last_day=date(2026, 3, 31)
)


def row(message: Message, **changed: Any) -> dict[str, Any]:
    return {
        "event_id": uuid.uuid4(),
        "topic": "holdfast.staff.events",
        "subject": message.subject,
        "type": message.type,
        "source": "/holdfast/staff",
        "sequence": 3,
        "time": datetime(2026, 3, 2, 9, tzinfo=UTC),
        "cause": None,
        "traceparent": None,
        "body": message.model_dump_json(),
        **changed,
    }


def test_an_event_is_a_cloudevent_in_kafka_binary_mode() -> None:
    record = encode_record(row(RESIGNED, cause="c-1"))
    assert record.key == "employee/7"
    assert record.headers["ce_type"] == b"employee.resigned"
    assert record.headers["ce_source"] == b"/holdfast/staff"
    assert record.headers["ce_subject"] == b"employee/7"
    assert record.headers["ce_specversion"] == b"1.0"
    assert record.headers["ce_sequence"] == b"3"
    assert record.headers["ce_causationid"] == b"c-1"
    assert record.headers["content-type"] == b"application/json"
    assert json.loads(record.body)["last_day"] == "2026-03-31"


def test_what_is_encoded_is_decoded_the_same() -> None:
    sent = row(RESIGNED)
    envelope = decode_record(encode_record(sent), TYPES)
    assert envelope.data == RESIGNED
    assert (envelope.id, envelope.sequence, envelope.time) == (sent["event_id"], 3, sent["time"])


@given(st.text(min_size=1, max_size=64), st.integers(min_value=1))
def test_any_id_survives_the_bus(employee_id: str, sequence: int) -> None:
    message = RESIGNED.model_copy(update={"employee_id": employee_id})
    record = encode_record(row(message, sequence=sequence, body=json.dumps(message.model_dump(mode="json"))))
    assert decode_record(record, TYPES).data.employee_id == employee_id


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    record = encode_record(row(RESIGNED, body=json.dumps({**RESIGNED.model_dump(mode="json"), "new": {"deep": 1}})))
    assert decode_record(record, TYPES).data == RESIGNED


@pytest.mark.parametrize(
    "record",
    [
        Record("t", "k", {}, b"{}"),
        Record("t", "k", {"ce_type": b"\xff"}, b"{}"),
        Record("t", "k", {**encode_record(row(RESIGNED)).headers}, b"not json"),
        Record("t", "k", {**encode_record(row(RESIGNED)).headers}, b'{"employee_id": 7}'),
        Record(
            "t",
            "k",
            {**encode_record(row(RESIGNED)).headers, "ce_sequence": b"three"},
            encode_record(row(RESIGNED)).body,
        ),
        Record(
            "t", "k", {**encode_record(row(RESIGNED)).headers, "ce_id": b"no-uuid"}, encode_record(row(RESIGNED)).body
        ),
        Record(
            "t",
            "k",
            {**encode_record(row(RESIGNED)).headers, "ce_type": b"unheard.of"},
            encode_record(row(RESIGNED)).body,
        ),
    ],
)
def test_what_can_not_be_read_is_undecodable_and_says_nothing_of_its_content(record: Record) -> None:
    with pytest.raises(Undecodable) as caught:
        decode_record(record, TYPES)
    assert "7" not in str(caught.value)


def test_the_type_of_an_unreadable_record_is_unknown() -> None:
    assert get_record_type(Record("t", "k", {}, b"")) is None


def test_a_command_has_the_key_of_its_leaver() -> None:
    command = FreezeAccess(command_id="c/freeze/1", case_id="c", epoch=1, employee_id="7", employment_id="m", ref="3")
    assert command.subject == "employee/7"


def test_an_ownership_event_speaks_of_one_client_or_of_many() -> None:
    one = ClientTransferred(client_id="c", from_id="a", to_id="b", sequence=4)
    many = ClientTransferred(batch_id="x", items=[Ownership(client_id="c", from_id="a", to_id="b", sequence=4)])
    assert (one.subject, many.subject) == ("client/c", "batch/x")
    assert one.changes() == many.changes()


def test_names_of_messages_are_unique_and_say_what_happened() -> None:
    assert len(TYPES) == len(MESSAGES)
