"""Maps and sets that are made from arrays, joined and compared: written in Ruchy."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import key_of, literal_map, new_set, set_of
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Called, arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import Place, in_slot, part_value, read_place, write_place
from orchestrator.toolchains.ruchy.check.methods.maps import CHANGERS, METHODS, Method, Table
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy, written
from orchestrator.toolchains.ruchy.check.methods.written_rows import rows_of
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    UNIT,
    ArrayType,
    EnumType,
    MapType,
    SetType,
    is_option,
    is_result,
)
from orchestrator.toolchains.ruchy.syntax import tree

_OTHER: Why = ("E0204", "this method takes {want}, and this is {got}")
_MAP = "{ let mut __r = HashMap::new(); for (__k, __v) in __xs { __r.insert(__k, __v); } __r }"


def table_of(c: Fn, node: tree.MethodCall, array: hir.Expr, want: Want) -> hir.Expr | None:
    """`collect` into a map or a set, if one is named or wanted; None where neither is."""
    named = _named(node)
    wanted = None if want is None else resolve(want)
    if named in ("HashMap", "BTreeMap") or (not named and isinstance(wanted, MapType)):
        return in_ruchy(c, node.at, _MAP, {"xs": array}, want)
    if named in ("HashSet", "BTreeSet") or (not named and isinstance(wanted, SetType)):
        kind = resolve(array.type)
        assert isinstance(kind, ArrayType)
        table = new_set(c, node.at, kind.element)
        return table if table.type is ERROR else set_of(c, node.at, table, array)
    return None


_RESULTS = """{ let mut __r = []; let mut __e = None;
for __x in __xs { match __x { Ok(__v) => __r.push(__v), Err(__q) => { __e = Some(__q); break } } }
match __e { Some(__q) => Err(__q), None => Ok(__r) } }"""
_OPTIONS = """{ let mut __r = []; let mut __e = false;
for __x in __xs { match __x { Some(__v) => __r.push(__v), None => { __e = true; break } } }
if __e { None } else { Some(__r) } }"""


def _named(node: tree.MethodCall) -> str:
    """What a `collect::<T>` names."""
    return node.name.partition("::<")[2].partition("<")[0].rpartition("::")[2].rstrip(">")


def asks_for_results(calls: Sequence[tree.MethodCall], want: Want) -> bool:
    """Whether a chain ends in `map(f)` and a `collect` into a `Result`."""
    if len(calls) < 2 or calls[-2].name != "map" or calls[-1].name.partition("::")[0] != "collect":
        return False
    named = _named(calls[-1])
    wanted = None if want is None else resolve(want)
    return named == "Result" or (not named and isinstance(wanted, EnumType) and is_result(wanted))


def together(c: Fn, node: tree.MethodCall, array: hir.Expr, kind: ArrayType, want: Want) -> hir.Expr | None:
    """`collect` of results into a `Result`: `Ok` of all values, or the first error. The same of options. None where
    neither is meant."""
    named = _named(node)
    wanted = None if want is None else resolve(want)
    element = resolve(kind.element)
    if not isinstance(element, EnumType) or not (is_option(element) or is_result(element)):
        return None
    if named not in ("Result", "Option") and (named or not isinstance(wanted, EnumType)):
        return None
    return in_ruchy(c, node.at, _OPTIONS if is_option(element) else _RESULTS, {"xs": array}, wanted)


def _from(name: str) -> None:
    """`HashMap::from(pairs)`: written out, or any array of pairs."""

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if len(node.arguments) != 1:
            arguments_of(c, node, name, 1, 1)
            return bad(node.at)
        given = node.arguments[0]
        if isinstance(given, tree.Array):
            return literal_map(c, node.at, given.elements)
        typed = expr(c, given)
        if isinstance(resolve(typed.type), ArrayType | MapType):
            return in_ruchy(c, node.at, _MAP, {"xs": typed}, want)
        if resolve(typed.type) is not ERROR:
            message = f"a map is made from an array of pairs, and this is {shown(typed.type)}"
            c.p.error("E0201", given.at, message, 'write `[("a", 1)]`')
        return bad(node.at)

    for end in ("from", "from_iter"):
        BUILTINS[f"{name}::{end}"] = handler


for _name in ("HashMap", "BTreeMap"):
    _from(_name)
for _name in ("HashSet", "BTreeSet"):
    BUILTINS[f"{_name}::from_iter"] = BUILTINS[f"{_name}::from"]


# ---------------------------------------------------------------- methods

_OF_TWO = {
    "symmetric_difference": "__xs.difference(__b).union(__b.difference(__xs))",
    "is_disjoint": "__xs.intersection(__b).is_empty()",
    "is_superset": "__b.is_subset(__xs)",
}
_OF_SETS = {
    "first": "__xs.to_vec().get(0)",
    "last": "{ let __v = __xs.to_vec(); __v.get(__v.len() - 1) }",
    "min": "__xs.to_vec().get(0)",
    "max": "{ let __v = __xs.to_vec(); __v.get(__v.len() - 1) }",
}
_OF_MAPS = {
    "first_key_value": "__xs.items().get(0)",
    "last_key_value": "{ let __v = __xs.items(); __v.get(__v.len() - 1) }",
    "into_keys": "__xs.keys()",
    "into_values": "__xs.values()",
}


def _plain(text: str) -> Method:
    return lambda c, node, receiver, kind: in_ruchy(c, node.at, text, {"xs": receiver})


def _of_two(text: str) -> Method:
    def make(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
        out: list[hir.Stmt] = []
        held = in_slot(c, receiver, out)
        other = check(c, node.arguments[0], kind, _OTHER)
        typed = in_ruchy(c, node.at, text, {"xs": held, "b": other})
        return hir.Block(typed.type, node.at, out, typed)

    return make


def _get_or(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    """`get_or(key, value)`: the value of a key, or else the other one."""
    out: list[hir.Stmt] = []
    held = in_slot(c, receiver, out)
    key = key_of(c, node.arguments[0], kind, out)
    other = part_value(c, node.arguments[1], kind.parts[1], _OTHER)
    typed = in_ruchy(c, node.at, "__xs.get(__k).unwrap_or(__b)", {"xs": held, "k": key, "b": other})
    return hir.Block(typed.type, node.at, out, typed)


def _extend(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """Puts in what another map, set or array holds."""
    other = expr(c, node.arguments[0])
    if resolve(other.type) is ERROR:
        return other
    put = (
        "for (__k, __v) in __b { __r.insert(__k, __v); }"
        if isinstance(kind, MapType)
        else "for __x in __b { __r.insert(__x); }"
    )
    values = {"b": other, "xs": read_place(c, node.at, place)}
    typed = in_ruchy(c, node.at, f"{{ let mut __r = __xs; {put} __r }}", values, kind)
    write_place(c, place, typed, node.at, out)
    return hir.Unit(UNIT, node.at)


_KEPT = rows_of("""
retain (__P:kv) =>
 { let mut __r = HashMap::new(); for (__k, __v) in __xs { if __P(__k, __v) { __r.insert(__k, __v); } } __r }
