;; What a format specification does to a text: width and fill, sign, zeros, precision, other bases, exponents.
;; All of these borrow their string and give an owned one, the same one where nothing changes.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::retain" (func $retain (param i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_count" (func $count (param i32 i32) (result i32)))
  (import "env" "rt::utf8_put" (func $put (param i32 i32) (result i32)))
  (import "env" "rt::decimal" (func $decimal (param i64 i32) (result i32)))

  (func $start (param $string i32) (result i32)
    (i32.add (local.get $string) (i32.const 8)))

  (func $length (param $string i32) (result i32)
    (i32.load offset=4 (local.get $string)))

  (func $same (param $string i32) (result i32)
    (call $retain (local.get $string))
    (local.get $string))

  (func $is_digit (param $char i32) (result i32)
    (i32.lt_u (i32.sub (local.get $char) (i32.const 48)) (i32.const 10)))

  ;; How many bytes a character takes.
  (func $bytes (param $char i32) (result i32)
    (i32.add
      (i32.add (i32.const 1) (i32.ge_u (local.get $char) (i32.const 0x80)))
      (i32.add
        (i32.ge_u (local.get $char) (i32.const 0x800))
        (i32.ge_u (local.get $char) (i32.const 0x10000)))))

  ;; The fill character so many times; the address behind.
  (func $fill (param $to i32) (param $char i32) (param $times i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $times)))
        (local.set $to (call $put (local.get $to) (local.get $char)))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br $next)))
    (local.get $to))

  (func $copy (param $to i32) (param $from i32) (param $length i32) (result i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length))
    (i32.add (local.get $to) (local.get $length)))

  ;; Bytes that stand before zeros: a sign, and `0x`, `0b` or `0o`.
  (func $head (param $at i32) (param $end i32) (result i32) (local $from i32) (local $char i32)
    (local.set $from (local.get $at))
    (if (i32.eq (local.get $at) (local.get $end))
      (then (return (i32.const 0))))
    (local.set $char (i32.load8_u (local.get $at)))
    (if (i32.or (i32.eq (local.get $char) (i32.const 45)) (i32.eq (local.get $char) (i32.const 43)))
      (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    (if (i32.gt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 1))
      (then
        (local.set $char (i32.load8_u offset=1 (local.get $at)))
        (if (i32.and
              (i32.eq (i32.load8_u (local.get $at)) (i32.const 48))
              (i32.or
                (i32.eq (local.get $char) (i32.const 120))
                (i32.or (i32.eq (local.get $char) (i32.const 98)) (i32.eq (local.get $char) (i32.const 111)))))
          (then (local.set $at (i32.add (local.get $at) (i32.const 2)))))))
    (i32.sub (local.get $at) (local.get $from)))

  ;; At least `width` characters. `how`: bits 0 to 20 the fill, 21 and 22 where the text stands (0 left, 1 right,
  ;; 2 in the middle), 23 a `+` before what has no sign, 24 zeros behind the sign in place of the fill.
  (func (export "rt::str_spec") (param $string i32) (param $width i32) (param $how i32) (result i32)
    (local $at i32) (local $end i32) (local $plus i32) (local $char i32) (local $missing i32) (local $before i32)
    (local $head i32) (local $zeros i32) (local $new i32) (local $to i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (i32.add (local.get $at) (call $length (local.get $string))))
    (local.set $char (i32.and (local.get $how) (i32.const 0x1fffff)))
    (if (i32.and (local.get $how) (i32.const 0x800000))
      (then
        (local.set $plus
          (i32.and
            (i32.ne (i32.load8_u (local.get $at)) (i32.const 45))
            (i32.ne (i32.load8_u (local.get $at)) (i32.const 78)))))) ;; NaN has no sign
    (local.set $missing
      (i32.sub
        (local.get $width)
        (i32.add (call $count (local.get $at) (local.get $end)) (local.get $plus))))
    (if (i32.lt_s (local.get $missing) (i32.const 0))
      (then (local.set $missing (i32.const 0))))
    (if (i32.eqz (i32.or (local.get $missing) (local.get $plus)))
      (then (return (call $same (local.get $string)))))
    (if (i32.and (local.get $how) (i32.const 0x1000000))
      (then
        (local.set $char (i32.const 48))
        (local.set $head (call $head (local.get $at) (local.get $end)))
        (local.set $zeros (local.get $missing))
        (local.set $missing (i32.const 0)))
      (else
        (local.set $before ;; 0: none, 1: all, 2: half of what is missing
          (i32.shr_u
            (i32.mul (local.get $missing) (i32.ne (i32.and (local.get $how) (i32.const 0x600000)) (i32.const 0)))
            (i32.and (i32.shr_u (local.get $how) (i32.const 22)) (i32.const 1))))))
    (local.set $new
      (call $new
        (i32.add
          (i32.add (i32.sub (local.get $end) (local.get $at)) (local.get $plus))
          (i32.add
            (local.get $zeros)
            (i32.mul (local.get $missing) (call $bytes (local.get $char)))))))
    (local.set $to (call $fill (call $start (local.get $new)) (local.get $char) (local.get $before)))
    (if (local.get $plus)
      (then (local.set $to (call $fill (local.get $to) (i32.const 43) (i32.const 1)))))
    (local.set $to (call $copy (local.get $to) (local.get $at) (local.get $head)))
    (local.set $to (call $fill (local.get $to) (local.get $char) (local.get $zeros)))
    (local.set $at (i32.add (local.get $at) (local.get $head)))
    (local.set $to (call $copy (local.get $to) (local.get $at) (i32.sub (local.get $end) (local.get $at))))
    (drop (call $fill (local.get $to) (local.get $char) (i32.sub (local.get $missing) (local.get $before))))
    (local.get $new))

  ;; The first characters of a text.
  (func (export "rt::str_cut") (param $string i32) (param $chars i32) (result i32) (local $at i32) (local $end i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (i32.add (local.get $at) (call $length (local.get $string))))
    (block $done
      (loop $next
        (if (i32.eq (local.get $at) (local.get $end))
          (then (return (call $same (local.get $string)))))
        (br_if $done (i32.eqz (local.get $chars)))
        (local.set $at (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))
        (local.set $chars (i32.sub (local.get $chars) (i32.const 1)))
        (br $next)))
    (call $of (call $start (local.get $string)) (i32.sub (local.get $at) (call $start (local.get $string)))))

  ;; The digits of an integer with so many zeros behind a point.
  (func (export "rt::str_point") (param $string i32) (param $digits i32) (result i32) (local $new i32) (local $to i32)
    (if (i32.eqz (local.get $digits))
      (then (return (call $same (local.get $string)))))
    (local.set $new
      (call $new (i32.add (call $length (local.get $string)) (i32.add (local.get $digits) (i32.const 1)))))
    (local.set $to
      (call $copy (call $start (local.get $new)) (call $start (local.get $string)) (call $length (local.get $string))))
    (local.set $to (call $fill (local.get $to) (i32.const 46) (i32.const 1)))
    (drop (call $fill (local.get $to) (i32.const 48) (local.get $digits)))
    (local.get $new))

  ;; An unsigned integer in base 2, 8 or 16. `how`: bits 0 to 2 the bits of a digit, 4 letters of the upper case,
  ;; 5 the prefix.
  (func (export "rt::radix") (param $value i64) (param $how i32) (result i32)
    (local $bits i32) (local $digits i32) (local $new i32) (local $to i32) (local $digit i32) (local $prefix i32)
    (local.set $bits (i32.and (local.get $how) (i32.const 7)))
    (local.set $prefix (i32.and (i32.shr_u (local.get $how) (i32.const 4)) (i32.const 2)))
    (local.set $digits
      (i32.div_u
        (i32.add
          (i32.sub (i32.const 63) (i32.wrap_i64 (i64.clz (i64.or (local.get $value) (i64.const 1)))))
          (local.get $bits))
        (local.get $bits)))
    (local.set $new (call $new (i32.add (local.get $digits) (local.get $prefix))))
    (local.set $to
      (i32.add (call $start (local.get $new)) (i32.add (local.get $digits) (local.get $prefix))))
    (loop $next
      (local.set $digit
        (i32.and
          (i32.wrap_i64 (local.get $value))
          (i32.sub (i32.shl (i32.const 1) (local.get $bits)) (i32.const 1))))
      (if (i32.gt_u (local.get $digit) (i32.const 9))
        (then
          (local.set $digit
            (i32.add
              (local.get $digit)
              (select (i32.const 7) (i32.const 39) (i32.and (local.get $how) (i32.const 16)))))))
      (local.set $to (i32.sub (local.get $to) (i32.const 1)))
      (i32.store8 (local.get $to) (i32.add (local.get $digit) (i32.const 48)))
      (local.set $value (i64.shr_u (local.get $value) (i64.extend_i32_u (local.get $bits))))
      (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
      (br_if $next (local.get $digits)))
    (if (local.get $prefix)
      (then
        (i32.store8 offset=8 (local.get $new) (i32.const 48))
        (i32.store8 offset=9
          (local.get $new)
          (select
            (i32.const 98)
            (select (i32.const 111) (i32.const 120) (i32.eq (local.get $bits) (i32.const 3)))
            (i32.eq (local.get $bits) (i32.const 1))))))
    (local.get $new))

  ;; A decimal number with an exponent. `precision`: digits behind the point, as many as needed where negative; rounds
  ;; half to even on the digits given. `letter` is `e` or `E`.
  (func (export "rt::str_exp") (param $string i32) (param $precision i32) (param $letter i32) (result i32)
    (local $at i32) (local $end i32) (local $minus i32) (local $digits i32) (local $to i32) (local $char i32)
    (local $exponent i32) (local $count i32) (local $point i32) (local $new i32) (local $first i32) (local $size i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (i32.add (local.get $at) (call $length (local.get $string))))
    (local.set $minus (i32.eq (i32.load8_u (local.get $at)) (i32.const 45)))
    (local.set $at (i32.add (local.get $at) (local.get $minus)))
    (if (i32.eqz (call $is_digit (i32.load8_u (local.get $at))))
      (then (return (call $same (local.get $string))))) ;; inf, NaN
    ;; The digits alone, in a string of their own with room for a carry and for an exponent.
    (local.set $digits (call $new (i32.add (call $length (local.get $string)) (i32.const 16))))
    (local.set $to (i32.add (call $start (local.get $digits)) (i32.const 1)))
    (local.set $exponent (i32.const -1))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (local.set $char (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eq (local.get $char) (i32.const 46))
          (then
            (local.set $point (i32.const 1))
            (br $next)))
        (if (i32.or (local.get $count) (i32.ne (local.get $char) (i32.const 48)))
          (then
            (i32.store8 (i32.add (local.get $to) (local.get $count)) (local.get $char))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (if (i32.eqz (local.get $point))
              (then (local.set $exponent (i32.add (local.get $exponent) (i32.const 1))))))
          (else
            (if (local.get $point)
              (then (local.set $exponent (i32.sub (local.get $exponent) (i32.const 1)))))))
        (br $next)))
    (if (i32.eqz (local.get $count))
      (then ;; zero
        (i32.store8 (local.get $to) (i32.const 48))
        (local.set $count (i32.const 1))
        (local.set $exponent (i32.const 0))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $count) (i32.const 1)))
        (br_if $done
          (i32.ne
            (i32.load8_u (i32.sub (i32.add (local.get $to) (local.get $count)) (i32.const 1)))
            (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (if (i32.lt_s (local.get $precision) (i32.const 0))
      (then (local.set $precision (i32.sub (local.get $count) (i32.const 1)))))
    (if (i32.gt_u (local.get $count) (i32.add (local.get $precision) (i32.const 1)))
      (then
        (local.set $at (i32.add (i32.add (local.get $to) (local.get $precision)) (i32.const 1)))
        (local.set $char (i32.load8_u (local.get $at)))
        (local.set $first
          (i32.or
            (i32.gt_u (local.get $char) (i32.const 53))
            (i32.and
              (i32.eq (local.get $char) (i32.const 53))
              (i32.or
                (i32.gt_u (local.get $count) (i32.add (local.get $precision) (i32.const 2)))
                (i32.and (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 1))))))
        (local.set $count (i32.add (local.get $precision) (i32.const 1)))
        (if (local.get $first)
          (then
            (i32.store8 (i32.sub (local.get $to) (i32.const 1)) (i32.const 48))
            (block $done
              (loop $next
                (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                (local.set $char (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
                (i32.store8 (local.get $at) (local.get $char))
                (br_if $done (i32.ne (local.get $char) (i32.const 58)))
                (i32.store8 (local.get $at) (i32.const 48))
                (br $next)))
            (if (i32.lt_u (local.get $at) (local.get $to)) ;; 9.99 became 10.0
              (then
                (local.set $to (local.get $at))
                (local.set $exponent (i32.add (local.get $exponent) (i32.const 1)))))))))
    ;; The exponent's digits, behind those of the number.
    (local.set $end
      (i32.add (call $start (local.get $digits)) (call $length (local.get $digits))))
    (local.set $at
      (call $decimal
        (i64.extend_i32_u
          (select
            (local.get $exponent)
            (i32.sub (i32.const 0) (local.get $exponent))
            (i32.ge_s (local.get $exponent) (i32.const 0))))
        (local.get $end)))
    (local.set $size (i32.sub (local.get $end) (local.get $at)))
    (local.set $new
      (call $new
        (i32.add
          (i32.add (i32.add (local.get $minus) (local.get $precision)) (i32.const 2))
          (i32.add
            (i32.ne (local.get $precision) (i32.const 0))
            (i32.add (i32.lt_s (local.get $exponent) (i32.const 0)) (local.get $size))))))
    (local.set $char (call $fill (call $start (local.get $new)) (i32.const 45) (local.get $minus)))
    (local.set $char (call $copy (local.get $char) (local.get $to) (i32.const 1)))
    (if (local.get $precision)
      (then
        (local.set $char (call $fill (local.get $char) (i32.const 46) (i32.const 1)))
        (local.set $char
          (call $copy
            (local.get $char)
            (i32.add (local.get $to) (i32.const 1))
            (i32.sub (local.get $count) (i32.const 1))))
        (local.set $char
          (call $fill
            (local.get $char)
            (i32.const 48)
            (i32.sub (i32.add (local.get $precision) (i32.const 1)) (local.get $count))))))
    (local.set $char (call $fill (local.get $char) (local.get $letter) (i32.const 1)))
    (local.set $char
      (call $fill (local.get $char) (i32.const 45) (i32.lt_s (local.get $exponent) (i32.const 0))))
    (drop (call $copy (local.get $char) (local.get $at) (local.get $size)))
    (call $release (local.get $digits))
    (local.get $new))
)
