#include "compiler/codegen/local_names.h"

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/Function.h>

using namespace llvm;

namespace osr {

std::string LocalNames::take(const GlobalObject &object, std::uint64_t &next_number,
                             function_ref<bool(StringRef)> is_taken) {
  const auto *function = dyn_cast<Function>(&object);
  const StringRef base = object.getName().ltrim('.');
  std::string name;
  if (std::vector<std::string> &free = (function ? functions_ : variables_)[base]; !free.empty()) {
    name = std::move(free.back());
    free.pop_back();
  } else {
    do // a module may have chosen such a name by itself
      name = (base + local_mark + Twine(next_number++)).str();
    while (is_taken(name));
  }
  if (!function)
    of_variables_.insert(name);
  else if (!function->hasAddressTaken())
    only_called_.insert(name);
  return name;
}

bool LocalNames::give_back_function(StringRef name) {
  if (!only_called_.erase(name))
    return false;
  functions_[name.rsplit(local_mark).first].push_back(name.str());
  return true;
}

void LocalNames::give_back_variable(StringRef name) {
  if (of_variables_.erase(name))
    variables_[name.rsplit(local_mark).first].push_back(name.str());
}

} // namespace osr
