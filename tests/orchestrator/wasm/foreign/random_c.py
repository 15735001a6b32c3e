"""Random programs in C of several files, which can be edited: functions and data that refer to each other across files,
by name and by address, some of them static, some weak."""

from __future__ import annotations

from random import Random

from tests.orchestrator.wasm.foreign.programs import ForeignProgram

HEADER = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define mix(a, b) ((a) * 31u + (b))
"""


class RandomC:
    """A program. Each of its functions calls only functions with a larger number, so that it ends."""

    def __init__(self, random: Random, files: int = 3, functions: int = 9) -> None:
        self.random = random
        self.functions = {number: (number % files, random.randrange(1 << 30)) for number in range(functions)}
        self.data = {number: random.randrange(1 << 30) for number in range(files)}

    def edit(self) -> None:
        """Changes one function, the data of one file, or the number of functions."""
        random, choice = self.random, self.random.randrange(8)
        number = random.choice(sorted(self.functions))
        if choice < 5:
            self.functions[number] = (self.functions[number][0], random.randrange(1 << 30))
        elif choice < 6:
            self.data[random.choice(sorted(self.data))] = random.randrange(1 << 30)
        elif choice < 7:
            self.functions[max(self.functions) + 1] = (random.choice(sorted(self.data)), random.randrange(1 << 30))
        elif number:
            del self.functions[number]

    def program(self) -> ForeignProgram:
        return ForeignProgram({f"f{number}.c": self._file(number) for number in sorted(self.data)}, ("one", "two"))

    def _file(self, file: int) -> str:
        random = Random(self.data[file])
        own = [number for number, (place, _) in sorted(self.functions.items()) if place == file]
        others = [number for number in sorted(self.functions) if number not in own]
        count = random.randrange(1, 9)
        values = ", ".join(str(random.randrange(1000)) for _ in range(count))
        lines = [HEADER]
        lines += [f"unsigned f{number}(unsigned);" for number in sorted(self.functions)]
        lines += [f"extern unsigned d{other}[];" for other in sorted(self.data)]
        lines += [f"unsigned d{file}[{count}] = {{ {values} }};"]
        lines += [f"static char room[{random.randrange(1, 5000)}];"]
        if random.randrange(2):
            lines += [f"__attribute__((constructor)) static void begin(void) {{ d{file}[0] += {file + 1}; }}"]
        lines += [f"__attribute__((weak)) unsigned shared(unsigned n) {{ return mix(n, {file}); }}"]
        known = [*own, *others[:2]]
        table = ", ".join(f"f{number}" for number in known)
        lines += [f"static unsigned (*const table[])(unsigned) = {{ {table} }};"] if known else []
        lines += [self._function(number, known) for number in own]
        if file == 0:
            lines += ["int main(int argc, char **argv) {", "  unsigned all = argc;"]
            lines += [f'  printf("%u\\n", all = mix(all, f{number}(all & 7)));' for number in sorted(self.functions)]
            lines += ["  return all & 63;", "}"]
        return "\n".join(lines) + "\n"

    def _function(self, number: int, known: list[int]) -> str:
        random = Random(self.functions[number][1])
        later = [other for other in sorted(self.functions) if other > number]
        body = [f"unsigned f{number}(unsigned n) {{"]
        for _ in range(random.randrange(1, 5)):
            choice = random.randrange(7)
            if choice < 2 and later:
                body.append(f"  n = mix(n, f{random.choice(later)}(n));")
            elif choice < 3:
                body.append(f"  n = mix(n, d{random.choice(sorted(self.data))}[0]);")
            elif choice < 4 and (callable_ := [place for place, other in enumerate(known) if other > number]):
                body.append(f"  n = mix(n, table[{random.choice(callable_)}](n));")
            elif choice < 5:
                body.append(
                    f"  {{ char *p = malloc({random.randrange(1, 9)} + (n & 15)); p[0] = n; n += p[0]; free(p); }}"
                )
            elif choice < 6:
                body.append(f"  n = mix(n, shared(n) + strlen(room) + (f{number} == table[0]));" if known else "")
            else:
                body.append(f"  n = mix(n, abs((int)n) + {random.randrange(1000)});")
        return "\n".join([*body, "  return n;", "}"])
