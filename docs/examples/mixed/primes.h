#define SMALLEST 2
int is_prime(int n);
