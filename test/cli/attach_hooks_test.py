#!/usr/bin/env python3
"""osrctl attach: functions that are called before and after a patch, once, in a thread of the program."""
import base64
import pathlib
import signal
import unittest
import zlib

from attach_case import AttachCase
from osrctl_case import TIMEOUT

PLAIN = ("-Xclang", "-disable-llvm-passes")


class HooksCase(AttachCase):
    suffix = ".c"
    tier = "auto"
    def bitcode(self, text):
        """Made once for all tests."""
        made = self.made.get((text, self.suffix))
        if not made:
            source = self.file("source" + self.suffix, text)
            made = self.made[text, self.suffix] = pathlib.Path(self.compile(source, *PLAIN, "-pthread")).read_bytes()
        return self.file(f"{zlib.crc32(made):x}.bc", made)

    def begin(self, hooks=""):
        """A program that loops for ever; `hooks` is what its new version has besides."""
        self.process = self.start(self.bitcode(PROGRAM), "--tier", self.tier)
        self.hooks = hooks

    def edited(self, *changes):
        text = PROGRAM
        for old, new in changes or (("n + 1;", "n + 2;"),):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        return text

    def words(self, *options, changes=()):
        return ("patch", self.bitcode(PROGRAM), self.bitcode(self.edited(*changes) + self.hooks), *options)

    def patched(self, *options, changes=()):
        return self.asked(self.process, *self.words(*options, changes=changes))

    def refused(self, *options, changes=()):
        ended = self.attach(self.process, *self.words(*options, changes=changes))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        return ended.stderr

    def numbers(self):
        """Of the program: what step() returns, how often the hooks have run, and what step() returned to them."""
        return list(map(int, self.tell(self.process, "numbers").split()))

    def until_numbers(self, wanted):
        while self.numbers() != wanted:
            self.assertIsNone(self.process.poll())


class HooksOfOptimizedPrograms(HooksCase):
    tier = "optimized"

    def test_they_run_once_before_and_after(self):
        self.begin(HOOKS)
        self.assertEqual(self.numbers(), [1, 0, 0, 0, 0])
        outcome = self.patched("--before", "ready", "--after", "changed")
        self.assertEqual((outcome["before"], outcome["after"]), ({"function": "ready", "value": 0}, {"function": "changed"}))
        self.assertEqual(self.numbers(), [2, 1, 1, 1, 2])
        # What it opened has a number of the program's, and is no file of the runtime's own.
        self.assertEqual(self.tell(self.process, "file"), "/etc/passwd")
        self.asked(self.process, "revert")
        self.assertEqual(self.numbers(), [1, 1, 1, 1, 2])
        # Each version brings its own.
        self.hooks = HOOKS.replace("return refuse;", "return before_runs += 10, 0;")
        text = self.attach(self.process, *self.words("--before=ready", "--after=changed")).stdout
        self.assertIn("the hook ready returned 0 before it\nthe hook changed has returned after it\n", text)
        self.assertEqual(self.numbers(), [2, 12, 2, 1, 2])


