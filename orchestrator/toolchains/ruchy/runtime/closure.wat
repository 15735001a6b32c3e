;; Functions as values. Such an object is `count, nothing, code: i32, drop: i32, what it captured…`; `code` and `drop` are slots
;; of the function table. One that captured nothing is static, and its `drop` is 0.
(module
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (type $drop (func (param i32)))

  ;; Releases one, by the function that knows what it captured.
  (func (export "rt::fn_drop") (param $object i32) (local $drop i32)
    (local.set $drop (i32.load offset=12 (local.get $object)))
    (if (local.get $drop)
      (then (call_indirect (type $drop) (local.get $object) (local.get $drop))))))
