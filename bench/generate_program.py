#!/usr/bin/env python3
"""Writes a program of N functions as LLVM IR: the input of growth.py.

Each function has a loop, a local object, a variable and a text of its own, and calls two others, so that whatever the
project keeps for a function, a variable, a site or a call grows with N. Functions are alike and call only their successors
a few numbers away: what one of them costs may not depend on N. `main` calls each of them when it has an argument.
"""
import argparse
import sys

FUNCTION = """
@variable{i} = internal global i64 {i}
@text{i} = private constant [9 x i8] c"{i:08d}\\00"
define i64 @function{i}(i64 %n, i64 %depth) {{
entry:
  %object = alloca [4 x i64]
  %length = call i64 @strlen(ptr @text{i})
  call void @touch(ptr %object, i64 %length)
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i64 [ %n, %entry ], [ %more, %loop ]
  %index = and i64 %k, 3
  %slot = getelementptr [4 x i64], ptr %object, i64 0, i64 %index
  %value = load i64, ptr %slot, !tbaa !0
  %old = load i64, ptr @variable{i}, !tbaa !3
  %mixed = xor i64 %value, %old
  %more = add i64 %sum, %mixed
  store i64 %more, ptr @variable{i}, !tbaa !3
  %next = add i64 %k, 1
  %again = icmp ult i64 %next, %n
  br i1 %again, label %loop, label %calls
calls:
  %deep = icmp ugt i64 %depth, 2
  br i1 %deep, label %done, label %deeper
deeper:
  %d = add i64 %depth, 1
  %a = call i64 @function{a}(i64 %n, i64 %d)
  %b = call i64 @function{b}(i64 %n, i64 %d)
  %both = add i64 %a, %b
  br label %done
done:
  %result = phi i64 [ %more, %calls ], [ %both, %deeper ]
  ret i64 %result
}}
"""

TOUCH = """
declare i64 @strlen(ptr)
declare i32 @printf(ptr, ...)
@format = private constant [6 x i8] c"%llu\\0A\\00"
define void @touch(ptr %object, i64 %value) noinline {
  store volatile i64 %value, ptr %object
  %second = getelementptr i64, ptr %object, i64 1
  store volatile i64 3, ptr %second
  %third = getelementptr i64, ptr %object, i64 2
  store volatile i64 5, ptr %third
  %fourth = getelementptr i64, ptr %object, i64 3
  store volatile i64 7, ptr %fourth
  ret void
}
!0 = !{!1, !1, i64 0}
!1 = !{!"long", !2}
!2 = !{!"root"}
!3 = !{!4, !1, i64 0}
!4 = !{!"record", !1, i64 0, !1, i64 8}
"""


def main_function(count):
    """One call site for all: main itself must not grow, for it is a function as well."""
    table = ", ".join(f"ptr @function{i}" for i in range(count))
    return f"""
@table = internal constant [{count} x ptr] [{table}]
define i32 @main(i32 %argc, ptr %argv) {{
entry:
  %all = icmp sgt i32 %argc, 1
  br i1 %all, label %loop, label %done
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %sum = phi i64 [ 0, %entry ], [ %more, %loop ]
  %entry.of = getelementptr [{count} x ptr], ptr @table, i64 0, i64 %i
  %callee = load ptr, ptr %entry.of
  %result = call i64 %callee(i64 3, i64 0)
  %more = xor i64 %sum, %result
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, {count}
  br i1 %again, label %loop, label %done
done:
  %total = phi i64 [ 0, %entry ], [ %more, %loop ]
  call i32 (ptr, ...) @printf(ptr @format, i64 %total)
  ret i32 0
}}
"""


def program(count):
    functions = (FUNCTION.format(i=i, a=(i + 1) % count, b=(i + 2) % count) for i in range(count))
    return TOUCH + "".join(functions) + main_function(count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, help="functions")
    sys.stdout.write(program(parser.parse_args().count))
