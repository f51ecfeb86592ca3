#include "jit.h"

#include "emitter.h"
#include "host_functions.h"

#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>

namespace lox {
namespace {

constexpr std::uint32_t never = UINT32_MAX / 2;
constexpr std::uint32_t most_exits = 3;    // then a function is compiled anew, with what is known by now
constexpr std::uint32_t most_wrong_versions = 6, most_loop_versions = 8; // then without assumptions
constexpr std::uint32_t most_versions = 12;
constexpr std::uint32_t usual_calls = 100, rounds_for_a_call = 10;

osr::Tier first_tier(Mode mode) { return mode == Mode::Optimized ? osr::Tier::Optimized : osr::Tier::Baseline; }

} // namespace

Jit::Jit(Machine &machine, const JitOptions &options) : machine_(machine), options_(options) {
  calls_until_compiled_ = options.compile_after.value_or(options.mode == Mode::Auto ? usual_calls : 0);
  rounds_until_compiled_ = rounds_for_a_call * calls_until_compiled_;
}

Jit::~Jit() = default;

llvm::Expected<std::unique_ptr<Jit>> Jit::create(Machine &machine, const JitOptions &options) {
  std::unique_ptr<Jit> jit(new Jit(machine, options));
  osr::Runtime::Options runtime_options;
  runtime_options.tier = first_tier(options.mode);
  runtime_options.stress = options.stress;
  runtime_options.keep_source = true;
  if (options.mode == Mode::Auto)
    runtime_options.tier_up.policy = std::make_shared<osr::BudgetPolicy>();
  auto runtime = osr::Runtime::create(std::move(runtime_options));
  if (!runtime)
    return runtime.takeError();
  jit->runtime_ = std::move(*runtime);
  if (llvm::Error error = jit->runtime_->define(host_functions()))
    return std::move(error);
  return jit;
}

bool Jit::add(llvm::orc::ThreadSafeModule module, const std::string &name, osr::ModuleId *id) {
  if (options_.dump)
    module.withModuleDo([](llvm::Module &ir) { llvm::errs() << ir; });
  auto added = runtime_->add(std::move(module));
  if (!added) {
    std::fprintf(stderr, "lox: %s: %s\n", name.c_str(), llvm::toString(added.takeError()).c_str());
    return false;
  }
  if (id)
    *id = *added;
  return true;
}

Entry Jit::look_up(const std::string &name) {
  auto address = runtime_->lookup(name);
  if (!address) {
    std::fprintf(stderr, "lox: %s: %s\n", name.c_str(), llvm::toString(address.takeError()).c_str());
    return nullptr;
  }
  return reinterpret_cast<Entry>(*address);
}

bool Jit::compile(Code *code, Value *base) {
  Plan plan{code, 0, code->first_height(), {}, code->name->text + "." + std::to_string(code->id)};
  plan.observe(base);
  Entry entry = add(emit(machine_, plan), plan.name) ? look_up(plan.name) : nullptr;
  if (!entry) {
    code->calls = never;
    return false;
  }
  code->compiled = plan.name;
  code->numbers = plan.numbers;
  code->entry = entry;
  return true;
}

Entry Jit::loop_entry(Code *code, std::uint32_t offset, Value *base, std::uint32_t height) {
  Plan plan{code, offset, height, {}, ""};
  plan.observe(base);
  for (LoopEntry &loop : code->loop_entries)
    if (loop.offset == offset && loop.accepts(plan.numbers))
      return loop.entry ? loop.entry : finished(code, loop);
  if (code->loop_versions == never)
    return nullptr;
  if (++code->loop_versions > most_loop_versions)
    code->is_generic = true;
  if (code->is_generic)
    plan.numbers.clear();
  plan.name = code->name->text + "." + std::to_string(code->id) + ".loop" + std::to_string(offset) + "." +
              std::to_string(code->loop_versions);
  LoopEntry loop{offset, nullptr, plan.numbers, 0, plan.name};
  if (!add(emit(machine_, plan), plan.name, &loop.module)) {
    code->loop_versions = never;
    return nullptr;
  }
  if (options_.mode == Mode::Auto) // what a loop is entered by is hot
    compiling_.emplace(plan.name, runtime_->request(plan.name, {.to = osr::Tier::Optimized}));
  code->loop_entries.push_back(std::move(loop));
  return finished(code, code->loop_entries.back());
}

/// The interpreter goes round until the code is there.
Entry Jit::finished(Code *code, LoopEntry &loop) {
  const auto compiling = compiling_.find(loop.name);
  if (compiling != compiling_.end()) {
    if (!compiling->second->is_done()) {
      code->rounds = 0;
      return nullptr;
    }
    if (auto outcome = compiling->second->wait(); !outcome)
      std::fprintf(stderr, "lox: %s: %s\n", loop.name.c_str(), llvm::toString(outcome.takeError()).c_str());
    compiling_.erase(compiling);
  }
  return loop.entry = look_up(loop.name);
}

void Jit::notice_exit(Code *code) {
  if (++code->exits < most_exits && code->loop_entries.empty())
    return;
  if (code->exits >= most_exits) {
    code->exits = 0;
    code->is_generic |= ++code->wrong_versions >= most_wrong_versions;
  }
  compile_anew(code); // a loop would leave at the same place in its next round
}

void Jit::notice_misses(Code *code) {
  code->misses = 0;
  if (code->news != Cache::news && code->version < most_versions)
    compile_anew(code);
}

/// With what is known by now. Code that runs goes on, in the interpreter from the next slow way on.
void Jit::compile_anew(Code *code) {
  ++code->version;
  code->rounds = 0;
  for (const LoopEntry &loop : code->loop_entries) {
    if (const auto compiling = compiling_.find(loop.name); compiling != compiling_.end()) {
      compiling->second->cancel();
      llvm::consumeError(compiling->second->wait().takeError());
      compiling_.erase(compiling);
    }
    if (llvm::Error error = runtime_->remove(loop.module))
      std::fprintf(stderr, "lox: %s\n", llvm::toString(std::move(error)).c_str());
  }
  code->loop_entries.clear();
  if (code->compiled.empty())
    return;
  const Plan plan{code, 0, code->first_height(), code->is_generic ? std::vector<bool>() : code->numbers,
                  code->compiled};
  auto module = emit(machine_, plan);
  llvm::SmallVector<char, 0> bitcode;
  module.withModuleDo([&](llvm::Module &ir) {
    if (options_.dump)
      llvm::errs() << ir;
    llvm::raw_svector_ostream stream(bitcode);
    llvm::WriteBitcodeToFile(ir, stream);
  });
  auto outcome =
      runtime_->redefine(code->compiled, llvm::MemoryBufferRef({bitcode.data(), bitcode.size()}, code->compiled));
  if (!outcome)
    std::fprintf(stderr, "lox: %s: %s\n", code->compiled.c_str(), llvm::toString(outcome.takeError()).c_str());
}

} // namespace lox
