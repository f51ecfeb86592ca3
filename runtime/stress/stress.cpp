#include "runtime/stress/stress.h"

#include "compiler/base/choice.h"
#include "compiler/base/error_code.h"
#include "runtime/threads/context_calls.h"

#include <llvm/ADT/STLExtras.h>

#include <csignal>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t random_caller_period = 3;  ///< random mode: one call in so many flips its caller,
constexpr std::uint64_t random_stack_period = 257; ///< and one in so many flips half of the stack

/// What is followed by a number.
constexpr Choice<StressMode::Kind> numbered_modes[] = {
    {"every", StressMode::Kind::Every}, {"all", StressMode::Kind::All},     {"random", StressMode::Kind::Random},
    {"async", StressMode::Kind::Async}, {"churn", StressMode::Kind::Churn}, {"loops", StressMode::Kind::Loops},
    {"polls", StressMode::Kind::Polls}};

Expected<StressMode> parse_at(StringRef text, StringRef place) {
  StressMode mode;
  mode.kind = StressMode::Kind::At;
  const auto [function, site] = place.rsplit('#');
  mode.function = function.str();
  std::uint32_t index = 0;
  const bool all_sites = !place.contains('#');
  if (function.empty() || (!all_sites && site.getAsInteger(10, index)))
    return make_error("stress mode '{}' must read at:FUNCTION or at:FUNCTION#SITE", text.str());
  if (!all_sites)
    mode.site = index;
  return mode;
}

/// Optimised code may be left for new optimised code, by chance.
bool may_renew(StressMode::Kind kind) {
  switch (kind) {
  case StressMode::Kind::Random:
  case StressMode::Kind::Loops:
  case StressMode::Kind::Polls: return true;
  case StressMode::Kind::None:
  case StressMode::Kind::Every:
  case StressMode::Kind::All:
  case StressMode::Kind::Async:
  case StressMode::Kind::Churn:
  case StressMode::Kind::At: return false;
  }
  return false;
}

StackBounds bounds_around(std::uint64_t sp) {
  stack_t alternate{};
  sigaltstack(nullptr, &alternate);
  return stack_bounds(stack_around(sp), alternate);
}

} // namespace

Expected<StressMode> StressMode::parse(StringRef text) {
  StressMode mode;
  if (text == "none")
    return mode;
  const auto [word, rest] = text.split(':');
  if (word == "at")
    return parse_at(text, rest);
  const Kind *known = find_meaning(word, numbered_modes);
  if (!known)
    return make_error("unknown stress mode '{}'; known are {}", text.str(), forms);
  mode.kind = *known;
  if (text.contains(':') && rest.getAsInteger(10, mode.number))
    return make_error("'{}' is no number in stress mode '{}'", rest.str(), text.str());
  if (mode.number == 0 && mode.kind != Kind::Random)
    return make_error("the period in stress mode '{}' must be at least 1", text.str());
  return mode;
}

bool StressMode::acts_at_calls() const {
  switch (kind) {
  case Kind::None:
  case Kind::Async:
  case Kind::Churn:
  case Kind::Loops:
  case Kind::Polls: return false;
  case Kind::Every:
  case Kind::All:
  case Kind::Random:
  case Kind::At: return true;
  }
  return false;
}

Expected<FunctionId> find_stressed_function(const StressMode &mode, Compiler &compiler) {
  if (mode.kind != StressMode::Kind::At)
    return 0;
  const FunctionInfo *info = compiler.program().find_function(mode.function);
  if (!info && compiler.program().functions.empty()) // it may come
    return no_function;
  if (!info)
    return make_error(ErrorCode::Unknown, "there is no function '{}'", mode.function);
  if (info->pinned != PinReason::None)
    return make_error("'{}' is never replaced because it {}", mode.function, osr::to_string(info->pinned));
  if (!mode.site)
    return info->id;
  if (auto found = find_site(compiler.numbered(info->id), *mode.site); !found)
    return found.takeError();
  return info->id;
}

Stress::Stress(const StressMode &mode, FunctionId at_function, Engine &engine)
    : mode_(mode), at_function_(at_function), program_(engine.program()), maker_(engine.maker()),
      stubs_(engine.stubs()), registry_(engine.registry()), lookup_(engine.lookup()), table_(engine.stub_table()),
      redirector_(engine.redirector()), statistics_(engine.statistics()), random_(mode.number) {}

void Stress::on_call(const EntryFrame &frame) {
  ++calls_;
  switch (mode_.kind) {
  case StressMode::Kind::Async: // not by calls; see async_stress.h and churn.h
  case StressMode::Kind::Churn:
  case StressMode::Kind::Loops:
  case StressMode::Kind::Polls:
  case StressMode::Kind::None: break;
  case StressMode::Kind::Every:
    if (calls_ % mode_.number == 0)
      flip_caller(frame.return_pc_slot);
    break;
  case StressMode::Kind::At: flip_caller(frame.return_pc_slot); break;
  case StressMode::Kind::All:
    if (calls_ % mode_.number == 0)
      flip_stack(frame, Share::All);
    break;
  case StressMode::Kind::Random:
    if (random_() % random_stack_period == 0)
      flip_stack(frame, Share::Half);
    else if (random_() % random_caller_period == 0)
      flip_caller(frame.return_pc_slot);
    break;
  }
}

void Stress::on_poll(std::uint64_t return_pc_slot) {
  if (++polls_ % (mode_.kind == StressMode::Kind::Polls ? mode_.number : 1) == 0)
    statistics_.polls_flipped += flip_caller(return_pc_slot);
}