class Hooks(HooksOfOptimizedPrograms):
    tier = "auto"

    def test_one_says_no(self):
        self.begin(HOOKS)
        self.assertEqual(self.tell(self.process, "refuse 3"), "ok")
        for options in ((), ("--wait", "0")):
            problem = self.refused("--before", "ready", "--after", "changed", *options)
            self.assertIn("the hook 'ready' says no: it returned 3", problem)
        self.assertEqual(self.numbers(), [1, 2, 0, 1, 0])
        self.assertEqual(self.asked(self.process, "patches")["patches"], [])

    def test_a_patch_that_is_refused_anyway_calls_none(self):
        self.begin(HOOKS)
        before = self.asked(self.process, "functions")["total"]
        problem = self.refused("--before", "ready", changes=(("n + 1;", "n + unknown_function();"), ("// more", "int unknown_function(void);")))
        self.assertIn("unknown_function", problem)
        for option in ("--before", "--after"):
            self.assertIn("'nobody'", self.refused(option, "nobody"))
            self.assertIn("takes_much' cannot be a hook", self.refused(option, "takes_much"))
            self.assertIn("gives_much' cannot be a hook", self.refused(option, "gives_much"))
        self.assertEqual(self.numbers(), [1, 0, 0, 0, 0])
        self.assertEqual(self.asked(self.process, "patches")["patches"], [])
        self.assertEqual(self.asked(self.process, "functions")["total"], before)

    def test_functions_of_the_program(self):
        self.begin()
        outcome = self.patched("--before", "count_before", "--after", "count_after",
                               changes=(("n + 1;", "n + 2;"), ("before_runs += 1;", "before_runs += 100;"), ("after_runs += 1;", "after_runs += 100;")))
        self.assertEqual((outcome["before"]["value"], outcome["after"]["value"]), (0, 5))
        self.assertEqual(self.numbers(), [2, 1, 100, 1, 2]) # the old body of one, the new one of the other
        outcome = self.asked(self.process, "revert", "--before", "count_before", "--after", "count_after")
        self.assertEqual((outcome["before"]["value"], outcome["after"]["value"]), (0, 5))
        self.assertEqual(self.numbers(), [1, 101, 101, 2, 1])

    def test_one_function_that_is_redefined_and_goes_back(self):
        self.begin()
        edited = ("redefine", "step", self.bitcode(self.edited() + HOOKS))
        outcome = self.asked(self.process, *edited, "--before", "ready", "--after", "count_after")
        self.assertEqual((outcome["functions"], outcome["before"], outcome["after"]["value"]), (["step"], {"function": "ready", "value": 0}, 5))
        self.assertEqual(self.numbers(), [2, 1, 1, 1, 2])
        back = ("revert", "step")
        self.assertEqual(self.tell(self.process, "refuse 3"), "ok")
        self.assertIn("says no: it returned 3", self.attach(self.process, *edited, "--before", "ready").stderr)
        self.assertEqual(self.numbers()[0], 2)
        self.assertIn("cannot be said with hooks", self.attach(self.process, *edited, "--before", "ready", "--same-sites").stderr)
        self.assertIn("'nobody'", self.attach(self.process, *back, "--after", "nobody").stderr)
        outcome = self.asked(self.process, *back, "--before", "count_before", "--after", "count_after")
        self.assertEqual((outcome["functions"], outcome["before"]["value"], outcome["after"]["value"]), (["step"], 0, 5))
        numbers = self.numbers()
        self.assertEqual(numbers[0], 1)
        self.assertEqual(self.asked(self.process, "patches")["patches"], [])
        self.assertIn("began with", self.attach(self.process, *back, "--before", "count_before").stderr)
        self.assertEqual(self.numbers(), numbers) # nobody was called

    def test_one_that_does_not_return(self):
        self.begin(HOOKS)
        self.assertIn("the hook 'waits' has not returned in time, and goes on", self.refused("--before", "waits", "--hook-timeout", "0"))
        self.assertEqual(self.numbers()[0], 1)
        outcome = self.patched("--after", "waits", "--hook-timeout", "0")
        self.assertIn("has not returned in time", outcome["after"]["problem"])
        self.assertEqual(self.numbers()[0], 2)
        self.assertEqual(self.tell(self.process, "go"), "ok")
        self.until_numbers([2, 2, 0, 0, 0]) # both end then
        self.asked(self.process, "revert") # nothing is left that would be in its way
        self.assertEqual(self.numbers()[0], 1)

    def test_it_can_be_cancelled(self):
        self.begin(HOOKS)
        client = self.client(self.process)
        self.patched()
        self.asked(self.process, "revert")
        self.patched("--after", "waits", "--hook-timeout", "0") # now the program has it
        name = next(one["function"] for one in self.asked(self.process, "functions", "waits*")["functions"])
        request = client.send("revert", before=name, hook_timeout=1000)
        self.assertIn("waits for the hook", client.receive()["params"]["what"])
        client.send("cancel", request=request)
        self.assertEqual(client.answer(request)["error"]["code"], -32002)
        self.assertEqual(self.numbers()[0], 2)
        self.assertEqual(self.tell(self.process, "go"), "ok")
        self.until_numbers([2, 2, 0, 0, 0])

    def test_one_that_ends_its_thread(self):
        self.begin(HOOKS)
        self.assertIn("ended its thread", self.refused("--before", "leaves"))
        self.assertIn("ended its thread", self.patched("--after", "leaves")["after"]["problem"])
        self.assertEqual(self.numbers()[0], 2)

    def test_one_that_forks(self):
        self.begin(HOOKS)
        self.assertEqual(self.patched("--after", "forks")["after"]["value"], 0)
        self.assertEqual(self.numbers()[0], 2)

    def test_ends_of_the_process(self):
        for hook, status in (("exits", 7), ("aborts", -signal.SIGABRT), ("faults", -signal.SIGSEGV)):
            self.begin(HOOKS)
            self.attach(self.process, *self.words("--before", hook))
            self.assertEqual(self.process.wait(timeout=TIMEOUT), status, hook)

    def test_a_fault_that_the_program_handles(self):
        self.begin(HOOKS)
        self.assertEqual(self.tell(self.process, "handle"), "ok")
        self.attach(self.process, *self.words("--before", "faults"))
        self.assertEqual(self.process.wait(timeout=TIMEOUT), 42)

    def test_while_activations_are_waited_for(self):
        self.begin(HOOKS)
        self.assertEqual(self.tell(self.process, "slow"), "in slow")
        changes = (("n * 10;", "n * 10; if (n == 30) puts(\"three\");"),)
        self.assertIn("given up after waiting for", self.refused("--wait", "0", "--before", "ready", changes=changes))
        client = self.client(self.process)
        request = client.send("patch", wait=1000, before="count_before", after="count_after", **self.bodies(*changes))
        while not self.asked(self.process, "patches")["patches"]:
            pass
        self.assertEqual(self.tell(self.process, "3"), "30 0 0") # none has run
        result = client.answer(request)["result"]
        self.assertEqual((result["before"]["value"], result["after"]["value"]), (0, 5))
        self.assertEqual(self.numbers(), [1, 1, 1, 1, 1])

    def test_what_is_forced_asks_too(self):
        self.begin(HOOKS)
        self.assertEqual(self.tell(self.process, "slow"), "in slow")
        client = self.client(self.process)
        request = client.send("patch", wait=1000, before="count_before", **self.bodies(("n * 10;", "n * 10; if (n == 30) puts(\"three\");")))
        while not self.asked(self.process, "patches")["patches"]:
            pass
        self.assertEqual(len(self.asked(self.process, "force")["forced"]), 1)
        self.assertEqual(client.answer(request)["result"]["before"]["value"], 0)
        self.assertEqual(self.tell(self.process, "3"), "30 1 0")

    def test_one_function_goes_back_when_nobody_is_in_it(self):
        self.begin()
        edited = self.bitcode(self.edited(("n * 10;", "n * 10; if (n == 30) puts(\"three\");")))
        self.asked(self.process, "redefine", "slow", edited)
        self.assertEqual(self.tell(self.process, "slow"), "in slow")
        back = ("revert", "slow", "--before", "count_before", "--after", "count_after")
        self.assertIn("given up after waiting for", self.attach(self.process, *back, "--wait", "0").stderr)
        client = self.client(self.process)
        request = client.send("revert", function="slow", wait=1000, before="count_before", after="count_after")
        while not any(patch["waits"] for patch in self.asked(self.process, "patches")["patches"]):
            pass
        self.assertEqual(self.tell(self.process, "3"), "three")
        self.assertEqual(self.process.stdout.readline(), "30 0 0\n") # none has run
        result = client.answer(request)["result"]
        self.assertEqual((result["functions"], result["before"]["value"], result["after"]["value"]), (["slow"], 0, 5))
        self.assertEqual(self.numbers(), [1, 1, 1, 1, 1])
        self.assertEqual(self.tell(self.process, "slow"), "in slow")
        self.assertEqual(self.tell(self.process, "3"), "30 1 1")

    def test_a_way_back_of_one_function_that_a_hook_refuses(self):
        self.begin()
        # The hook is the program's own, and has a new body by then.
        self.asked(self.process, "redefine", "count_before", self.bitcode(self.edited(("return 0;\n}\n__attribute__((noinline)) int count_after", "return 4;\n}\n__attribute__((noinline)) int count_after"))))
        self.asked(self.process, "redefine", "step", self.bitcode(self.edited()))
        for wait in ((), ("--wait", "0"), ("--wait", "1000")):
            refused = self.attach(self.process, "revert", "step", "--before", "count_before", "--after", "count_after", *wait)
            self.assertIn("says no: it returned 4", refused.stderr)
        self.assertEqual(self.numbers(), [2, 3, 0, 2, 0])

    def test_a_way_back_whose_goal_is_dropped_while_a_hook_runs(self):
        """The hook is called when nobody stands in the way; when it has returned, the body is there that was to be left, and none before it."""
        self.begin()
        edited = [self.bitcode(self.edited(("n * 10;", f"n * {number}; if (n == 1) puts(\"one\");"))) for number in range(11, 20)]
        self.asked(self.process, "redefine", "slow", edited[0])
        client = self.client(self.process)
        request = client.send("revert", function="slow", wait=1000, before="hold_on")
        while self.numbers()[1] == 0:
            pass
        for body in edited[1:]: # eight are kept
            self.asked(self.process, "redefine", "slow", body)
        for _ in edited[1:]:
            self.asked(self.process, "revert", "slow")
        self.assertEqual(self.tell(self.process, "go"), "ok")
        self.assertIn("an earlier one was not kept", client.answer(request)["error"]["message"])
        self.assertEqual(self.tell(self.process, "slow"), "in slow")
        self.assertEqual(self.tell(self.process, "2"), "22 1 0")

    def bodies(self, *changes):
        """What osrctl would send of `slow`."""
        text = self.edited(*changes)
        slow = text[text.index("__attribute__((noinline)) int slow("):text.index("// end of slow")]
        alone = text[:text.index("// more")] + "extern int before_runs, after_runs;\nint read_number(void);\n" + slow
        ir = pathlib.Path(self.bitcode(alone)).read_bytes()
        return {"functions": [{"function": "slow", "ir": base64.b64encode(ir).decode()}]}


