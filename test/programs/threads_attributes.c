// Check that threads whose attributes choose everything but a size of the stack have the usual one: deep recursion in
// threads that are detached, that have a guard, whose attributes are only initialised, and those of a timer.
// cflags: -pthread
// libs: -pthread

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int depth;
static sem_t ended;
static uintptr_t sum;

__attribute__((noinline)) static uintptr_t down(int left) {
  volatile unsigned char room[4096];
  room[left % 4096] = (unsigned char)left;
  if (left == 0)
    return 1;
  uintptr_t result = down(left - 1) * 31;
  return result + room[left % 4096]; // it is needed again: no compiler makes a loop of it
}

static void *recurse(void *unused) {
  (void)unused;
  sum = down(depth);
  sem_post(&ended);
  return NULL;
}

static void recurse_for_timer(union sigval unused) {
  (void)unused;
  recurse(NULL);
}

static void wait_for_it(const char *what) {
  while (sem_wait(&ended) != 0)
    ;
  printf("%s: %lu\n", what, (unsigned long)sum);
}

static void in_thread(const char *what, pthread_attr_t *attributes, int is_detached) {
  pthread_t thread;
  if (pthread_create(&thread, attributes, recurse, NULL))
    exit(2);
  wait_for_it(what);
  if (!is_detached)
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
  const int scale = argc > 1 ? atoi(argv[1]) : 100;
  depth = 100 + scale * 9; // 4 MB
  sem_init(&ended, 0, 0);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  in_thread("initialised", &attributes, 0);
  pthread_attr_setguardsize(&attributes, 65536);
  in_thread("guarded", &attributes, 0);
  pthread_attr_setscope(&attributes, PTHREAD_SCOPE_SYSTEM);
  pthread_attr_setinheritsched(&attributes, PTHREAD_INHERIT_SCHED);
  in_thread("scheduled", &attributes, 0);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  in_thread("detached", &attributes, 1);

  struct sigevent event = {.sigev_notify = SIGEV_THREAD};
  event.sigev_notify_function = recurse_for_timer;
  event.sigev_notify_attributes = &attributes;
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer))
    return 2;
  struct itimerspec at = {.it_value.tv_nsec = 1};
  timer_settime(timer, 0, &at, NULL);
  wait_for_it("timer");
  timer_delete(timer);
  pthread_attr_destroy(&attributes);
  return 0;
}
