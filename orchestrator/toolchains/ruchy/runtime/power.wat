;; The power of floats, rounded correctly but in about one of a thousand million cases.
;;
;; log and exp are power series in double-double arithmetic: a number is the unevaluated sum of two f64, which carries
;; about 104 bits. A function that makes one returns its upper part and leaves the lower one in the global $low.
(module
  (global $low (mut f64) (f64.const 0))

  ;; a + b as a double-double; exact.
  (func $add (param $a f64) (param $b f64) (result f64) (local $sum f64) (local $part f64)
    (local.set $sum (f64.add (local.get $a) (local.get $b)))
    (local.set $part (f64.sub (local.get $sum) (local.get $a)))
    (global.set $low
      (f64.add
        (f64.sub (local.get $a) (f64.sub (local.get $sum) (local.get $part)))
        (f64.sub (local.get $b) (local.get $part))))
    (local.get $sum))

  ;; a * b as a double-double; exact (Dekker: both are split in halves of 26 bits).
  (func $mul (param $a f64) (param $b f64) (result f64)
    (local $product f64) (local $ah f64) (local $al f64) (local $bh f64) (local $bl f64)
    (local.set $product (f64.mul (local.get $a) (local.get $b)))
    (local.set $ah (f64.mul (local.get $a) (f64.const 134217729)))
    (local.set $ah (f64.sub (local.get $ah) (f64.sub (local.get $ah) (local.get $a))))
    (local.set $al (f64.sub (local.get $a) (local.get $ah)))
    (local.set $bh (f64.mul (local.get $b) (f64.const 134217729)))
    (local.set $bh (f64.sub (local.get $bh) (f64.sub (local.get $bh) (local.get $b))))
    (local.set $bl (f64.sub (local.get $b) (local.get $bh)))
    (global.set $low
      (f64.add
        (f64.add
          (f64.add
            (f64.sub (f64.mul (local.get $ah) (local.get $bh)) (local.get $product))
            (f64.mul (local.get $ah) (local.get $bl)))
          (f64.mul (local.get $al) (local.get $bh)))
        (f64.mul (local.get $al) (local.get $bl))))
    (local.get $product))

  ;; Sum, product and quotient of double-doubles.
  (func $add2 (param $ah f64) (param $al f64) (param $bh f64) (param $bl f64) (result f64) (local $sum f64) (local $rest f64)
    (local.set $sum (call $add (local.get $ah) (local.get $bh)))
    (local.set $rest (global.get $low))
    (local.set $ah (call $add (local.get $al) (local.get $bl)))
    (local.set $al (global.get $low))
    (local.set $sum (call $add (local.get $sum) (f64.add (local.get $rest) (local.get $ah))))
    (call $add (local.get $sum) (f64.add (global.get $low) (local.get $al))))

  (func $mul2 (param $ah f64) (param $al f64) (param $bh f64) (param $bl f64) (result f64) (local $product f64)
    (local.set $product (call $mul (local.get $ah) (local.get $bh)))
    (call $add
      (local.get $product)
      (f64.add
        (global.get $low)
        (f64.add (f64.mul (local.get $ah) (local.get $bl)) (f64.mul (local.get $al) (local.get $bh))))))

  (func $div2 (param $ah f64) (param $al f64) (param $bh f64) (param $bl f64) (result f64)
    (local $quotient f64) (local $product f64) (local $rest f64)
    (local.set $quotient (f64.div (local.get $ah) (local.get $bh)))
    (local.set $product (call $mul2 (local.get $bh) (local.get $bl) (local.get $quotient) (f64.const 0)))
    (local.set $rest
      (call $add2
        (local.get $ah)
        (local.get $al)
        (f64.neg (local.get $product))
        (f64.neg (global.get $low))))
    (local.set $product (f64.div (local.get $rest) (local.get $bh)))
    (call $add (local.get $quotient) (local.get $product)))

  ;; log of a positive number: with x = m * 2^e and m near 1, e log 2 + 2 artanh((m - 1) / (m + 1)).
  (func $log (param $x f64) (result f64)
    (local $bits i64) (local $e i64) (local $sh f64) (local $sl f64) (local $qh f64) (local $ql f64)
    (local $h f64) (local $l f64) (local $n f64)
    (if (f64.lt (local.get $x) (f64.const 0x1p-1022))
      (then
        (local.set $x (f64.mul (local.get $x) (f64.const 0x1p64)))
        (local.set $e (i64.const -64))))
    (local.set $bits (i64.sub (i64.reinterpret_f64 (local.get $x)) (i64.const 0x3fe6a09e667f3bcd))) ;; 1 / sqrt 2
    (local.set $e (i64.add (local.get $e) (i64.shr_s (local.get $bits) (i64.const 52))))
    (local.set $x
      (f64.reinterpret_i64
        (i64.add
          (i64.and (local.get $bits) (i64.const 0xfffffffffffff))
          (i64.const 0x3fe6a09e667f3bcd))))
    (local.set $h (call $add (local.get $x) (f64.const 1)))
    (local.set $sh
      (call $div2
        (f64.sub (local.get $x) (f64.const 1))
        (f64.const 0)
        (local.get $h)
        (global.get $low)))
    (local.set $sl (global.get $low))
    (local.set $qh (call $mul2 (local.get $sh) (local.get $sl) (local.get $sh) (local.get $sl)))
    (local.set $ql (global.get $low))
    (local.set $h (f64.const 0))
    (local.set $n (f64.const 39)) ;; 0.1716^40 / 39 is below 2^-106
    (loop $tail ;; h = 1 / n + q h; below 2^-50 of the sum, so one f64 is enough
      (local.set $h
        (f64.add (f64.div (f64.const 1) (local.get $n)) (f64.mul (local.get $qh) (local.get $h))))
      (local.set $n (f64.sub (local.get $n) (f64.const 2)))
      (br_if $tail (f64.gt (local.get $n) (f64.const 20))))
    (loop $next
      (local.set $h (call $mul2 (local.get $h) (local.get $l) (local.get $qh) (local.get $ql)))
      (local.set $l (global.get $low))
      (local.set $x (call $div2 (f64.const 1) (f64.const 0) (local.get $n) (f64.const 0)))
      (local.set $h (call $add2 (local.get $x) (global.get $low) (local.get $h) (local.get $l)))
      (local.set $l (global.get $low))
      (local.set $n (f64.sub (local.get $n) (f64.const 2)))
      (br_if $next (f64.gt (local.get $n) (f64.const 0))))
    (local.set $h (call $mul2 (local.get $h) (local.get $l) (local.get $sh) (local.get $sl)))
    (local.set $h (f64.mul (local.get $h) (f64.const 2)))
    (local.set $l (f64.mul (global.get $low) (f64.const 2)))
    (local.set $n (f64.convert_i64_s (local.get $e)))
    (local.set $x
      (call $mul2
        (f64.const 0x1.62e42fefa39efp-1)
        (f64.const 0x1.abc9e3b39803fp-56)
        (local.get $n)
        (f64.const 0)))
    (call $add2 (local.get $x) (global.get $low) (local.get $h) (local.get $l)))

  ;; exp of a double-double between -800 and 720: 2^n times a Taylor series.
  (func $exp (param $h f64) (param $l f64) (result f64)
    (local $n f64) (local $rh f64) (local $rl f64) (local $k f64) (local $e i32)
    (local.set $n (f64.nearest (f64.mul (local.get $h) (f64.const 0x1.71547652b82fep+0))))
    (local.set $rh
      (call $mul2
        (f64.const -0x1.62e42fefa39efp-1)
        (f64.const -0x1.abc9e3b39803fp-56)
        (local.get $n)
        (f64.const 0)))
    (local.set $rh (call $add2 (local.get $rh) (global.get $low) (local.get $h) (local.get $l)))
    (local.set $rl (global.get $low))
    (local.set $h (f64.const 1))
    (local.set $l (f64.const 0))
    (local.set $k (f64.const 26)) ;; 0.3466^27 / 27! is below 2^-106
    (loop $tail ;; h = 1 + h r / k; below 2^-58 of the sum, so one f64 is enough
      (local.set $h
        (f64.add (f64.const 1) (f64.div (f64.mul (local.get $h) (local.get $rh)) (local.get $k))))
      (local.set $k (f64.sub (local.get $k) (f64.const 1)))
      (br_if $tail (f64.gt (local.get $k) (f64.const 13))))
    (loop $next
      (local.set $h (call $mul2 (local.get $h) (local.get $l) (local.get $rh) (local.get $rl)))
      (local.set $h (call $div2 (local.get $h) (global.get $low) (local.get $k) (f64.const 0)))
      (local.set $h (call $add2 (f64.const 1) (f64.const 0) (local.get $h) (global.get $low)))
      (local.set $l (global.get $low))
      (local.set $k (f64.sub (local.get $k) (f64.const 1)))
      (br_if $next (f64.gt (local.get $k) (f64.const 0))))
    (local.set $e (i32.trunc_sat_f64_s (local.get $n)))
    ;; An exact tie between two results is off by 2^-95 now: drop what is below 2^-86, so that it rounds to even.
    (local.set $k (f64.mul (local.get $h) (f64.const 0x1.8p-33)))
    (local.set $h
      (call $add (local.get $h) (f64.sub (f64.add (local.get $l) (local.get $k)) (local.get $k))))
    (local.set $l (global.get $low))
    (call $scale (local.get $h) (local.get $l) (local.get $e)))

  (func $two_to (param $e i32) (result f64)
    (f64.reinterpret_i64 (i64.shl (i64.extend_i32_s (i32.add (local.get $e) (i32.const 1023))) (i64.const 52))))

  ;; (h + l) 2^e, rounded once also where the result is subnormal: there the sum with a number of the right size drops
  ;; the bits that have no place, and the lower part decides ties.
  (func $scale (param $h f64) (param $l f64) (param $e i32) (result f64) (local $big f64) (local $sum f64)
    (if (i32.gt_s (local.get $e) (i32.const 1000))
      (then
        (return
          (f64.mul
            (f64.mul (local.get $h) (f64.const 0x1p100))
            (call $two_to (i32.sub (local.get $e) (i32.const 100)))))))
    (if (i32.ge_s (local.get $e) (i32.const -1020))
      (then (return (f64.mul (local.get $h) (call $two_to (local.get $e))))))
    (if (i32.lt_s (local.get $e) (i32.const -1080))
      (then (return (f64.const 0))))
    ;; In units where the last bit of a subnormal is the last bit of `big`.
    (local.set $big (call $two_to (i32.sub (i32.const -1022) (local.get $e))))
    (if (f64.ge (local.get $h) (local.get $big)) ;; not subnormal after all
      (then
        (return
          (f64.mul
            (f64.mul (local.get $h) (f64.const 0x1p-60))
            (call $two_to (i32.add (local.get $e) (i32.const 60)))))))
    (local.set $sum (call $add (local.get $big) (local.get $h)))
    (local.set $sum (f64.add (local.get $sum) (f64.add (global.get $low) (local.get $l))))
    (f64.mul
      (f64.mul (f64.sub (local.get $sum) (local.get $big)) (f64.const 0x1p-60))
      (call $two_to (i32.add (local.get $e) (i32.const 60)))))

  ;; 0: no integer, 1: an odd one, 2: an even one
  (func $parity (param $y f64) (result i32)
    (if (f64.ne (f64.trunc (local.get $y)) (local.get $y))
      (then (return (i32.const 0))))
    (local.set $y (f64.mul (local.get $y) (f64.const 0.5)))
    (i32.add (i32.const 1) (f64.eq (f64.trunc (local.get $y)) (local.get $y))))

  (func (export "rt::f64_pow") (param $x f64) (param $y f64) (result f64)
    (local $h f64) (local $l f64) (local $sign f64) (local $limit f64)
    (if (i32.or (f64.eq (local.get $y) (f64.const 0)) (f64.eq (local.get $x) (f64.const 1)))
      (then (return (f64.const 1))))
    (if (i32.or (f64.ne (local.get $x) (local.get $x)) (f64.ne (local.get $y) (local.get $y)))
      (then (return (f64.const nan))))
    (if (f64.eq (local.get $y) (f64.const 1))
      (then (return (local.get $x))))
    (if (f64.eq (local.get $y) (f64.const 2))
      (then (return (f64.mul (local.get $x) (local.get $x)))))
    (local.set $sign (f64.const 1))
    (if (i64.lt_s (i64.reinterpret_f64 (local.get $x)) (i64.const 0)) ;; -0 too
      (then
        (if (i32.eq (call $parity (local.get $y)) (i32.const 1))
          (then (local.set $sign (f64.const -1))))
        (if (i32.and
              (i32.eqz (call $parity (local.get $y)))
              (i32.and
                (f64.ne (local.get $x) (f64.const 0))
                (f64.ne (local.get $x) (f64.const -inf))))
          (then (return (f64.const nan))))
        (local.set $x (f64.neg (local.get $x)))))
    (if (f64.eq (local.get $x) (f64.const 1)) ;; it was -1
      (then (return (local.get $sign))))
    ;; Here 0 and infinity decide by the sign of y alone, and so does a y so large that any x but 1 ends there.
    (if (i32.or
          (i32.or (f64.eq (local.get $x) (f64.const 0)) (f64.eq (local.get $x) (f64.const inf)))
          (f64.gt (f64.abs (local.get $y)) (f64.const 0x1p66)))
      (then
        (return
          (f64.mul
            (local.get $sign)
            (select
              (f64.const inf)
              (f64.const 0)
              (i32.eq
                (f64.gt (local.get $x) (f64.const 1))
                (f64.gt (local.get $y) (f64.const 0))))))))
    (local.set $h (call $log (local.get $x)))
    (local.set $l (global.get $low))
    (local.set $limit (f64.mul (local.get $h) (local.get $y)))
    (if (i32.or (f64.gt (local.get $limit) (f64.const 720)) (f64.lt (local.get $limit) (f64.const -800)))
      (then
        (return
          (f64.mul
            (local.get $sign)
            (select (f64.const inf) (f64.const 0) (f64.gt (local.get $limit) (f64.const 0)))))))
    (local.set $h (call $mul2 (local.get $h) (local.get $l) (local.get $y) (f64.const 0)))
    (f64.mul (local.get $sign) (call $exp (local.get $h) (global.get $low))))

  ;; ------------------------------------------------------------ logarithms and exponentials

  ;; The logarithm times a double-double constant.
  (func $logarithm (param $x f64) (param $ch f64) (param $cl f64) (result f64)
    (if (f64.eq (local.get $x) (f64.const 0))
      (then (return (f64.const -inf))))
    (if (i32.or (f64.lt (local.get $x) (f64.const 0)) (f64.ne (local.get $x) (local.get $x)))
      (then (return (f64.const nan))))
    (if (f64.eq (local.get $x) (f64.const inf))
      (then (return (local.get $x))))
    (local.set $x (call $log (local.get $x)))
    (call $mul2 (local.get $x) (global.get $low) (local.get $ch) (local.get $cl)))

  (func (export "rt::f64_ln") (param $x f64) (result f64)
    (call $logarithm (local.get $x) (f64.const 1) (f64.const 0)))

  (func (export "rt::f64_log10") (param $x f64) (result f64)
    (call $logarithm
      (local.get $x)
      (f64.const 0x1.bcb7b1526e50ep-2)
      (f64.const 0x1.95355baaafad3p-57)))

  (func (export "rt::f64_log2") (param $x f64) (result f64)
    (call $logarithm
      (local.get $x)
      (f64.const 0x1.71547652b82fep+0)
      (f64.const 0x1.777d0ffda0d24p-56)))

  (func (export "rt::f64_exp") (param $x f64) (result f64)
    (if (f64.ne (local.get $x) (local.get $x))
      (then (return (local.get $x))))
    (if (f64.gt (local.get $x) (f64.const 720))
      (then (return (f64.const inf))))
    (if (f64.lt (local.get $x) (f64.const -800))
      (then (return (f64.const 0))))
    (call $exp (local.get $x) (f64.const 0)))

  (func (export "rt::f64_cbrt") (param $x f64) (result f64) (local $h f64)
    (if (i32.or
          (f64.ne (f64.sub (local.get $x) (local.get $x)) (f64.const 0)) ;; infinite, or no number
          (f64.eq (local.get $x) (f64.const 0)))
      (then (return (local.get $x))))
    (local.set $h (call $log (f64.abs (local.get $x))))
    (local.set $h (call $div2 (local.get $h) (global.get $low) (f64.const 3) (f64.const 0)))
    (f64.copysign (call $exp (local.get $h) (global.get $low)) (local.get $x)))

  ;; ------------------------------------------------------------ angles

  ;; The Taylor series of the sine of a double-double up to pi / 4 (`first` 1), or of its cosine (`first` 0).
  (func $series (param $h f64) (param $l f64) (param $first f64) (result f64)
    (local $qh f64) (local $ql f64) (local $th f64) (local $tl f64) (local $sh f64) (local $sl f64) (local $k f64)
    (local.set $qh (call $mul2 (local.get $h) (local.get $l) (local.get $h) (local.get $l)))
    (local.set $ql (global.get $low))
    (if (f64.eq (local.get $first) (f64.const 0))
      (then
        (local.set $h (f64.const 1))
        (local.set $l (f64.const 0))))
    (local.set $th (local.get $h))
    (local.set $tl (local.get $l))
    (local.set $sh (local.get $h))
    (local.set $sl (local.get $l))
    (local.set $k (local.get $first))
    (loop $next ;; (pi / 4)^30 / 30! is far below 2^-106
      (local.set $th (call $mul2 (local.get $th) (local.get $tl) (local.get $qh) (local.get $ql)))
      (local.set $tl (global.get $low))
      (local.set $th
        (call $div2
          (local.get $th)
          (local.get $tl)
          (f64.neg (f64.mul (f64.add (local.get $k) (f64.const 1)) (f64.add (local.get $k) (f64.const 2))))
          (f64.const 0)))
      (local.set $tl (global.get $low))
      (local.set $sh (call $add2 (local.get $sh) (local.get $sl) (local.get $th) (local.get $tl)))
      (local.set $sl (global.get $low))
      (local.set $k (f64.add (local.get $k) (f64.const 2)))
      (br_if $next (f64.lt (local.get $k) (f64.const 30))))
    (global.set $low (local.get $sl))
    (local.get $sh))

  (global $quarter (mut i32) (i32.const 0))

  ;; What is left of an angle beyond whole quarter turns, as a double-double; their number is in $quarter.
  (func $reduced (param $x f64) (result f64) (local $n f64) (local $h f64) (local $l f64) (local $p f64)
    (local.set $n (f64.nearest (f64.mul (local.get $x) (f64.const 0x1.45f306dc9c883p-1))))
    (global.set $quarter
      (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_s (local.get $n))) (i32.const 3)))
    (local.set $p (call $mul (local.get $n) (f64.const -0x1.921fb54442d18p+0)))
    (local.set $h (call $add2 (local.get $x) (f64.const 0) (local.get $p) (global.get $low)))
    (local.set $l (global.get $low))
    (local.set $p (call $mul (local.get $n) (f64.const -0x1.1a62633145c07p-54)))
    (local.set $h (call $add2 (local.get $h) (local.get $l) (local.get $p) (global.get $low)))
    (local.set $l (global.get $low))
    (call $add2
      (local.get $h)
      (local.get $l)
      (f64.mul (local.get $n) (f64.const 0x1.f1976b7ed8fbcp-110))
      (f64.const 0)))

  ;; The sine of an angle that so many quarters were taken from, `turn` of them more: 1 for the cosine.
  (func $wave (param $h f64) (param $l f64) (param $turn i32) (result f64)
    (local.set $turn (i32.add (local.get $turn) (global.get $quarter)))
    (local.set $h
      (call $series
        (local.get $h)
        (local.get $l)
        (select (f64.const 0) (f64.const 1) (i32.and (local.get $turn) (i32.const 1)))))
    (if (i32.and (local.get $turn) (i32.const 2))
      (then
        (global.set $low (f64.neg (global.get $low)))
        (return (f64.neg (local.get $h)))))
    (local.get $h))

  (func $finite (param $x f64) (result i32)
    (f64.eq (f64.sub (local.get $x) (local.get $x)) (f64.const 0)))

  (func (export "rt::f64_sin") (param $x f64) (result f64)
    (if (f64.eq (local.get $x) (f64.const 0))
      (then (return (local.get $x))))
    (if (i32.eqz (call $finite (local.get $x)))
      (then (return (f64.const nan))))
    (local.set $x (call $reduced (local.get $x)))
    (call $wave (local.get $x) (global.get $low) (i32.const 0)))

  (func (export "rt::f64_cos") (param $x f64) (result f64)
    (if (i32.eqz (call $finite (local.get $x)))
      (then (return (f64.const nan))))
    (local.set $x (call $reduced (local.get $x)))
    (call $wave (local.get $x) (global.get $low) (i32.const 1)))

  (func (export "rt::f64_tan") (param $x f64) (result f64) (local $l f64) (local $sh f64) (local $sl f64)
    (if (f64.eq (local.get $x) (f64.const 0))
      (then (return (local.get $x))))
    (if (i32.eqz (call $finite (local.get $x)))
      (then (return (f64.const nan))))
    (local.set $x (call $reduced (local.get $x)))
    (local.set $l (global.get $low))
    (local.set $sh (call $wave (local.get $x) (local.get $l) (i32.const 0)))
    (local.set $sl (global.get $low))
    (local.set $x (call $wave (local.get $x) (local.get $l) (i32.const 1)))
    (call $div2 (local.get $sh) (local.get $sl) (local.get $x) (global.get $low)))

  ;; The angle from 0 to pi / 2 whose tangent is y / x, none of which is negative, and not both 0.
  (func $angle (param $yh f64) (param $yl f64) (param $xh f64) (param $xl f64) (result f64)
    (local $h f64) (local $l f64) (local $ah f64) (local $al f64) (local $sh f64) (local $sl f64) (local $ch f64)
    (local $cl f64) (local $turns i32)
    (if (f64.gt (local.get $yh) (local.get $xh))
      (then
        (local.set $h (call $angle (local.get $xh) (local.get $xl) (local.get $yh) (local.get $yl)))
        (return
          (call $add2
            (f64.const 0x1.921fb54442d18p+0)
            (f64.const 0x1.1a62633145c07p-54)
            (f64.neg (local.get $h))
            (f64.neg (global.get $low))))))
    (local.set $h (call $div2 (local.get $yh) (local.get $yl) (local.get $xh) (local.get $xl)))
    (local.set $l (global.get $low))
    (if (f64.lt (local.get $h) (f64.const 0x1p-60)) ;; its own tangent
      (then (return (local.get $h))))
    (local.set $ah
      (f64.mul
        (local.get $h)
        (f64.add (f64.const 0.785) (f64.mul (f64.const 0.273) (f64.sub (f64.const 1) (local.get $h))))))
    (local.set $turns (i32.const 3))
    (loop $next ;; a + t - t^3 / 3, where t is the tangent of what is missing
      (local.set $sh (call $series (local.get $ah) (local.get $al) (f64.const 1)))
      (local.set $sl (global.get $low))
      (local.set $ch (call $series (local.get $ah) (local.get $al) (f64.const 0)))
      (local.set $cl (global.get $low))
      (local.set $yh (call $mul2 (local.get $h) (local.get $l) (local.get $ch) (local.get $cl)))
      (local.set $yh
        (call $add2 (local.get $yh) (global.get $low) (f64.neg (local.get $sh)) (f64.neg (local.get $sl))))
      (local.set $yl (global.get $low))
      (local.set $xh (call $mul2 (local.get $h) (local.get $l) (local.get $sh) (local.get $sl)))
      (local.set $xh (call $add2 (local.get $xh) (global.get $low) (local.get $ch) (local.get $cl)))
      (local.set $yh (call $div2 (local.get $yh) (local.get $yl) (local.get $xh) (global.get $low)))
      (local.set $yl
        (f64.sub
          (global.get $low)
          (f64.div
            (f64.mul (f64.mul (local.get $yh) (local.get $yh)) (local.get $yh))
            (f64.const 3))))
      (local.set $ah (call $add2 (local.get $ah) (local.get $al) (local.get $yh) (local.get $yl)))
      (local.set $al (global.get $low))
      (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
      (br_if $next (local.get $turns)))
    (local.get $ah))

  (func $half_turn_less (param $h f64) (result f64)
    (call $add2
      (f64.const 0x1.921fb54442d18p+1)
      (f64.const 0x1.1a62633145c07p-53)
      (f64.neg (local.get $h))
      (f64.neg (global.get $low))))

  (func $atan2 (export "rt::f64_atan2") (param $y f64) (param $x f64) (result f64) (local $h f64)
    (if (i32.or (f64.ne (local.get $x) (local.get $x)) (f64.ne (local.get $y) (local.get $y)))
      (then (return (f64.const nan))))
    (if (f64.eq (f64.abs (local.get $y)) (f64.const inf))
      (then
        (local.set $x
          (f64.copysign (f64.convert_i32_u (f64.eq (f64.abs (local.get $x)) (f64.const inf))) (local.get $x)))
        (local.set $y (f64.copysign (f64.const 1) (local.get $y)))))
    (if (f64.eq (f64.abs (local.get $x)) (f64.const inf))
      (then
        (local.set $x (f64.copysign (f64.const 1) (local.get $x)))
        (local.set $y (f64.copysign (f64.const 0) (local.get $y)))))
    (global.set $low (f64.const 0))
    (if (f64.ne (local.get $y) (f64.const 0))
      (then
        (local.set $h
          (call $angle (f64.abs (local.get $y)) (f64.const 0) (f64.abs (local.get $x)) (f64.const 0)))))
    (if (i64.lt_s (i64.reinterpret_f64 (local.get $x)) (i64.const 0))
      (then (local.set $h (call $half_turn_less (local.get $h)))))
    (f64.copysign (local.get $h) (local.get $y)))

  (func (export "rt::f64_atan") (param $x f64) (result f64)
    (if (f64.eq (local.get $x) (f64.const 0))
      (then (return (local.get $x))))
    (call $atan2 (local.get $x) (f64.const 1)))

  ;; The square root of 1 - x^2.
  (func $other_side (param $x f64) (result f64) (local $h f64) (local $l f64) (local $root f64)
    (local.set $h (call $mul (local.get $x) (local.get $x)))
    (local.set $h
      (call $add2 (f64.const 1) (f64.const 0) (f64.neg (local.get $h)) (f64.neg (global.get $low))))
    (local.set $l (global.get $low))
    (if (f64.le (local.get $h) (f64.const 0))
      (then
        (global.set $low (f64.const 0))
        (return (f64.const 0))))
    (local.set $root (f64.sqrt (local.get $h)))
    (local.set $h
      (call $add2
        (local.get $h)
        (local.get $l)
        (f64.neg (call $mul (local.get $root) (local.get $root)))
        (f64.neg (global.get $low))))
    (call $add (local.get $root) (f64.div (local.get $h) (f64.mul (f64.const 2) (local.get $root)))))

  (func (export "rt::f64_asin") (param $x f64) (result f64) (local $h f64)
    (if (i32.eqz (f64.le (f64.abs (local.get $x)) (f64.const 1)))
      (then (return (f64.const nan))))
    (if (f64.eq (local.get $x) (f64.const 0))
      (then (return (local.get $x))))
    (local.set $h (call $other_side (local.get $x)))
    (f64.copysign
      (call $angle (f64.abs (local.get $x)) (f64.const 0) (local.get $h) (global.get $low))
      (local.get $x)))

  (func (export "rt::f64_acos") (param $x f64) (result f64) (local $h f64)
    (if (i32.eqz (f64.le (f64.abs (local.get $x)) (f64.const 1)))
      (then (return (f64.const nan))))
    (if (f64.eq (local.get $x) (f64.const 1))
      (then (return (f64.const 0))))
    (local.set $h (call $other_side (local.get $x)))
    (local.set $h (call $angle (local.get $h) (global.get $low) (f64.abs (local.get $x)) (f64.const 0)))
    (if (f64.lt (local.get $x) (f64.const 0))
      (then (return (call $half_turn_less (local.get $h)))))
    (local.get $h))
)
