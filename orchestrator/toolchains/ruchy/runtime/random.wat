;; Random numbers by SplitMix64 (Steele, Lea and Flood 2014): the host seeds it unless the program does.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $get (param i32 i32) (result i32)))
  (import "env" "memory" (memory 1))
  (global $seed i32 (i32.const 20544))
  (global $seed.size i32 (i32.const 8))
  (global $state (mut i64) (i64.const 0))
  (global $seeded (mut i32) (i32.const 0))

  (func (export "rt::random_seed") (param $seed i64)
    (global.set $state (local.get $seed))
    (global.set $seeded (i32.const 1)))

  (func $next (result i64) (local $z i64)
    (if (i32.eqz (global.get $seeded))
      (then
        (drop (call $get (global.get $seed) (i32.const 8)))
        (global.set $state (i64.load (global.get $seed)))
        (global.set $seeded (i32.const 1))))
    (global.set $state (i64.add (global.get $state) (i64.const 0x9e3779b97f4a7c15)))
    (local.set $z (global.get $state))
    (local.set $z
      (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30))) (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z
      (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27))) (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))

  ;; From 0 up to 1, which it never is.
  (func (export "rt::random_float") (result f64)
    (f64.mul (f64.convert_i64_u (i64.shr_u (call $next) (i64.const 11))) (f64.const 1.1102230246251565e-16)))

  ;; From 0 up to an end above 0, which it never is. What would favour small numbers is drawn again.
  (func (export "rt::random_below") (param $end i64) (result i64) (local $drawn i64) (local $left i64)
    (loop $again
      (local.set $drawn (i64.shr_u (call $next) (i64.const 1)))
      (local.set $left (i64.rem_u (local.get $drawn) (local.get $end)))
      (br_if $again
        (i64.gt_u
          (i64.sub (local.get $drawn) (local.get $left))
          (i64.sub (i64.const 0x7fffffffffffffff) (i64.sub (local.get $end) (i64.const 1))))))
    (local.get $left))
)
