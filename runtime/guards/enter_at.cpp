#include "runtime/guards/enter_at.h"

#include "compiler/base/error_code.h"
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

/// Each value of the frame state has to be one of the point's: others nobody knows. Only local objects are made anew.
Expected<StateOfPoint> state_of_point(Engine &engine, StringRef function, std::uint64_t id,
                                      ArrayRef<EnteredValue> values) {
  Lock lock(engine.mutex());
  auto body = engine.find_body(function);
  if (!body)
    return body.takeError();
  const FunctionInfo &info = engine.compiler().numbered(*body);
  const auto found = find_if(info.sites(), [&](const Site &site) { return site.point && site.point->id == id; });
  if (found == info.sites().end())
    return make_error(ErrorCode::Unknown, "'{}' cannot be entered at point {}: no call in it has that point",
                      function.str(), id);
  auto refuse = [&](ErrorCode code, const std::string &why) {
    return make_error(code, "'{}' cannot be entered at point {}: {}", function.str(), id, why);
  };
  const std::vector<PointValue> &point = found->point->values;
  if (values.size() != point.size())
    return refuse(ErrorCode::Invalid,
                  fmt::format("{} values are given, the bundle has {}", values.size(), point.size()));
  StateOfPoint result{.site = found->id.index, .state = std::vector<EnteredValue>(found->state.size())};
  const auto objects = engine.compiler().objects_at(found->id);
  for (std::size_t i = 0; i < found->state.size(); ++i) {
    if (objects && objects->frame == i)
      continue;
    const auto named = find_if(point, [&](const PointValue &value) {
      return value.kind == PointValue::Kind::State && value.index == i && value.addend == 0;
    });
    if (named == point.end())
      return refuse(ErrorCode::Refused,
                    fmt::format("'%{}' is wanted behind it, and the bundle does not name it", found->state[i].name));
    result.state[i] = values[named - point.begin()];
  }
  return result;
}

/// How an activation that somebody else has begun goes on behind a site.
struct Way {
  Site site;
  std::optional<LocalObjects> objects;
  std::uint64_t entry_pc = 0; ///< of the continuation, which takes a state buffer
};

/// Everything but the code.
Expected<Way> describe_way(Engine &engine, FunctionId body, std::uint32_t index, ArrayRef<EnteredValue> state,
                           bool fills) OSR_REQUIRES(engine_lock) {
  const FunctionInfo &info = engine.compiler().numbered(body);
  auto site = find_site(info, index);
  if (!site)
    return site.takeError();
  auto refuse = [&](ErrorCode code, const std::string &why) {
    return make_error(code, "'{}' cannot be entered at site {}: {}", info.name, index, why);
  };
  if (!engine.watches_threads() || !ThreadRegistry::current())
    return refuse(ErrorCode::WrongState, "this is no thread of a running program");
  Way way{**site, engine.compiler().objects_at((*site)->id)};
  if (way.objects && !fills)
    return refuse(ErrorCode::Invalid, "it has local objects in memory, and nothing is given that fills them");
  if (!engine.compiler().returns_in_word(body))
    return refuse(ErrorCode::Refused, "its result does not fit into a general register; return it through memory");
  if (way.site.result_used && !takes_word(way.site.result))
    return refuse(ErrorCode::Refused, "the result of the call there is an 80-bit number or a wide vector");
  if (state.size() != way.site.state.size())
    return refuse(ErrorCode::Invalid,
                  fmt::format("{} values are given, its frame state has {}", state.size(), way.site.state.size()));
  for (std::uint32_t i = 0; i < state.size(); ++i) {
    const FrameStateValue &described = way.site.state[i];
    const std::size_t size = way.objects && way.objects->frame == i ? 0 : described.size;
    if (state[i].size() != size)
      return refuse(ErrorCode::Invalid, fmt::format("{} bytes are given for '{}', which has the type {} and {} bytes",
                                                    state[i].size(), described.name, described.type, size));
  }
  return way;
}

