;; Integers as text.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::decimal" (func $decimal (param i64 i32) (result i32)))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (global $digits i32 (i32.const 672))
  (global $digits.size i32 (i32.const 24))

  ;; A string of the digits of `value`, behind a minus where `negative` is 1.
  (func $text (param $value i64) (param $negative i32) (result i32) (local $start i32) (local $length i32) (local $new i32)
    (local.set $start (call $decimal (local.get $value) (i32.add (global.get $digits) (i32.const 24))))
    (if (local.get $negative)
      (then
        (local.set $start (i32.sub (local.get $start) (i32.const 1)))
        (i32.store8 (local.get $start) (i32.const 45))))
    (local.set $length (i32.sub (i32.add (global.get $digits) (i32.const 24)) (local.get $start)))
    (local.set $new (call $take (i32.add (local.get $length) (i32.const 8))))
    (i32.store offset=4 (local.get $new) (local.get $length))
    (memory.copy (i32.add (local.get $new) (i32.const 8)) (local.get $start) (local.get $length))
    (local.get $new))

  (func (export "rt::u64_to_str") (param $value i64) (result i32)
    (call $text (local.get $value) (i32.const 0)))

  (func (export "rt::i64_to_str") (param $value i64) (result i32)
    (if (result i32) (i64.lt_s (local.get $value) (i64.const 0))
      (then (call $text (i64.sub (i64.const 0) (local.get $value)) (i32.const 1)))
      (else (call $text (local.get $value) (i32.const 0)))))
)
