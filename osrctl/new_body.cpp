#include "osrctl/new_body.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/base/run_passes.h"
#include "compiler/canonical/struct_returns.h"
#include "osrctl/attach_words.h"
#include "osrctl/patch_hooks.h"
#include "osrctl/program_symbols.h"
#include "osrctl/recorded_flags.h"
#include "runtime/control/type_text.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/ScopeExit.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/Base64.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>

using Json = nlohmann::json; // LLVM's passes have a namespace json
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t largest_body = 1 << 20; ///< bytes, with debug information: a line of the protocol has an end

/// In the module's own words; what the front end says goes to stderr.
Expected<std::string> compile(const std::string &source, const std::string &flags) {
  const bool is_cxx = sys::path::extension(source) != ".c";
  const std::string name = fmt::format("{}-{}", is_cxx ? "clang++" : "clang", LLVM_VERSION_MAJOR);
  auto compiler = sys::findProgramByName(name);
  if (!compiler)
    return make_error("'{}' takes {}, which is not installed; give bitcode instead", source, name);
  SmallString<128> bitcode;
  if (std::error_code error = sys::fs::createTemporaryFile("osr-body", "bc", bitcode))
    return make_error("cannot make a file for bitcode: {}", error.message());
  std::vector<std::string> words{*compiler, "-O1", "-emit-llvm", "-c", "-o", bitcode.str().str()};
  append_range(words, split_words(flags)); // these count
  SmallString<256> path(source);
  if (is_contained(words, "-working-directory")) // other paths begin somewhere else
    (void)sys::fs::make_absolute(path);
  words.push_back(path.str().str());
  const std::vector<StringRef> arguments(words.begin(), words.end());
  std::string problem;
  if (sys::ExecuteAndWait(*compiler, arguments, std::nullopt, {}, 0, 0, &problem) != 0) {
    (void)sys::fs::remove(bitcode);
    return make_error("{} does not compile '{}'{}{}", name, source, problem.empty() ? "" : ": ", problem);
  }
  return bitcode.str().str();
}

} // namespace

Expected<std::unique_ptr<Module>> read_edited(LLVMContext &context, const std::string &file, const std::string &flags) {
  const StringRef kind = sys::path::extension(file);
  std::string bitcode = file;
  if (kind != ".bc" && kind != ".ll") {
    auto made = compile(file, flags);
    if (!made)
      return made.takeError();
    bitcode = *made;
  } else if (!flags.empty()) {
    return make_error("'{}' is compiled already: --flags is for sources", file);
  }
  scope_exit clean([&] {
    if (bitcode != file)
      (void)sys::fs::remove(bitcode);
  });
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIRFile(bitcode, diagnostic, context);
  if (!module)
    return make_error("cannot read '{}': {}", file, diagnostic.getMessage().str());
  return module;
}

bool is_own_constant(const GlobalValue &value) {
  const auto *variable = dyn_cast<GlobalVariable>(&value);
  return variable && variable->isConstant() && variable->hasLocalLinkage();
}

namespace {

/// Whether the module's definition means what the program has. The error: it cannot be told, or does not fit.
Expected<bool> is_the_programs(const GlobalValue &value, const Json &symbols) {
  const Json symbol = symbols.value(value.getName().str(), Json::object());
  if (is_own_constant(value))
    return false;
  if (Error error = check_which(value, symbols))
    return error;
  if (!symbol.value("defined", false))
    return false;
  const auto *function = dyn_cast<Function>(&value); // the program's are canonical
  const std::string theirs = symbol.value("type", ""),
                    ours = type_text(function ? *converted_type(*function) : *value.getValueType());
  if (theirs != ours)
    return make_error("'{}' is of type '{}' in the program, and of type '{}' in the file", value.getName().str(),
                      theirs, ours);
  return true;
}

} // namespace