class HooksThatThrow(HooksCase):
    suffix = ".cpp"

    def test_before_and_after(self):
        self.begin(THROWING)
        self.assertIn("the hook '_Z6throwsv' threw an exception: not now", self.refused("--before", "_Z6throwsv"))
        self.assertIn("the hook '_Z8throws_7v' threw an exception", self.refused("--before", "_Z8throws_7v"))
        self.assertEqual(self.numbers()[:2], [1, 2])
        self.assertIn("threw an exception: not now", self.patched("--after", "_Z6throwsv")["after"]["problem"])
        self.assertEqual(self.numbers()[:2], [2, 3])


PROGRAM = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// more
#ifdef __cplusplus
extern "C" {
#endif
int before_runs, after_runs, seen_before, seen_after, refuse;
int opened = -1;
volatile int may_go;
static char line[100];
__attribute__((noinline)) int step(int n) { return n + 1; }
__attribute__((noinline)) int read_number(void) { return atoi(fgets(line, sizeof line, stdin)); }
__attribute__((noinline)) int slow(int n) {
  puts("in slow");
  fflush(stdout);
  n = read_number();
  n = n * 10;
  printf("%d %d %d\n", n, before_runs, after_runs);
  return n;
}
// end of slow
__attribute__((noinline)) int count_before(void) {
  before_runs += 1;
  seen_before = step(0);
  return 0;
}
__attribute__((noinline)) int count_after(void) {
  after_runs += 1;
  seen_after = step(0);
  return 5;
}
__attribute__((noinline)) int hold_on(void) {
  ++before_runs;
  while (!may_go)
    usleep(1000);
  return 0;
}
#ifdef __cplusplus
}
#endif
static void *for_ever(void *unused) {
  for (volatile long sum = 0;;)
    sum += step((int)sum);
  return unused;
}
static void on_fault(int number) { _exit(number == SIGSEGV ? 42 : 43); }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, for_ever, NULL);
  for (puts("ready");;) {
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
      return count_before() + count_after();
    if (!strcmp(line, "slow\n")) {
      slow(2);
    } else if (!strcmp(line, "numbers\n")) {
      printf("%d %d %d %d %d\n", step(0), before_runs, after_runs, seen_before, seen_after);
    } else if (!strcmp(line, "file\n")) {
      char name[60], target[500];
      snprintf(name, sizeof name, "/proc/self/fd/%d", opened);
      const ssize_t length = readlink(name, target, sizeof target - 1);
      printf("%.*s\n", length < 0 ? 0 : (int)length, target);
    } else {
      if (!strncmp(line, "refuse", 6))
        refuse = atoi(line + 6);
      else if (!strcmp(line, "handle\n"))
        signal(SIGSEGV, on_fault);
      else
        may_go = 1;
      puts("ok");
    }
  }
}
"""

HOOKS = r"""
#include <fcntl.h>
#include <sys/wait.h>
static int times(int n) { return n < 2 ? n : times(n - 2) + 2; } // a function that only hooks have, and that no compiler inlines
int ready(void) {
  before_runs += times(1);
  seen_before = step(0);
  return refuse;
}
void changed(void) {
  after_runs += times(1);
  seen_after = step(0);
  if (opened < 0)
    opened = open("/etc/passwd", O_RDONLY);
}
int takes_much(int n) { return n; }
long gives_much(void) { return 1; }
int waits(void) {
  while (!may_go)
    usleep(1000);
  return __sync_add_and_fetch(&before_runs, 1);
}
int leaves(void) { pthread_exit(NULL); }
int exits(void) { exit(7); }
int aborts(void) { abort(); }
int faults(void) { return *(volatile int *)8; }
int forks(void) {
  int status = 1;
  const pid_t child = fork();
  if (child == 0)
    return 3; // the end of the child's only thread
  return waitpid(child, &status, 0) == child ? status : 1;
}
"""

THROWING = r"""
#include <stdexcept>
int throws() { before_runs += 1; throw std::runtime_error("not now"); }
int throws_7() { before_runs += 1; throw 7; }
"""

if __name__ == "__main__":
    unittest.main()
