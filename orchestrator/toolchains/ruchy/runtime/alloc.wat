;; Memory of heap objects: size classes with a free list each, four classes to a doubling, nothing ever merged.
;;
;; A block is a header of 4 bytes that holds the block's size, header included, and the object behind it, 8-aligned. Its
;; size is a size class, so at most a fifth of it is unused. A free object has count 0 and in its second word the next
;; free object of its class. A list that is empty takes from the end of the used memory, which grows by pages.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::trap_memory" (func $trap_memory))
  (import "data" "__heap_base" (global $base i32))
  ;; First word: the end of the used memory, 4 below a multiple of 8; then from 44 on the heads of the free lists.
  (global $heap i32 (i32.const 16))
  (global $heap.size i32 (i32.const 512))

  ;; Rounds a block's size, a multiple of 8 from 16 on, up to its class; and the address of the head of that class.
  (func $round (param $size i32) (result i32) (local $shift i32)
    (local.set $size (i32.sub (local.get $size) (i32.const 1)))
    (local.set $shift (i32.sub (i32.const 29) (i32.clz (local.get $size))))
    (i32.shl (i32.add (i32.shr_u (local.get $size) (local.get $shift)) (i32.const 1)) (local.get $shift)))
  (func $head (param $size i32) (result i32) (local $shift i32)
    (local.set $size (i32.sub (local.get $size) (i32.const 1)))
    (local.set $shift (i32.sub (i32.const 29) (i32.clz (local.get $size))))
    (i32.add
      (global.get $heap)
      (i32.shl
        (i32.add (i32.shl (local.get $shift) (i32.const 2)) (i32.shr_u (local.get $size) (local.get $shift)))
        (i32.const 2))))

  ;; Takes a fresh block of that class from the end of the used memory.
  (func $extend (param $size i32) (result i32) (local $block i32) (local $missing i32)
    (local.set $block (i32.load (global.get $heap)))
    (if (i32.eqz (local.get $block))
      (then
        (local.set $block
          (i32.add (i32.and (i32.add (global.get $base) (i32.const 3)) (i32.const -8)) (i32.const 4)))))
    (local.set $missing
      (i32.sub
        (i32.add (local.get $block) (local.get $size))
        (i32.shl (memory.size) (i32.const 16))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq
              (memory.grow (i32.shr_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 16)))
              (i32.const -1))
          (then (call $trap_memory)))))
    (i32.store (global.get $heap) (i32.add (local.get $block) (local.get $size)))
    (i32.store (local.get $block) (local.get $size))
    (i32.add (local.get $block) (i32.const 4)))

  ;; An object of `size` bytes with count 1; the rest is whatever was there.
  (func $take (export "rt::take") (param $size i32) (result i32) (local $head i32) (local $object i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x3fffffff))
      (then (call $trap_memory)))
    (local.set $size (i32.and (i32.add (local.get $size) (i32.const 11)) (i32.const -8)))
    (if (i32.lt_u (local.get $size) (i32.const 16))
      (then (local.set $size (i32.const 16))))
    (local.set $head (call $head (local.get $size)))
    (local.set $object (i32.load (local.get $head)))
    (if (local.get $object)
      (then (i32.store (local.get $head) (i32.load offset=4 (local.get $object))))
      (else (local.set $object (call $extend (call $round (local.get $size))))))
    (i32.store (local.get $object) (i32.const 1))
    (local.get $object))

  ;; How many bytes an own object has room for, header included.
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

  (func $free (export "rt::free") (param $object i32) (local $head i32)
    (local.set $head (call $head (i32.load (i32.sub (local.get $object) (i32.const 4)))))
    (i32.store (local.get $object) (i32.const 0))
    (i32.store offset=4 (local.get $object) (i32.load (local.get $head)))
    (i32.store (local.get $head) (local.get $object)))

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

  ;; How many objects are alive: walks all blocks. For tests.
  (func (export "rt::live") (result i32) (local $block i32) (local $end i32) (local $count i32)
    (local.set $end (i32.load (global.get $heap)))
    (if (i32.eqz (local.get $end))
      (then (return (i32.const 0))))
    (local.set $block
      (i32.add (i32.and (i32.add (global.get $base) (i32.const 3)) (i32.const -8)) (i32.const 4)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $block) (local.get $end)))
        (local.set $count
          (i32.add (local.get $count) (i32.ne (i32.load offset=4 (local.get $block)) (i32.const 0))))
        (local.set $block (i32.add (local.get $block) (i32.load (local.get $block))))
        (br $next)))
    (local.get $count))
)
