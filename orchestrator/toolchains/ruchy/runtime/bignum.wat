;; Natural numbers of any size, for conversions between binary and decimal that must be exact.
;;
;; A number is `length: i32`, then that many limbs of 32 bits, the lowest first, the highest not 0. Who calls provides
;; the room.
(module
  (import "env" "memory" (memory 1))

  (func (export "rt::big_set") (param $a i32) (param $value i64)
    (i64.store offset=4 align=4 (local.get $a) (local.get $value))
    (i32.store
      (local.get $a)
      (i32.add
        (i64.ne (local.get $value) (i64.const 0))
        (i64.gt_u (local.get $value) (i64.const 0xffffffff)))))

  (func $end (param $a i32) (result i32)
    (i32.add (local.get $a) (i32.shl (i32.load (local.get $a)) (i32.const 2))))

  ;; a = a * factor + carry, both below 2^32
  (func $mul_add (export "rt::big_mul_add") (param $a i32) (param $factor i64) (param $carry i64)
    (local $at i32) (local $end i32)
    (local.set $at (local.get $a))
    (local.set $end (call $end (local.get $a)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $carry
          (i64.add (i64.mul (i64.load32_u (local.get $at)) (local.get $factor)) (local.get $carry)))
        (i64.store32 (local.get $at) (local.get $carry))
        (local.set $carry (i64.shr_u (local.get $carry) (i64.const 32)))
        (br $next)))
    (if (i64.ne (local.get $carry) (i64.const 0))
      (then
        (i64.store32 offset=4 (local.get $end) (local.get $carry))
        (i32.store (local.get $a) (i32.add (i32.load (local.get $a)) (i32.const 1))))))

  ;; a = a * 10^power
  (func (export "rt::big_scale") (param $a i32) (param $power i32)
    (block $done
      (loop $nine
        (br_if $done (i32.lt_s (local.get $power) (i32.const 9)))
        (call $mul_add (local.get $a) (i64.const 1000000000) (i64.const 0))
        (local.set $power (i32.sub (local.get $power) (i32.const 9)))
        (br $nine)))
    (block $done
      (loop $one
        (br_if $done (i32.le_s (local.get $power) (i32.const 0)))
        (call $mul_add (local.get $a) (i64.const 10) (i64.const 0))
        (local.set $power (i32.sub (local.get $power) (i32.const 1)))
        (br $one))))

  ;; a = a * 2^bits
  (func (export "rt::big_shl") (param $a i32) (param $bits i32) (local $words i32)
    (if (i32.eqz (i32.load (local.get $a)))
      (then return))
    (call $mul_add
      (local.get $a)
      (i64.shl (i64.const 1) (i64.extend_i32_u (i32.and (local.get $bits) (i32.const 31))))
      (i64.const 0))
    (local.set $words (i32.shr_u (local.get $bits) (i32.const 5)))
    (memory.copy
      (i32.add (i32.add (local.get $a) (i32.const 4)) (i32.shl (local.get $words) (i32.const 2)))
      (i32.add (local.get $a) (i32.const 4))
      (i32.shl (i32.load (local.get $a)) (i32.const 2)))
    (memory.fill
      (i32.add (local.get $a) (i32.const 4))
      (i32.const 0)
      (i32.shl (local.get $words) (i32.const 2)))
    (i32.store (local.get $a) (i32.add (i32.load (local.get $a)) (local.get $words))))

  ;; -1, 0, 1
  (func (export "rt::big_compare") (param $a i32) (param $b i32) (result i32) (local $at i32) (local $x i32) (local $y i32)
    (local.set $x (i32.load (local.get $a)))
    (local.set $y (i32.load (local.get $b)))
    (local.set $at (i32.shl (local.get $x) (i32.const 2)))
    (block $differ
      (br_if $differ (i32.ne (local.get $x) (local.get $y)))
      (loop $next
        (if (i32.eqz (local.get $at))
          (then (return (i32.const 0))))
        (local.set $x (i32.load (i32.add (local.get $a) (local.get $at))))
        (local.set $y (i32.load (i32.add (local.get $b) (local.get $at))))
        (br_if $differ (i32.ne (local.get $x) (local.get $y)))
        (local.set $at (i32.sub (local.get $at) (i32.const 4)))
        (br $next)))
    (select (i32.const 1) (i32.const -1) (i32.gt_u (local.get $x) (local.get $y))))

  ;; Drops leading limbs of 0.
  (func $trim (param $a i32) (local $length i32)
    (local.set $length (i32.load (local.get $a)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (br_if $done (i32.load (i32.add (local.get $a) (i32.shl (local.get $length) (i32.const 2)))))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $a) (local.get $length)))

  ;; a = a - b, which must not be greater
  (func (export "rt::big_sub") (param $a i32) (param $b i32) (local $at i32) (local $end i32) (local $take i32) (local $rest i64)
    (local.set $end (i32.shl (i32.load (local.get $a)) (i32.const 2)))
    (local.set $take (i32.shl (i32.load (local.get $b)) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (br_if $done
          (i32.and (i32.ge_u (local.get $at) (local.get $take)) (i64.eqz (local.get $rest))))
        (local.set $rest
          (i64.add
            (local.get $rest)
            (i64.load32_u offset=4 (i32.add (local.get $a) (local.get $at)))))
        (if (i32.lt_u (local.get $at) (local.get $take))
          (then
            (local.set $rest
              (i64.sub
                (local.get $rest)
                (i64.load32_u offset=4 (i32.add (local.get $b) (local.get $at)))))))
        (i64.store32 offset=4 (i32.add (local.get $a) (local.get $at)) (local.get $rest))
        (local.set $rest (i64.shr_s (local.get $rest) (i64.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next)))
    (call $trim (local.get $a)))

  ;; sum = a + b
  (func (export "rt::big_sum") (param $sum i32) (param $a i32) (param $b i32)
    (local $at i32) (local $m i32) (local $n i32) (local $carry i64)
    (local.set $m (i32.shl (i32.load (local.get $a)) (i32.const 2)))
    (local.set $n (i32.shl (i32.load (local.get $b)) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done
          (i32.and
            (i32.ge_u (local.get $at) (local.get $m))
            (i32.and (i32.ge_u (local.get $at) (local.get $n)) (i64.eqz (local.get $carry)))))
        (if (i32.lt_u (local.get $at) (local.get $m))
          (then
            (local.set $carry
              (i64.add
                (local.get $carry)
                (i64.load32_u offset=4 (i32.add (local.get $a) (local.get $at)))))))
        (if (i32.lt_u (local.get $at) (local.get $n))
          (then
            (local.set $carry
              (i64.add
                (local.get $carry)
                (i64.load32_u offset=4 (i32.add (local.get $b) (local.get $at)))))))
        (i64.store32 offset=4 (i32.add (local.get $sum) (local.get $at)) (local.get $carry))
        (local.set $carry (i64.shr_u (local.get $carry) (i64.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next)))
    (i32.store (local.get $sum) (i32.shr_u (local.get $at) (i32.const 2))))

  ;; a = a / divisor, which is below 2^32; the remainder
  (func (export "rt::big_divide") (param $a i32) (param $divisor i64) (result i64) (local $at i32) (local $rest i64)
    (local.set $at (call $end (local.get $a)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $a)))
        (local.set $rest
          (i64.or (i64.shl (local.get $rest) (i64.const 32)) (i64.load32_u (local.get $at))))
        (i64.store32 (local.get $at) (i64.div_u (local.get $rest) (local.get $divisor)))
        (local.set $rest (i64.rem_u (local.get $rest) (local.get $divisor)))
        (local.set $at (i32.sub (local.get $at) (i32.const 4)))
        (br $next)))
    (call $trim (local.get $a))
    (local.get $rest))

  ;; How many bits the number has, 0 for 0.
  (func (export "rt::big_bits") (param $a i32) (result i32)
    (if (i32.eqz (i32.load (local.get $a)))
      (then (return (i32.const 0))))
    (i32.sub
      (i32.shl (i32.load (local.get $a)) (i32.const 5))
      (i32.clz (i32.load (call $end (local.get $a))))))

  (func $limb (param $a i32) (param $index i32) (result i64)
    (if (i32.ge_u (local.get $index) (i32.load (local.get $a)))
      (then (return (i64.const 0))))
    (i64.load32_u offset=4 (i32.add (local.get $a) (i32.shl (local.get $index) (i32.const 2)))))

  ;; a = a / 2^bits, rounded half to even; bits > 0
  (func (export "rt::big_round") (param $a i32) (param $bits i32)
    (local $half i64) (local $sticky i64) (local $i i32) (local $words i32) (local $length i32) (local $shift i64)
    (local.set $i (i32.shr_u (i32.sub (local.get $bits) (i32.const 1)) (i32.const 5)))
    (local.set $half (i64.shl (i64.const 1) (i64.extend_i32_u (i32.and (i32.sub (local.get $bits) (i32.const 1)) (i32.const 31)))))
    (local.set $sticky
      (i64.and (call $limb (local.get $a) (local.get $i)) (i64.sub (local.get $half) (i64.const 1))))
    (local.set $half (i64.and (call $limb (local.get $a) (local.get $i)) (local.get $half)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $i)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (local.set $sticky (i64.or (local.get $sticky) (call $limb (local.get $a) (local.get $i))))
        (br $next)))
    (local.set $words (i32.shr_u (local.get $bits) (i32.const 5)))
    (local.set $shift (i64.extend_i32_u (i32.and (local.get $bits) (i32.const 31))))
    (local.set $length (i32.load (local.get $a)))
    (local.set $length
      (select
        (i32.sub (local.get $length) (local.get $words))
        (i32.const 0)
        (i32.gt_u (local.get $length) (local.get $words))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $i) (local.get $length)))
        (i64.store32 offset=4
          (i32.add (local.get $a) (i32.shl (local.get $i) (i32.const 2)))
          (i64.shr_u
            (i64.or
              (call $limb (local.get $a) (i32.add (local.get $i) (local.get $words)))
              (i64.shl
                (call $limb
                  (local.get $a)
                  (i32.add (i32.add (local.get $i) (local.get $words)) (i32.const 1)))
                (i64.const 32)))
            (local.get $shift)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $a) (local.get $length))
    (call $trim (local.get $a))
    (if (i64.eqz (local.get $half))
      (then return))
    (if (i64.eqz
          (i64.or
            (local.get $sticky)
            (i64.and (call $limb (local.get $a) (i32.const 0)) (i64.const 1))))
      (then return))
    ;; Up by one: all ones carry on.
    (local.set $half (i64.const 1))
    (call $mul_add (local.get $a) (i64.const 1) (local.get $half)))
)
