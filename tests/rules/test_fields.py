"""Fields of the doors: ids of any script, nothing that a database would choke on, lists by key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.http.fields import Day, Effort, Moment, Money, ShortText
from shared.ids import Id, uuid7
from shared.paging import Paging, UnknownCursor, make_page, paging

IDS = TypeAdapter(Id)


@pytest.mark.parametrize("good", ["7", "ALFKI", "e-7", "crm:42", "a.b@c_d", "Иванов-1", "客户1", "x" * 64])
def test_ids_are_letters_and_digits_of_any_script_and_a_few_signs(good: str) -> None:
    assert IDS.validate_python(good) == good


@pytest.mark.parametrize("bad", ["", " ", "a b", "a/b", "a\x00", "a\n", "x" * 65, "a~b", "a'b", "a%b", "\ud800"])
def test_other_ids_are_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        IDS.validate_python(bad)


@pytest.mark.parametrize("bad", ["\x00", "a\x00b", "", "two\nlines", "x" * 301])
def test_a_line_is_one_line_that_a_database_can_keep(bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ShortText).validate_python(bad)


@pytest.mark.parametrize("bad", ["-1", "1e30", "NaN", "Infinity", "1.234", "x"])
def test_money_is_a_decimal_with_cents(bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python(bad)
    assert TypeAdapter(Money).dump_json(TypeAdapter(Money).validate_python("12.5")) == b'"12.50"'


@given(st.lists(st.text(max_size=20), unique=True, max_size=30), st.integers(1, 10))
def test_pages_show_every_row_once_and_end(ids: list[str], limit: int) -> None:
    ids = sorted(identifier.replace("\0", "") for identifier in ids)
    ids = sorted(set(ids))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        wanted = paging(limit, cursor)
        rest = [{"id": identifier} for identifier in ids if wanted.after is None or identifier > wanted.after[0]]
        shown = make_page(rest[: wanted.fetch], wanted, lambda row: (row["id"],))
        seen += [row["id"] for row in shown.items]
        cursor = shown.next_cursor
        if cursor is None:
            break
    assert seen == ids


@pytest.mark.parametrize("cursor", ["x", "e30=", "W10=", "WzFd", "é", "WyJcdTAwMDAiXQ==", "WyJcdWQ4MDAiXQ=="])
def test_a_cursor_of_another_kind_is_refused(cursor: str) -> None:
    with pytest.raises(UnknownCursor):
        paging(10, cursor)


@pytest.mark.parametrize("key", ["", "zzz", "-1", "²", "9" * 19])
def test_a_cursor_of_a_list_by_number_holds_a_number_that_a_database_can_keep(key: str) -> None:
    assert Paging(10, ("7",)).number == 7
    assert Paging(10, None).number is None
    with pytest.raises(UnknownCursor):
        _ = Paging(10, (key,)).number


def test_a_page_fetches_one_more_than_it_shows() -> None:
    assert Paging(10, None).fetch == 11


def test_uuids_are_of_version_7_and_ordered_by_time() -> None:
    made = [uuid7() for _ in range(50)]
    assert all(value[14] == "7" for value in made)
    assert made[0][:8] <= made[-1][:8]


@pytest.mark.parametrize("bad", [True, False])
def test_true_is_not_a_number(bad: bool) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Effort).validate_python(bad)


@pytest.mark.parametrize("kind", [Day, Moment])
@pytest.mark.parametrize("bad", [0, 86400, 0.0, True])
def test_a_number_is_not_a_day_or_a_moment(kind: object, bad: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)
