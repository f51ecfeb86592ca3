// A ring of slots, each with a check that hardly ever fails, behind which something is called that may change anything.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct ring {
  uint32_t *slots;
  uint32_t mask, next, limit, trouble;
};

__attribute__((noinline)) static void grow(struct ring *ring, uint32_t value) {
  ring->trouble++;
  ring->limit = value | 1u << 31;
}
static void put(struct ring *ring, uint32_t value) {
  if (value > ring->limit)
    grow(ring, value);
  ring->slots[ring->next & ring->mask] += value;
  ring->next += 1;
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  uint32_t slots[64] = {0}, value = 1, sum = 0;
  struct ring ring = {slots, 63, 0, ~0u, 0};
  for (int round = 0; round < scale * 50; round++)
    for (int i = 0; i < 20000; i++) {
      value = value * 1664525 + 1013904223;
      put(&ring, value >> 3);
      put(&ring, value >> 7);
      put(&ring, value & 1023);
    }
  for (int i = 0; i < 64; i++)
    sum = sum * 31 + slots[i];
  printf("%u %u\n", sum, ring.trouble);
  return 0;
}
