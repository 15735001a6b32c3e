;; Strings as arrays of strings: characters, parts, lines, words; and their bytes.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::arr_new" (func $array (param i32 i32) (result i32)))
  (import "env" "rt::arr_grow" (func $grow (param i32 i32 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))
  (import "env" "rt::utf8_count" (func $count (param i32 i32) (result i32)))
  (import "env" "rt::str_seek" (func $seek (param i32 i32 i32) (result i32)))
  (import "env" "rt::is_space" (func $space (param i32) (result i32)))

  (func $start (param $string i32) (result i32)
    (i32.add (local.get $string) (i32.const 8)))

  (func $end (param $string i32) (result i32)
    (i32.add (call $start (local.get $string)) (i32.load offset=4 (local.get $string))))

  ;; An owned array of strings with one more: the bytes from `at` to `end`.
  (func $push (param $array i32) (param $at i32) (param $end i32) (result i32)
    (local.set $array (call $grow (local.get $array) (i32.const 1) (i32.const 260)))
    (i32.store offset=4
      (i32.add (local.get $array) (i32.shl (i32.load offset=4 (local.get $array)) (i32.const 2)))
      (call $of (local.get $at) (i32.sub (local.get $end) (local.get $at))))
    (local.get $array))

  ;; Each character as a string.
  (func (export "rt::str_chars_array") (param $string i32) (result i32)
    (local $array i32) (local $to i32) (local $at i32) (local $end i32) (local $width i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $array (call $array (call $count (local.get $at) (local.get $end)) (i32.const 260)))
    (local.set $to (local.get $array))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $width (call $width (i32.load8_u (local.get $at))))
        (i32.store offset=8 (local.get $to) (call $of (local.get $at) (local.get $width)))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $at (i32.add (local.get $at) (local.get $width)))
        (br $next)))
    (local.get $array))

  ;; What stands between the separators; at most `most` parts, the last one with all that is left. An empty separator
  ;; stands before every character and at the end.
  (func (export "rt::str_split") (param $string i32) (param $between i32) (param $most i64) (result i32)
    (local $array i32) (local $at i32) (local $end i32) (local $found i32) (local $from i32)
    (local.set $array (call $array (i32.const 0) (i32.const 260)))
    (if (i64.le_s (local.get $most) (i64.const 0))
      (then (return (local.get $array))))
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $from (local.get $at))
    (block $done
      (loop $next
        (local.set $most (i64.sub (local.get $most) (i64.const 1)))
        (br_if $done (i64.eqz (local.get $most)))
        (local.set $found (call $seek (local.get $from) (local.get $end) (local.get $between)))
        (br_if $done (i32.eqz (local.get $found)))
        (local.set $array (call $push (local.get $array) (local.get $at) (local.get $found)))
        (local.set $at (i32.add (local.get $found) (i32.load offset=4 (local.get $between))))
        (local.set $from (local.get $at))
        (if (i32.eqz (i32.load offset=4 (local.get $between)))
          (then
            (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $from (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))))
        (br $next)))
    (call $push (local.get $array) (local.get $at) (local.get $end)))

  ;; Lines without what ends them; nothing behind the last end.
  (func (export "rt::str_lines") (param $string i32) (result i32)
    (local $array i32) (local $at i32) (local $end i32) (local $from i32) (local $stop i32)
    (local.set $array (call $array (i32.const 0) (i32.const 260)))
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $from (local.get $at))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 10))
          (then
            (local.set $stop (local.get $at))
            (if (i32.gt_u (local.get $at) (local.get $from))
              (then
                (if (i32.eq (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 13))
                  (then (local.set $stop (i32.sub (local.get $at) (i32.const 1)))))))
            (local.set $array (call $push (local.get $array) (local.get $from) (local.get $stop)))
            (local.set $from (i32.add (local.get $at) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (if (i32.eq (local.get $from) (local.get $end))
      (then (return (local.get $array))))
    (call $push (local.get $array) (local.get $from) (local.get $end)))

  ;; What stands between white space; no empty ones.
  (func (export "rt::str_words") (param $string i32) (result i32)
    (local $array i32) (local $at i32) (local $end i32) (local $from i32) (local $width i32)
    (local.set $array (call $array (i32.const 0) (i32.const 260)))
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $from (local.get $at))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $width (call $width (i32.load8_u (local.get $at))))
        (if (call $space (call $get (local.get $at)))
          (then
            (if (i32.lt_u (local.get $from) (local.get $at))
              (then (local.set $array (call $push (local.get $array) (local.get $from) (local.get $at)))))
            (local.set $from (i32.add (local.get $at) (local.get $width)))))
        (local.set $at (i32.add (local.get $at) (local.get $width)))
        (br $next)))
    (if (i32.eq (local.get $from) (local.get $end))
      (then (return (local.get $array))))
    (call $push (local.get $array) (local.get $from) (local.get $end)))

  ;; Each byte as an i64.
  (func (export "rt::str_bytes") (param $string i32) (result i32)
    (local $array i32) (local $to i32) (local $at i32) (local $end i32)
    (local.set $at (call $start (local.get $string)))
    (local.set $end (call $end (local.get $string)))
    (local.set $array (call $array (i32.load offset=4 (local.get $string)) (i32.const 8)))
    (local.set $to (local.get $array))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (i64.store offset=8 (local.get $to) (i64.load8_u (local.get $at)))
        (local.set $to (i32.add (local.get $to) (i32.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $array))
)
