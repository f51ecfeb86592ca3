#include "runtime/facade/c_options.h"
#include "runtime/facade/c_support.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Support/ErrorHandling.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

using namespace llvm;
using namespace osr;

namespace {

/// The reader wants a null byte behind text.
std::unique_ptr<MemoryBuffer> copy_of(const char *bytes, std::size_t size, const char *name) {
  return MemoryBuffer::getMemBufferCopy(StringRef(bytes, size), name);
}

} // namespace

namespace {

/// In front of each message. Room for what is aligned most.
union MessageHead {
  int code;
  std::max_align_t align;
};

} // namespace

char *osr::copy_message(StringRef text, int code) {
  auto *head = static_cast<MessageHead *>(std::malloc(sizeof(MessageHead) + text.size() + 1));
  if (!head) // as everybody who uses malloc here
    report_bad_alloc_error("a message");
  head->code = code;
  auto *message = reinterpret_cast<char *>(head + 1);
  std::memcpy(message, text.data(), text.size());
  message[text.size()] = 0;
  return message;
}

void osr_free_message(char *message) {
  if (message)
    std::free(reinterpret_cast<MessageHead *>(message) - 1);
}

osr_code osr_code_of(const char *message) {
  return message ? osr_code((reinterpret_cast<const MessageHead *>(message) - 1)->code) : OSR_OK;
}

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

char *osr_remove(osr_runtime *runtime, osr_module module) { return message_of(runtime->runtime->remove(module)); }

char *osr_initialize(osr_runtime *runtime) { return message_of(runtime->runtime->initialize()); }

std::uint64_t osr_address_of(osr_runtime *runtime, const char *function) {
  return runtime->runtime->address_of(function);
}

char *osr_lookup(osr_runtime *runtime, const char *name, std::uint64_t *address) {
  return give(runtime->runtime->lookup(name), address);
}

char *osr_replace(osr_runtime *runtime, const char *function, osr_tier tier, std::uint64_t *rewritten) {
  auto to = tier_of(tier);
  if (!to)
    return message_of(to.takeError());
  auto outcome = runtime->runtime->replace(function, {.to = *to});
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

void osr_visit_ranges(const osr_safepoint *safepoint, void (*visit)(const void *, const void *, void *),
                      void *context) {
  reinterpret_cast<const Safepoint *>(safepoint)->visit_ranges(
      [&](const void *low, const void *high) { visit(low, high, context); });
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
                               sizes.data(),
                               activation.file.data(),
                               activation.file.size(),
                               activation.line};
    return visit(&shown, context) != 0;
  }));
}

/// As `count` pointers and sizes.
static SmallVector<EnteredValue, 16> entered_values(const void *const *values, const std::size_t *sizes,
                                                    std::size_t count) {
  SmallVector<EnteredValue, 16> entered;
  for (std::size_t i = 0; i < count; ++i)
    entered.push_back({static_cast<const std::byte *>(values[i]), sizes[i]});
  return entered;
}

using FillInC = void (*)(const osr_object *, size_t, void *);

/// What calls the host's function in C.
static auto filling(FillInC fill, void *context) {
  return [=](ArrayRef<EnteredObject> objects) {
    SmallVector<osr_object, 8> shown;
    for (const EnteredObject &object : objects)
      shown.push_back({object.name.data(), object.name.size(), object.bytes.data(), object.bytes.size(),
                       object.value.has_value(), object.value.value_or(0)});
    fill(shown.data(), shown.size(), context);
  };
}

char *osr_enter_at_with(osr_runtime *runtime, const char *function, std::uint32_t site, const void *const *values,
                        const std::size_t *sizes, std::size_t count, std::uint64_t result, FillInC fill, void *context,
                        std::uint64_t *returned) {
  return give(
      runtime->runtime->enter_at(function, site, entered_values(values, sizes, count), result, filling(fill, context)),
      returned);
}

char *osr_enter_at_point_with(osr_runtime *runtime, const char *function, std::uint64_t point,
                              const void *const *values, const std::size_t *sizes, std::size_t count,
                              std::uint64_t result, FillInC fill, void *context, std::uint64_t *returned) {
  return give(runtime->runtime->enter_at_point(function, point, entered_values(values, sizes, count), result,
                                               filling(fill, context)),
              returned);
}

char *osr_enter_at(osr_runtime *runtime, const char *function, std::uint32_t site, const void *const *values,
                   const std::size_t *sizes, std::size_t count, std::uint64_t result, std::uint64_t *returned) {
  return give(runtime->runtime->enter_at(function, site, entered_values(values, sizes, count), result), returned);
}

char *osr_enter_at_point(osr_runtime *runtime, const char *function, std::uint64_t point, const void *const *values,
                         const std::size_t *sizes, std::size_t count, std::uint64_t result, std::uint64_t *returned) {
  return give(runtime->runtime->enter_at_point(function, point, entered_values(values, sizes, count), result),
              returned);
}

char *osr_statistics(osr_runtime *runtime) {
  const std::optional<Statistics> statistics = runtime->runtime->snapshot();
  return statistics ? copy_message(statistics->to_json()) : nullptr;
}
