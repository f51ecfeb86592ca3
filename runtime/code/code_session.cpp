#include "runtime/code/code_session.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "runtime/code/graph_passes.h"
#include "runtime/code/library_thread_locals.h"
#include "runtime/code/link_capture.h"
#include "runtime/code/link_errors.h"
#include "runtime/code/slab_memory_manager.h"
#include "runtime/machine/processor_symbols.h"

#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h>

#include <dlfcn.h>

namespace osr {

namespace {

/// Dead names in ORC's string pool are swept once in so many unloads.
constexpr std::uint64_t unloads_per_sweep = 256;

llvm::orc::SymbolMap to_symbol_map(llvm::orc::ExecutionSession &session, llvm::ArrayRef<AbsoluteSymbol> symbols) {
  llvm::orc::SymbolMap map;
  for (const auto &[name, address] : symbols)
    map[session.intern(name)] = {llvm::orc::ExecutorAddr(address), llvm::JITSymbolFlags::Exported};
  return map;
}

} // namespace

/// Sees every graph on its way through JITLink. There is one link at a time, so one target suffices.
class CodeSession::CapturePlugin final : public llvm::orc::LinkGraphLinkingLayer::Plugin {
public:
  explicit CapturePlugin(const CodeSession &session) : session_(session) {}

  LinkedObject *target = nullptr;

