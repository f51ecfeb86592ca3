// Check that C11 threads, mtx_t, cnd_t, call_once, tss_t and atomics of every order work with replaced frames.

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

enum { workers = 4 };

typedef struct Node {
  struct Node *next;
  uint32_t value;
} Node;

static _Atomic(Node *) stack_top;
static atomic_uint_fast64_t sum, product = 1;
static atomic_flag spin = ATOMIC_FLAG_INIT;
static atomic_int ready, once_calls, destroyed;
static _Atomic double total;
static uint64_t guarded;
static once_flag once = ONCE_FLAG_INIT;
static tss_t slot;
static mtx_t gate_lock;
static cnd_t gate;
static int rounds, gate_open;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t fibonacci(uint32_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static void destroy(void *value) {
  atomic_fetch_add(&destroyed, (int)fibonacci(*(uint32_t *)value));
  free(value);
}

static void set_up_once(void) {
  atomic_fetch_add(&once_calls, 1);
  tss_create(&slot, destroy);
}

static void push(Node *node) {
  node->next = atomic_load_explicit(&stack_top, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&stack_top, &node->next, node, memory_order_release,
                                                memory_order_relaxed))
    ;
}

static void add_to_total(double value) {
  double old = atomic_load(&total);
  while (!atomic_compare_exchange_weak(&total, &old, old + value))
    ;
}

static void add_guarded(uint64_t value) {
  while (atomic_flag_test_and_set_explicit(&spin, memory_order_acquire))
    thrd_yield();
  guarded += value;
  atomic_flag_clear_explicit(&spin, memory_order_release);
}

static void pass_gate(void) {
  mtx_lock(&gate_lock);
  atomic_fetch_add(&ready, 1);
  while (!gate_open)
    cnd_wait(&gate, &gate_lock);
  mtx_unlock(&gate_lock);
}

static int work(void *argument) {
  uint32_t id = (uint32_t)(uintptr_t)argument;
  call_once(&once, set_up_once);
  uint32_t *mine = malloc(sizeof *mine);
  *mine = 5 + id;
  tss_set(slot, mine);
  pass_gate();
  for (int i = 0; i < rounds; i++) {
    Node *node = malloc(sizeof *node);
    node->value = fibonacci((uint32_t)i % 8) + id;
    atomic_fetch_add_explicit(&sum, node->value, memory_order_relaxed);
    uint_fast64_t old = atomic_load(&product);
    while (!atomic_compare_exchange_strong(&product, &old, old * (2 * node->value + 1)))
      ;
    add_to_total(node->value);
    add_guarded(node->value);
    push(node);
  }
  if (id % 2)
    thrd_exit((int)*(uint32_t *)tss_get(slot));
  return (int)*(uint32_t *)tss_get(slot) * 10;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  rounds = 120 * scale * (1 + scale / 4);
  thrd_t threads[workers];
  mtx_init(&gate_lock, mtx_plain);
  cnd_init(&gate);
  for (uintptr_t i = 0; i < workers; i++)
    if (thrd_create(&threads[i], work, (void *)i) != thrd_success)
      return 2;
  while (atomic_load(&ready) < workers)
    thrd_yield();
  mtx_lock(&gate_lock);
  gate_open = 1;
  cnd_broadcast(&gate);
  mtx_unlock(&gate_lock);
  for (int i = 0; i < workers; i++) {
    int result;
    thrd_join(threads[i], &result);
    printf("thread %d returned %d\n", i, result);
  }
  uint64_t nodes = 0, values = 0;
  for (Node *node = atomic_load(&stack_top), *next; node; node = next) {
    next = node->next;
    nodes++;
    values += node->value;
    free(node);
  }
  printf("%llu nodes, values %llu, sum %llu, product %016llx\n", (unsigned long long)nodes, (unsigned long long)values,
         (unsigned long long)sum, (unsigned long long)product);
  printf("total %.1f, guarded %llu, set up %d time, destroyed %d\n", total, (unsigned long long)guarded, once_calls,
         destroyed);
  return 0;
}
