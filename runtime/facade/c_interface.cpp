#include "osr-c/osr.h"

#include "osr/runtime.h"
#include "osr/thread.h"
#include "runtime/facade/c_options.h"
#include "runtime/threads/safepoint_gate.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/SourceMgr.h>

#include <cstdlib>
#include <cstring>

using namespace llvm;
using namespace osr;

struct osr_runtime {
  std::unique_ptr<Runtime> runtime;
};

namespace {

thread_local std::vector<ThreadAttachment> attachments;

char *message_of(Error error) { return error ? strdup(toString(std::move(error)).c_str()) : nullptr; }

template <typename Value, typename Result> char *give(Expected<Value> value, Result *result) {
  if (!value)
    return message_of(value.takeError());
  if (result)
    *result = *value;
  return nullptr;
}

/// The reader wants a null byte behind text.
std::unique_ptr<MemoryBuffer> copy_of(const char *bytes, std::size_t size, const char *name) {
  return MemoryBuffer::getMemBufferCopy(StringRef(bytes, size), name);
}

Tier tier_of(osr_tier tier) { return tier == OSR_TIER_BASELINE ? Tier::Baseline : Tier::Optimized; }

} // namespace

void osr_free_message(char *message) { std::free(message); }

char *osr_create(osr_tier tier, osr_runtime **runtime) {
  osr_options options{};
  options.size = sizeof(options);
  options.tier = tier;
  return osr_create_with(&options, runtime);
}

char *osr_create_with(const osr_options *chosen, osr_runtime **runtime) {
  auto options = options_from(*chosen);
  if (!options)
    return message_of(options.takeError());
  auto created = Runtime::create(std::move(*options));
  if (!created)
    return message_of(created.takeError());
  *runtime = new osr_runtime{std::move(*created)};
  return nullptr;
}

char *osr_close(osr_runtime *runtime) {
  if (Error error = Runtime::close(runtime->runtime))
    return message_of(std::move(error));
  delete runtime;
  return nullptr;
}

char *osr_define(osr_runtime *runtime, const char *name, std::uint64_t address) {
  return message_of(runtime->runtime->define({{name, address}}));
}

char *osr_add_ir(osr_runtime *runtime, const char *bytes, std::size_t size, const char *name, osr_module *module) {
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> read = parseIR(copy_of(bytes, size, name)->getMemBufferRef(), diagnostic, *context);
  if (!read)
    return message_of(createStringError("module '%s' is no IR: %s (line %d)", name,
                                        diagnostic.getMessage().str().c_str(), diagnostic.getLineNo()));
  return give(runtime->runtime->add({std::move(read), std::move(context)}), module);
}

char *osr_remove(osr_runtime *runtime, osr_module module) { return message_of(runtime->runtime->remove(module)); }

char *osr_initialize(osr_runtime *runtime) { return message_of(runtime->runtime->initialize()); }

char *osr_lookup(osr_runtime *runtime, const char *name, std::uint64_t *address) {
  return give(runtime->runtime->lookup(name), address);
}

char *osr_attach_thread() {
  auto attachment = ThreadAttachment::attach();
  if (!attachment)
    return message_of(attachment.takeError());
  attachments.push_back(std::move(*attachment));
  return nullptr;
}

void osr_detach_thread() {
  if (!attachments.empty())
    attachments.pop_back();
}

std::uint64_t osr_call(std::uint64_t address, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
  return attachments.back().call(address, first, second, third);
}

char *osr_replace(osr_runtime *runtime, const char *function, osr_tier tier, std::uint64_t *rewritten) {
  if (tier == OSR_TIER_AUTO)
    return strdup("activations are replaced at the baseline or the optimised tier");
  auto outcome = runtime->runtime->replace(function, {.to = tier_of(tier)});
  if (!outcome)
    return message_of(outcome.takeError());
  if (rewritten)
    *rewritten = outcome->rewritten;
  return nullptr;
}

char *osr_redefine(osr_runtime *runtime, const char *function, const char *bytes, std::size_t size) {
  const std::unique_ptr<MemoryBuffer> ir = copy_of(bytes, size, function);
  return message_of(runtime->runtime->redefine(function, ir->getMemBufferRef()).takeError());
}

char *osr_at_safepoint(osr_runtime *runtime, int objects_move, unsigned milliseconds,
                       void (*work)(osr_safepoint *, void *), void *context) {
  const SafepointOptions options{objects_move != 0, std::chrono::milliseconds(milliseconds)};
  return message_of(runtime->runtime->at_safepoint(
      [&](Safepoint &safepoint) { work(reinterpret_cast<osr_safepoint *>(&safepoint), context); }, options));
}

void osr_visit_roots(osr_safepoint *safepoint, void (*visit)(void **, unsigned, void *), void *context) {
  reinterpret_cast<Safepoint *>(safepoint)->visit_roots(
      [&](Root root) { visit(&root.object, root.address_space, context); });
}

int osr_go_away() { return go_away_from_program(); }

void osr_come_back(int was_in_program) {
  if (was_in_program)
    come_back_to_program();
}

char *osr_for_each_activation(osr_runtime *runtime, int (*visit)(const osr_activation *, void *), void *context) {
  std::vector<const void *> values;
  std::vector<std::size_t> sizes;
  return message_of(runtime->runtime->for_each_activation([&](const Activation &activation) {
    values.clear();
    sizes.clear();
    for (const ActivationValue &value : activation.values) {
      values.push_back(value.bytes.empty() ? nullptr : value.bytes.data());
      sizes.push_back(value.bytes.size());
    }
    const osr_activation shown{activation.thread,
                               activation.function.data(),
                               activation.function.size(),
                               activation.tier == Tier::Baseline ? OSR_TIER_BASELINE : OSR_TIER_OPTIMIZED,
                               activation.is_inlined,
                               activation.point.has_value(),
                               activation.point.value_or(0),
                               values.size(),
                               values.data(),
                               sizes.data()};
    return visit(&shown, context) != 0;
  }));
}

char *osr_statistics(osr_runtime *runtime) {
  const std::optional<Statistics> statistics = runtime->runtime->snapshot();
  return statistics ? strdup(statistics->to_json().c_str()) : nullptr;
}
