"""docs/changing.md, walked: the files that its recipes name exist; what is in one place of a list is in the others."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from actors import messages
from actors.compiler import toolchain
from actors.keeper import keeper
from actors.keeper.eviction import ORDERINGS
from actors.messages import ANSWERS, Message
from orchestrator.cli.app import COMMANDS, HELP
from orchestrator.config import BuildConfig, CacheConfig, Config, RemoteConfig, RunConfig
from orchestrator.keywords import Settings
from orchestrator.settings import SETTINGS
from orchestrator.testing.toolchain import PlainToolchain
from orchestrator.toolchains.locate import BUILT_IN
from orchestrator.toolchains.ruchy import Ruchy
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.syntax import tree
from tests.actors.keeper.test_eviction import ORDERS

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/changing.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", DOCUMENT, re.MULTILINE))
PATH = re.compile(r"`((?:actors|orchestrator|configs|docs|tests)/[\w./]*|README\.md|pyproject\.toml)`")


def text_of(name: str) -> str:
    """A file's text, or that of all Python files of a folder."""
    place = ROOT / name
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_there_are_six_recipes() -> None:
    changes = ["An eviction policy", "A toolchain", "A Ruchy expression", "A setting", "A command", "A message"]
    assert list(RECIPES) == changes


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_files_that_a_recipe_names_exist(recipe: str) -> None:
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", RECIPES[recipe], re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    named = PATH.findall(RECIPES[recipe])
    assert len(named) >= 3
    for name in named:
        assert (ROOT / name).exists(), f"docs/changing.md, {recipe}: there is no {name}"


# ------------------------------------------------------------------------------------------------ a setting


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_is_in_every_place(setting: str) -> None:
    tables = {"build": BuildConfig, "cache": CacheConfig, "remote": RemoteConfig, "run": RunConfig}
    kind = tables.get(SETTINGS[setting].table, Config)
    assert setting in (Config if setting == "profile" else kind).__struct_fields__
    assert setting in get_type_hints(Settings)
    assert re.search(rf"^(# )?{setting} = ", text_of("configs/default.toml"), re.MULTILINE)


# ------------------------------------------------------------------------------------------------ an eviction policy


@pytest.mark.parametrize("policy", ORDERINGS)
def test_an_eviction_policy_is_in_every_place(policy: str) -> None:
    setting = SETTINGS["eviction"]
    assert setting.check(policy) == policy, "orchestrator/settings.py: the setting does not take it"
    assert f'"{policy}"' in setting.allowed, "orchestrator/settings.py: the message does not name it"
    assert policy in policies_of_the_keyword(), "orchestrator/keywords.py: `eviction` does not have it"
    (line,) = re.findall(r"^eviction = .*$", text_of("configs/default.toml"), re.MULTILINE)
    assert f'"{policy}"' in line.partition("#")[2], "configs/default.toml: the comment does not name it"
    assert f"| `{policy}` |" in text_of("docs/cache.md"), "docs/cache.md: the table does not have it"
    assert policy in ORDERS, "tests/actors/keeper/test_eviction.py: ORDERS does not say what it evicts"


def test_nothing_else_is_taken_for_an_eviction_policy() -> None:
    assert policies_of_the_keyword() == set(ORDERINGS), "orchestrator/keywords.py"
    assert set(ORDERS) == set(ORDERINGS), "tests/actors/keeper/test_eviction.py"
    with pytest.raises(ValueError, match=r"^$"):
        SETTINGS["eviction"].check("random")


def policies_of_the_keyword() -> set[str]:
    (literal,) = (one for one in get_args(get_type_hints(Settings)["eviction"]) if get_origin(one) is Literal)
    return set(get_args(literal))


# ------------------------------------------------------------------------------------------------ a toolchain


OPTIONAL = {
    name
    for name, one in vars(toolchain).items()
    if getattr(one, "_is_runtime_protocol", False) and one.__module__ == toolchain.__name__
}


def test_the_recipe_names_every_optional_part() -> None:
    assert {"Infers", "Prepares"} <= OPTIONAL
    for name in OPTIONAL:
        assert f"`{name}`" in RECIPES["A toolchain"], (
            f"docs/changing.md does not name {name} of actors/compiler/toolchain.py"
        )


@pytest.mark.parametrize("kind", [Ruchy, PlainToolchain])
def test_a_toolchain_has_all_that_is_required(kind: type) -> None:
    required = [name for name in vars(toolchain.Toolchain) if not name.startswith("_")]
    assert {"identity", "compile", "link"} <= set(required)
    made = kind()
    for name in required:
        assert hasattr(made, name), f"actors/compiler/toolchain.py requires `{name}` of {kind.__name__}"


def test_a_toolchain_that_ships_with_wasmill_is_found_without_metadata() -> None:
    points = tomllib.loads(text_of("pyproject.toml"))["project"]["entry-points"]["wasmill.toolchains"]
    for name, place in points.items():
        assert BUILT_IN.get(name) == place, (
            "orchestrator/toolchains/locate.py: BUILT_IN is not as pyproject.toml has it"
        )
        assert toolchain.load_toolchain(place).extensions


