"""Calls of functions: arguments, defaults, results that have to be found out first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.consts import inline
from orchestrator.toolchains.ruchy.check.data.enums import struct_call, variant_call, word_call
from orchestrator.toolchains.ruchy.check.function import (
    HANDLERS,
    PLAIN,
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    fit,
    handles,
    later,
    only_read,
    open_type,
)
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS
from orchestrator.toolchains.ruchy.check.functions.closures import call_value
from orchestrator.toolchains.ruchy.check.functions.named_arguments import in_order, name_of
from orchestrator.toolchains.ruchy.check.functions.polymorphic import call_lambda, may_be_called
from orchestrator.toolchains.ruchy.check.inference.annotations import (
    BUILTIN_TYPES,
    changed_parameters,
    is_written_through,
    signature,
)
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, Var, fresh, openness, resolve, shown
from orchestrator.toolchains.ruchy.check.inference.untyped import is_open, is_other_call
from orchestrator.toolchains.ruchy.check.inference.written import with_written
from orchestrator.toolchains.ruchy.check.inside import nothing_inside
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    in_slot,
    mutated,
    place_of,
    read_place,
    write_place,
    writes_through_reference,
)
from orchestrator.toolchains.ruchy.check.methods.inlined import InlineFunction, inline_call
from orchestrator.toolchains.ruchy.check.module import CollectedModule
from orchestrator.toolchains.ruchy.check.never import never_returns
from orchestrator.toolchains.ruchy.check.order import inferred_result
from orchestrator.toolchains.ruchy.check.passes import IN_TYPES
from orchestrator.toolchains.ruchy.check.scope import (
    STUB,
    ConstItem,
    ErrorItem,
    FunctionItem,
    Global,
    Item,
    ModuleItem,
    RefusedFunction,
    StructItem,
    Variable,
    VariantItem,
)
from orchestrator.toolchains.ruchy.check.types import ERROR, FLOATS, INTEGERS, NEVER, UNIT, FunctionType, Type
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.check.variables import global_of
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.throwing import THROWS
from orchestrator.toolchains.ruchy.syntax.top import TOP

_ARGUMENT: Why = ("E0204", "`{0}` takes {want} as its `{1}`, and this is {got}")

_WITH_METHODS = frozenset((*INTEGERS, *FLOATS, "String", "str", "char", "Vec", "Option", "Result"))
"""Builtin types whose methods may be called by their path."""

_SIMPLE: frozenset[type] = frozenset(
    (tree.Path, tree.IntLiteral, tree.FloatLiteral, tree.StringLiteral, tree.Call, tree.MethodCall, tree.Binary)
)
"""Arguments that have no part which must be of their own type, so that nothing in them has to say why."""


class _OfTypes:
    """What types have without a method of that name; `functions/defaults.py` enters it, which calls functions."""

    default: Callable[[Fn, tree.Call, tuple[str, ...]], hir.Expr | None]


OF_TYPES = _OfTypes()


@handles(tree.Call)
def call(c: Fn, node: tree.Call, want: Want, why: Why) -> hir.Expr:
    """`callee(arguments)`."""
    callee = node.callee
    if not isinstance(callee, tree.Path):
        return call_value(c, node, expr(c, callee))
    segments = callee.segments
    single = len(segments) == 1
    item = c.names.get(segments[0]) if single else None
    if item is None:
        item = c.p.lookup(c.env, segments)
        if item is None and len(segments) == 2 and segments[0] in BUILTIN_TYPES:
            item = IN_TYPES.find(c.p, c.env, BUILTIN_TYPES[segments[0]], segments[1])
        if item is None:
            builtin = BUILTINS.get(segments[0] if single else "::".join(segments))
            if builtin is not None:
                return with_written(c, callee, builtin(c, only_read(node), want, why))
            if len(segments) == 2 and segments[0] in _WITH_METHODS and node.arguments:  # `i64::max(a, b)`
                first, *rest = only_read(node).arguments
                return expr(c, tree.MethodCall(node.at, first, segments[1], rest), want, why)
    if item is None:
        word = word_call(c, node, segments, want)
        if word is not None:
            return with_written(c, callee, word)
        item = global_of(c, segments[0], callee.at) if single else None
    if item is None and not single and segments[-1] == "default":
        value = OF_TYPES.default(c, node, segments[:-1])
        if value is not None:
            return value
    if isinstance(item, VariantItem):
        visible = c.p.visible(c.env, segments, item, callee.at)
        return with_written(c, callee, variant_call(c, node, item)) if visible else bad(node.at)
    if isinstance(item, StructItem) and (typed := struct_call(c, node, item)) is not None:
        return with_written(c, callee, typed)
    if isinstance(item, FunctionItem) and item.context.default_of is None and "Self" in item.node.generics[-1:]:
        return _of_trait(c, node, item, want, why)
    if isinstance(item, FunctionItem):
        if single or c.p.visible(c.env, segments, item, callee.at):
            return call_function(c, node, item)
        return bad(node.at)
    if isinstance(item, InlineFunction):
        return inline_call(c, node, item, want, why)
    if isinstance(item, Variable) and may_be_called(item):
        return call_lambda(c, node, item)
    for argument in node.arguments:
        expr(c, argument)
    return _not_callable(c, callee, item)


def _of_trait(c: Fn, node: tree.Call, item: FunctionItem, want: Want, why: Why) -> hir.Expr:
    """`Shape::area(circle)`: the method that the type of the first argument has."""
    if not item.node.receiver or not node.arguments:
        for argument in node.arguments:
            expr(c, argument)
        message = f"`{item.name}` belongs to each type that implements the trait: which one is meant?"
        c.p.error("E0287", node.at, message, f"call it through the type, or a type parameter: `T::{item.name}(..)`")
        return bad(node.at)
    receiver = node.arguments[0]
    while isinstance(receiver, tree.Unary) and receiver.op in ("&", "&mut"):
        receiver = receiver.operand
    return expr(c, tree.MethodCall(node.at, receiver, item.name, node.arguments[1:]), want, why)


def _not_callable(c: Fn, callee: tree.Path, target: Item | Variable | None) -> hir.Expr:
    name = "::".join(callee.segments)
    p = c.p
    p.failed = True
    if isinstance(target, Variable):
        target.read = True
        if resolve(target.type) is not ERROR:
            p.error("E0217", callee.at, f"`{name}` is {shown(target.type)}, not a function")
    elif isinstance(target, ErrorItem):
        pass
    elif target is not None:
        what = {ModuleItem: "module", ConstItem: "constant", StructItem: "type"}.get(target.__class__, "type")
        p.error("E0217", callee.at, f"`{name}` is a {what}, not a function")
    elif callee.segments[0] in ("Vec", "HashMap", "HashSet", "Box"):
        not_yet(p, callee.at, f"`{callee.segments[0]}`", plural=False)
    elif not nothing_inside(p, c.env, callee.segments, callee.at):
        hint = "" if p.report.too_many_errors else did_you_mean(name, _callable_names(c))
        p.error_unknown("E0102", callee.at, name, "function", hint)
    return bad(callee.at)


def _callable_names(c: Fn) -> list[str]:
    nested = [name for name, item in c.names.items() if isinstance(item, FunctionItem)]
    if c.env.names is not None:
        return [*nested, *c.env.names, *BUILTINS]
    own = []
    for name, item in c.p.module.items.items():
        if isinstance(item, FunctionItem):
            scope = c.env.scope
            own.append(name[len(scope) + 2 :] if scope and name.startswith(f"{scope}::") else name)
    return [*nested, *own, *(name for _, name in c.p.module.bindings), *BUILTINS]


def throws_out_of(module: CollectedModule, item: FunctionItem) -> bool:
    """Whether a call of a function can end because something was thrown."""
    if item.own or item.env.module == module.name:  # an instance is the module's own, wherever its text stands
        return module.throws
    return THROWS in (item.env.names or ())


class CalledOn(NamedTuple):
    """What a method is called on: a value, or a place that it may change."""

    value: hir.Expr | None
    place: Place | None = None


Arguments = dict[int, hir.Expr]
"""Arguments of a call that are checked already, by parameter."""


class _Instances:
    """How an instanced function is called; `inference/instances.py` enters it, which is made of what is here."""

    call: Callable[[Fn, tree.Call, FunctionItem, CalledOn | None, Arguments | None], hir.Expr]


INSTANCES = _Instances()


def call_function(
    c: Fn, node: tree.Call, item: FunctionItem, on: CalledOn | None = None, known: Arguments | None = None
) -> hir.Expr:
    """A call of a Ruchy function or method, defaults filled in. `known` are arguments that are checked already."""
    p = c.p
    if isinstance(item, RefusedFunction):
        return _refused(c, node, item)
    if any(name_of(argument) for argument in node.arguments):
        return _call_by_names(c, node, item, on)
    if item.calls is None:
        if p.copies is not None and item.trial is not p and item.env.module == c.env.module and is_open(item):
            item = p.copy_of(item)
        types = item.types if item.types is not None else signature(p, item)
        if item.instanced:
            return INSTANCES.call(c, node, item, on, None)
        if item.untyped:
            known = by_themselves(c, node, item, types, on is not None)
            if is_other_call(c, item, node.at, {i: one.type for i, one in known.items()}):
                return INSTANCES.call(c, node, item, on, known)
    types = item.types if item.types is not None else signature(p, item)
    changed = changed_parameters(item, types)
    if changed and len(node.arguments) + (on is not None) <= len(types):
        return call_changing(c, node, item, types, changed, on, known)
    arguments = _arguments(c, node, item, types, on, known)
    if c.path == TOP and item.symbol == f"{p.module.name}::main":
        p.made.calls_main = True
    result = result_of(c, item)
    if not item.own or item.state == STUB:
        p.made.signatures[item.symbol] = (types, result)
    made_call = hir.Call(result, node.at, item.symbol, arguments, throws_out_of(p.module, item))
    if item.calls is not None:
        item.calls.append(made_call)
    if result.__class__ is Var:
        return open_type(c, made_call)
    if result is ERROR:
        p.failed = True
    return made_call


def _refused(c: Fn, node: tree.Call, item: RefusedFunction) -> hir.Expr:
    """A call of a function of another language that is not for others."""
    for argument in node.arguments:
        expr(c, argument)
    c.p.error("E1006", node.at, f"`{item.name}` of `{item.env.module}` cannot be called: {item.reason}", item.cure)
    return bad(node.at)


def _call_by_names(c: Fn, node: tree.Call, item: FunctionItem, on: CalledOn | None) -> hir.Expr:
    """The same with arguments that are named."""
    mark = len(c.undo)
    out: list[hir.Stmt] = []
    call = in_order(c, node, item, 0 if on is None else 1, out)
    if call is None:
        for argument in node.arguments:
            value = argument.value if isinstance(argument, tree.Assign) and name_of(argument) else argument
            if not isinstance(value, tree.Lambda):
                expr(c, value)
    typed = bad(node.at) if call is None else call_function(c, call, item, on)
    c.leave(mark)
    return open_type(c, hir.Block(typed.type, node.at, out, typed)) if out else typed


def by_themselves(c: Fn, node: tree.Call, item: FunctionItem, types: list[Type], receiver: bool) -> Arguments:
    """The arguments for parameters without types, each as it is by itself. Functions come last, because the types of
    the others may tell those of their parameters."""
    arguments: Arguments = {}
    parameters = item.node.parameters
    count = min(len(node.arguments) + receiver, len(parameters))
    for functions in (False, True):
        for i in range(int(receiver), count):
            argument = node.arguments[i - receiver]
            if parameters[i].type is not None or i in item.bound or isinstance(argument, tree.Lambda) != functions:
                continue
            if isinstance(argument, tree.Unary) and argument.op == "&mut":
                argument = _lent(c, item, i, argument)
            arguments[i] = expr(c, argument, _asked(types[i]) if functions and types else None)
    return arguments


def _asked(kind: Type) -> Type | None:
    """What a function that is an argument is asked for: parameters, but not a result."""
    asked = resolve(kind)
    if not isinstance(asked, FunctionType) or resolve(asked.result) is UNIT:
        return asked if isinstance(asked, FunctionType) else None
    return FunctionType(asked.parameters, fresh())


def _arguments(
    c: Fn,
    node: tree.Call,
    item: FunctionItem,
    types: list[Type],
    on: CalledOn | None = None,
    known: Arguments | None = None,
) -> list[hir.Expr]:
    """The arguments, and the defaults of the parameters that have none; nothing after an error about their number."""
    arguments = node.arguments
    first = 0 if on is None else 1
    given = first + len(arguments)
    values: list[hir.Expr] = [] if on is None or on.value is None else [fit(c, on.value, types[0], PLAIN, node)]
    if given > len(types) or given < item.required:
        _arity(c, node, item, given)
        for argument in arguments:
            expr(c, argument)
        return values
    parameters = item.node.parameters
    for i in range(first, given):
        argument = arguments[i - first]
        kind = types[i]
        if known and i in known:
            values.append(_fit_argument(c, known[i], kind, item, i, argument))
            continue
        if isinstance(argument, tree.Unary) and argument.op == "&mut":
            argument = _lent(c, item, i, argument)
        # the common case of `check`, without building what an error would say
        why = () if argument.__class__ in _SIMPLE else (*_ARGUMENT, item.name, parameters[i].name)
        value = HANDLERS[argument.__class__](c, argument, kind, why)
        if value.type is not kind:
            value = _fit_argument(c, value, kind, item, i, argument)
        values.append(value)
    for i in range(given, len(types)):
        default = parameters[i].default
        assert default is not None  # `required` counts up to the last parameter without one
        values.append(inline(c, item.env, default, types[i], node.at))
    return values


class _Lending:
    """What a call computes before it, and what it puts back behind it.

    A `&mut` parameter is a value that goes in and comes out: the callee gets the reference that the place holds, and
    returns what the parameter holds at the end. A variable of the function takes that by itself; any other place is
    written to after the call. So `out` computes the arguments in order into slots, `slots` are those that the call
    changes, and `back` says which places take what from which of them. `lent` has the variables that are lent already.
    """

    def __init__(self, c: Fn, item: FunctionItem, types: list[Type], changed: list[int]) -> None:
        self.c = c
        self.item = item
        self.types = types
        self.changed = changed
        self.out: list[hir.Stmt] = []
        self.back: list[tuple[Place, hir.Local]] = []
        self.lent: list[Variable] = []
        self.slots: list[int] = []

    def kept(self, value: hir.Expr, *, is_changed: bool = False) -> hir.Expr:
        """An argument in a slot, because others are computed before the call; literals need none."""
        literal = isinstance(value, hir.Int | hir.Float | hir.Str | hir.Unit) and not is_changed
        return value if literal or value.type is NEVER else in_slot(self.c, value, self.out)

    def argument(self, i: int, argument: tree.Expr, known: hir.Expr | None) -> hir.Expr:
        """The value of an argument; `known` where it is checked already."""
        item, kind = self.item, self.types[i]
        if known is not None:
            return self.kept(_fit_argument(self.c, known, kind, item, i, argument))
        is_changed = i in self.changed
        value = self._lent_argument(i, argument) if is_changed else None
        if value is None:
            why = (*_ARGUMENT, item.name, item.node.parameters[i].name)
            bare = isinstance(argument, tree.Unary) and argument.op == "&mut"
            given = _lent(self.c, item, i, argument) if bare else argument  # type: ignore[arg-type]
            value = self.kept(check(self.c, given, kind, why), is_changed=is_changed)
        self._changes(i, value)
        return value

    def _lent_argument(self, i: int, argument: tree.Expr) -> hir.Expr | None:
        """What the place holds that is lent; None where no place is."""
        place = _lent_place(self.c, argument, self.out)
        if place is None:
            return None
        if any(one is place.variable for one in self.lent):
            message = f"`{place.variable.name}` is lent twice to one call: what would it hold afterwards?"
            self.c.p.error("E0296", argument.at, message, "lend a copy, and assign it afterwards")
        self.lent.append(place.variable)
        return self.lend(i, argument, place, (*_ARGUMENT, self.item.name, self.item.node.parameters[i].name))

    def lend(self, i: int, node: tree.Expr, place: Place, why: Why) -> hir.Expr:
        """What a place holds, for a call that may change it."""
        mutated(self.c, place.variable, node.at)
        place.variable.read = True
        value = fit(self.c, read_place(self.c, node.at, place), self.types[i], why, node)
        if place.steps or not isinstance(value, hir.Local):
            value = in_slot(self.c, value, self.out)
            self.back.append((place, cast("hir.Local", value)))
        return value

    def receiver(self, node: tree.Call, on: CalledOn, given: hir.Expr | None) -> hir.Expr:
        """What a method is called on: `given`, or the place. That is read last, so what the arguments do to it is
        seen."""
        value = self.lend(0, node, on.place, PLAIN) if on.place is not None else given
        assert value is not None
        if 0 in self.changed and isinstance(value, hir.Local):
            self.slots.insert(0, value.slot)
        return value

    def default(self, i: int, at: int) -> hir.Expr:
        """The default of a parameter for which there is no argument."""
        default = self.item.node.parameters[i].default
        assert default is not None
        value = in_slot(self.c, inline(self.c, self.item.env, default, self.types[i], at), self.out)
        self._changes(i, value)
        return value

    def _changes(self, i: int, value: hir.Expr) -> None:
        if i in self.changed and isinstance(value, hir.Local):
            self.slots.append(value.slot)


def call_changing(
    c: Fn,
    node: tree.Call,
    item: FunctionItem,
    types: list[Type],
    changed: list[int],
    on: CalledOn | None = None,
    known: Arguments | None = None,
) -> hir.Expr:
    """A call of a function with parameters `&mut T`. It takes what they hold, and gives it back changed; where that is
    no variable of its own, it is put into its place afterwards."""
    p, at = c.p, node.at
    first = 0 if on is None else 1
    given = first + len(node.arguments)
    if given < item.required:
        _arity(c, node, item, given)
        for argument in node.arguments:
            expr(c, argument)
        return bad(at)
    lending = _Lending(c, item, types, changed)
    if on is not None and on.place is not None:
        lending.lent.append(on.place.variable)
    on_value = on.value if on is not None else None
    if on_value is not None and not isinstance(on_value, hir.Unit) and on_value.type is not NEVER:
        on_value = in_slot(c, on_value, lending.out)
    known = known or {}
    arguments = [lending.argument(i, argument, known.get(i)) for i, argument in enumerate(node.arguments, first)]
    if on is not None:
        arguments.insert(0, lending.receiver(node, on, on_value))
    arguments += [lending.default(i, at) for i in range(given, len(types))]
    if any(value.type is NEVER or value.type is ERROR for value in arguments) or len(lending.slots) < len(changed):
        return never_returns(arguments) or bad(at)
    result = result_of(c, item)
    if not item.own or item.state == STUB:
        p.made.signatures[item.symbol], p.made.changing[item.symbol] = (types, result), changed
    if result is ERROR:
        p.failed = True
        return bad(at)
    changing = hir.CallChanging(result, at, item.symbol, arguments, lending.slots, throws_out_of(p.module, item))
    if item.calls is not None:
        item.calls.append(changing)
    shared = [variable.symbol for variable in lending.lent if isinstance(variable, Global)]
    return _put_back(c, node, open_type(c, changing), lending.out, lending.back, shared)


def _put_back(
    c: Fn, node: tree.Call, call: hir.Expr, out: list[hir.Stmt], back: list[tuple[Place, hir.Local]], shared: list[str]
) -> hir.Expr:
    """The call behind what `out` computes, and then what it changed back in its places. Variables of the top level may
    not be used while it runs."""
    at = node.at
    if back and resolve(call.type).__class__ is Var:  # unit needs no slot, and is not known yet

        def decide(last: bool) -> hir.Expr | None:
            known = last or resolve(call.type).__class__ is not Var
            return _put_back(c, node, call, out, back, shared) if known else None

        if openness(resolve(call.type)) == ANY:
            return later(c, at, call.type, (call.type,), decide)
    out += [hir.Do(hir.LendGlobal(UNIT, at, symbol, True)) for symbol in shared]
    called, dummy = call, -1
    if back and resolve(call.type) is not UNIT:
        call = in_slot(c, call, out)
        dummy = call.slot if isinstance(call, hir.Local) else -1
    elif back:
        out.append(hir.Do(call))
        call = hir.Unit(UNIT, at)
    out += [hir.Do(hir.LendGlobal(UNIT, at, symbol, False)) for symbol in shared]
    for place, local in back:
        value = open_type(c, hir.Local(local.type, at, local.slot))
        write_place(c, place, fit(c, value, place.type, (), node), at, out)
    if isinstance(called, hir.CallChanging) and called.throws and (back or shared):
        called.throws = False  # first what it changed gets back into its place
        out.append(hir.Do(hir.HandOn(UNIT, at, dummy)))
    return open_type(c, hir.Block(call.type, at, out, call)) if out else call


def _lent_place(c: Fn, node: tree.Expr, out: list[hir.Stmt]) -> Place | None:
    """The place that a call may change: `&mut place`, or a parameter `&mut T` that is handed on. None where there is
    none."""
    handed_on = isinstance(node, tree.Path) and len(node.segments) == 1
    inner = node.operand if isinstance(node, tree.Unary) and node.op == "&mut" else node
    root = inner
    while isinstance(root, tree.Field | tree.Index) or (isinstance(root, tree.Unary) and root.op == "*"):
        root = root.operand if isinstance(root, tree.Unary) else root.value
    name = root.segments[0] if isinstance(root, tree.Path) and len(root.segments) == 1 else ""
    variable = c.names.get(name) or global_of(c, name, node.at)
    if not isinstance(variable, Variable) or (inner is node and not (handed_on and variable.changes)):
        return None
    place = place_of(c, inner, out)
    if place is not None and resolve(place.type) is not UNIT and not writes_through_reference(c, inner, variable):
        return place
    return None


def _fit_argument(c: Fn, value: hir.Expr, kind: Type, item: FunctionItem, i: int, node: tree.Expr) -> hir.Expr:
    return fit(c, value, kind, (*_ARGUMENT, item.name, item.node.parameters[i].name), node)


def _lent(c: Fn, item: FunctionItem, i: int, node: tree.Unary) -> tree.Expr:
    """The argument behind `&mut`. E0231 where the parameter is no `&mut`: what the function writes to it is lost."""
    parameter = item.node.parameters[i]
    if not is_written_through(parameter.type):
        message = f"`{item.name}` takes its `{parameter.name}` by value: nothing that it writes to that is seen here"
        c.p.error("E0231", node.at, message, "leave out the `&mut`")
    return node.operand


def _arity(c: Fn, node: tree.Call, item: FunctionItem, given: int) -> None:
    shown_self = item.node.receiver and len(node.callee.segments) == 1  # type: ignore[union-attr]
    less = int(shown_self)
    most, least, given = len(item.node.parameters) - less, item.required - less, given - less
    wanted = f"{least}" if most == least else f"{least} to {most}"
    plural = "" if wanted == "1" else "s"
    names = ", ".join(parameter.name for parameter in item.node.parameters[less:])
    message = f"`{item.name}` takes {wanted} argument{plural}, and was given {given}"
    c.p.error("E0301", node.at, message, f"its parameters: {names}" if names else "")


def result_of(c: Fn, item: FunctionItem) -> Type:
    """What a function returns; checks its body first where only that can tell."""
    if item.inferred:
        return inferred_result(c, item)
    if item.node.result is None and item.env.module != c.env.module:
        c.foreign = True
    return cast("Type", item.result)
