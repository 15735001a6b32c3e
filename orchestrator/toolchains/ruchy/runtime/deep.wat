;; Releasing and comparing values that hold others of their own type, however deep: lists, trees.
;;
;; The first hundred levels are done by calls. What lies deeper is put off: a note of it gets into a list, and the
;; outermost call does what is in the list, one after the other, when all calls inside of it have returned. Nobody else
;; looks at the list, so the order does not matter. A note is `1, next, object, other object, slot`.
(module
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::free" (func $free (param i32)))
  (type $drop (func (param i32)))
  (type $eq (func (param i32 i32) (result i32)))
  ;; How deep the calls are, and the first note, 0 for none: of those that release, and of those that compare. They are
  ;; apart, because a comparison may release what it made.
  (global $drops (mut i32) (i32.const 0))
  (global $dropped (mut i32) (i32.const 0))
  (global $equals (mut i32) (i32.const 0))
  (global $compared (mut i32) (i32.const 0))

  (func $note (param $next i32) (param $a i32) (param $b i32) (param $slot i32) (result i32) (local $note i32)
    (local.set $note (call $take (i32.const 20)))
    (i32.store offset=4 (local.get $note) (local.get $next))
    (i32.store offset=8 (local.get $note) (local.get $a))
    (i32.store offset=12 (local.get $note) (local.get $b))
    (i32.store offset=16 (local.get $note) (local.get $slot))
    (local.get $note))

  ;; Calls the function in a slot of the table for an object that nobody holds any more; it releases what is in the
  ;; object, and gives its memory back.
  (func (export "rt::deep_drop") (param $object i32) (param $slot i32) (local $depth i32) (local $note i32)
    (local.set $depth (global.get $drops))
    (if (i32.ge_u (local.get $depth) (i32.const 100))
      (then
        (global.set $dropped (call $note (global.get $dropped) (local.get $object) (i32.const 0) (local.get $slot)))
        (return)))
    (global.set $drops (i32.add (local.get $depth) (i32.const 1)))
    (call_indirect (type $drop) (local.get $object) (local.get $slot))
    (if (i32.eqz (local.get $depth))
      (then
        (block $done
          (loop $next
            (local.set $note (global.get $dropped))
            (br_if $done (i32.eqz (local.get $note)))
            (global.set $dropped (i32.load offset=4 (local.get $note)))
            (local.set $object (i32.load offset=8 (local.get $note)))
            (local.set $slot (i32.load offset=16 (local.get $note)))
            (call $free (local.get $note))
            (call_indirect (type $drop) (local.get $object) (local.get $slot))
            (br $next)))))
    (global.set $drops (local.get $depth)))

  ;; Whether two objects are equal by the function in a slot of the table. What is put off counts as equal meanwhile; the
  ;; outermost call gives the answer for all. One that was found to differ decides, so the rest is only cleared away.
  (func (export "rt::deep_eq") (param $a i32) (param $b i32) (param $slot i32) (result i32)
    (local $depth i32) (local $note i32) (local $same i32)
    (local.set $depth (global.get $equals))
    (if (i32.ge_u (local.get $depth) (i32.const 100))
      (then
        (global.set $compared (call $note (global.get $compared) (local.get $a) (local.get $b) (local.get $slot)))
        (return (i32.const 1))))
    (global.set $equals (i32.add (local.get $depth) (i32.const 1)))
    (local.set $same (call_indirect (type $eq) (local.get $a) (local.get $b) (local.get $slot)))
    (if (i32.eqz (local.get $depth))
      (then
        (block $done
          (loop $next
            (local.set $note (global.get $compared))
            (br_if $done (i32.eqz (local.get $note)))
            (global.set $compared (i32.load offset=4 (local.get $note)))
            (local.set $a (i32.load offset=8 (local.get $note)))
            (local.set $b (i32.load offset=12 (local.get $note)))
            (local.set $slot (i32.load offset=16 (local.get $note)))
            (call $free (local.get $note))
            (if (local.get $same)
              (then
                (local.set $same (call_indirect (type $eq) (local.get $a) (local.get $b) (local.get $slot)))))
            (br $next)))))
    (global.set $equals (local.get $depth))
    (local.get $same))
)