/// While one exists, the code that the calling thread is about to enter is not freed. An exception ends it, too; whoever leaves by longjmp
/// is said to have left at the thread's next call (forget_if_left).
class Entering {
public:
  explicit Entering(ProgramThread &thread) : before_(thread.entering_pc) {}
  /// A fiber may have gone to another thread: not inlined, so that nobody knows the address of the variable from before.
  [[gnu::noinline]] ~Entering() {
    if (ProgramThread *thread = ThreadRegistry::current())
      thread->entering_pc = before_;
  }
  Entering(const Entering &) = delete;
  Entering &operator=(const Entering &) = delete;

private:
  std::uint64_t before_;
};

/// From here on the calling thread is entering the code.
Expected<Way> find_way(Engine &engine, StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                       bool fills) {
  Undisturbed undisturbed;
  Because because(Cause::Interpreter);
  Lock lock(engine.mutex());
  auto body = engine.find_body(function);
  if (!body)
    return body.takeError();
  auto way = describe_way(engine, *body, site, state, fills);
  if (!way)
    return way.takeError();
  auto compiled = engine.maker().find_or_compile({*body, Tier::Optimized, site});
  if (!compiled)
    return compiled.takeError();
  way->entry_pc = ThreadRegistry::current()->entering_pc = (*compiled)->object.entry_pc;
  return way;
}

/// Into which of a point's values the address of each object goes: the point has none elsewhere.
std::optional<std::size_t> value_of(const LocalObjects::Object &object, const Way &way) {
  if (!way.site.point)
    return std::nullopt;
  const std::vector<PointValue> &values = way.site.point->values;
  const auto found = find_if(values, [&](const PointValue &value) {
    return value.kind == PointValue::Kind::State && value.index == way.objects->frame &&
           std::uint64_t(value.addend) == object.offset;
  });
  return found == values.end() ? std::nullopt : std::optional<std::size_t>(found - values.begin());
}

/// The objects lie in this frame: between those of the host and that of the code, as natively. Not inlined, as nobody else has use for it.
[[gnu::noinline]] std::uint64_t enter_way(const Way &way, ArrayRef<EnteredValue> given, std::uint64_t result,
                                          FillObjects fill) {
  SmallVector<EnteredValue, 16> state(given);
  std::uint64_t area = 0;
  if (way.objects) {
    const LocalObjects &objects = *way.objects;
    area =
        alignTo(reinterpret_cast<std::uint64_t>(__builtin_alloca(objects.size + objects.align)), Align(objects.align));
    std::memset(reinterpret_cast<void *>(area), 0, objects.size);
    SmallVector<EnteredObject, 8> entered;
    for (const LocalObjects::Object &object : objects.objects)
      entered.push_back(
          {object.name, {reinterpret_cast<std::byte *>(area + object.offset), object.size}, value_of(object, way)});
    fill(entered);
    state[objects.frame] = std::as_bytes(std::span<const std::uint64_t, 1>(&area, 1));
  }
  char *buffer = nullptr;
  {
    Undisturbed undisturbed;
    buffer = reinterpret_cast<char *>(alignDown(std::uint64_t(osr_object_stack_top), object_frame_align)) -
             state_buffer_layout(way.site).size;
    osr_object_stack_top = buffer; // first: a signal handler may use what lies below
    fill_buffer(buffer, way.site, state, result);
  }
  // It gives the buffer back when it has begun, so nothing is left of it however it ends, and in whichever thread.
  return osr::enter(*ThreadRegistry::current(), way.entry_pc, reinterpret_cast<std::uint64_t>(buffer));
}

} // namespace

Expected<std::uint64_t> enter_at(Engine &engine, StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                                 std::uint64_t result, FillObjects fill) {
  std::optional<InsideProgram> inside; // before values are read that a collector may change
  std::optional<Entering> entering;
  if (ProgramThread *self = ThreadRegistry::current()) {
    forget_if_left(*self, __builtin_frame_address(0));
    inside.emplace(*self);
    entering.emplace(*self);
  }
  auto way = find_way(engine, function, site, state, bool(fill));
  return way ? enter_way(*way, state, result, fill) : Expected<std::uint64_t>(way.takeError());
}

Expected<std::uint64_t> enter_at_point(Engine &engine, StringRef function, std::uint64_t point,
                                       ArrayRef<EnteredValue> values, std::uint64_t result, FillObjects fill) {
  auto state = state_of_point(engine, function, point, values);
  return state ? enter_at(engine, function, state->site, state->state, result, fill) : state.takeError();
}

} // namespace osr
