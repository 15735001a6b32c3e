"""The methods that take a function, in Ruchy: a row each. See `written_methods.py`.

A row begins with its names, and what the arguments are, in parentheses; its block follows. Lines that begin with a
blank belong to the row before.
"""

from __future__ import annotations

from typing import NamedTuple


class WrittenMethod(NamedTuple):
    """`arguments` are `__a` for a value, `__F:xy` for a function of two arguments, of which an `x` is an element.
    `__P:x` is one that gives a bool, `__U:x` one whose value nobody wants."""

    arguments: tuple[str, ...]
    text: str


Rows = dict[str, dict[int, WrittenMethod]]
"""By name, and by how many arguments are given."""


def rows_of(text: str) -> Rows:
    """Reads rows as this file has them."""
    rows: Rows = {}
    for row in text.strip().replace("\n ", " ").splitlines():
        head, _, body = row.partition(" => ")
        names, _, listed = head.partition("(")
        arguments = tuple(one.strip() for one in listed.rstrip(")").split(",") if one.strip())
        for name in names.split():
            rows.setdefault(name, {})[len(arguments)] = WrittenMethod(arguments, body.strip())
    return rows


ON_ARRAYS = rows_of("""
map (__F:x) => { let mut __r = []; for __x in __xs { __r.push(__F(__x)) } __r }
filter (__P:x) => { let mut __r = []; for __x in __xs { if __P(__x) { __r.push(__x) } } __r }
filter_map (__F:x) => { let mut __r = []; for __x in __xs { if let Some(__y) = __F(__x) { __r.push(__y) } } __r }
flat_map (__F:x) => { let mut __r = []; for __x in __xs { for __y in __F(__x) { __r.push(__y) } } __r }
each for_each (__U:x) => { for __x in __xs { __U(__x); } }
inspect (__U:x) => { for __x in __xs { __U(__x); } __xs }
any (__P:x) => { let mut __r = false; for __x in __xs { if __P(__x) { __r = true; break } } __r }
all (__P:x) => { let mut __r = true; for __x in __xs { if !__P(__x) { __r = false; break } } __r }
find (__P:x) => { let mut __r = None; for __x in __xs { if __P(__x) { __r = Some(__x); break } } __r }
position (__P:x) =>
 { let mut __r = None; let mut __i = 0; for __x in __xs { if __P(__x) { __r = Some(__i); break } __i += 1 } __r }
find_map (__F:x) =>
 { let mut __r = None; for __x in __xs { let __y = __F(__x); if __y.is_some() { __r = __y; break } } __r }
fold (__a, __F:ax) => { for __x in __xs { __a = __F(__a, __x) } __a }
reduce (__F:xx) => { let mut __r = None;
 for __x in __xs { __r = match __r { Some(__y) => Some(__F(__y, __x)), None => Some(__x) } } __r }
take_while (__P:x) => { let mut __r = []; for __x in __xs { if !__P(__x) { break } __r.push(__x) } __r }
map_while (__F:x) =>
 { let mut __r = []; for __x in __xs { if let Some(__y) = __F(__x) { __r.push(__y) } else { break } } __r }
skip_while (__P:x) => { let mut __r = []; let mut __s = true;
 for __x in __xs { if __s { if __P(__x) { continue } __s = false } __r.push(__x) } __r }
partition (__P:x) => { let mut __r = []; let mut __q = [];
 for __x in __xs { if __P(__x) { __r.push(__x) } else { __q.push(__x) } } (__r, __q) }
scan (__a, __F:ax) => { let mut __r = []; for __x in __xs { __a = __F(__a, __x); __r.push(__a) } __r }
min_by_key (__F:x) => { let mut __r = None; let mut __k = None;
 for __x in __xs { let __y = __F(__x); let __b = match __k { Some(__z) => __y.cmp(__z) < 0, None => true };
 if __b { __r = Some(__x); __k = Some(__y) } } __r }
max_by_key (__F:x) => { let mut __r = None; let mut __k = None;
 for __x in __xs { let __y = __F(__x); let __b = match __k { Some(__z) => __y.cmp(__z) >= 0, None => true };
 if __b { __r = Some(__x); __k = Some(__y) } } __r }
min_by (__F:xx) => { let mut __r = None; for __x in __xs {
 let __b = match __r { Some(__y) => __F(__x, __y) < 0, None => true }; if __b { __r = Some(__x) } } __r }
max_by (__F:xx) => { let mut __r = None; for __x in __xs {
 let __b = match __r { Some(__y) => __F(__x, __y) >= 0, None => true }; if __b { __r = Some(__x) } } __r }
sort_by sort_unstable_by (__F:xx) => { let __n = __xs.len(); let mut __a = __xs; let mut __b = __xs; let mut __w = 1;
 while __w < __n { let mut __i = 0;
 while __i < __n { let __m = (__i + __w).min(__n); let __h = (__i + __w * 2).min(__n);
 let mut __l = __i; let mut __r = __m;
 for __k in __i..__h { let __t = __l < __m && (__r >= __h || __F(__a[__l], __a[__r]) <= 0);
 if __t { __b[__k] = __a[__l]; __l += 1 } else { __b[__k] = __a[__r]; __r += 1 } }
 __i = __h } let __s = __a; __a = __b; __b = __s; __w = __w * 2 } __a }
sort_by_key sort_unstable_by_key sort_by_cached_key (__F:x) => { let mut __p = [];
 for __x in __xs { __p.push((__F(__x), __x)) } let __q = __p.sort_by(|__y, __z| (__y.0).cmp(__z.0));
 let mut __r = []; for __x in __q { __r.push(__x.1) } __r }
rposition (__P:x) => { let mut __r = None; let mut __i = __xs.len();
 while __i > 0 { __i -= 1; if __P(__xs[__i]) { __r = Some(__i); break } } __r }
binary_search (__t) => { let mut __l = 0; let mut __h = __xs.len(); let mut __f = -1;
 while __l < __h && __f < 0 { let __m = (__l + __h) / 2; let __o = __xs[__m].cmp(__t);
 if __o == 0 { __f = __m } else { if __o < 0 { __l = __m + 1 } else { __h = __m } } }
 if __f >= 0 { Ok(__f) } else { Err(__l) } }
split_at (__i) => (__xs[0..__i], __xs[__i..])
split_first () => if __xs.is_empty() { None } else { Some((__xs[0], __xs[1..])) }
split_last () => if __xs.is_empty() { None } else { Some((__xs[-1], __xs.take(__xs.len() - 1))) }
front peek next () => __xs.get(0)
back next_back () => __xs.get(__xs.len() - 1)
unzip () => { let mut __r = []; let mut __q = []; for (__a, __b) in __xs { __r.push(__a); __q.push(__b) } (__r, __q) }
chain (__b) => { let mut __r = __xs.to_vec(); for __x in __b { __r.push(__x) } __r }
group_by (__F:x) =>
 { let mut __r = HashMap::new(); for __x in __xs { __r.entry(__F(__x)).or_insert([]).push(__x) } __r }
chunk_by (__F:xx) => { let mut __r = []; let mut __q = []; let mut __i = 0;
 for __x in __xs { if __i > 0 && !__F(__xs[__i - 1], __x) { __r.push(__q); __q = [] } __q.push(__x); __i += 1 }
 if __i > 0 { __r.push(__q) } __r }
chunks_exact (__n) => __xs.chunks(__n).filter(|__x| __x.len() == __n)
""")

