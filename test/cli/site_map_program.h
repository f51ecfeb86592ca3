// What the programs of attach_sites_test.py are made of: functions that wait in the middle, each in a thread of its own, until all
// go on. What a function notes is printed in the end, in the order of the functions.
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct waiter {
  const char *name;
  long (*run)(long, long);
  long first, second;
  int wait_at; ///< in which of its calls of stop() it waits
  int calls;
  char noted[400];
};

static __thread struct waiter *self;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int arrived, is_released;
static atomic_int is_over;

static void arrive(void) {
  pthread_mutex_lock(&lock);
  ++arrived;
  pthread_cond_broadcast(&changed);
  while (!is_released)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

/// Returns what it is given, once it may.
__attribute__((noinline)) long stop(long value) {
  if (++self->calls == self->wait_at)
    arrive();
  return value;
}

/// For loops that call nothing.
__attribute__((noinline)) void about_to_spin(void) {
  pthread_mutex_lock(&lock);
  ++arrived;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) void note(long value) {
  snprintf(self->noted + strlen(self->noted), sizeof self->noted - strlen(self->noted), " %ld", value);
}
__attribute__((noinline)) void note_text(const char *text) {
  snprintf(self->noted + strlen(self->noted), sizeof self->noted - strlen(self->noted), " %s", text);
}

static void *run_waiter(void *argument) {
  self = argument;
  note(self->run(self->first, self->second));
  return 0;
}

static void wait_for_line(const char *text) {
  puts(text);
  fflush(stdout);
  getchar();
}

static void run_all(struct waiter *all, int count) {
  pthread_t threads[100];
  for (int i = 0; i < count; ++i)
    pthread_create(&threads[i], 0, run_waiter, &all[i]);
  pthread_mutex_lock(&lock);
  while (arrived < count)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  wait_for_line("ready");
  pthread_mutex_lock(&lock);
  is_released = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  atomic_store(&is_over, 1);
  for (int i = 0; i < count; ++i) {
    pthread_join(threads[i], 0);
    printf("%s:%s\n", all[i].name, all[i].noted);
  }
}
