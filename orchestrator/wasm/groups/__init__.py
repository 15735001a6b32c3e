"""Runs a program as groups of its modules, so that after an edit one group is compiled to machine code, not everything.

    finished.py  a finished program, as far as it must be known to cut it
    scan.py      the calls in a function
    layout.py    which group has which functions, and how it calls those of others
    emit.py      the modules that result
    machine.py   machine code for them, kept or compiled, and their instances
    store.py     the files in which machine code is kept

The program itself is not changed: the groups are made of its bytes when it runs. **They are observably equal to it**:
output, exit code, traps, the functions of a stack trace, memory and its limit. Fuel is counted in another way, so a
program with a limit of fuel runs as one module. So does one that has something that groups do not handle
(`UngroupedError`): a program that is too small, tail calls, references to functions, vectors, passive segments, other
imports than WASI's.
"""
