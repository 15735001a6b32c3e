"""Projects to measure with: N modules of F functions, in layers, as real programs are."""

from __future__ import annotations

from pathlib import Path

FUNCTION = """pub fun {name}_{number}(a: i64, b: i64) -> i64 {{
    let mut total = a * {number} + {salt};
    for i in 0..b {{
        if i % 3 == 0 {{
            total += i * 2;
        }} else {{
            total -= i;
        }}
    }}
    {tail}
}}
"""


def module_text(index: int, functions: int, imports: list[int], salt: int = 1, last: int = 0) -> str:
    """One module: each function is ten lines; every other one calls a function of a module imported. No more is
    imported than is called, so there are no warnings. `salt` is in all bodies; `last`, if any, in that of the last
    function instead."""
    name = f"m{index}"
    imports = imports[: (functions + 1) // 2]
    lines = [f"use {path_of(one).replace('/', '::')}::m{one}_0;" for one in imports]
    body = []
    for number in range(functions):
        tail = "total"
        if imports and number % 2 == 0:
            tail = f"total + m{imports[number // 2 % len(imports)]}_0(total % 7, b)"
        own = last if last and number == functions - 1 else salt
        body.append(FUNCTION.format(name=name, number=number, salt=own, tail=tail))
    return "\n".join([*lines, "", *body])


def path_of(index: int) -> str:
    """Without its extension; twenty-five modules a folder."""
    return f"p{index // 25}/m{index}"


def imports_of(index: int, count: int) -> list[int]:
    """What a module uses: two or three of the modules behind it, near ones, so that the graph has some depth: twenty
    layers. `middle` is the module to edit."""
    step = max(1, count // 20)
    return sorted({target for target in (index + step, index + step + 1, index + 2 * step) if target < count})


def middle(count: int) -> int:
    """A module in the middle of the graph with at most fifty dependents, however large the project."""
    return count * 2 // 5


def generate(folder: Path, count: int, functions: int) -> None:
    """Write the whole project, with a `main.ruchy` that uses the first modules."""
    for index in range(count):
        file = folder / f"{path_of(index)}.ruchy"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(module_text(index, functions, imports_of(index, count)))
    uses = "\n".join(f"use {path_of(index).replace('/', '::')}::m{index}_0;" for index in range(min(5, count)))
    calls = "\n".join(f"    println(m{index}_0({index}, 3));" for index in range(min(5, count)))
    (folder / "main.ruchy").write_text(f"{uses}\n\nfun main() {{\n{calls}\n}}\n")


def edit(folder: Path, index: int, count: int, functions: int, salt: int) -> None:
    """Change the body of one function of a module."""
    _write(folder, index, module_text(index, functions, imports_of(index, count), last=salt))


def rewrite(folder: Path, index: int, count: int, functions: int, salt: int) -> None:
    """Change all bodies of a module."""
    _write(folder, index, module_text(index, functions, imports_of(index, count), salt))


def _write(folder: Path, index: int, text: str) -> None:
    (folder / f"{path_of(index)}.ruchy").write_text(text)
