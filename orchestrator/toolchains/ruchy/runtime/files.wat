;; Files, within the folders that the host has opened. What fails says why by `rt::io_failed`.
;;
;; The host opens folders by absolute names, and knows no current folder. So a path is made absolute with the variable
;; PWD, freed of `.` and `..`, and then belongs to the open folder with the longest name that it begins with.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $prestat_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "env" "memory" (memory 1))
  (import "env" "rt::take" (func $take (param i32) (result i32)))
  (import "env" "rt::free" (func $free (param i32)))
  (import "env" "rt::release" (func $release (param i32)))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_of" (func $of (param i32 i32) (result i32)))
  (import "env" "rt::str_append" (func $append (param i32 i32) (result i32)))
  (import "env" "rt::arr_new" (func $array (param i32 i32) (result i32)))
  (import "env" "rt::arr_grow" (func $grow (param i32 i32 i32) (result i32)))
  (import "env" "rt::utf8_valid" (func $valid (param i32 i32) (result i32)))
  (import "env" "rt::put" (func $put (param i32 i32 i32) (result i32)))
  (import "env" "rt::io_failed" (func $failed (param i32)))
  ;; What a call answers: a descriptor, a size, a stat of a folder or a file (64 bytes).
  (global $answer i32 (i32.const 29696))
  (global $answer.size i32 (i32.const 64))
  ;; Address and length of a buffer.
  (global $vector i32 (i32.const 29760))
  (global $vector.size i32 (i32.const 8))
  ;; Where the last path lies: the folder's descriptor, address and length of the rest.
  (global $folder (mut i32) (i32.const 0))
  (global $rest (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))
  (global $dot i32 (i32.const 29776))
  (data $dot (i32.const 29776) ".")

  ;; An absolute path without empty parts, `.` and `..`, from one that is absolute: in place.
  (func $clean (param $path i32) (local $at i32) (local $end i32) (local $to i32) (local $start i32) (local $size i32)
    (local.set $start (i32.add (local.get $path) (i32.const 8)))
    (local.set $end (i32.add (local.get $start) (i32.load offset=4 (local.get $path))))
    (local.set $at (local.get $start))
    (local.set $to (local.get $start))
    (block $done
      (loop $next
        ;; Here, `at` is at a `/` or at the end.
        (block $part
          (loop $more
            (br_if $done (i32.eq (local.get $at) (local.get $end)))
            (br_if $part (i32.ne (i32.load8_u (local.get $at)) (i32.const 47)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $more)))
        (local.set $size (i32.const 0))
        (block $ends
          (loop $more
            (br_if $ends (i32.eq (i32.add (local.get $at) (local.get $size)) (local.get $end)))
            (br_if $ends (i32.eq (i32.load8_u (i32.add (local.get $at) (local.get $size))) (i32.const 47)))
            (local.set $size (i32.add (local.get $size) (i32.const 1)))
            (br $more)))
        (if (i32.and
              (i32.eq (local.get $size) (i32.const 1))
              (i32.eq (i32.load8_u (local.get $at)) (i32.const 46)))
          (then
            (local.set $at (i32.add (local.get $at) (local.get $size)))
            (br $next)))
        (if (i32.and
              (i32.eq (local.get $size) (i32.const 2))
              (i32.and
                (i32.eq (i32.load8_u (local.get $at)) (i32.const 46))
                (i32.eq (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1))) (i32.const 46))))
          (then
            (block $up
              (loop $more
                (br_if $up (i32.eq (local.get $to) (local.get $start)))
                (local.set $to (i32.sub (local.get $to) (i32.const 1)))
                (br_if $more (i32.ne (i32.load8_u (local.get $to)) (i32.const 47)))))
            (local.set $at (i32.add (local.get $at) (local.get $size)))
            (br $next)))
        (i32.store8 (local.get $to) (i32.const 47))
        (memory.copy (i32.add (local.get $to) (i32.const 1)) (local.get $at) (local.get $size))
        (local.set $to (i32.add (i32.add (local.get $to) (local.get $size)) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (local.get $size)))
        (br $next)))
    (i32.store offset=4 (local.get $path) (i32.sub (local.get $to) (local.get $start))))

  ;; Looks for the open folder that an absolute path, owned here, lies in; whether there is one. The path is kept until
  ;; it is released with `$rest` no longer needed.
  (func $locate (param $path i32) (result i32)
    (local $fd i32) (local $name i32) (local $size i32) (local $best i32) (local $start i32) (local $total i32)
    (call $clean (local.get $path))
    (local.set $start (i32.add (local.get $path) (i32.const 8)))
    (local.set $total (i32.load offset=4 (local.get $path)))
    (local.set $best (i32.const -1))
    (local.set $fd (i32.const 3))
    (block $done
      (loop $next
        (br_if $done (call $prestat (local.get $fd) (global.get $answer)))
        (local.set $size (i32.load offset=4 (global.get $answer)))
        (local.set $name (call $new (local.get $size)))
        (drop (call $prestat_name (local.get $fd) (i32.add (local.get $name) (i32.const 8)) (local.get $size)))
        (call $clean (local.get $name))
        (local.set $size (i32.load offset=4 (local.get $name)))
        (if (call $begins (local.get $path) (local.get $name))
          (then
            (if (i32.gt_s (local.get $size) (local.get $best))
              (then
                (local.set $best (local.get $size))
                (global.set $folder (local.get $fd))))))
        (call $release (local.get $name))
        (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
        (br $next)))
    (if (i32.lt_s (local.get $best) (i32.const 0))
      (then
        (call $failed (i32.const 76))
        (return (i32.const 0))))
    (if (i32.eq (local.get $best) (local.get $total))
      (then
        (global.set $rest (global.get $dot))
        (global.set $length (i32.const 1)))
      (else
        (global.set $rest (i32.add (i32.add (local.get $start) (local.get $best)) (i32.const 1)))
        (global.set $length (i32.sub (i32.sub (local.get $total) (local.get $best)) (i32.const 1)))))
    (i32.const 1))

  ;; Whether a path is a folder's name, or that, a `/` and more.
  (func $begins (param $path i32) (param $name i32) (result i32) (local $size i32) (local $at i32)
    (local.set $size (i32.load offset=4 (local.get $name)))
    (if (i32.gt_u (local.get $size) (i32.load offset=4 (local.get $path)))
      (then (return (i32.const 0))))
    (block $same
      (loop $next
        (br_if $same (i32.eq (local.get $at) (local.get $size)))
        (if (i32.ne
              (i32.load8_u offset=8 (i32.add (local.get $path) (local.get $at)))
              (i32.load8_u offset=8 (i32.add (local.get $name) (local.get $at))))
          (then (return (i32.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (if (i32.eq (local.get $size) (i32.load offset=4 (local.get $path)))
      (then (return (i32.const 1))))
    (i32.eq (i32.load8_u offset=8 (i32.add (local.get $path) (local.get $size))) (i32.const 47)))

  ;; A copy of a path that may be cleaned.
  (func $copy (param $path i32) (result i32)
    (call $of (i32.add (local.get $path) (i32.const 8)) (i32.load offset=4 (local.get $path))))

  ;; Opens a path; its descriptor, or -1. `flags`: 1 create, 2 a folder, 8 cut to nothing; `rights` as WASI has them;
  ;; `append`: 1 to write at the end.
  (func $open (param $path i32) (param $flags i32) (param $rights i64) (param $append i32) (result i32)
    (local $error i32)
    (call $failed (i32.const 0))
    (local.set $path (call $copy (local.get $path)))
    (if (i32.eqz (call $locate (local.get $path)))
      (then
        (call $release (local.get $path))
        (return (i32.const -1))))
    (local.set $error
      (call $path_open
        (global.get $folder)
        (i32.const 1)
        (global.get $rest)
        (global.get $length)
        (local.get $flags)
        (local.get $rights)
        (i64.const 0)
        (local.get $append)
        (global.get $answer)))
    (call $release (local.get $path))
    (if (local.get $error)
      (then
        (call $failed (local.get $error))
        (return (i32.const -1))))
    (i32.load (global.get $answer)))

  (func (export "rt::file_read") (param $path i32) (result i32)
    (local $fd i32) (local $text i32) (local $piece i32) (local $error i32)
    (local.set $text (call $new (i32.const 0)))
    (if (i64.eq (call $kind (local.get $path)) (i64.const 2))
      (then
        (call $failed (i32.const 31))
        (return (local.get $text))))
    (local.set $fd (call $open (local.get $path) (i32.const 0) (i64.const 2) (i32.const 0)))
    (if (i32.lt_s (local.get $fd) (i32.const 0))
      (then (return (local.get $text))))
    (local.set $piece (call $new (i32.const 65536)))
    (block $done
      (loop $next
        (i32.store (global.get $vector) (i32.add (local.get $piece) (i32.const 8)))
        (i32.store offset=4 (global.get $vector) (i32.const 65536))
        (local.set $error
          (call $fd_read (local.get $fd) (global.get $vector) (i32.const 1) (global.get $answer)))
        (br_if $next (i32.eq (local.get $error) (i32.const 27))) ;; interrupted
        (if (local.get $error)
          (then
            (call $failed (local.get $error))
            (br $done)))
        (br_if $done (i32.eqz (i32.load (global.get $answer))))
        (i32.store offset=4 (local.get $piece) (i32.load (global.get $answer)))
        (local.set $text (call $append (local.get $text) (local.get $piece)))
        (br $next)))
    (call $release (local.get $piece))
    (drop (call $close (local.get $fd)))
    (if (i32.eqz
          (call $valid
            (i32.add (local.get $text) (i32.const 8))
            (i32.add (i32.add (local.get $text) (i32.const 8)) (i32.load offset=4 (local.get $text)))))
      (then
        (call $failed (i32.const 25))
        (i32.store offset=4 (local.get $text) (i32.const 0))))
    (local.get $text))

  ;; Writes a whole file, or behind its end.
  (func (export "rt::file_write") (param $path i32) (param $text i32) (param $append i64) (local $fd i32) (local $error i32)
    (local.set $fd
      (call $open
        (local.get $path)
        (select (i32.const 1) (i32.const 9) (i32.wrap_i64 (local.get $append)))
        (i64.const 64)
        (i32.wrap_i64 (local.get $append))))
    (if (i32.lt_s (local.get $fd) (i32.const 0))
      (then (return)))
    (local.set $error
      (call $put (local.get $fd) (i32.add (local.get $text) (i32.const 8)) (i32.load offset=4 (local.get $text))))
    (call $failed (local.get $error))
    (local.set $error (call $close (local.get $fd)))
    (if (local.get $error)
      (then (call $failed (local.get $error)))))

  ;; 0 nothing there, 1 a file, 2 a folder.
  (func $kind (export "rt::file_kind") (param $path i32) (result i64) (local $error i32)
    (call $failed (i32.const 0))
    (local.set $path (call $copy (local.get $path)))
    (if (i32.eqz (call $locate (local.get $path)))
      (then
        (call $release (local.get $path))
        (return (i64.const 0))))
    (local.set $error
      (call $stat (global.get $folder) (i32.const 1) (global.get $rest) (global.get $length) (global.get $answer)))
    (call $release (local.get $path))
    (if (local.get $error)
      (then
        (call $failed (local.get $error))
        (return (i64.const 0))))
    (select (i64.const 2) (i64.const 1) (i32.eq (i32.load8_u offset=16 (global.get $answer)) (i32.const 3))))

  ;; 1 makes a folder, 2 removes a file.
  (func (export "rt::file_change") (param $path i32) (param $how i64)
    (call $failed (i32.const 0))
    (local.set $path (call $copy (local.get $path)))
    (if (call $locate (local.get $path))
      (then
        (if (i64.eq (local.get $how) (i64.const 1))
          (then (call $failed (call $make (global.get $folder) (global.get $rest) (global.get $length))))
          (else (call $failed (call $unlink (global.get $folder) (global.get $rest) (global.get $length)))))))
    (call $release (local.get $path)))

  ;; The names in a folder, without `.` and `..`, in the order of the host. An entry is 24 bytes and its name.
  (func (export "rt::file_list") (param $path i32) (result i32)
    (local $fd i32) (local $array i32) (local $buffer i32) (local $at i32) (local $end i32) (local $cookie i64)
    (local $size i32) (local $room i32) (local $error i32)
    (local.set $array (call $array (i32.const 0) (i32.const 260)))
    (local.set $fd (call $open (local.get $path) (i32.const 2) (i64.const 0x4000) (i32.const 0)))
    (if (i32.lt_s (local.get $fd) (i32.const 0))
      (then (return (local.get $array))))
    (local.set $room (i32.const 8192))
    (local.set $buffer (call $take (i32.add (local.get $room) (i32.const 8))))
    (block $done
      (loop $again
        (local.set $error
          (call $readdir
            (local.get $fd)
            (i32.add (local.get $buffer) (i32.const 8))
            (local.get $room)
            (local.get $cookie)
            (global.get $answer)))
        (if (local.get $error)
          (then
            (call $failed (local.get $error))
            (br $done)))
        (local.set $at (i32.add (local.get $buffer) (i32.const 8)))
        (local.set $end (i32.add (local.get $at) (i32.load (global.get $answer))))
        (block $cut
          (loop $next
            ;; An entry that is cut comes again, whole, in the next call.
            (br_if $cut (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 24)))
            (local.set $size (i32.load offset=16 (local.get $at)))
            (br_if $cut
              (i32.lt_u
                (i32.sub (i32.sub (local.get $end) (local.get $at)) (i32.const 24))
                (local.get $size)))
            (local.set $cookie (i64.load (local.get $at)))
            (if (i32.eqz (call $dots (i32.add (local.get $at) (i32.const 24)) (local.get $size)))
              (then
                (local.set $array (call $grow (local.get $array) (i32.const 1) (i32.const 260)))
                (i32.store offset=4
                  (i32.add (local.get $array) (i32.shl (i32.load offset=4 (local.get $array)) (i32.const 2)))
                  (call $of (i32.add (local.get $at) (i32.const 24)) (local.get $size)))))
            (local.set $at (i32.add (i32.add (local.get $at) (i32.const 24)) (local.get $size)))
            (br $next)))
        (br_if $again (i32.eq (i32.load (global.get $answer)) (local.get $room)))))
    (call $free (local.get $buffer))
    (drop (call $close (local.get $fd)))
    (local.get $array))

  (func $dots (param $at i32) (param $size i32) (result i32)
    (if (i32.or
          (i32.gt_u (local.get $size) (i32.const 2))
          (i32.ne (i32.load8_u (local.get $at)) (i32.const 46)))
      (then (return (i32.const 0))))
    (if (i32.eq (local.get $size) (i32.const 1))
      (then (return (i32.const 1))))
    (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 46)))
)
