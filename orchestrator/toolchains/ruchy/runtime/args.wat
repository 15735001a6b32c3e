;; What the program was called with: its arguments and the environment's variables, as arrays of strings. The host gives
;; valid UTF-8.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $vars_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $vars_get (param i32 i32) (result i32)))
  (import "env" "memory" (memory 1))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::free" (func $free (param i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::arr_new" (func $array (param i32 i32) (result i32)))
  ;; How many texts, and how many bytes they take with a zero behind each.
  (global $sizes i32 (i32.const 20480))
  (global $sizes.size i32 (i32.const 8))

  ;; An object for the addresses of the texts, and one for the texts, each behind a header.
  (func $list (result i32)
    (call $take (i32.add (i32.shl (i32.load (global.get $sizes)) (i32.const 2)) (i32.const 8))))

  (func $bytes (result i32)
    (call $take (i32.add (i32.load offset=4 (global.get $sizes)) (i32.const 8))))

  ;; The texts as an array, and the two objects given back.
  (func $texts (param $list i32) (param $bytes i32) (result i32)
    (local $array i32) (local $to i32) (local $from i32) (local $left i32) (local $start i32) (local $end i32)
    (local.set $left (i32.load (global.get $sizes)))
    (local.set $array (call $array (local.get $left) (i32.const 260)))
    (local.set $to (local.get $array))
    (local.set $from (local.get $list))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $start (i32.load offset=8 (local.get $from)))
        (local.set $end (local.get $start))
        (block $ends
          (loop $more
            (br_if $ends (i32.eqz (i32.load8_u (local.get $end))))
            (local.set $end (i32.add (local.get $end) (i32.const 1)))
            (br $more)))
        (i32.store offset=8
          (local.get $to)
          (call $of (local.get $start) (i32.sub (local.get $end) (local.get $start))))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $from (i32.add (local.get $from) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (call $free (local.get $list))
    (call $free (local.get $bytes))
    (local.get $array))

  (func (export "rt::args") (result i32) (local $list i32) (local $bytes i32)
    (drop (call $args_sizes (global.get $sizes) (i32.add (global.get $sizes) (i32.const 4))))
    (local.set $list (call $list))
    (local.set $bytes (call $bytes))
    (drop
      (call $args_get (i32.add (local.get $list) (i32.const 8)) (i32.add (local.get $bytes) (i32.const 8))))
    (call $texts (local.get $list) (local.get $bytes)))

  ;; Each as NAME=VALUE.
  (func (export "rt::vars") (result i32) (local $list i32) (local $bytes i32)
    (drop (call $vars_sizes (global.get $sizes) (i32.add (global.get $sizes) (i32.const 4))))
    (local.set $list (call $list))
    (local.set $bytes (call $bytes))
    (drop
      (call $vars_get (i32.add (local.get $list) (i32.const 8)) (i32.add (local.get $bytes) (i32.const 8))))
    (call $texts (local.get $list) (local.get $bytes)))
)
