#!/usr/bin/env python3
"""The control socket itself: where it lies, who gets in, what clients may do to it, and that the program notices nothing."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import unittest

from attach_case import AttachCase, Client
from osrctl_case import HERE, OSRCTL

EXAMPLE = HERE.parent.parent / "examples" / "control_client.py"


class Places(AttachCase):
    def test_the_socket_comes_and_goes_with_the_program(self):
        bitcode = self.compile("attach_lines.c")
        for options in ((), ("--control",), ("--tier", "baseline")):
            process = self.start(bitcode, *options)
            path = self.socket_of(process)
            self.assertEqual(path.parent.stat().st_mode & 0o7777, 0o700)
            self.assertEqual(self.finish(process)[0], 1)
            self.assertEqual(self.sockets(), [])

    def test_it_goes_however_the_program_ends(self):
        bitcode = self.compile(self.file("ends.c", ENDS))
        for way in "xXqa":
            process = self.start(bitcode)
            self.assertEqual(len(self.sockets()), 1)
            process.stdin.write(way)
            self.finish(process)
            self.assertEqual(self.sockets(), [], way)

    def test_there_is_none_if_nobody_wants_it(self):
        bitcode = self.compile("attach_lines.c")
        for options, environment in ((("--no-control",), {}), ((), {"OSR_CONTROL": "0"})):
            process = self.start(bitcode, *options, environment={**self.environment, **environment})
            self.assertEqual(self.sockets(), [])
            self.assertIn("has no control socket", self.attach(process, "status").stderr)
            self.finish(process)
        ended = self.osrctl("run", bitcode, env={**self.environment, "OSR_CONTROL": "sometimes"})
        self.assertEqual(ended.returncode, 2)
        self.assertIn("OSR_CONTROL is 'sometimes'", ended.stderr)

    def test_one_that_was_killed_is_forgotten(self):
        bitcode = self.compile("attach_lines.c")
        killed = self.start(bitcode)
        old = self.socket_of(killed)
        killed.kill()
        killed.wait()
        self.assertEqual(self.sockets(), [old])
        process = self.start(bitcode)
        self.client(process).ask("status") # it has looked round by then
        self.assertEqual(self.sockets(), [self.socket_of(process)])

    def test_one_that_is_another_program_now_is_not_listed(self):
        process = self.start(self.compile(self.file("goes_over.c", GOES_OVER)), arguments=("cat",))
        listed = lambda: [row["pid"] for row in json.loads(self.osrctl("ps", "--json", env=self.environment).stdout)]
        self.assertIn(process.pid, listed()) # root sees others' too
        process.stdin.write("go\n")
        self.assertEqual(self.tell(process, "echoed by cat"), "echoed by cat")
        self.assertEqual(len(self.sockets()), 1)
        self.assertNotIn(process.pid, listed())
        refused = self.attach(process, "status")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn(f"nobody listens at the control socket of process {process.pid}: it has ended, or is another program", refused.stderr)
        self.finish(process)
        listed() # which removes it
        self.assertEqual(self.sockets(), [])

    def test_one_that_begins_again_is_listed(self):
        process = self.start(self.compile(self.file("goes_over.c", GOES_OVER)), arguments=(OSRCTL, "run", self.compile("attach_lines.c")))
        self.asked(process, "status")
        self.assertEqual(self.tell(process, "go"), "ready")
        self.assertIn("answer_lines", json.dumps(self.asked(process, "functions")))
        self.assertEqual(len(self.sockets()), 1)

    def test_a_child_has_none(self):
        process = self.start(self.compile(self.file("forks.c", FORKS)))
        child = int(self.first_line)
        self.assertEqual([path.name.split("-")[0] for path in self.sockets()], [str(process.pid)])
        self.assertIn("has no control socket", self.attach(child, "status").stderr)
        self.assertEqual(self.tell(process, "end"), "child has ended")
        self.assertEqual(len(self.sockets()), 1) # the child has not taken it along
        self.asked(process, "status")

    def test_descriptors_are_numbered_as_without_it(self):
        bitcode = self.compile(self.file("descriptors.c", DESCRIPTORS))
        lines = []
        for options in (("--no-control",), ("--control",)):
            process = self.start(bitcode, *options)
            if options == ("--control",):
                self.asked(process, "stack")
            lines.append((self.first_line, self.tell(process, "again")))
            self.finish(process)
        self.assertEqual(*lines)

    def test_a_folder_that_is_not_ours_alone_is_not_used(self):
        bitcode = self.compile("attach_lines.c")
        folder = self.runtime_folder / "osr"
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(mode=0o700)

        folder.symlink_to(elsewhere)
        process = self.start(bitcode)
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.finish(process)
        folder.unlink()
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        process = self.start(bitcode)
        self.assertEqual(self.sockets(), [])
        self.finish(process)


class Hostile(AttachCase):
    def setUp(self):
        super().setUp()
        self.process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.path = self.socket_of(self.process)

    def tearDown(self):
        """Whatever was done to the socket, the program and other clients have noticed nothing."""
        self.assertTrue(self.tell(self.process, "still there"))
        self.assertEqual(self.client(self.process).ask("status")["result"]["pid"], self.process.pid)
        self.assertLess(self.finish(self.process)[0], 50)
        super().tearDown()

    def raw(self):
        client = Client(self.path)
        self.addCleanup(client.close)
        client.receive()
        return client

    def test_lines_that_are_no_requests(self):
        client = self.raw()
        for line, code in ((b"{", -32700), (b"\xff\xfe\x00", -32700), (b"[" * 100, -32700), (b"[]", -32600), (b"17", -32600),
                           (b'{"jsonrpc":"2.0","method":"status"}', -32600), (b'{"jsonrpc":"1.0","id":1,"method":"status"}', -32600),
                           (b'{"jsonrpc":"2.0","id":{},"method":"status"}', -32600), (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
                           (b'{"jsonrpc":"2.0","id":1,"method":"fly"}', -32601),
                           (b'{"jsonrpc":"2.0","id":1,"method":"status","params":[]}', -32602),
                           (b'{"jsonrpc":"2.0","id":1,"method":"stack","params":{"depth":-1}}', -32602),
                           (b'{"jsonrpc":"2.0","id":1,"method":"stack","params":{"depht":1}}', -32602),
                           (b'{"jsonrpc":"2.0","id":1,"method":"replace","params":{"function":"main","to":"sky"}}', -32602),
                           (b'{"jsonrpc":"2.0","id":1,"method":"function","params":{"function":"\\ud800"}}', -32700)):
            client.socket.sendall(line + b"\n")
            self.assertEqual(client.receive()["error"]["code"], code, line)
        client.socket.sendall(b"\n \n")
        self.assertIn("result", client.ask("status"))

    def test_who_speaks_something_else_is_cut_off(self):
        client = self.raw()
        for _ in range(31):
            client.socket.sendall(b"GET / HTTP/1.1\n")
            self.assertEqual(client.receive()["error"]["code"], -32700)
        self.assertIn("result", client.ask("status")) # from here on it counts anew
        client.socket.sendall(b"[]\n" * 1000)
        self.assertEqual([client.receive()["error"]["code"] for _ in range(32)], [-32600] * 32)
        self.assertEqual(client.receive()["params"]["reason"], "32 lines that are no requests")
        try:
            self.assertIsNone(client.receive())
        except ConnectionResetError: # it had more to say
            pass

    def test_a_line_in_single_bytes(self):
        client = self.raw()
        for line in (b'{"jsonrpc":"2.0","id":1,"method":"status"}\n{"jsonrpc":"2.0","id":2,"method":"status"}\n\n', b"x\n"):
            for byte in line:
                client.socket.sendall(bytes([byte]))
        self.assertEqual({client.receive().get("id") for _ in range(3)}, {None, 1, 2})

    def test_a_line_without_end(self):
        client = self.raw()
        with self.assertRaises(OSError): # cut off
            for _ in range(1000):
                client.socket.sendall(b"x" * 65536)

    def test_random_bytes(self):
        for seed in range(20):
            client = self.raw()
            client.socket.sendall(seed.to_bytes(2, "little") + os.urandom(5000) + b"\n")
            self.assertEqual(client.receive()["error"]["code"], -32700)
            client.close()

    def test_a_client_that_never_reads(self):
        client = Client(self.path)
        self.addCleanup(client.close)
        client.socket.settimeout(0.2)
        request = b'{"jsonrpc":"2.0","id":1,"method":"stack"}\n'
        try:
            for _ in range(100_000):
                client.socket.sendall(request * 100)
        except OSError: # it is not read from, and cut off later; nobody waits for that here
            pass

    def test_many_clients(self):
        clients = [self.raw() for _ in range(8)]
        one_more = Client(self.path)
        self.addCleanup(one_more.close)
        self.assertEqual(one_more.receive()["method"], "bye")
        self.assertIsNone(one_more.receive())
        for client in clients:
            self.assertIn("result", client.ask("status"))
            client.close()
        self.until_there_is_room()

    def until_there_is_room(self):
        """Clients that have gone are noticed a little later."""
        while True:
            client = Client(self.path)
            greeting = client.receive()
            client.close()
            if greeting["method"] == "hello":
                return

    def test_requests_that_wait_can_be_cancelled(self):
        client = self.raw()
        quiet = client.send("replace", function="main", to="optimized", frames="quiescent") # main waits for its input
        other = client.send("status")
        self.assertEqual(client.ask("cancel", request=other)["result"], {"cancelled": True})
        self.assertEqual(client.ask("cancel", request=999)["result"], {"cancelled": False})
        client.send("cancel", request=quiet)
        codes = {}
        while len(codes) < 2:
            message = client.receive()
            if "error" in message:
                codes[message["id"]] = message["error"]["code"]
        self.assertEqual(codes, {quiet: -32002, other: -32002})

    def test_who_hangs_up_takes_requests_along(self):
        client = self.raw()
        client.send("replace", function="main", to="optimized", frames="quiescent")
        client.close()
        other = self.client(self.process)
        self.assertIn("result", other.ask("replace", function="main", to="baseline"))

    def test_too_many_requests(self):
        client = self.raw()
        client.send("replace", function="main", to="optimized", frames="quiescent")
        for _ in range(40):
            last = client.send("status")
        self.assertEqual(client.answer(last)["error"]["code"], -32003)

    def test_answers_come_although_the_client_sends_no_more(self):
        client = self.raw()
        request = client.send("stack")
        client.socket.shutdown(socket.SHUT_WR)
        self.assertIn("result", client.answer(request))
        self.assertIsNone(client.receive())


class Others(AttachCase):
    def test_who_may_only_look(self):
        bitcode = self.compile("attach_lines.c")
        for options, environment in ((("--control-read-only",), {}), ((), {"OSR_CONTROL": "read-only"})):
            process = self.start(bitcode, *options, environment={**self.environment, **environment})
            self.assertIn("answer_lines", self.attach(process, "stack").stdout)
            refused = self.attach(process, "replace", "main", "--to", "optimized")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("only to be looked at", refused.stderr)
            self.finish(process)

    def test_a_forged_socket(self):
        """It has the name of one process and is that of another."""
        process = self.start(self.compile("attach_lines.c"))
        path = self.socket_of(process)
        path.unlink()
        forged = socket.socket(socket.AF_UNIX)
        self.addCleanup(forged.close)
        forged.bind(str(path))
        forged.listen()
        ended = self.attach(process, "status")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"is that of process {os.getpid()}", ended.stderr)

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_other_users(self):
        process = self.start(self.compile("attach_lines.c"))
        path = self.socket_of(process)
        for folder in (self.folder, self.runtime_folder, path.parent): # as if the folder were no protection at all
            folder.chmod(0o777)
        path.chmod(0o777)
        for user in (65534, 1234):
            ended = self.run_command("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", sys.executable, "-c",
                                     LISTENS, path)
            self.assertEqual(json.loads(ended.stdout)["method"], "bye", ended.stderr)
        self.assertTrue(self.tell(process, "still there"))

    @unittest.skipUnless(os.getuid() == 0, "only root can make a container of this kind")
    def test_a_program_in_a_container(self):
        """It has another number there, and another /proc; its socket's folder is that of its root."""
        container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if subprocess.run([*container, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no namespaces can be made here")
        root = self.folder / "inside" # of the mounts: what is there is not there for others
        root.mkdir()
        for is_hidden in (False, True):
            hide = f"mount -t tmpfs none {root} && " if is_hidden else ""
            environment = {**self.environment, "XDG_RUNTIME_DIR": str(root if is_hidden else self.runtime_folder)}
            outside = subprocess.Popen([*container, "sh", "-c", f'{hide}chmod 700 {root} && exec "$@"', "sh", OSRCTL, "run",
                                        self.compile("attach_lines.c")],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            self.addCleanup(self.end, outside)
            self.assertTrue(outside.stdout.readline())
            [process] = pathlib.Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
            self.assertIn("answer_lines", self.attach(process, "stack").stdout)
            status = self.asked(process, "status")
            self.assertEqual(status["pid"], 1) # its own number
            self.assertEqual(self.asked(process, "replace", "answer_lines", "--to", "optimized")["refused"], {})
            self.assertTrue(self.tell(outside, "still there"))

    @unittest.skipUnless(os.getuid() == 0, "only root can become somebody else")
    def test_a_program_that_changes_its_user(self):
        process = self.start(self.compile(self.file("user.c", USER)))
        client = Client(self.socket_of(process))
        self.addCleanup(client.close)
        self.assertEqual(client.receive()["method"], "hello")
        self.assertEqual(self.tell(process, "change"), "changed")
        late = Client(self.socket_of(process))
        self.addCleanup(late.close)
        self.assertEqual(late.receive()["method"], "bye")

    def test_the_example_in_python(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        ended = self.run_command(sys.executable, EXAMPLE, str(process.pid), "answer_lines", env=self.environment)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn(f"thread {process.pid}\n", ended.stdout)
        self.assertRegex(ended.stdout, r"answer_lines baseline\n(.*\n)*answer_lines \{.*'rewritten': 1")


LISTENS = """
import socket, sys
there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[1])
print(there.makefile().readline())
"""

ENDS = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  puts("ready");
  fflush(stdout);
  switch (getchar()) {
  case 'x': exit(1);
  case 'X': _exit(2);
  case 'q': quick_exit(3);
  }
  return 4;
}
"""

GOES_OVER = """
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
  char line[4];
  puts("ready");
  fflush(stdout);
  if (read(0, line, 3) != 3) /* no more: the rest is the next program's */
    return 1;
  execvp(words[1], words + 1);
  return 2;
}
"""

FORKS = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int ends[2];
  char byte;
  pipe(ends);
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    read(ends[0], &byte, 1);
    return 0;
  }
  printf("%d\\n", child);
  fflush(stdout);
  getchar();
  close(ends[1]);
  waitpid(child, 0, 0);
  puts("child has ended");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
"""

DESCRIPTORS = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
  char line[100];
  do {
    int opened = open("/dev/null", O_RDONLY);
    printf("%d", opened);
    close(opened);
    for (int i = 0; i < 64; ++i)
      if (fcntl(i, F_GETFD) != -1)
        printf(" %d", i);
    puts("");
    fflush(stdout);
    closefrom(3);
  } while (fgets(line, sizeof line, stdin));
  return 0;
}
"""

USER = """
#include <stdio.h>
#include <unistd.h>
int main(void) {
  puts("ready");
  fflush(stdout);
  for (int c; (c = getchar()) != EOF;)
    if (c == '\\n') {
      puts(setuid(65534) == 0 ? "changed" : "not changed");
      fflush(stdout);
    }
  return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