bool Stress::is_wanted(const SiteRecord &record) {
  if (at_function_ == no_function)
    if (const FunctionInfo *info = program_.find_function(mode_.function))
      at_function_ = info->id;
  return any_of(record.frames, [&](const FrameRecord &frame) {
    return frame.site.function == at_function_ && frame.site.index == mode_.site.value_or(frame.site.index);
  });
}

bool Stress::can_afford(std::uint64_t return_pc, const ReturnSite &site, Landing landing) {
  if (landing == Landing::InPlace || mode_.kind == StressMode::Kind::At ||
      stubs_.is_known(*site.object, return_pc, landing))
    return true;
  return budget_.spend(stubs_.program().functions[site.site.record().frames.back().site.function]);
}

std::uint64_t Stress::other_tier(std::uint64_t return_pc, std::uint64_t cfa) {
  ReturnSite site = registry_.find_return_site(return_pc);
  if (!site) {
    if (const CodeObject *code = registry_.find(return_pc - 1); code && code->function != no_function)
      count({RefusalKind::NoRecord});
    return 0;
  }
  if (mode_.kind == StressMode::Kind::At && !is_wanted(site.site.record()))
    return 0;
  bool renew = may_renew(mode_.kind) && random_() % 2 == 0;
  Landing landing = site.object->tier == Tier::Baseline || renew ? Landing::Continuation : Landing::InPlace;
  if (!can_afford(return_pc, site, landing)) {
    if (site.object->tier == Tier::Baseline) {
      count({RefusalKind::TooLarge});
      return 0;
    }
    landing = Landing::InPlace;
  }
  auto stub = maker_.find_or_make_stub(*site.object, return_pc, landing);
  if (!stub) {
    count(refusal_of(stub.takeError()));
    return 0;
  }
  if (cfa + std::int64_t((*stub)->lowest_offset) < stack_around(cfa).stack_low) {
    count({RefusalKind::NoRoom});
    return 0;
  }
  return (*stub)->entry_pc;
}

bool Stress::redirect(ArrayRef<std::pair<Frame, std::uint64_t>> found) {
  redirector_.reserve(found.size());
  const std::uint64_t before = statistics_.frames_rewritten;
  Error error = redirector_.alone([&]() OSR_REQUIRES(engine_lock) {
    for (const auto &[frame, stub] : found) {
      stubs_.note_cause(stub);
      statistics_.frames_rewritten += redirector_.redirect(frame, stub);
    }
  });
  if (error)
    count(refusal_of(std::move(error)));
  return statistics_.frames_rewritten != before;
}

bool Stress::flip_caller(std::uint64_t return_pc_slot) {
  std::uint64_t return_pc = *reinterpret_cast<std::uint64_t *>(return_pc_slot);
  if (table_.original_pc(return_pc))
    return false; // entered by a tail call: that return is taken care of
  Frame frame;
  frame.pc = return_pc;
  frame.return_pc_slot = return_pc_slot;
  frame.sp = return_pc_slot + word_size;
  ReturnSite site = registry_.find_return_site(return_pc);
  frame.is_site = bool(site);
  if (redirector_.stub_of(frame))
    return false;
  std::uint64_t cfa = frame.sp + (site ? site.object->cfa_from_sp : 0);
  std::uint64_t stub = other_tier(return_pc, cfa);
  return stub && redirect({{frame, stub}});
}

void Stress::flip_stack(const EntryFrame &entry, Share share) {
  WalkStart start;
  std::uint64_t return_pc = *reinterpret_cast<std::uint64_t *>(entry.return_pc_slot);
  start.registers.pc = return_pc;
  start.registers.sp = entry.return_pc_slot + word_size;
  std::copy(std::begin(entry.callee_saved), std::end(entry.callee_saved), start.registers.saved.begin());
  // A library calls it when the thread's function has ended, say: walks have no base there.
  if (ThreadRegistry::current()->base.cfa == 0)
    return;

  // Sites that were patched for earlier frames would catch every later one.
  if (Error error = redirector_.alone([&]() OSR_REQUIRES(engine_lock) {
        redirector_.release([&](std::uint64_t, std::uint64_t stub_pc) {
          return static_cast<const ReturnStub *>(table_.find(stub_pc)->handle)->may_be_released();
        });
      })) {
    count(refusal_of(std::move(error)));
    return;
  }
  // First only look: nothing may be written unless the walk reaches the base.
  std::vector<std::pair<Frame, std::uint64_t>> found;
  std::uint64_t depth = 0;
  FrameCursor cursor(start, lookup_, table_, bounds_around(start.registers.sp));
  for (; !cursor.done(); cursor.advance()) {
    const Frame &frame = cursor.frame();
    ++depth;
    if (!frame.code || frame.kind != PcKind::ReturnPc || redirector_.stub_of(frame) ||
        (share == Share::Half && random_() % 2 == 0))
      continue;
    if (std::uint64_t stub = other_tier(frame.pc, frame.cfa))
      found.emplace_back(frame, stub);
  }
  ++statistics_.walks;
  statistics_.frames_walked += depth;
  statistics_.max_stack_depth = std::max(statistics_.max_stack_depth, depth);
  if (cursor.status() != WalkStatus::ReachedBase) {
    ++statistics_.walks_failed;
    count({RefusalKind::Unwalkable, describe(cursor.status())});
    return;
  }
  redirect(found);
}

} // namespace osr
