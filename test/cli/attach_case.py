"""What the tests of the control socket share: a program that runs, the folder of its socket, and clients by hand."""
import json
import os
import pathlib
import socket
import subprocess

from osrctl_case import OSRCTL, TIMEOUT, OsrctlCase


class Client:
    """Talks to a control socket as docs/control.md says."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.next_id = 0

    def close(self):
        self.lines.close()
        self.socket.close()

    def send(self, method, **parameters):
        """Returns the request's id."""
        self.next_id += 1
        request = {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": parameters}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return self.next_id

    def receive(self):
        """The next message; None: the connection is closed."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def answer(self, request):
        """To that request; what comes before is dropped."""
        while True:
            message = self.receive()
            if message is None or message.get("id") == request:
                return message

    def ask(self, method, **parameters):
        return self.answer(self.send(method, **parameters))


class AttachCase(OsrctlCase):
    def setUp(self):
        super().setUp()
        self.runtime_folder = self.folder / "run"
        self.runtime_folder.mkdir(mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime_folder)}
        self.environment.pop("OSR_CONTROL", None)

    def start(self, bitcode, *options, arguments=(), environment=None):
        """Runs a program that prints a line when it has begun, which is awaited."""
        process = subprocess.Popen([OSRCTL, "run", *options, bitcode, "--", *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, env=environment or self.environment)
        self.addCleanup(self.end, process)
        self.first_line = process.stdout.readline()
        self.assertTrue(self.first_line, "the program did not begin")
        return process

    def end(self, process):
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def finish(self, process):
        """Its exit status and what it printed last."""
        process.stdin.close()
        output = process.stdout.read()
        return process.wait(timeout=TIMEOUT), output

    def tell(self, process, line):
        """Sends a line and returns the one that comes back."""
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip("\n")

    def sockets(self):
        folder = self.runtime_folder / "osr"
        return sorted(folder.iterdir()) if folder.exists() else []

    def socket_of(self, process):
        return next(path for path in self.sockets() if path.name.startswith(f"{process.pid}-"))

    def client(self, process):
        client = Client(self.socket_of(process))
        self.addCleanup(client.close)
        hello = client.receive()
        self.assertEqual((hello["method"], hello["params"]["pid"]), ("hello", process.pid))
        return client

    def attach(self, process, *words):
        return self.osrctl("attach", str(getattr(process, "pid", process)), *words, env=self.environment)

    def asked(self, process, *words):
        """What `attach --json` prints."""
        ended = self.attach(process, *words, "--json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(ended.stdout)

    def own_frames(self, process, thread=0):
        """Functions of the program on a stack, newest first, with their tiers."""
        threads = self.asked(process, "stack")["threads"]
        return [(frame["function"], frame.get("version", {}).get("tier", "inlined"))
                for frame in threads[thread]["frames"] if not frame.get("foreign")]
