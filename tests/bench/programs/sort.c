#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

int main(void) {
    long long n = 1000000, x = 1, *xs = malloc(n * sizeof *xs);
    for (long long i = 0; i < n; i++) {
        x = (x * 1103515245 + 12345) % 2147483648;
        xs[i] = x;
    }
    qsort(xs, n, sizeof *xs, compare);
    printf("%lld %lld %lld\n", xs[0], xs[500000], xs[999999]);
}
