"""Builds `wasmill-schedules` from `orchestrator/testing` of this tree, under the import name `wasmill_schedules`.

Each file is copied, with the name of the package replaced. So there is one text, which Wasmill's own tests run.
"""

import tomllib
from pathlib import Path

NAME = "wasmill_schedules"
ROOT = Path(__file__).resolve().parents[2]
HARNESS = ROOT / "orchestrator" / "testing"


def copy_package(folder: Path) -> None:
    """Writes the package into this folder."""
    package = folder / NAME
    package.mkdir(parents=True, exist_ok=True)
    for file in [*sorted((HARNESS / "schedules").glob("*.py")), HARNESS / "plugin.py"]:
        text = file.read_text("utf-8").replace("orchestrator.testing.schedules", NAME)
        (package / file.name).write_text(text.replace("orchestrator.testing.plugin", f"{NAME}.plugin"), "utf-8")
    (package / "py.typed").touch()


if __name__ == "__main__":  # Setuptools runs this file so; the tests import it.
    from setuptools import setup
    from setuptools.command.build_py import build_py

    class FromTheTree(build_py):
        def run(self) -> None:
            copy_package(Path(self.build_lib))

    setup(
        version=tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"],
        packages=[NAME],
        package_dir={NAME: "."},  # It has to exist, and is not read.
        cmdclass={"build_py": FromTheTree},
    )
