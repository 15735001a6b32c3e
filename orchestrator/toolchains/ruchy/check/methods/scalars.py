"""Methods of strings, numbers and bools."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.arrays import array_of
from orchestrator.toolchains.ruchy.check.data.display import joined, plain_parts, text_parts
from orchestrator.toolchains.ruchy.check.data.objects import object_method
from orchestrator.toolchains.ruchy.check.data.ordering import ORDERING, compared
from orchestrator.toolchains.ruchy.check.data.ranges import OWN, elements, range_method
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, expr, handles, later
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of, filled
from orchestrator.toolchains.ruchy.check.functions.sight import seen_now
from orchestrator.toolchains.ruchy.check.functions.world import of_stdin
from orchestrator.toolchains.ruchy.check.inference.asked import wanted_by_next
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    NUMBER,
    Var,
    fresh,
    narrow,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.lending.elements import modified_entry, unwrapped_element
from orchestrator.toolchains.ruchy.check.lending.places import (
    instead,
    is_entry,
    place_of,
    read_place,
    writes_through_reference,
)
from orchestrator.toolchains.ruchy.check.methods import deques, paths  # noqa: F401  (they enter their methods)
from orchestrator.toolchains.ruchy.check.methods.arrays import CHANGERS, FUNCTIONS, METHODS, array_method, change
from orchestrator.toolchains.ruchy.check.methods.arrays_more import collected
from orchestrator.toolchains.ruchy.check.methods.by_own import by_own, change_by_own
from orchestrator.toolchains.ruchy.check.methods.declared import call_method, no_method
from orchestrator.toolchains.ruchy.check.methods.exact import EXACT, exact_method
from orchestrator.toolchains.ruchy.check.methods.fused import (
    TO_RESULTS,
    EndlessSource,
    begins,
    begins_loop,
    by_next,
    cycled,
    endless,
    fused,
    goes_on,
    steps_of,
)
from orchestrator.toolchains.ruchy.check.methods.gathered import asks_for_results, table_of, together
from orchestrator.toolchains.ruchy.check.methods.maps import CHANGERS as CHANGES
from orchestrator.toolchains.ruchy.check.methods.maps import CHANGING as TABLE_CHANGERS
from orchestrator.toolchains.ruchy.check.methods.maps import change_table, table_method
from orchestrator.toolchains.ruchy.check.methods.mathematics import (
    absolute,
    extreme,
    power,
    rounded,
    square_root,
    to_float,
    to_integer,
)
from orchestrator.toolchains.ruchy.check.methods.numbers import FLOAT_METHODS, INTEGER_METHODS, number_method
from orchestrator.toolchains.ruchy.check.methods.optional import (
    asks_for_option,
    element_or_none,
    parsed,
    pop_or_none,
)
from orchestrator.toolchains.ruchy.check.methods.options import CHANGERS as OPTION_CHANGERS
from orchestrator.toolchains.ruchy.check.methods.options import change_option, option_method
from orchestrator.toolchains.ruchy.check.methods.spellings import lending_loop, usual
from orchestrator.toolchains.ruchy.check.methods.text_changes import TEXT_CHANGERS, change_text
from orchestrator.toolchains.ruchy.check.methods.texts import TEXT_METHODS, text_method
from orchestrator.toolchains.ruchy.check.methods.traits import own_method
from orchestrator.toolchains.ruchy.check.methods.written_functions import of_math
from orchestrator.toolchains.ruchy.check.methods.written_methods import (
    change_by_function,
    changes_in_place,
    with_function,
)
from orchestrator.toolchains.ruchy.check.methods.written_rows import ON_ARRAYS
from orchestrator.toolchains.ruchy.check.never import never_returns
from orchestrator.toolchains.ruchy.check.scope import RANGES, Variable
from orchestrator.toolchains.ruchy.check.statements import assign
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    I64,
    NEVER,
    STRING,
    ArrayType,
    EnumType,
    MapType,
    MixedType,
    ObjectType,
    SetType,
    StructType,
    Type,
    is_option,
)
from orchestrator.toolchains.ruchy.check.variables import global_of
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

_ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")

_NUMBER = words("abs sqrt pow powi powf round floor ceil trunc to_int to_integer to_float min max to_string clone")
_OTHER = frozenset(["to_string", "clone"])
_OF_CHARACTERS = words("map filter any all find_map")
"""Methods that a String has of the array of its characters."""
_READ = ("parse", "to_int", "to_integer", "to_float", "append", "format")
"""Methods of String that are no rows of its table: they depend on more than types."""


@handles(tree.MethodCall)
def method(c: Fn, node: tree.MethodCall, want: Want, why: Why) -> hir.Expr:
    """`receiver.name(arguments)`; a chain of calls is walked in a loop."""
    chain = [node]
    inner: tree.Expr = node.receiver
    while isinstance(inner, tree.MethodCall):
        chain.append(inner)
        inner = inner.receiver
    if len(chain) > 1 and chain[-1].name == "chars" and chain[-2].name in ("len", "count", "length"):
        return _of_chars(c, chain, inner)
    read = of_stdin(c, chain, inner)
    if read is not None:
        calls = chain[::-1]
        wants = [wanted_by_next(c, call.name, calls[number:], want) for number, call in enumerate(calls, 1)]
        return _walked(c, read, calls, wants, None) if calls else read
    modified = modified_entry(c, node) or lending_loop(node)
    if modified is not None:
        return expr(c, modified, want, why)
    element = unwrapped_element(c, chain[-2]) if len(chain) > 1 else None
    if element is not None and _is_place(c, element):
        del chain[-2:]
        inner = element
        if not chain:
            return expr(c, inner)
    of = of_math(c, chain[-1])
    if of is not None:
        typed: hir.Expr | None = expr(c, of)
        chain.pop()
        if not chain:
            return typed or bad(node.at)
    else:
        typed = _of_entry(c, chain, want)
    calls = chain[::-1]
    wants = [
        want if call is node else wanted_by_next(c, call.name, calls[number:], want)
        for number, call in enumerate(calls, 1)
    ]
    if typed is None and _changes(c, calls[0], wants[0]) and _is_place(c, inner):
        typed = _changed(c, calls.pop(0), inner, wants.pop(0))
    source = endless(c, inner, calls) if typed is None else None
    if typed is None:
        typed = expr(c, inner if source is None else source.value)
    return _walked(c, typed, calls, wants, source)


def _walked(
    c: Fn, typed: hir.Expr, calls: list[tree.MethodCall], wants: list[Want], source: EndlessSource | None
) -> hir.Expr:
    """The calls of a chain, one after the other; those of a lazy one together."""
    lazy = source is not None
    if asks_for_results(calls, wants[-1] if wants else None):  # so that its function gives results, as `parse` can
        calls = [
            *calls[:-2],
            tree.MethodCall(calls[-2].at, calls[-2].receiver, TO_RESULTS, calls[-2].arguments),
            calls[-1],
        ]
    while calls:
        if source is None and (source := cycled(calls, typed)) is not None:
            calls, wants = calls[1:], wants[1:]
        if source is None and _is_iterated(c, calls[0], typed):
            source = by_next(calls[0])
        lazy = lazy or source is not None or begins(calls[0], typed)
        steps = steps_of(calls, source is not None) if lazy and (source is not None or begins_loop(typed)) else []
        done = len(steps) or int(source is None)
        if steps or source is not None:
            typed = fused(c, calls, steps, typed, wants[done - 1] if done else None, source)
            lazy, source = False, None
        else:
            lazy = lazy and goes_on(calls[0])
            typed = _apply(c, calls[0], typed, wants[0])
        calls, wants = calls[done:], wants[done:]
    return typed


def _is_iterated(c: Fn, call: tree.MethodCall, receiver: hir.Expr) -> bool:
    """Whether a method goes over what the `next()` of a type of the program gives."""
    kind = resolve(receiver.type)
    if not isinstance(kind, StructType | EnumType) or own_method(c.p, c.env, kind, "next") is None:
        return False
    name = _plain(call.name)
    known = name == "collect" or name in METHODS or name in ON_ARRAYS or bool(steps_of([call], endless=True))
    return known and name not in _OTHER and own_method(c.p, c.env, kind, name) is None


def _of_entry(c: Fn, chain: list[tree.MethodCall], want: Want) -> hir.Expr | None:
    """What begins with `m.entry(key).or_insert(value)`, which is a place; takes that out of the chain."""
    if len(chain) < 2 or not is_entry(chain[-2]):
        return None
    receiver = chain[-2]
    del chain[-2:]
    if receiver.name == "or_default" and chain and not receiver.arguments:
        said = tree.Path(receiver.at, (chain[-1].name,))
        receiver = tree.MethodCall(receiver.at, receiver.receiver, receiver.name, [said])
    if chain and _may_change(chain[-1]):
        return _changed(c, chain.pop(), receiver, None if chain else want)
    out: list[hir.Stmt] = []
    place = place_of(c, receiver, out)
    if place is None:
        return bad(receiver.at)
    value = read_place(c, receiver.at, place)
    return hir.Block(value.type, receiver.at, out, value)


def _of_chars(c: Fn, chain: list[tree.MethodCall], inner: tree.Expr) -> hir.Expr:
    """`s.chars().len()`: needs no array of characters."""
    value = expr(c, inner)
    first, second = chain[-1], chain[-2]
    if resolve(value.type) is not STRING or first.arguments or second.arguments:
        typed = _apply(c, first, value)
        rest = chain[:-1]
    else:
        typed = hir.Runtime(I64, second.at, "str_chars", [value])
        rest = chain[:-2]
    for part in reversed(rest):
        typed = _apply(c, part, typed)
    return typed


_CHANGING = frozenset((*CHANGERS, *TEXT_CHANGERS, *TABLE_CHANGERS, "push_str", "write_str"))


def _changes(c: Fn, node: tree.MethodCall, want: Want) -> bool:
    """Whether a method may change what it is called on."""
    return node.name in c.p.module.changing or _may_change(node) or changes_in_place(node, want)


def _may_change(node: tree.MethodCall) -> bool:
    """Whether a method changes what it is called on, if that is of the right type."""
    name = _plain(node.name)
    return name in _CHANGING or OPTION_CHANGERS.get(name) == len(node.arguments)


def _is_place(c: Fn, node: tree.Expr) -> bool:
    """Whether an expression names a variable, or something in one."""
    while isinstance(node, tree.Field | tree.Index) or (isinstance(node, tree.Unary) and node.op == "*"):
        if isinstance(node, tree.Index) and isinstance(node.index, tree.RangeExpr):
            return False
        node = node.operand if isinstance(node, tree.Unary) else node.value
    if not isinstance(node, tree.Path) or len(node.segments) != 1:
        return False
    name = node.segments[0]
    return isinstance(c.names.get(name) or global_of(c, name, node.at), Variable)


def _changed(c: Fn, node: tree.MethodCall, receiver: tree.Expr, want: Want = None) -> hir.Expr:
    """A method that may change what it is called on, which is a place."""
    out: list[hir.Stmt] = []
    place = place_of(c, receiver, out)
    if place is None:
        for argument in node.arguments:
            expr(c, argument)
        return bad(node.at)
    kind = place.type
    name = _plain(node.name)
    method = own_method(c.p, c.env, kind, name)
    if method is not None:
        typed = call_method(c, node, method, None, place)
        return hir.Block(typed.type, node.at, out, typed) if out else typed
    if openness(kind) == ANY and name in CHANGERS:
        unify(kind, array_of(c, fresh()))
        kind = place.type = resolve(kind)
    if isinstance(kind, ArrayType) and name in CHANGERS:
        if writes_through_reference(c, receiver, place.variable):
            return bad(node.at)
        asked = asks_for_option(name, want)
        own = change_by_own(c, node, place, kind, out)
        typed = own or (pop_or_none(c, node, place, kind) if asked else change(c, node, place, kind))
    elif isinstance(kind, ArrayType) and changes_in_place(node, want):
        if writes_through_reference(c, receiver, place.variable):
            return bad(node.at)
        typed = change_by_function(c, node, place, out, want)
    elif isinstance(kind, EnumType) and is_option(kind) and OPTION_CHANGERS.get(name) == len(node.arguments):
        if writes_through_reference(c, receiver, place.variable):
            return bad(node.at)
        typed = change_option(c, node, place, kind, out)
    elif isinstance(kind, MapType | SetType) and (kind.__class__, name) in CHANGES:
        if writes_through_reference(c, receiver, place.variable):
            return bad(node.at)
        typed = change_table(c, node, place, kind, out)
    elif kind is STRING and name in ("push_str", "push") and len(node.arguments) == 1:
        typed = assign(c, tree.Assign(node.at, receiver, "+", node.arguments[0]), out)
    elif kind is STRING and name == "write_str" and len(node.arguments) == 1:
        pieces = [receiver, tree.StringLiteral(node.at, "{}"), *node.arguments]
        typed = expr(c, tree.MacroCall(node.at, "write", pieces), want)
    elif kind is STRING and name in TEXT_CHANGERS:
        if writes_through_reference(c, receiver, place.variable):
            return bad(node.at)
        typed = change_text(c, node, place, out)
    else:
        place.variable.read = True
        typed = _apply(c, node, read_place(c, node.at, place))
    return hir.Block(typed.type, node.at, out, typed) if out else typed


def _apply(c: Fn, node: tree.MethodCall, receiver: hir.Expr, want: Want = None) -> hir.Expr:
    kind = resolve(receiver.type)
    if kind is ERROR or kind is NEVER:
        for argument in node.arguments:
            expr(c, argument)
        return receiver
    name = _plain(node.name)
    method = own_method(c.p, c.env, kind, name)
    if method is not None:
        return call_method(c, node, method, receiver)
    node = usual(node, kind)
    name = _plain(node.name)
    if isinstance(kind, ArrayType) and (typed := by_own(c, node, receiver, kind, want)) is not None:
        return typed
    if openness(kind) != ANY:
        typed = compared(c, node, receiver, name) if name in ORDERING else with_function(c, node, name, receiver, want)
        if typed is not None:
            return typed
    if kind is STRING and name in _OF_CHARACTERS:
        characters = hir.Runtime(array_of(c, STRING), node.at, "str_chars_array", [receiver])
        return _apply(c, node, characters, want)
    if kind is STRING:
        return text_method(c, node, receiver, name) or _of_text(c, node, name, receiver, want)
    if openness(kind) == ANY:
        return _of_unknown(c, node, receiver)
    if name == "to_string" and kind in RANGES and _no_arguments(c, node):
        return joined(node.at, text_parts(c, receiver))
    if kind in RANGES and name != "clone":
        return _of_range(c, node, name, receiver)
    if isinstance(kind, EnumType) and not kind.module:
        return option_method(c, node, receiver, kind)
    if isinstance(kind, ArrayType):
        text = None
        if name == "collect" and not node.arguments:
            text = (
                table_of(c, node, receiver, want)
                or together(c, node, receiver, kind, want)
                or collected(c, node, receiver, kind, want)
            )
        return text or element_or_none(c, node, receiver, kind, want) or array_method(c, node, receiver, kind)
    if isinstance(kind, MapType | SetType):
        return table_method(c, node, receiver, kind)
    if isinstance(kind, ObjectType):
        return object_method(c, node, receiver, kind)
    if narrow(kind, NUMBER):
        return _of_number(c, node, name, receiver)
    if name == "to_string" and _no_arguments(c, node):
        return joined(node.at, text_parts(c, receiver))
    if name == "clone" and _no_arguments(c, node):
        return receiver
    if name in ("len", "length") and isinstance(kind, MixedType) and _no_arguments(c, node):
        return instead(node.at, receiver, hir.Int(I64, node.at, len(kind.elements)))
    return _unknown(c, node, name, kind, _OTHER)


def _of_range(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr) -> hir.Expr:
    """A range has a few methods of its own, and those of the array that it stands for."""
    if name in ("iter", "into_iter") and _no_arguments(c, node):
        return receiver
    if name in OWN or (name not in METHODS and name not in FUNCTIONS):
        return range_method(c, node, receiver)
    return array_method(c, node, elements(c, receiver), ArrayType(I64))


def _plain(name: str) -> str:
    """`parse::<i32>` is `parse`."""
    return name.partition("::")[0]


def _of_unknown(c: Fn, node: tree.MethodCall, receiver: hir.Expr) -> hir.Expr:
    """A receiver whose type is not known yet; the arguments wait too."""
    names, home = seen_now(c.names), c.env

    def decide(last: bool) -> hir.Expr | None:
        if resolve(receiver.type).__class__ is Var and narrow(receiver.type, ANY) and shown(receiver.type) == "_":
            if not last:
                return None
            c.p.error(
                "E0210",
                node.at,
                f"the type of what `{node.name}` is called on is not known here",
                "write its type where it is declared",
            )
            return bad(node.at)
        now, env = c.names, c.env
        c.names, c.env = names, home
        typed = _apply(c, node, receiver)
        c.names, c.env = now, env
        return typed

    return later(c, node.at, fresh(), (receiver.type,), decide)


def _no_arguments(c: Fn, node: tree.MethodCall) -> bool:
    return arguments_of(c, node, node.name, 0, 0) is not None


def _of_text(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr, want: Want) -> hir.Expr:
    at = node.at
    if name == "parse":
        _no_arguments(c, node)
        return parsed(c, node, receiver, want)
    if name in ("to_int", "to_integer"):
        _no_arguments(c, node)
        return to_integer(c, at, name, receiver)
    if name == "to_float":
        _no_arguments(c, node)
        return to_float(c, at, name, receiver)
    if name == "format":
        return filled(c, at, receiver, node.arguments)
    if name == "append":
        arguments = arguments_of(c, node, name, 1, 1)
        return bad(at) if arguments is None else joined(at, [*text_parts(c, receiver), *plain_parts(c, arguments[0])])
    return _unknown(c, node, name, STRING, (*TEXT_METHODS, *_READ))


def _of_number(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr) -> hir.Expr:
    at = node.at
    if name in ("min", "max", "pow", "powi", "powf"):
        arguments = arguments_of(c, node, name, 1, 1)
        if arguments is None or resolve(arguments[0].type) is ERROR:
            return bad(at)
        if arguments[0].type is NEVER:
            return never_returns([receiver, arguments[0]]) or bad(at)
        if name in ("min", "max"):
            return extreme(c, at, name, "<=" if name == "min" else ">=", receiver, arguments[0])
        return power(c, at, name, receiver, arguments[0])
    exact = exact_method(c, node, name, receiver)
    if exact is not None:
        return exact
    row = INTEGER_METHODS.get(name) or FLOAT_METHODS.get(name)
    if row is not None:
        arguments = arguments_of(c, node, name, row[0], row[0])
        return bad(at) if arguments is None else number_method(c, at, name, [receiver, *arguments])
    if name not in _NUMBER:
        return _unknown(c, node, name, receiver.type, (*_NUMBER, *INTEGER_METHODS, *FLOAT_METHODS, *EXACT))
    if not _no_arguments(c, node):
        return bad(at)
    if name == "to_string":
        return joined(at, plain_parts(c, receiver))
    if name == "clone":
        return receiver
    if name == "abs":
        return absolute(c, at, name, receiver)
    if name == "sqrt":
        return square_root(c, at, name, receiver)
    if name in ("to_int", "to_integer"):
        return to_integer(c, at, name, receiver)
    if name == "to_float":
        return to_float(c, at, name, receiver)
    return rounded(c, at, name, receiver, name, whole=False)


def _unknown(c: Fn, node: tree.MethodCall, name: str, kind: Type, known: Collection[str]) -> hir.Expr:
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    p = c.p
    if kind is STRING and name in (*TEXT_CHANGERS, "push", "push_str"):
        message = f"`{name}` changes a String, and this one is no variable's: the change would be lost"
        p.error("E0211", node.at, message, "give it a name first: `let mut text = ...`")
    else:
        p.error("E0107", node.at, f"{shown(kind)} has no method `{name}`", no_method(c, node, kind, [*known]))
    return bad(node.at)
