// What debuggers are told of stubs.
#include "runtime/engine/stub_factory.h"

using namespace llvm;

namespace osr {

void StubFactory::tell_debuggers(Stub &stub, SiteId site) {
  stub.symbol = {"osr_stub:" + versions_.program().functions[site.function].name + "#" + std::to_string(site.index),
                 stub.memory.address, stub.memory.size};
  const auto eh_frame = reinterpret_cast<std::uint64_t>(stub.eh_frame.data());
  stub.debugger = DebuggerRegistration(
      DebugCode{stub.memory.address, stub.memory.size, {&stub.symbol, 1}, stub.eh_frame, eh_frame});
  if (versions_.site_describer())
    tell_of_site(stub);
}

/// A frame that waits is the one that it was, and its PC is the entry.
void StubFactory::tell_of_site(Stub &stub) {
  const std::optional<DebugSites> sites =
      versions_.site_describer()->describe(*stub.stub.from, stub.stub.original_pc, stub.stub.entry_pc);
  if (!sites)
    return;
  const auto eh_frame = reinterpret_cast<std::uint64_t>(stub.eh_frame.data());
  stub.debugger.tell_anew(DebugCode{stub.memory.address,
                                    stub.memory.size,
                                    {&stub.symbol, 1},
                                    stub.eh_frame,
                                    eh_frame,
                                    /*lines=*/nullptr,
                                    &*sites});
}

void StubFactory::describe_sites() {
  for (auto &[key, stub] : stubs_)
    tell_of_site(stub);
  for (auto &node : retired_)
    tell_of_site(node.mapped());
}

} // namespace osr
