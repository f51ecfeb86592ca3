// Programs with loops, in which polls have been inserted.
#pragma once

#include "compiler/sites/loop_polls.h"
#include "sites_fixture.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>

namespace osr {

inline constexpr const char *polled_declarations = R"(
  declare i64 @ext(i64)
  declare ptr @memcpy(ptr, ptr, i64)
  define i64 @small(i64 %x) {
    %r = mul i64 %x, 3
    ret i64 %r
  }
  define i64 @calls(i64 %x) {
    %r = call i64 @ext(i64 %x)
    ret i64 %r
  }
  define i64 @apart(i64 %x) noinline {
    %r = mul i64 %x, 5
    ret i64 %r
  }
  define i64 @loops(ptr %p) {
    br label %loop
  loop:
    %v = load volatile i64, ptr %p
    %go = icmp ne i64 %v, 0
    br i1 %go, label %loop, label %done
  done:
    ret i64 %v
  }
)";

struct Polled {
  explicit Polled(const std::string &text) : program(fixture.canonical(polled_declarations + text)) {
    insert_loop_polls(program);
    require_valid(*program.module);
  }
  llvm::Function &function(llvm::StringRef name = "f") { return *program.module->getFunction(name); }
  std::size_t polls(llvm::StringRef name = "f") { return calls_of(function(name), loop_poll_callee).size(); }

  CanonicalFixture fixture;
  CanonicalProgram program;
};

inline std::size_t polls(const std::string &text) { return Polled(text).polls(); }

/// A loop with `body`, which may use %i and %p, that ends when @ext's word says so: nobody knows when.
inline std::string uncounted(const std::string &body) {
  return "define void @f(ptr %p, ptr %q, i64 %n) {\n  br label %loop\nloop:\n"
         "  %i = phi i64 [ 0, %0 ], [ %next, %latch ]\n" +
         body +
         "  br label %latch\nlatch:\n  %next = add i64 %i, 1\n  %v = load volatile i64, ptr %p\n"
         "  %go = icmp ne i64 %v, 0\n  br i1 %go, label %loop, label %done\ndone:\n  ret void\n}\n";
}

/// `count` is the number of iterations, and `body` may use %i.
inline std::string counted(const std::string &count, const std::string &body) {
  return "define void @f(ptr %p, ptr %q, i64 %n) {\n  br label %loop\nloop:\n"
         "  %i = phi i64 [ 0, %0 ], [ %next, %loop ]\n" +
         body + "  %next = add nuw nsw i64 %i, 1\n  %go = icmp ult i64 %next, " + count +
         "\n  br i1 %go, label %loop, label %done\ndone:\n  ret void\n}\n";
}

/// Loops of `outer` and `inner` iterations; "" stands for a number that nobody knows.
inline std::string nest(const std::string &outer, const std::string &inner) {
  auto test = [](const std::string &count, const std::string &name) {
    return count.empty()
               ? "  %v" + name + " = load volatile i64, ptr %p\n  %go" + name + " = icmp ne i64 %v" + name + ", 0\n"
               : "  %go" + name + " = icmp ult i64 %" + name + "next, " + count + "\n";
  };
  return "define void @f(ptr %p, i64 %n) {\n  br label %outer\nouter:\n"
         "  %i = phi i64 [ 0, %0 ], [ %inext, %latch ]\n  br label %inner\ninner:\n"
         "  %j = phi i64 [ 0, %outer ], [ %jnext, %inner ]\n  store volatile i64 %j, ptr %p\n"
         "  %jnext = add nuw nsw i64 %j, 1\n" +
         test(inner, "j") + "  br i1 %goj, label %inner, label %latch\nlatch:\n  %inext = add nuw nsw i64 %i, 1\n" +
         test(outer, "i") + "  br i1 %goi, label %outer, label %done\ndone:\n  ret void\n}\n";
}

/// Without the blocks that test the word, the graph has no cycle.
inline bool all_cycles_poll(llvm::Function &function) {
  llvm::SmallPtrSet<const llvm::BasicBlock *, 8> removed;
  for (llvm::CallBase *poll : calls_of(function, loop_poll_callee))
    removed.insert(poll->getParent()->getSinglePredecessor());
  for (bool changed = true; changed;) {
    changed = false;
    for (const llvm::BasicBlock &block : function)
      if (!removed.contains(&block) &&
          llvm::all_of(llvm::successors(&block), [&](const llvm::BasicBlock *next) { return removed.contains(next); }))
        changed |= removed.insert(&block).second;
  }
  return removed.size() == function.size();
}

} // namespace osr
