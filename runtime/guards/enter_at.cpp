#include "runtime/guards/enter_at.h"

#include "compiler/base/error.h"
#include "compiler/canonical/objects.h"
#include "compiler/tiers/continuation.h"
#include "osr-stubs/result_area.h"
#include "runtime/events/cause.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Alignment.h>

#include <cstring>

using namespace llvm;

namespace osr {
namespace {

/// What an activation at the site would have left in the state buffer.
void fill_buffer(char *buffer, const Site &site, ArrayRef<EnteredValue> state, std::uint64_t result) {
  const StateBufferLayout layout = state_buffer_layout(site);
  for (auto [value, offset] : zip(state, layout.offsets))
    std::memcpy(buffer + offset, value.data(), value.size());
  put_result(buffer + layout.result_area_offset, site.result, result);
}

/// The frame state at a site, made of the values of its point.
struct StateOfPoint {
  std::uint32_t site = 0;
  std::vector<EnteredValue> state;
};

/// Each value of the frame state has to be one of the point's: others nobody knows.
Expected<StateOfPoint> state_of_point(Engine &engine, StringRef function, std::uint64_t id,
                                      ArrayRef<EnteredValue> values) {
  Lock lock(engine.mutex());
  auto body = engine.find_body(function);
  if (!body)
    return body.takeError();
  const FunctionInfo &info = engine.compiler().numbered(*body);
  const auto found = find_if(info.sites(), [&](const Site &site) { return site.point && site.point->id == id; });
  if (found == info.sites().end())
    return make_error("'{}' cannot be entered at point {}: no call in it has that point", function.str(), id);
  auto refuse = [&](const std::string &why) {
    return make_error("'{}' cannot be entered at point {}: {}", function.str(), id, why);
  };
  const std::vector<PointValue> &point = found->point->values;
  if (values.size() != point.size())
    return refuse(fmt::format("{} values are given, the bundle has {}", values.size(), point.size()));
  StateOfPoint result;
  result.site = found->id.index;
  for (std::size_t i = 0; i < found->state.size(); ++i) {
    const auto named = find_if(point, [&](const PointValue &value) {
      return value.kind == PointValue::Kind::State && value.index == i && value.addend == 0;
    });
    if (named == point.end())
      return refuse(fmt::format("'%{}' is wanted behind it, and the bundle does not name it", found->state[i].name));
    result.state.push_back(values[named - point.begin()]);
  }
  return result;
}

/// Whether an activation that somebody else has begun can go on behind this site.
Expected<const Site *> enterable_site(Engine &engine, FunctionId body, std::uint32_t index,
                                      ArrayRef<EnteredValue> state) OSR_REQUIRES(engine_lock) {
  const FunctionInfo &info = engine.compiler().numbered(body);
  auto site = find_site(info, index);
  if (!site)
    return site.takeError();
  auto refuse = [&](const std::string &why) {
    return make_error("'{}' cannot be entered at site {}: {}", info.name, index, why);
  };
  if (!engine.watches_threads() || !ThreadRegistry::current())
    return refuse("this is no thread of a running program");
  if (engine.compiler().has_objects(body))
    return refuse("it has local objects in memory, and only its own beginning makes them");
  if (!engine.compiler().returns_in_word(body))
    return refuse("its result does not fit into a general register; return it through memory");
  if ((*site)->result_used && !takes_word((*site)->result))
    return refuse("the result of the call there is an 80-bit number or a wide vector");
  if (state.size() != (*site)->state.size())
    return refuse(fmt::format("{} values are given, its frame state has {}", state.size(), (*site)->state.size()));
  for (auto [value, described] : zip(state, (*site)->state))
    if (value.size() != described.size)
      return refuse(fmt::format("{} bytes are given for '{}', which has the type {} and {} bytes", value.size(),
                                described.name, described.type, described.size));
  return *site;
}

} // namespace

/// The continuation, which nobody frees before it has been left again.
Expected<std::uint64_t> enter_at(Engine &engine, StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                                 std::uint64_t result) {
  std::optional<InsideProgram> inside; // before values are read that a collector may change
  if (ProgramThread *self = ThreadRegistry::current()) {
    forget_if_left(*self, __builtin_frame_address(0));
    inside.emplace(*self);
  }
  const Version *version = nullptr;
  char *const top = osr_object_stack_top;
  char *buffer = nullptr;
  {
    Undisturbed undisturbed;
    Because because(Cause::Interpreter);
    Lock lock(engine.mutex());
    auto body = engine.find_body(function);
    if (!body)
      return body.takeError();
    auto described = enterable_site(engine, *body, site, state);
    if (!described)
      return described.takeError();
    auto compiled = engine.maker().find_or_compile({*body, Tier::Optimized, site});
    if (!compiled)
      return compiled.takeError();
    version = *compiled;
    ++version->entering;
    buffer = reinterpret_cast<char *>(alignDown(std::uint64_t(top), object_frame_align)) -
             state_buffer_layout(**described).size;
    osr_object_stack_top = buffer; // first: a signal handler may use what lies below
    fill_buffer(buffer, **described, state, result);
  }
  const std::uint64_t returned =
      osr::enter(*ThreadRegistry::current(), version->object.entry_pc, reinterpret_cast<std::uint64_t>(buffer));
  osr_object_stack_top = top;
  --version->entering;
  return returned;
}

Expected<std::uint64_t> enter_at_point(Engine &engine, StringRef function, std::uint64_t point,
                                       ArrayRef<EnteredValue> values, std::uint64_t result) {
  auto state = state_of_point(engine, function, point, values);
  return state ? enter_at(engine, function, state->site, state->state, result) : state.takeError();
}

} // namespace osr
