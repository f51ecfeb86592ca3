// A program whose functions get new bodies.
#pragma once

#include "live_program.h"

#include <functional>
#include <string>

namespace osr {

/// caller(n) = leaf(n) + host(n) + leaf(n + 1), so that optimised code of it has leaf inlined on both sides of a call.
/// walk(n) = n + walk(n-1) with host at the end.
inline constexpr const char *redefined_text = R"(
@total = global i64 100
define i64 @leaf(i64 %n) {
  %r = mul i64 %n, 10
  ret i64 %r
}
define i64 @caller(i64 %n) noinline {
  %a = call i64 @leaf(i64 %n)
  %h = call i64 @host(i64 %n)
  %m = add i64 %n, 1
  %b = call i64 @leaf(i64 %m)
  %s = add i64 %a, %h
  %t = add i64 %s, %b
  ret i64 %t
}
define i64 @walk(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @walk(i64 %next)
  %result = add i64 %below, %n
  ret i64 %result
end:
  %h = call i64 @host(i64 5)
  ret i64 %h
}
define i64 @promising(i64 %n) memory(none) {
  ret i64 %n
}
%pair = type { i64, i32 }
%triple = type { i64, i64, i64 }
define void @make_triple(ptr dead_on_unwind noalias writable sret(%triple) captures(none) %to, i64 %n) noinline {
  store i64 %n, ptr %to
  ret void
}
define i64 @take_triple(i64 %n) {
  %t = alloca %triple
  call void @make_triple(ptr sret(%triple) %t, i64 %n)
  %r = load i64, ptr %t
  ret i64 %r
}
define i64 @first_of(ptr byval(%pair) %p) {
  %r = load i64, ptr %p
  ret i64 %r
}
)";

inline std::string leaf_times(int factor) {
  return "define i64 @leaf(i64 %n) {\n  %r = mul i64 %n, " + std::to_string(factor) + "\n  ret i64 %r\n}\n";
}

/// walk(n) = factor * walk(n-1) + n; its recursion is its site #0, the call of host its site #1.
inline std::string walk_scaled(int factor) {
  return R"(
declare i64 @host(i64)
define i64 @walk(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @walk(i64 %next)
  %scaled = mul i64 %below, )" +
         std::to_string(factor) + R"(
  %result = add i64 %scaled, %n
  ret i64 %result
end:
  %h = call i64 @host(i64 5)
  ret i64 %h
}
)";
}

inline LiveProgram &program() {
  static auto *live = new LiveProgram(redefined_text); // its thread never ends
  return *live;
}

inline llvm::Expected<RedefineOutcome> try_redefine(const std::string &name, const std::string &ir,
                                                    const RedefineOptions &options = {}) {
  return program().runtime().redefine(name, llvm::MemoryBufferRef(ir, name), options);
}

inline RedefineOutcome redefine(const std::string &name, const std::string &ir, const RedefineOptions &options = {}) {
  return llvm::cantFail(try_redefine(name, ir, options));
}

inline std::string refusal(const std::string &name, const std::string &ir, const RedefineOptions &options = {}) {
  auto outcome = try_redefine(name, ir, options);
  return outcome ? "" : llvm::toString(outcome.takeError());
}

/// Does `act` once in the next call of host.
inline void at_host(std::function<void()> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    program().on_host = nullptr;
    act();
    return argument;
  };
}

/// Old and new walk have the same sites and values.
inline SiteMap same_sites(const std::string &name) {
  SiteMap map;
  for (const Site &site : program().runtime().engine().program().find_function(name)->sites()) {
    SiteMapping mapping{site.id.index, site.id.index, {}};
    for (std::uint32_t i = 0; i < site.state.size(); ++i)
      mapping.values.push_back({i, 0});
    map.push_back(mapping);
  }
  return map;
}

} // namespace osr
