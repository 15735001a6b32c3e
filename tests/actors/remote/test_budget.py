"""How long a build waits for a server."""

from __future__ import annotations

from actors.remote import budget
from actors.remote.budget import Budget


def test_a_server_that_gives_nothing_gets_less_than_two_seconds() -> None:
    one = Budget(2)
    one.begin(0.0)
    assert (one.left(looking=True), one.left()) == (budget.LOOKING, budget.MOST)
    one.spend(budget.LOOKING)
    assert one.left(looking=True) == 0.0
    one.spend(one.left())
    assert (one.left(), one.for_uploads()) == (0.0, 0.0)
    assert budget.MOST < 2


def test_what_was_right_pays_for_more_but_not_whatever_it_says() -> None:
    one = Budget(2)
    one.spend(budget.MOST)
    one.received(40.0)
    assert round(one.left(), 6) == 0.02
    one.received(1e12)
    assert round(one.left(), 6) == round(0.02 + budget.MOST_CREDIT_MS / 2000, 6)


def test_faults_in_a_row_or_many_or_a_refusal_end_it() -> None:
    row, many, refused = Budget(1), Budget(1), Budget(1)
    for number in range(1, budget.IN_A_ROW + 1):
        row.fault(f"fault {number}", 5.0)
    assert (row.open, row.trouble, row.left()) == (False, f"fault {budget.IN_A_ROW}", 0.0)
    for _ in range(budget.IN_A_BUILD - 1):
        many.fault("reset", 5.0)
        many.answered()
    assert many.open
    many.fault("reset", 5.0)
    assert not many.open
    refused.fault("HTTP 403", 5.0, final=True)
    assert not refused.open


def test_later_builds_leave_it_alone_for_longer_and_longer() -> None:
    one = Budget(1)
    now, pause = 0.0, budget.FIRST_PAUSE
    for _ in range(8):
        one.give_up("dead", now)
        one.begin(now + pause - 0.1)
        assert not one.open
        one.begin(now + pause)
        assert (one.open, one.trouble, one.left()) == (True, "", budget.MOST)
        now, pause = now + pause, min(2 * pause, budget.LONGEST_PAUSE)
    assert pause == budget.LONGEST_PAUSE
    one.answered()
    one.give_up("dead", now)
    one.begin(now + budget.FIRST_PAUSE)
    assert one.open
