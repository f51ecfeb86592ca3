#!/usr/bin/env python3
"""Which files outside of the machine folders know the machine: they are listed, and a new one fails.

The machine folders are where another machine's code would stand beside x86-64's. The headers beside them are what the rest may
ask; such a header may include its counterpart in the machine folder. Comments may name registers anywhere. Each file in the list
beside this script is one that a port has to look at, with the reason why it cannot do without; one that no longer knows anything
has to be taken out, so that the list only gets shorter.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import sources

MACHINE_FOLDERS = ["compiler/target/x86_64/", "osr-stubs/x86_64/", "runtime/machine/x86_64/"]
# Kind of knowledge -> what it looks like.
KINDS = {
    "registers, instruction sets":
        r"x86|X86|amd64|\b[re](?:[abcd]x|[sd]i|[sb]p|ip)\b|\br(?:8|9|1[0-5])\b|\b[xyz]mm\d*\b|"
        r"(?:\b|_)R(?:[ABCD]X|SP|BP|IP)\b|\bR(?:[ab]x|[sb]p|1[0-5])\b|mxcsr|rdtsc|x87|\bfs:(?!:)|\bAVX|\bSSE|\bAMX",
    "instructions as bytes": r"(?:0x[0-9a-fA-F]{2}\s*,\s*){2}|\[\w+\]\s*[!=]=\s*0x[0-9a-fA-F]{2}\b",
    "names of the C library and of the compiler's":
        r"\bgregs\b|\bgreg_t\b|\bREG_[A-Z]|uc_mcontext|__fpregs_mem|__ssp\b|__cpu_\w+|__cpuid|\b_?_rdtsc",
    "system calls that other machines lack":
        r"arch_prctl|\bARCH_[A-Z]|\b(?:SYS|__NR)_(?:open|creat|poll|select|epoll_(?:create|wait)|pause|alarm|fork|vfork|pipe|"
        r"dup2|l?stat|access|getdents|time|utime|inotify_init|eventfd|signalfd)\b",
    "numbers of DWARF's and words of frames where a constant exists":
        r"(?:register|dwarf_\w+)\s*[!=]=\s*[1-9]|\[return_address\]\s*[!=]=\s*-?\d|return_pc\w*\s*=\s*-?[1-9]|[<>=]\s*-8\b(?!\s*;)|"
        r"frame_address\(0\)\)*\s*[-+]|stack_size\)*\s*\+\s*\d|red_zone\w*\s*=\s*\d|\bspace\s*>=?\s*\d{3}",
    "sizes of pages": r"\b(?:first_)?page(?:_size)?\s*=\s*\d|\bp_align\s*=\s*\d|PT_LOAD\s*\?\s*\w+\(\d",
}
KINDS = {kind: re.compile(look) for kind, look in KINDS.items()}
# One of each kind and more that only the machine folders may have.
EXAMPLES = """rax
a tile of AMX is live
std::uint8_t code[] = {0x64, 0x80, 0x3c, 0x25, 0};
if ((*stub)[0] != 0xff || stub[1] == 0x25)
for (const greg_t value : words)
context.gregs[0]
sizeof(ucontext_t::__fpregs_mem)
- sizeof(ucontext_t::__ssp)
extern unsigned __cpu_model[4];
case SYS_poll:
case SYS_epoll_wait: return
case SYS_select:
call_once(SYS_pause)
syscall(SYS_arch_prctl, status, &features)
return return_register == 16;
state.at[return_address] == -8 &&
constexpr std::int32_t return_pc_offset = -8;
if (end > -8)
reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)) + word_size
map.functions[0].stack_size) + 8
constexpr std::int32_t red_zone = 128;
if (space == 0 || space >= 256)
constexpr std::uint64_t page = 4096;
static constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t first_page = 4096;
type == PT_LOAD ? Elf64_Xword(4096) : 8""".splitlines()
OTHERS = """int a; // rax
case SYS_ppoll: case SYS_epoll_pwait: case SYS_pselect6:
SYS_openat SYS_pipe2 SYS_statx
value |= std::uint64_t(byte & 0x7f) << shift;
if (location.dwarf_register != 0)
std::array<std::uint32_t, 2> page{};""".splitlines()


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def kind_of_knowledge(name, text):
    """The first kind found, or None. `name`: where the text stands, for what it may include."""
    folders = [folder for folder in MACHINE_FOLDERS if pathlib.PurePath(folder).parent == pathlib.PurePath(name).parent]
    for folder in folders:
        text = text.replace(f'#include "{folder}', "")
    text = without_comments(text)
    return next((kind for kind, look in KINDS.items() if look.search(text)), None)


def files_that_know():
    for name, path in sources():
        if not name.startswith(tuple(MACHINE_FOLDERS)) and (kind := kind_of_knowledge(name, path.read_text())):
            yield name, kind


def read_list():
    """File -> reason."""
    lines = pathlib.Path(__file__).with_suffix(".txt").read_text().splitlines()
    return {name.strip(): reason.strip() for name, _, reason in (line.partition("#") for line in lines) if name.strip()}


def main():
    for example in EXAMPLES:
        assert kind_of_knowledge("a.cpp", example), example
    for other in OTHERS:
        assert not kind_of_knowledge("a.cpp", other + "\n"), other
    include = '#include "osr-stubs/x86_64/a.h"'
    assert not kind_of_knowledge("osr-stubs/a.h", include) and kind_of_knowledge("runtime/a.h", include)
    listed, found = read_list(), dict(files_that_know())
    for name in sorted(set(found) - set(listed)):
        print(f"{name} knows the machine ({found[name]}): put that into a machine folder, or say in the list why it cannot be there")
    for name in sorted(set(listed) - set(found)):
        print(f"{name} no longer knows the machine: take it off the list")
    print(f"{len(found)} files outside of the machine folders know the machine")
    return 1 if set(found) != set(listed) else 0


if __name__ == "__main__":
    sys.exit(main())
