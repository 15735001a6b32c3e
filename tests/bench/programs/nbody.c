#include <math.h>
#include <stdio.h>

typedef struct { double x, y, z, vx, vy, vz, mass; } Body;

static void advance(Body *bodies, long long n, double dt) {
    for (long long i = 0; i < n; i++)
        for (long long j = i + 1; j < n; j++) {
            double dx = bodies[i].x - bodies[j].x;
            double dy = bodies[i].y - bodies[j].y;
            double dz = bodies[i].z - bodies[j].z;
            double d2 = dx * dx + dy * dy + dz * dz;
            double mag = dt / (d2 * sqrt(d2));
            double mi = bodies[i].mass, mj = bodies[j].mass;
            bodies[i].vx -= dx * mj * mag;
            bodies[i].vy -= dy * mj * mag;
            bodies[i].vz -= dz * mj * mag;
            bodies[j].vx += dx * mi * mag;
            bodies[j].vy += dy * mi * mag;
            bodies[j].vz += dz * mi * mag;
        }
    for (long long i = 0; i < n; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static double energy(Body *bodies, long long n) {
    double e = 0;
    for (long long i = 0; i < n; i++) {
        Body b = bodies[i];
        e += 0.5 * b.mass * (b.vx * b.vx + b.vy * b.vy + b.vz * b.vz);
        for (long long j = i + 1; j < n; j++) {
            double dx = b.x - bodies[j].x, dy = b.y - bodies[j].y, dz = b.z - bodies[j].z;
            e -= b.mass * bodies[j].mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return e;
}

int main(void) {
    Body bodies[] = {
        {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.5},
        {4.8, -1.1, -0.1, 0.6, 2.8, -0.02, 0.037},
        {8.3, 4.1, -0.4, -1.0, 1.8, 0.008, 0.011},
        {12.8, -15.1, -0.2, 1.0, 0.8, -0.01, 0.0017},
        {15.3, -25.9, 0.1, 0.9, 0.5, -0.03, 0.002},
    };
    for (int step = 0; step < 300000; step++)
        advance(bodies, 5, 0.01);
    printf("%.9f\n", energy(bodies, 5));
}
