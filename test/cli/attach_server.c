// A server of eight threads, the first of which accepts connections for ever: what its functions compute is a matter of how it
// is compiled, so that a new body can be told from the old one by what it answers.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef OFFSET
#define OFFSET 1
#endif
#ifndef STEP
#define STEP 1
#endif
#define THREADS 7
#define PLACES 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting[PLACES], first, count;
static long accepted;

static void put(int connection) {
  pthread_mutex_lock(&lock);
  while (count == PLACES)
    pthread_cond_wait(&changed, &lock);
  waiting[(first + count++) % PLACES] = connection;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static int take(void) {
  pthread_mutex_lock(&lock);
  while (count == 0)
    pthread_cond_wait(&changed, &lock);
  int connection = waiting[first];
  first = (first + 1) % PLACES;
  --count;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return connection;
}

static long collatz(long n) { return n <= 1 ? 0 : 1 + collatz(n % 2 ? 3 * n + 1 : n / 2); }

/// The request is a number; the answer has it, how many steps it takes to 1, and what is added to it.
long answer(long number) { return number * 7 + OFFSET; }

/// Lines until the connection is closed.
void handle(int connection) {
  char line[64];
  size_t length = 0;
  for (ssize_t got; (got = read(connection, line + length, sizeof line - 1 - length)) > 0;) {
    length += (size_t)got;
    for (char *end; (end = memchr(line, '\n', length));) {
      *end = 0;
      long number = atol(line);
      char text[128];
      int size = snprintf(text, sizeof text, "%ld %ld %ld %ld\n", number, collatz(number), answer(number),
                          __atomic_load_n(&accepted, __ATOMIC_RELAXED));
      if (write(connection, text, (size_t)size) != size)
        return;
      length -= (size_t)(end + 1 - line);
      memmove(line, end + 1, length);
    }
  }
}

static void *work(void *unused) {
  for (;;) {
    int connection = take();
    handle(connection);
    close(connection);
  }
  return unused;
}

void accept_for_ever(int listener) {
  for (;;) {
    int connection = accept(listener, 0, 0);
    if (connection < 0)
      continue;
    __atomic_fetch_add(&accepted, STEP, __ATOMIC_RELAXED);
    put(connection);
  }
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) ||
      getsockname(listener, (struct sockaddr *)&address, &size))
    return 1;
  for (int i = 0; i < THREADS; ++i) {
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  accept_for_ever(listener);
}
