"""`wasmill-schedules`: the explorer and its plug-in under a name of their own, with nothing else installed."""

import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from orchestrator.testing import schedules

ROOT = Path(__file__).parents[3]
SCENE = """
import asyncio
from wasmill_schedules import bounded, cancellable, cancellation_safe, explore, fair

class Pool:
    def __init__(self):
        self.lock, self.users = asyncio.Lock(), 0

async def use(pool):
    async with pool.lock:
        pool.users += 1
        try:
            await asyncio.sleep(0)
        finally:
            pool.users -= 1

async def use_badly(pool):
    await pool.lock.acquire()
    await asyncio.sleep(0)
    pool.lock.release()

async def waits():
    with cancellable() as scope:
        await asyncio.sleep(1)
    assert not scope.cancelled_caught, "caught"

def free(pool):
    return not pool.lock.locked()

for bad in (lambda: cancellation_safe(Pool, use_badly, free, users=2, schedules=60, backends=["asyncio"]),
            lambda: explore(waits, "portfolio", 20, backend="asyncio").check()):
    try:
        bad()
    except BaseException as error:
        print(type(error).__name__)
    else:
        print("missed")
cancellation_safe(Pool, use, lambda pool: pool.users == 0, users=2, schedules=60, backends=["asyncio"])
bounded(Pool, use, lambda pool: pool.users, 1, users=2, schedules=20, backends=["asyncio"])
fair(Pool, use, backends=["asyncio"])
"""
PLUGIN = """
import asyncio
import pytest
import {name}

@pytest.mark.schedules(20)
async def test_adds():
    total = 0
    async def add():
        nonlocal total
        now = total
        await asyncio.sleep(0)
        total = now + 1
    async with asyncio.TaskGroup() as group:
        group.create_task(add())
        group.create_task(add())
    assert total == 2
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation holds: the package, and its entry point."""
    folder = tmp_path_factory.mktemp("installed")
    configs = ROOT / "configs" / "wasmill-schedules"
    runpy.run_path(str(configs / "setup.py"))["copy_package"](folder)
    project = tomllib.loads((configs / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["pytest11"].items()
    about = folder / "wasmill_schedules-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: wasmill-schedules\nVersion: 0\n")
    (about / "entry_points.txt").write_text(f"[pytest11]\n{name} = {module}\n")
    return folder


def run(installed: Path, *command: str, hidden: str = "", folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs Python with the distribution on its path; `hidden` names modules that cannot be imported."""
    hides = f"import sys\nfor name in {hidden.split()!r}:\n    sys.modules[name] = None\n"
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    start = "import runpy, sys; sys.argv = sys.argv[1:]; "
    how = "runpy.run_module(sys.argv[0], run_name='__main__')" if command[0] == "pytest" else "exec(sys.argv[0])"
    code = f"{hides}{start}{how}"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *command],
        capture_output=True, text=True, timeout=60, env=environment, cwd=folder,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["anyio trio hypothesis pytest", "anyio hypothesis", "trio"])
def test_it_needs_nothing_but_the_interpreter(installed: Path, hidden: str) -> None:
    """Also the helpers: on asyncio alone, on Trio without AnyIO, on AnyIO without Trio."""
    scene = SCENE if "trio" in hidden else SCENE.replace("asyncio", "trio")
    ended = run(installed, scene, hidden="orchestrator actors " + hidden)
    assert (ended.returncode, ended.stdout.split()[1:]) == (0, ["AssertionError"]), ended.stdout + ended.stderr
    assert ended.stdout.split()[0] in ("AssertionError", "BrokenResourceError", "Deadlock")


@pytest.mark.slow
def test_its_plug_in_runs_without_wasmill(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_adds.py").write_text(PLUGIN.format(name="wasmill_schedules"))
    command = ("pytest", "-p", "wasmill_schedules.plugin", "-q", "-p", "no:cacheprovider", "test_adds.py")
    environment = "orchestrator actors anyio trio hypothesis"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        ended = run(installed, *command, hidden=environment, folder=tmp_path)
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "1 failed" in ended.stdout
    assert "--schedule" in ended.stdout


@pytest.mark.slow
def test_where_both_are_installed_there_is_one_of_each(installed: Path, tmp_path: Path) -> None:
    """Both names mean the same modules, and pytest loads one plug-in."""
    code = (
        "import orchestrator.testing.schedules.director as ours, wasmill_schedules.director as theirs;"
        "import orchestrator.testing.schedules as package, wasmill_schedules;"
        "assert ours is theirs and package is wasmill_schedules;"
        "assert theirs.__spec__.name == theirs.__name__ == 'wasmill_schedules.director'"
    )
    ended = run(installed, code)
    assert ended.returncode == 0, ended.stderr
    (tmp_path / "test_adds.py").write_text(PLUGIN.format(name="orchestrator.testing.schedules"))
    ended = run(installed, "pytest", "-q", "-p", "no:cacheprovider", "test_adds.py", folder=tmp_path)
    assert "1 failed" in ended.stdout, ended.stdout + ended.stderr


def test_no_file_of_it_names_another_room_of_ours() -> None:
    package = Path(schedules.__file__).parent
    for file in [*package.glob("*.py"), package.parent / "plugin.py"]:
        lines = [line for line in file.read_text().splitlines() if line.lstrip().startswith(("import ", "from "))]
        assert not [line for line in lines if "actors" in line.split()[1]], file
        ours = [line for line in lines if line.split()[1].startswith("orchestrator")]
        assert [line for line in ours if not line.split()[1].startswith("orchestrator.testing.schedules")] == [], file
