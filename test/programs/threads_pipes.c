// Check that threads blocked in read and write on pipes and sockets survive replaced frames.
//
// A ring of threads hands messages on; the pipe is made small, so that writers block too. Short reads and writes are
// completed in a loop, as programs do that expect signals.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { hops = 4, message_words = 96 };

static int channels[hops + 1][2];
static int messages;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void read_all(int file, void *buffer, size_t size) {
  for (char *at = buffer; size > 0;) {
    ssize_t got = read(file, at, size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      exit(3);
    at += got;
    size -= (size_t)got;
  }
}

static void write_all(int file, const void *buffer, size_t size) {
  for (const char *at = buffer; size > 0;) {
    ssize_t put = write(file, at, size);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      exit(4);
    at += put;
    size -= (size_t)put;
  }
}

static uint32_t transform(uint32_t *words, int count, uint32_t key) {
  if (count == 1)
    return words[0] = words[0] * 2654435761u + key;
  uint32_t left = transform(words, count / 2, key + 1);
  return transform(words + count / 2, count - count / 2, key ^ left);
}

static void *hand_on(void *argument) {
  int hop = (int)(intptr_t)argument;
  uint32_t words[message_words], last = 0;
  for (int i = 0; i < messages; i++) {
    read_all(channels[hop][0], words, sizeof words);
    last = transform(words, message_words, (uint32_t)hop);
    write_all(channels[hop + 1][1], words, sizeof words);
  }
  return (void *)(uintptr_t)last;
}

static void *produce(void *argument) {
  uint32_t words[message_words];
  for (int i = 0; i < messages; i++) {
    for (int k = 0; k < message_words; k++)
      words[k] = (uint32_t)(i * 31 + k);
    write_all(channels[0][1], words, sizeof words);
  }
  return argument;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  messages = 20 * scale * (1 + scale / 4);
  pthread_t producer, threads[hops];
  for (int i = 0; i <= hops; i++) {
    if ((i % 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, channels[i]) : pipe(channels[i])) != 0)
      return 2;
    fcntl(channels[i][0], F_SETPIPE_SZ, 4096);
  }
  for (intptr_t i = 0; i < hops; i++)
    pthread_create(&threads[i], NULL, hand_on, (void *)i);
  pthread_create(&producer, NULL, produce, NULL);
  uint32_t hash = 0, words[message_words];
  for (int i = 0; i < messages; i++) {
    read_all(channels[hops][0], words, sizeof words);
    for (int k = 0; k < message_words; k++)
      hash = (hash << 7 | hash >> 25) ^ words[k];
  }
  pthread_join(producer, NULL);
  for (int i = 0; i < hops; i++) {
    void *last;
    pthread_join(threads[i], &last);
    printf("hop %d: %08x\n", i, (uint32_t)(uintptr_t)last);
  }
  printf("%d messages, hash %08x\n", messages, hash);
  return 0;
}
