#!/usr/bin/env python3
"""Check that a host in Python loads the library, and that this shows its interfaces and nothing else.

usage: loads_in_python.py LIBRARY
"""
import ctypes
import subprocess
import sys

SUM = b"""
declare i64 @at_the_end(i64)
define i64 @sum(i64 %n) {
  %last = icmp eq i64 %n, 0
  br i1 %last, label %end, label %more
end:
  %h = call i64 @at_the_end(i64 0)
  ret i64 %h
more:
  %less = sub i64 %n, 1
  %rest = call i64 @sum(i64 %less)
  %all = add i64 %rest, %n
  ret i64 %all
}
"""
TWICE = b"define i64 @sum(i64 %n) { %x = mul i64 %n, 2\n ret i64 %x }"
BASELINE, OPTIMIZED = 0, 1


def shown(library):
    listed = subprocess.run(["nm", "-D", "-C", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return [line.split(maxsplit=2)[2] for line in listed.splitlines()]


def main():
    path = sys.argv[1]
    others = [name for name in shown(path) if not name.startswith(("osr_", "osr::", "vtable for osr::", "typeinfo for osr::"))]
    assert not others, others

    osr = ctypes.CDLL(path)
    osr.osr_call.restype = ctypes.c_uint64
    osr.osr_call.argtypes = [ctypes.c_uint64] * 4
    osr.osr_define.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64]
    osr.osr_free_message.argtypes = [ctypes.c_void_p]
    for name in ("osr_create", "osr_close", "osr_define", "osr_add_ir", "osr_attach_thread", "osr_lookup", "osr_replace", "osr_redefine"):
        getattr(osr, name).restype = ctypes.c_void_p

    def check(message):
        if message:
            text = ctypes.string_at(message).decode()
            osr.osr_free_message(message)
            raise RuntimeError(text)

    runtime = ctypes.c_void_p()
    check(osr.osr_create(BASELINE, ctypes.byref(runtime)))
    rewritten = ctypes.c_uint64()

    @ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)
    def at_the_end(x):
        check(osr.osr_replace(runtime, b"sum", OPTIMIZED, ctypes.byref(rewritten)))
        return x

    check(osr.osr_define(runtime, b"at_the_end", ctypes.cast(at_the_end, ctypes.c_void_p).value))
    check(osr.osr_add_ir(runtime, SUM, ctypes.c_size_t(len(SUM)), b"sum", None))
    check(osr.osr_attach_thread())
    address = ctypes.c_uint64()
    check(osr.osr_lookup(runtime, b"sum", ctypes.byref(address)))
    assert osr.osr_call(address, 100, 0, 0) == 5050
    assert rewritten.value == 101, rewritten
    check(osr.osr_redefine(runtime, b"sum", TWICE, ctypes.c_size_t(len(TWICE))))
    assert osr.osr_call(address, 100, 0, 0) == 200
    try:
        check(osr.osr_lookup(runtime, b"nothing", ctypes.byref(address)))
        raise AssertionError("found")
    except RuntimeError as error:
        assert "nothing" in str(error), error
    osr.osr_detach_thread()
    check(osr.osr_close(runtime))


if __name__ == "__main__":
    main()