bool is_surely_the_programs(const GlobalValue &value, const Json &symbols) {
  const std::string name = value.getName().str();
  if (value.hasLocalLinkage() || !isa<GlobalObject>(value) || symbol_for(name, symbols) != name)
    return false;
  auto known = is_the_programs(value, symbols);
  return known ? *known : (consumeError(known.takeError()), false); // whoever needs it hears why
}

namespace {

void declare(GlobalValue &value) {
  if (auto *function = dyn_cast<Function>(&value)) {
    function->deleteBody();
    function->setComdat(nullptr);
  } else if (auto *variable = dyn_cast<GlobalVariable>(&value)) {
    variable->setInitializer(nullptr);
    variable->setComdat(nullptr);
  }
  value.setLinkage(GlobalValue::ExternalLinkage);
}

/// A function that the program does not have becomes a part of the one that does.
void inline_everywhere(Function &helper) {
  helper.removeFnAttr(Attribute::NoInline);
  helper.removeFnAttr(Attribute::OptimizeNone);
  helper.addFnAttr(Attribute::AlwaysInline);
}

/// Callers may rely on it that what the function returns is something definite. The front end says so of what its optimiser
/// can prove; here it is made so.
void return_defined_values(Function &body) {
  for (BasicBlock &block : body)
    if (auto *end = dyn_cast<ReturnInst>(block.getTerminator()); end && end->getReturnValue())
      end->setOperand(0, IRBuilder<>(end).CreateFreeze(end->getReturnValue()));
  body.addRetAttr(Attribute::NoUndef);
}

/// Of all debug information that of the function's own variables and lines.
void keep_variables_only(Module &module, const Function &body) {
  for (DICompileUnit *unit : module.debug_compile_units()) {
    unit->replaceEnumTypes({});
    unit->replaceRetainedTypes({});
    unit->replaceGlobalVariables({});
    unit->replaceImportedEntities({});
    unit->replaceMacros({});
  }
  for (GlobalObject &object : module.global_objects())
    if (&object != &body)
      object.eraseMetadata(LLVMContext::MD_dbg);
}

SmallVector<char, 0> bitcode_of(const Module &module) {
  SmallVector<char, 0> bitcode;
  raw_svector_ostream stream(bitcode);
  WriteBitcodeToFile(module, stream);
  return bitcode;
}

void clean(Module &module) {
  PassBuilder builder;
  ModulePassManager passes;
  passes.addPass(GlobalDCEPass());
  run_passes(module, builder, std::move(passes));
}

void inline_and_clean(Module &module, const Function &body) {
  for (Function &helper : module)
    if (&helper != &body && !helper.isDeclaration())
      inline_everywhere(helper);
  PassBuilder builder;
  ModulePassManager passes;
  passes.addPass(AlwaysInlinerPass());
  passes.addPass(GlobalDCEPass());
  run_passes(module, builder, std::move(passes));
}

} // namespace

Error leave_with_helpers(ArrayRef<Function *> kept, const Json &symbols) {
  Module &module = *kept.front()->getParent();
  for (const char *list : {"llvm.used", "llvm.compiler.used", "llvm.global_ctors", "llvm.global_dtors"})
    if (GlobalVariable *variable = module.getNamedGlobal(list))
      variable->eraseFromParent();
  if (!module.alias_empty() || !module.ifunc_empty() || !module.getModuleInlineAsm().empty())
    return make_error("the file has aliases, ifuncs or module-level assembly");
  std::vector<GlobalObject *> objects;
  for (GlobalObject &object : module.global_objects())
    if (!is_contained(kept, &object) && !object.isDeclaration())
      objects.push_back(&object);
  for (Function *function : kept) {
    function->setLinkage(GlobalValue::ExternalLinkage);
    function->setComdat(nullptr);
  }
  for (GlobalObject *object : objects) {
    auto known = is_the_programs(*object, symbols);
    if (!known && object->hasLocalLinkage() && object->use_empty()) {
      consumeError(known.takeError()); // nobody asks
      continue;
    }
    if (!known)
      return known.takeError();
    if (*known) {
      declare(*object);
      if (Error error = use_symbol_of(*object, symbols))
        return error;
    } else if (isa<Function>(object) ||
               !object->hasLocalLinkage()) { // if something that is kept uses it, it is a new one
      object->setLinkage(GlobalValue::InternalLinkage);
      object->setComdat(nullptr);
    }
  }
  clean(module);
  return Error::success();
}

