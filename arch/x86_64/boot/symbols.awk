# From `nm -n` to the table that kernel/symbols.c reads, in NASM: every function, by address. Without
# input, an empty table for the first link.

BEGIN {
    print "section .symbols"
    print "global symbol_table, symbol_count"
    print "align 8"
    print "symbol_table:"
}

# Functions are code (t, T); local labels have a dot, the linker script's bounds are none.
$2 ~ /^[tT]$/ && $3 !~ /[.]|^(entry_)?text_(start|end)$/ {
    printf "dq 0x%s, name%d\n", $1, count
    names = names sprintf("name%d: db \"%s\", 0\n", count, $3)
    count++
}

END {
    printf "symbol_count: dq %d\n%s", count, names
}
