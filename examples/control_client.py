#!/usr/bin/env python3
"""A client of the control socket in few lines: shows the stacks of a running program, from what docs/control.md says.

    control_client.py PID            prints the stacks
    control_client.py PID FUNCTION   also sends the activations of a function to the optimised tier
"""
import json
import os
import pathlib
import socket
import sys


def socket_path(pid):
    """Where the process's socket is: its name has the process's number and beginning."""
    began = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    folders = [f"/tmp/osr-{os.getuid()}"]
    if "XDG_RUNTIME_DIR" in os.environ:
        folders.insert(0, os.environ["XDG_RUNTIME_DIR"] + "/osr")
    paths = [pathlib.Path(folder) / f"{pid}-{began}" for folder in folders]
    return next((path for path in paths if path.exists()), None)


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        hello = json.loads(self.lines.readline())
        if hello["method"] != "hello" or hello["params"]["protocol"] != 1:
            sys.exit(f"not understood: {hello}")
        self.requests = 0

    def ask(self, method, **parameters):
        self.requests += 1
        request = {"jsonrpc": "2.0", "id": self.requests, "method": method, "params": parameters}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self.lines:
            message = json.loads(line)
            if message.get("id") == self.requests:
                if "error" in message:
                    sys.exit(message["error"]["message"])
                return message["result"]
        sys.exit("the connection is closed")


def main():
    path = socket_path(sys.argv[1])
    if not path:
        sys.exit(f"process {sys.argv[1]} has no control socket")
    connection = Connection(path)
    for thread in connection.ask("stack")["threads"]:
        print(f"thread {thread['thread']}")
        for frame in thread["frames"]:
            print("   ", frame.get("function", hex(frame.get("pc", 0))), frame.get("version", {}).get("tier", ""))
    for function in sys.argv[2:]:
        print(function, connection.ask("replace", function=function, to="optimized"))


if __name__ == "__main__":
    main()
