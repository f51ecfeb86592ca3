// Check that numeric kernels (n-body, spectral norm, matrices, LU) give identical bits with replaced frames.
// libs: -lm
//
// Nested loops full of doubles in registers, with calls in the inner loop of some and none in others.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint64_t bits_of(double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  return bits;
}

// ---- n-body ----

struct body {
  double x, y, z, vx, vy, vz, mass;
};

enum { body_count = 5 };

static const struct body start[body_count] = {
    {0, 0, 0, 0, 0, 0, 40},           {5, -1, 0.25, 0.5, 2.5, -0.125, 0.04}, {8.5, 4, -0.5, -1, 1.75, 0, 0.01},
    {13, -15, -0.25, 1, 0.875, 0, 0.002}, {15.5, -26, 0.125, 1, 0.5, -0.03, 0.002},
};

static double distance_squared(const struct body *a, const struct body *b) {
  double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
  return dx * dx + dy * dy + dz * dz;
}

static void attract(struct body *a, struct body *b, double step) {
  double squared = distance_squared(a, b);
  double strength = step / (squared * sqrt(squared));
  double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
  a->vx -= dx * b->mass * strength, a->vy -= dy * b->mass * strength, a->vz -= dz * b->mass * strength;
  b->vx += dx * a->mass * strength, b->vy += dy * a->mass * strength, b->vz += dz * a->mass * strength;
}

static void advance(struct body *bodies, double step) {
  for (int i = 0; i < body_count; i++)
    for (int j = i + 1; j < body_count; j++)
      attract(&bodies[i], &bodies[j], step);
  for (struct body *b = bodies; b < bodies + body_count; b++)
    b->x += step * b->vx, b->y += step * b->vy, b->z += step * b->vz;
}

static double energy(const struct body *bodies) {
  double sum = 0;
  for (int i = 0; i < body_count; i++) {
    const struct body *b = &bodies[i];
    sum += 0.5 * b->mass * (b->vx * b->vx + b->vy * b->vy + b->vz * b->vz);
    for (int j = i + 1; j < body_count; j++)
      sum -= b->mass * bodies[j].mass / sqrt(distance_squared(b, &bodies[j]));
  }
  return sum;
}

// ---- spectral norm: a call for every matrix element, and the transposed product through a function pointer ----

typedef double (*element)(int row, int column);

static double hilbert_like(int row, int column) { return 1.0 / ((row + column) * (row + column + 1) / 2 + row + 1); }
static double transposed(int row, int column) { return hilbert_like(column, row); }

static void multiply(element at, int n, const double *in, double *out) {
  for (int row = 0; row < n; row++) {
    double sum = 0;
    for (int column = 0; column < n; column++)
      sum += at(row, column) * in[column];
    out[row] = sum;
  }
}

static double dot(int n, const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

static double spectral_norm(int n, int steps) {
  double u[100], v[100], scratch[100];
  for (int i = 0; i < n; i++)
    u[i] = 1;
  for (int i = 0; i < steps; i++) {
    multiply(hilbert_like, n, u, scratch);
    multiply(transposed, n, scratch, v);
    multiply(hilbert_like, n, v, scratch);
    multiply(transposed, n, scratch, u);
  }
  return sqrt(dot(n, u, v) / dot(n, v, v));
}

// ---- LU with pivoting, checked by the residual; the matrix product has vectorisable inner loops ----

enum { order = 40 };
typedef double matrix[order][order];

static void fill(matrix m, uint32_t seed) {
  for (int r = 0; r < order; r++)
    for (int c = 0; c < order; c++) {
      seed = seed * 1103515245u + 12345u;
      m[r][c] = (double)(seed >> 16 & 255) / 64 - 2 + (r == c) * 4;
    }
}

static int find_pivot(matrix m, int column) {
  int best = column;
  for (int r = column + 1; r < order; r++)
    if (fabs(m[r][column]) > fabs(m[best][column]))
      best = r;
  return best;
}

static void swap_rows(double *a, double *b) {
  for (int c = 0; c < order; c++) {
    double kept = a[c];
    a[c] = b[c];
    b[c] = kept;
  }
}

static void subtract_row(double *from, const double *row, double factor, int begin) {
  for (int c = begin; c < order; c++)
    from[c] -= factor * row[c];
}

// Solves m * x = b in place; the determinant is the result.
static double solve(matrix m, double *b) {
  double determinant = 1;
  for (int k = 0; k < order; k++) {
    int pivot = find_pivot(m, k);
    if (pivot != k) {
      swap_rows(m[pivot], m[k]);
      double kept = b[k];
      b[k] = b[pivot];
      b[pivot] = kept;
      determinant = -determinant;
    }
    determinant *= m[k][k] / 4;
    for (int r = k + 1; r < order; r++) {
      double factor = m[r][k] / m[k][k];
      subtract_row(m[r], m[k], factor, k);
      b[r] -= factor * b[k];
    }
  }
  for (int r = order - 1; r >= 0; r--) {
    for (int c = r + 1; c < order; c++)
      b[r] -= m[r][c] * b[c];
    b[r] /= m[r][r];
  }
  return determinant;
}

static void product(matrix a, matrix b, matrix out) {
  memset(out, 0, sizeof(matrix));
  for (int r = 0; r < order; r++)
    for (int k = 0; k < order; k++)
      for (int c = 0; c < order; c++)
        out[r][c] += a[r][k] * b[k][c];
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  struct body bodies[body_count];
  memcpy(bodies, start, sizeof bodies);
  printf("energy before %.9f\n", energy(bodies));
  for (int i = 0; i < 200 + scale * scale * scale * 4; i++)
    advance(bodies, 0.001);
  printf("energy after %.9f, bits %016llx\n", energy(bodies), (unsigned long long)bits_of(bodies[1].x));

  int size = scale < 50 ? 16 : 100, steps = scale * scale / 2;
  printf("spectral norm of %d: %.9f\n", size, spectral_norm(size, size < 100 ? 3 : steps / 10));

  uint64_t hash = 0;
  double worst = 0;
  for (int i = 0; i < 1 + scale * scale * scale / 80; i++) {
    static matrix a, b, c, kept;
    double x[order], right[order];
    fill(a, (uint32_t)i);
    fill(b, (uint32_t)i + 7);
    product(a, b, c);
    memcpy(kept, c, sizeof kept);
    for (int r = 0; r < order; r++)
      x[r] = right[r] = r - 20;
    double determinant = solve(c, x);
    for (int r = 0; r < order; r++) {
      double residual = fabs(dot(order, kept[r], x) - right[r]);
      worst = residual > worst ? residual : worst;
    }
    hash = hash * 31 + bits_of(x[i % order]) + bits_of(determinant);
  }
  printf("linear systems: hash %016llx, residual below 1e-6: %d\n", (unsigned long long)hash, worst < 1e-6);
  return worst < 1e-6 ? 0 : 1;
}
