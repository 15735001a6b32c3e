;; What was thrown and not caught yet: a string, and where the `throw` stands. Functions that throw return at once, and
;; their callers ask `rt::thrown` before they look at a result.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_concat" (func $concat (param i32 i32) (result i32)))
  (import "env" "rt::trap_text" (func $trap_text (param i32 i32 i32)))
  ;; The string (0: nothing is thrown), then the table of lines and the index in it.
  (global $waits i32 (i32.const 1200))
  (data $waits (i32.const 1200) "\00\00\00\00\00\00\00\00\00\00\00\00")
  (global $uncaught i32 (i32.const 1216))
  (data $uncaught (i32.const 1216) "\ff\ff\ff\ff\0a\00\00\00uncaught: ")

  ;; Takes the string over.
  (func (export "rt::throw") (param $lines i32) (param $index i32) (param $text i32)
    (i32.store (global.get $waits) (local.get $text))
    (i32.store offset=4 (global.get $waits) (local.get $lines))
    (i32.store offset=8 (global.get $waits) (local.get $index)))

  ;; Not 0 while something is thrown.
  (func (export "rt::thrown") (result i32)
    (i32.load (global.get $waits)))

  ;; The string, which the caller owns from now on.
  (func (export "rt::caught") (result i32) (local $text i32)
    (local.set $text (i32.load (global.get $waits)))
    (i32.store (global.get $waits) (i32.const 0))
    (local.get $text))

  ;; Where it was thrown, for a `finally`, which throws it again.
  (func (export "rt::caught_lines") (result i32)
    (i32.load offset=4 (global.get $waits)))
  (func (export "rt::caught_index") (result i32)
    (i32.load offset=8 (global.get $waits)))

  ;; Nobody catches it.
  (func (export "rt::uncaught")
    (call $trap_text
      (i32.load offset=4 (global.get $waits))
      (i32.load offset=8 (global.get $waits))
      (call $concat (global.get $uncaught) (i32.load (global.get $waits))))
    unreachable)
)