BY_OWN = rows_of("""
contains (__v) => { let mut __r = false; for __x in __xs { if __x == __v { __r = true; break } } __r }
index_of (__v) =>
 { let mut __r = -1; let mut __i = 0; for __x in __xs { if __x == __v { __r = __i; break } __i += 1 } __r }
unique () => { let mut __r = __xs[..0]; for __x in __xs { if !__r.contains(__x) { __r.push(__x) } } __r }
dedup () => { let mut __r = __xs[..0]; let mut __n = 0;
 for __x in __xs { if __n > 0 { if __r[__n - 1] == __x { continue } } __r.push(__x); __n += 1 } __r }
starts_with (__v) => { let __n = __v.len(); let mut __r = __xs.len() >= __n; let mut __i = 0;
 while __r && __i < __n { __r = __xs[__i] == __v[__i]; __i += 1 } __r }
intersection (__v) => { let mut __r = __xs[..0];
 for __x in __xs { if __v.contains(__x) && !__r.contains(__x) { __r.push(__x) } } __r }
difference (__v) => { let mut __r = __xs[..0];
 for __x in __xs { if !__v.contains(__x) && !__r.contains(__x) { __r.push(__x) } } __r }
union (__v) => { (__xs + __v).unique() }
""")
"""Methods of arrays whose elements have an `eq` of their own, which the runtime's methods would not ask."""

