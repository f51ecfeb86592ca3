#!/usr/bin/env python3
"""Checks that gdb's backtrace goes through frames whose return PCs are rewritten and names every function of them, and
that perf gets names and code."""
import os
import pathlib
import re
import struct
import subprocess
import unittest

from osrctl_case import HERE, OSRCTL, OsrctlCase

GDB = os.environ["OSR_GDB"]
# Newest first; main calls ping(6).
ACTIVATIONS = ["bottom", "ping", "pong", "ping", "pong", "ping", "pong", "ping", "main"]
COMMANDS = ["set confirm off", "set pagination off", "set debuginfod enabled off", "set startup-with-shell off",
            "set breakpoint pending on", "handle SIG62 nostop noprint", "break puts", "run", "backtrace", "continue"]


def read_jitdump(data):
    """The code in a jitdump file by name; see jitdump-specification.txt in the Linux sources."""
    magic, _, at, machine = struct.unpack_from("<4I", data)
    assert (magic, machine) == (0x4A695444, 62), data[:40] # x86-64
    code = {}
    while at < len(data):
        kind, size = struct.unpack_from("<2I", data, at)
        if kind == 0: # JIT_CODE_LOAD
            code_size, = struct.unpack_from("<Q", data, at + 40)
            name, contents = data[at + 56:at + size].split(b"\0", 1)
            assert len(contents) == code_size, (name, size, code_size)
            code[name.decode()] = contents
        at += size
    assert at == len(data), "the last record is cut off"
    return code


class Debugger(OsrctlCase):
    def backtrace(self, *options, flags=()):
        """The functions of the program on the stack while puts runs, newest first, and all that gdb printed."""
        script = [word for command in COMMANDS for word in ("-ex", command)]
        ended = self.run_command(GDB, "-nx", "-batch", *script, "--args", OSRCTL, "run", *options,
                                 self.compile("recursion.c", *flags))
        names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+)", ended.stdout, re.M)
        self.assertIn("osr_enter_program", names, ended.stdout + ended.stderr)
        self.assertEqual(names[-1], "main", ended.stdout) # of osrctl: nothing is cut off
        self.assertRegex(ended.stdout, r"\nbottom\n927\n(\[(Thread|New process) .*\n)*\[Inferior 1 ") # as natively, and it goes on after the stop
        self.assertIn("exited normally]", ended.stdout)
        return names[1:names.index("osr_enter_program")], ended.stdout

    def test_core_files_are_small_and_have_the_frames(self):
        core = self.folder / "core"
        program = self.compile("recursion.c")
        script = [*COMMANDS[:-2], f"generate-core-file {core}", "kill"]
        self.run_command(GDB, "-nx", "-batch", *(word for command in script for word in ("-ex", command)), "--args", OSRCTL,
                         "run", "--tier", "baseline", program)
        self.assertLess(core.stat().st_size, 200 << 20)
        seen = self.run_command(GDB, "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "backtrace", OSRCTL, core)
        backtrace = seen.stdout[seen.stdout.rindex("#0 "):] # gdb shows the newest frame once before
        names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+)", backtrace, re.M)
        self.assertIn("osr_enter_program", names, seen.stdout + seen.stderr)
        self.assertEqual(names[1:names.index("osr_enter_program")], [f"{name}$baseline" for name in ACTIVATIONS], seen.stdout)

    def test_frames_of_a_tier(self):
        for tier in ["baseline", "optimized"]:
            names, text = self.backtrace("--tier", tier)
            self.assertEqual(names, [f"{name}${tier}" for name in ACTIVATIONS], text)

    def lines(self, text):
        """What gdb says after "at" about the frames of the program, newest first: nothing, or file and line."""
        frames = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(.*?\)(?: at (\S+))?$", text, re.M)
        names = [name for name, _ in frames]
        return frames[1:names.index("osr_enter_program")]

    def test_lines(self):
        """With debug information, each frame of compiled code has its line, also beside stubs."""
        source = HERE / "recursion.c"
        line_of = {}
        for number, line in enumerate(source.read_text().splitlines(), 1):
            if found := re.match(r".*\b(ping|pong|bottom|main)\(.*\) \{ return", line):
                line_of[found[1]] = f"{source}:{number}"
        self.assertEqual(len(line_of), 4)
        for flags in [("-g",), ("-gline-tables-only",), ("-g", "-O0"), ("-g", "-O2")]:
            for tier in ["baseline", "optimized"]:
                if "-O0" in flags and tier == "optimized":
                    continue # there clang marks all functions noinline, which means nothing
                names, text = self.backtrace("--tier", tier, flags=flags)
                self.assertEqual(names, [f"{name}${tier}" for name in ACTIVATIONS], text)
                self.assertEqual([line for _, line in self.lines(text)], [line_of[name] for name in ACTIVATIONS], text)
        # All but the newest have been rewritten; half of them are continuations in the end.
        for period, tier in [(1, "baseline"), (1, "optimized"), (3, "baseline"), (3, "optimized")]:
            names, text = self.backtrace("--tier", tier, "--stress", f"all:{period}", flags=("-g",))
            self.assertEqual([re.sub(r"^osr_stub:(\w+)#\d+$|^(\w+)\$.*", r"\1\2", name) for name in names],
                             ACTIVATIONS, text)
            for name, line in self.lines(text):
                if not name.startswith("osr_stub:"):
                    self.assertEqual(line, line_of[name.split("$")[0]], text)

    def test_rewritten_frames(self):
        for tier in ["baseline", "optimized"]:
            for stubs in ["generated", "interpreted"]:
                names, text = self.backtrace("--tier", tier, "--stubs", stubs, "--stress", "all:1")
                # The newest was entered after the last rewriting; the others will return into their stubs.
                self.assertEqual(names[0], f"bottom${tier}", text)
                self.assertEqual([re.sub(r"^osr_stub:(\w+)#\d+$", r"\1", name) for name in names[1:]],
                                 ACTIVATIONS[1:], text)

    def test_perf_dump(self):
        """perf finds compiled code and stubs by name, with their bytes."""
        process = subprocess.run([OSRCTL, "run", "--perf-dump", "--tier", "baseline", "--stress", "all:1",
                                  self.compile("recursion.c")], stdout=subprocess.DEVNULL, timeout=60,
                                 env={**os.environ, "JITDUMPDIR": str(self.folder)})
        self.assertEqual(process.returncode, 0)
        dumps = list(self.folder.rglob("jit-*.dump"))
        self.assertEqual(len(dumps), 1)
        code = read_jitdump(dumps[0].read_bytes())
        names = {re.sub(r"\.\d+$", "", name) for name in code} # each version has a number
        for name in ["ping$baseline", "pong$baseline", "main$baseline"]:
            self.assertIn(name, names)
        self.assertTrue(any(name.startswith("osr_stub:ping#") for name in names), names)
        self.assertTrue(all(any(bytes_of_code) for bytes_of_code in code.values()), "code that is all zeros")


if __name__ == "__main__":
    unittest.main()
