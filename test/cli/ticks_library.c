// A library that handles a timer's signal: by a function of the program, or by one of its own that calls back.
#include <signal.h>
#include <string.h>
#include <sys/time.h>

static void (*callback)(void *);
static void *argument;

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)info, (void)context;
  callback(argument);
}

static void set_timer(long microseconds) {
  struct itimerval every = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &every, 0);
}

void ticks_call(void (*function)(void *), void *with, long microseconds) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  callback = function;
  argument = with;
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGALRM, &action, 0);
  set_timer(microseconds);
}

void ticks_handle(void (*handler)(int), long microseconds) {
  signal(SIGALRM, handler);
  set_timer(microseconds);
}

void ticks_stop(void) { set_timer(0); }
