"""What `orchestrator` makes public: names for all that its calls take and give, and types that see a wrong one."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import actors.events
import orchestrator
import orchestrator.sync
from orchestrator.keywords import LimitName, Limits, Settings
from orchestrator.running import LIMITS
from orchestrator.settings import SETTINGS

ROOT = Path(__file__).parents[2]
EVENTS = typing.get_args(actors.events.Event)


# ------------------------------------------------------------------------------------------------ names


def test_every_name_is_there_and_listed() -> None:
    assert orchestrator.__all__ == sorted(set(orchestrator.__all__))
    for name in orchestrator.__all__:
        assert getattr(orchestrator, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        orchestrator.nothing  # noqa: B018


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert orchestrator.__version__ == version("wasmill")


@pytest.mark.slow
def test_importing_the_package_imports_nothing_else() -> None:
    script = (
        "import sys\nbefore = set(sys.modules)\nimport orchestrator\n"
        "assert set(sys.modules) - before == {'orchestrator'}, set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_has_a_public_name(event: type) -> None:
    name = event.__name__
    assert getattr(orchestrator.events, name) is event
    assert name in orchestrator.events.__all__
    if name != "BuildCancelled":  # there the exception
        assert getattr(orchestrator, name) is event


PUBLIC: list[Any] = [
    orchestrator.open,
    orchestrator.Project,
    orchestrator.Cache,
    orchestrator.Sources,
    orchestrator.Subscription,
    orchestrator.sync.open,
    orchestrator.sync.Project,
    orchestrator.sync.Cache,
]


def functions(of: Any) -> Iterator[Any]:
    if not inspect.isclass(of):
        yield of
        return
    for name, member in vars(of).items():
        if not name.startswith("_"):
            found = member.fget if isinstance(member, property) else inspect.unwrap(member)
            if inspect.isfunction(found):
                yield found


def classes(annotation: Any) -> Iterator[type]:
    """Our own classes that an annotation names, however deep."""
    if inspect.isclass(annotation) and not typing.get_args(annotation):
        if annotation.__module__.startswith(("orchestrator", "actors")):
            yield annotation
        return
    for part in typing.get_args(annotation):
        yield from classes(part) if not isinstance(part, list) else [one for each in part for one in classes(each)]


def reached() -> dict[str, type]:
    """Every class that the public functions name, and what the Structs among them hold."""
    found: dict[str, type] = {}
    ahead: list[tuple[str, Any]] = []
    for public in PUBLIC:
        for function in functions(public):
            for name, hint in typing.get_type_hints(function).items():
                ahead.append((f"{function.__qualname__}: {name}", hint))
    while ahead:
        where, annotation = ahead.pop()
        for one in classes(annotation):
            if one in found.values():
                continue
            found[where + f" -> {one.__name__}"] = one
            if issubclass(one, msgspec.Struct):
                hints = typing.get_type_hints(one)
                ahead += [(f"{one.__name__}.{name}", hints[name]) for name in one.__struct_fields__]
    return found


def test_all_that_public_calls_take_and_give_has_a_public_name() -> None:
    names = {id(getattr(orchestrator, name)) for name in orchestrator.__all__}
    names |= {id(getattr(orchestrator.events, name)) for name in orchestrator.events.__all__}
    names |= {id(orchestrator.sync.Project), id(orchestrator.sync.Cache)}
    everything = reached()
    assert len(everything) > 40
    private = {where for where, one in everything.items() if id(one) not in names}
    for_the_server = {"Project.watched: return -> FolderStamp", "FolderStamp.stamp -> Stamp"}
    assert private == {"Config.layers -> _Layers", "_Layers.disk -> Disk", *for_the_server}


# ------------------------------------------------------------------------------------------------ types


def test_the_keywords_are_the_settings() -> None:
    assert list(Settings.__annotations__) == list(SETTINGS)
    assert list(Limits.__annotations__) == list(LIMITS) == list(typing.get_args(LimitName))
    hints = typing.get_type_hints(Settings)
    for name, setting in SETTINGS.items():
        quoted = re.findall(r'"(\w+)"', setting.allowed)
        literals = [
            one for part in typing.get_args(hints[name]) for one in typing.get_args(part) if isinstance(one, str)
        ]
        assert literals == (quoted if setting.allowed.startswith('"') else [])
        # Each takes its own default, and None for "not said".
        assert type(None) in typing.get_args(hints[name])


SNIPPET = """
import orchestrator
import orchestrator.sync
import orchestrator.events
from orchestrator import Event
from pathlib import Path

orchestrator.open("a", jobs=2, output=Path("out"), invalidation="precise", max_size="1 GiB", folders=["data"])
orchestrator.open("a", job=2)  # E: "job"
orchestrator.open("a", jobs="2")  # E: "jobs"
orchestrator.open("a", invalidation="exact")  # E: "invalidation"
orchestrator.open("a", include="*.ruchy")  # E: "include"
orchestrator.sync.open("a", backend="trio", jobs=2)
orchestrator.sync.open("a", job=2)  # E: "job"
orchestrator.sync.open("a", backend="curio")  # E: "backend"


async def use(project: orchestrator.Project) -> None:
    await project.run("x", limits={"fuel": 1, "memory": "1 MiB", "seconds": 0.5, "output": 10})
    await project.run(limits={"second": 1})  # E: "limits"
    await project.run(limits={"fuel": "much"})  # E: "limits"
    async with project.events(on_full="wait") as events:
        async for event in events:
            if isinstance(event, orchestrator.BuildFinished):
                print(event.cached_functions)
                print(event.nothing)  # E: "nothing"
            if isinstance(event, orchestrator.events.BuildCancelled):
                break
    async with project.events(on_full="block") as events:  # E: "on_full"
        pass
    stop = project.listen(seen)
    stop()
    project.listen(wrong)  # E: "wrong"
    answer: orchestrator.Verified = await project.cache.verify()
    print(answer.checked, answer.nothing)  # E: "nothing"
    print(orchestrator.__version__.upper())
    print((await project.run()).limit == "seconds")


def seen(event: Event) -> None: ...


def wrong(event: int) -> None: ...
"""


def expected() -> dict[int, str]:
    found = re.compile(r'# E: "(\w+)"$')
    return {number: match[1] for number, line in enumerate(SNIPPET.splitlines(), 1) if (match := found.search(line))}


def judge(said: str, pattern: str) -> None:
    """Errors in just the lines that are wrong. (A message names the argument, or the function that it goes to.)"""
    lines = {int(number) for number in re.findall(pattern, said)}
    assert lines == set(expected()), said


@pytest.mark.slow
def test_mypy_sees_a_wrong_name(tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET)
    # With the cache that `make check` has filled: else this would check all of wasmill again.
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-version=3.11",
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    command += ["--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    judge(done.stdout, r"snippet\.py:(\d+): error")
    for number, word in expected().items():
        assert any(word in line for line in done.stdout.splitlines() if f":{number}: error" in line), done.stdout
