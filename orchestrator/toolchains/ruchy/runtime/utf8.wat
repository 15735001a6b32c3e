;; Whether bytes from outside are text.
(module
  (import "env" "memory" (memory 1))
  (func (export "rt::utf8_valid") (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $second i32) (local $width i32)
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end))
        (then (return (i32.const 1))))
      (local.set $first (i32.load8_u (local.get $at)))
      (if (i32.lt_u (local.get $first) (i32.const 0x80))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))
      (if (i32.or
            (i32.lt_u (local.get $first) (i32.const 0xc2))
            (i32.gt_u (local.get $first) (i32.const 0xf4)))
        (then (return (i32.const 0))))
      (local.set $width
        (i32.add
          (i32.add (i32.const 2) (i32.ge_u (local.get $first) (i32.const 0xe0)))
          (i32.ge_u (local.get $first) (i32.const 0xf0))))
      (if (i32.gt_u (local.get $width) (i32.sub (local.get $end) (local.get $at)))
        (then (return (i32.const 0))))
      ;; The second byte rules out what could be shorter, surrogates, and what is beyond U+10FFFF.
      (local.set $second (i32.load8_u offset=1 (local.get $at)))
      (if (i32.or
            (i32.lt_u
              (local.get $second)
              (select
                (i32.const 0xa0)
                (select (i32.const 0x90) (i32.const 0x80) (i32.eq (local.get $first) (i32.const 0xf0)))
                (i32.eq (local.get $first) (i32.const 0xe0))))
            (i32.gt_u
              (local.get $second)
              (select
                (i32.const 0x9f)
                (select (i32.const 0x8f) (i32.const 0xbf) (i32.eq (local.get $first) (i32.const 0xf4)))
                (i32.eq (local.get $first) (i32.const 0xed)))))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (block $through
        (loop $more
          (local.set $width (i32.sub (local.get $width) (i32.const 1)))
          (br_if $through (i32.lt_u (local.get $width) (i32.const 2)))
          (if (i32.ne (i32.and (i32.load8_u (local.get $at)) (i32.const 0xc0)) (i32.const 0x80))
            (then (return (i32.const 0))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $more)))
      (br $next))
    unreachable)
)
