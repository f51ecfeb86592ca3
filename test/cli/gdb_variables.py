"""Runs in gdb: writes what gdb shows of each frame of a source file, as one line of JSON for each time the program waits for input.

The environment says where: OSR_SHOWN is the file for that, OSR_SOURCE the end of the source's name. With a core file there is one
line; else the program gets OSR_ARGUMENTS, reads OSR_INPUT and writes OSR_OUTPUT, and with OSR_CORE a core file is written when it waits for the nth time.
"""
import json
import os

import gdb

MOST_ELEMENTS = 64


def parts_of(name, value):
    """Names and values of what is in a variable; None: gdb says that it is not there."""
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        for field in kind.fields():
            if field.name:
                yield from parts_of(f"{name}.{field.name}", value[field])
    elif kind.code == gdb.TYPE_CODE_ARRAY:
        first, last = kind.range()
        for index in range(first, min(last, first + MOST_ELEMENTS) + 1):
            yield from parts_of(f"{name}[{index}]", value[index])
    elif value.is_optimized_out:
        yield name, None
    elif kind.code == gdb.TYPE_CODE_PTR:
        yield name, hex(int(value))
    else:
        yield name, float(value) if kind.code == gdb.TYPE_CODE_FLT else int(value)


def variables_of(frame):
    """By name; of those that have one name the one that gdb means comes first."""
    shown = {}
    block = frame.block()
    while block:
        for symbol in block:
            if symbol.is_variable or symbol.is_argument:
                shown.setdefault(symbol.name, []).append(list(parts_of(symbol.name, symbol.value(frame))))
        if block.function:
            break
        block = block.superblock
    return shown


def frames():
    """Those of the source, newest first."""
    found, frame = [], gdb.newest_frame()
    while frame:
        place = frame.find_sal()
        if place.symtab and place.symtab.filename.endswith(os.environ["OSR_SOURCE"]):
            found.append({"function": frame.name(), "line": place.line, "inlined": frame.type() == gdb.INLINE_FRAME,
                          "code": gdb.execute(f"info symbol {frame.pc()}", to_string=True).split()[0],
                          "variables": variables_of(frame)})
        frame = frame.older()
    return found


def show(to, **also):
    to.write(json.dumps({"frames": frames(), **also}) + "\n")
    to.flush()


def run_program(to):
    output, waits = os.environ["OSR_OUTPUT"], 0
    gdb.execute(f"run {os.environ['OSR_ARGUMENTS']} < {os.environ['OSR_INPUT']} > {output}")
    while gdb.selected_inferior().pid:
        waits += 1
        show(to, printed=os.path.getsize(output))
        if os.environ.get("OSR_CORE") and waits == int(os.environ["OSR_CORE_AT"]):
            gdb.execute(f"generate-core-file {os.environ['OSR_CORE']}")
        gdb.execute("continue")


def main():
    for setting in ("confirm off", "pagination off", "debuginfod enabled off", "breakpoint pending on"):
        gdb.execute("set " + setting)
    with open(os.environ["OSR_SHOWN"], "w") as to:
        if gdb.selected_inferior().pid:
            show(to)
        else:
            gdb.execute("handle SIG62 nostop noprint")
            gdb.execute("break fgetc")
            run_program(to)


main()
