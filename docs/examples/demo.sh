#!/bin/sh
# Builds a copy of the invoice example, runs it, edits it and builds it again. Called by `make demo`.
set -eu

wasmill=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
examples=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }
show() { printf '$ wasmill %s\n' "$*"; "$wasmill" "$@"; }

cp -R "$examples/invoice" "$work/invoice"
cd "$work"

say "An invoice program of $(find invoice -name '*.ruchy' | wc -l | tr -d ' ') modules. Who depends on whom:"
show graph invoice

say "The first build compiles every module:"
show build invoice

say "It is WebAssembly, and it runs:"
show run invoice

say "Nothing has changed, so there is nothing to do:"
show build invoice

say "Now the full rate of tax goes from 19 % to 21 %:"
sed -i.before 's/FULL_PER_MILLE: i64 = 190/FULL_PER_MILLE: i64 = 210/' invoice/pricing/tax.ruchy
rm invoice/pricing/tax.ruchy.before
printf '  pricing/tax.ruchy: %s\n\n' "$(grep 'FULL_PER_MILLE: i64' invoice/pricing/tax.ruchy)"
show build invoice

say "Only that module, and those that depend on it, were compiled. The new sums:"
"$wasmill" run --quiet invoice | grep -E 'Invoice|tax|to pay|day'

say "A comment moves every line below it, and compiles no function:"
sed -i.before '1s|^|// The law of 2026 counts.\n|' invoice/pricing/tax.ruchy
rm invoice/pricing/tax.ruchy.before
show build invoice

say "A mistake is shown where it stands, and the old program stays:"
sed -i.before 's/money::share(net, per_mille)/money::shere(net, per_mille)/' invoice/pricing/discount.ruchy
rm invoice/pricing/discount.ruchy.before
show build invoice || true

say "Taken back, nothing needs to be compiled: the cache still has it all."
cp "$examples/invoice/pricing/discount.ruchy" invoice/pricing/discount.ruchy
cp "$examples/invoice/pricing/tax.ruchy" invoice/pricing/tax.ruchy
show build invoice

say "Ruchy, C and WebAssembly text make one program (zig builds the C library the first time, in half a minute):"
cp -R "$examples/mixed" mixed
if ! "$wasmill" build --quiet mixed >built 2>&1; then
    grep -q E1002 built || { cat built; exit 1; }
    echo "There is no C compiler here: pip install 'wasmill[c]' brings one."
    exit 0
fi
show run mixed

say "An edited header compiles the C file that includes it, and no Ruchy:"
sed -i.before 's/SMALLEST 2/SMALLEST 3/' mixed/primes.h
rm mixed/primes.h.before
show build mixed
