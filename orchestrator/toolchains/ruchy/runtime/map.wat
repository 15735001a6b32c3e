;; Maps and sets: what finding a key needs that no trap can come of.
(module
  ;; The number halfway between two, rounded down; their sum is far from overflow.
  (func (export "rt::map_middle") (param $low i64) (param $high i64) (result i64)
    (i64.shr_s (i64.add (local.get $low) (local.get $high)) (i64.const 1)))

  ;; The index so many further; neither is near the ends of what an i64 holds.
  (func (export "rt::map_further") (param $index i64) (param $by i64) (result i64)
    (i64.add (local.get $index) (local.get $by)))

  ;; Whether, of `length` keys, those behind the first `ordered` are so many that moving them takes longer than putting
  ;; all in order now and then: more than four times the root of `length`.
  (func (export "rt::map_is_full") (param $length i64) (param $ordered i64) (result i32) (local $new i64)
    (local.set $new (i64.sub (local.get $length) (local.get $ordered)))
    (i64.gt_s
      (i64.mul (local.get $new) (local.get $new))
      (i64.add (i64.mul (local.get $length) (i64.const 16)) (i64.const 1024))))
)