BY_OWN_ORDER = "|__a, __b| if __a < __b { -1 } else if __b < __a { 1 } else { 0 }"
"""What sorts elements that have a `cmp` of their own, as an argument of `sort_by`."""

ON_OPTIONS = rows_of("""
map (__F:x) => match __xs { Some(__v) => Some(__F(__v)), None => None }
and_then (__F:x) => match __xs { Some(__v) => __F(__v), None => None }
unwrap_or_else (__F:) => match __xs { Some(__v) => __v, None => __F() }
or_else (__F:) => match __xs { Some(__v) => Some(__v), None => __F() }
filter (__P:x) => match __xs { Some(__v) => if __P(__v) { Some(__v) } else { None }, None => None }
map_or (__d, __F:x) => match __xs { Some(__v) => __F(__v), None => __d }
map_or_else (__D:, __F:x) => match __xs { Some(__v) => __F(__v), None => __D() }
is_some_and (__P:x) => match __xs { Some(__v) => __P(__v), None => false }
is_none_or (__P:x) => match __xs { Some(__v) => __P(__v), None => true }
ok_or_else (__F:) => match __xs { Some(__v) => Ok(__v), None => Err(__F()) }
inspect (__U:x) => { if let Some(__v) = __xs { __U(__v); } __xs }
for_each (__U:x) => { if let Some(__v) = __xs { __U(__v); } }
""")

ON_RESULTS = rows_of("""
map (__F:x) => match __xs { Ok(__v) => Ok(__F(__v)), Err(__e) => Err(__e) }
map_err (__F:e) => match __xs { Ok(__v) => Ok(__v), Err(__e) => Err(__F(__e)) }
and_then (__F:x) => match __xs { Ok(__v) => __F(__v), Err(__e) => Err(__e) }
or_else (__F:e) => match __xs { Ok(__v) => Ok(__v), Err(__e) => __F(__e) }
unwrap_or_else (__F:e) => match __xs { Ok(__v) => __v, Err(__e) => __F(__e) }
map_or (__d, __F:x) => match __xs { Ok(__v) => __F(__v), Err(__e) => __d }
map_or_else (__D:e, __F:x) => match __xs { Ok(__v) => __F(__v), Err(__e) => __D(__e) }
is_ok_and (__P:x) => match __xs { Ok(__v) => __P(__v), Err(__e) => false }
is_err_and (__P:e) => match __xs { Ok(__v) => false, Err(__e) => __P(__e) }
inspect (__U:x) => { if let Ok(__v) = __xs { __U(__v); } __xs }
""")

ON_TEXTS = rows_of("""
split (__P:x) => { let mut __r = []; let mut __t = "";
 for __x in __xs { if __P(__x) { __r.push(__t); __t = "" } else { __t += __x } } __r.push(__t); __r }
find (__P:x) => { let mut __r = None; let mut __i = 0;
 for __x in __xs { if __P(__x) { __r = Some(__i); break } __i += 1 } __r }
contains (__P:x) => { let mut __r = false; for __x in __xs { if __P(__x) { __r = true; break } } __r }
trim_start_matches (__P:x) => { let mut __i = 0; for __x in __xs { if !__P(__x) { break } __i += 1 } __xs[__i..] }
trim_end_matches (__P:x) => { let mut __i = 0; let mut __n = 0;
 for __x in __xs { __i += 1; if !__P(__x) { __n = __i } } __xs[..__n] }
trim_matches (__P:x) => { let mut __i = 0; let mut __n = 0; let mut __s = -1;
 for __x in __xs { __i += 1; if !__P(__x) { __n = __i; if __s < 0 { __s = __i - 1 } } }
 if __s < 0 { "" } else { __xs[__s..__n] } }
""")
"""Of those that take a text too; these are for a function."""

ON_BOOLS = rows_of("""
then (__F:) => if __xs { Some(__F()) } else { None }
then_some (__v) => if __xs { Some(__v) } else { None }
""")

ON_ORDERINGS = rows_of("""
then (__v) => if __xs != 0 { __xs } else { __v }
then_with (__F:) => if __xs != 0 { __xs } else { __F() }
reverse () => -__xs
is_lt () => __xs < 0
is_le () => __xs <= 0
is_eq () => __xs == 0
is_ne () => __xs != 0
is_ge () => __xs >= 0
is_gt () => __xs > 0
""")
"""What `cmp` gives is an i64."""
