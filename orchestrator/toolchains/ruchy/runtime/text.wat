;; Strings: what few programs ask.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::retain" (func $retain (param i32)))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))
  (import "env" "rt::utf8_count" (func $count (param i32 i32) (result i32)))
  (import "env" "rt::bytes_compare" (func $compare (param i32 i32 i32) (result i32)))
  (import "env" "rt::trap_memory" (func $trap_memory))
  (import "env" "rt::trap_index" (func $trap_index (param i32 i32 i64 i64)))

  (func $start (param $string i32) (result i32)
    (i32.add (local.get $string) (i32.const 8)))

  (func $length (param $string i32) (result i32)
    (i32.load offset=4 (local.get $string)))

  (func $end (param $string i32) (result i32)
    (i32.add (call $start (local.get $string)) (call $length (local.get $string))))

  ;; The code point of a string of one character; -1 of any other.
  (func (export "rt::str_code") (param $string i32) (result i32) (local $length i32)
    (local.set $length (i32.load offset=4 (local.get $string)))
    (if (i32.eqz (local.get $length))
      (then (return (i32.const -1))))
    (local.set $string (i32.add (local.get $string) (i32.const 8)))
    (if (i32.ne (call $width (i32.load8_u (local.get $string))) (local.get $length))
      (then (return (i32.const -1))))
    (call $get (local.get $string)))

  ;; The address `steps` characters behind `at`, or `end`, where the characters end before.
  (func $skip (param $at i32) (param $end i32) (param $steps i64) (result i32)
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $steps)))
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $at (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))
        (local.set $steps (i64.sub (local.get $steps) (i64.const 1)))
        (br $next)))
    (local.get $at))

  ;; `s.slice(from, to)`: by character, both ends cut to the length; traps on a negative one, and where they are turned
  ;; round.
  (func (export "rt::str_part")
    (param $string i32) (param $from i64) (param $to i64) (param $lines i32) (param $index i32) (result i32)
    (local $start i32) (local $end i32)
    (if (i32.or (i64.lt_s (local.get $from) (i64.const 0)) (i64.gt_s (local.get $from) (local.get $to)))
      (then
        (call $trap_index
          (local.get $lines)
          (local.get $index)
          (select (local.get $to) (local.get $from) (i64.lt_s (local.get $to) (i64.const 0)))
          (i64.extend_i32_u (call $count (call $start (local.get $string)) (call $end (local.get $string)))))))
    (local.set $end (call $end (local.get $string)))
    (local.set $start (call $skip (call $start (local.get $string)) (local.get $end) (local.get $from)))
    (call $of
      (local.get $start)
      (i32.sub
        (call $skip (local.get $start) (local.get $end) (i64.sub (local.get $to) (local.get $from)))
        (local.get $start))))

  ;; `s` behind its first bytes, as many as `other` has; and before its last ones. It begins, or ends, with `other`.
  (func (export "rt::str_behind") (param $string i32) (param $other i32) (result i32)
    (call $of
      (i32.add (call $start (local.get $string)) (call $length (local.get $other)))
      (i32.sub (call $length (local.get $string)) (call $length (local.get $other)))))

  (func (export "rt::str_before") (param $string i32) (param $other i32) (result i32)
    (call $of
      (call $start (local.get $string))
      (i32.sub (call $length (local.get $string)) (call $length (local.get $other)))))

  ;; Whether all bytes are of one of the kinds in `kinds`: 1 digits, 2 capital letters, 4 small letters, 8 `A` to `F` in
  ;; either case, 16 punctuation, 32 white space, 64 control characters, 128 all of ASCII.
  (func (export "rt::str_ascii") (param $string i32) (param $kinds i32) (result i32) (local $at i32) (local $end i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (block $other
      (loop $next
        (if (i32.ge_u (local.get $at) (local.get $end))
          (then (return (i32.const 1))))
        (br_if $other (i32.eqz (i32.and (call $kinds_of (i32.load8_u (local.get $at))) (local.get $kinds))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  (func $kinds_of (param $byte i32) (result i32) (local $kinds i32)
    (if (i32.gt_u (local.get $byte) (i32.const 127))
      (then (return (i32.const 0))))
    (local.set $kinds (i32.const 128))
    (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 48)) (i32.const 10))
      (then (return (i32.const 129))))
    (if (i32.lt_u (i32.sub (i32.or (local.get $byte) (i32.const 32)) (i32.const 97)) (i32.const 26))
      (then
        (return
          (i32.add
            (select (i32.const 132) (i32.const 130) (i32.and (local.get $byte) (i32.const 32)))
            (i32.shl
              (i32.lt_u (i32.sub (i32.or (local.get $byte) (i32.const 32)) (i32.const 97)) (i32.const 6))
              (i32.const 3))))))
    (if (i32.or (i32.eq (local.get $byte) (i32.const 32)) (i32.lt_u (i32.sub (local.get $byte) (i32.const 9)) (i32.const 5)))
      (then (local.set $kinds (i32.or (local.get $kinds) (i32.const 32)))))
    (if (i32.or (i32.lt_u (local.get $byte) (i32.const 32)) (i32.eq (local.get $byte) (i32.const 127)))
      (then (return (i32.or (local.get $kinds) (i32.const 64)))))
    (if (i32.ne (local.get $byte) (i32.const 32))
      (then (return (i32.or (local.get $kinds) (i32.const 16)))))
    (local.get $kinds))

  ;; Without `other` at its start (bit 0 of `sides`) and its end (bit 1), however often it stands there.
  (func (export "rt::str_trim_matches") (param $string i32) (param $other i32) (param $sides i32) (result i32)
    (local $at i32) (local $end i32) (local $length i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $length (call $length (local.get $other)))
    (if (i32.eqz (local.get $length))
      (then (local.set $sides (i32.const 0))))
    (if (i32.and (local.get $sides) (i32.const 1))
      (then
        (block $first
          (loop $next
            (br_if $first (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (local.get $length)))
            (br_if $first (call $compare (local.get $at) (call $start (local.get $other)) (local.get $length)))
            (local.set $at (i32.add (local.get $at) (local.get $length)))
            (br $next)))))
    (if (i32.and (local.get $sides) (i32.const 2))
      (then
        (block $last
          (loop $next
            (br_if $last (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (local.get $length)))
            (br_if $last
              (call $compare
                (i32.sub (local.get $end) (local.get $length))
                (call $start (local.get $other))
                (local.get $length)))
            (local.set $end (i32.sub (local.get $end) (local.get $length)))
            (br $next)))))
    (call $of (local.get $at) (i32.sub (local.get $end) (local.get $at))))

  ;; The last place where `other` stands, in characters; -1 where it does not.
  (func (export "rt::str_rfind") (param $string i32) (param $other i32) (result i64) (local $at i32) (local $length i32)
    (local.set $length (call $length (local.get $other)))
    (local.set $at (i32.sub (call $end (local.get $string)) (local.get $length)))
    (loop $next
      (if (i32.lt_s (local.get $at) (call $start (local.get $string)))
        (then (return (i64.const -1))))
      (if (call $compare (local.get $at) (call $start (local.get $other)) (local.get $length))
        (then
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (br $next))))
    (i64.extend_i32_u (call $count (call $start (local.get $string)) (local.get $at))))

  ;; At least `width` characters: what is missing is filled with `fill` over and over, on the left, or else on the right.
  (func (export "rt::str_pad")
    (param $string i32) (param $width i64) (param $fill i32) (param $left i32) (result i32)
    (local $more i64) (local $turns i64) (local $bytes i64) (local $rest i32) (local $new i32) (local $to i32)
    (local.set $more
      (i64.sub
        (local.get $width)
        (i64.extend_i32_u (call $count (call $start (local.get $string)) (call $end (local.get $string))))))
    (if (i32.or
          (i64.le_s (local.get $width) (i64.const 0))
          (i32.or (i64.le_s (local.get $more) (i64.const 0)) (i32.eqz (call $length (local.get $fill)))))
      (then
        (call $retain (local.get $string))
        (return (local.get $string))))
    (if (i64.gt_s (local.get $more) (i64.const 0x3fff0000))
      (then (call $trap_memory)))
    (local.set $bytes
      (i64.extend_i32_u (call $count (call $start (local.get $fill)) (call $end (local.get $fill)))))
    (local.set $turns (i64.div_u (local.get $more) (local.get $bytes)))
    (local.set $rest
      (i32.sub
        (call $skip
          (call $start (local.get $fill))
          (call $end (local.get $fill))
          (i64.rem_u (local.get $more) (local.get $bytes)))
        (call $start (local.get $fill))))
    (local.set $bytes
      (i64.add
        (i64.extend_i32_u (i32.add (local.get $rest) (call $length (local.get $string))))
        (i64.mul (local.get $turns) (i64.extend_i32_u (call $length (local.get $fill))))))
    (if (i64.gt_u (local.get $bytes) (i64.const 0x3fff0000))
      (then (call $trap_memory)))
    (local.set $new (call $new (i32.wrap_i64 (local.get $bytes))))
    (local.set $to (call $start (local.get $new)))
    (if (i32.eqz (local.get $left))
      (then (local.set $to (call $put (local.get $to) (local.get $string)))))
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $turns)))
        (local.set $to (call $put (local.get $to) (local.get $fill)))
        (local.set $turns (i64.sub (local.get $turns) (i64.const 1)))
        (br $next)))
    (memory.copy (local.get $to) (call $start (local.get $fill)) (local.get $rest))
    (local.set $to (i32.add (local.get $to) (local.get $rest)))
    (if (local.get $left)
      (then (drop (call $put (local.get $to) (local.get $string)))))
    (local.get $new))

  ;; Copies a string to an address; the address behind it.
  (func $put (param $to i32) (param $string i32) (result i32)
    (memory.copy (local.get $to) (call $start (local.get $string)) (call $length (local.get $string)))
    (i32.add (local.get $to) (call $length (local.get $string))))

  ;; The value of a digit in a system of up to 36 digits; -1 of anything else.
  (func (export "rt::str_digit") (param $string i32) (param $radix i64) (result i64) (local $digit i32)
    (if (i32.ne (call $length (local.get $string)) (i32.const 1))
      (then (return (i64.const -1))))
    (local.set $digit (i32.load8_u offset=8 (local.get $string)))
    (if (i32.lt_u (i32.sub (local.get $digit) (i32.const 48)) (i32.const 10))
      (then (local.set $digit (i32.sub (local.get $digit) (i32.const 48))))
      (else
        (local.set $digit (i32.sub (i32.or (local.get $digit) (i32.const 32)) (i32.const 87)))
        (if (i32.gt_u (i32.sub (local.get $digit) (i32.const 10)) (i32.const 25))
          (then (return (i64.const -1))))))
    (select
      (i64.extend_i32_u (local.get $digit))
      (i64.const -1)
      (i64.lt_s (i64.extend_i32_u (local.get $digit)) (local.get $radix))))
)
