;; Floats as text: the shortest digits that read back, and a fixed number of digits, both exact, never an exponent.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::decimal" (func $decimal (param i64 i32) (result i32)))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::big_set" (func $set (param i32 i64)))
  (import "env" "rt::big_mul_add" (func $mul_add (param i32 i64 i64)))
  (import "env" "rt::big_scale" (func $scale (param i32 i32)))
  (import "env" "rt::big_shl" (func $shl (param i32 i32)))
  (import "env" "rt::big_compare" (func $compare (param i32 i32) (result i32)))
  (import "env" "rt::big_sub" (func $sub (param i32 i32)))
  (import "env" "rt::big_sum" (func $sum (param i32 i32 i32)))
  (import "env" "rt::big_divide" (func $divide (param i32 i64) (result i64)))
  (import "env" "rt::big_round" (func $round (param i32 i32)))
  (global $names i32 (i32.const 1104))
  (data $names (i32.const 1104) "-infNaN")
  ;; Up to 309 digits before the point and 1074 behind it.
  (global $digits i32 (i32.const 10240))
  (global $digits.size i32 (i32.const 1408))
  ;; The numbers of the shortest digits: up to 1130 bits each.
  (global $r i32 (i32.const 12288))
  (global $r.size i32 (i32.const 168))
  (global $s i32 (i32.const 12544))
  (global $s.size i32 (i32.const 168))
  (global $above i32 (i32.const 12800))
  (global $above.size i32 (i32.const 168))
  (global $below i32 (i32.const 13056))
  (global $below.size i32 (i32.const 168))
  (global $t i32 (i32.const 13312))
  (global $t.size i32 (i32.const 168))
  ;; The number of the fixed digits: up to 53 bits times 10^1074, and some spare.
  (global $exact i32 (i32.const 13568))
  (global $exact.size i32 (i32.const 512))

  ;; The text of 0.DIGITS * 10^point with so many digits behind the point, zeros where there are none.
  (func $layout (param $negative i32) (param $from i32) (param $count i32) (param $point i32) (param $fraction i32)
    (result i32) (local $new i32) (local $to i32) (local $at i32) (local $stop i32)
    (local.set $new
      (call $new
        (i32.add
          (i32.add
            (local.get $negative)
            (select (local.get $point) (i32.const 1) (i32.gt_s (local.get $point) (i32.const 1))))
          (i32.add
            (local.get $fraction)
            (i32.ne (local.get $fraction) (i32.const 0))))))
    (local.set $to (i32.add (local.get $new) (i32.const 8)))
    (if (local.get $negative)
      (then
        (i32.store8 (local.get $to) (i32.const 45))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))))
    (if (i32.le_s (local.get $point) (i32.const 0))
      (then (local.set $at (i32.sub (local.get $point) (i32.const 1)))))
    (local.set $stop (i32.add (local.get $point) (local.get $fraction)))
    (loop $next
      (if (i32.eq (local.get $at) (local.get $point))
        (then
          (i32.store8 (local.get $to) (i32.const 46))
          (local.set $to (i32.add (local.get $to) (i32.const 1)))))
      (i32.store8
        (local.get $to)
        (if (result i32) (i32.lt_u (local.get $at) (local.get $count))
          (then (i32.load8_u (i32.add (local.get $from) (local.get $at))))
          (else (i32.const 48))))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $at) (local.get $stop))))
    (local.get $new))

  ;; `inf`, `-inf` or `NaN`.
  (func $name (param $x f64) (result i32) (local $new i32) (local $from i32) (local $length i32)
    (local.set $from (i32.add (global.get $names) (i32.const 1)))
    (local.set $length (i32.const 3))
    (if (f64.ne (local.get $x) (local.get $x))
      (then (local.set $from (i32.add (global.get $names) (i32.const 4))))
      (else
        (if (f64.lt (local.get $x) (f64.const 0))
          (then
            (local.set $from (global.get $names))
            (local.set $length (i32.const 4))))))
    (local.set $new (call $new (local.get $length)))
    (memory.copy (i32.add (local.get $new) (i32.const 8)) (local.get $from) (local.get $length))
    (local.get $new))

  ;; The text of an integer with the last `behind` of its digits behind the point, and zeros up to `fraction`.
  (func $small (param $negative i32) (param $value i64) (param $behind i32) (param $fraction i32) (result i32)
    (local $start i32) (local $count i32)
    (local.set $start (call $decimal (local.get $value) (i32.add (global.get $digits) (i32.const 24))))
    (local.set $count (i32.sub (i32.add (global.get $digits) (i32.const 24)) (local.get $start)))
    (call $layout
      (local.get $negative)
      (local.get $start)
      (local.get $count)
      (i32.sub (local.get $count) (local.get $behind))
      (local.get $fraction)))

  (func (export "rt::f64_to_str") (param $x f64) (result i32)
    (local $bits i64) (local $negative i32) (local $k i32) (local $power f64) (local $n f64) (local $e i32)
    (if (f64.ne (f64.sub (local.get $x) (local.get $x)) (f64.const 0))
      (then (return (call $name (local.get $x)))))
    (local.set $bits (i64.reinterpret_f64 (local.get $x)))
    (local.set $negative (i64.lt_s (local.get $bits) (i64.const 0)))
    (local.set $x (f64.abs (local.get $x)))
    ;; Decimals of up to 15 digits read back if anything as short does. For each k, x * 10^k is off by less than a
    ;; quarter from the only integer that could be one, and the quotient of two exact numbers is rounded as reading
    ;; rounds. So the first that comes out equal has the shortest digits.
    (local.set $power (f64.const 1))
    (block $long
      (loop $next
        (local.set $n (f64.nearest (f64.mul (local.get $x) (local.get $power))))
        (br_if $long (f64.gt (local.get $n) (f64.const 1e15)))
        (if (f64.eq (f64.div (local.get $n) (local.get $power)) (local.get $x))
          (then
            (return
              (call $small
                (local.get $negative)
                (i64.trunc_sat_f64_u (local.get $n))
                (local.get $k)
                (select (local.get $k) (i32.const 1) (local.get $k))))))
        (local.set $power (f64.mul (local.get $power) (f64.const 10)))
        (local.set $k (i32.add (local.get $k) (i32.const 1)))
        (br_if $next (i32.le_u (local.get $k) (i32.const 22)))))
    (local.set $e (i32.and (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 52))) (i32.const 0x7ff)))
    (local.set $bits (i64.and (local.get $bits) (i64.const 0xfffffffffffff)))
    (if (local.get $e)
      (then (local.set $bits (i64.or (local.get $bits) (i64.const 0x10000000000000))))
      (else (local.set $e (i32.const 1))))
    (call $shortest
      (local.get $negative)
      (local.get $bits)
      (i32.sub (local.get $e) (i32.const 1075))
      (i32.and
        (i64.eq (local.get $bits) (i64.const 0x10000000000000))
        (i32.gt_u (local.get $e) (i32.const 1)))))

  ;; The text of a float, which nobody else has, without the `.0` of a whole number.
  (func (export "rt::without_point") (param $text i32) (result i32) (local $length i32)
    (local.set $length (i32.load offset=4 (local.get $text)))
    (if (i32.gt_u (local.get $length) (i32.const 2))
      (then
        (if (i32.eq
              (i32.load16_u offset=6 (i32.add (local.get $text) (local.get $length)))
              (i32.const 0x302e))
          (then (i32.store offset=4 (local.get $text) (i32.sub (local.get $length) (i32.const 2)))))))
    (local.get $text))

  (func (export "rt::f32_to_str") (param $x f32) (result i32) (local $bits i32) (local $negative i32) (local $e i32)
    (if (f32.ne (f32.sub (local.get $x) (local.get $x)) (f32.const 0))
      (then (return (call $name (f64.promote_f32 (local.get $x))))))
    (local.set $bits (i32.reinterpret_f32 (local.get $x)))
    (local.set $negative (i32.shr_u (local.get $bits) (i32.const 31)))
    (if (i32.and
          (f32.eq (f32.trunc (local.get $x)) (local.get $x))
          (f32.lt (f32.abs (local.get $x)) (f32.const 16777216)))
      (then
        (return
          (call $small
            (local.get $negative)
            (i64.trunc_sat_f32_u (f32.abs (local.get $x)))
            (i32.const 0)
            (i32.const 1)))))
    (local.set $e (i32.and (i32.shr_u (local.get $bits) (i32.const 23)) (i32.const 0xff)))
    (local.set $bits (i32.and (local.get $bits) (i32.const 0x7fffff)))
    (if (local.get $e)
      (then (local.set $bits (i32.or (local.get $bits) (i32.const 0x800000))))
      (else (local.set $e (i32.const 1))))
    (call $shortest
      (local.get $negative)
      (i64.extend_i32_u (local.get $bits))
      (i32.sub (local.get $e) (i32.const 150))
      (i32.and
        (i32.eq (local.get $bits) (i32.const 0x800000))
        (i32.gt_u (local.get $e) (i32.const 1)))))

  ;; -1, 0, 1 as r + above is less than, equal to, greater than s.
  (func $reaches (result i32)
    (call $sum (global.get $t) (global.get $r) (global.get $above))
    (call $compare (global.get $t) (global.get $s)))

  (func $times_ten
    (call $mul_add (global.get $r) (i64.const 10) (i64.const 0))
    (call $mul_add (global.get $above) (i64.const 10) (i64.const 0))
    (call $mul_add (global.get $below) (i64.const 10) (i64.const 0)))

  ;; The text of f * 2^e (f > 0) by the algorithm of Steele and White (Dragon4): the value is r / s, and what reads back
  ;; as it reaches from (r - below) / s to (r + above) / s, ends included where f is even. `narrow`: f is a power of
  ;; two, so the gap below is half as wide.
  (func $shortest (param $negative i32) (param $f i64) (param $e i32) (param $narrow i32) (result i32)
    (local $k i32) (local $count i32) (local $digit i32) (local $low i32) (local $high i32) (local $even i32)
    (local.set $even (i64.eqz (i64.and (local.get $f) (i64.const 1))))
    ;; At or one below the position of the point: the decimal logarithm of the leading bit, rounded up.
    (local.set $k
      (i32.trunc_sat_f64_s
        (f64.ceil
          (f64.sub
            (f64.mul
              (f64.convert_i64_s
                (i64.sub
                  (i64.add (i64.extend_i32_s (local.get $e)) (i64.const 63))
                  (i64.clz (local.get $f))))
              (f64.const 0.30102999566398114))
            (f64.const 1e-10)))))
    (call $set (global.get $r) (local.get $f))
    (call $set (global.get $s) (i64.const 1))
    (call $set (global.get $above) (i64.const 1))
    (call $set (global.get $below) (i64.const 1))
    (if (i32.ge_s (local.get $e) (i32.const 0))
      (then
        (call $shl (global.get $r) (local.get $e))
        (call $shl (global.get $above) (local.get $e))
        (call $shl (global.get $below) (local.get $e)))
      (else (call $shl (global.get $s) (i32.sub (i32.const 0) (local.get $e)))))
    (call $shl (global.get $r) (i32.add (i32.const 1) (local.get $narrow)))
    (call $shl (global.get $s) (i32.add (i32.const 1) (local.get $narrow)))
    (call $shl (global.get $above) (local.get $narrow))
    (if (i32.ge_s (local.get $k) (i32.const 0))
      (then (call $scale (global.get $s) (local.get $k)))
      (else
        (call $scale (global.get $r) (i32.sub (i32.const 0) (local.get $k)))
        (call $scale (global.get $above) (i32.sub (i32.const 0) (local.get $k)))
        (call $scale (global.get $below) (i32.sub (i32.const 0) (local.get $k)))))
    (if (i32.ge_s (i32.add (call $reaches) (local.get $even)) (i32.const 1))
      (then (local.set $k (i32.add (local.get $k) (i32.const 1))))
      (else (call $times_ten)))
    (block $last
      (loop $next
        (local.set $digit (i32.const 48))
        (block $below_one
          (loop $again
            (br_if $below_one (i32.lt_s (call $compare (global.get $r) (global.get $s)) (i32.const 0)))
            (call $sub (global.get $r) (global.get $s))
            (local.set $digit (i32.add (local.get $digit) (i32.const 1)))
            (br $again)))
        (local.set $low
          (i32.lt_s (call $compare (global.get $r) (global.get $below)) (local.get $even)))
        (local.set $high (i32.ge_s (i32.add (call $reaches) (local.get $even)) (i32.const 1)))
        (br_if $last (i32.or (local.get $low) (local.get $high)))
        (i32.store8 (i32.add (global.get $digits) (local.get $count)) (local.get $digit))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (call $times_ten)
        (br $next)))
    (if (i32.and (local.get $low) (local.get $high)) ;; both would read back: the nearer one, half to even
      (then
        (call $shl (global.get $r) (i32.const 1))
        (local.set $high
          (i32.ge_s
            (i32.add (call $compare (global.get $r) (global.get $s)) (i32.and (local.get $digit) (i32.const 1)))
            (i32.const 1)))))
    (i32.store8
      (i32.add (global.get $digits) (local.get $count))
      (i32.add (local.get $digit) (local.get $high)))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (call $layout
      (local.get $negative)
      (global.get $digits)
      (local.get $count)
      (local.get $k)
      (select
        (i32.sub (local.get $count) (local.get $k))
        (i32.const 1)
        (i32.gt_s (i32.sub (local.get $count) (local.get $k)) (i32.const 1)))))

  ;; The text of x with that many digits behind the point (0 to 65535), half to even on the exact value.
  (func (export "rt::f64_to_fixed") (param $x f64) (param $fraction i32) (result i32)
    (local $f i64) (local $e i32) (local $negative i32) (local $behind i32) (local $at i32) (local $i i32)
    (if (f64.ne (f64.sub (local.get $x) (local.get $x)) (f64.const 0))
      (then (return (call $name (local.get $x)))))
    (local.set $fraction
      (select (local.get $fraction) (i32.const 65535) (i32.lt_u (local.get $fraction) (i32.const 65535))))
    (local.set $behind
      (select (local.get $fraction) (i32.const 1074) (i32.lt_u (local.get $fraction) (i32.const 1074))))
    (local.set $f (i64.reinterpret_f64 (local.get $x)))
    (local.set $negative (i64.lt_s (local.get $f) (i64.const 0)))
    (local.set $e (i32.and (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 52))) (i32.const 0x7ff)))
    (local.set $f (i64.and (local.get $f) (i64.const 0xfffffffffffff)))
    (if (local.get $e)
      (then (local.set $f (i64.or (local.get $f) (i64.const 0x10000000000000))))
      (else (local.set $e (i32.const 1))))
    (local.set $e (i32.sub (local.get $e) (i32.const 1075)))
    (call $set (global.get $exact) (local.get $f))
    (if (i32.ge_s (local.get $e) (i32.const 0))
      (then
        (local.set $behind (i32.const 0))
        (call $shl (global.get $exact) (local.get $e)))
      (else
        (call $scale (global.get $exact) (local.get $behind))
        (call $round (global.get $exact) (i32.sub (i32.const 0) (local.get $e)))))
    ;; Nine digits at a time, from the last.
    (local.set $at (i32.add (global.get $digits) (i32.const 1404)))
    (loop $next
      (local.set $i
        (call $decimal
          (i64.add (call $divide (global.get $exact) (i64.const 1000000000)) (i64.const 1000000000))
          (local.get $at)))
      (local.set $at (i32.sub (local.get $at) (i32.const 9)))
      (br_if $next (i32.load (global.get $exact))))
    (block $done ;; leading zeros
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (i32.add (global.get $digits) (i32.const 1403))))
        (br_if $done (i32.ne (i32.load8_u (local.get $at)) (i32.const 48)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.set $i (i32.sub (i32.add (global.get $digits) (i32.const 1404)) (local.get $at)))
    (call $layout
      (local.get $negative)
      (local.get $at)
      (local.get $i)
      (i32.sub (local.get $i) (local.get $behind))
      (local.get $fraction)))
)
