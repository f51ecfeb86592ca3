#include "osrctl/patch_hooks.h"

#include "compiler/base/error.h"
#include "osrctl/new_body.h"
#include "osrctl/program_symbols.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <set>
#include <string>
#include <vector>

using Json = nlohmann::json;
using namespace llvm;

namespace osr {

Expected<std::unique_ptr<Module>> hooks_in(const Module &version, Json &parameters, const Json &symbols) {
  std::set<std::string> names;
  for (const char *when : {"before", "after"}) {
    const std::string name = parameters.value(when, "");
    const Function *defined = version.getFunction(name);
    if (!defined || defined->isDeclaration())
      continue; // it is another file's, or nobody's
    const Json symbol = symbols.value(name, Json::object());
    if (Error error = check_which(*defined, symbols))
      return error;
    parameters[when] = symbol_for(name, symbols);
    if (!symbol.value("defined", false))
      names.insert(name);
  }
  if (names.empty())
    return nullptr;
  std::unique_ptr<Module> copy = CloneModule(version);
  const auto found = map_range(names, [&](const std::string &name) { return copy->getFunction(name); });
  const std::vector<Function *> hooks(found.begin(), found.end());
  if (Error error = leave_with_helpers(hooks, symbols))
    return error;
  return copy;
}

Error check_nothing_shared(const Module &body, const Module &hooks) {
  for (const GlobalVariable &variable : body.globals())
    if (const GlobalVariable *other = hooks.getGlobalVariable(variable.getName(), /*AllowInternal=*/true);
        other && !variable.isDeclaration() && !other->isDeclaration() && !is_own_constant(variable))
      return make_error("the new variable '{}' is used by the function and by hooks: each would have its own",
                        variable.getName().str());
  return Error::success();
}

} // namespace osr
