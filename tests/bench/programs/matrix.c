#include <stdio.h>
#include <stdlib.h>

static double **matrix(long long n, long long seed) {
    double **rows = malloc(n * sizeof *rows);
    for (long long i = 0; i < n; i++) {
        rows[i] = malloc(n * sizeof **rows);
        for (long long j = 0; j < n; j++)
            rows[i][j] = (i * seed + j) % 7;
    }
    return rows;
}

static double **product(double **a, double **b, long long n) {
    double **c = matrix(n, 0);
    for (long long i = 0; i < n; i++)
        for (long long j = 0; j < n; j++) {
            double sum = 0;
            for (long long k = 0; k < n; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    return c;
}

int main(void) {
    long long n = 300;
    double **c = product(matrix(n, 3), matrix(n, 5), n), trace = 0;
    for (long long i = 0; i < n; i++)
        trace += c[i][i];
    printf("%.1f\n", trace);
}
