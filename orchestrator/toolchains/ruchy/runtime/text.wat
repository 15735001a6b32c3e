;; Strings: what few programs ask.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))

  ;; The code point of a string of one character; -1 of any other.
  (func (export "rt::str_code") (param $string i32) (result i32) (local $length i32)
    (local.set $length (i32.load offset=4 (local.get $string)))
    (if (i32.eqz (local.get $length))
      (then (return (i32.const -1))))
    (local.set $string (i32.add (local.get $string) (i32.const 8)))
    (if (i32.ne (call $width (i32.load8_u (local.get $string))) (local.get $length))
      (then (return (i32.const -1))))
    (call $get (local.get $string)))
)
