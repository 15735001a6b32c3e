;; Decimal digits, for numbers in messages and in strings alike.
(module
  (import "env" "memory" (memory 1))

  ;; Writes the decimal digits of an unsigned number so that they end before `end`; the address of the first.
  (func $decimal (export "rt::decimal") (param $value i64) (param $end i32) (result i32) (local $rest i64)
    (loop $next
      (local.set $rest (i64.div_u (local.get $value) (i64.const 10)))
      (local.set $end (i32.sub (local.get $end) (i32.const 1)))
      (i64.store8
        (local.get $end)
        (i64.add
          (i64.sub (local.get $value) (i64.mul (local.get $rest) (i64.const 10)))
          (i64.const 48)))
      (local.set $value (local.get $rest))
      (br_if $next (i64.ne (local.get $value) (i64.const 0))))
    (local.get $end))
)
