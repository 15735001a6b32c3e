"""Programs in C and C++, each of several files, with what they are run with."""

from __future__ import annotations

import msgspec


class ForeignProgram(msgspec.Struct, frozen=True):
    """`files` are texts by name. The program is run with `arguments` and `stdin`."""

    files: dict[str, str]
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    exports: tuple[str, ...] = ()

    @property
    def cxx(self) -> bool:
        return any(name.endswith(".cpp") for name in self.files)


PRINT = ForeignProgram(
    {
        "main.c": r"""
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern int sum(int count, ...);
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) printf("%d %s\n", i, argv[i]);
  printf("%.17g %a %Lf %5.2e\n", 0.1, 1.5, (long double)3.25, 12345.678);
  char line[64];
  while (fgets(line, sizeof line, stdin)) printf("[%zu] %s", strlen(line), line);
  printf("%d %lld\n", sum(4, 1, 2, 3, 4), 1LL << 40);
  return 7;
}
""",
        "sum.c": r"""
#include <stdarg.h>
int sum(int count, ...) {
  va_list list;
  va_start(list, count);
  int all = 0;
  while (count--) all += va_arg(list, int);
  va_end(list);
  return all;
}
""",
    },
    ("first", "two words"),
    b"a line\nanother\n",
)

MEMORY = ForeignProgram(
    {
        "main.c": r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern char __heap_base, __data_end;
static char big[300000];
_Alignas(64) static int aligned[3] = { 1, 2, 3 };
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  int *all[100];
  for (int i = 0; i < 100; i++) {
    all[i] = malloc(40000);
    if (!all[i]) return 1;
    memset(all[i], i, 40000);
  }
  for (int i = 0; i < 100; i += 2) free(all[i]);
  long total = 0;
  for (int i = 1; i < 100; i += 2) total += ((unsigned char *)all[i])[39999];
  int list[50];
  for (int i = 0; i < 50; i++) list[i] = (i * 37) % 50;
  qsort(list, 50, sizeof *list, compare);
  for (int i = 0; i < 50; i++) if (list[i] != i) return 2;
  memset(big, 1, sizeof big);
  if ((char *)all[0] < &__heap_base || &__data_end > &__heap_base) return 3;
  if ((unsigned long)aligned & 63) return 4;
  printf("%ld %d\n", total, aligned[2]);
  return 0;
}
"""
    }
)

POINTERS = ForeignProgram(
    {
        "main.c": r"""
#include <stdio.h>
typedef int (*op)(int, int);
extern const op table[];
extern int add(int, int);
extern op chosen(int);
extern __attribute__((weak)) int missing(int);
extern __attribute__((weak)) int absent;
__attribute__((weak)) int which(void) { return 1; }
int counter = 1;
int *const inside = &counter;
__attribute__((constructor(200))) static void second(void) { counter = counter * 10 + 2; }
__attribute__((constructor(101))) static void first(void) { counter = counter * 10 + 1; }
__attribute__((export_name("the answer"))) int answer(void) { return 42; }
int main(void) {
  printf("%d %d %d\n", table[0](5, 3), table[1](5, 3), table[0] == add);
  printf("%d %d\n", chosen(0) == add, chosen(1) == table[1]);
  printf("%d %d %d\n", missing ? missing(1) : -1, &absent ? absent : -1, which());
  printf("%d %d\n", counter, *inside);
  return 0;
}
""",
        "ops.c": r"""
typedef int (*op)(int, int);
int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
const op table[] = { add, sub };
op chosen(int n) { return n ? sub : add; }
int which(void) { return 2; }
int unused(int n) { return n; }
""",
    },
    exports=("the answer",),
)

INTERPRETER = ForeignProgram(
    {
        "main.c": r"""
#include <stdio.h>
#include "machine.h"
int main(void) {
  static const int code[] = { PUSH, 1, PUSH, 20, MUL, PUSH, 3, ADD, DUP, PRINT, PUSH, 1, SUB, DUP, JUMP, 8, END };
  struct machine m = { 0 };
  printf("%ld\n", run(&m, code));
  return m.steps & 127;
}
""",
        "machine.h": r"""
enum { PUSH, ADD, SUB, MUL, DUP, PRINT, JUMP, END };
struct machine { int stack[32]; int top; long steps; };
long run(struct machine *m, const int *code);
""",
        "machine.c": r"""
#include <stdio.h>
#include "machine.h"
typedef const int *(*step)(struct machine *, const int *);
#define POP m->stack[--m->top]
static const int *push(struct machine *m, const int *at) { m->stack[m->top++] = *at; return at + 1; }
static const int *add(struct machine *m, const int *at) { int b = POP; m->stack[m->top - 1] += b; return at; }
static const int *sub(struct machine *m, const int *at) { int b = POP; m->stack[m->top - 1] -= b; return at; }
static const int *mul(struct machine *m, const int *at) { int b = POP; m->stack[m->top - 1] *= b; return at; }
static const int *dup(struct machine *m, const int *at) {
  m->top++;
  m->stack[m->top - 1] = m->stack[m->top - 2];
  return at;
}
static const int *print(struct machine *m, const int *at) { printf("%d\n", POP); return at; }
static const int *const *start;
static const int *jump(struct machine *m, const int *at) { return POP ? *start + *at : at + 1; }
static const step steps[] = { push, add, sub, mul, dup, print, jump };
long run(struct machine *m, const int *code) {
  const int *first = code;
  start = &first;
  while (*code != END) { m->steps++; code = steps[*code](m, code + 1); }
  return m->steps;
}
""",
    }
)

PLUS = ForeignProgram(
    {
        "main.cpp": r"""
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "shapes.h"
struct Noise {
  const char *name;
  Noise(const char *n) : name(n) { printf("+%s\n", n); }
  ~Noise() { printf("-%s\n", name); }
};
static Noise early("static");
int main() {
  std::vector<std::unique_ptr<Shape>> all;
  all.push_back(make(1, 2.5));
  all.push_back(make(0, 2));
  std::map<std::string, double> areas;
  for (auto &one : all) areas[one->name()] += one->area();
  std::function<int(int)> twice_it = [&](int n) { return twice(n) + (int)all.size(); };
  for (auto &[name, area] : areas) printf("%s %.3f %d\n", name.c_str(), area, twice_it(3));
  printf("%d %s\n", counted<int>(), std::to_string(counted<int>()).c_str());
  return counted<long>();
}
""",
        "shapes.h": r"""
#include <memory>
#include <string>
struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  virtual std::string name() const { return "shape"; }
};
std::unique_ptr<Shape> make(int kind, double size);
template <class T> T twice(T n) { return n + n; }
template <class T> int counted() { static int count = 0; return ++count; }
inline int made = 0;
""",
        "shapes.cpp": r"""
#include "shapes.h"
struct Square : Shape { double s; Square(double n) : s(n) { made++; } double area() const override { return s * s; } };
struct Circle : Shape {
  double r;
  Circle(double n) : r(n) { made += twice(made) + counted<int>(); }
  double area() const override { return 3.14159 * r * r; }
  std::string name() const override { return "circle number " + std::to_string(made); }
};
std::unique_ptr<Shape> make(int kind, double size) {
  if (kind) return std::make_unique<Circle>(size);
  return std::make_unique<Square>(size);
}
""",
    }
)

PROGRAMS = {"print": PRINT, "memory": MEMORY, "pointers": POINTERS, "interpreter": INTERPRETER, "plus": PLUS}
