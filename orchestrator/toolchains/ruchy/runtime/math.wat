;; Checked multiplication and powers of integers; the exact remainder of floats.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::trap" (func $trap (param i32 i32 i32)))

  ;; 1 where the product of two signed numbers does not fit.
  (func $overflows (param $a i64) (param $b i64) (result i32)
    (if (i64.eqz ;; both fit in 32 bits: most of them
          (i64.shr_u
            (i64.or
              (i64.add (local.get $a) (i64.const 0x80000000))
              (i64.add (local.get $b) (i64.const 0x80000000)))
            (i64.const 32)))
      (then (return (i32.const 0))))
    (if (i64.eqz (local.get $a))
      (then (return (i32.const 0))))
    (if (i64.eq (local.get $a) (i64.const -1)) ;; the quotient below would trap
      (then (return (i64.eq (local.get $b) (i64.const 0x8000000000000000)))))
    (i64.ne
      (i64.div_s (i64.mul (local.get $a) (local.get $b)) (local.get $a))
      (local.get $b)))

  (func $overflows_u (param $a i64) (param $b i64) (result i32)
    (if (i64.eqz (i64.shr_u (i64.or (local.get $a) (local.get $b)) (i64.const 32)))
      (then (return (i32.const 0))))
    (if (i64.eqz (local.get $a))
      (then (return (i32.const 0))))
    (i64.gt_u (local.get $b) (i64.div_u (i64.const -1) (local.get $a))))

  (func $mul (export "rt::i64_mul") (param $a i64) (param $b i64) (param $lines i32) (param $index i32) (result i64)
    (if (call $overflows (local.get $a) (local.get $b))
      (then (call $trap (local.get $lines) (local.get $index) (i32.const 0))))
    (i64.mul (local.get $a) (local.get $b)))

  (func $mul_u (export "rt::u64_mul") (param $a i64) (param $b i64) (param $lines i32) (param $index i32) (result i64)
    (if (call $overflows_u (local.get $a) (local.get $b))
      (then (call $trap (local.get $lines) (local.get $index) (i32.const 0))))
    (i64.mul (local.get $a) (local.get $b)))

  ;; By squaring. A square that is still wanted always divides the result, so it overflows only if that does.
  (func (export "rt::i64_pow") (param $base i64) (param $exponent i64) (param $lines i32) (param $index i32)
    (result i64) (local $result i64)
    (if (i64.lt_s (local.get $exponent) (i64.const 0))
      (then (call $trap (local.get $lines) (local.get $index) (i32.const 4))))
    (if (i64.le_u (i64.add (local.get $base) (i64.const 1)) (i64.const 2)) ;; -1, 0, 1: exponents of any size
      (then
        (if (i64.eqz (local.get $exponent))
          (then (return (i64.const 1))))
        (return
          (select
            (local.get $base)
            (i64.mul (local.get $base) (local.get $base))
            (i64.eq (i64.and (local.get $exponent) (i64.const 1)) (i64.const 1))))))
    (local.set $result (i64.const 1))
    (block $done
      (loop $next
        (if (i64.eq (i64.and (local.get $exponent) (i64.const 1)) (i64.const 1))
          (then
            (local.set $result
              (call $mul (local.get $result) (local.get $base) (local.get $lines) (local.get $index)))))
        (local.set $exponent (i64.shr_u (local.get $exponent) (i64.const 1)))
        (br_if $done (i64.eqz (local.get $exponent)))
        (local.set $base
          (call $mul (local.get $base) (local.get $base) (local.get $lines) (local.get $index)))
        (br $next)))
    (local.get $result))

  ;; The exponent is unsigned too.
  (func (export "rt::u64_pow") (param $base i64) (param $exponent i64) (param $lines i32) (param $index i32)
    (result i64) (local $result i64)
    (if (i64.le_u (local.get $base) (i64.const 1))
      (then
        (return
          (select (i64.const 1) (local.get $base) (i64.eqz (local.get $exponent))))))
    (local.set $result (i64.const 1))
    (block $done
      (loop $next
        (if (i64.eq (i64.and (local.get $exponent) (i64.const 1)) (i64.const 1))
          (then
            (local.set $result
              (call $mul_u (local.get $result) (local.get $base) (local.get $lines) (local.get $index)))))
        (local.set $exponent (i64.shr_u (local.get $exponent) (i64.const 1)))
        (br_if $done (i64.eqz (local.get $exponent)))
        (local.set $base
          (call $mul_u (local.get $base) (local.get $base) (local.get $lines) (local.get $index)))
        (br $next)))
    (local.get $result))

  ;; Long division of the significands, bit by bit: exact. NaN where the divisor is 0 or the dividend no finite number.
  (func (export "rt::f64_rem") (param $x f64) (param $y f64) (result f64)
    (local $a i64) (local $b i64) (local $sign i64) (local $ea i64) (local $eb i64)
    (local.set $a (i64.reinterpret_f64 (f64.abs (local.get $x))))
    (local.set $b (i64.reinterpret_f64 (f64.abs (local.get $y))))
    (local.set $sign (i64.and (i64.reinterpret_f64 (local.get $x)) (i64.const 0x8000000000000000)))
    (if (i32.or
          (i64.eqz (local.get $b))
          (i32.or
            (i64.ge_u (local.get $a) (i64.const 0x7ff0000000000000))
            (i64.gt_u (local.get $b) (i64.const 0x7ff0000000000000))))
      (then (return (f64.const nan))))
    (if (i64.lt_u (local.get $a) (local.get $b))
      (then (return (local.get $x))))
    (local.set $ea (i64.shr_u (local.get $a) (i64.const 52)))
    (local.set $eb (i64.shr_u (local.get $b) (i64.const 52)))
    (local.set $a (i64.and (local.get $a) (i64.const 0xfffffffffffff)))
    (local.set $b (i64.and (local.get $b) (i64.const 0xfffffffffffff)))
    (if (i64.eqz (local.get $ea)) ;; subnormal: the exponent of the smallest normal number, no hidden bit
      (then (local.set $ea (i64.const 1)))
      (else (local.set $a (i64.or (local.get $a) (i64.const 0x10000000000000)))))
    (if (i64.eqz (local.get $eb))
      (then (local.set $eb (i64.const 1)))
      (else (local.set $b (i64.or (local.get $b) (i64.const 0x10000000000000)))))
    (local.set $a (i64.rem_u (local.get $a) (local.get $b)))
    (block $done
      (loop $next
        (br_if $done (i64.le_s (local.get $ea) (local.get $eb)))
        (br_if $done (i64.eqz (local.get $a)))
        (local.set $a (i64.rem_u (i64.shl (local.get $a) (i64.const 1)) (local.get $b)))
        (local.set $ea (i64.sub (local.get $ea) (i64.const 1)))
        (br $next)))
    ;; The remainder is a * 2^(eb - 1075), exactly: normalise.
    (if (i64.eqz (local.get $a))
      (then (return (f64.reinterpret_i64 (local.get $sign)))))
    (local.set $ea (i64.sub (i64.clz (local.get $a)) (i64.const 11)))
    (if (i64.ge_s (local.get $ea) (local.get $eb))
      (then (local.set $ea (i64.sub (local.get $eb) (i64.const 1)))))
    (local.set $a (i64.shl (local.get $a) (local.get $ea)))
    (local.set $eb (i64.sub (local.get $eb) (local.get $ea)))
    (if (i64.lt_u (local.get $a) (i64.const 0x10000000000000))
      (then (local.set $eb (i64.const 0))))
    (f64.reinterpret_i64
      (i64.or
        (local.get $sign)
        (i64.or
          (i64.and (local.get $a) (i64.const 0xfffffffffffff))
          (i64.shl (local.get $eb) (i64.const 52))))))
)
