"""The soak holds all that is long: every folder on every hard day, and in a few commits in a row every part."""

from pathlib import Path

import pytest

from tests.soak import FOLDERS, choose_parts, list_parts
from tests.support.days import HARD

TESTS = Path(__file__).parent.parent


def test_every_folder_is_run_on_every_hard_day() -> None:
    folders = {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert folders == {place.removeprefix("tests/") for folder in FOLDERS for place in folder.split()}
    names = {part.name for part in list_parts(0)}
    assert names >= {f"{day} {folder.split('/')[-1]}" for day in HARD for folder in FOLDERS}
    assert len(names) == len(list_parts(0))


@pytest.mark.parametrize("minutes", [5, 15, 40])
def test_commits_in_a_row_run_every_part_and_each_about_so_long(minutes: float) -> None:
    seconds = minutes * 60 * 2
    every = {part.name for part in list_parts(0)}
    lots = [choose_parts(list_parts(turn), turn, seconds) for turn in range(100, 130)]
    assert {part.name for parts in lots for part in parts} == every
    assert all(sum(part.seconds for part in parts) <= seconds for parts in lots)


def test_the_whole_soak_takes_at_most_40_minutes_on_two_cores() -> None:
    assert sum(part.seconds for part in list_parts(0)) / 2 <= 40 * 60
