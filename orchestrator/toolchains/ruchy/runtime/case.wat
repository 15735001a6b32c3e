;; Upper and lower case, one character to one: what has no counterpart of one character stays, but for ß, which is SS in
;; upper case. Of Unicode 14, the Basic Multilingual Plane.
;;
;; A table holds runs of four u16: first character, last character, step from one to the next, what to add to each.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::str_new" (func $new (param i32) (result i32)))
  (import "env" "rt::str_chars" (func $chars (param i32) (result i64)))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))
  (import "env" "rt::utf8_put" (func $put (param i32 i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (global $uppers i32 (i32.const 4096))
  (data $uppers (i32.const 4096)
    "\b5\00\b5\00\01\00\e7\02\e0\00\f6\00\01\00\e0\ff\f8\00\fe\00\01\00\e0\ff\ff\00\ff\00\01\00\79\00"
    "\01\01\2f\01\02\00\ff\ff\31\01\31\01\01\00\18\ff\33\01\37\01\02\00\ff\ff\3a\01\48\01\02\00\ff\ff"
    "\4b\01\77\01\02\00\ff\ff\7a\01\7e\01\02\00\ff\ff\7f\01\7f\01\01\00\d4\fe\80\01\80\01\01\00\c3\00"
    "\83\01\85\01\02\00\ff\ff\88\01\88\01\01\00\ff\ff\8c\01\8c\01\01\00\ff\ff\92\01\92\01\01\00\ff\ff"
    "\95\01\95\01\01\00\61\00\99\01\99\01\01\00\ff\ff\9a\01\9a\01\01\00\a3\00\9e\01\9e\01\01\00\82\00"
    "\a1\01\a5\01\02\00\ff\ff\a8\01\a8\01\01\00\ff\ff\ad\01\ad\01\01\00\ff\ff\b0\01\b0\01\01\00\ff\ff"
    "\b4\01\b6\01\02\00\ff\ff\b9\01\b9\01\01\00\ff\ff\bd\01\bd\01\01\00\ff\ff\bf\01\bf\01\01\00\38\00"
    "\c5\01\c5\01\01\00\ff\ff\c6\01\c6\01\01\00\fe\ff\c8\01\c8\01\01\00\ff\ff\c9\01\c9\01\01\00\fe\ff"
    "\cb\01\cb\01\01\00\ff\ff\cc\01\cc\01\01\00\fe\ff\ce\01\dc\01\02\00\ff\ff\dd\01\dd\01\01\00\b1\ff"
    "\df\01\ef\01\02\00\ff\ff\f2\01\f2\01\01\00\ff\ff\f3\01\f3\01\01\00\fe\ff\f5\01\f5\01\01\00\ff\ff"
    "\f9\01\1f\02\02\00\ff\ff\23\02\33\02\02\00\ff\ff\3c\02\3c\02\01\00\ff\ff\3f\02\40\02\01\00\3f\2a"
    "\42\02\42\02\01\00\ff\ff\47\02\4f\02\02\00\ff\ff\50\02\50\02\01\00\1f\2a\51\02\51\02\01\00\1c\2a"
    "\52\02\52\02\01\00\1e\2a\53\02\53\02\01\00\2e\ff\54\02\54\02\01\00\32\ff\56\02\57\02\01\00\33\ff"
    "\59\02\59\02\01\00\36\ff\5b\02\5b\02\01\00\35\ff\5c\02\5c\02\01\00\4f\a5\60\02\60\02\01\00\33\ff"
    "\61\02\61\02\01\00\4b\a5\63\02\63\02\01\00\31\ff\65\02\65\02\01\00\28\a5\66\02\66\02\01\00\44\a5"
    "\68\02\68\02\01\00\2f\ff\69\02\69\02\01\00\2d\ff\6a\02\6a\02\01\00\44\a5\6b\02\6b\02\01\00\f7\29"
    "\6c\02\6c\02\01\00\41\a5\6f\02\6f\02\01\00\2d\ff\71\02\71\02\01\00\fd\29\72\02\72\02\01\00\2b\ff"
    "\75\02\75\02\01\00\2a\ff\7d\02\7d\02\01\00\e7\29\80\02\80\02\01\00\26\ff\82\02\82\02\01\00\43\a5"
    "\83\02\83\02\01\00\26\ff\87\02\87\02\01\00\2a\a5\88\02\88\02\01\00\26\ff\89\02\89\02\01\00\bb\ff"
    "\8a\02\8b\02\01\00\27\ff\8c\02\8c\02\01\00\b9\ff\92\02\92\02\01\00\25\ff\9d\02\9d\02\01\00\15\a5"
    "\9e\02\9e\02\01\00\12\a5\45\03\45\03\01\00\54\00\71\03\73\03\02\00\ff\ff\77\03\77\03\01\00\ff\ff"
    "\7b\03\7d\03\01\00\82\00\ac\03\ac\03\01\00\da\ff\ad\03\af\03\01\00\db\ff\b1\03\c1\03\01\00\e0\ff"
    "\c2\03\c2\03\01\00\e1\ff\c3\03\cb\03\01\00\e0\ff\cc\03\cc\03\01\00\c0\ff\cd\03\ce\03\01\00\c1\ff"
    "\d0\03\d0\03\01\00\c2\ff\d1\03\d1\03\01\00\c7\ff\d5\03\d5\03\01\00\d1\ff\d6\03\d6\03\01\00\ca\ff"
    "\d7\03\d7\03\01\00\f8\ff\d9\03\ef\03\02\00\ff\ff\f0\03\f0\03\01\00\aa\ff\f1\03\f1\03\01\00\b0\ff"
    "\f2\03\f2\03\01\00\07\00\f3\03\f3\03\01\00\8c\ff\f5\03\f5\03\01\00\a0\ff\f8\03\f8\03\01\00\ff\ff"
    "\fb\03\fb\03\01\00\ff\ff\30\04\4f\04\01\00\e0\ff\50\04\5f\04\01\00\b0\ff\61\04\81\04\02\00\ff\ff"
    "\8b\04\bf\04\02\00\ff\ff\c2\04\ce\04\02\00\ff\ff\cf\04\cf\04\01\00\f1\ff\d1\04\2f\05\02\00\ff\ff"
    "\61\05\86\05\01\00\d0\ff\d0\10\fa\10\01\00\c0\0b\fd\10\ff\10\01\00\c0\0b\f8\13\fd\13\01\00\f8\ff"
    "\80\1c\80\1c\01\00\92\e7\81\1c\81\1c\01\00\93\e7\82\1c\82\1c\01\00\9c\e7\83\1c\84\1c\01\00\9e\e7"
    "\85\1c\85\1c\01\00\9d\e7\86\1c\86\1c\01\00\a4\e7\87\1c\87\1c\01\00\db\e7\88\1c\88\1c\01\00\c2\89"
    "\79\1d\79\1d\01\00\04\8a\7d\1d\7d\1d\01\00\e6\0e\8e\1d\8e\1d\01\00\38\8a\01\1e\95\1e\02\00\ff\ff"
    "\9b\1e\9b\1e\01\00\c5\ff\a1\1e\ff\1e\02\00\ff\ff\00\1f\07\1f\01\00\08\00\10\1f\15\1f\01\00\08\00"
    "\20\1f\27\1f\01\00\08\00\30\1f\37\1f\01\00\08\00\40\1f\45\1f\01\00\08\00\51\1f\57\1f\02\00\08\00"
    "\60\1f\67\1f\01\00\08\00\70\1f\71\1f\01\00\4a\00\72\1f\75\1f\01\00\56\00\76\1f\77\1f\01\00\64\00"
    "\78\1f\79\1f\01\00\80\00\7a\1f\7b\1f\01\00\70\00\7c\1f\7d\1f\01\00\7e\00\b0\1f\b1\1f\01\00\08\00"
    "\be\1f\be\1f\01\00\db\e3\d0\1f\d1\1f\01\00\08\00\e0\1f\e1\1f\01\00\08\00\e5\1f\e5\1f\01\00\07\00"
    "\4e\21\4e\21\01\00\e4\ff\70\21\7f\21\01\00\f0\ff\84\21\84\21\01\00\ff\ff\d0\24\e9\24\01\00\e6\ff"
    "\30\2c\5f\2c\01\00\d0\ff\61\2c\61\2c\01\00\ff\ff\65\2c\65\2c\01\00\d5\d5\66\2c\66\2c\01\00\d8\d5"
    "\68\2c\6c\2c\02\00\ff\ff\73\2c\73\2c\01\00\ff\ff\76\2c\76\2c\01\00\ff\ff\81\2c\e3\2c\02\00\ff\ff"
    "\ec\2c\ee\2c\02\00\ff\ff\f3\2c\f3\2c\01\00\ff\ff\00\2d\25\2d\01\00\a0\e3\27\2d\27\2d\01\00\a0\e3"
    "\2d\2d\2d\2d\01\00\a0\e3\41\a6\6d\a6\02\00\ff\ff\81\a6\9b\a6\02\00\ff\ff\23\a7\2f\a7\02\00\ff\ff"
    "\33\a7\6f\a7\02\00\ff\ff\7a\a7\7c\a7\02\00\ff\ff\7f\a7\87\a7\02\00\ff\ff\8c\a7\8c\a7\01\00\ff\ff"
    "\91\a7\93\a7\02\00\ff\ff\94\a7\94\a7\01\00\30\00\97\a7\a9\a7\02\00\ff\ff\b5\a7\c3\a7\02\00\ff\ff"
    "\c8\a7\ca\a7\02\00\ff\ff\d1\a7\d1\a7\01\00\ff\ff\d7\a7\d9\a7\02\00\ff\ff\f6\a7\f6\a7\01\00\ff\ff"
    "\53\ab\53\ab\01\00\60\fc\70\ab\bf\ab\01\00\30\68\41\ff\5a\ff\01\00\e0\ff")
  (global $lowers i32 (i32.const 5568))
  (data $lowers (i32.const 5568)
    "\c0\00\d6\00\01\00\20\00\d8\00\de\00\01\00\20\00\00\01\2e\01\02\00\01\00\32\01\36\01\02\00\01\00"
    "\39\01\47\01\02\00\01\00\4a\01\76\01\02\00\01\00\78\01\78\01\01\00\87\ff\79\01\7d\01\02\00\01\00"
    "\81\01\81\01\01\00\d2\00\82\01\84\01\02\00\01\00\86\01\86\01\01\00\ce\00\87\01\87\01\01\00\01\00"
    "\89\01\8a\01\01\00\cd\00\8b\01\8b\01\01\00\01\00\8e\01\8e\01\01\00\4f\00\8f\01\8f\01\01\00\ca\00"
    "\90\01\90\01\01\00\cb\00\91\01\91\01\01\00\01\00\93\01\93\01\01\00\cd\00\94\01\94\01\01\00\cf\00"
    "\96\01\96\01\01\00\d3\00\97\01\97\01\01\00\d1\00\98\01\98\01\01\00\01\00\9c\01\9c\01\01\00\d3\00"
    "\9d\01\9d\01\01\00\d5\00\9f\01\9f\01\01\00\d6\00\a0\01\a4\01\02\00\01\00\a6\01\a6\01\01\00\da\00"
    "\a7\01\a7\01\01\00\01\00\a9\01\a9\01\01\00\da\00\ac\01\ac\01\01\00\01\00\ae\01\ae\01\01\00\da\00"
    "\af\01\af\01\01\00\01\00\b1\01\b2\01\01\00\d9\00\b3\01\b5\01\02\00\01\00\b7\01\b7\01\01\00\db\00"
    "\b8\01\b8\01\01\00\01\00\bc\01\bc\01\01\00\01\00\c4\01\c4\01\01\00\02\00\c5\01\c5\01\01\00\01\00"
    "\c7\01\c7\01\01\00\02\00\c8\01\c8\01\01\00\01\00\ca\01\ca\01\01\00\02\00\cb\01\db\01\02\00\01\00"
    "\de\01\ee\01\02\00\01\00\f1\01\f1\01\01\00\02\00\f2\01\f4\01\02\00\01\00\f6\01\f6\01\01\00\9f\ff"
    "\f7\01\f7\01\01\00\c8\ff\f8\01\1e\02\02\00\01\00\20\02\20\02\01\00\7e\ff\22\02\32\02\02\00\01\00"
    "\3a\02\3a\02\01\00\2b\2a\3b\02\3b\02\01\00\01\00\3d\02\3d\02\01\00\5d\ff\3e\02\3e\02\01\00\28\2a"
    "\41\02\41\02\01\00\01\00\43\02\43\02\01\00\3d\ff\44\02\44\02\01\00\45\00\45\02\45\02\01\00\47\00"
    "\46\02\4e\02\02\00\01\00\70\03\72\03\02\00\01\00\76\03\76\03\01\00\01\00\7f\03\7f\03\01\00\74\00"
    "\86\03\86\03\01\00\26\00\88\03\8a\03\01\00\25\00\8c\03\8c\03\01\00\40\00\8e\03\8f\03\01\00\3f\00"
    "\91\03\a1\03\01\00\20\00\a3\03\ab\03\01\00\20\00\cf\03\cf\03\01\00\08\00\d8\03\ee\03\02\00\01\00"
    "\f4\03\f4\03\01\00\c4\ff\f7\03\f7\03\01\00\01\00\f9\03\f9\03\01\00\f9\ff\fa\03\fa\03\01\00\01\00"
    "\fd\03\ff\03\01\00\7e\ff\00\04\0f\04\01\00\50\00\10\04\2f\04\01\00\20\00\60\04\80\04\02\00\01\00"
    "\8a\04\be\04\02\00\01\00\c0\04\c0\04\01\00\0f\00\c1\04\cd\04\02\00\01\00\d0\04\2e\05\02\00\01\00"
    "\31\05\56\05\01\00\30\00\a0\10\c5\10\01\00\60\1c\c7\10\c7\10\01\00\60\1c\cd\10\cd\10\01\00\60\1c"
    "\a0\13\ef\13\01\00\d0\97\f0\13\f5\13\01\00\08\00\90\1c\ba\1c\01\00\40\f4\bd\1c\bf\1c\01\00\40\f4"
    "\00\1e\94\1e\02\00\01\00\9e\1e\9e\1e\01\00\41\e2\a0\1e\fe\1e\02\00\01\00\08\1f\0f\1f\01\00\f8\ff"
    "\18\1f\1d\1f\01\00\f8\ff\28\1f\2f\1f\01\00\f8\ff\38\1f\3f\1f\01\00\f8\ff\48\1f\4d\1f\01\00\f8\ff"
    "\59\1f\5f\1f\02\00\f8\ff\68\1f\6f\1f\01\00\f8\ff\88\1f\8f\1f\01\00\f8\ff\98\1f\9f\1f\01\00\f8\ff"
    "\a8\1f\af\1f\01\00\f8\ff\b8\1f\b9\1f\01\00\f8\ff\ba\1f\bb\1f\01\00\b6\ff\bc\1f\bc\1f\01\00\f7\ff"
    "\c8\1f\cb\1f\01\00\aa\ff\cc\1f\cc\1f\01\00\f7\ff\d8\1f\d9\1f\01\00\f8\ff\da\1f\db\1f\01\00\9c\ff"
    "\e8\1f\e9\1f\01\00\f8\ff\ea\1f\eb\1f\01\00\90\ff\ec\1f\ec\1f\01\00\f9\ff\f8\1f\f9\1f\01\00\80\ff"
    "\fa\1f\fb\1f\01\00\82\ff\fc\1f\fc\1f\01\00\f7\ff\26\21\26\21\01\00\a3\e2\2a\21\2a\21\01\00\41\df"
    "\2b\21\2b\21\01\00\ba\df\32\21\32\21\01\00\1c\00\60\21\6f\21\01\00\10\00\83\21\83\21\01\00\01\00"
    "\b6\24\cf\24\01\00\1a\00\00\2c\2f\2c\01\00\30\00\60\2c\60\2c\01\00\01\00\62\2c\62\2c\01\00\09\d6"
    "\63\2c\63\2c\01\00\1a\f1\64\2c\64\2c\01\00\19\d6\67\2c\6b\2c\02\00\01\00\6d\2c\6d\2c\01\00\e4\d5"
    "\6e\2c\6e\2c\01\00\03\d6\6f\2c\6f\2c\01\00\e1\d5\70\2c\70\2c\01\00\e2\d5\72\2c\72\2c\01\00\01\00"
    "\75\2c\75\2c\01\00\01\00\7e\2c\7f\2c\01\00\c1\d5\80\2c\e2\2c\02\00\01\00\eb\2c\ed\2c\02\00\01\00"
    "\f2\2c\f2\2c\01\00\01\00\40\a6\6c\a6\02\00\01\00\80\a6\9a\a6\02\00\01\00\22\a7\2e\a7\02\00\01\00"
    "\32\a7\6e\a7\02\00\01\00\79\a7\7b\a7\02\00\01\00\7d\a7\7d\a7\01\00\fc\75\7e\a7\86\a7\02\00\01\00"
    "\8b\a7\8b\a7\01\00\01\00\8d\a7\8d\a7\01\00\d8\5a\90\a7\92\a7\02\00\01\00\96\a7\a8\a7\02\00\01\00"
    "\aa\a7\aa\a7\01\00\bc\5a\ab\a7\ab\a7\01\00\b1\5a\ac\a7\ac\a7\01\00\b5\5a\ad\a7\ad\a7\01\00\bf\5a"
    "\ae\a7\ae\a7\01\00\bc\5a\b0\a7\b0\a7\01\00\ee\5a\b1\a7\b1\a7\01\00\d6\5a\b2\a7\b2\a7\01\00\eb\5a"
    "\b3\a7\b3\a7\01\00\a0\03\b4\a7\c2\a7\02\00\01\00\c4\a7\c4\a7\01\00\d0\ff\c5\a7\c5\a7\01\00\bd\5a"
    "\c6\a7\c6\a7\01\00\c8\75\c7\a7\c9\a7\02\00\01\00\d0\a7\d0\a7\01\00\01\00\d6\a7\d8\a7\02\00\01\00"
    "\f5\a7\f5\a7\01\00\01\00\21\ff\3a\ff\01\00\20\00")

  ;; The counterpart of a character, by a table that ends at `end`.
  (func $map (param $char i32) (param $run i32) (param $end i32) (result i32)
    (if (i32.gt_u (local.get $char) (i32.const 0xffff))
      (then (return (local.get $char))))
    (block $none
      (loop $next
        (br_if $none (i32.eq (local.get $run) (local.get $end)))
        (br_if $none (i32.lt_u (local.get $char) (i32.load16_u (local.get $run))))
        (if (i32.le_u (local.get $char) (i32.load16_u offset=2 (local.get $run)))
          (then
            (if (i32.eqz
                  (i32.rem_u
                    (i32.sub (local.get $char) (i32.load16_u (local.get $run)))
                    (i32.load16_u offset=4 (local.get $run))))
              (then
                (return
                  (i32.and
                    (i32.add (local.get $char) (i32.load16_u offset=6 (local.get $run)))
                    (i32.const 0xffff)))))))
        (local.set $run (i32.add (local.get $run) (i32.const 8)))
        (br $next)))
    (local.get $char))

  ;; The string with all characters mapped: ASCII letters from `first` on change by 32, others by the table. A
  ;; counterpart of two bytes may have three.
  (func $convert (param $string i32) (param $first i32) (param $table i32) (param $end i32) (result i32)
    (local $new i32) (local $at i32) (local $stop i32) (local $to i32) (local $char i32)
    (local.set $char (i32.load offset=4 (local.get $string)))
    (local.set $new
      (call $new
        (select
          (local.get $char)
          (i32.add (local.get $char) (i32.shr_u (local.get $char) (i32.const 1)))
          (i64.eq (call $chars (local.get $string)) (i64.extend_i32_u (local.get $char))))))
    (local.set $at (i32.add (local.get $string) (i32.const 8)))
    (local.set $stop (i32.add (local.get $at) (local.get $char)))
    (local.set $to (i32.add (local.get $new) (i32.const 8)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $stop)))
        (local.set $char (i32.load8_u (local.get $at)))
        (if (i32.lt_u (local.get $char) (i32.const 0x80))
          (then
            (i32.store8
              (local.get $to)
              (i32.xor
                (local.get $char)
                (i32.shl
                  (i32.lt_u (i32.sub (local.get $char) (local.get $first)) (i32.const 26))
                  (i32.const 5))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $to (i32.add (local.get $to) (i32.const 1))))
          (else
            (if (i32.and
                  (i32.eq (local.get $first) (i32.const 97))
                  (i32.eq (i32.load16_u (local.get $at)) (i32.const 0x9fc3)))  ;; ß
              (then
                (i32.store16 (local.get $to) (i32.const 0x5353))
                (local.set $to (i32.add (local.get $to) (i32.const 2))))
              (else
                (local.set $to
                  (call $put
                    (local.get $to)
                    (call $map (call $get (local.get $at)) (local.get $table) (local.get $end))))))
            (local.set $at (i32.add (local.get $at) (call $width (local.get $char))))))
        (br $next)))
    (i32.store offset=4
      (local.get $new)
      (i32.sub (local.get $to) (i32.add (local.get $new) (i32.const 8))))
    (local.get $new))

  (func (export "rt::str_upper") (param $string i32) (result i32)
    (call $convert
      (local.get $string)
      (i32.const 97)
      (global.get $uppers)
      (i32.add (global.get $uppers) (i32.const 1464))))

  (func (export "rt::str_lower") (param $string i32) (result i32)
    (call $convert
      (local.get $string)
      (i32.const 65)
      (global.get $lowers)
      (i32.add (global.get $lowers) (i32.const 1360))))
)
