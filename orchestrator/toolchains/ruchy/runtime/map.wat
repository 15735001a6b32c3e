;; Maps and sets: what finding a key needs that no trap can come of.
(module
  ;; The number halfway between two, rounded down; their sum is far from overflow.
  (func (export "rt::map_middle") (param $low i64) (param $high i64) (result i64)
    (i64.shr_s (i64.add (local.get $low) (local.get $high)) (i64.const 1)))

  ;; The index so many further; neither is near the ends of what an i64 holds.
  (func (export "rt::map_further") (param $index i64) (param $by i64) (result i64)
    (i64.add (local.get $index) (local.get $by)))

  ;; Keys stand in three stretches, each in order, of which the third gets the new ones. Whether moving these takes longer
  ;; than merging them into the second one now and then: more than the root of the keys behind the first one.
  (func (export "rt::map_is_full") (param $length i64) (param $second i64) (param $first i64) (result i32)
    (local $new i64)
    (local.set $new (i64.sub (local.get $length) (local.get $second)))
    (i64.gt_s
      (i64.mul (local.get $new) (local.get $new))
      (i64.add (i64.sub (local.get $length) (local.get $first)) (i64.const 1024))))

  ;; The same of the second and the first one: more than four times the cube root of the square of all.
  (func (export "rt::map_is_wide") (param $length i64) (param $first i64) (result i32) (local $wide i64)
    (local.set $wide (i64.sub (local.get $length) (local.get $first)))
    (i64.gt_s
      (i64.mul
        (i64.div_s (i64.mul (local.get $wide) (local.get $wide)) (local.get $length))
        (local.get $wide))
      (i64.mul (local.get $length) (i64.const 64))))
)
