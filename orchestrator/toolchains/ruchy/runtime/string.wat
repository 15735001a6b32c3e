;; Strings: making, joining, comparing, and taking apart by character.
;;
;; A string is `count: i32, length: i32, bytes…`, always valid UTF-8; so a character begins at every byte that is not
;; of the form 10xxxxxx, and its first byte says how many it has.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::room" (func $room (param i32) (result i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::trap" (func $trap (param i32 i32 i32)))
  (import "env" "rt::trap_index" (func $trap_index (param i32 i32 i64 i64)))
  (global $true i32 (i32.const 1072))
  (data $true (i32.const 1072) "\ff\ff\ff\ff\04\00\00\00true")
  (global $false i32 (i32.const 1088))
  (data $false (i32.const 1088) "\ff\ff\ff\ff\05\00\00\00false")

  ;; A string of that many bytes, still to be written.
  (func $new (export "rt::str_new") (param $length i32) (result i32) (local $new i32)
    (local.set $new (call $take (i32.add (local.get $length) (i32.const 8))))
    (i32.store offset=4 (local.get $new) (local.get $length))
    (local.get $new))

  ;; A string of the bytes from an address on.
  (func $of (export "rt::str_of") (param $start i32) (param $length i32) (result i32) (local $new i32)
    (local.set $new (call $new (local.get $length)))
    (memory.copy (i32.add (local.get $new) (i32.const 8)) (local.get $start) (local.get $length))
    (local.get $new))

  ;; How many bytes the character has that begins with this byte.
  (func $width (export "rt::utf8_width") (param $first i32) (result i32)
    (if (i32.lt_u (local.get $first) (i32.const 0x80))
      (then (return (i32.const 1))))
    (i32.add
      (i32.add (i32.const 2) (i32.ge_u (local.get $first) (i32.const 0xe0)))
      (i32.ge_u (local.get $first) (i32.const 0xf0))))

  (func (export "rt::bool_to_str") (param $value i32) (result i32)
    (select (global.get $true) (global.get $false) (local.get $value)))

  (func (export "rt::str_concat") (param $a i32) (param $b i32) (result i32) (local $new i32) (local $length i32)
    (local.set $length (i32.load offset=4 (local.get $a)))
    (local.set $new (call $new (i32.add (local.get $length) (i32.load offset=4 (local.get $b)))))
    (memory.copy
      (i32.add (local.get $new) (i32.const 8))
      (i32.add (local.get $a) (i32.const 8))
      (local.get $length))
    (memory.copy
      (i32.add (i32.add (local.get $new) (local.get $length)) (i32.const 8))
      (i32.add (local.get $b) (i32.const 8))
      (i32.load offset=4 (local.get $b)))
    (local.get $new))

  ;; In place where `a` is unshared and has room; else in a new string with half as much room again, so that a loop of
  ;; appends copies each byte a few times only. `b` may be `a`.
  (func (export "rt::str_append") (param $a i32) (param $b i32) (result i32)
    (local $old i32) (local $more i32) (local $sum i32) (local $into i32)
    (local.set $old (i32.load offset=4 (local.get $a)))
    (local.set $more (i32.load offset=4 (local.get $b)))
    (local.set $sum (i32.add (local.get $old) (local.get $more)))
    (local.set $into (local.get $a))
    (block $fits
      (if (i32.eq (i32.load (local.get $a)) (i32.const 1))
        (then
          (br_if $fits
            (i32.ge_u (call $room (local.get $a)) (i32.add (local.get $sum) (i32.const 8))))))
      (local.set $into
        (call $take (i32.add (i32.add (local.get $sum) (i32.shr_u (local.get $sum) (i32.const 1))) (i32.const 8))))
      (memory.copy
        (i32.add (local.get $into) (i32.const 8))
        (i32.add (local.get $a) (i32.const 8))
        (local.get $old)))
    (memory.copy
      (i32.add (i32.add (local.get $into) (local.get $old)) (i32.const 8))
      (i32.add (local.get $b) (i32.const 8))
      (local.get $more))
    (i32.store offset=4 (local.get $into) (local.get $sum))
    (if (i32.ne (local.get $into) (local.get $a))
      (then (call $release (local.get $a))))
    (local.get $into))

  ;; The first difference of two runs of bytes: below, at or above 0 as the first is less, equal or greater.
  (func $difference (export "rt::bytes_compare") (param $a i32) (param $b i32) (param $length i32) (result i32)
    (local $end i32) (local $difference i32)
    (local.set $end (i32.add (local.get $a) (local.get $length)))
    (block $short
      (loop $eight ;; eight equal bytes at a time
        (br_if $short (i32.gt_u (i32.add (local.get $a) (i32.const 8)) (local.get $end)))
        (br_if $short (i64.ne (i64.load align=1 (local.get $a)) (i64.load align=1 (local.get $b))))
        (local.set $a (i32.add (local.get $a) (i32.const 8)))
        (local.set $b (i32.add (local.get $b) (i32.const 8)))
        (br $eight)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $difference (i32.sub (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b))))
        (br_if $done (local.get $difference))
        (local.set $a (i32.add (local.get $a) (i32.const 1)))
        (local.set $b (i32.add (local.get $b) (i32.const 1)))
        (br $one)))
    (local.get $difference))

  (func (export "rt::str_eq") (param $a i32) (param $b i32) (result i32)
    (if (i32.eq (local.get $a) (local.get $b))
      (then (return (i32.const 1))))
    (if (i32.ne (i32.load offset=4 (local.get $a)) (i32.load offset=4 (local.get $b)))
      (then (return (i32.const 0))))
    (i32.eqz
      (call $difference
        (i32.add (local.get $a) (i32.const 8))
        (i32.add (local.get $b) (i32.const 8))
        (i32.load offset=4 (local.get $a)))))

  (func (export "rt::str_compare") (param $a i32) (param $b i32) (result i32)
    (local $difference i32) (local $m i32) (local $n i32)
    (local.set $m (i32.load offset=4 (local.get $a)))
    (local.set $n (i32.load offset=4 (local.get $b)))
    (local.set $difference
      (call $difference
        (i32.add (local.get $a) (i32.const 8))
        (i32.add (local.get $b) (i32.const 8))
        (select (local.get $m) (local.get $n) (i32.lt_u (local.get $m) (local.get $n)))))
    (if (i32.eqz (local.get $difference))
      (then (local.set $difference (i32.sub (local.get $m) (local.get $n)))))
    (i32.sub
      (i32.gt_s (local.get $difference) (i32.const 0))
      (i32.lt_s (local.get $difference) (i32.const 0))))

  ;; Doubles what is written, so that it takes few calls for many copies.
  (func (export "rt::str_repeat") (param $string i32) (param $times i64) (param $lines i32) (param $index i32)
    (result i32) (local $length i32) (local $total i32) (local $new i32) (local $done i32) (local $part i32)
    (local.set $length (i32.load offset=4 (local.get $string)))
    (if (i64.lt_s (local.get $times) (i64.const 0))
      (then (call $trap (local.get $lines) (local.get $index) (i32.const 8))))
    (if (local.get $length)
      (then
        (if (i64.gt_u (local.get $times) (i64.div_u (i64.const 0x3fff0000) (i64.extend_i32_u (local.get $length))))
          (then (call $trap (local.get $lines) (local.get $index) (i32.const 7))))))
    (local.set $total (i32.mul (local.get $length) (i32.wrap_i64 (local.get $times))))
    (local.set $new (call $new (local.get $total)))
    (local.set $part (local.get $length))
    (block $end
      (br_if $end (i32.eqz (local.get $total)))
      (memory.copy
        (i32.add (local.get $new) (i32.const 8))
        (i32.add (local.get $string) (i32.const 8))
        (local.get $length))
      (local.set $done (local.get $length))
      (loop $next
        (br_if $end (i32.ge_u (local.get $done) (local.get $total)))
        (local.set $part (i32.sub (local.get $total) (local.get $done)))
        (local.set $part
          (select (local.get $done) (local.get $part) (i32.lt_u (local.get $done) (local.get $part))))
        (memory.copy
          (i32.add (i32.add (local.get $new) (i32.const 8)) (local.get $done))
          (i32.add (local.get $new) (i32.const 8))
          (local.get $part))
        (local.set $done (i32.add (local.get $done) (local.get $part)))
        (br $next)))
    (local.get $new))

  (func (export "rt::str_len") (param $string i32) (result i64)
    (i64.load32_u offset=4 (local.get $string)))

  ;; How many characters begin in some bytes: all bytes but those of the form 10xxxxxx, eight at a time.
  (func $count (export "rt::utf8_count") (param $at i32) (param $end i32) (result i32) (local $count i32) (local $word i64)
    (local.set $count (i32.sub (local.get $end) (local.get $at)))
    (block $short
      (loop $eight
        (br_if $short (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
        (local.set $word (i64.load align=1 (local.get $at)))
        (local.set $count
          (i32.sub
            (local.get $count)
            (i32.wrap_i64
              (i64.popcnt
                (i64.and
                  (i64.and (local.get $word) (i64.const 0x8080808080808080))
                  (i64.shl (i64.xor (local.get $word) (i64.const -1)) (i64.const 1)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $eight)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $count
          (i32.sub (local.get $count) (i32.lt_s (i32.load8_s (local.get $at)) (i32.const -64))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $one)))
    (local.get $count))

  (func $chars (export "rt::str_chars") (param $string i32) (result i64)
    (i64.extend_i32_u
      (call $count
        (i32.add (local.get $string) (i32.const 8))
        (i32.add (i32.add (local.get $string) (i32.const 8)) (i32.load offset=4 (local.get $string))))))

  ;; The address `steps` characters behind `at`.
  (func $skip (param $at i32) (param $steps i64) (result i32)
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $steps)))
        (local.set $at (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))
        (local.set $steps (i64.sub (local.get $steps) (i64.const 1)))
        (br $next)))
    (local.get $at))

  (func (export "rt::str_at") (param $string i32) (param $at i64) (param $lines i32) (param $index i32) (result i32)
    (local $chars i64) (local $from i64) (local $start i32)
    (local.set $chars (call $chars (local.get $string)))
    (local.set $from (local.get $at))
    (if (i64.lt_s (local.get $at) (i64.const 0))
      (then (local.set $from (i64.add (local.get $at) (local.get $chars)))))
    (if (i64.ge_u (local.get $from) (local.get $chars))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $at) (local.get $chars))))
    (local.set $start (i32.add (local.get $string) (i32.const 8)))
    (local.set $start
      (if (result i32) (i64.eq (local.get $chars) (i64.load32_u offset=4 (local.get $string)))
        (then (i32.add (local.get $start) (i32.wrap_i64 (local.get $from)))) ;; all ASCII
        (else (call $skip (local.get $start) (local.get $from)))))
    (call $of (local.get $start) (call $width (i32.load8_u (local.get $start)))))

  (func (export "rt::str_slice")
    (param $string i32) (param $from i64) (param $to i64) (param $lines i32) (param $index i32) (result i32)
    (local $chars i64)
    (local.set $chars (call $chars (local.get $string)))
    (if (i64.gt_u (local.get $to) (local.get $chars))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $to) (local.get $chars))))
    (if (i64.gt_u (local.get $from) (local.get $to))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $from) (local.get $chars))))
    (call $cut (local.get $string) (local.get $from) (local.get $to)))

  ;; `s[from..to]`: negative ends count from the end.
  (func (export "rt::str_range")
    (param $string i32) (param $from i64) (param $to i64) (param $lines i32) (param $index i32) (result i32)
    (local $chars i64) (local $first i64) (local $last i64)
    (local.set $chars (call $chars (local.get $string)))
    (local.set $first (local.get $from))
    (if (i64.lt_s (local.get $from) (i64.const 0))
      (then (local.set $first (i64.add (local.get $from) (local.get $chars)))))
    (local.set $last (local.get $to))
    (if (i64.lt_s (local.get $to) (i64.const 0))
      (then (local.set $last (i64.add (local.get $to) (local.get $chars)))))
    (if (i64.gt_u (local.get $last) (local.get $chars))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $to) (local.get $chars))))
    (if (i64.gt_u (local.get $first) (local.get $last))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $from) (local.get $chars))))
    (call $cut (local.get $string) (local.get $first) (local.get $last)))

  (func $cut (param $string i32) (param $from i64) (param $to i64) (result i32) (local $start i32)
    (local.set $start (call $skip (i32.add (local.get $string) (i32.const 8)) (local.get $from)))
    (call $of
      (local.get $start)
      (i32.sub (call $skip (local.get $start) (i64.sub (local.get $to) (local.get $from))) (local.get $start))))

  (func (export "rt::str_reverse") (param $string i32) (result i32)
    (local $new i32) (local $at i32) (local $end i32) (local $to i32) (local $width i32)
    (local.set $new (call $new (i32.load offset=4 (local.get $string))))
    (local.set $at (i32.add (local.get $string) (i32.const 8)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $string))))
    (local.set $to (i32.add (i32.add (local.get $new) (i32.const 8)) (i32.load offset=4 (local.get $string))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $width (call $width (i32.load8_u (local.get $at))))
        (local.set $to (i32.sub (local.get $to) (local.get $width)))
        (memory.copy (local.get $to) (local.get $at) (local.get $width))
        (local.set $at (i32.add (local.get $at) (local.get $width)))
        (br $next)))
    (local.get $new))

  ;; Writes a character; the address behind it.
  (func $put_char (export "rt::utf8_put") (param $at i32) (param $char i32) (result i32)
    (if (i32.lt_u (local.get $char) (i32.const 0x80))
      (then
        (i32.store8 (local.get $at) (local.get $char))
        (return (i32.add (local.get $at) (i32.const 1)))))
    (if (i32.lt_u (local.get $char) (i32.const 0x800))
      (then (i32.store8 (local.get $at) (i32.or (i32.shr_u (local.get $char) (i32.const 6)) (i32.const 0xc0))))
      (else
        (if (i32.lt_u (local.get $char) (i32.const 0x10000))
          (then (i32.store8 (local.get $at) (i32.or (i32.shr_u (local.get $char) (i32.const 12)) (i32.const 0xe0))))
          (else
            (i32.store8 (local.get $at) (i32.or (i32.shr_u (local.get $char) (i32.const 18)) (i32.const 0xf0)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (call $put_tail (local.get $at) (i32.shr_u (local.get $char) (i32.const 12)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (call $put_tail (local.get $at) (i32.shr_u (local.get $char) (i32.const 6)))))
    (call $put_tail (i32.add (local.get $at) (i32.const 1)) (local.get $char))
    (i32.add (local.get $at) (i32.const 2)))

  (func $put_tail (param $at i32) (param $bits i32)
    (i32.store8 (local.get $at) (i32.or (i32.and (local.get $bits) (i32.const 0x3f)) (i32.const 0x80))))

  (func (export "rt::char_to_str") (param $char i32) (result i32) (local $new i32)
    (local.set $new (call $new (i32.const 4)))
    (i32.store offset=4
      (local.get $new)
      (i32.sub
        (call $put_char (i32.add (local.get $new) (i32.const 8)) (local.get $char))
        (i32.add (local.get $new) (i32.const 8))))
    (local.get $new))
)
