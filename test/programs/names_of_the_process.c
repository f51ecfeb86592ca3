// Check that the process has the program's name: in the C library's variables, in constructors, threads and children.
// libs: -lpthread

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char *__progname, *__progname_full;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/// The kernel keeps 15 characters.
static int is_cut_name(const char *name, const char *path) { return strncmp(name, base_name(path), 15) == 0 && strlen(name) <= 15; }

static int known_before_main;

__attribute__((constructor)) static void early(int argc, char **argv) {
  known_before_main = argc > 0 && program_invocation_short_name == strstr(program_invocation_name, base_name(argv[0]));
}

static int look(const char *path, int depth) {
  if (depth > 0)
    return look(path, depth - 1);
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  return strcmp(program_invocation_name, path) == 0 && strcmp(program_invocation_short_name, base_name(path)) == 0 &&
         strcmp(__progname, base_name(path)) == 0 && strcmp(__progname_full, path) == 0 && is_cut_name(name, path);
}

static void *look_in_thread(void *path) {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  const int has_same_name = is_cut_name(name, path); // inherited
  pthread_setname_np(pthread_self(), "another");
  pthread_getname_np(pthread_self(), name, sizeof name);
  return (void *)(long)(has_same_name + 2 * (strcmp(name, "another") == 0));
}

static int look_in_child(const char *path) {
  const pid_t child = fork();
  if (child == 0)
    _exit(look(path, 10) ? 5 : 6);
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  const int scale = read_scale(argc, argv);
  printf("before main: %d\n", known_before_main);
  int right = 0;
  for (int depth = 0; depth < 10 * scale; ++depth)
    right += look(argv[0], depth % 50);
  printf("names: %d of %d\n", right, 10 * scale);
  pthread_t thread;
  void *seen = NULL;
  pthread_create(&thread, NULL, look_in_thread, argv[0]);
  pthread_join(thread, &seen);
  printf("thread: %ld, main still: %d\n", (long)seen, look(argv[0], 1));
  printf("child: %d\n", look_in_child(argv[0]));

  static char own[] = "a/name/of/its/own";
  program_invocation_name = own;
  program_invocation_short_name = base_name(own);
  printf("changed: %d\n", look(own, 3) + 2 * (strcmp(__progname, "own") == 0));
  return 0;
}