Error leave_alone(Function &body, const Json &symbols) {
  if (Error error = leave_with_helpers({&body}, symbols))
    return error;
  Module &module = *body.getParent();
  inline_and_clean(module, body);
  for (const Function &left : module)
    if (&left != &body && !left.isDeclaration())
      return make_error("the program does not have '{}', and it cannot be inlined into '{}'", left.getName().str(),
                        body.getName().str());
  if (symbols[body.getName().str()].value("returns_defined_values", false) && !body.hasRetAttribute(Attribute::NoUndef))
    return_defined_values(body);
  keep_variables_only(module, body);
  return Error::success();
}

std::string to_base64(Module &module) {
  SmallVector<char, 0> bitcode = bitcode_of(module);
  if (bitcode.size() > largest_body) {
    StripDebugInfo(module); // activations go on in bodies of the same shape only
    bitcode = bitcode_of(module);
  }
  return encodeBase64(StringRef(bitcode.data(), bitcode.size()));
}

Expected<std::unique_ptr<Module>> module_from_base64(LLVMContext &context, const std::string &base64,
                                                     const std::string &name) {
  std::vector<char> ir;
  if (Error error = decodeBase64(base64, ir))
    return make_error("'{}' did not come as base64: {}", name, toString(std::move(error)));
  const std::unique_ptr<MemoryBuffer> text = MemoryBuffer::getMemBufferCopy(StringRef(ir.data(), ir.size()), name);
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIR(*text, diagnostic, context);
  if (!module)
    return make_error("cannot read '{}': {}", name, diagnostic.getMessage().str());
  return module;
}

Expected<Json> prepare_new_body(ControlConnection &connection, Json parameters) {
  const std::string file = parameters.value("file", ""), symbol = parameters.value("function", "");
  if (file.empty())
    return make_error("'redefine' takes a file with the function's new body: C, C++, IR or bitcode");
  auto flags = flags_for(connection, file, parameters.value("flags", ""));
  if (!flags)
    return flags.takeError();
  parameters.erase("file");
  parameters.erase("flags");
  LLVMContext context;
  const DiagnosticScope diagnostics(context);
  auto module = read_edited(context, file, *flags);
  if (!module)
    return module.takeError();
  const std::string name = (*module)->getFunction(symbol) ? symbol : without_number(symbol);
  Function *body = (*module)->getFunction(name);
  if (!body || body->isDeclaration())
    return make_error("'{}' does not define '{}'", file, symbol);
  auto symbols = symbols_of(connection, **module);
  if (!symbols)
    return symbols.takeError();
  if (!symbols->value(name, Json::object()).value("defined", false))
    return make_error("there is no function '{}' in the program; 'functions' lists them", name);
  if (Error error = check_which(*body, *symbols))
    return error;
  auto hooks = hooks_in(**module, parameters, *symbols); // before what they need is gone
  if (!hooks)
    return hooks.takeError();
  if (Error error = leave_alone(*body, *symbols))
    return error;
  if (name != symbol && symbol_for(name, *symbols) != symbol)
    return make_error("the '{}' of '{}' is another one than '{}'", name, file, symbol);
  if (Error error = use_symbol_of(*body, *symbols))
    return error;
  parameters["function"] = body->getName().str();
  if (*hooks) {
    if (Error error = check_nothing_shared(**module, **hooks))
      return error;
    parameters["hooks"] = to_base64(**hooks);
  }
  parameters["ir"] = to_base64(**module);
  return parameters;
}

} // namespace osr
