"""What a build may compile: claimed a few at a time, put off where others were faster, never waited long for."""

from __future__ import annotations

import itertools

from actors.planner import work
from actors.planner.work import Work

ONE_MS = dict.fromkeys("abcdefgh", 1.0)


def one_ms(_: str) -> float:
    return 1.0


def shared(modules: str) -> Work:
    """All with the priority that their order gives."""
    ready = Work(shared=True)
    for place, module in enumerate(modules):
        ready.add(module, 100.0 - place)
    return ready


def taken(ready: Work) -> list[str]:
    modules: list[str] = []
    while len(ready):
        modules.append(ready.pop())
    return modules


def test_alone_nothing_is_claimed() -> None:
    ready = Work()
    ready.add("b", 1.0)
    ready.add("a", 2.0)
    assert ready.first(["a", "b"], 2, ONE_MS) == 0
    assert ready.next_claims(2, one_ms) == []
    assert taken(ready) == ["a", "b"]


def test_claims_come_in_order_and_before_the_last_ones_are_begun() -> None:
    ready = shared("abcdefgh")
    assert len(ready) == 0
    assert ready.next_claims(1, lambda _: work.CLAIM_MS / 2) == ["a", "b"]
    assert ready.next_claims(1, one_ms) == [], "one question at a time"
    assert ready.answered() == ["a", "b"]
    ready.settled("a", False)
    ready.settled("b", True)
    assert ready.theirs == {"b"}
    assert ready.next_claims(1, one_ms) == ["c", "d", "e"], "half of what is left"
    assert ready.answered() == ["c", "d", "e"]
    assert ready.next_claims(1, one_ms) == ["f", "g"]
    assert ready.answered() == ["f", "g"]
    assert ready.next_claims(1, one_ms) == ["h"]
    assert ready.pop() == "a"


def test_how_many_are_claimed_at_a_time() -> None:
    modules = [f"m{number}" for number in range(200)]
    ready = shared("")
    assert ready.first(modules, 2, {}) == 2 * work.FIRST_CLAIMS
    assert ready.first(modules, 1, dict.fromkeys(modules, work.CLAIM_MS / 3)) == 3
    assert ready.first(modules[:2], 1, {}) == 2
    for module in modules:
        ready.add(module, 1.0)
    assert len(ready.next_claims(2, lambda _: 0.0)) == 2 * work.MOST_CLAIMS
    assert [ready.settled(module, False) for module in ready.answered()] == [None] * (2 * work.MOST_CLAIMS)
    assert ready.next_claims(2, one_ms) == [], "enough to do"
    while len(ready):
        ready.pop()
    assert ready.next_claims(2, one_ms, taken=5) == [], "enough to do"
    assert len(ready.next_claims(2, one_ms, taken=4)) == 64


def test_what_was_discarded_is_claimed_by_nobody() -> None:
    ready = shared("abc")
    assert ready.next_claims(2, one_ms) == ["a", "b", "c"]
    ready.discard(["b"])
    assert ready.answered() == ["a", "c"]
    ready.settled("a", True)
    ready.discard(["a"])
    assert ready.theirs == set()


def waiting(modules: str) -> Work:
    ready = shared(modules)
    for module in modules:
        ready.settled(module, True)
    return ready


def test_others_are_looked_at_again_at_growing_intervals() -> None:
    ready = waiting("ab")
    looks = []
    now = 7.0
    while (pause := ready.wait(now, 1, one_ms)) >= 0:
        if pause == 0:
            looks.append(now)
            assert ready.look(now) == ["a", "b"]
            for module in ready.answered():
                ready.settled(module, True)
        now += pause
    pauses = [after - before for before, after in itertools.pairwise(looks)]
    assert looks[0] == 7.0
    assert pauses == sorted(pauses)
    assert pauses[0] == work.FIRST_PAUSE or abs(pauses[0] - work.FIRST_PAUSE) < 1e-9
    assert pauses[-1] <= work.LONGEST_PAUSE + 1e-9
    assert 7.0 + work.LEAST_PATIENCE <= now <= 7.0 + work.LEAST_PATIENCE + work.LONGEST_PAUSE


def test_patience_ends_and_takes_the_last_ones_first_and_more_each_time() -> None:
    ready = waiting("abcdefgh")
    now = 0.0
    got = []
    while ready.theirs:
        if ready.wait(now, 1, one_ms) < 0:
            got.append(taken(ready))
        now += 0.01
    assert got == [["h"], ["f", "g"], ["b", "c", "d", "e"], ["a"]]
    assert now <= 4 * (work.LEAST_PATIENCE + 0.02)


def test_nobody_is_waited_for_longer_than_compiling_takes() -> None:
    for each_ms, seconds in ((0.1, work.LEAST_PATIENCE), (50.0, 2 * work.PATIENCE * 0.05), (1e6, work.MOST_PATIENCE)):
        ready = waiting("ab")
        assert ready.wait(0.0, 1, lambda _, ms=each_ms: ms) == 0.0
        ready.look(0.0)
        for module in ready.answered():
            ready.settled(module, True)
        assert ready.wait(seconds - 0.001, 1, one_ms) >= 0.0
        assert ready.wait(seconds, 1, one_ms) < 0.0
