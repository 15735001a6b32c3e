;; What went wrong with input and files last: an error number of WASI, 0 where nothing did; and as a text.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::str_concat" (func $concat (param i32 i32) (result i32)))
  (import "env" "rt::i64_to_str" (func $decimal (param i64) (result i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (global $error (mut i32) (i32.const 0))
  ;; A record for each error: its number, the length of its text, the text; one of number 0 is the last.
  (global $texts i32 (i32.const 20608))
  (data $texts (i32.const 20608) "\02\10access is denied\3f\10access is denied\14\0eexists already\19\12is not valid UTF-8\1f\0bis a folder\2c\16no such file or folder\36\0fis not a folder\37\0cis not empty\33\10the disk is full\45\1cthe file system is read-only\4c\3bno folder is open for it: name one under `folders` in [run]\00\06error ")

  (func (export "rt::io_failed") (param $error i32)
    (global.set $error (local.get $error)))

  (func (export "rt::io_error") (result i64)
    (i64.extend_i32_u (global.get $error)))

  ;; `what: reason`.
  (func (export "rt::io_text") (param $what i32) (result i32)
    (local $at i32) (local $text i32) (local $part i32)
    (local.set $at (global.get $texts))
    (block $found
      (loop $next
        (br_if $found (i32.eqz (i32.load8_u (local.get $at))))
        (br_if $found (i32.eq (i32.load8_u (local.get $at)) (global.get $error)))
        (local.set $at
          (i32.add (i32.add (local.get $at) (i32.load8_u offset=1 (local.get $at))) (i32.const 2)))
        (br $next)))
    (local.set $part (call $of (global.get $colon) (i32.const 2)))
    (local.set $text (call $concat (local.get $what) (local.get $part)))
    (call $release (local.get $part))
    (local.set $part (call $of (i32.add (local.get $at) (i32.const 2)) (i32.load8_u offset=1 (local.get $at))))
    (local.set $text (call $append (local.get $text) (local.get $part)))
    (call $release (local.get $part))
    (if (i32.eqz (i32.load8_u (local.get $at)))
      (then
        (local.set $part (call $decimal (i64.extend_i32_u (global.get $error))))
        (local.set $text (call $append (local.get $text) (local.get $part)))
        (call $release (local.get $part))))
    (local.get $text))
  (global $colon i32 (i32.const 21608))
  (data $colon (i32.const 21608) ": ")
)
