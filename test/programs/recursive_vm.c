// Check that a bytecode interpreter whose own frame recurses for every bytecode call survives replaced frames.
//
// A switch-dispatched stack machine with a tiny assembler in front: the interpreter function is live many times on
// the stack, each activation at a different site with its own stack pointer and program counter.

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum op { Push, Arg, Dup, Drop, Plus, Minus, Times, Divide, Lower, Equal, Skip, Back, CallIt, Ret, Emit };

static const struct {
  const char *name;
  enum op op;
  int has_operand;
} mnemonics[] = {
    {"push", Push, 1},   {"arg", Arg, 1},     {"dup", Dup, 0},  {"drop", Drop, 0}, {"+", Plus, 0},
    {"-", Minus, 0},     {"*", Times, 0},     {"/", Divide, 0}, {"<", Lower, 0},   {"=", Equal, 0},
    {"skip0", Skip, 1},  {"back", Back, 1},   {"call", CallIt, 1}, {"ret", Ret, 0}, {"emit", Emit, 0},
};

enum { function_count = 4, code_size = 64 };

struct function {
  int32_t code[code_size];
  int length;
  int parameters;
};

struct vm {
  struct function functions[function_count];
  int64_t stack[1024];
  uint32_t output;
  unsigned calls;
  int deepest;
};

// ---- assembler: words separated by blanks ----

static int next_word(const char **text, char *word, size_t size) {
  size_t length = 0;
  while (isspace((unsigned char)**text))
    ++*text;
  while (**text && !isspace((unsigned char)**text)) {
    if (length + 1 < size)
      word[length++] = **text;
    ++*text;
  }
  word[length] = '\0';
  return length > 0;
}

static void emit_word(struct function *f, int32_t value) {
  if (f->length == code_size)
    abort();
  f->code[f->length++] = value;
}

static void assemble(struct function *f, int parameters, const char *text) {
  char word[16];
  f->length = 0;
  f->parameters = parameters;
  while (next_word(&text, word, sizeof word)) {
    size_t i = 0;
    while (strcmp(mnemonics[i].name, word) != 0)
      if (++i == sizeof mnemonics / sizeof mnemonics[0])
        abort();
    emit_word(f, (int32_t)mnemonics[i].op);
    if (mnemonics[i].has_operand) {
      next_word(&text, word, sizeof word);
      emit_word(f, atoi(word));
    }
  }
}

// ---- interpreter ----

static int64_t divide(int64_t a, int64_t b) { return b == 0 ? -1 : a / b; }

// Runs one function; its arguments are at sp[-parameters..-1], its result replaces them.
static int64_t *interpret(struct vm *vm, const struct function *f, int64_t *sp, int depth) {
  int64_t *frame = sp - f->parameters;
  const int32_t *pc = f->code;
  vm->calls++;
  if (depth > vm->deepest)
    vm->deepest = depth;
  for (;;) {
    switch ((enum op)*pc++) {
    case Push: *sp++ = *pc++; break;
    case Arg: *sp++ = frame[*pc++]; break;
    case Dup: sp[0] = sp[-1], sp++; break;
    case Drop: sp--; break;
    case Plus: sp--, sp[-1] += sp[0]; break;
    case Minus: sp--, sp[-1] -= sp[0]; break;
    case Times: sp--, sp[-1] = sp[-1] * sp[0] % 1000000007; break;
    case Divide: sp--, sp[-1] = divide(sp[-1], sp[0]); break;
    case Lower: sp--, sp[-1] = sp[-1] < sp[0]; break;
    case Equal: sp--, sp[-1] = sp[-1] == sp[0]; break;
    case Skip: pc += *--sp ? 1 : 1 + *pc; break; // if zero, skip that many words
    case Back: pc -= *pc; break;
    case CallIt: {
      const struct function *callee = &vm->functions[*pc++];
      sp = interpret(vm, callee, sp, depth + 1);
      break;
    }
    case Emit: vm->output = vm->output * 31 + (uint32_t)*--sp; break;
    case Ret: frame[0] = sp[-1]; return frame + 1;
    }
  }
}

static int64_t call_function(struct vm *vm, int index, int64_t a, int64_t b) {
  int64_t *sp = vm->stack;
  *sp++ = a;
  if (vm->functions[index].parameters > 1)
    *sp++ = b;
  sp = interpret(vm, &vm->functions[index], sp, 1);
  if (sp != vm->stack + 1)
    abort();
  return sp[-1];
}

// fib(n), binomial(n, k), tak-like sum(n) by recursion to depth n, and Ackermann with emits.
static const char fib_text[] = "arg 0 push 2 < skip0 3 arg 0 ret "
                               "arg 0 push 1 - call 0 arg 0 push 2 - call 0 + ret";
static const char binomial_text[] = "arg 1 push 0 = skip0 3 push 1 ret "
                                    "arg 0 arg 1 = skip0 3 push 1 ret "
                                    "arg 0 push 1 - arg 1 push 1 - call 1 "
                                    "arg 0 push 1 - arg 1 call 1 + ret";
static const char sum_text[] = "arg 0 push 0 = skip0 3 push 0 ret "
                               "arg 0 push 1 - call 2 arg 0 dup * + dup emit ret";
static const char ackermann_text[] = "arg 0 push 0 = skip0 6 arg 1 push 1 + ret "
                                     "arg 1 push 0 = skip0 10 arg 0 push 1 - push 1 call 3 ret "
                                     "arg 0 push 1 - arg 0 arg 1 push 1 - call 3 call 3 ret";

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 1 + scale * scale;
  static struct vm vm;
  uint64_t checksum = 0;

  assemble(&vm.functions[0], 1, fib_text);
  assemble(&vm.functions[1], 2, binomial_text);
  assemble(&vm.functions[2], 1, sum_text);
  assemble(&vm.functions[3], 2, ackermann_text);
  for (int round = 0; round < rounds; round++) {
    int64_t fib = call_function(&vm, 0, 14 + round % 3, 0);
    int64_t binomial = call_function(&vm, 1, 11, 3 + round % 5);
    int64_t sum = call_function(&vm, 2, 100 + round % 50, 0);
    int64_t ackermann = call_function(&vm, 3, 2, 10 + round % 10);
    if (round < 3)
      printf("fib %lld, binomial %lld, sum %lld, ackermann %lld\n", (long long)fib, (long long)binomial, (long long)sum,
             (long long)ackermann);
    checksum = checksum * 31 + (uint64_t)(fib + binomial + sum + ackermann);
  }
  printf("%d rounds, %u calls, depth %d, output %08x, checksum %016llx\n", rounds, vm.calls, vm.deepest, vm.output,
         (unsigned long long)checksum);
  return 0;
}
