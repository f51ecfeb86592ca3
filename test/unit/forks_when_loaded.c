/* A library whose constructor forks and waits for the child, which goes on in it. */
#include <sys/wait.h>
#include <unistd.h>

int osr_test_is_child = 0;
int osr_test_child_status = -1; /* in the parent */

__attribute__((constructor)) static void fork_when_loaded(void) {
  const pid_t child = fork();
  if (child == 0) {
    osr_test_is_child = 1;
    alarm(60);
  } else {
    waitpid(child, &osr_test_child_status, 0);
  }
}
