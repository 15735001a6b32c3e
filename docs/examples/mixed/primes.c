// The sieve of Eratosthenes. Ruchy imports the functions, the text in divides.wat has `is_prime`.
#include <stdint.h>
#include <stdlib.h>
#include "primes.h"

int32_t count_primes(int32_t limit) {
    char *crossed = calloc(limit, 1);
    if (!crossed) abort();
    int32_t count = 0;
    for (int32_t n = SMALLEST; n < limit; n++) {
        if (crossed[n]) continue;
        count++;
        for (int64_t m = (int64_t)n * n; m < limit; m += n) crossed[m] = 1;
    }
    free(crossed);
    return count;
}

int32_t largest_below(int32_t limit) {
    int32_t n = limit - 1;
    while (n > SMALLEST && !is_prime(n)) n--;
    return n;
}
