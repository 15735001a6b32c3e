;; Putting the elements at the end of an array where they belong among the others. `how` is as in array.wat.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::free" (func $free (param i32)))
  (import "env" "rt::arr_own" (func $own (param i32 i32) (result i32)))

  ;; An owned array, its last elements put before others: `places` is an array of i64 that says for each of them, in
  ;; order, the index of the one that it goes before. From the end on, each stretch of elements is moved once.
  (func (export "rt::arr_weave") (param $array i32) (param $places i32) (param $how i32) (result i32)
    (local $size i32) (local $count i32) (local $start i32) (local $kept i32) (local $end i32) (local $at i32)
    (local.set $array (call $own (local.get $array) (local.get $how)))
    (local.set $size (i32.and (local.get $how) (i32.const 255)))
    (local.set $count (i32.load offset=4 (local.get $places)))
    (if (i32.or (i32.eqz (local.get $size)) (i32.eqz (local.get $count)))
      (then (return (local.get $array))))
    (local.set $start (i32.add (local.get $array) (i32.const 8)))
    (local.set $end (i32.sub (i32.load offset=4 (local.get $array)) (local.get $count)))
    (local.set $kept (call $take (i32.add (i32.mul (local.get $count) (local.get $size)) (i32.const 8))))
    (memory.copy
      (i32.add (local.get $kept) (i32.const 8))
      (i32.add (local.get $start) (i32.mul (local.get $end) (local.get $size)))
      (i32.mul (local.get $count) (local.get $size)))
    (loop $next ;; `count` elements are still to be put in, and the first `end` others are where they were
      (local.set $at
        (i32.wrap_i64
          (i64.load (i32.add (local.get $places) (i32.mul (local.get $count) (i32.const 8))))))
      (memory.copy
        (i32.add (local.get $start) (i32.mul (i32.add (local.get $at) (local.get $count)) (local.get $size)))
        (i32.add (local.get $start) (i32.mul (local.get $at) (local.get $size)))
        (i32.mul (i32.sub (local.get $end) (local.get $at)) (local.get $size)))
      (local.set $end (local.get $at))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (memory.copy
        (i32.add (local.get $start) (i32.mul (i32.add (local.get $at) (local.get $count)) (local.get $size)))
        (i32.add (i32.add (local.get $kept) (i32.const 8)) (i32.mul (local.get $count) (local.get $size)))
        (local.get $size))
      (br_if $next (local.get $count)))
    (call $free (local.get $kept))
    (local.get $array))
)
