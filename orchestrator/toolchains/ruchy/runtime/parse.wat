;; Text as numbers: white space around is allowed, everything else must be part of the number.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::trap_parse" (func $trap_parse (param i32 i32 i32 i32 i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::str_trim" (func $trim (param i32) (result i32)))
  (import "env" "rt::big_set" (func $set (param i32 i64)))
  (import "env" "rt::big_mul_add" (func $mul_add (param i32 i64 i64)))
  (import "env" "rt::big_scale" (func $scale (param i32 i32)))
  (import "env" "rt::big_shl" (func $shl (param i32 i32)))
  (import "env" "rt::big_compare" (func $compare (param i32 i32) (result i32)))
  (import "env" "rt::big_sub" (func $sub (param i32 i32)))
  (import "env" "rt::big_bits" (func $bits (param i32) (result i32)))
  (global $targets i32 (i32.const 1120))
  (data $targets (i32.const 1120) "i64f64infinitynan")
  ;; Two numbers of up to 800 digits times 2^64 or 10^1150.
  (global $top i32 (i32.const 14336))
  (global $top.size i32 (i32.const 640))
  (global $bottom i32 (i32.const 15360))
  (global $bottom.size i32 (i32.const 640))
  (global $valid (mut i32) (i32.const 0))

  ;; Of a trimmed string; whether it was a number is left in $valid.
  (func $integer (param $string i32) (result i64)
    (local $at i32) (local $end i32) (local $value i64) (local $digit i64) (local $negative i64)
    (global.set $valid (i32.const 0))
    (local.set $at (i32.add (local.get $string) (i32.const 8)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $string))))
    (if (i32.eq (local.get $at) (local.get $end))
      (then (return (i64.const 0))))
    (local.set $negative (i64.extend_i32_u (i32.eq (i32.load8_u (local.get $at)) (i32.const 45))))
    (if (i32.or (i64.eq (local.get $negative) (i64.const 1)) (i32.eq (i32.load8_u (local.get $at)) (i32.const 43)))
      (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    (if (i32.eq (local.get $at) (local.get $end))
      (then (return (i64.const 0))))
    (loop $next
      (local.set $digit (i64.sub (i64.load8_u (local.get $at)) (i64.const 48)))
      (if (i64.gt_u (local.get $digit) (i64.const 9))
        (then (return (i64.const 0))))
      ;; 2^63 - 1 + negative is the most that the digits may say.
      (if (i64.gt_u
            (local.get $value)
            (i64.div_u
              (i64.sub
                (i64.add (i64.const 0x7fffffffffffffff) (local.get $negative))
                (local.get $digit))
              (i64.const 10)))
        (then (return (i64.const 0))))
      (local.set $value (i64.add (i64.mul (local.get $value) (i64.const 10)) (local.get $digit)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (global.set $valid (i32.const 1))
    (i64.sub (i64.xor (local.get $value) (i64.sub (i64.const 0) (local.get $negative))) (i64.sub (i64.const 0) (local.get $negative))))

  (func (export "rt::str_to_i64") (param $string i32) (param $lines i32) (param $index i32) (result i64)
    (local $trimmed i32) (local $value i64)
    (local.set $trimmed (call $trim (local.get $string)))
    (local.set $value (call $integer (local.get $trimmed)))
    (call $release (local.get $trimmed))
    (if (i32.eqz (global.get $valid))
      (then
        (call $trap_parse
          (local.get $lines)
          (local.get $index)
          (local.get $string)
          (global.get $targets)
          (i32.const 3))))
    (local.get $value))

  ;; Whether it can be read.
  (func (export "rt::str_is_i64") (param $string i32) (result i32)
    (local.set $string (call $trim (local.get $string)))
    (drop (call $integer (local.get $string)))
    (call $release (local.get $string))
    (global.get $valid))

  (func (export "rt::str_is_f64") (param $string i32) (result i32)
    (local.set $string (call $trim (local.get $string)))
    (drop (call $float (local.get $string)))
    (call $release (local.get $string))
    (global.get $valid))

  (func (export "rt::str_to_f64") (param $string i32) (param $lines i32) (param $index i32) (result f64)
    (local $trimmed i32) (local $value f64)
    (local.set $trimmed (call $trim (local.get $string)))
    (local.set $value (call $float (local.get $trimmed)))
    (call $release (local.get $trimmed))
    (if (i32.eqz (global.get $valid))
      (then
        (call $trap_parse
          (local.get $lines)
          (local.get $index)
          (local.get $string)
          (i32.add (global.get $targets) (i32.const 3))
          (i32.const 3))))
    (local.get $value))

  ;; Whether the bytes are that word in any case; `length` of both must be equal.
  (func $is (param $at i32) (param $length i32) (param $word i32) (param $of i32) (result i32)
    (if (i32.ne (local.get $length) (local.get $of))
      (then (return (i32.const 0))))
    (block $differ
      (loop $next
        (if (i32.eqz (local.get $length))
          (then (return (i32.const 1))))
        (br_if $differ
          (i32.ne
            (i32.or (i32.load8_u (local.get $at)) (i32.const 32))
            (i32.load8_u (local.get $word))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $word (i32.add (local.get $word) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Of a trimmed string, rounded correctly; whether it was a number is left in $valid. [+-] digits [. digits]
  ;; [e [+-] digits] with at least one digit before the exponent; or inf, infinity, nan in any case.
  (func $float (param $string i32) (result f64)
    (local $at i32) (local $end i32) (local $char i32) (local $digits i32) (local $point i32) (local $seen i32)
    (local $exponent i32) (local $sign f64) (local $negative i32) (local $rest i32) (local $small i64) (local $kept i32)
    (global.set $valid (i32.const 0))
    (local.set $sign (f64.const 1))
    (local.set $at (i32.add (local.get $string) (i32.const 8)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $string))))
    (if (i32.lt_u (local.get $at) (local.get $end))
      (then
        (local.set $char (i32.load8_u (local.get $at)))
        (if (i32.eq (local.get $char) (i32.const 45))
          (then (local.set $sign (f64.const -1))))
        (local.set $at
          (i32.add
            (local.get $at)
            (i32.or (i32.eq (local.get $char) (i32.const 45)) (i32.eq (local.get $char) (i32.const 43)))))))
    (local.set $rest (i32.sub (local.get $end) (local.get $at)))
    (global.set $valid (i32.const 1))
    (if (i32.or
          (call $is (local.get $at) (local.get $rest) (i32.add (global.get $targets) (i32.const 6)) (i32.const 3))
          (call $is (local.get $at) (local.get $rest) (i32.add (global.get $targets) (i32.const 6)) (i32.const 8)))
      (then (return (f64.mul (local.get $sign) (f64.const inf)))))
    (if (call $is (local.get $at) (local.get $rest) (i32.add (global.get $targets) (i32.const 14)) (i32.const 3))
      (then (return (f64.const nan))))
    (global.set $valid (i32.const 0))
    (call $set (global.get $top) (i64.const 0))
    (block $over
      (loop $next
        (br_if $over (i32.eq (local.get $at) (local.get $end)))
        (local.set $char (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (block $used
          (if (i32.eq (local.get $char) (i32.const -2)) ;; the point
            (then
              (br_if $over (local.get $point))
              (local.set $point (i32.const 1))
              (br $used)))
          (br_if $over (i32.gt_u (local.get $char) (i32.const 9)))
          (local.set $digits (i32.const 1))
          (local.set $exponent (i32.sub (local.get $exponent) (local.get $point)))
          (br_if $used (i32.eqz (i32.or (local.get $char) (local.get $kept)))) ;; a leading zero
          (local.set $kept (i32.add (local.get $kept) (i32.const 1)))
          ;; Two doubles and what lies half way between have at most 768 digits: of those after 780, it only matters
          ;; whether one is not 0.
          (if (i32.gt_u (local.get $kept) (i32.const 780))
            (then
              (local.set $kept (i32.const 780))
              (local.set $exponent (i32.add (local.get $exponent) (i32.const 1)))
              (local.set $seen (i32.or (local.get $seen) (local.get $char)))
              (br $used)))
          (if (i32.le_u (local.get $kept) (i32.const 19))
            (then
              (local.set $small
                (i64.add
                  (i64.mul (local.get $small) (i64.const 10))
                  (i64.extend_i32_u (local.get $char))))
              (call $set (global.get $top) (local.get $small)))
            (else
              (call $mul_add (global.get $top) (i64.const 10) (i64.extend_i32_u (local.get $char))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (if (i32.eqz (local.get $digits))
      (then (return (f64.const 0))))
    (if (local.get $seen)
      (then
        (call $mul_add (global.get $top) (i64.const 10) (i64.const 1))
        (local.set $exponent (i32.sub (local.get $exponent) (i32.const 1)))))
    (if (i32.lt_u (local.get $at) (local.get $end))
      (then
        (if (i32.ne (i32.or (i32.load8_u (local.get $at)) (i32.const 32)) (i32.const 101))
          (then (return (f64.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eq (local.get $at) (local.get $end))
          (then (return (f64.const 0))))
        (local.set $char (i32.load8_u (local.get $at)))
        (local.set $negative (i32.eq (local.get $char) (i32.const 45)))
        (local.set $at
          (i32.add
            (local.get $at)
            (i32.or (local.get $negative) (i32.eq (local.get $char) (i32.const 43)))))
        (if (i32.eq (local.get $at) (local.get $end))
          (then (return (f64.const 0))))
        (local.set $rest (i32.const 0))
        (loop $next
          (local.set $char (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
          (if (i32.gt_u (local.get $char) (i32.const 9))
            (then (return (f64.const 0))))
          (if (i32.lt_u (local.get $rest) (i32.const 100000000)) ;; more is the same
            (then
              (local.set $rest (i32.add (i32.mul (local.get $rest) (i32.const 10)) (local.get $char)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
        (local.set $exponent
          (i32.add
            (local.get $exponent)
            (select
              (i32.sub (i32.const 0) (local.get $rest))
              (local.get $rest)
              (local.get $negative))))))
    (global.set $valid (i32.const 1))
    (f64.mul (local.get $sign) (call $rounded (local.get $small) (local.get $kept) (local.get $exponent))))

  ;; The number in $top times 10^exponent. `small` is that number where it has at most 19 digits.
  (func $rounded (param $small i64) (param $digits i32) (param $exponent i32) (result f64)
    (local $shift i32) (local $bits i64) (local $i i32) (local $power f64)
    (if (i32.eqz (local.get $digits))
      (then (return (f64.const 0))))
    (local.set $i (i32.add (local.get $digits) (local.get $exponent)))
    (if (i32.gt_s (local.get $i) (i32.const 310))
      (then (return (f64.const inf))))
    (if (i32.lt_s (local.get $i) (i32.const -330))
      (then (return (f64.const 0))))
    ;; Both exact: one rounding.
    (if (i32.and
          (i32.and
            (i32.le_u (local.get $digits) (i32.const 19))
            (i64.le_u (local.get $small) (i64.const 0x20000000000000)))
          (i32.le_u (i32.add (local.get $exponent) (i32.const 22)) (i32.const 44)))
      (then
        (local.set $power (f64.const 1))
        (local.set $i (local.get $exponent))
        (if (i32.lt_s (local.get $i) (i32.const 0))
          (then (local.set $i (i32.sub (i32.const 0) (local.get $i)))))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $i)))
            (local.set $power (f64.mul (local.get $power) (f64.const 10)))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br $next)))
        (return
          (if (result f64) (i32.lt_s (local.get $exponent) (i32.const 0))
            (then (f64.div (f64.convert_i64_u (local.get $small)) (local.get $power)))
            (else (f64.mul (f64.convert_i64_u (local.get $small)) (local.get $power)))))))
    ;; top / bottom, scaled by a power of two to lie from 1 to below 2; then 64 bits of it, the last one set if
    ;; anything is left.
    (call $set (global.get $bottom) (i64.const 1))
    (if (i32.lt_s (local.get $exponent) (i32.const 0))
      (then (call $scale (global.get $bottom) (i32.sub (i32.const 0) (local.get $exponent))))
      (else (call $scale (global.get $top) (local.get $exponent))))
    (local.set $shift (i32.sub (call $bits (global.get $top)) (call $bits (global.get $bottom))))
    (if (i32.gt_s (local.get $shift) (i32.const 0))
      (then (call $shl (global.get $bottom) (local.get $shift)))
      (else (call $shl (global.get $top) (i32.sub (i32.const 0) (local.get $shift)))))
    (if (i32.lt_s (call $compare (global.get $top) (global.get $bottom)) (i32.const 0))
      (then
        (call $shl (global.get $top) (i32.const 1))
        (local.set $shift (i32.sub (local.get $shift) (i32.const 1)))))
    (local.set $i (i32.const 64))
    (loop $next
      (local.set $bits (i64.shl (local.get $bits) (i64.const 1)))
      (if (i32.ge_s (call $compare (global.get $top) (global.get $bottom)) (i32.const 0))
        (then
          (call $sub (global.get $top) (global.get $bottom))
          (local.set $bits (i64.or (local.get $bits) (i64.const 1)))))
      (call $mul_add (global.get $top) (i64.const 2) (i64.const 0))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $next (local.get $i)))
    (if (i32.load (global.get $top))
      (then (local.set $bits (i64.or (local.get $bits) (i64.const 1)))))
    (call $pack (local.get $bits) (local.get $shift)))

  ;; The f64 next to bits * 2^(e - 63), where the top bit is set and the lowest is sticky; half to even.
  (func $pack (param $bits i64) (param $e i32) (result f64) (local $drop i64) (local $rest i64) (local $half i64)
    (if (i32.gt_s (local.get $e) (i32.const 1023))
      (then (return (f64.const inf))))
    (local.set $drop (i64.const 11))
    (if (i32.lt_s (local.get $e) (i32.const -1022))
      (then
        (local.set $drop (i64.extend_i32_s (i32.sub (i32.const -1011) (local.get $e))))
        (local.set $e (i32.const -1023))
        (if (i64.gt_u (local.get $drop) (i64.const 64))
          (then (return (f64.const 0))))
        (if (i64.eq (local.get $drop) (i64.const 64)) ;; below the smallest number: more than its half, or not
          (then
            (return
              (f64.reinterpret_i64
                (i64.extend_i32_u (i64.gt_u (local.get $bits) (i64.const 0x8000000000000000)))))))))
    (local.set $half (i64.shl (i64.const 1) (i64.sub (local.get $drop) (i64.const 1))))
    (local.set $rest
      (i64.and (local.get $bits) (i64.sub (i64.shl (local.get $half) (i64.const 1)) (i64.const 1))))
    (local.set $bits (i64.shr_u (local.get $bits) (local.get $drop)))
    (local.set $rest
      (i64.extend_i32_u
        (i32.or
          (i64.gt_u (local.get $rest) (local.get $half))
          (i32.and
            (i64.eq (local.get $rest) (local.get $half))
            (i32.wrap_i64 (i64.and (local.get $bits) (i64.const 1)))))))
    ;; The hidden bit adds 1 to the exponent of a normal number, and a carry does what it must in all cases.
    (f64.reinterpret_i64
      (i64.add
        (i64.add (local.get $bits) (local.get $rest))
        (i64.shl
          (i64.extend_i32_s (select (i32.add (local.get $e) (i32.const 1022)) (i32.const 0) (i32.ge_s (local.get $e) (i32.const -1022))))
          (i64.const 52)))))
)
