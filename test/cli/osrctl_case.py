"""What every test of osrctl's command line begins with: a scratch folder, a compiler, and osrctl itself.

The environment names the programs: OSRCTL (the program under test) and OSR_CLANG.
"""
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
OSRCTL = os.environ["OSRCTL"]
CLANG = os.environ["OSR_CLANG"]
TIMEOUT = 120

FIB = """
@text = private constant [4 x i8] c"%d\\0A\\00"
declare i32 @printf(ptr, ...)

define i32 @fib(i32 %n) {
  %small = icmp slt i32 %n, 2
  br i1 %small, label %done, label %more
more:
  %n1 = sub i32 %n, 1
  %a = call i32 @fib(i32 %n1)
  %n2 = sub i32 %n, 2
  %b = call i32 @fib(i32 %n2)
  %sum = add i32 %a, %b
  ret i32 %sum
done:
  ret i32 %n
}

define i32 @main() {
  %r = call i32 @fib(i32 10)
  %printed = call i32 (ptr, ...) @printf(ptr @text, i32 %r)
  ret i32 3
}
"""


class OsrctlCase(unittest.TestCase):
    """A test with a folder of its own."""

    made = {} # bitcode by source and flags

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def verbs(self):
        """As the help of osrctl lists them."""
        listed = self.osrctl("--help").stdout.split("Subcommands:\n")[1].split("\n\n")[0]
        return [line.split()[0] for line in listed.splitlines()]

    def file(self, name, content):
        """A file of that content in the scratch folder; its path as text."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
        return str(path)

    def compile(self, source, *flags):
        """Bitcode made from a C file that is stored next to the tests, or from one given with its whole path."""
        source = HERE / source
        bitcode = self.folder / (source.stem + ".bc")
        subprocess.run([CLANG, "-w", "-O1", *flags, "-emit-llvm", "-c", "-o", bitcode, source], check=True)
        return str(bitcode)

    def compile_once(self, source, *flags):
        """The same, made once for all tests of a script: C++ takes its time."""
        made = self.made.get((source, flags))
        if not made:
            made = self.made[source, flags] = pathlib.Path(self.compile(source, *flags)).read_bytes()
        return self.file(pathlib.Path(source).stem + ".bc", made)

    def native(self, source, *flags):
        """The same file as an ordinary program: the oracle."""
        source = HERE / source
        program = self.folder / (source.stem + ".native")
        subprocess.run([CLANG, "-w", "-O1", *flags, "-o", program, source], check=True)
        return str(program)

    def run_command(self, *command, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(command, text=True, errors="replace", start_new_session=True, **options)
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) # a shell's children too: they hold the pipes
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def osrctl(self, *arguments, **options):
        return self.run_command(OSRCTL, *arguments, **options)

    def assert_refused(self, status, *words, by):
        """The command `by` ends with that status, prints nothing, and says all the words in one message."""
        ended = self.osrctl(*by)
        self.assertEqual((ended.returncode, ended.stdout), (status, ""), f"{by}: {ended.stderr}")
        self.assertTrue(ended.stderr.startswith("osrctl: "), ended.stderr)
        for word in words:
            self.assertIn(word, ended.stderr, f"{by}")
