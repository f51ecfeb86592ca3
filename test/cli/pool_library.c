// A shared library with threads of its own that call whoever uses it. Like many such libraries it keeps signals away
// from its threads, and makes some of them before anybody asks.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <threads.h>

enum { early = 2, all = 4 };

typedef void Task(void *argument);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct Entry {
  Task *task;
  void *argument;
  struct Entry *next;
} *queue;
static int unfinished, ending;
static pthread_t threads[all];
static thrd_t other;

static void *work(void *argument) {
  (void)argument;
  pthread_mutex_lock(&mutex);
  for (;;) {
    while (!queue && !ending)
      pthread_cond_wait(&changed, &mutex);
    struct Entry *entry = queue;
    if (!entry)
      break;
    queue = entry->next;
    pthread_mutex_unlock(&mutex);
    entry->task(entry->argument);
    free(entry);
    pthread_mutex_lock(&mutex);
    unfinished--;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static int work_c11(void *argument) { return work(argument) != NULL; }

static void start(int from, int to) {
  sigset_t every, old;
  sigfillset(&every);
  pthread_sigmask(SIG_BLOCK, &every, &old);
  for (int i = from; i < to; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

__attribute__((constructor)) static void start_early(void) { start(0, early); }

void pool_start(void) {
  start(early, all);
  thrd_create(&other, work_c11, NULL);
}

void pool_add(Task *task, void *argument) {
  struct Entry *entry = malloc(sizeof *entry);
  pthread_mutex_lock(&mutex);
  *entry = (struct Entry){task, argument, queue};
  queue = entry;
  unfinished++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

void pool_wait(void) {
  pthread_mutex_lock(&mutex);
  while (unfinished)
    pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

void pool_end(void) {
  pthread_mutex_lock(&mutex);
  ending = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < all; i++)
    pthread_join(threads[i], NULL);
  thrd_join(other, NULL);
}
