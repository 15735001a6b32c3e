"""Patterns: what to test of a value, which names they give to its parts, and what they cover.

`read_pattern` makes a `Reading`: tests and parts are trees over locals that nothing changes in between, so that they
may be computed in any place behind the value, and twice. Names are bound by `declare`, once all alternatives are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.enums import WORDS
from orchestrator.toolchains.ruchy.check.data.variants import variants_of
from orchestrator.toolchains.ruchy.check.expressions import literal_struct
from orchestrator.toolchains.ruchy.check.function import Fn, open_type
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, named_type, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    ELEMENT,
    fresh,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import is_number, started
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.limits import limit, number_in, ordering_pattern
from orchestrator.toolchains.ruchy.check.matching import cover
from orchestrator.toolchains.ruchy.check.matching.cover import WILD
from orchestrator.toolchains.ruchy.check.matching.names import names_in
from orchestrator.toolchains.ruchy.check.matching.spaces import ONE
from orchestrator.toolchains.ruchy.check.operators import compare, is_float, right_of
from orchestrator.toolchains.ruchy.check.scope import ConstItem, FunctionItem, StructItem, Variable, VariantItem
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I32,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    MixedType,
    ObjectType,
    TupleType,
    Type,
    is_option,
    is_result,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.tables import complete

_LARGEST = (1 << 63) - 1


class Matched(NamedTuple):
    """A value that a pattern is held against. `read` makes a new tree of it each time. The values of a tuple that is
    only written to be matched are `parts`, and no tuple is made."""

    type: Type
    read: Callable[[], hir.Expr]
    parts: tuple[Any, ...] | None = None


class BoundName(NamedTuple):
    """A name of a pattern. `value` is None where it has none (unit)."""

    name: str
    at: int
    mutable: bool
    type: Type
    value: hir.Expr | None


class Reading:
    """What is read of a pattern so far: all `tests` must hold, in this order. `wrong`: an error was reported. `lent`:
    names mean parts of a place, and decide nothing of their types."""

    __slots__ = ("bound", "cover", "lent", "tests", "wrong")

    def __init__(self, lent: bool = False) -> None:
        self.lent = lent
        self.tests: list[hir.Expr] = []
        self.bound: list[BoundName] = []
        self.wrong = False
        self.cover: cover.Pattern = WILD

    def condition(self) -> hir.Expr | None:
        """Whether the pattern fits; None where it always does."""
        return all_of(self.tests)


def all_of(tests: Sequence[hir.Expr]) -> hir.Expr | None:
    typed: hir.Expr | None = None
    for test in tests:
        typed = test if typed is None else hir.And(BOOL, test.at, typed, test)
    return typed


def again(node: Any) -> Any:
    """The same tree once more. (Who asks for it sets `Pass.composed`, so that its types are settled.)"""
    if isinstance(node, list):
        return [again(part) for part in node]
    if not hasattr(node, "__struct_fields__") or not hasattr(node, "at"):
        return node
    return node.__class__(*[again(getattr(node, name)) for name in node.__struct_fields__])


# ---------------------------------------------------------------- what is matched


def source_of(c: Fn, typed: hir.Expr, out: list[hir.Stmt], stays: bool = True) -> Matched:
    """A value, kept in slots that nothing changes. `stays`: nothing is computed while the pattern is held against it,
    so that a local need not be copied."""
    at, kind = typed.at, resolve(typed.type)
    if isinstance(typed, hir.NewStruct) and isinstance(kind, TupleType):
        parts: list[Matched] = [WAITING] * len(typed.fields)
        for index in typed.order:
            parts[index] = source_of(c, typed.fields[index], out, stays=False)
        return Matched(kind, lambda: _tuple_again(kind, at, parts), tuple(parts))
    if kind is UNIT or kind is ERROR:
        out.append(hir.Do(typed))
        return Matched(kind, lambda: hir.Unit(kind, at))
    local = typed if stays and isinstance(typed, hir.Local) else in_slot(c, typed, out)
    assert isinstance(local, hir.Local)
    return Matched(kind, lambda: open_type(c, hir.Local(local.type, at, local.slot)))


WAITING = Matched(UNIT, lambda: hir.Unit(UNIT, 0))


def _tuple_again(kind: Type, at: int, parts: Sequence[Matched]) -> hir.Expr:
    return hir.NewStruct(kind, at, [part.read() for part in parts], list(range(len(parts))))


def field_source(c: Fn, source: Matched, index: int, kind: Type, at: int) -> Matched:
    """A field of a record."""
    if source.parts is not None:
        part: Matched = source.parts[index]
        return part
    kind = resolve(kind)
    return Matched(kind, lambda: open_type(c, hir.GetField(resolve(kind), at, source.read(), index)))


# ---------------------------------------------------------------- reading


Reader = Callable[[Fn, Any, Matched, Reading], cover.Pattern]


def read_pattern(c: Fn, pattern: tree.Pattern, source: Matched, lent: bool = False) -> Reading:
    """A whole pattern. One that is held against what never gives a value says nothing but its names."""
    reading = Reading(lent)
    if source.type is NEVER:
        reading.wrong = True
        reading.bound = [BoundName(one.name, one.at, True, ERROR, None) for one in names_in(pattern)]
        return reading
    reading.cover = read(c, pattern, source, reading)
    seen: set[str] = set()
    for bound in reading.bound:
        if bound.name in seen:
            c.p.error("E0607", bound.at, f"the pattern has the name `{bound.name}` twice", "compare them in a guard")
        seen.add(bound.name)
    return reading


def read(c: Fn, pattern: tree.Pattern, source: Matched, into: Reading) -> cover.Pattern:
    """A pattern, or a part of one."""
    return READERS[pattern.__class__](c, pattern, source, into)


def declare(c: Fn, reading: Reading, mutable: bool, declared: bool = False) -> list[tuple[Variable, hir.Expr | None]]:
    """The variables of a pattern, in sight from here on, each with its value."""
    declarations: list[tuple[Variable, hir.Expr | None]] = []
    for bound in reading.bound:
        variable = c.declare(bound.name, bound.type, bound.at, mutable or bound.mutable, declared)
        declarations.append((variable, bound.value))
    return declarations


def differs(c: Fn, into: Reading, at: int, what: str, kind: Type, hint: str = "") -> cover.Pattern:
    """E0271 for a pattern of another type than the value."""
    into.wrong = True
    kind = resolve(kind)
    if kind is not ERROR:
        c.p.error("E0271", at, f"this pattern is {what}, and the value is {shown(kind)}", hint)
    c.p.failed = True
    return WILD


def _wild(c: Fn, node: tree.WildcardPattern, source: Matched, into: Reading) -> cover.Pattern:
    return WILD


def _name(c: Fn, node: tree.NamePattern, source: Matched, into: Reading) -> cover.Pattern:
    """A name binds a copy. What was left open in an array or a tuple is decided as by a `let`. The name of a variant
    that is imported is that variant."""
    if node.inner is None and node.name[:1].isupper() and isinstance(c.p.lookup(c.env, (node.name,)), VariantItem):
        return _path(c, tree.PathPattern(node.at, (node.name,)), source, into)
    kind = resolve(source.type)
    if kind is UNIT or kind is ERROR:
        into.bound.append(BoundName(node.name, node.at, node.mutable, kind, None))
    else:
        value = source.read()
        if openness(kind) == ELEMENT and not into.lent:
            value = started(c.p, value)
        into.bound.append(BoundName(node.name, node.at, node.mutable, resolve(value.type), value))
    return WILD if node.inner is None else read(c, node.inner, source, into)


def _literal(c: Fn, node: tree.LiteralPattern, source: Matched, into: Reading) -> cover.Pattern:
    if isinstance(node.value, tree.BoolLiteral):
        if not unify(source.type, BOOL):
            return differs(c, into, node.at, "bool", source.type)
        value = source.read()
        into.tests.append(value if node.value.value else hir.Not(BOOL, node.at, value))
        return cover.Case("true" if node.value.value else "false")
    if not _test(c, "==", node.value, source, into):
        return WILD
    return _covered(node.value, is_float(resolve(source.type)))


def _test(c: Fn, op: str, value: tree.Expr, source: Matched, into: Reading) -> bool:
    """A comparison with a literal; False after an error."""
    kind = resolve(source.type)
    literal = right_of(c, value, kind)
    literal_type = resolve(literal.type)
    both = is_number(literal_type) and (is_number(kind) or openness(kind) == ANY)
    if literal_type is ERROR:  # it was told
        into.wrong = True
        return False
    if not (both or unify(kind, literal_type)):
        differs(c, into, value.at, shown(literal_type), kind)
        return False
    into.tests.append(compare(c, value.at, op, source.read(), literal))
    return True


def _covered(value: tree.Expr, floating: bool) -> cover.Pattern:
    number = number_in(value)
    if isinstance(number, int) and not floating:
        return cover.Span(number, number)
    return cover.Literal(getattr(value, "value", None) if number is None else float(number))


def _range(c: Fn, node: tree.RangePattern, source: Matched, into: Reading) -> cover.Pattern:
    low = None if node.start is None else number_in(node.start)
    high = None if node.end is None else number_in(node.end)
    for op, end in ((">=", node.start), ("<=" if node.inclusive else "<", node.end)):
        if isinstance(end, tree.BoolLiteral):
            c.p.error("E0272", end.at, "a range has numbers or texts as its ends", "write `true`, `false` or `_`")
            into.wrong = True
            return WILD
        if end is not None and not _test(c, op, end, source, into):
            return WILD
    if low is not None and high is not None and (low > high or (low == high and not node.inclusive)):
        c.p.error("E0272", node.at, "no value is in this range", "its first end is the lower one")
        into.wrong = True
    unknown = (low is None and node.start is not None) or (high is None and node.end is not None)
    if (
        unknown
        or isinstance(low, float)
        or isinstance(high, float)
        or is_float(resolve(source.type))
        or source.type is STRING
    ):
        return cover.Literal((node.at, node.inclusive))
    bottom = -_LARGEST - 1 if low is None else int(low)
    top = 1 << 64 if high is None else int(high) - (not node.inclusive)
    return cover.Span(bottom, max(bottom, top))


# ---------------------------------------------------------------- of several parts


def with_rest(c: Fn, at: int, patterns: Sequence[tree.Pattern], count: int, into: Reading) -> list[tree.Pattern] | None:
    """Patterns for each of `count` values, where `..` stands for any number of them; None if they are too many or
    too few."""
    rests = [index for index, one in enumerate(patterns) if isinstance(one, tree.RestPattern)]
    if not rests:
        return list(patterns) if len(patterns) == count else None
    _one_rest(c, patterns, into)
    rest = patterns[rests[0]]
    if isinstance(rest, tree.RestPattern) and rest.name:
        c.p.error("E0272", rest.at, f"`..{rest.name}` is for arrays", "write `..`, and names for the values")
        into.wrong = True
    given = [pattern for pattern in patterns if not isinstance(pattern, tree.RestPattern)]
    if len(given) > count:
        return None
    wild: list[tree.Pattern] = [tree.WildcardPattern(at)] * (count - len(given))
    return [*given[: rests[0]], *wild, *given[rests[0] :]]


def _one_rest(c: Fn, patterns: Sequence[tree.Pattern], into: Reading) -> None:
    rests = [pattern for pattern in patterns if isinstance(pattern, tree.RestPattern)]
    if len(rests) > 1:
        c.p.error("E0272", rests[1].at, "`..` stands twice in one pattern", "leave one of them out")
        into.wrong = True


def _tuple(c: Fn, node: tree.TuplePattern, source: Matched, into: Reading) -> cover.Pattern:
    kind = resolve(source.type)
    count = len(node.elements)
    if not count:
        return cover.Case(ONE) if unify(kind, UNIT) else differs(c, into, node.at, "()", kind)
    if openness(kind) == ANY:
        c.p.composed = True
        unify(kind, TupleType(tuple([fresh() for _ in node.elements])))
        kind = resolve(kind)
    inner = with_rest(c, node.at, node.elements, len(kind.parts), into) if isinstance(kind, TupleType) else None
    if inner is None:
        quiet(c, node.elements, into)
        return differs(c, into, node.at, f"a tuple of {count} value{'s' * (count != 1)}", kind)
    return cover.Case(ONE, fields(c, inner, source, kind.parts, into))


def fields(
    c: Fn, patterns: Sequence[tree.Pattern], source: Matched, kinds: Sequence[Type], into: Reading
) -> tuple[cover.Pattern, ...]:
    """A pattern for each field of a record."""
    pairs = zip(patterns, kinds, strict=True)
    return tuple([read(c, one, field_source(c, source, i, kind, one.at), into) for i, (one, kind) in enumerate(pairs)])


def _list(c: Fn, node: tree.ListPattern, source: Matched, into: Reading) -> cover.Pattern:
    kind = resolve(source.type)
    if openness(kind) == ANY:
        c.p.composed = True
        unify(kind, ArrayType(fresh()))
        kind = resolve(kind)
    if isinstance(kind, MixedType):
        return _tuple(c, tree.TuplePattern(node.at, node.elements), source, into)
    if not isinstance(kind, ArrayType):
        quiet(c, node.elements, into)
        return differs(c, into, node.at, "an array", kind)
    _one_rest(c, node.elements, into)
    rests = [index for index, one in enumerate(node.elements) if isinstance(one, tree.RestPattern)]
    where = rests[0] if rests else len(node.elements)
    before = node.elements[:where]
    after = [element for element in node.elements[where:] if not isinstance(element, tree.RestPattern)]
    count = len(before) + len(after)
    at = node.at

    def length() -> hir.Expr:
        return hir.Runtime(I64, at, "length", [source.read()])

    if count or not rests:
        into.tests.append(hir.Compare(BOOL, at, ">=" if rests else "==", length(), hir.Int(I64, at, count)))
    first = [read(c, one, _element(c, source, kind, i, one.at), into) for i, one in enumerate(before)]
    last = [read(c, one, _element(c, source, kind, i - len(after), one.at), into) for i, one in enumerate(after)]
    rest = node.elements[where] if rests else None
    if isinstance(rest, tree.RestPattern) and rest.name:
        end: hir.Expr = hir.Int(I64, at, _LARGEST)
        if after:
            end = hir.Arithmetic(I64, at, "-", length(), hir.Int(I64, at, len(after)))
        part = hir.Runtime(kind, at, "arr_slice", [source.read(), hir.Int(I64, at, len(before)), end], traps=True)
        into.bound.append(BoundName(rest.name, rest.at, False, kind, part))
    return cover.Listed(tuple(first), bool(rests), tuple(last))


def _element(c: Fn, source: Matched, kind: ArrayType, index: int, at: int) -> Matched:
    """An element, from the end where the index is negative. The array is long enough."""
    element = resolve(kind.element)

    def get() -> hir.Expr:
        return open_type(c, hir.GetElement(resolve(element), at, source.read(), hir.Int(I64, at, index), index < 0))

    return Matched(element, get)


def _path(c: Fn, node: tree.PathPattern, source: Matched, into: Reading) -> cover.Pattern:
    """A variant, or a struct."""
    if not node.path:
        return _object(c, node, source, into)
    parts = [*(node.elements or ()), *(field.pattern for field in node.fields or ())]
    item = named_item(c, node) if not parts else None
    if isinstance(item, ConstItem) or (isinstance(item, FunctionItem) and item.node.constant):
        _test(c, "==", tree.Path(node.at, node.path), source, into)
        return cover.Literal(node.path)
    if not parts and item is None:
        ordering = ordering_pattern(node)
        if ordering is not None:
            return read(c, ordering, source, into)
        if limit(node.path, node.at) is not None:
            return _literal(c, tree.LiteralPattern(node.at, tree.Path(node.at, node.path)), source, into)
    named = literal_struct(c, node) if node.path[-1] not in WORDS or named_item(c, node) is not None else None
    if named is None and node.path[:-1] in ((), (WORDS.get(node.path[-1], ("",))[0],)) and node.path[-1] in WORDS:
        return _word(c, node, source, into)
    if named is None:
        quiet(c, parts, into)
        return WILD
    kind = named_type(c.p, named if isinstance(named, StructItem) else named.enum)
    if not unify(source.type, kind):
        quiet(c, parts, into)
        return differs(c, into, node.at, shown(kind), source.type)
    if isinstance(named, StructItem):
        return _struct(c, node, named, source, into)
    assert isinstance(kind, EnumType)
    return _variant(c, node, kind, named.index, source, into)


def _object(c: Fn, node: tree.PathPattern, source: Matched, into: Reading) -> cover.Pattern:
    """`{ a, b: p }`: an object with these keys, or a struct with these fields."""
    kind = resolve(source.type)
    if isinstance(kind, ObjectType):
        inner = in_fields(c, node, shown(kind), kind.names, into)
        return cover.Case(ONE, fields(c, inner, source, kind.types, into))
    item = struct_of(c.p, kind)
    if item is None:
        quiet(c, [field.pattern for field in node.fields or ()], into)
        if openness(kind) == ANY:
            message = "the type of what is matched is not known here"
            c.p.error("E0210", node.at, message, "write its type where it is declared")
            return WILD
        return differs(c, into, node.at, "an object", kind)
    return _struct(c, node, item, source, into)


def named_item(c: Fn, node: tree.PathPattern) -> object:
    """What a path means that may also be a constant, or `Some`, `None`, `Ok` or `Err`."""
    return c.p.lookup(c.env, node.path)


def _word(c: Fn, node: tree.PathPattern, source: Matched, into: Reading) -> cover.Pattern:
    """`Some(p)`, `None`, `Ok(p)`, `Err(p)`."""
    name, index = WORDS[node.path[-1]]
    kind = resolve(source.type)
    if openness(kind) == ANY:
        c.p.composed = True
        unify(kind, option_of(fresh()) if name == "Option" else result_of(fresh(), fresh()))
        kind = resolve(kind)
    if not isinstance(kind, EnumType) or not (is_option(kind) if name == "Option" else is_result(kind)):
        quiet(c, [*(node.elements or ()), *(field.pattern for field in node.fields or ())], into)
        return differs(c, into, node.at, f"an `{name}`" if name == "Option" else f"a `{name}`", kind)
    return _variant(c, node, kind, index, source, into)


def _variant(
    c: Fn, node: tree.PathPattern, kind: EnumType, index: int, source: Matched, into: Reading
) -> cover.Pattern:
    """One variant: its number, then its payload."""
    variant = variants_of(c.p, kind)[index]
    name = "::".join(node.path)
    if len(variants_of(c.p, kind)) > 1:
        at = node.at
        tag = hir.GetTag(I32, at, source.read())
        into.tests.append(hir.Compare(BOOL, at, "==", tag, hir.Int(I32, at, index)))
    if node.elements is None and node.fields is None and variant.types:
        hint = f"{name}(..)" if variant.form == "tuple" else f"{name} {{ .. }}"
        c.p.error("E0302", node.at, f"`{name}` has a payload", f"write `{hint}`")
        into.wrong = True
        return WILD
    if (variant.form == "struct") != (node.fields is not None) and (node.elements or node.fields):
        with_names = variant.form == "struct"
        message = f"the payload of `{name}` has {'' if with_names else 'no '}names"
        c.p.error("E0260", node.at, message, f"write `{name} {{ .. }}`" if with_names else f"write `{name}(..)`")
        quiet(c, [*(node.elements or ()), *(field.pattern for field in node.fields or ())], into)
        return WILD
    inner = in_fields(c, node, name, variant.fields, into)
    patterns: list[cover.Pattern] = []
    for number, (pattern, part) in enumerate(zip(inner, variant.types, strict=True)):
        patterns.append(read(c, pattern, _payload(c, source, index, number, part, pattern.at), into))
    return cover.Case(variant.name, tuple(patterns))


def _payload(c: Fn, source: Matched, variant: int, index: int, kind: Type, at: int) -> Matched:
    kind = resolve(kind)
    return Matched(kind, lambda: open_type(c, hir.GetPayload(resolve(kind), at, source.read(), variant, index)))


def _struct(c: Fn, node: tree.PathPattern, item: StructItem, source: Matched, into: Reading) -> cover.Pattern:
    types = field_types(c.p, item, resolve(source.type))
    inner = in_fields(c, node, item.name, item.names, into)
    return cover.Case(ONE, fields(c, inner, source, types, into))


def in_fields(c: Fn, node: tree.PathPattern, name: str, names: Sequence[str], into: Reading) -> list[tree.Pattern]:
    """A pattern for each field, by name, or by place in what has none; fields that are left out fit any value."""
    patterns: list[tree.Pattern] = [tree.WildcardPattern(node.at)] * len(names)
    if node.elements is not None:
        inner = with_rest(c, node.at, node.elements, len(names), into)
        if inner is not None:
            return inner
        holds = f"{len(names)} value{'s' * (len(names) != 1)}" if names else "no value"
        c.p.error("E0302", node.at, f"`{name}` holds {holds}, and this pattern has {len(node.elements)}", "use `..`")
        quiet(c, node.elements, into)
        return patterns
    given: set[str] = set()
    for field in node.fields or ():
        if field.name not in names:
            message = f"`{name}` has no field `{field.name}`"
            c.p.error("E0104", field.at, message, did_you_mean(field.name, names))
            quiet(c, [field.pattern], into)
            continue
        if field.name in given:
            c.p.error("E0607", field.at, f"the pattern has the field `{field.name}` twice")
            quiet(c, [field.pattern], into)
            continue
        given.add(field.name)
        patterns[list(names).index(field.name)] = field.pattern
    return patterns


def quiet(c: Fn, patterns: Sequence[tree.Pattern], into: Reading) -> None:
    """Patterns of a value that there is not: their names are known, and silent."""
    into.wrong = True
    c.p.failed = True
    for pattern in patterns:
        for name in names_in(pattern):
            into.bound.append(BoundName(name.name, name.at, True, ERROR, None))


def _rest(c: Fn, node: tree.RestPattern, source: Matched, into: Reading) -> cover.Pattern:
    c.p.error("E0272", node.at, "`..` stands inside of `[ ]` or `( )`", "write `_` for any value")
    quiet(c, [node], into)
    return WILD


# ---------------------------------------------------------------- alternatives


def _either(c: Fn, node: tree.OrPattern, source: Matched, into: Reading) -> cover.Pattern:
    """One of several patterns. They bind the same names, each in its own way: `(0, x) | (x, 0)`."""
    branches: list[Reading] = []
    for alternative in node.alternatives:
        branch = Reading()
        branch.cover = read(c, alternative, source, branch)
        branches.append(branch)
    into.wrong = into.wrong or any(branch.wrong for branch in branches)
    if not any(branch.condition() is None for branch in branches):
        typed: hir.Expr | None = None
        for branch in branches:
            test = all_of(branch.tests)
            assert test is not None
            typed = test if typed is None else hir.Or(BOOL, node.at, typed, test)
        assert typed is not None
        into.tests.append(typed)
    for bound in branches[0].bound:
        into.bound.append(_joined(c, node, bound, branches, into))
    for branch in branches[1:]:
        known = {bound.name for bound in branches[0].bound}
        for bound in branch.bound:
            if bound.name not in known:
                _only_in_one(c, bound, into)
                into.bound.append(bound)
    return cover.Either(tuple([branch.cover for branch in branches]))


def _only_in_one(c: Fn, bound: BoundName, into: Reading) -> None:
    if not into.wrong:
        message = f"not every alternative of this pattern has the name `{bound.name}`"
        c.p.error("E0273", bound.at, message, "give it to all, or to none")
    into.wrong = True


def _joined(c: Fn, node: tree.OrPattern, bound: BoundName, branches: list[Reading], into: Reading) -> BoundName:
    """The value of a name: that of the first alternative that fits."""
    values: list[hir.Expr] = []
    for branch in branches:
        same = next((one for one in branch.bound if one.name == bound.name), None)
        if same is None:
            _only_in_one(c, bound, into)
            return bound
        if not unify(bound.type, same.type):
            message = f"`{bound.name}` is {shown(bound.type)} in one alternative, and {shown(same.type)} in this one"
            c.p.error("E0273", same.at, message, "give the values different names, in arms of their own")
            into.wrong = True
            return bound._replace(type=ERROR, value=None)
        if same.value is None:
            return bound
        values.append(same.value)
    c.p.composed = True
    joined = values[-1]
    for branch, value in zip(reversed(branches[:-1]), reversed(values[:-1]), strict=True):
        test = all_of(again(branch.tests))
        joined = value if test is None else open_type(c, hir.If(bound.type, node.at, test, value, joined))
    return bound._replace(value=joined)


READERS: dict[type, Reader] = {
    tree.WildcardPattern: _wild,
    tree.NamePattern: _name,
    tree.LiteralPattern: _literal,
    tree.RangePattern: _range,
    tree.PathPattern: _path,
    tree.TuplePattern: _tuple,
    tree.RestPattern: _rest,
    tree.ListPattern: _list,
    tree.OrPattern: _either,
}
complete(READERS, tree.Pattern, "check.patterns.READERS")