  void modifyPassConfig(llvm::orc::MaterializationResponsibility &, llvm::jitlink::LinkGraph &,
                        llvm::jitlink::PassConfiguration &config) override {
    config.PrePrunePasses.push_back([this](llvm::jitlink::LinkGraph &graph) OSR_REQUIRES(session_.mutex_) {
      keep_everything(graph);
      make_near_references_direct(graph, [&](const auto &name)
                                             OSR_REQUIRES(session_.mutex_) { return session_.near_.contains(name); });
      return refuse_native_tls(graph);
    });
    config.PostFixupPasses.push_back([this](llvm::jitlink::LinkGraph &graph) {
      if (target != nullptr)
        capture(graph, *target);
      return llvm::Error::success();
    });
  }
  llvm::Error notifyFailed(llvm::orc::MaterializationResponsibility &) override { return llvm::Error::success(); }
  llvm::Error notifyRemovingResources(llvm::orc::JITDylib &, llvm::orc::ResourceKey) override {
    return llvm::Error::success();
  }
  void notifyTransferringResources(llvm::orc::JITDylib &, llvm::orc::ResourceKey, llvm::orc::ResourceKey) override {}

private:
  const CodeSession &session_;
};

CodeSession::CodeSession(std::unique_ptr<llvm::orc::ExecutorProcessControl> process, SlabArena &arena)
    : arena_(arena), session_(std::move(process)), capture_(std::make_shared<CapturePlugin>(*this)) {}

llvm::Expected<std::unique_ptr<CodeSession>> CodeSession::create(SlabArena &arena, NameSources names) {
  // In place: a link is done when link() returns, on the caller's thread.
  auto process =
      llvm::orc::SelfExecutorProcessControl::Create(nullptr, std::make_unique<llvm::orc::InPlaceTaskDispatcher>());
  if (!process)
    return process.takeError();
  std::unique_ptr<CodeSession> session(new CodeSession(std::move(*process), arena));
  if (llvm::Error error = session->set_up(std::move(names)))
    return error;
  return session;
}

llvm::Error CodeSession::set_up(NameSources names) {
  session_.setErrorReporter([this](llvm::Error error) OSR_REQUIRES(mutex_) { failures_.push_back(std::move(error)); });
  layer_ = std::make_unique<llvm::orc::ObjectLinkingLayer>(session_, std::make_unique<SlabMemoryManager>(arena_));
  layer_->addPlugin(capture_);
  process_ = &session_.createBareJITDylib("process");
  library_ = &session_.createBareJITDylib("library");
  program_ = &session_.createBareJITDylib("program");
  program_->addToLinkOrder(*library_);
  program_->addToLinkOrder(*process_);
  auto symbols = names.process ? missing_process_symbols() : processor_symbols();
  symbols.emplace_back("__emutls_get_address", reinterpret_cast<std::uint64_t>(&thread_local_address));
  if (llvm::Error error = process_->define(llvm::orc::absoluteSymbols(to_symbol_map(session_, symbols))))
    return error;
  if (names.host)
    process_->addGenerator(std::make_unique<NameGenerator>(
        [host = std::move(names.host)](llvm::StringRef name) { return host(name).value_or(0); }));
  process_->addGenerator(std::make_unique<NameGenerator>([this, everything = names.process](llvm::StringRef name) {
    return everything ? process_symbols_.find(name) : process_symbols_.find_for_generated_code(name);
  }));
  if (names.process)
    process_->addGenerator(std::make_unique<LibraryThreadLocals>());
  return llvm::Error::success();
}

CodeSession::~CodeSession() {
  llvm::consumeError(session_.endSession());
  for (llvm::Error &failure : failures_)
    llvm::consumeError(std::move(failure));
}

llvm::Expected<LinkedObject> CodeSession::link(std::unique_ptr<llvm::MemoryBuffer> object, Visibility visibility,
                                               llvm::ArrayRef<AbsoluteSymbol> own) {
  Lock lock(mutex_);
  LinkedObject linked;
  linked.name = object->getBufferIdentifier().str();
  auto graph = llvm::jitlink::createLinkGraphFromObject(object->getMemBufferRef(), session_.getSymbolStringPool());
  if (!graph)
    return link_error(linked.name, graph.takeError(), failures_);
  if (visibility == Visibility::Private)
    make_definitions_private(**graph);
  for (const auto &[name, address] : own)
    make_absolute(**graph, name, address);
  capture_->target = &linked;
  llvm::Error error = add_graph(linked, std::move(*graph), visibility);
  capture_->target = nullptr;
  if (!error)
    error = notify_link(linked);
  linked.branches = {};
  if (!error) {
    linked.lines = place_lines(read_lines(object->getMemBufferRef()), linked);
    return linked;
  }
  error = link_error(linked.name, std::move(error), failures_);
  return joinErrors(std::move(error), remove(linked));
}

llvm::Error CodeSession::add_graph(LinkedObject &object, std::unique_ptr<llvm::jitlink::LinkGraph> graph,
                                   Visibility visibility) {
  object.tracker = program_->createResourceTracker();
  llvm::orc::MaterializationUnit::Interface interface = layer_->getInterface(*graph);
  if (visibility == Visibility::Private) {
    // ORC makes what is asked for by name: give the nameless object one.
    interface.InitSymbol = session_.intern("osr.private." + std::to_string(link_count_++));
    interface.SymbolFlags[interface.InitSymbol] = llvm::JITSymbolFlags::MaterializationSideEffectsOnly;
  }
  if (interface.SymbolFlags.empty())
    return llvm::Error::success(); // defines nothing that anybody could use
  const llvm::orc::SymbolFlagsMap symbols = interface.SymbolFlags;
  if (llvm::Error error = layer_->add(object.tracker, std::move(graph), std::move(interface)))
    return error;
  return materialize(object, symbols);
}

llvm::Error CodeSession::materialize(LinkedObject &object, const llvm::orc::SymbolFlagsMap &symbols) {
  llvm::orc::SymbolLookupSet wanted;
  for (const auto &[name, flags] : symbols)
    wanted.add(name, flags.hasMaterializationSideEffectsOnly() ? llvm::orc::SymbolLookupFlags::WeaklyReferencedSymbol
                                                               : llvm::orc::SymbolLookupFlags::RequiredSymbol);
  auto found = session_.lookup({{program_, llvm::orc::JITDylibLookupFlags::MatchAllSymbols}}, std::move(wanted));
  if (!found)
    return found.takeError();
  for (const auto &[name, symbol] : *found) {
    object.exported.push_back(name);
    note_if_near(name, symbol.getAddress().getValue());
  }
  return llvm::Error::success();
}

void CodeSession::note_if_near(const llvm::orc::SymbolStringPtr &name, std::uint64_t address) {
  if (arena_.range(SlabKind::Code).begin <= address && address < arena_.range(SlabKind::Data).end)
    near_.insert(name);
}

llvm::Error CodeSession::notify_link(const LinkedObject &object) {
  for (std::size_t i = 0; i != observers_.size(); ++i)
    if (llvm::Error error = observers_[i]->on_link(object)) {
      while (i-- != 0)
        observers_[i]->on_unload(object);
      return error;
    }
  return llvm::Error::success();
}

llvm::Error CodeSession::unload(LinkedObject &object) {
  Lock lock(mutex_);
  OSR_CHECK(object.tracker != nullptr, "object {} is not loaded", object.name);
  for (std::size_t i = observers_.size(); i-- != 0;)
    observers_[i]->on_unload(object);
  return remove(object);
}

llvm::Error CodeSession::remove(LinkedObject &object) {
  if (object.tracker == nullptr)
    return llvm::Error::success();
  for (const llvm::orc::SymbolStringPtr &name : object.exported)
    near_.erase(name);
  object.exported.clear();
  llvm::Error error = object.tracker->remove();
  object.tracker = nullptr;
  if (++link_count_ % unloads_per_sweep == 0)
    session_.getSymbolStringPool()->clearDeadEntries();
  return error;
}

llvm::Expected<std::uint64_t> CodeSession::lookup(llvm::StringRef name) {
  Lock lock(mutex_);
  auto symbol = session_.lookup({{program_, llvm::orc::JITDylibLookupFlags::MatchAllSymbols},
                                 {library_, llvm::orc::JITDylibLookupFlags::MatchExportedSymbolsOnly},
                                 {process_, llvm::orc::JITDylibLookupFlags::MatchExportedSymbolsOnly}},
                                session_.intern(name));
  if (!symbol)
    return lookup_error(symbol.takeError(), failures_);
  return symbol->getAddress().getValue();
}

llvm::Error CodeSession::define_symbols(llvm::ArrayRef<AbsoluteSymbol> symbols) {
  if (symbols.empty())
    return llvm::Error::success();
  Lock lock(mutex_);
  const llvm::orc::SymbolMap map = to_symbol_map(session_, symbols);
  if (llvm::Error error = program_->define(llvm::orc::absoluteSymbols(map)))
    return lookup_error(std::move(error), failures_);
  for (const auto &[name, symbol] : map)
    note_if_near(name, symbol.getAddress().getValue());
  return llvm::Error::success();
}

llvm::Error CodeSession::define_library(llvm::ArrayRef<AbsoluteSymbol> symbols) {
  Lock lock(mutex_);
  return library_->define(llvm::orc::absoluteSymbols(to_symbol_map(session_, symbols)));
}

void CodeSession::undefine_symbols(llvm::ArrayRef<AbsoluteSymbol> symbols) {
  Lock lock(mutex_);
  llvm::orc::SymbolNameSet names;
  for (const AbsoluteSymbol &symbol : symbols) {
    const llvm::orc::SymbolStringPtr name = session_.intern(symbol.first);
    near_.erase(name);
    names.insert(name);
  }
  if (llvm::Error error = program_->remove(names))
    OSR_CHECK(false, "names cannot be taken back: {}", llvm::toString(std::move(error)));
}

void *CodeSession::open_library(const char *path) { return ::dlopen(path, RTLD_LAZY | RTLD_GLOBAL); }

llvm::Error CodeSession::add_library(const std::string &path, void *library) {
  if (library) {
    process_symbols_.add_library(library);
    return llvm::Error::success();
  }
  const char *reason = ::dlerror();
  return make_error(ErrorCode::Unknown,
                    "cannot load library {}: {} (give its full path, or add its folder to LD_LIBRARY_PATH)", path,
                    reason != nullptr ? reason : "unknown reason");
}

void CodeSession::add_observer(LinkObserver &observer) {
  Lock lock(mutex_);
  observers_.push_back(&observer);
}

} // namespace osr
