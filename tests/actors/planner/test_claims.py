"""What a build may compile: claimed a few at a time, put off where others were faster, never waited long for."""

from __future__ import annotations

import itertools

from actors.planner import schedule
from actors.planner.schedule import Work, first_claims

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
    assert ready.next_claims(2, one_ms) == []
    assert taken(ready) == ["a", "b"]


def test_claims_come_in_order_and_before_the_last_ones_are_begun() -> None:
    ready = shared("abcdefgh")
    assert len(ready) == 0
    assert ready.next_claims(1, lambda _: schedule.CLAIM_MS / 2) == ["a", "b"]
    assert ready.next_claims(1, one_ms) == [], "one question at a time"
    assert ready.answered() == ["a", "b"]
    ready.claimed("a", False)
    ready.claimed("b", True)
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
    assert first_claims(modules, 2, {}) == 2 * schedule.FIRST_CLAIMS
    assert first_claims(modules, 1, dict.fromkeys(modules, schedule.CLAIM_MS / 3)) == 3
    assert first_claims(modules[:2], 1, {}) == 2
    for module in modules:
        ready.add(module, 1.0)
    assert len(ready.next_claims(2, lambda _: 0.0)) == 2 * schedule.MOST_CLAIMS
    assert [ready.claimed(module, False) for module in ready.answered()] == [None] * (2 * schedule.MOST_CLAIMS)
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
    ready.claimed("a", True)
    ready.discard(["a"])
    assert ready.theirs == set()


def waiting(modules: str) -> Work:
    ready = shared(modules)
    for module in modules:
        ready.claimed(module, True)
    return ready


def answered(ready: Work, taken: bool = True) -> None:
    for module in ready.answered():
        ready.claimed(module, taken)


def test_others_are_looked_at_again_at_growing_intervals() -> None:
    ready = waiting("ab")
    looks = []
    now = 7.0
    while True:
        pause = ready.wait(now)
        if pause == 0:
            looks.append(now)
            modules, beside = ready.look(now, 1, one_ms)
            if beside:
                break
            assert modules == ["a", "b"]
            answered(ready)
        now += pause
    pauses = [after - before for before, after in itertools.pairwise(looks)]
    assert looks[0] == 7.0
    assert pauses == sorted(pauses)
    assert abs(pauses[0] - schedule.FIRST_PAUSE) < 1e-9
    assert pauses[-1] <= schedule.LONGEST_PAUSE + 1e-9
    assert 7.0 + schedule.LEAST_PATIENCE <= now <= 7.0 + schedule.LEAST_PATIENCE + schedule.LONGEST_PAUSE


def test_patience_ends_and_takes_the_last_ones_first_and_more_each_time() -> None:
    ready = waiting("abcdefgh")
    now = 0.0
    got = []
    while ready.theirs:
        if ready.wait(now) == 0:
            modules, beside = ready.look(now, 1, one_ms)
            answered(ready, taken=not beside)
            if beside:
                assert beside == 1
                got.append(modules)
                assert sorted(taken(ready)) == sorted(modules)
        now += 0.01
    assert got == [["h"], ["g", "f"], ["e", "d", "c", "b"], ["a"]]
    assert now <= 4 * (schedule.LEAST_PATIENCE + schedule.LONGEST_PAUSE)


def test_where_somebody_took_over_before_the_next_one_waits_longer() -> None:
    ready = waiting("a")
    now = 0.0
    ways = []
    while len(ready) == 0:
        if ready.wait(now) == 0:
            _, beside = ready.look(now, 1, one_ms)
            ways += [beside] if beside else []
            answered(ready, taken=beside < 4)
        now += 0.01
    assert ways == [1, 2, 3, 4]
    assert 4 * schedule.LEAST_PATIENCE <= now <= 4 * (schedule.LEAST_PATIENCE + schedule.LONGEST_PAUSE + 0.02)


def first_look_that_gives_up(ready: Work, each_ms: float, moved_at: float = 0.0) -> float:
    now = 0.0
    while True:
        if ready.wait(now) == 0:
            if ready.look(now, 1, lambda _: each_ms)[1]:
                return now
            answered(ready)
        if moved_at and now >= moved_at:
            ready.progressed()
            moved_at = 0.0
        now += 0.01


def test_nobody_is_waited_for_longer_than_twice_what_compiling_takes() -> None:
    for each_ms, seconds in (
        (0.1, schedule.LEAST_PATIENCE),
        (200.0, 2 * schedule.PATIENCE * 0.2),
        (1e6, schedule.MOST_PATIENCE),
    ):
        assert seconds <= first_look_that_gives_up(waiting("ab"), each_ms) <= seconds + schedule.LONGEST_PAUSE + 0.02


def test_whoever_gets_on_has_more_time() -> None:
    at = first_look_that_gives_up(waiting("ab"), 0.1, moved_at=0.2)
    assert 0.2 + schedule.LEAST_PATIENCE <= at <= 0.2 + schedule.LEAST_PATIENCE + 2 * schedule.LONGEST_PAUSE + 0.02
