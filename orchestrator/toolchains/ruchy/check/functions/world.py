"""The world through WASI: arguments, variables, standard input, files, clocks, random numbers, the end of the program.

The runtime's functions have names that begin with `__rt_` in the blocks below, and what people write is made of them in
Ruchy. An error is a `Result` whose text names the file.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Builtin, Called, arguments_of
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy
from orchestrator.toolchains.ruchy.check.types import F64, I64, NEVER, STRING, UNIT, ArrayType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_TEXTS = ArrayType(STRING)
_RUNTIME: dict[str, tuple[Sequence[Type], Type]] = {
    "args": ((), _TEXTS),
    "vars": ((), _TEXTS),
    "read_line": ((), STRING),
    "read_all": ((), STRING),
    "io_error": ((), I64),
    "io_text": ((STRING,), STRING),
    "file_read": ((STRING,), STRING),
    "file_write": ((STRING, STRING, I64), UNIT),
    "file_kind": ((STRING,), I64),
    "file_change": ((STRING, I64), UNIT),
    "file_list": ((STRING,), _TEXTS),
    "clock": ((I64,), I64),
    "random_seed": ((I64,), UNIT),
    "random_float": ((), F64),
    "random_below": ((I64,), I64),
    "exit": ((I64,), UNIT),
}
"""The runtime's functions that only these blocks call: what they take and give."""

_ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")

_FULL = (
    'if __p.starts_with("/") { __p } else { let mut __d = ""; for __v in __rt_vars() { '
    'if __v.starts_with("PWD=") { __d = __v.replace("PWD=", "") } } __d + "/" + __p }'
)
_CHECKED = "if __rt_io_error() == 0 {{ Ok({0}) }} else {{ Err(__rt_io_text({1})) }}"
_OF_FILE = _CHECKED.format("__r", "__p")
_DONE = _CHECKED.format("()", "__p")

_FUNCTIONS: dict[str, dict[int, tuple[Sequence[tuple[str, Type]], str]]] = {
    "env::args": {0: ((), "__rt_args()")},
    "env::vars": {
        0: (
            (),
            (
                '{ let mut __r = []; for __v in __rt_vars() { let __k = __v.split("=")[0]; '
                "__r.push((__k, __v[__k.chars().len() + 1..])) } __r }"
            ),
        )
    },
    "env::var": {
        1: (
            [("n", STRING)],
            (
                '{ let __s = __n + "="; let mut __r = Err("the variable " + __n + " is not set"); '
                "for __v in __rt_vars() { if __v.starts_with(__s) { __r = Ok(__v[__s.chars().len()..]) } } __r }"
            ),
        )
    },
    "input": {
        0: ((), "{ let __l = __rt_read_line(); __rt_typed(__l) }"),
        1: ([("q", STRING)], "{ print(__q); let __l = __rt_read_line(); __rt_typed(__l) }"),
    },
    "fs::read_to_string": {1: ([("p", STRING)], f"{{ let __r = __rt_file_read(__rt_full(__p)); {_OF_FILE} }}")},
    "fs::write": {2: ([("p", STRING), ("t", STRING)], f"{{ __rt_file_write(__rt_full(__p), __t, 0); {_DONE} }}")},
    "fs::append": {2: ([("p", STRING), ("t", STRING)], f"{{ __rt_file_write(__rt_full(__p), __t, 1); {_DONE} }}")},
    "fs::exists": {1: ([("p", STRING)], "__rt_file_kind(__rt_full(__p)) != 0")},
    "fs::is_dir": {1: ([("p", STRING)], "__rt_file_kind(__rt_full(__p)) == 2")},
    "fs::create_dir": {1: ([("p", STRING)], f"{{ __rt_file_change(__rt_full(__p), 1); {_DONE} }}")},
    "fs::remove_file": {1: ([("p", STRING)], f"{{ __rt_file_change(__rt_full(__p), 2); {_DONE} }}")},
    "fs::read_dir": {1: ([("p", STRING)], f"{{ let __r = __rt_file_list(__rt_full(__p)).sorted(); {_OF_FILE} }}")},
    "time::now": {0: ((), "(__rt_clock(0) as f64) / 1000000000.0")},
    "time::monotonic": {0: ((), "(__rt_clock(1) as f64) / 1000000000.0")},
    "random::seed": {1: ([("n", I64)], "__rt_random_seed(__n)")},
    "random::float": {0: ((), "__rt_random_float()")},
    "random::range": {
        2: (
            [("a", I64), ("b", I64)],
            (
                '{ if __a >= __b { panic("`random::range` takes a start below its end") } '
                "__a + __rt_random_below(__b - __a) }"
            ),
        )
    },
    "io::read_line": {
        0: ((), "{ let __r = __rt_read_line(); " + _CHECKED.format("__r", '"standard input"') + " }"),
    },
    "io::read_all": {
        0: ((), "{ let __r = __rt_read_all(); " + _CHECKED.format("__r", '"standard input"') + " }"),
    },
}
"""By name and number of arguments: their names and types, and the block."""

