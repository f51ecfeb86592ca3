#include "runtime/control/stacks.h"

#include "compiler/base/error.h"
#include "runtime/control/control.h"
#include "runtime/engine/look_at_stacks.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Demangle/Demangle.h>
#include <llvm/Support/MemoryBuffer.h>

#include <dlfcn.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_depth = 256, most_depth = 100'000;
constexpr std::size_t first_room = 16 * 1024; ///< frames of all threads

StackLook see(const ProgramThread &thread, RulesFinder &rules, const FrameRedirector &redirector, std::size_t depth,
              SeenStacks &stacks) {
  StackLook look;
  look.has_room = stacks.threads.size() < stacks.threads.capacity();
  if (!look.has_room)
    return look;
  SeenThread seen{thread.tid, thread.role, WalkStatus::ReachedBase, stacks.frames.size(), 0};
  seen.status = walk_stopped_while(thread, rules, [&](const Frame &frame) {
    if (seen.count == depth)
      return false;
    look.has_room = stacks.frames.size() < stacks.frames.capacity();
    if (!look.has_room)
      return false;
    stacks.frames.push_back(
        {frame.pc, redirector.stub_of(frame), frame.code, frame.is_site, frame.kind == PcKind::Exact});
    ++seen.count;
    return true;
  });
  look.status = seen.status;
  stacks.threads.push_back(seen);
  return look;
}

const char *tier_of(const CodeObject &code) { return code.continuation_site ? "continuation" : to_string(code.tier); }

json version_of(const CodeObject &code) {
  json version{{"id", code.id}, {"tier", tier_of(code)}, {"state", to_string(code.state())}};
  if (code.continuation_site)
    version["continuation_of_site"] = *code.continuation_site;
  return version;
}

json describe_foreign(const SeenFrame &frame) {
  json result{{"foreign", true}, {"pc", frame.pc}};
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void *>(frame.pc - !frame.is_running), &info) == 0)
    return result;
  if (info.dli_sname)
    result["function"] = demangle(info.dli_sname);
  if (info.dli_fname)
    result["library"] = info.dli_fname;
  return result;
}

void describe_waiting(Engine &engine, const SeenFrame &frame, json &activation) {
  const auto found = engine.stub_table().find(frame.stub_pc);
  if (!found)
    return;
  json to = json::array();
  for (const CodeObject *code : static_cast<const ReturnStub *>(found->handle)->to)
    to.push_back(version_of(*code));
  activation["waits_for"] = std::move(to);
}

json describe_function(const CanonicalProgram &program, FunctionId function) {
  const StringRef name = program.functions[function].name;
  json result{{"function", name.str()}};
  if (name.contains(old_body_mark)) {
    result["function"] = name.split(old_body_mark).first.str();
    result["old_body"] = true;
  }
  return result;
}

} // namespace

const char *to_string(ThreadRole role) {
  switch (role) {
  case ThreadRole::Host: return "host";
  case ThreadRole::Main: return "main";
  case ThreadRole::Program: return "program";
  }
  return "";
}

std::string thread_name(pid_t tid) {
  auto text = MemoryBuffer::getFileAsStream(fmt::format("/proc/self/task/{}/comm", tid));
  return text ? (*text)->getBuffer().trim().str() : "";
}

Expected<SeenStacks> see_stacks(Engine &engine, std::size_t depth, std::optional<pid_t> only) {
  if (!engine.watches_threads())
    return make_error("no program is running");
  SeenStacks stacks;
  const auto reserve = [&](std::size_t frames, std::size_t threads) {
    stacks.frames.reserve(frames);
    stacks.threads.reserve(threads);
  };
  reserve(first_room, engine.threads().most_at_once() + 16);
  auto unwalked = look_at_stacks(
      engine,
      [&] {
        stacks.frames.clear();
        stacks.threads.clear();
      },
      [&](const ProgramThread &thread, RulesFinder &rules) {
        return !only || thread.tid == *only ? see(thread, rules, engine.redirector(), depth, stacks) : StackLook();
      },
      [&] { reserve(stacks.frames.capacity() * 4, stacks.threads.capacity() * 2); });
  if (!unwalked)
    return unwalked.takeError();
  return stacks; // each thread says how its walk ended
}

json describe(Engine &engine, const SeenFrame &frame) {
  if (!frame.code || frame.code->function == no_function)
    return json::array({describe_foreign(frame)});
  const CanonicalProgram &program = engine.program();
  const CodeObject &code = *frame.code;
  json activations = json::array();
  SiteRecord record;
  if (frame.is_site)
    record = code.sites.find(code.offset_of(frame.pc)).value_or(SiteRecord());
  for (const FrameRecord &inner : reverse(record.frames)) {
    json activation = describe_function(program, inner.site.function);
    activation["site"] = inner.site.index;
    activation["calls"] = program.functions[inner.site.function].sites[inner.site.index].callee;
    activation["inlined"] = true;
    activations.push_back(std::move(activation));
  }
  if (activations.empty())
    activations.push_back(describe_function(program, code.function));
  json &outermost = activations.back();
  outermost.erase("inlined");
  outermost["version"] = version_of(code);
  if (frame.is_running)
    outermost["running"] = true;
  if (frame.stub_pc)
    describe_waiting(engine, frame, outermost);
  return activations;
}

Expected<json> answer_stack(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  const std::size_t depth = std::min<std::size_t>(number_of(call.request, "depth").value_or(usual_depth), most_depth);
  std::optional<pid_t> only;
  if (const auto thread = number_of(call.request, "thread"))
    only = pid_t(*thread);
  std::unique_lock lock = lock_after_waiting(engine.mutex());
  auto seen = see_stacks(engine, depth, only);
  if (!seen)
    return seen.takeError();
  if (only && seen->threads.empty())
    return make_error("there is no thread {} of the program; 'threads' lists them", *only);
  json threads = json::array();
  for (const SeenThread &thread : seen->threads) {
    json frames = json::array();
    for (const SeenFrame &frame : ArrayRef(seen->frames).slice(thread.first, thread.count))
      for (json &activation : describe(engine, frame))
        frames.push_back(std::move(activation));
    json described{{"thread", thread.tid},
                   {"name", thread_name(thread.tid)},
                   {"role", to_string(thread.role)},
                   {"frames", std::move(frames)}};
    if (thread.status == WalkStatus::Walking)
      described["older_frames_left_out"] = true;
    else if (thread.status != WalkStatus::ReachedBase)
      described["incomplete"] = describe(thread.status);
    threads.push_back(std::move(described));
  }
  return json{{"threads", std::move(threads)}};
}

} // namespace osr
