;; Templates that only run time knows. They never fail: what is no placeholder is text.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::retain" (func $retain (param i32)))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::str_debug" (func $debug (param i32) (result i32)))
  (import "env" "rt::str_spec" (func $spec (param i32 i32 i32) (result i32)))
  (import "env" "rt::str_cut" (func $cut (param i32 i32) (result i32)))
  (import "env" "rt::str_point" (func $point (param i32 i32) (result i32)))
  (import "env" "rt::str_to_f64" (func $to_f64 (param i32 i32 i32) (result f64)))
  (import "env" "rt::f64_to_fixed" (func $fixed (param f64 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))

  ;; What `$read` found: the argument's number (-1: the next one), how `str_spec` is to pad (-1: no width and no sign),
  ;; the width, the precision (-1: none), whether `?`.
  (global $index (mut i32) (i32.const 0))
  (global $how (mut i32) (i32.const 0))
  (global $wide (mut i32) (i32.const 0))
  (global $precision (mut i32) (i32.const 0))
  (global $quoted (mut i32) (i32.const 0))
  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))

  (func $peek (result i32)
    (if (i32.ge_u (global.get $at) (global.get $end))
      (then (return (i32.const 0))))
    (i32.load8_u (global.get $at)))

  (func $step
    (global.set $at (i32.add (global.get $at) (i32.const 1))))

  ;; Whether this character stands here; steps over it.
  (func $takes (param $char i32) (result i32)
    (if (i32.ne (call $peek) (local.get $char))
      (then (return (i32.const 0))))
    (call $step)
    (i32.const 1))

  ;; A number of at most 65535, -1 where none stands here; a larger one is cut to that many.
  (func $number (result i32) (local $found i32) (local $digit i32)
    (local.set $found (i32.const -1))
    (block $done
      (loop $next
        (local.set $digit (i32.sub (call $peek) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (call $step)
        (local.set $found
          (i32.add
            (i32.mul (select (local.get $found) (i32.const 0) (i32.gt_s (local.get $found) (i32.const 0))) (i32.const 10))
            (local.get $digit)))
        (if (i32.gt_u (local.get $found) (i32.const 65535))
          (then (local.set $found (i32.const 65535))))
        (br $next)))
    (local.get $found))

  ;; 0, 1, 2 for `<`, `>`, `^`, which a character may be; -1 for others.
  (func $side (param $char i32) (result i32)
    (if (i32.eq (local.get $char) (i32.const 60))
      (then (return (i32.const 0))))
    (if (i32.eq (local.get $char) (i32.const 62))
      (then (return (i32.const 1))))
    (select (i32.const 2) (i32.const -1) (i32.eq (local.get $char) (i32.const 94))))

  ;; Whether a placeholder stands at `$at`, behind its `{`; steps over it.
  (func $read (result i32) (local $fill i32) (local $side i32) (local $plus i32) (local $zeros i32) (local $skip i32)
    (global.set $index (call $number))
    (global.set $how (i32.const -1))
    (global.set $wide (i32.const 0))
    (global.set $precision (i32.const -1))
    (global.set $quoted (i32.const 0))
    (if (call $takes (i32.const 125))
      (then (return (i32.const 1))))
    (if (i32.eqz (call $takes (i32.const 58)))
      (then (return (i32.const 0))))
    (local.set $fill (i32.const 32))
    (local.set $side (i32.const -1))
    (if (i32.and (i32.ne (call $peek) (i32.const 125)) (i32.ne (call $peek) (i32.const 0)))
      (then
        (local.set $skip (call $width (call $peek)))
        (if (i32.lt_u (i32.add (global.get $at) (local.get $skip)) (global.get $end))
          (then (local.set $side (call $side (i32.load8_u (i32.add (global.get $at) (local.get $skip)))))))
        (if (i32.ge_s (local.get $side) (i32.const 0))
          (then
            (local.set $fill (call $get (global.get $at)))
            (global.set $at (i32.add (i32.add (global.get $at) (local.get $skip)) (i32.const 1))))
          (else
            (local.set $side (call $side (call $peek)))
            (if (i32.ge_s (local.get $side) (i32.const 0))
              (then (call $step)))))))
    (local.set $plus (call $takes (i32.const 43)))
    (drop (call $takes (i32.const 45)))
    (drop (call $takes (i32.const 35)))
    (local.set $zeros (call $takes (i32.const 48)))
    (global.set $wide (call $number))
    (if (call $takes (i32.const 46))
      (then
        (global.set $precision (call $number))
        (if (i32.lt_s (global.get $precision) (i32.const 0))
          (then (return (i32.const 0))))))
    (global.set $quoted (call $takes (i32.const 63)))
    (if (i32.eqz (global.get $quoted))
      (then
        (if (i32.eqz (call $takes (i32.const 102)))
          (then (drop (call $takes (i32.const 100)))))))
    (if (i32.or (local.get $plus) (i32.ge_s (global.get $wide) (i32.const 0)))
      (then
        (global.set $wide (select (global.get $wide) (i32.const 0) (i32.ge_s (global.get $wide) (i32.const 0))))
        (global.set $how
          (i32.or
            (i32.or (local.get $fill) (i32.shl (i32.and (local.get $side) (i32.const 7)) (i32.const 21)))
            (i32.or
              (i32.shl (local.get $plus) (i32.const 25))
              (i32.shl (local.get $zeros) (i32.const 26)))))))
    (call $takes (i32.const 125)))

  ;; An argument as `$read` wants it, to be released. `kind`: 1 a number, 2 a text, 0 something else.
  (func $shown (param $value i32) (param $kind i32) (result i32) (local $text i32) (local $how i32) (local $side i32)
    (call $retain (local.get $value))
    (local.set $text (local.get $value))
    (if (i32.ge_s (global.get $precision) (i32.const 0))
      (then
        (local.set $text
          (if (result i32) (i32.eq (local.get $kind) (i32.const 1))
            (then (call $rounded (local.get $value)))
            (else (call $cut (local.get $value) (global.get $precision)))))
        (call $release (local.get $value)))
      (else
        (if (i32.and (global.get $quoted) (i32.eq (local.get $kind) (i32.const 2)))
          (then
            (local.set $text (call $debug (local.get $value)))
            (call $release (local.get $value))))))
    (if (i32.eq (global.get $how) (i32.const -1))
      (then (return (local.get $text))))
    (local.set $side (i32.and (i32.shr_u (global.get $how) (i32.const 21)) (i32.const 7)))
    (if (i32.eq (local.get $side) (i32.const 7))
      (then (local.set $side (i32.eq (local.get $kind) (i32.const 1)))))
    (local.set $how
      (i32.or
        (i32.and (global.get $how) (i32.const 0x1fffff))
        (i32.shl (local.get $side) (i32.const 21))))
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then
        (local.set $how
          (i32.or
            (local.get $how)
            (i32.and (i32.shr_u (global.get $how) (i32.const 2)) (i32.const 0x1800000))))))
    (local.set $value (call $spec (local.get $text) (global.get $wide) (local.get $how)))
    (call $release (local.get $text))
    (local.get $value))

  ;; A number's text with other digits behind its point. A float's text reads back as the same float.
  (func $rounded (param $text i32) (result i32) (local $at i32) (local $end i32) (local $char i32)
    (local.set $at (i32.add (local.get $text) (i32.const 8)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $text))))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end))
        (then (return (call $point (local.get $text) (global.get $precision)))))
      (local.set $char (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next
        (i32.or
          (i32.eq (local.get $char) (i32.const 45))
          (i32.lt_u (i32.sub (local.get $char) (i32.const 48)) (i32.const 10)))))
    (call $fixed (call $to_f64 (local.get $text) (i32.const 0) (i32.const 0)) (global.get $precision)))

  ;; The text between two addresses, appended.
  (func $between (param $result i32) (param $from i32) (param $to i32) (result i32) (local $part i32)
    (if (i32.eq (local.get $from) (local.get $to))
      (then (return (local.get $result))))
    (local.set $part (call $of (local.get $from) (i32.sub (local.get $to) (local.get $from))))
    (local.set $result (call $append (local.get $result) (local.get $part)))
    (call $release (local.get $part))
    (local.get $result))

  ;; The template with its placeholders replaced by the strings at `values`; where it has none, all of them with a space
  ;; between each two. `kinds`: two bits for each of the first 32 arguments, as for `$shown`.
  (func (export "rt::format") (param $template i32) (param $kinds i64) (param $values i32) (param $count i32)
    (result i32)
    (local $result i32) (local $from i32) (local $found i32) (local $next i32) (local $index i32) (local $here i32)
    (local $part i32)
    (global.set $at (i32.add (local.get $template) (i32.const 8)))
    (global.set $end (i32.add (global.get $at) (i32.load offset=4 (local.get $template))))
    (local.set $from (global.get $at))
    (local.set $result (call $new (i32.const 0)))
    (block $done
      (loop $on
        (br_if $done (i32.ge_u (global.get $at) (global.get $end)))
        (local.set $here (global.get $at))
        (call $step)
        (br_if $on (i32.ne (i32.load8_u (local.get $here)) (i32.const 123)))
        (if (i32.eqz (call $read))
          (then
            (global.set $at (i32.add (local.get $here) (i32.const 1)))
            (br $on)))
        (local.set $found (i32.const 1))
        (local.set $index (global.get $index))
        (if (i32.lt_s (local.get $index) (i32.const 0))
          (then
            (local.set $index (local.get $next))
            (local.set $next (i32.add (local.get $next) (i32.const 1)))))
        (br_if $on (i32.ge_u (local.get $index) (local.get $count))) ;; it stays as it is
        (local.set $result (call $between (local.get $result) (local.get $from) (local.get $here)))
        (local.set $from (global.get $at))
        (local.set $part
          (call $shown
            (i32.load (i32.add (local.get $values) (i32.shl (local.get $index) (i32.const 2))))
            (i32.and
              (select
                (i32.wrap_i64 (i64.shr_u (local.get $kinds) (i64.extend_i32_u (i32.shl (local.get $index) (i32.const 1)))))
                (i32.const 0)
                (i32.lt_u (local.get $index) (i32.const 32)))
              (i32.const 3))))
        (local.set $result (call $append (local.get $result) (local.get $part)))
        (call $release (local.get $part))
        (br $on)))
    (local.set $result (call $between (local.get $result) (local.get $from) (global.get $end)))
    (if (i32.eqz (local.get $found))
      (then
        (local.set $next (i32.const 0))
        (block $joined
          (loop $more
            (br_if $joined (i32.eq (local.get $next) (local.get $count)))
            (local.set $part (call $new (i32.const 1)))
            (i32.store8 offset=8 (local.get $part) (i32.const 32))
            (local.set $result (call $append (local.get $result) (local.get $part)))
            (call $release (local.get $part))
            (local.set $result
              (call $append
                (local.get $result)
                (i32.load (i32.add (local.get $values) (i32.shl (local.get $next) (i32.const 2))))))
            (local.set $next (i32.add (local.get $next) (i32.const 1)))
            (br $more)))))
    (local.get $result))
)