# ------------------------------------------------------------------------------------------------ a Ruchy expression


def test_an_expression_needs_few_places() -> None:
    steps = re.findall(r"^\d+\. ", RECIPES["A Ruchy expression"], re.MULTILINE)
    assert len(steps) <= 8


@pytest.mark.parametrize("node", get_args(tree.Expr), ids=lambda node: node.__name__)
def test_an_expression_is_parsed(node: type) -> None:
    """The tables of handlers are complete, or `checker.py` cannot be imported: test_ruchy_tables.py holds that."""
    parser = text_of("orchestrator/toolchains/ruchy/syntax/parser")
    assert re.search(rf"\b{node.__name__}\(", parser), f"syntax/parser/: nothing parses tree.{node.__name__}"


@pytest.mark.parametrize("node", get_args(hir.Expr), ids=lambda node: node.__name__)
def test_an_expression_of_the_typed_tree_is_made_and_lowered(node: type) -> None:
    for room, what in (("check", "makes"), ("lower", "lowers")):
        text = text_of(f"orchestrator/toolchains/ruchy/{room}")
        assert re.search(rf"\bhir\.{node.__name__}\b", text), f"{room}/: nothing {what} hir.{node.__name__}"


def test_no_expression_of_the_typed_tree_is_forgotten_in_its_union() -> None:
    """One that is forgotten is in no table, and none of these tables fails."""
    (base,) = {one for kind in get_args(hir.Expr) for one in kind.__bases__}
    assert set(base.__subclasses__()) == set(get_args(hir.Expr)), "check/hir.py: a class is not in `Expr`"


# ------------------------------------------------------------------------------------------------ a command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_every_place(command: str) -> None:
    file = f"orchestrator/cli/{command}.py"
    assert (ROOT / file).is_file(), f"there is no {file}"
    module = importlib.import_module(f"orchestrator.cli.{command}")
    for name in ("SUMMARY", "DETAILS", "configure", "execute"):
        assert getattr(module, name, None), f"{file} has no {name}"
    assert re.search(rf"^  {command}\b.{{10,}}$", HELP, re.MULTILINE), "orchestrator/cli/app.py: no line in HELP"
    (sentence,) = re.findall(
        r"^\*\*At a terminal or in CI\.\*\* (.*?);", text_of("README.md"), re.MULTILINE | re.DOTALL
    )
    assert re.search(rf"`(wasmill )?{command}`", sentence), "README.md: 'At a terminal' does not name it"


def test_no_command_is_forgotten() -> None:
    for file in (ROOT / "orchestrator/cli").glob("*.py"):
        if re.search(r"^def execute\(", file.read_text(encoding="utf-8"), re.MULTILINE):
            assert file.stem in COMMANDS, f"orchestrator/cli/app.py: COMMANDS lacks {file.stem}"


# ------------------------------------------------------------------------------------------------ a message


@pytest.mark.parametrize("request_kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_a_request_is_asked_of_somebody(request_kind: type[Message]) -> None:
    assert issubclass(
        request_kind, messages.Build | messages.WorkerRequest | messages.KeeperRequest | messages.RemoteRequest
    )


@pytest.mark.parametrize("request_kind", messages.kinds(messages.KeeperRequest), ids=lambda kind: kind.__name__)
def test_a_request_to_the_keeper_is_answered_without_a_cache(request_kind: type[Message]) -> None:
    assert request_kind in keeper._HANDLERS
    assert keeper._NOTHING[request_kind] == ANSWERS[request_kind]()


def test_a_request_without_an_answer_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match=r"^Forgotten does not say what it is answered with: Request\[...\]$"):

        class Forgotten(messages.Request, frozen=True):  # type: ignore[type-arg]
            pass


@pytest.mark.slow
def test_a_request_that_the_keeper_does_not_handle_breaks_its_import() -> None:
    program = """
from actors.messages import base, cache

class Forgotten(cache.KeeperRequest[cache.Begun], frozen=True):
    __module__ = "actors.messages.cache"

import actors.keeper.keeper
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.splitlines()[-1] == "TypeError: the keeper has no handler for Forgotten"


@pytest.mark.slow
def test_an_answer_that_needs_arguments_breaks_the_keepers_import() -> None:
    program = """
from actors.messages import base, cache

class Needy(base.Message, frozen=True):
    count: int

base.ANSWERS[cache.Begin] = Needy

import actors.keeper.keeper
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.splitlines()[-1] == "TypeError: Missing required argument 'count'"


@pytest.mark.slow
def test_a_batch_that_no_worker_does_breaks_the_pools_import() -> None:
    program = """
from actors.messages import jobs

class Forgotten(jobs.JobBatch[jobs.CompileDone], frozen=True):
    __module__ = "actors.messages.jobs"

import actors.compiler.pool
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.splitlines()[-1] == "TypeError: nothing says how a Forgotten is done"


def test_what_is_no_request_is_told_or_answers_one() -> None:
    told = {messages.Scan, messages.SourcesFound, messages.SourcesRead, messages.CancelBuild, messages.Nudged}
    assert set(messages.kinds(messages.Message)) - set(ANSWERS) - told == set(ANSWERS.values())
