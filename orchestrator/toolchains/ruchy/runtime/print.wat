;; Output through WASI. A call that is interrupted or would block is tried again; after any other error the program
;; ends with status 1, saying nothing: there is nowhere left to say it.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "env" "memory" (memory 1))
  ;; Address and length of the text, address and length of the newline behind it, bytes written by the last call.
  (global $vectors i32 (i32.const 640))
  (global $vectors.size i32 (i32.const 20))
  (global $newline i32 (i32.const 664))
  (data $newline (i32.const 664) "\n")

  ;; Writes the text and then as many newlines as `more` says, 0 or 1; the error number, 0 for success.
  (func $put_all (param $fd i32) (param $more i32) (result i32) (local $error i32) (local $written i32) (local $part i32)
    (i32.store offset=8 (global.get $vectors) (global.get $newline))
    (i32.store offset=12 (global.get $vectors) (local.get $more))
    (loop $again
      (if (i32.eqz
            (i32.or (i32.load offset=4 (global.get $vectors)) (i32.load offset=12 (global.get $vectors))))
        (then (return (i32.const 0))))
      (local.set $error
        (call $fd_write
          (local.get $fd)
          (global.get $vectors)
          (i32.const 2)
          (i32.add (global.get $vectors) (i32.const 16))))
      (br_if $again (i32.eq (local.get $error) (i32.const 6))) ;; would block
      (br_if $again (i32.eq (local.get $error) (i32.const 27))) ;; interrupted
      (if (local.get $error)
        (then (return (local.get $error))))
      (local.set $written (i32.load offset=16 (global.get $vectors)))
      (if (i32.eqz (local.get $written))
        (then (return (i32.const 29)))) ;; no progress is an I/O error
      (local.set $part (i32.load offset=4 (global.get $vectors)))
      (if (i32.lt_u (local.get $written) (local.get $part))
        (then
          (i32.store (global.get $vectors) (i32.add (i32.load (global.get $vectors)) (local.get $written)))
          (i32.store offset=4 (global.get $vectors) (i32.sub (local.get $part) (local.get $written))))
        (else
          (i32.store offset=4 (global.get $vectors) (i32.const 0))
          (i32.store offset=12
            (global.get $vectors)
            (i32.and
              (i32.load offset=12 (global.get $vectors))
              (i32.eq (local.get $written) (local.get $part))))))
      (br $again))
    unreachable)

  ;; Writes some bytes; the error number, 0 for success. For messages of traps, which must end with their own status.
  (func $put (export "rt::put") (param $fd i32) (param $text i32) (param $length i32) (result i32)
    (i32.store (global.get $vectors) (local.get $text))
    (i32.store offset=4 (global.get $vectors) (local.get $length))
    (call $put_all (local.get $fd) (i32.const 0)))

  (func (export "rt::write") (param $fd i32) (param $string i32)
    (if (call $put
          (local.get $fd)
          (i32.add (local.get $string) (i32.const 8))
          (i32.load offset=4 (local.get $string)))
      (then (call $proc_exit (i32.const 1)))))

  ;; The string and a newline, in one call to the host.
  (func (export "rt::write_line") (param $fd i32) (param $string i32)
    (i32.store (global.get $vectors) (i32.add (local.get $string) (i32.const 8)))
    (i32.store offset=4 (global.get $vectors) (i32.load offset=4 (local.get $string)))
    (if (call $put_all (local.get $fd) (i32.const 1))
      (then (call $proc_exit (i32.const 1)))))

  ;; The string and a newline on standard error; then the program ends with status 1.
  (func (export "rt::fail") (param $string i32)
    (i32.store (global.get $vectors) (i32.add (local.get $string) (i32.const 8)))
    (i32.store offset=4 (global.get $vectors) (i32.load offset=4 (local.get $string)))
    (drop (call $put_all (i32.const 2) (i32.const 1)))
    (call $proc_exit (i32.const 1)))
)
