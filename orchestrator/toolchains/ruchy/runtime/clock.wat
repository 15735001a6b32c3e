;; Clocks, in nanoseconds: 0 since 1970, 1 since some moment and never backwards.
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $get (param i32 i64 i32) (result i32)))
  (import "env" "memory" (memory 1))
  (global $time i32 (i32.const 20512))
  (global $time.size i32 (i32.const 8))
  (func (export "rt::clock") (param $which i64) (result i64)
    (drop (call $get (i32.wrap_i64 (local.get $which)) (i64.const 1) (global.get $time)))
    (i64.load (global.get $time)))
)
