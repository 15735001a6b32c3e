;; Whether a number of at least 2 has no divisor but 1 and itself.
(module
  (func (export "is_prime") (param $n i32) (result i32) (local $d i32)
    (local.set $d (i32.const 2))
    (loop $next (result i32)
      (if (i32.gt_s (i32.mul (local.get $d) (local.get $d)) (local.get $n))
        (then (return (i32.const 1))))
      (if (i32.eqz (i32.rem_s (local.get $n) (local.get $d)))
        (then (return (i32.const 0))))
      (local.set $d (i32.add (local.get $d) (i32.const 1)))
      (br $next))))
