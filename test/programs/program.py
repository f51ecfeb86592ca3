"""The programs of this folder: what their headers say, and how they are compiled."""
import pathlib
import re
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from front_end import LEVELS, bitcode_flags, can_run, launcher, machines


class Program:
    """One source file and what its header says about compiling it."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.is_cxx = path.suffix == ".cpp"
        # Where it stands in the rotation: no other program's coming and going changes that.
        self.turn = zlib.crc32(self.name.encode())
        self.libcxx_level = LEVELS[self.turn % len(LEVELS)]  # reading libc++'s headers is most of the work of compiling
        text = path.read_text()
        self.weight = (self.is_cxx, len(text))  # about how long its runs take, next to those of others
        self.cflags = self.header(text, "cflags")
        self.libs = self.header(text, "libs")
        self.is_for_libcxx = self.is_cxx and not re.search(r"^// needs libstdc\+\+", text, re.M)
        self.needs_own_heap = re.search(r"^// needs a heap of the runtime's own", text, re.M) is not None
        # The interpreter of stubs does not say where it has the caller's registers.
        self.needs_generated_stubs = re.search(r"^// needs generated stubs", text, re.M) is not None
        # Where handlers may interrupt anything, a thread of the runtime compiles, and counts depend on time.
        self.handles_signals = re.search(r"\b(signal|sigaction|sigset)\s*\(", text) is not None
        self.blocks_signals = re.search(r"^// blocks signals", text, re.M) is not None

    @staticmethod
    def header(text, key):
        found = re.search(rf"^// {key}: (.*)$", text, re.M)
        return found.group(1).split() if found else []

    def machine(self, level):
        """The machine that its bitcode of that level is for; over the three levels each machine occurs."""
        return machines()[(LEVELS.index(level) + self.turn // len(LEVELS)) % len(machines())]

    def native_path(self, folder):
        return folder / f"{self.name}.native"

    def bitcode_path(self, folder, level):
        return folder / f"{self.name}{level}.bc"

    def compile(self, clang, libcxx, folder):
        """Makes bitcode of each level in `folder`, and the native program of one: the front end is slow with C++."""
        driver = [*launcher(), clang, *(["--driver-mode=g++"] if self.is_cxx else []),
                  *(["-stdlib=libc++"] if libcxx else []), "-w"]
        command = [*driver, *self.cflags, str(self.path)]
        levels = [self.libcxx_level] if libcxx else LEVELS
        for level in levels:
            flags = [*bitcode_flags(level, self.machine(level)), *self.cflags]  # a machine that the program asks for wins
            subprocess.run([*command, *flags, "-o", str(self.bitcode_path(folder, level))], check=True)
        native = "-O1" if "-O1" in levels else levels[0]
        subprocess.run([*driver, *self.cflags, "-O1", str(self.bitcode_path(folder, native)), "-o", str(self.native_path(folder)),
                        *self.libs, "-lm"], check=True)


def all_programs():
    """Without those for instructions that this machine lacks."""
    programs = [Program(path) for path in sorted([*HERE.glob("*.c"), *HERE.glob("*.cpp")])]
    return [program for program in programs if can_run(program.cflags)]
