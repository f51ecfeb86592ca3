#include "runtime/facade/libraries.h"

#include "compiler/base/error_code.h"
#include "compiler/canonical/load.h"
#include "compiler/canonical/rename_symbol.h"
#include "osr/library.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>

using namespace llvm;

namespace osr {
namespace {

/// What the compiler or the runtime knows by its name, and what no library can have of its own.
bool has_fixed_name(const GlobalValue &value) {
  const StringRef name = value.getName();
  return name.empty() || name.starts_with("llvm.") || name.starts_with("osr.") || name == "__dso_handle";
}

bool is_reference(const GlobalValue &value) { return value.isDeclaration() || value.hasAvailableExternallyLinkage(); }

} // namespace

Expected<std::size_t> Libraries::create(StringRef name) {
  if (name.empty() || !all_of(name, [](char letter) { return isAlnum(letter) || letter == '_' || letter == '.'; }))
    return make_error(ErrorCode::Invalid, "'{}' is no name of a library: it takes letters, digits, '_' and '.'",
                      name.str());
  if (any_of(all_, [&](const One &library) { return library.name == name; }))
    return make_error(ErrorCode::Exists, "there is a library '{}' already", name.str());
  all_.push_back({name.str(), {}});
  return all_.size() - 1;
}

std::string Libraries::full_name(StringRef name, StringRef library) {
  return library.empty() ? name.str() : (name + library_mark + library).str();
}

bool Libraries::sees(std::size_t library, std::size_t other) const {
  return library == other || other == main || is_contained(all_[library].order, other);
}

std::string Libraries::known_name(StringRef name, std::size_t library, Engine &engine) const {
  std::vector<std::size_t> order{library};
  append_range(order, all_[library].order);
  order.push_back(main);
  for (const std::size_t each : order)
    if (std::string full = full_name(name, each); engine.compiler().defines(full))
      return full;
  auto of_host = engine.session().lookup(name);
  if (of_host)
    return name.str();
  consumeError(of_host.takeError());
  return "";
}

std::string Libraries::find(StringRef name, std::size_t library, Engine &engine) const {
  std::string known = known_name(name, library, engine);
  return known.empty() ? full_name(name, library) : known;
}

Expected<Libraries::Names> Libraries::bind(Module &module, std::size_t library, Engine &engine) {
  Names names{library, {}, {}};
  if (all_.size() == 1) // names are what they are
    return names;
  if (Error error = check_read_module(module, fmt::format("module '{}'", module.getModuleIdentifier())))
    return error; // what is invalid is looked at no further
  if (library != main && !module.getModuleInlineAsm().empty())
    return make_error("module '{}' has assembly of its own, whose names cannot be those of a library: it belongs into "
                      "the main library",
                      module.getModuleIdentifier());
  std::vector<GlobalValue *> references, definitions;
  for (GlobalValue &value : module.global_values())
    if (!value.hasLocalLinkage() && !has_fixed_name(value))
      (is_reference(value) ? references : definitions).push_back(&value);
  for (GlobalValue *value : definitions) {
    names.defined.push_back(value->getName().str());
    rename_symbol(*value, full_name(value->getName(), library));
  }
  for (GlobalValue *value : references) {
    const std::string name = value->getName().str();
    std::string known = known_name(name, library, engine);
    if (known.empty() && !(value->hasExternalWeakLinkage()))
      names.unknown.push_back(name);
    rename_symbol(*value, known.empty() ? full_name(name, library) : known);
  }
  return names;
}

void Libraries::note_added(const Names &names, Engine &engine) {
  for (const std::string &name : names.unknown)
    waiting_[name].insert(names.library);
  for (const std::string &name : names.defined)
    meet(name, names.library, engine);
}

void Libraries::note_defined(StringRef name, Engine &engine) { meet(name, main, engine); }

/// One name of the program becomes another one, in code that is compiled from here on; none was that uses it.
void Libraries::meet(StringRef name, std::size_t definer, Engine &engine) {
  const auto waiting = waiting_.find(name.str());
  if (waiting == waiting_.end())
    return;
  for (auto each = waiting->second.begin(); each != waiting->second.end();) {
    if (!sees(*each, definer)) {
      ++each;
      continue;
    }
    engine.compiler().rename_declaration(full_name(name, *each), full_name(name, definer));
    each = waiting->second.erase(each);
  }
  if (waiting->second.empty())
    waiting_.erase(waiting);
}

Expected<Library> Library::create(Runtime &runtime, StringRef name) {
  RuntimeImpl &impl = RuntimeImpl::of(runtime);
  const RuntimeImpl::Use use(impl);
  if (Error error = impl.refuse_in_callback())
    return error;
  if (impl.process == Process::OfProgram)
    return make_error(ErrorCode::WrongState,
                      "the program is whole: a runtime that is created without one has libraries");
  Undisturbed undisturbed;
  Lock lock(impl.engine->mutex(), after_waiting);
  auto index = impl.grown.libraries.create(name);
  if (!index)
    return index.takeError();
  return Library(runtime, *index, name.str());
}

Error Library::add_to_link_order(const Library &other) {
  if (other.runtime_ != runtime_)
    return make_error(ErrorCode::Invalid, "library '{}' is of another runtime than '{}'", other.name_, name_);
  RuntimeImpl &impl = RuntimeImpl::of(*runtime_);
  const RuntimeImpl::Use use(impl);
  if (Error error = impl.refuse_in_callback())
    return error;
  Undisturbed undisturbed;
  Lock lock(impl.engine->mutex(), after_waiting);
  impl.grown.libraries.link(index_, other.index_);
  return Error::success();
}

Expected<ModuleId> Library::add(orc::ThreadSafeModule module) {
  return RuntimeImpl::of(*runtime_).add(std::move(module), index_);
}

Expected<std::uint64_t> Library::lookup(StringRef name) {
  RuntimeImpl &impl = RuntimeImpl::of(*runtime_);
  if (Error error = impl.refuse_in_callback())
    return error;
  std::string found;
  {
    const RuntimeImpl::Use use(impl);
    Undisturbed undisturbed;
    Lock lock(impl.engine->mutex(), after_waiting);
    found = impl.grown.libraries.find(name, index_, *impl.engine);
  }
  return runtime_->lookup(found);
}

std::string Library::name_of(StringRef name) const { return Libraries::full_name(name, name_); }

} // namespace osr
