#include <stdio.h>
#include <stdlib.h>

struct body {
  double x, y, vx, vy, mass;
};

static void pull(struct body *a, struct body *b, double dt) {
  double dx = a->x - b->x, dy = a->y - b->y;
  double d = dx * dx + dy * dy + 0.01, force = dt / (d * d);
  a->vx -= dx * b->mass * force;
  a->vy -= dy * b->mass * force;
  b->vx += dx * a->mass * force;
  b->vy += dy * a->mass * force;
}

static void move(struct body *body, double dt) {
  body->x += body->vx * dt;
  body->y += body->vy * dt;
}

__attribute__((noinline)) static double run(struct body *a, struct body *b, struct body *c, double steps) {
  for (double i = 0; i < steps; i += 1) {
    pull(a, b, 0.001);
    pull(a, c, 0.001);
    pull(b, c, 0.001);
    move(a, 0.001);
    move(b, 0.001);
    move(c, 0.001);
  }
  return a->x + b->x * 10 + c->y * 100;
}

int main(void) {
  struct body a = {0, 0, 0, 0, 10}, b = {1, 0, 0, 3, 1}, c = {0, 2, 2, 0, 1};
  printf("%g\n", run(&a, &b, &c, 15000000));
}
