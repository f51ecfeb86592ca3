// Check that constructors, destructors, exit handlers and exit() from a deep frame run in order, each exactly once.
//
// exit() never returns to the frames below it, some of which may be waiting to be replaced; the handlers it runs
// call program functions on top of them. The program leaves with status 42 on purpose.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// A log that constructors append to before main begins.
static char trail[64];
static unsigned trail_length;

static void leave_mark(char mark) {
  if (trail_length + 1 < sizeof trail)
    trail[trail_length++] = mark;
}

static unsigned mixed_by_constructor;

static unsigned mix(unsigned a, unsigned depth) { return depth == 0 ? a : mix(a * 31 + depth, depth - 1) ^ a; }

__attribute__((constructor(201))) static void early(void) {
  leave_mark('a');
  mixed_by_constructor = mix(1, 10);
}

__attribute__((constructor(202))) static void later(void) {
  leave_mark('b');
  mixed_by_constructor = mix(mixed_by_constructor, 20);
}

__attribute__((constructor)) static void without_priority(void) { leave_mark('c'); }

// A plug-in registry filled by constructors, as many programs have.
struct plugin {
  const char *name;
  int (*run)(int);
  struct plugin *next;
};

static struct plugin *plugins;

#define PLUGIN(id, expression)                                                                                         \
  static int run_##id(int n) { return expression; }                                                                    \
  static struct plugin plugin_##id = {#id, run_##id, NULL};                                                            \
  __attribute__((constructor)) static void register_##id(void) {                                                       \
    plugin_##id.next = plugins;                                                                                        \
    plugins = &plugin_##id;                                                                                            \
  }

PLUGIN(twice, n * 2)
PLUGIN(square, n *n)
PLUGIN(mixed, (int)(mix((unsigned)n, 5) & 1023))

static int run_plugin(const char *name, int n) {
  for (struct plugin *p = plugins; p; p = p->next) {
    const char *a = p->name, *b = name;
    while (*a && *a == *b)
      a++, b++;
    if (*a == *b)
      return p->run(n);
  }
  return -1;
}

// ---- exit handlers: run last to first; one registers another while they run ----

static void first_handler(void) {
  leave_mark('1');
  printf("first handler, trail %s\n", trail);
}

static void added_late(void) {
  leave_mark('L');
  printf("late handler: %u\n", mix(7, 7));
}

static void second_handler(void) {
  leave_mark('2');
  printf("second handler: square %d\n", run_plugin("square", 9));
  if (atexit(added_late) != 0)
    leave_mark('!');
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void third_handler(void) {
  int values[] = {5, 3, 9, 1};
  qsort(values, 4, sizeof values[0], compare);
  leave_mark('3');
  printf("third handler: %d %d %d %d\n", values[0], values[1], values[2], values[3]);
}

__attribute__((destructor)) static void last_words(void) {
  leave_mark('z');
  printf("destructor, trail %s, mixed %u\n", trail, mix(mixed_by_constructor, 3));
}

__attribute__((destructor(201))) static void very_last(void) {
  leave_mark('y');
  printf("last destructor, trail %s\n", trail);
}

// ---- exit from below ----

static int searched;

static int visit(const void *key, const void *element);

static int descend(int depth, int status) {
  searched++;
  if (depth == 0) {
    printf("leaving from depth, searched %d\n", searched);
    exit(status);
  }
  if (depth % 5 == 0) { // with a frame of libc between
    int values[] = {depth - 1, status};
    return bsearch(&status, values, 1, sizeof values, visit) != NULL;
  }
  int below = descend(depth - 1, status);
  return below + depth; // never reached, but live
}

static int visit(const void *key, const void *element) {
  const int *values = element;
  return descend(values[0], *(const int *)key);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  leave_mark('m');
  if (atexit(first_handler) || atexit(second_handler) || atexit(third_handler))
    return 1;
  unsigned hash = 1;
  for (int i = 0; i < 10 * scale; i++) {
    hash = mix(hash + (unsigned)run_plugin("twice", i), 3);
    hash += (unsigned)run_plugin("mixed", i) + (unsigned)run_plugin("missing", i);
  }
  printf("main, trail %s, constructors' mix %u, hash %u\n", trail, mixed_by_constructor, hash);
  return descend(20 + scale, 42);
}
