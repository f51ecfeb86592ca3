// Compile time of the baseline tier against plain LLVM -O0 code generation of the same functions.
//
//     compile_bench PROGRAM.bc... [Google Benchmark's options]
//
// Each program is canonicalised once. `baseline` is Compiler::compile for every function; `plain` is a second Compiler
// without sites in the same tier: the same split into one module per function, the same object stack operations, the
// same FastISel pipeline into an ELF object, but no slots, stack maps, anchoring or certificates. One iteration
// compiles all functions both ways, in turn, function by function, so that a machine that slows down slows both.
#include "compiler/canonical/load.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/canonical/objects.h"
#include "compiler/codegen/compiler.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/target/target.h"

#include <benchmark/benchmark.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/Error.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace osr;

constexpr std::int64_t object_stack_offset = -64; // any offset does: nothing is run

std::unique_ptr<Compiler> make_compiler(llvm::LLVMContext &context, const std::string &path, bool sites) {
  llvm::ExitOnError exit_on_error(path + ": ");
  auto module = exit_on_error(load_program(context, {path}));
  auto machine = exit_on_error(create_target_machine(CodegenLevel::Optimizing));
  auto program = exit_on_error(canonicalize(std::move(module), *machine));
  return exit_on_error(
      Compiler::create(std::move(program), {.object_stack_offset = object_stack_offset, .sites = sites}));
}

/// Processor time of this thread: other work on the machine then counts less.
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

double compile_seconds(Compiler &compiler, FunctionId function) {
  llvm::ExitOnError exit_on_error;
  double start = now();
  CompiledVersion version = exit_on_error(compiler.compile({function, Tier::Baseline, std::nullopt}));
  benchmark::DoNotOptimize(version.object.get());
  return now() - start;
}

/// LLVM's pipeline is set up once for all functions; nothing can be replaced or removed one by one.
double compile_module_seconds(const Compiler &compiler, llvm::TargetMachine &machine) {
  llvm::ExitOnError exit_on_error;
  auto module = llvm::CloneModule(*compiler.program().module);
  CodegenReport report;
  double start = now();
  lower_objects(*module, object_stack_offset);
  auto object = exit_on_error(emit_object(*module, machine, MachinePasses::None, report));
  benchmark::DoNotOptimize(object.get());
  return now() - start;
}

double median(std::vector<double> values) {
  auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void compile_both(benchmark::State &state, const std::string &path) {
  llvm::LLVMContext with_context, without_context;
  auto with_sites = make_compiler(with_context, path, true);
  auto without_sites = make_compiler(without_context, path, false);
  const auto functions = FunctionId(with_sites->program().functions.size());
  auto machine = llvm::cantFail(create_target_machine(CodegenLevel::Fast));
  std::vector<double> baseline, plain, module;
  for (auto _ : state) {
    double baseline_sum = 0, plain_sum = 0;
    for (FunctionId function = 0; function < functions; ++function) {
      baseline_sum += compile_seconds(*with_sites, function);
      plain_sum += compile_seconds(*without_sites, function);
    }
    baseline.push_back(baseline_sum);
    plain.push_back(plain_sum);
    module.push_back(compile_module_seconds(*without_sites, *machine));
    state.SetIterationTime(baseline_sum);
  }
  state.counters["functions"] = functions;
  state.counters["baseline_ms"] = 1000 * median(baseline);
  state.counters["plain_ms"] = 1000 * median(plain);
  state.counters["module_ms"] = 1000 * median(module);
  state.counters["ratio"] = median(baseline) / median(plain);
  state.counters["module_ratio"] = median(baseline) / median(module);
}

/// What stands before the options is programs.
std::vector<std::string> take_programs(int &argc, char **argv) {
  std::vector<std::string> programs;
  int kept = 1;
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] == '-')
      argv[kept++] = argv[i];
    else
      programs.emplace_back(argv[i]);
  argc = kept;
  return programs;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> programs = take_programs(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  if (programs.empty()) {
    std::fprintf(stderr, "usage: compile_bench PROGRAM.bc... [--benchmark_...]\n");
    return 2;
  }
  for (const std::string &path : programs) {
    std::string name = "compile/" + path.substr(path.find_last_of('/') + 1);
    benchmark::RegisterBenchmark(name.c_str(), [path](benchmark::State &state) { compile_both(state, path); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
