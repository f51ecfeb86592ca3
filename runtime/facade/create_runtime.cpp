#include "runtime/facade/create_runtime.h"

#include "compiler/base/error_code.h"
#include "compiler/canonical/load.h"
#include "compiler/target/target.h"
#include "runtime/facade/complete_options.h"
#include "runtime/facade/forks.h"
#include "runtime/facade/runtime_impl.h"

#include <llvm/ADT/STLFunctionalExtras.h>

using namespace llvm;

namespace osr {
namespace {

Expected<CanonicalProgram> canonical(orc::ThreadSafeModule module, const RuntimeOptions &options,
                                     KeepSource keep_source) {
  if (!module)
    return make_error(ErrorCode::Invalid, "there is no module");
  auto machine =
      create_target_machine(CodegenLevel::Optimizing, ProcessorChoice{options.target_cpu, options.target_features});
  if (!machine)
    return machine.takeError();
  return module.consumingModuleDo([&](std::unique_ptr<Module> taken) -> Expected<CanonicalProgram> {
    if (Error error = check_read_module(*taken, fmt::format("module '{}'", taken->getModuleIdentifier())))
      return error;
    return canonicalize(std::move(taken), **machine, keep_source);
  });
}

/// What all ways to make one begin with. Forks of other threads wait until it is made, or not.
Expected<std::unique_ptr<Runtime>>
make_with(RuntimeOptions wanted, function_ref<Expected<std::unique_ptr<Runtime>>(RuntimeOptions options)> make) {
  if (Error error = watch_forks())
    return error;
  const NoForks meanwhile;
  auto options = complete(std::move(wanted));
  return options ? make(std::move(*options)) : options.takeError();
}

} // namespace

Expected<std::unique_ptr<Runtime>> RuntimeImpl::wrap(Expected<std::unique_ptr<RuntimeImpl>> impl) {
  if (!impl)
    return impl.takeError();
  return std::unique_ptr<Runtime>(new Runtime(std::move(*impl)));
}

Expected<std::unique_ptr<Runtime>> create_runtime(CanonicalProgram program, RuntimeOptions wanted) {
  return make_with(std::move(wanted), [&](RuntimeOptions options) {
    return RuntimeImpl::wrap(RuntimeImpl::create(std::move(program), Process::OfProgram, std::move(options)));
  });
}

Expected<std::unique_ptr<Runtime>> Runtime::create(orc::ThreadSafeModule module, Options wanted) {
  return make_with(std::move(wanted), [&](RuntimeOptions options) -> Expected<std::unique_ptr<Runtime>> {
    const orc::ThreadSafeContext context = module.getContext(); // outlives the program, whatever fails
    auto program = canonical(std::move(module), options, options.keep_source ? KeepSource::Yes : KeepSource::No);
    if (!program)
      return program.takeError();
    return RuntimeImpl::wrap(RuntimeImpl::create(std::move(*program), Process::OfProgram, std::move(options), context));
  });
}

Expected<std::unique_ptr<Runtime>> Runtime::create(Options wanted) {
  return make_with(std::move(wanted), [](RuntimeOptions options) -> Expected<std::unique_ptr<Runtime>> {
    auto context = std::make_unique<LLVMContext>();
    auto nothing = std::make_unique<Module>("program", *context);
    orc::ThreadSafeModule module(std::move(nothing), std::move(context));
    const orc::ThreadSafeContext shared = module.getContext(); // outlives the program, whatever fails
    auto program = canonical(std::move(module), options, KeepSource::No);
    if (!program)
      return program.takeError();
    auto impl = RuntimeImpl::create(std::move(*program), Process::OfHost, std::move(options), shared);
    if (!impl)
      return impl.takeError();
    if (Error error = (*impl)->start(/*main_thread=*/nullptr))
      return error;
    return RuntimeImpl::wrap(std::move(impl));
  });
}

} // namespace osr
