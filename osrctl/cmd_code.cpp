// osrctl code: what every version of every function costs in bytes.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/load_runtime.h"

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

struct CodeOptions {
  std::vector<std::string> program;
  std::vector<std::string> libraries;
  bool times = false;
  bool continuations = false;
};

struct Costs {
  std::uint64_t versions = 0, code_bytes = 0, sites = 0, certified = 0, compact_bytes = 0, raw_bytes = 0;
  double seconds = 0;

  Costs &operator+=(const Costs &other) {
    versions += other.versions;
    code_bytes += other.code_bytes;
    sites += other.sites;
    certified += other.certified;
    compact_bytes += other.compact_bytes;
    raw_bytes += other.raw_bytes;
    seconds += other.seconds;
    return *this;
  }
};

std::string kind_of(const VersionKey &key) { return key.continuation_site ? "continuation" : to_string(key.tier); }

/// Compiles one version and measures it.
Expected<Costs> measure(Engine &engine, const VersionKey &key) OSR_REQUIRES(engine_lock) {
  auto seconds = [&] {
    auto found = engine.statistics().compile.find(kind_of(key));
    return found == engine.statistics().compile.end() ? 0 : found->second.seconds;
  };
  double before = seconds();
  auto version = engine.maker().find_or_compile(key);
  if (!version)
    return version.takeError();
  const CodeObject &object = (*version)->object;
  Costs costs{1,
              object.code_size,
              object.sites.size(),
              0,
              object.sites.bytes(),
              object.linked.stack_map.size(),
              seconds() - before};
  object.sites.for_each([&](const SiteRecord &record) { costs.certified += record.certified; });
  return costs;
}

class VersionTable {
public:
  explicit VersionTable(bool times) : times_(times) {
    std::printf("%9s %7s %10s %11s %9s%s  %-13s %s\n", "code", "sites", "certified", "compact map", "raw map",
                times ? "  seconds" : "", "tier", "function");
  }

  void add(const std::string &name, const std::string &kind, const Costs &costs) {
    print(name, kind, costs);
    totals_[kind] += costs;
  }

  void print_totals() const {
    std::printf("\n");
    Costs all;
    for (const auto &[kind, costs] : totals_) {
      print(fmt::format("total of {} version{}", costs.versions, costs.versions == 1 ? "" : "s"), kind, costs);
      all += costs;
    }
    print(fmt::format("total of {} versions", all.versions), "all", all);
    std::printf("\n");
    for (const auto &[kind, costs] : totals_)
      if (costs.sites)
        std::printf("%s: %.1f bytes of map per site, %.1f before compression\n", kind.c_str(),
                    double(costs.compact_bytes) / double(costs.sites), double(costs.raw_bytes) / double(costs.sites));
  }

private:
  void print(const std::string &name, const std::string &kind, const Costs &costs) const {
    std::string certified = kind == "baseline" ? std::to_string(costs.certified) : "-";
    std::printf("%9llu %7llu %10s %11llu %9llu", (unsigned long long)costs.code_bytes, (unsigned long long)costs.sites,
                certified.c_str(), (unsigned long long)costs.compact_bytes, (unsigned long long)costs.raw_bytes);
    if (times_)
      std::printf(" %8.4f", costs.seconds);
    std::printf("  %-13s %s\n", kind.c_str(), name.c_str());
  }

  bool times_;
  std::map<std::string, Costs> totals_;
};

std::vector<VersionKey> versions_of(const FunctionInfo &function, bool continuations) {
  std::vector<VersionKey> keys{{function.id, Tier::Baseline, std::nullopt},
                               {function.id, Tier::Optimized, std::nullopt}};
  if (continuations)
    for (const Site &site : function.sites())
      if (site.is_replaceable())
        keys.push_back({function.id, Tier::Optimized, site.id.index});
  return keys;
}

int code(const CodeOptions &options) {
  LLVMContext context;
  auto runtime = load_runtime(context, options.program, options.libraries);
  if (!runtime)
    return report(runtime.takeError());
  int status = 0;
  VersionTable table(options.times);
  const AloneWithEngine alone;
  for (const FunctionInfo &function : (*runtime)->engine().program().functions)
    for (const VersionKey &key : versions_of(function, options.continuations)) {
      auto costs = measure((*runtime)->engine(), key);
      if (!costs) {
        status = report(costs.takeError());
        continue;
      }
      std::string site = key.continuation_site ? fmt::format("#{}", *key.continuation_site) : "";
      table.add(function.name + site, kind_of(key), *costs);
    }
  table.print_totals();
  return status;
}

} // namespace

void add_code(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("code", "Compile everything and print what it costs");
  auto options = std::make_shared<CodeOptions>();
  command->add_flag("--times", options->times, "Also print compile times, which differ from run to run");
  command->add_flag("--continuations", options->continuations, "Also compile the continuation of every site");
  add_library_option(*command, options->libraries);
  add_program_option(*command, options->program);
  command->footer("Example:\n  osrctl code --times fib.bc\nByte counts are per version; 'compact map' is what stays in "
                  "memory.");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return code(*options); }; });
}

} // namespace osr