""")
_KEPT_ITEMS = rows_of("""
retain (__P:x) => { let mut __r = HashSet::new(); for __x in __xs { if __P(__x) { __r.insert(__x); } } __r }
""")


def _retain(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """Keeps what a function wants."""
    letters = "kv" if isinstance(kind, MapType) else "x"
    rows = _KEPT if isinstance(kind, MapType) else _KEPT_ITEMS
    parts = dict(zip(letters, kind.parts, strict=True))
    kept = written(c, node, node.name, rows, read_place(c, node.at, place), parts, kind)
    assert kept is not None
    if resolve(kept.type) is ERROR:
        return kept
    write_place(c, place, kept, node.at, out)
    return hir.Unit(UNIT, node.at)


METHODS.update({(SetType, name): (1, _of_two(text)) for name, text in _OF_TWO.items()})
METHODS.update({(SetType, name): (0, _plain(text)) for name, text in _OF_SETS.items()})
METHODS.update({(MapType, name): (0, _plain(text)) for name, text in _OF_MAPS.items()})
METHODS[MapType, "get_or"] = (2, _get_or)
CHANGERS[MapType, "extend"] = CHANGERS[SetType, "extend"] = (1, _extend)
CHANGERS[MapType, "retain"] = CHANGERS[SetType, "retain"] = (1, _retain)
