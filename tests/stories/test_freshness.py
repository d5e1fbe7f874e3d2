"""Once a freeze is acknowledged, no replica admits: real processes, one of them stopped for a while, PostgreSQL restarted.

The same as `make bench ONLY=freshness`, small.
"""

import pytest

from bench.freshness import judge_answers

pytestmark = pytest.mark.processes
HOW_MANY = pytest.mark.parametrize("answers", [2_500, pytest.param(20_000, marks=pytest.mark.long)])


@HOW_MANY
async def test_nobody_is_admitted_after_the_freeze_was_acknowledged(answers: int) -> None:
    judge = await judge_answers(answers, pause=2)
    assert judge.answers >= answers
    assert judge.admitted.total() == 0, judge.admitted
    assert {"check", "in batches", "set question", "read", "list", "effect"} <= judge.judged.keys()
    assert len(judge.frozen) > 10


@HOW_MANY
async def test_decisions_that_are_kept_for_a_second_are_found_out(answers: int) -> None:
    judge = await judge_answers(answers, pause=0, seconds_kept=1, disturbed=False)
    assert judge.admitted.total() > 0
