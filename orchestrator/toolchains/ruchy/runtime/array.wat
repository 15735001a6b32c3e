;; Arrays: making, growing, looking for an element.
;;
;; An array is `count: i32, length: i32, elements…`, each element of its own natural size. `how` says what its elements
;; are: their size in bytes (0, 1, 2, 4 or 8), and 256 more where each is a counted reference. Retaining is the same for
;; all references, so it is done here; releasing is not, so it is done here only where `rt::release` is right.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::room" (func $room (param i32) (result i32)))
  (import "env" "rt::free" (func $free (param i32)))
  (import "env" "rt::retain" (func $retain (param i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::drop_count" (func $drop_count (param i32) (result i32)))
  (import "env" "rt::trap_index" (func $trap_index (param i32 i32 i64 i64)))

  ;; The bytes of an array, header included; 0x40000000, which nobody can have, where they are too many.
  (func $bytes (param $length i32) (param $how i32) (result i32) (local $bytes i64)
    (local.set $bytes
      (i64.add
        (i64.mul
          (i64.extend_i32_u (local.get $length))
          (i64.extend_i32_u (i32.and (local.get $how) (i32.const 255))))
        (i64.const 8)))
    (if (i64.gt_u (local.get $bytes) (i64.const 0x40000000))
      (then (return (i32.const 0x40000000))))
    (i32.wrap_i64 (local.get $bytes)))

  ;; An array whose elements are still to be written.
  (func $new (export "rt::arr_new") (param $length i32) (param $how i32) (result i32) (local $new i32)
    (local.set $new (call $take (call $bytes (local.get $length) (local.get $how))))
    (i32.store offset=4 (local.get $new) (local.get $length))
    (local.get $new))

  ;; Retains the elements from the address `at` to `end`, if they are counted.
  (func $keep (export "rt::arr_keep") (param $at i32) (param $end i32) (param $how i32)
    (if (i32.lt_u (local.get $how) (i32.const 256))
      (then (return)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $retain (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next))))

  ;; The address behind the last element.
  (func $end (param $array i32) (param $how i32) (result i32)
    (i32.add
      (i32.add (local.get $array) (i32.const 8))
      (i32.mul (i32.load offset=4 (local.get $array)) (i32.and (local.get $how) (i32.const 255)))))

  ;; An array that nobody else holds, with the same elements: itself where that is so, else a copy in its place.
  (func $own (export "rt::arr_own") (param $array i32) (param $how i32) (result i32)
    (if (i32.eq (i32.load (local.get $array)) (i32.const 1))
      (then (return (local.get $array))))
    (call $moved (local.get $array) (i32.load offset=4 (local.get $array)) (local.get $how)))

  ;; The elements of a shared array in a new one with room for `room` elements.
  (func $moved (param $array i32) (param $room i32) (param $how i32) (result i32) (local $new i32)
    (local.set $new (call $take (call $bytes (local.get $room) (local.get $how))))
    (memory.copy
      (i32.add (local.get $new) (i32.const 4))
      (i32.add (local.get $array) (i32.const 4))
      (i32.sub (call $end (local.get $array) (local.get $how)) (i32.add (local.get $array) (i32.const 4))))
    (call $keep
      (i32.add (local.get $new) (i32.const 8))
      (call $end (local.get $new) (local.get $how))
      (local.get $how))
    (call $release (local.get $array)) ;; somebody else holds it: this never frees
    (local.get $new))

  ;; An array that nobody else holds, longer by `more` elements, which are still to be written. It gets half as much room
  ;; again as it needs, so that a loop of pushes moves each element a few times only.
  (func $grow (export "rt::arr_grow") (param $array i32) (param $more i32) (param $how i32) (result i32)
    (local $length i32) (local $need i32) (local $room i32) (local $new i32)
    (local.set $length (i32.add (i32.load offset=4 (local.get $array)) (local.get $more)))
    (if (i32.lt_u (local.get $length) (local.get $more)) ;; more than 32 bits: no memory is so large
      (then (drop (call $take (i32.const 0x40000000)))))
    (local.set $need (call $bytes (local.get $length) (local.get $how)))
    (block $fits
      (block $shared
        (br_if $shared (i32.ne (i32.load (local.get $array)) (i32.const 1)))
        (br_if $fits (i32.ge_u (call $room (local.get $array)) (local.get $need)))
        (local.set $new (call $take (call $roomy (local.get $need))))
        (memory.copy
          (i32.add (local.get $new) (i32.const 8))
          (i32.add (local.get $array) (i32.const 8))
          (i32.sub (call $end (local.get $array) (local.get $how)) (i32.add (local.get $array) (i32.const 8))))
        (call $free (local.get $array))
        (local.set $array (local.get $new))
        (br $fits))
      (local.set $room (i32.add (local.get $length) (i32.shr_u (local.get $length) (i32.const 1))))
      (if (i32.gt_u (call $bytes (local.get $room) (local.get $how)) (i32.const 0x3fffffff))
        (then (local.set $room (local.get $length))))
      (local.set $array (call $moved (local.get $array) (local.get $room) (local.get $how))))
    (i32.store offset=4 (local.get $array) (local.get $length))
    (local.get $array))

  ;; So many bytes and half as many again, as far as memory can have them.
  (func $roomy (param $need i32) (result i32) (local $more i32)
    (local.set $more (i32.add (local.get $need) (i32.shr_u (local.get $need) (i32.const 1))))
    (select
      (local.get $more)
      (local.get $need)
      (i32.lt_u (local.get $more) (i32.const 0x40000000))))

  ;; Without its last element, which somebody else holds as well, and which there is. For `pop`.
  (func (export "rt::arr_shorten") (param $array i32) (param $how i32) (result i32)
    (local.set $array (call $own (local.get $array) (local.get $how)))
    (i32.store offset=4
      (local.get $array)
      (i32.sub (i32.load offset=4 (local.get $array)) (i32.const 1)))
    (if (i32.ge_u (local.get $how) (i32.const 256))
      (then (call $release (i32.load (call $end (local.get $array) (local.get $how))))))
    (local.get $array))

  ;; Which element an index means: a negative one counts from the end. Traps where there is none.
  (func (export "rt::arr_index") (param $array i32) (param $at i64) (param $lines i32) (param $index i32) (result i32)
    (local $length i64) (local $from i64)
    (local.set $length (i64.load32_u offset=4 (local.get $array)))
    (local.set $from (local.get $at))
    (if (i64.lt_s (local.get $at) (i64.const 0))
      (then (local.set $from (i64.add (local.get $at) (local.get $length)))))
    (if (i64.ge_u (local.get $from) (local.get $length))
      (then (call $trap_index (local.get $lines) (local.get $index) (local.get $at) (local.get $length))))
    (i32.wrap_i64 (local.get $from)))

  ;; Releases an array of references, and at 0 these, each of which `rt::release` is right for.
  (func (export "rt::arr_drop") (param $array i32) (local $at i32) (local $end i32)
    (if (i32.eqz (call $drop_count (local.get $array)))
      (then (return)))
    (local.set $at (i32.add (local.get $array) (i32.const 8)))
    (local.set $end (call $end (local.get $array) (i32.const 4)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $release (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next)))
    (call $free (local.get $array)))
)
