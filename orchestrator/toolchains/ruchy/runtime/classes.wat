;; What kind of characters a string is made of. An empty string passes every test.
;;
;; A table holds, as ascending u16, the characters from 128 on where membership changes; at 128 it is "no". Letters and
;; numbers of Unicode 14 in the Basic Multilingual Plane, where marks and unassigned characters count as their
;; neighbours do; beyond it, scripts and ideographs are letters and nothing is a number.
(module
  (import "env" "memory" (memory 1))
  (import "env" "rt::utf8_get" (func $get (param i32) (result i32)))
  (import "env" "rt::utf8_width" (func $width (param i32) (result i32)))
  (global $letters i32 (i32.const 8192))
  (data $letters (i32.const 8192)
    "\aa\00\ab\00\b5\00\b6\00\ba\00\bb\00\c0\00\d7\00\d8\00\f7\00\f8\00\c2\02\c6\02\d2\02\e0\02\e5\02"
    "\ec\02\ed\02\ee\02\ef\02\70\03\75\03\76\03\7e\03\7f\03\84\03\86\03\87\03\88\03\f6\03\f7\03\82\04"
    "\8a\04\5a\05\60\05\89\05\d0\05\f3\05\20\06\60\06\6e\06\d4\06\d5\06\dd\06\e5\06\e9\06\ee\06\f0\06"
    "\fa\06\fd\06\ff\06\00\07\10\07\c0\07\ca\07\f6\07\fa\07\fe\07\00\08\30\08\40\08\5e\08\60\08\88\08"
    "\89\08\90\08\a0\08\e2\08\04\09\64\09\71\09\e6\09\f0\09\f2\09\fc\09\fd\09\05\0a\66\0a\72\0a\76\0a"
    "\85\0a\e6\0a\f9\0a\66\0b\71\0b\72\0b\83\0b\e6\0b\05\0c\66\0c\80\0c\84\0c\85\0c\e6\0c\f1\0c\4f\0d"
    "\54\0d\58\0d\5f\0d\66\0d\7a\0d\e6\0d\01\0e\3f\0e\40\0e\4f\0e\81\0e\d0\0e\dc\0e\01\0f\40\0f\85\0f"
    "\88\0f\be\0f\00\10\40\10\50\10\90\10\a0\10\fb\10\fc\10\60\13\80\13\90\13\a0\13\00\14\01\14\6d\16"
    "\6f\16\80\16\81\16\9b\16\a0\16\eb\16\f1\16\35\17\40\17\d4\17\d7\17\d8\17\dc\17\e0\17\20\18\40\19"
    "\50\19\d0\19\00\1a\1e\1a\20\1a\80\1a\a7\1a\a8\1a\05\1b\50\1b\83\1b\b0\1b\ba\1b\fc\1b\00\1c\3b\1c"
    "\4d\1c\50\1c\5a\1c\7e\1c\80\1c\c0\1c\e9\1c\bd\1f\be\1f\bf\1f\c2\1f\cd\1f\d0\1f\dd\1f\e0\1f\ed\1f"
    "\f2\1f\fd\1f\71\20\74\20\7f\20\80\20\90\20\a0\20\02\21\03\21\07\21\08\21\0a\21\14\21\15\21\16\21"
    "\19\21\1e\21\24\21\25\21\26\21\27\21\28\21\29\21\2a\21\2e\21\2f\21\3a\21\3c\21\40\21\45\21\4a\21"
    "\4e\21\4f\21\83\21\85\21\00\2c\e5\2c\eb\2c\f9\2c\00\2d\70\2d\80\2d\00\2e\2f\2e\30\2e\05\30\07\30"
    "\31\30\36\30\3b\30\3d\30\41\30\9b\30\9d\30\a0\30\a1\30\fb\30\fc\30\90\31\a0\31\c0\31\f0\31\00\32"
    "\00\34\c0\4d\00\4e\90\a4\d0\a4\fe\a4\00\a5\0d\a6\10\a6\20\a6\2a\a6\73\a6\7f\a6\e6\a6\17\a7\20\a7"
    "\22\a7\89\a7\8b\a7\28\a8\40\a8\74\a8\82\a8\ce\a8\f2\a8\f8\a8\fb\a8\fc\a8\fd\a8\00\a9\0a\a9\2e\a9"
    "\30\a9\5f\a9\60\a9\c1\a9\cf\a9\d0\a9\e0\a9\f0\a9\fa\a9\50\aa\60\aa\77\aa\7a\aa\de\aa\e0\aa\f0\aa"
    "\f2\aa\5b\ab\5c\ab\6a\ab\70\ab\eb\ab\00\ac\29\fb\2a\fb\b2\fb\d3\fb\3e\fd\50\fd\cf\fd\f0\fd\fc\fd"
    "\70\fe\ff\fe\21\ff\3b\ff\41\ff\5b\ff\66\ff\e0\ff")
  (global $numbers i32 (i32.const 9216))
  (data $numbers (i32.const 9216)
    "\b2\00\b4\00\b9\00\ba\00\bc\00\bf\00\60\06\6a\06\f0\06\fa\06\c0\07\ca\07\66\09\70\09\e6\09\f0\09"
    "\f4\09\fa\09\66\0a\72\0a\e6\0a\f0\0a\66\0b\70\0b\72\0b\83\0b\e6\0b\f3\0b\66\0c\77\0c\78\0c\7f\0c"
    "\e6\0c\f1\0c\58\0d\5f\0d\66\0d\79\0d\e6\0d\f4\0d\50\0e\5a\0e\d0\0e\dc\0e\20\0f\34\0f\40\10\4a\10"
    "\90\10\9e\10\69\13\80\13\ee\16\f1\16\e0\17\00\18\10\18\20\18\46\19\50\19\d0\19\de\19\80\1a\a0\1a"
    "\50\1b\5a\1b\b0\1b\ba\1b\40\1c\4d\1c\50\1c\5a\1c\70\20\71\20\74\20\7a\20\80\20\8a\20\50\21\83\21"
    "\85\21\8a\21\60\24\9c\24\ea\24\00\25\76\27\94\27\fd\2c\fe\2c\07\30\08\30\21\30\30\30\38\30\3b\30"
    "\92\31\96\31\20\32\2a\32\48\32\50\32\51\32\60\32\80\32\8a\32\b1\32\c0\32\05\34\06\34\83\34\84\34"
    "\2a\38\2b\38\4d\3b\4e\3b\00\4e\01\4e\03\4e\04\4e\07\4e\08\4e\09\4e\0a\4e\5d\4e\5e\4e\8c\4e\8d\4e"
    "\94\4e\95\4e\96\4e\97\4e\bf\4e\c1\4e\df\4e\e0\4e\e8\4e\e9\4e\0d\4f\0e\4f\70\4f\71\4f\04\51\05\51"
    "\46\51\47\51\69\51\6a\51\6b\51\6c\51\6d\51\6e\51\41\53\42\53\43\53\46\53\4c\53\4d\53\c1\53\c5\53"
    "\db\56\dc\56\f1\58\f2\58\f9\58\fa\58\7a\5e\7b\5e\fe\5e\00\5f\0c\5f\0f\5f\10\5f\11\5f\fe\62\ff\62"
    "\4c\63\4d\63\d2\67\d3\67\06\6f\07\6f\96\73\97\73\7e\76\7f\76\86\80\87\80\2c\84\2d\84\ae\8c\af\8c"
    "\b3\8c\b4\8c\30\8d\31\8d\21\96\22\96\46\96\47\96\4c\96\4d\96\78\96\79\96\f6\96\f7\96\20\a6\2a\a6"
    "\e6\a6\f2\a6\30\a8\36\a8\d0\a8\f2\a8\00\a9\0a\a9\d0\a9\de\a9\f0\a9\fa\a9\50\aa\5c\aa\f0\ab\00\ac"
    "\6b\f9\6c\f9\73\f9\74\f9\78\f9\79\f9\b2\f9\b3\f9\d1\f9\d2\f9\d3\f9\d4\f9\fd\f9\fe\f9\10\ff\1a\ff")

  ;; Whether the character is in the set of a table that ends at `end`.
  (func $member (param $char i32) (param $entry i32) (param $end i32) (result i32) (local $is i32)
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $entry) (local.get $end)))
        (br_if $done (i32.lt_u (local.get $char) (i32.load16_u (local.get $entry))))
        (local.set $is (i32.xor (local.get $is) (i32.const 1)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 2)))
        (br $next)))
    (local.get $is))

  (func $is_letter (export "rt::is_letter") (param $char i32) (result i32)
    (if (i32.lt_u (local.get $char) (i32.const 0x80))
      (then
        (return
          (i32.lt_u
            (i32.sub (i32.or (local.get $char) (i32.const 32)) (i32.const 97))
            (i32.const 26)))))
    (if (i32.gt_u (local.get $char) (i32.const 0xffff))
      (then
        (return
          (i32.or
            (i32.lt_u (local.get $char) (i32.const 0x1d000))
            (i32.or
              (i32.lt_u (i32.sub (local.get $char) (i32.const 0x1d400)) (i32.const 0x3cc))
              (i32.lt_u (i32.sub (local.get $char) (i32.const 0x20000)) (i32.const 0x20000)))))))
    (call $member (local.get $char) (global.get $letters) (i32.add (global.get $letters) (i32.const 624))))

  (func $is_number (export "rt::is_number") (param $char i32) (result i32)
    (if (i32.lt_u (local.get $char) (i32.const 0x80))
      (then (return (i32.lt_u (i32.sub (local.get $char) (i32.const 48)) (i32.const 10)))))
    (if (i32.gt_u (local.get $char) (i32.const 0xffff))
      (then (return (i32.const 0))))
    (call $member (local.get $char) (global.get $numbers) (i32.add (global.get $numbers) (i32.const 480))))

  ;; Whether all characters are letters (if bit 0 of `kinds` is set) or numbers (if bit 1 is).
  (func $all (param $string i32) (param $kinds i32) (result i32) (local $at i32) (local $end i32) (local $char i32)
    (local.set $at (i32.add (local.get $string) (i32.const 8)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $string))))
    (block $other
      (loop $next
        (if (i32.ge_u (local.get $at) (local.get $end))
          (then (return (i32.const 1))))
        (local.set $char (call $get (local.get $at)))
        (br_if $other
          (i32.eqz
            (i32.or
              (if (result i32) (i32.and (local.get $kinds) (i32.const 1))
                (then (call $is_letter (local.get $char)))
                (else (i32.const 0)))
              (if (result i32) (i32.and (local.get $kinds) (i32.const 2))
                (then (call $is_number (local.get $char)))
                (else (i32.const 0))))))
        (local.set $at (i32.add (local.get $at) (call $width (i32.load8_u (local.get $at)))))
        (br $next)))
    (i32.const 0))

  (func (export "rt::str_is_alphabetic") (param $string i32) (result i32)
    (call $all (local.get $string) (i32.const 1)))

  (func (export "rt::str_is_numeric") (param $string i32) (result i32)
    (call $all (local.get $string) (i32.const 2)))

  (func (export "rt::str_is_alphanumeric") (param $string i32) (result i32)
    (call $all (local.get $string) (i32.const 3)))
)
