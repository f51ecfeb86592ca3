"""Random C programs in which calls that do little stand between stores: const and pure functions, writers through
arguments, arguments that nothing else points to, memory of their own. Loops go around them, and each function calls
itself, so that frames wait in the middle. All of it is defined: unsigned numbers, masked indices, valid pointers.
"""
import random


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines, self.indent = [], 0
        self.names = 0

    def line(self, text):
        self.lines.append("  " * self.indent + text)

    def fresh(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def pick(self, *choices):
        return self.random.choice(choices)

    # Expressions of type unsigned long, over names that can be read.
    def expression(self, readable, depth=2):
        if depth == 0 or self.random.random() < 0.25:
            return self.pick(str(self.random.randrange(1, 99)) + "UL", self.random.choice(readable))
        a, b = self.expression(readable, depth - 1), self.expression(readable, depth - 1)
        return self.pick(f"({a} + {b})", f"({a} ^ {b})", f"({a} * {b})", f"({a} - {b})", f"({a} >> ({b} & 15))",
                         f"({a} < {b} ? {a} : {b})")

    def call(self, readable):
        """Of a function that writes no memory."""
        kind, name = self.random.choice(self.quiet)
        arguments = [self.expression(readable, 1), f"({self.expression(readable, 0)}) % 4"]
        if kind == "reads":
            arguments.insert(0, self.pick("table", "other"))
        return f"{name}({', '.join(arguments)})"

    def functions(self):
        self.quiet, self.writers = [], []
        for _ in range(self.random.randrange(2, 5)):
            kind = self.pick("const", "const", "pure", "reads")
            name, inline = self.fresh(kind), self.pick("NOINLINE ", "NOINLINE ", "")
            marked = {"const": "__attribute__((const)) ", "pure": "__attribute__((pure)) ", "reads": ""}[kind] if self.random.random() < 0.6 else ""
            first = "const unsigned long *from, " if kind == "reads" else ""
            readable = ["x"] + {"const": [], "pure": ["g0", "g1", "table[x & 15]"], "reads": ["from[x & 15]", "*from"]}[kind]
            # Twice: what calls itself once becomes a loop, and then a part of its caller, which polls.
            again = " ^ ".join(f"{name}({'from, ' if first else ''}{self.expression(readable, 1)}, n {less})" for less in ["- 1", "/ 2"])
            self.line(f"{inline}{marked}static unsigned long {name}({first}unsigned long x, unsigned long n) "
                      f"{{ return n ? {again} : {self.expression(readable)}; }}")
            self.quiet.append((kind, name))
        for _ in range(self.random.randrange(1, 3)):
            name = self.fresh("writes")
            self.line(f"{self.pick('NOINLINE ', '')}static void {name}(unsigned long *to, unsigned long x, unsigned long n) "
                      f"{{ if (n) {name}(to, x + n, n - 1), {name}(to, x, n / 2); {self.pick('*to += x', '*to ^= x', 'to[x & 3] = x + *to')}; }}")
            self.writers.append(name)

    def statement(self, readable, writable, places, depth):
        choice = self.random.random()
        if choice < 0.35:
            self.line(f"{self.random.choice(writable)} {self.pick('=', '+=', '+=', '^=')} {self.expression(readable)};")
        elif choice < 0.6:
            self.line(f"{self.random.choice(writable)} {self.pick('+=', '^=', '=')} {self.call(readable)};")
        elif choice < 0.68:
            self.line(f"total += {self.call(readable)};")
        elif choice < 0.76 and places:
            self.line(f"{self.random.choice(self.writers)}({self.random.choice(places)}, {self.expression(readable, 1)}, "
                      f"({self.expression(readable, 0)}) % 3);")
        elif choice < 0.88 and depth:
            self.line(f"if ({self.expression(readable)} & {self.pick(1, 2, 4)}) {{")
            self.block(readable, writable, places, depth - 1)
            if self.random.random() < 0.5:
                self.line("} else {")
                self.block(readable, writable, places, depth - 1)
            self.line("}")
        elif depth:
            name = self.fresh("i")
            self.line(f"for (unsigned long {name} = 0; {name} < {self.random.randrange(2, 9)}; {name}++) {{")
            self.block(readable + [name], writable, places, depth - 1)
            if self.random.random() < 0.2:
                self.indent += 1
                self.line(f"if ({self.expression(readable + [name], 1)} % 5 == 0) {self.pick('break', 'continue')};")
                self.indent -= 1
            self.line("}")

    def block(self, readable, writable, places, depth):
        self.indent += 1
        for _ in range(self.random.randrange(1, 5)):
            self.statement(readable, writable, places, depth)
        self.indent -= 1

    def driver(self):
        """A function with loops: over globals, over restrict arguments, or over memory of its own."""
        kind = self.pick("globals", "restrict", "own")
        name = self.fresh(kind)
        takes = "unsigned long *restrict p, unsigned long *restrict q, " if kind == "restrict" else ""
        self.line(f"{self.pick('NOINLINE ', '')}static unsigned long {name}({takes}unsigned long x) {{")
        self.indent += 1
        self.line("unsigned long total = x, kept = x * 7;")
        readable, writable, places = ["x", "total", "kept"], ["total", "kept"], []
        if kind == "globals":
            memory, places = ["g0", "g1", "table[x & 15]", "table[total & 15]", "other[3]", "box.count"], ["table", "other", "other + 8", "box.cells"]
            writable += [*memory, "small"]
        elif kind == "restrict":
            memory, places = ["*p", "p[1]", "q[x & 7]", "q[total & 7]"], ["p", "q + 2"]
            writable += memory
        else:
            self.line(self.pick("unsigned long *m = calloc(8, sizeof *m);", "unsigned long m[8] = {x, 1, 2};"))
            memory, places = ["m[0]", "m[x & 7]", "m[total & 7]"], ["m", "m + 4"]
            writable += memory * 2
        readable += memory
        self.line(f"for (unsigned long i = 0; i < {self.random.randrange(3, 12)}; i++) {{")
        self.block(readable + ["i"], writable, places, 2)
        self.block(readable + ["i"], writable, places, 1)
        self.line("}")
        self.line(f"return total + kept + {' + '.join(memory)};")
        self.indent -= 1
        self.line("}")
        return kind, name

    def program(self):
        for text in ["#include <stdio.h>", "#include <stdlib.h>", "#define NOINLINE __attribute__((noinline))",
                     "static unsigned long g0 = 3, g1, table[16] = {1, 2, 3}, other[16], left[16], right[16];",
                     "static unsigned char small;", "static struct { unsigned long count, cells[4]; } box;"]:
            self.line(text)
        self.functions()
        drivers = [self.driver() for _ in range(self.random.randrange(2, 5))]
        self.line("int main(void) {")
        self.line("  unsigned long sum = 0;")
        self.line(f"  for (unsigned long round = 0; round < {self.random.randrange(3, 9)}; round++) {{")
        for kind, name in drivers:
            self.line(f"    sum = sum * 31 + {name}({'left, right, ' if kind == 'restrict' else ''}round);")
        self.line('    printf("%lu %lu %lu %u %lu\\n", sum, g0, g1, small, box.count);')
        self.line("  }")
        self.line("  for (int i = 0; i < 16; i++)")
        self.line('    printf("%lu %lu %lu %lu %lu\\n", table[i], other[i], left[i], right[i], box.cells[i & 3]);')
        self.line("  return (int)(sum & 63);")
        self.line("}")
        return "\n".join(self.lines) + "\n"


def program(seed):
    return Writer(seed).program()


if __name__ == "__main__":
    import sys
    print(program(int(sys.argv[1])), end="")
