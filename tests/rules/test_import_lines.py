"""The lines of an import: bare or numbered, and what is wrong with those that are neither."""

import pytest
from pydantic import BaseModel, ConfigDict

from shared.http.ndjson import MAX_LINE_NUMBER, MalformedJson, parse_import_lines


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


def test_a_bare_line_has_its_place_in_the_file_and_a_numbered_one_its_number() -> None:
    lines, refused = parse_import_lines(b'{"name": "a"}\n\n{"line": 7, "data": {"name": "b"}}\n', Thing)
    assert [(line.line, line.value.name) for line in lines] == [(1, "a"), (7, "b")]
    assert refused == []


def test_a_line_that_is_wrong_is_refused_under_its_number_and_the_others_are_read() -> None:
    body = b'{"line": 7, "data": {"nome": "a"}}\nno json\n{"name": 5}\n{"name": "c"}'
    lines, refused = parse_import_lines(body, Thing)
    assert [line.line for line in lines] == [4]
    assert [result.line for result in refused] == [7, 2, 3]
    assert refused[1].reason == "malformed_json"


@pytest.mark.parametrize(("number", "line"), [(-1, 0), (2**70, MAX_LINE_NUMBER), ("5", 5), (5.0, 5)])
def test_a_number_out_of_range_is_taken_as_the_nearest_in_it(number: object, line: int) -> None:
    body = (
        f'{{"line": {number if not isinstance(number, str) else chr(34) + number + chr(34)}, "data": {{"name": "a"}}}}'
    )
    lines, _ = parse_import_lines(body.encode(), Thing)
    assert [found.line for found in lines] == [line]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a"}',
        '{"line": -1, "data": {"name": "a"}}',
        '{"line": 1, "data": 5}',
        '{"line": "x", "data": {}}',
        "no",
    ],
)
def test_where_every_line_must_be_numbered_one_that_is_not_refuses_all(text: str) -> None:
    with pytest.raises(MalformedJson):
        parse_import_lines(f'{{"line": 1, "data": {{"name": "a"}}}}\n{text}'.encode(), Thing, are_numbered=True)