_INNER: dict[str, tuple[Sequence[tuple[str, Type]], str]] = {
    "full": ([("p", STRING)], _FULL),
    "typed": (
        [("l", STRING)],
        (
            '{ if __rt_io_error() != 0 { panic(__rt_io_text("standard input")) } '
            'if __l.ends_with("\\r\\n") { __l.trim_end_matches("\\r\\n") } else { __l.trim_end_matches("\\n") } }'
        ),
    ),
}
"""What several blocks share."""


def _runtime(name: str) -> Builtin:
    takes, gives = _RUNTIME[name]

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        given = [check(c, one, kind, (*_ARGUMENT, name)) for one, kind in zip(node.arguments, takes, strict=True)]
        return hir.Runtime(gives, node.at, name, given)

    return handler


def _block(name: str, rows: dict[int, tuple[Sequence[tuple[str, Type]], str]]) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        row = rows.get(len(node.arguments))
        if row is None:
            arguments_of(c, node, name, min(rows), max(rows))
            return bad(node.at)
        takes, text = row
        values = {
            own: check(c, one, kind, (*_ARGUMENT, name)) for one, (own, kind) in zip(node.arguments, takes, strict=True)
        }
        return in_ruchy(c, node.at, text, values, want)

    return handler


def _exit(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`process::exit(status)`; only its lowest eight bits reach the shell."""
    arguments = arguments_of(c, node, "exit", 0, 1)
    if arguments is None:
        return bad(node.at)
    status = check(c, node.arguments[0], I64, (*_ARGUMENT, "exit")) if node.arguments else hir.Int(I64, node.at, 0)
    ends = hir.Do(hir.Runtime(UNIT, node.at, "exit", [status]))
    return hir.Block(NEVER, node.at, [ends], hir.Panic(NEVER, node.at, hir.Str(STRING, node.at, "exit")))


for _name in _RUNTIME:
    BUILTINS[f"#rt_{_name}"] = _runtime(_name)
for _name, _row in _INNER.items():
    BUILTINS[f"#rt_{_name}"] = _block(_name, {len(_row[0]): _row})
for _name, _rows in _FUNCTIONS.items():
    BUILTINS[_name] = _block(_name, _rows)
BUILTINS["process::exit"] = BUILTINS["exit"] = _exit


# ---------------------------------------------------------------- `io::stdin()`

_STDIN = ("io", "stdin")
_STREAM_HINT = (
    "call its method in the same line: `io::stdin().read_line(&mut text)`, `.lines()`, `.read_to_string(&mut text)`"
)


def of_stdin(c: Fn, chain: list[tree.MethodCall], inner: tree.Expr) -> hir.Expr | None:
    """`io::stdin().read_line(&mut text)` and its like, whose calls are taken off the chain; None where it is another.
    The first call of the chain stands last."""
    if not isinstance(inner, tree.Call) or not isinstance(inner.callee, tree.Path):
        return None
    if inner.callee.segments[-2:] == ("io", "stdout") and chain[-1].name == "flush":
        return in_ruchy(c, chain.pop().at, "Ok(())", {})
    if inner.callee.segments[-2:] != _STDIN:
        return None
    if chain[-1].name == "lock" and len(chain) > 1:
        chain.pop()
    call = chain.pop()
    if call.name == "lines" and not call.arguments:
        return in_ruchy(c, call.at, "__rt_read_all().lines().map(|__l| Ok(__l)).collect()", {})
    if call.name in ("read_line", "read_to_string") and len(call.arguments) == 1:
        return _read_into(c, call)
    c.p.error("E0107", call.at, f"standard input has no method `{call.name}` of this form", _STREAM_HINT)
    return bad(call.at)


def _read_into(c: Fn, call: tree.MethodCall) -> hir.Expr:
    """Appends to a place, and gives the number of bytes."""
    at, given = call.at, call.arguments[0]
    place = given.operand if isinstance(given, tree.Unary) and given.op == "&mut" else given
    read = "#rt_read_line" if call.name == "read_line" else "#rt_read_all"
    text = tree.Path(at, ("#text",))
    steps: list[tree.Stmt] = [
        tree.Let(at, tree.NamePattern(at, "#text"), None, tree.Call(at, tree.Path(at, (read,)), [])),
        tree.ExprStmt(at, tree.MethodCall(at, place, "push_str", [text])),
        tree.ExprStmt(at, tree.Call(at, tree.Path(at, ("#rt_counted",)), [text])),
    ]
    return expr(c, tree.Block(at, steps, at))


def _stream(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    c.p.error("E0107", node.at, "standard input and output are no values here", _STREAM_HINT)
    return bad(node.at)


BUILTINS["#rt_counted"] = _block(
    "counted", {1: ([("l", STRING)], "{ let __n = __l.len(); " + _CHECKED.format("__n", '"standard input"') + " }")}
)
BUILTINS["io::stdin"] = BUILTINS["io::stdout"] = _stream
