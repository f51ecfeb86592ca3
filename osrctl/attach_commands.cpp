#include "osrctl/attach_commands.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "osrctl/attach_text.h"
#include "osrctl/new_body.h"
#include "osrctl/patch.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *a_thread[] = {"thread"}, *a_pattern[] = {"pattern"}, *a_function[] = {"function"},
                     *a_function_and_a_tier[] = {"function", "tier"}, *a_function_and_a_file[] = {"function", "file"},
                     *a_value[] = {"value"}, *two_versions[] = {"old", "new"},
                     *an_action_and_a_file[] = {"action", "file"};
constexpr Parameter watch_parameters[] = {{"watch", ParameterKind::Flag}};
constexpr Parameter new_body_parameters[] = {{"file", ParameterKind::Text, true}, {"flags", ParameterKind::Text}};

constexpr Parameter patch_parameters[] = {
    {"old", ParameterKind::Text}, {"new", ParameterKind::Text, true}, {"flags", ParameterKind::Text}};

/// The process may be in another folder.
Expected<nlohmann::json> prepare_trace(ControlConnection &, nlohmann::json parameters) {
  SmallString<256> file = StringRef(parameters.value("file", ""));
  if (!file.empty() && sys::fs::make_absolute(file))
    return make_error("'{}' cannot be made a whole path: the current folder is gone", file.str().str());
  if (!file.empty())
    parameters["file"] = file.str().str();
  return parameters;
}

constexpr AttachCommand table[] = {
    {"status", {}, "What the process is, and what code it has", print_status},
    {"threads", {}, "The program's threads, and the newest function of each", print_threads},
    {"stack", a_thread,
     "Every activation of a thread, or of all: function, tier, line, site, what it waits for; with --values its "
     "variables",
     print_stack},
    {"functions", a_pattern, "Functions by a part of their name, or by a pattern with *, ? and [", print_functions},
    {"function", a_function, "The versions of one function, and why it is as it is", print_function},
    {"sites", a_function, "Where its activations can be replaced, and what a frame holds there", print_sites},
    {"records", a_function, "Where its versions, or --version N, have those values at each return PC", print_code},
    {"disassemble", a_function, "The same with machine code", print_code},
    {"ir", a_function, "Its IR: as all versions are made of it, or as one goes into the code generator", print_ir},
    {"perf-map",
     {},
     "Writes /tmp/perf-PID.map, by which perf and other profilers name the code that there is now",
     print_perf_map},
    {"debug-info",
     {},
     "From now on gdb, attached to the program or looking at a core file, shows variables",
     print_debug_info},
    {"replace", a_function, "Activations and calls to come go on in the other tier", print_replaced},
    {"hold", a_function_and_a_tier, "It goes to that tier and stays there, whatever a policy says", print_replaced},
    {"release", a_function, "A policy decides about it again", print_plain},
    {"redefine", a_function_and_a_file,
     "It gets a new body, from C, C++, IR or bitcode: also activations, where a site map says how; with --wait N, "
     "--before or --after as a patch",
     print_redefined, new_body_parameters, prepare_new_body},
    {"patch", two_versions,
     "All functions that differ in two versions of a file, which the program is made of, get their new bodies at once; "
     "with -g it knows the old version itself; with --wait N nothing changes before no activation would end in an old "
     "body, which is waited for N seconds; --before and --after name functions of the program or of the new version "
     "that are called then, and the first may refuse it",
     print_patched, patch_parameters, prepare_patch},
    {"revert", a_function,
     "It gets the body back that it had before it was redefined; without a name, the newest patch", print_reverted},
    {"patches", {}, "Patches that can be taken back or wait, and which threads run old bodies, where", print_patches},
    {"force",
     {},
     "Patches that wait are made now: activations that cannot go on in the new bodies end in the old ones",
     print_forced},
    {"policy", {}, "What decides which functions are optimised, and which are held", print_plain},
    {"speculation", a_function,
     "What optimised code took for granted and was wrong about, and what it takes for granted no more",
     print_speculation},
    {"threshold", a_value, "How hot is hot: another number for --tier-threshold, while the program runs", print_plain},
    {"pause", {}, "The policy optimises nothing until 'resume'", print_plain},
    {"resume", {}, "The policy goes on", print_plain},
    {"events",
     {},
     "What happens from now on (--follow), or what was noted for others; of certain kinds, or with certain names "
     "(--filter WORD,WORD)",
     print_events},
    {"trace",
     an_action_and_a_file,
     "Writes what happens from now on as a timeline for Perfetto into a new file, until 'trace stop'",
     print_traced,
     {},
     prepare_trace},
    {"reclaim", {}, "Code that nothing leads into is freed now", print_reclaimed},
    {"stats",
     {},
     "All counters, as --stats writes them; with --watch each second those that have changed",
     print_plain,
     watch_parameters},
};

} // namespace

ArrayRef<AttachCommand> attach_commands() { return table; }

const AttachCommand *find_command(StringRef name) {
  const auto *found = find_if(table, [&](const AttachCommand &command) { return name == command.name; });
  return found == std::end(table) ? nullptr : found;
}

const Method &method_of(const AttachCommand &command) {
  const Method *found =
      find_if(methods(), [&](const Method &method) { return StringRef(method.name) == command.name; });
  OSR_CHECK(found != methods().end(), "no method for {}", command.name);
  return *found;
}

} // namespace osr
