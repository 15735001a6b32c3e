;; Arrays of others: parts, joined, repeated, turned round. `how` is as in array.wat. What is given is looked at only,
;; unless it is said to be owned; what comes out is owned.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::arr_new" (func $new (param i32 i32) (result i32)))
  (import "env" "rt::arr_keep" (func $keep (param i32 i32 i32)))
  (import "env" "rt::arr_own" (func $own (param i32 i32) (result i32)))
  (import "env" "rt::arr_grow" (func $grow (param i32 i32 i32) (result i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::trap" (func $trap (param i32 i32 i32)))
  (import "env" "rt::trap_index" (func $trap_index (param i32 i32 i64 i64)))

  (func $size (param $how i32) (result i32)
    (i32.and (local.get $how) (i32.const 255)))

  ;; The address of an element.
  (func $place (param $array i32) (param $at i32) (param $how i32) (result i32)
    (i32.add
      (i32.add (local.get $array) (i32.const 8))
      (i32.mul (local.get $at) (call $size (local.get $how)))))

  ;; Copies elements to an address, and retains them.
  (func $put (param $to i32) (param $from i32) (param $count i32) (param $how i32) (local $bytes i32)
    (local.set $bytes (i32.mul (local.get $count) (call $size (local.get $how))))
    (memory.copy (local.get $to) (local.get $from) (local.get $bytes))
    (call $keep (local.get $to) (i32.add (local.get $to) (local.get $bytes)) (local.get $how)))

  ;; The elements from one index to another, which are within the array.
  (func $copy (param $array i32) (param $from i32) (param $to i32) (param $how i32) (result i32)
    (local $new i32) (local $count i32)
    (local.set $count (i32.sub (local.get $to) (local.get $from)))
    (local.set $new (call $new (local.get $count) (local.get $how)))
    (call $put
      (i32.add (local.get $new) (i32.const 8))
      (call $place (local.get $array) (local.get $from) (local.get $how))
      (local.get $count)
      (local.get $how))
    (local.get $new))

  ;; `a[from..to]`: negative ends count from the end, an end beyond the length is cut. A start beyond the length, or
  ;; beyond the end, traps.
  (func (export "rt::arr_slice")
    (param $array i32) (param $from i64) (param $to i64) (param $how i32) (param $lines i32) (param $index i32)
    (result i32) (local $length i64) (local $first i64)
    (local.set $length (i64.load32_u offset=4 (local.get $array)))
    (local.set $first (local.get $from))
    (if (i64.lt_s (local.get $from) (i64.const 0))
      (then (local.set $first (i64.add (local.get $from) (local.get $length)))))
    (if (i64.lt_s (local.get $to) (i64.const 0))
      (then (local.set $to (i64.add (local.get $to) (local.get $length)))))
    (if (i64.gt_s (local.get $to) (local.get $length))
      (then (local.set $to (local.get $length))))
    (if (i32.or (i64.gt_u (local.get $first) (local.get $length)) (i64.gt_s (local.get $first) (local.get $to)))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $from) (local.get $length))))
    (call $copy
      (local.get $array)
      (i32.wrap_i64 (local.get $first))
      (i32.wrap_i64 (local.get $to))
      (local.get $how)))

  ;; The same for `slice`, `take`, `skip`: both ends are cut to what there is.
  (func (export "rt::arr_part") (param $array i32) (param $from i64) (param $to i64) (param $how i32) (result i32)
    (local.set $to (call $within (local.get $array) (local.get $to)))
    (local.set $from (call $within (local.get $array) (local.get $from)))
    (if (i64.gt_s (local.get $from) (local.get $to))
      (then (local.set $from (local.get $to))))
    (call $copy
      (local.get $array)
      (i32.wrap_i64 (local.get $from))
      (i32.wrap_i64 (local.get $to))
      (local.get $how)))

  (func $within (param $array i32) (param $at i64) (result i64) (local $length i64)
    (local.set $length (i64.load32_u offset=4 (local.get $array)))
    (if (i64.lt_s (local.get $at) (i64.const 0))
      (then (return (i64.const 0))))
    (select (local.get $length) (local.get $at) (i64.gt_s (local.get $at) (local.get $length))))

  (func (export "rt::arr_concat") (param $a i32) (param $b i32) (param $how i32) (result i32)
    (local $new i32) (local $first i32) (local $second i32)
    (local.set $first (i32.load offset=4 (local.get $a)))
    (local.set $second (i32.load offset=4 (local.get $b)))
    (local.set $new (call $new (i32.add (local.get $first) (local.get $second)) (local.get $how)))
    (call $put
      (i32.add (local.get $new) (i32.const 8))
      (i32.add (local.get $a) (i32.const 8))
      (local.get $first)
      (local.get $how))
    (call $put
      (call $place (local.get $new) (local.get $first) (local.get $how))
      (i32.add (local.get $b) (i32.const 8))
      (local.get $second)
      (local.get $how))
    (local.get $new))

  ;; `a`, which is owned, with the elements of `b` behind its own. `b` may be `a`.
  (func (export "rt::arr_append") (param $a i32) (param $b i32) (param $how i32) (result i32)
    (local $new i32) (local $first i32) (local $second i32)
    (local.set $first (i32.load offset=4 (local.get $a)))
    (local.set $second (i32.load offset=4 (local.get $b)))
    (local.set $new (call $grow (local.get $a) (local.get $second) (local.get $how)))
    (if (i32.eq (local.get $a) (local.get $b)) ;; its elements are where it is now
      (then (local.set $b (local.get $new))))
    (call $put
      (call $place (local.get $new) (local.get $first) (local.get $how))
      (i32.add (local.get $b) (i32.const 8))
      (local.get $second)
      (local.get $how))
    (local.get $new))

  ;; An array of so many elements, which are still to be written. Traps on less than none.
  (func (export "rt::arr_times") (param $count i64) (param $how i32) (param $lines i32) (param $index i32) (result i32)
    (if (i64.lt_s (local.get $count) (i64.const 0))
      (then (call $trap (local.get $lines) (local.get $index) (i32.const 8))))
    (call $new
      (select
        (i32.const 0x3fffffff)
        (i32.wrap_i64 (local.get $count))
        (i64.gt_u (local.get $count) (i64.const 0x3fffffff)))
      (local.get $how)))

  ;; Gives all elements behind the first one its value. It is owned; there is a first one.
  (func (export "rt::arr_fill") (param $array i32) (param $how i32)
    (local $start i32) (local $total i32) (local $done i32) (local $part i32)
    (local.set $start (i32.add (local.get $array) (i32.const 8)))
    (local.set $done (call $size (local.get $how)))
    (local.set $total (i32.mul (i32.load offset=4 (local.get $array)) (local.get $done)))
    (block $end
      (br_if $end (i32.eqz (local.get $done)))
      (loop $next ;; doubles what is written, so that it takes few calls
        (br_if $end (i32.ge_u (local.get $done) (local.get $total)))
        (local.set $part (i32.sub (local.get $total) (local.get $done)))
        (local.set $part (select (local.get $done) (local.get $part) (i32.lt_u (local.get $done) (local.get $part))))
        (memory.copy (i32.add (local.get $start) (local.get $done)) (local.get $start) (local.get $part))
        (local.set $done (i32.add (local.get $done) (local.get $part)))
        (br $next)))
    (call $keep
      (i32.add (local.get $start) (call $size (local.get $how)))
      (i32.add (local.get $start) (local.get $total))
      (local.get $how)))

  ;; An owned array, its elements in the other order.
  (func (export "rt::arr_reverse") (param $array i32) (param $how i32) (result i32)
    (local $size i32) (local $low i32) (local $high i32) (local $kept i64)
    (local.set $size (call $size (local.get $how)))
    (local.set $array (call $own (local.get $array) (local.get $how)))
    (if (i32.eqz (local.get $size))
      (then (return (local.get $array))))
    (local.set $low (i32.add (local.get $array) (i32.const 8)))
    (local.set $high
      (i32.sub
        (call $place (local.get $array) (i32.load offset=4 (local.get $array)) (local.get $how))
        (local.get $size)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $low) (local.get $high)))
        (local.set $kept (call $read (local.get $low) (local.get $size)))
        (memory.copy (local.get $low) (local.get $high) (local.get $size))
        (call $write (local.get $high) (local.get $size) (local.get $kept))
        (local.set $low (i32.add (local.get $low) (local.get $size)))
        (local.set $high (i32.sub (local.get $high) (local.get $size)))
        (br $next)))
    (local.get $array))

  ;; An element of any size.
  (func $read (param $at i32) (param $size i32) (result i64)
    (if (i32.eq (local.get $size) (i32.const 8))
      (then (return (i64.load (local.get $at)))))
    (if (i32.eq (local.get $size) (i32.const 4))
      (then (return (i64.load32_u (local.get $at)))))
    (if (i32.eq (local.get $size) (i32.const 2))
      (then (return (i64.load16_u (local.get $at)))))
    (i64.load8_u (local.get $at)))

  (func $write (param $at i32) (param $size i32) (param $value i64)
    (if (i32.eq (local.get $size) (i32.const 8))
      (then
        (i64.store (local.get $at) (local.get $value))
        (return)))
    (if (i32.eq (local.get $size) (i32.const 4))
      (then
        (i64.store32 (local.get $at) (local.get $value))
        (return)))
    (if (i32.eq (local.get $size) (i32.const 2))
      (then
        (i64.store16 (local.get $at) (local.get $value))
        (return)))
    (i64.store8 (local.get $at) (local.get $value)))

  ;; An owned array, longer by one element that is still to be written, at the index `at`: the elements from there on
  ;; move up. Traps where `at` is beyond the length.
  (func (export "rt::arr_open")
    (param $array i32) (param $at i64) (param $how i32) (param $lines i32) (param $index i32) (result i32)
    (local $length i32) (local $place i32)
    (local.set $length (i32.load offset=4 (local.get $array)))
    (if (i64.gt_u (local.get $at) (i64.extend_i32_u (local.get $length)))
      (then
        (call $trap_index
          (local.get $lines)
          (local.get $index)
          (local.get $at)
          (i64.extend_i32_u (local.get $length)))))
    (local.set $array (call $grow (local.get $array) (i32.const 1) (local.get $how)))
    (local.set $place (call $place (local.get $array) (i32.wrap_i64 (local.get $at)) (local.get $how)))
    (memory.copy
      (i32.add (local.get $place) (call $size (local.get $how)))
      (local.get $place)
      (i32.sub (call $place (local.get $array) (local.get $length) (local.get $how)) (local.get $place)))
    (local.get $array))

  ;; An owned array without the element at an index that is within it, which somebody else holds as well.
  (func (export "rt::arr_close") (param $array i32) (param $index i64) (param $how i32) (result i32)
    (local $at i32) (local $last i32) (local $place i32)
    (local.set $at (i32.wrap_i64 (local.get $index)))
    (local.set $array (call $own (local.get $array) (local.get $how)))
    (local.set $last (i32.sub (i32.load offset=4 (local.get $array)) (i32.const 1)))
    (local.set $place (call $place (local.get $array) (local.get $at) (local.get $how)))
    (if (i32.ge_u (local.get $how) (i32.const 256))
      (then (call $release (i32.load (local.get $place)))))
    (memory.copy
      (local.get $place)
      (i32.add (local.get $place) (call $size (local.get $how)))
      (i32.sub (call $place (local.get $array) (local.get $last) (local.get $how)) (local.get $place)))
    (i32.store offset=4 (local.get $array) (local.get $last))
    (local.get $array))
)
