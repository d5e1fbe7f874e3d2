"""What is looked for: words, mail addresses, phone numbers."""

import pytest

from services.clients.register.rules import build_phone_queries, build_search_query, normalize_phone


@pytest.mark.parametrize(
    ("text", "query", "words"),
    [
        ("alfreds  FUTTER", "", "alfreds futter"),
        ("O'Brien & Co.", "", "o'brien & co."),
        ("Érika@Example.org", "'erika@example.org':*", ""),
        ("Müller erika@", "", "muller erika@"),
        ("Müller e@x", "'e@x':*", "muller"),
        ("+49 (30) 901-820", "'=4930901820':* | '#0281090394':* | 49:* & 30:* & 901:* & 820:*", ""),
        ("0049 30 901820", "'=4930901820':* | '#0281090394':* | 0049:* & 30:* & 901820:*", ""),
        ("7th", "", "7th"),
        ("12", "", "12"),
    ],
)
def test_words_and_addresses_may_be_begun_and_numbers_may_also_be_an_end(text: str, query: str, words: str) -> None:
    assert build_search_query(text) == (query, words)


@pytest.mark.parametrize("text", ["&", "...", "' '", "_", "@"])
def test_there_is_nothing_to_look_for_without_a_letter_or_a_digit(text: str) -> None:
    assert build_search_query(text) is None


def test_what_is_looked_for_cannot_leave_its_quotes() -> None:
    assert build_search_query("x@'|!\\y") == ("'x@''|!\\\\y':*", "")


def test_the_digits_of_a_number_are_taken_without_leading_zeros() -> None:
    assert normalize_phone("0049 (0)30-901 820") == "4930901820"


def test_a_number_is_looked_for_whole_and_with_or_without_a_code_before_it() -> None:
    assert build_phone_queries("+49309018201") == (
        "'=49309018201'",
        "'=49309018201' | '#10281090394':* | '=9309018201' | '=309018201' | '=9018201'",
    )


@pytest.mark.parametrize("phone", ["112", "+49", "call me", "000000000"])
def test_a_short_number_is_nobodys(phone: str) -> None:
    assert build_phone_queries(phone) is None
