// What the stack tests share: compiled functions, a registry of their code, and oracles for walks.
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/machine/context.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/stack/registry_lookup.h"
#include "runtime/stack/return_pc.h"
#include "runtime/stack/step.h"
#include "runtime/stack/stub_table.h"
#include "test/unit/mini_jit.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace osr::test {

/// The compiled functions:
///   i64 chain(i64 n, i64 x)           calls itself n times, then probe(); no frame pointer
///   i64 sort(ptr data, i64 count)     qsort with `compare`, which calls probe(); with a frame pointer
///   i64 fault(ptr p, i64 x)           probe(), then loads from p; no frame pointer
/// One code object holds them all.
struct StackWorld {
  MiniJit jit;
  CodeObject object;
  std::optional<CodeRegistry> registry;
  std::optional<RegistryLookup> code;
  StubTable stubs;
  StackBounds bounds;

  StackWorld();
  /// Other functions in the place of these; they may call probe() and `host_function` under the name host().
  StackWorld(const std::string &ir, const std::string &entry, void *host_function = nullptr);
  std::int64_t chain(std::int64_t n, std::int64_t x);
  std::int64_t sort(std::int64_t *data, std::size_t count);
  std::int64_t fault(std::int64_t *p, std::int64_t x);
};

StackWorld &world();

/// What chain(n, x) returns.
std::int64_t expected_chain(std::int64_t n, std::int64_t x);

/// Runs `action` with the base of walks right below it, and `at_probe` whenever compiled code calls probe().
void with_base(const std::function<void()> &at_probe, const std::function<void()> &action, StackWorld &w = world());

/// An activation and the registers as it sees them.
struct Activation : Frame {
  RegisterSet registers;
};

struct Walk {
  std::vector<Activation> frames;
  WalkStatus status = WalkStatus::Walking;
  std::uintptr_t last_pc = 0;
  std::string text() const; ///< for messages
};

Walk walk(const WalkStart &start);
WalkStart exact(const ucontext_t &context);

/// A walk from where this is written. A macro, because a function would be the newest frame and be gone afterwards.
#define OSR_WALK_FROM_HERE(name)                                                                                       \
  ucontext_t context_of_##name;                                                                                        \
  getcontext(&context_of_##name);                                                                                      \
  const ::osr::test::Walk name = ::osr::test::walk(::osr::test::exact(context_of_##name))

/// Names of the frames of our code, newest first.
std::vector<std::string> our_functions(const Walk &walk);

/// Compares with the C++ runtime's view of the calling thread's stack: every frame but the newest is there, in order,
/// with the same pc, sp and callee-saved registers. The result is empty or says what differs.
std::string difference_to_libgcc(const Walk &walk);

/// Do consecutive frames fit together? Empty, or what is wrong.
std::string broken_links(const Walk &walk);

/// Does the action end in OSR_CHECK (in a child process)?
bool aborts(const std::function<void()> &action);

} // namespace osr::test
