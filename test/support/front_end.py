"""The ways in which the drivers of whole programs have clang write bitcode."""
import functools
import pathlib
import shutil

LEVELS = ["-O0", "-O1", "-O2"]
# Code for plain x86-64 has no AVX: wide registers, three operands, upper halves that have to be cleared.
PLAIN = "x86-64"
MACHINES = [PLAIN, "x86-64-v3", "native"]
V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}


NEEDS = {"-mavx": {"avx"}, "-mavx2": {"avx2"}, "-march=x86-64-v3": V3}


@functools.cache
def processor_flags():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.split())
    return frozenset()


def can_run(flags):
    """Whether this machine can run what clang makes with these flags."""
    return all(NEEDS.get(flag, set()) <= processor_flags() for flag in flags)


@functools.cache
def machines():
    """The members of MACHINES whose code this machine can run."""
    return [machine for machine in MACHINES if can_run([f"-march={machine}"])]


def bitcode_flags(level, machine):
    """What makes bitcode at `level` that any machine's code can be made from, `machine`'s best."""
    optnone = ["-Xclang", "-disable-O0-optnone"] if level == "-O0" else []
    return [level, *optnone, *([] if machine == PLAIN else [f"-march={machine}", "-ffp-contract=off"]), "-emit-llvm", "-c"]


@functools.cache
def launcher():
    """What stands before a compiler's command: clones and presets compile the same programs."""
    return ["ccache"] if shutil.which("ccache") else []
