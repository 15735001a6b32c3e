;; Memory of heap objects in a program that has C too: every block is C's, so there is one heap and one allocator.
;;
;; It takes the place of `alloc.wat`, which would fight with C for the memory behind the data. A block is 4 bytes that
;; nobody uses, a header of 4 bytes that holds the block's size without these, and the object, 8-aligned as `malloc`
;; aligns. Sizes are rounded as there, so that what grows has the same room to grow into.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::trap_memory" (func $trap_memory))
  (import "env" "malloc" (func $malloc (param i32) (result i32)))
  (import "env" "free" (func $c_free (param i32)))
  ;; How many objects are alive.
  (global $count i32 (i32.const 4))
  (global $count.size i32 (i32.const 4))

  (func $round (param $size i32) (result i32) (local $shift i32)
    (local.set $size (i32.sub (local.get $size) (i32.const 1)))
    (local.set $shift (i32.sub (i32.const 29) (i32.clz (local.get $size))))
    (i32.shl (i32.add (i32.shr_u (local.get $size) (local.get $shift)) (i32.const 1)) (local.get $shift)))

  (func $take (export "rt::take") (param $size i32) (result i32) (local $block i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x3fffffff))
      (then (call $trap_memory)))
    (local.set $size (i32.and (i32.add (local.get $size) (i32.const 11)) (i32.const -8)))
    (if (i32.lt_u (local.get $size) (i32.const 16))
      (then (local.set $size (i32.const 16))))
    (local.set $size (call $round (local.get $size)))
    (local.set $block (call $malloc (i32.add (local.get $size) (i32.const 4))))
    (if (i32.eqz (local.get $block))
      (then (call $trap_memory)))
    (i32.store (global.get $count) (i32.add (i32.load (global.get $count)) (i32.const 1)))
    (i32.store offset=4 (local.get $block) (local.get $size))
    (i32.store offset=8 (local.get $block) (i32.const 1))
    (i32.add (local.get $block) (i32.const 8)))

  (func (export "rt::room") (param $object i32) (result i32)
    (i32.sub (i32.load (i32.sub (local.get $object) (i32.const 4))) (i32.const 4)))

  (func (export "rt::alloc") (param $size i32) (result i32) (local $object i32)
    (local.set $object (call $take (local.get $size)))
    (if (i32.gt_u (local.get $size) (i32.const 4))
      (then
        (memory.fill
          (i32.add (local.get $object) (i32.const 4))
          (i32.const 0)
          (i32.sub (local.get $size) (i32.const 4)))))
    (local.get $object))

  (func (export "rt::copy") (param $object i32) (param $size i32) (result i32) (local $new i32)
    (local.set $new (call $take (local.get $size)))
    (memory.copy
      (i32.add (local.get $new) (i32.const 4))
      (i32.add (local.get $object) (i32.const 4))
      (i32.sub (local.get $size) (i32.const 4)))
    (local.get $new))

  (func $free (export "rt::free") (param $object i32)
    (i32.store (global.get $count) (i32.sub (i32.load (global.get $count)) (i32.const 1)))
    (call $c_free (i32.sub (local.get $object) (i32.const 8))))

  (func (export "rt::retain") (param $object i32) (local $count i32)
    (local.set $count (i32.load (local.get $object)))
    (if (i32.ge_s (local.get $count) (i32.const 0))
      (then (i32.store (local.get $object) (i32.add (local.get $count) (i32.const 1))))))

  (func $drop_count (export "rt::drop_count") (param $object i32) (result i32) (local $count i32)
    (local.set $count (i32.load (local.get $object)))
    (if (i32.lt_s (local.get $count) (i32.const 0))
      (then (return (i32.const 0))))
    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
    (i32.store (local.get $object) (local.get $count))
    (i32.eqz (local.get $count)))

  (func (export "rt::release") (param $object i32)
    (if (call $drop_count (local.get $object))
      (then (call $free (local.get $object)))))

  (func (export "rt::unshared") (param $object i32) (result i32)
    (i32.eq (i32.load (local.get $object)) (i32.const 1)))

  ;; For tests.
  (func (export "rt::live") (result i32)
    (i32.load (global.get $count)))
)
