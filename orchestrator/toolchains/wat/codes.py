"""The diagnostic codes of WebAssembly text.

| range | kind |
|---|---|
| E1101-E1199 | syntax, name |
"""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E1101",
        "syntax",
        "wrong WebAssembly text",
        "The text cannot be assembled to an object that can be linked. Element segments, start functions and blocks "
        "with parameters are not accepted.",
        '(module (func (export "f") (result i32) (i32.cnst 1)))',
        '(module (func (export "f") (result i32) (i32.const 1)))',
    ),
    Code(
        "E1102",
        "name",
        "WebAssembly text that cannot be linked",
        'A file imports from "env" what no file of the project exports, or two files export one name.',
        '(module (import "env" "gone" (func $gone)) (func (export "_start") (call $gone)))',
        '(module (func $here) (func (export "_start") (call $here)))',
    ),
)
