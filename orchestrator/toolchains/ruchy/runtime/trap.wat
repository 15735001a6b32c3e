;; How a program ends when it must not go on: `error: FILE:LINE: REASON` on standard error, then a trap, which every host
;; reports as one (`wasmill run` and `wasmtime` with status 134; WASI's own proc_exit takes no status that high).
;;
;; Nothing here allocates, and an error while writing changes nothing about the end.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::put" (func $put (param i32 i32 i32) (result i32)))
  (import "env" "rt::decimal" (func $decimal (param i64 i32) (result i32)))
  (global $error i32 (i32.const 704))
  (data $error (i32.const 704) "error: ")
  (global $memory i32 (i32.const 712))
  (data $memory (i32.const 712) "error: out of memory\n")
  ;; Reasons by number: a length byte and the text of each.
  (global $reasons i32 (i32.const 736))
  (data $reasons (i32.const 736)
    "\10integer overflow"
    "\10division by zero"
    "\11remainder by zero"
    "\19shift amount out of range"
    "\11negative exponent"
    "\19no arm of this match fits"
    "\1cunreachable code was reached"
    "\1dcapacity of a String exceeded"
    "\1arepeated less than 0 times")
  (global $marks i32 (i32.const 944))
  (data $marks (i32.const 944) ":: \n-\"")
  (global $cast i32 (i32.const 952))
  (data $cast (i32.const 952) "cast does not fit in ")
  (global $index i32 (i32.const 976))
  (data $index (i32.const 976) "index ")
  (global $range i32 (i32.const 984))
  (data $range (i32.const 984) " out of range for length ")
  (global $cannot i32 (i32.const 1012))
  (data $cannot (i32.const 1012) "cannot parse \"")
  (global $as i32 (i32.const 1028))
  (data $as (i32.const 1028) "\" as ")
  (global $digits i32 (i32.const 1040))
  (global $digits.size i32 (i32.const 20))

  (func $say (param $text i32) (param $length i32)
    (drop (call $put (i32.const 2) (local.get $text) (local.get $length))))

  (func $say_string (param $string i32)
    (call $say (i32.add (local.get $string) (i32.const 8)) (i32.load offset=4 (local.get $string))))

  (func $say_number (param $value i64) (local $start i32)
    (if (i64.lt_s (local.get $value) (i64.const 0))
      (then
        (call $say (i32.add (global.get $marks) (i32.const 4)) (i32.const 1))
        (local.set $value (i64.sub (i64.const 0) (local.get $value)))))
    (local.set $start (call $decimal (local.get $value) (i32.add (global.get $digits) (i32.const 20))))
    (call $say
      (local.get $start)
      (i32.sub (i32.add (global.get $digits) (i32.const 20)) (local.get $start))))

  ;; error: FILE:LINE:
  (func $begin (param $lines i32) (param $index i32)
    (call $say (global.get $error) (i32.const 7))
    (call $say_string (i32.load (local.get $lines)))
    (call $say (global.get $marks) (i32.const 1))
    (call $say_number
      (i64.load32_u offset=4 (i32.add (local.get $lines) (i32.shl (local.get $index) (i32.const 2)))))
    (call $say (i32.add (global.get $marks) (i32.const 1)) (i32.const 2)))

  (func $end
    (call $say (i32.add (global.get $marks) (i32.const 3)) (i32.const 1))
    unreachable)

  (func (export "rt::trap") (param $lines i32) (param $index i32) (param $reason i32) (local $text i32)
    (local.set $text (global.get $reasons))
    (block $found
      (loop $next
        (br_if $found (i32.eqz (local.get $reason)))
        (local.set $text
          (i32.add (i32.add (local.get $text) (i32.const 1)) (i32.load8_u (local.get $text))))
        (local.set $reason (i32.sub (local.get $reason) (i32.const 1)))
        (br $next)))
    (call $begin (local.get $lines) (local.get $index))
    (call $say (i32.add (local.get $text) (i32.const 1)) (i32.load8_u (local.get $text)))
    (call $end))

  (func (export "rt::trap_text") (param $lines i32) (param $index i32) (param $message i32)
    (call $begin (local.get $lines) (local.get $index))
    (call $say_string (local.get $message))
    (call $end))

  (func (export "rt::trap_cast") (param $lines i32) (param $index i32) (param $target i32)
    (call $begin (local.get $lines) (local.get $index))
    (call $say (global.get $cast) (i32.const 21))
    (call $say_string (local.get $target))
    (call $end))

  (func (export "rt::trap_index") (param $lines i32) (param $index i32) (param $at i64) (param $length i64)
    (call $begin (local.get $lines) (local.get $index))
    (call $say (global.get $index) (i32.const 6))
    (call $say_number (local.get $at))
    (call $say (global.get $range) (i32.const 25))
    (call $say_number (local.get $length))
    (call $end))

  ;; cannot parse "TEXT" as TARGET; `target` is the address of that name, of `length` bytes
  (func (export "rt::trap_parse") (param $lines i32) (param $index i32) (param $text i32) (param $target i32) (param $length i32)
    (call $begin (local.get $lines) (local.get $index))
    (call $say (global.get $cannot) (i32.const 14))
    (call $say_string (local.get $text))
    (call $say (global.get $as) (i32.const 5))
    (call $say (local.get $target) (local.get $length))
    (call $end))

  (func (export "rt::trap_memory")
    (call $say (global.get $memory) (i32.const 21))
    unreachable)
)
