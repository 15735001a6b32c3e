;; Strings: finding, replacing, trimming, quoting.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::retain" (func $retain (param i32)))
  (import "env" "rt::trap_memory" (func $trap_memory))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::bytes_compare" (func $compare (param i32 i32 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_count" (func $count (param i32 i32) (result i32)))

  (func $start (param $string i32) (result i32)
    (i32.add (local.get $string) (i32.const 8)))

  (func $length (param $string i32) (result i32)
    (i32.load offset=4 (local.get $string)))

  (func $end (param $string i32) (result i32)
    (i32.add (call $start (local.get $string)) (call $length (local.get $string))))

  ;; The first place from `at` on where the needle stands before `end`; 0 if nowhere.
  (func $seek (export "rt::str_seek") (param $at i32) (param $end i32) (param $needle i32) (result i32) (local $length i32)
    (local.set $length (call $length (local.get $needle)))
    (local.set $end (i32.sub (local.get $end) (local.get $length)))
    (local.set $needle (call $start (local.get $needle)))
    (loop $next
      (if (i32.gt_s (local.get $at) (local.get $end))
        (then (return (i32.const 0))))
      (if (i32.eqz (call $compare (local.get $at) (local.get $needle) (local.get $length)))
        (then (return (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    unreachable)

  (func (export "rt::str_contains") (param $string i32) (param $needle i32) (result i32)
    (i32.ne
      (call $seek (call $start (local.get $string)) (call $end (local.get $string)) (local.get $needle))
      (i32.const 0)))

  (func (export "rt::str_find") (param $string i32) (param $needle i32) (result i64) (local $at i32)
    (local.set $at
      (call $seek (call $start (local.get $string)) (call $end (local.get $string)) (local.get $needle)))
    (if (i32.eqz (local.get $at))
      (then (return (i64.const -1))))
    (i64.extend_i32_u (call $count (call $start (local.get $string)) (local.get $at))))

  (func (export "rt::str_starts_with") (param $string i32) (param $other i32) (result i32)
    (if (i32.lt_u (call $length (local.get $string)) (call $length (local.get $other)))
      (then (return (i32.const 0))))
    (i32.eqz
      (call $compare
        (call $start (local.get $string))
        (call $start (local.get $other))
        (call $length (local.get $other)))))

  (func (export "rt::str_ends_with") (param $string i32) (param $other i32) (result i32)
    (if (i32.lt_u (call $length (local.get $string)) (call $length (local.get $other)))
      (then (return (i32.const 0))))
    (i32.eqz
      (call $compare
        (i32.sub (call $end (local.get $string)) (call $length (local.get $other)))
        (call $start (local.get $other))
        (call $length (local.get $other)))))

  ;; Copies bytes and gives the address behind them; with `to` 0 (a measuring pass) only counts.
  (func $copy (param $to i32) (param $from i32) (param $length i32) (param $measure i32) (result i32)
    (if (i32.eqz (local.get $measure))
      (then (memory.copy (local.get $to) (local.get $from) (local.get $length)))
      (else
        (if (i32.gt_u (i32.add (local.get $to) (local.get $length)) (i32.const 0x3fff0000))
          (then (call $trap_memory)))))
    (i32.add (local.get $to) (local.get $length)))

  ;; One pass of `replace`: writes at `to`, or measures; the end. An empty pattern stands before every character and at
  ;; the end.
  (func $replaced (param $string i32) (param $old i32) (param $new i32) (param $to i32) (param $measure i32)
    (result i32) (local $at i32) (local $end i32) (local $found i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (block $done
      (loop $next
        (local.set $found (call $seek (local.get $at) (local.get $end) (local.get $old)))
        (br_if $done (i32.eqz (local.get $found)))
        (local.set $to
          (call $copy
            (local.get $to)
            (local.get $at)
            (i32.sub (local.get $found) (local.get $at))
            (local.get $measure)))
        (local.set $to
          (call $copy
            (local.get $to)
            (call $start (local.get $new))
            (call $length (local.get $new))
            (local.get $measure)))
        (local.set $at (i32.add (local.get $found) (call $length (local.get $old))))
        (if (i32.eqz (call $length (local.get $old)))
          (then
            (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $found (call $width (i32.load8_u (local.get $at))))
            (local.set $to (call $copy (local.get $to) (local.get $at) (local.get $found) (local.get $measure)))
            (local.set $at (i32.add (local.get $at) (local.get $found)))))
        (br $next)))
    (call $copy
      (local.get $to)
      (local.get $at)
      (i32.sub (local.get $end) (local.get $at))
      (local.get $measure)))

  (func (export "rt::str_replace") (param $string i32) (param $old i32) (param $new i32) (result i32)
    (local $result i32)
    (if (i32.eqz
          (call $seek (call $start (local.get $string)) (call $end (local.get $string)) (local.get $old)))
      (then
        (call $retain (local.get $string))
        (return (local.get $string))))
    (local.set $result
      (call $new
        (call $replaced (local.get $string) (local.get $old) (local.get $new) (i32.const 0) (i32.const 1))))
    (drop
      (call $replaced
        (local.get $string)
        (local.get $old)
        (local.get $new)
        (call $start (local.get $result))
        (i32.const 0)))
    (local.get $result))

  ;; The character at an address.
  (func $get (export "rt::utf8_get") (param $at i32) (result i32) (local $char i32)
    (local.set $char (i32.load8_u (local.get $at)))
    (if (i32.lt_u (local.get $char) (i32.const 0x80))
      (then (return (local.get $char))))
    (if (i32.lt_u (local.get $char) (i32.const 0xe0))
      (then
        (return
          (i32.or
            (i32.shl (i32.and (local.get $char) (i32.const 0x1f)) (i32.const 6))
            (call $tail (local.get $at) (i32.const 1))))))
    (if (i32.lt_u (local.get $char) (i32.const 0xf0))
      (then
        (return
          (i32.or
            (i32.shl (i32.and (local.get $char) (i32.const 0x0f)) (i32.const 12))
            (i32.or
              (i32.shl (call $tail (local.get $at) (i32.const 1)) (i32.const 6))
              (call $tail (local.get $at) (i32.const 2)))))))
    (i32.or
      (i32.or
        (i32.shl (i32.and (local.get $char) (i32.const 0x07)) (i32.const 18))
        (i32.shl (call $tail (local.get $at) (i32.const 1)) (i32.const 12)))
      (i32.or
        (i32.shl (call $tail (local.get $at) (i32.const 2)) (i32.const 6))
        (call $tail (local.get $at) (i32.const 3)))))

  (func $tail (param $at i32) (param $number i32) (result i32)
    (i32.and (i32.load8_u (i32.add (local.get $at) (local.get $number))) (i32.const 0x3f)))

  ;; Whether the character is white space, by Unicode's property of that name.
  (func $is_space (export "rt::is_space") (param $char i32) (result i32)
    (if (i32.le_u (local.get $char) (i32.const 32))
      (then
        (return
          (i32.or
            (i32.eq (local.get $char) (i32.const 32))
            (i32.lt_u (i32.sub (local.get $char) (i32.const 9)) (i32.const 5))))))
    (if (i32.lt_u (local.get $char) (i32.const 0x2000))
      (then
        (return
          (i32.or
            (i32.eq (local.get $char) (i32.const 0x1680))
            (i32.or
              (i32.eq (local.get $char) (i32.const 0x85))
              (i32.eq (local.get $char) (i32.const 0xa0)))))))
    (i32.or
      (i32.or
        (i32.le_u (local.get $char) (i32.const 0x200a))
        (i32.eq (i32.and (local.get $char) (i32.const 0xfffffffe)) (i32.const 0x2028)))
      (i32.or
        (i32.eq (local.get $char) (i32.const 0x202f))
        (i32.or
          (i32.eq (local.get $char) (i32.const 0x205f))
          (i32.eq (local.get $char) (i32.const 0x3000))))))

  ;; The string between its first and its last character that is no white space; bit 0 of `sides`: at the start, bit 1:
  ;; at the end.
  (func $trim (param $string i32) (param $sides i32) (result i32) (local $at i32) (local $end i32) (local $before i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (if (i32.and (local.get $sides) (i32.const 1))
      (then
        (block $first
          (loop $next
            (br_if $first (i32.ge_u (local.get $at) (local.get $end)))
            (br_if $first (i32.eqz (call $is_space (call $get (local.get $at)))))
            (local.set $at (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))
            (br $next)))))
    (if (i32.and (local.get $sides) (i32.const 2))
      (then
        (block $last
          (loop $next
            (br_if $last (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $before (local.get $end))
            (loop $back
              (local.set $before (i32.sub (local.get $before) (i32.const 1)))
              (br_if $back (i32.lt_s (i32.load8_s (local.get $before)) (i32.const -64))))
            (br_if $last (i32.eqz (call $is_space (call $get (local.get $before)))))
            (local.set $end (local.get $before))
            (br $next)))))
    (call $of (local.get $at) (i32.sub (local.get $end) (local.get $at))))

  (func (export "rt::str_trim") (param $string i32) (result i32)
    (call $trim (local.get $string) (i32.const 3)))

  (func (export "rt::str_trim_start") (param $string i32) (result i32)
    (call $trim (local.get $string) (i32.const 1)))

  (func (export "rt::str_trim_end") (param $string i32) (result i32)
    (call $trim (local.get $string) (i32.const 2)))

  ;; The letter behind the backslash for a character that is written so in quotes; 0 for others.
  (func $escape (param $char i32) (result i32)
    (if (i32.or (i32.eq (local.get $char) (i32.const 34)) (i32.eq (local.get $char) (i32.const 92)))
      (then (return (local.get $char))))
    (if (i32.eq (local.get $char) (i32.const 10))
      (then (return (i32.const 110))))
    (if (i32.eq (local.get $char) (i32.const 13))
      (then (return (i32.const 114))))
    (if (i32.eq (local.get $char) (i32.const 9))
      (then (return (i32.const 116))))
    (select (i32.const 48) (i32.const 0) (i32.eqz (local.get $char))))

  (func $hex (param $to i32) (param $digit i32)
    (i32.store8
      (local.get $to)
      (i32.add
        (local.get $digit)
        (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $digit) (i32.const 9))))))

  ;; In quotes, with \" \\ \n \r \t \0, and \u{…} for other control characters of ASCII.
  (func (export "rt::str_debug") (param $string i32) (result i32)
    (local $new i32) (local $at i32) (local $end i32) (local $to i32) (local $char i32) (local $letter i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $to (i32.const 2))
    (block $measured ;; at most six bytes for one
      (loop $next
        (br_if $measured (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $char (i32.load8_u (local.get $at)))
        (local.set $to
          (i32.add
            (local.get $to)
            (select
              (i32.const 6)
              (i32.const 1)
              (i32.or
                (i32.lt_u (local.get $char) (i32.const 32))
                (i32.or
                  (i32.eq (local.get $char) (i32.const 127))
                  (call $escape (local.get $char)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.set $new (call $new (local.get $to)))
    (local.set $at (call $start (local.get $string)))
    (local.set $to (i32.add (local.get $new) (i32.const 9)))
    (i32.store8 offset=8 (local.get $new) (i32.const 34))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $char (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $letter (call $escape (local.get $char)))
        (if (local.get $letter)
          (then
            (i32.store8 (local.get $to) (i32.const 92))
            (i32.store8 offset=1 (local.get $to) (local.get $letter))
            (local.set $to (i32.add (local.get $to) (i32.const 2)))
            (br $next)))
        (if (i32.or (i32.lt_u (local.get $char) (i32.const 32)) (i32.eq (local.get $char) (i32.const 127)))
          (then
            (i32.store align=1 (local.get $to) (i32.const 0x007b755c)) ;; \u{
            (local.set $to (i32.add (local.get $to) (i32.const 3)))
            (if (i32.gt_u (local.get $char) (i32.const 15))
              (then
                (call $hex (local.get $to) (i32.shr_u (local.get $char) (i32.const 4)))
                (local.set $to (i32.add (local.get $to) (i32.const 1)))))
            (call $hex (local.get $to) (i32.and (local.get $char) (i32.const 15)))
            (i32.store8 offset=1 (local.get $to) (i32.const 125))
            (local.set $to (i32.add (local.get $to) (i32.const 2))))
          (else
            (i32.store8 (local.get $to) (local.get $char))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))))
        (br $next)))
    (i32.store8 (local.get $to) (i32.const 34))
    (i32.store offset=4
      (local.get $new)
      (i32.sub (local.get $to) (i32.add (local.get $new) (i32.const 7))))
    (local.get $new))
)
