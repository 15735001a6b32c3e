#include <stdio.h>
#include <stdlib.h>

typedef struct Function { long long (*code)(struct Function *, long long); long long k; } Function;

static long long times(Function *f, long long x) {
    return x * f->k + 1;
}

static Function *scaled(long long k) {
    Function *f = malloc(sizeof *f);
    f->code = times, f->k = k;
    return f;
}

static long long total(Function *f, long long n) {
    long long sum = 0;
    for (long long i = 0; i < n; i++)
        sum += f->code(f, i) % 7;
    return sum;
}

int main(void) {
    printf("%lld\n", total(scaled(3), 30000000));
}
