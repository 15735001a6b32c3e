;; Standard input, through a buffer: by line, and whole.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::utf8_valid" (func $valid (param i32 i32) (result i32)))
  (import "env" "rt::io_failed" (func $failed (param i32)))
  (global $buffer i32 (i32.const 24576))
  (global $buffer.size i32 (i32.const 4096))
  ;; Address and length of the buffer, bytes read by the last call.
  (global $vector i32 (i32.const 28672))
  (global $vector.size i32 (i32.const 12))
  ;; What of the buffer is still to be given.
  (global $from (mut i32) (i32.const 0))
  (global $to (mut i32) (i32.const 0))

  ;; Fills the empty buffer; whether there is anything.
  (func $fill (result i32) (local $error i32)
    (i32.store (global.get $vector) (global.get $buffer))
    (i32.store offset=4 (global.get $vector) (i32.const 4096))
    (i32.store offset=8 (global.get $vector) (i32.const 0))
    (loop $again
      (local.set $error
        (call $fd_read (i32.const 0) (global.get $vector) (i32.const 1) (i32.add (global.get $vector) (i32.const 8))))
      (br_if $again (i32.eq (local.get $error) (i32.const 6))) ;; would block
      (br_if $again (i32.eq (local.get $error) (i32.const 27)))) ;; interrupted
    (if (local.get $error)
      (then
        (call $failed (local.get $error))
        (return (i32.const 0))))
    (global.set $from (global.get $buffer))
    (global.set $to (i32.add (global.get $buffer) (i32.load offset=8 (global.get $vector))))
    (i32.load offset=8 (global.get $vector)))

  ;; What is left, up to the end of a line (`$end`: with its newline) or of the input.
  (func $read (param $by_line i32) (result i32) (local $text i32) (local $end i32) (local $part i32) (local $ended i32)
    (call $failed (i32.const 0))
    (local.set $text (call $new (i32.const 0)))
    (block $done
      (loop $next
        (if (i32.eq (global.get $from) (global.get $to))
          (then (br_if $done (i32.eqz (call $fill)))))
        (local.set $end (global.get $from))
        (if (local.get $by_line)
          (then
            (block $found
              (loop $more
                (br_if $found (i32.eq (local.get $end) (global.get $to)))
                (local.set $ended (i32.eq (i32.load8_u (local.get $end)) (i32.const 10)))
                (local.set $end (i32.add (local.get $end) (i32.const 1)))
                (br_if $more (i32.eqz (local.get $ended))))))
          (else (local.set $end (global.get $to))))
        (local.set $part (call $of (global.get $from) (i32.sub (local.get $end) (global.get $from))))
        (local.set $text (call $append (local.get $text) (local.get $part)))
        (call $release (local.get $part))
        (global.set $from (local.get $end))
        (br_if $next (i32.eqz (local.get $ended)))))
    (if (i32.eqz
          (call $valid
            (i32.add (local.get $text) (i32.const 8))
            (i32.add (i32.add (local.get $text) (i32.const 8)) (i32.load offset=4 (local.get $text)))))
      (then
        (call $failed (i32.const 25))
        (i32.store offset=4 (local.get $text) (i32.const 0))))
    (local.get $text))

  (func (export "rt::read_line") (result i32)
    (call $read (i32.const 1)))

  (func (export "rt::read_all") (result i32)
    (call $read (i32.const 0)))
)
