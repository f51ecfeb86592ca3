#include "osrctl/patch.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/sites/fingerprint.h"
#include "osrctl/new_body.h"
#include "osrctl/patch_hooks.h"
#include "osrctl/patch_layouts.h"
#include "osrctl/program_symbols.h"
#include "osrctl/recorded_flags.h"

#include <fmt/ranges.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/Support/Path.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <map>
#include <set>

using Json = nlohmann::json; // LLVM's passes have a namespace json
using namespace llvm;

namespace osr {
namespace {

struct PatchFiles {
  std::string before, after; ///< `before` may be empty: the program's own copy
  std::string flags;         ///< for sources only
};

/// What a new version is compared with.
struct OldVersion {
  std::unique_ptr<Module> module;
  std::set<std::string> redefined; ///< since the program has begun: they run as another version has them
};

bool is_source(StringRef file) { return !file.empty() && !file.ends_with(".bc") && !file.ends_with(".ll"); }

Expected<std::unique_ptr<Module>> read_version(LLVMContext &context, const std::string &file,
                                               const std::string &flags) {
  return read_edited(context, file, is_source(file) ? flags : "");
}

/// The file that the program was made of which is from the same source; of one file, that one.
Expected<std::string> find_running_file(const Json &answer, const Module &after) {
  const Json files = answer.value("files", Json::array());
  const StringRef source = sys::path::filename(after.getSourceFileName());
  std::vector<std::string> all, from_source;
  for (const Json &file : files) {
    all.push_back(file.value("file", ""));
    if (sys::path::filename(file.value("source", "")) == source)
      from_source.push_back(all.back());
  }
  const auto &found = all.size() == 1 ? all : from_source;
  if (found.size() != 1)
    return make_error("the program was made of {}, and which of them '{}' is to replace cannot be told: name the "
                      "version that runs in front of it",
                      fmt::join(all, ", "), source.str());
  return found.front();
}

/// The program keeps a copy of its files if it was compiled with -g.
Expected<OldVersion> ask_for_old_version(ControlConnection &connection, LLVMContext &context, const Module &after) {
  const auto explained = [](Error error) {
    return make_error("{}; name the version that runs in front of the edited one", toString(std::move(error)));
  };
  auto list = connection.ask("files", Json::object());
  if (!list)
    return explained(list.takeError());
  auto file = find_running_file(*list, after);
  if (!file)
    return file.takeError();
  auto answer = connection.ask("files", {{"file", *file}});
  if (!answer)
    return explained(answer.takeError());
  OldVersion old;
  old.redefined = answer->value("redefined", std::set<std::string>());
  for (const Json &sent : answer->value("files", Json::array()))
    if (sent.contains("ir")) {
      auto module = module_from_base64(context, sent.value("ir", ""), *file);
      if (!module)
        return module.takeError();
      old.module = std::move(*module);
    }
  if (!old.module)
    return make_error("the process did not send '{}'", *file);
  return old;
}

Expected<OldVersion> old_version(ControlConnection &connection, LLVMContext &context, const PatchFiles &files,
                                 const Module &after) {
  if (files.before.empty())
    return ask_for_old_version(connection, context, after);
  auto module = read_version(context, files.before, files.flags);
  if (!module)
    return module.takeError();
  return OldVersion{std::move(*module), {}};
}

/// What has the same name in both.
Error check_variables(const Module &before, const Module &after) {
  for (const GlobalVariable &now : after.globals()) {
    const GlobalVariable *then = before.getGlobalVariable(now.getName(), /*AllowInternal=*/true);
    if (!then || is_own_constant(now) || then->isDeclaration() || now.isDeclaration())
      continue;
    if (print(*then->getValueType()) != print(*now.getValueType()))
      return make_error("the variable '{}' has another type: '{}' became '{}'", now.getName().str(),
                        print(*then->getValueType()), print(*now.getValueType()));
    if (then->isConstant() != now.isConstant() ||
        (now.isConstant() && print(*then->getInitializer()) != print(*now.getInitializer())))
      return make_error("the constant '{}' has changed, and code of other functions may have it in it",
                        now.getName().str());
  }
  return Error::success();
}

/// As pairs, in the order of the newer module. A new function, which only that one defines, becomes a part of those that call it.
std::vector<std::pair<const Function *, const Function *>> defined_in_both(const Module &before, const Module &after) {
  std::vector<std::pair<const Function *, const Function *>> both;
  for (const Function &now : after)
    if (const Function *then = before.getFunction(now.getName());
        then && !then->isDeclaration() && !now.isDeclaration())
      both.push_back({then, &now});
  return both;
}

Expected<std::vector<const Function *>> changed_functions(const OldVersion &before, const Module &after,
                                                          const Json &symbols) {
  std::vector<const Function *> changed;
  for (const auto &[then, now] : defined_in_both(*before.module, after)) {
    if (print(*then->getFunctionType()) != print(*now->getFunctionType()))
      return make_error("'{}' has another signature: '{}' became '{}'", now->getName().str(),
                        print(*then->getFunctionType()), print(*now->getFunctionType()));
    if (before.redefined.contains(symbol_for(now->getName().str(), symbols)) || fingerprint(*then) != fingerprint(*now))
      changed.push_back(now);
  }
  if (changed.empty())
    return make_error("no function differs");
  return changed;
}

/// Functions that differ as they are written, but that the compiler has inlined everywhere: if the program has them, it
/// was compiled otherwise, and calls of them would go on meaning what they mean now.
Error check_inlined(ControlConnection &connection, const PatchFiles &files, const Module &after) {
  if (!is_source(files.before) || !is_source(files.after))
    return Error::success();
  LLVMContext context;
  const DiagnosticScope diagnostics(context);
  const std::string as_written = files.flags + " -Xclang -disable-llvm-passes";
  auto before = read_edited(context, files.before, as_written), now = read_edited(context, files.after, as_written);
  if (!before || !now)
    return joinErrors(before.takeError(), now.takeError());
  auto symbols = symbols_of(connection, **now);
  if (!symbols)
    return symbols.takeError();
  StripDebugInfo(**before);
  StripDebugInfo(**now);
  for (const auto &[then, function] : defined_in_both(**before, **now)) {
    const std::string name = function->getName().str();
    if (const Function *kept = after.getFunction(name); kept && !kept->isDeclaration())
      continue;
    if (fingerprint(*then) != fingerprint(*function) && symbols->value(name, Json::object()).value("defined", false))
      return make_error("'{}' differs, but the compiler has inlined it, and the program has it: --flags must be those "
                        "that the program was compiled with",
                        name);
  }
  return Error::success();
}

/// Of new variables: who uses them.
using Owners = std::map<std::string, std::string>;

/// The program has to have what the old version has; a variable that is new must be one function's.
Error check_new_variables(const Module &body, StringRef function, const Module &before, Owners &owners) {
  for (const GlobalVariable &variable : body.globals()) {
    if (variable.isDeclaration() || is_own_constant(variable))
      continue;
    const std::string name = variable.getName().str();
    if (before.getNamedValue(name))
      return make_error("'{}' uses '{}', which the old version defines and the program does not: what runs is not the "
                        "old version",
                        function.str(), name);
    if (const auto [owner, is_first] = owners.try_emplace(name, function.str()); !is_first)
      return make_error("the new variable '{}' is used by '{}' and by '{}': each would have its own", name,
                        owner->second, function.str());
  }
  return Error::success();
}

/// A copy of the file for one function, with declarations of what the program has, which is most of it.
std::unique_ptr<Module> copy_for(const Function &function, const Module &after, const Json &symbols) {
  ValueToValueMapTy copies;
  return CloneModule(after, copies, [&](const GlobalValue *value) {
    return value == &function || !is_surely_the_programs(*value, symbols);
  });
}

Expected<Json> bodies_of(ArrayRef<const Function *> changed, const Module &before, const Module &after,
                         const Json &symbols, Owners &owners) {
  Json bodies = Json::array();
  for (const Function *function : changed) {
    const std::string name = function->getName().str();
    if (!symbols.value(name, Json::object()).value("defined", false))
      return make_error("the program does not have '{}': what runs is not the old version", name);
    if (Error error = check_which(*function, symbols))
      return error;
    const std::unique_ptr<Module> copy = copy_for(*function, after, symbols);
    if (Error error = leave_alone(*copy->getFunction(name), symbols))
      return error;
    if (Error error = check_new_variables(*copy, name, before, owners))
      return error;
    Function &body = *copy->getFunction(name);
    if (Error error = use_symbol_of(body, symbols))
      return error;
    bodies.push_back({{"function", body.getName().str()}, {"ir", to_base64(*copy)}});
  }
  return bodies;
}

/// What is called before and after it, where the program does not have that.
Error put_hooks(Json &parameters, const Module &before, const Module &after, const Json &symbols, Owners &owners) {
  auto hooks = hooks_in(after, parameters, symbols);
  if (!hooks || !*hooks)
    return hooks.takeError();
  if (Error error = check_new_variables(**hooks, "hooks", before, owners))
    return error;
  parameters["hooks"] = to_base64(**hooks);
  return Error::success();
}

} // namespace

Expected<Json> prepare_patch(ControlConnection &connection, Json parameters) {
  PatchFiles files{parameters.value("old", ""), parameters.value("new", ""), parameters.value("flags", "")};
  if (files.after.empty())
    std::swap(files.before, files.after); // a single word is the edited version
  if (files.after.empty())
    return make_error("'patch' takes an edited version of a file, with the one that runs in front of it if the program "
                      "was not compiled with -g");
  auto flags = flags_for(connection, files.after, files.flags);
  if (!flags)
    return flags.takeError();
  files.flags = *flags;
  for (const char *own : {"old", "new", "flags"})
    parameters.erase(own);
  LLVMContext old_context, context; // of their own: types keep their names, by which they are compared
  const DiagnosticScope old_diagnostics(old_context), diagnostics(context);
  auto after = read_version(context, files.after, files.flags);
  if (!after)
    return after.takeError();
  auto before = old_version(connection, old_context, files, **after);
  if (!before)
    return before.takeError();
  if (Error error = check_layouts(*before->module, **after))
    return error;
  if (Error error = check_variables(*before->module, **after))
    return error;
  if (Error error = check_inlined(connection, files, **after))
    return error;
  auto symbols = symbols_of(connection, **after);
  if (!symbols)
    return symbols.takeError();
  auto changed = changed_functions(*before, **after, *symbols);
  if (!changed)
    return changed.takeError();
  Owners owners;
  auto bodies = bodies_of(*changed, *before->module, **after, *symbols, owners);
  if (!bodies)
    return bodies.takeError();
  if (Error error = put_hooks(parameters, *before->module, **after, *symbols, owners))
    return error;
  parameters["functions"] = std::move(*bodies);
  return parameters;
}

} // namespace osr
