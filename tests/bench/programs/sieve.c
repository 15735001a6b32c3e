#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    long long n = 20000000, count = 0;
    char *prime = malloc(n);
    memset(prime, 1, n);
    prime[0] = prime[1] = 0;
    for (long long i = 2; i * i < n; i++)
        if (prime[i])
            for (long long k = i * i; k < n; k += i)
                prime[k] = 0;
    for (long long i = 0; i < n; i++)
        if (prime[i])
            count++;
    printf("%lld\n", count);
    free(prime);
}
