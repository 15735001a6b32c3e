;; Maps and sets: what finding a key needs that no trap can come of.
(module
  ;; The number halfway between two, rounded down; their sum is far from overflow.
  (func (export "rt::map_middle") (param $low i64) (param $high i64) (result i64)
    (i64.shr_s (i64.add (local.get $low) (local.get $high)) (i64.const 1)))
)
