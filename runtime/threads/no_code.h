// For walks that ask nothing of the frames of compiled code.
#pragma once

#include "runtime/stack/code_lookup.h"

namespace osr {

/// All code is others' to this walk.
class NoCode final : public CodeLookup {
public:
  CodeView find_code(std::uintptr_t) const override { return {}; }
  CodeView view_of(const CodeObject &) const override { return {}; }
  std::optional<std::int32_t> site_cfa_from_sp(const CodeObject &, std::uintptr_t) const override { return {}; }
};
class NoStubs final : public StubLookup {
public:
  std::optional<StubSite> stub_site(std::uintptr_t) const override { return {}; }
  std::optional<InterruptedStub> stub_around(std::uintptr_t) const override { return {}; }
};

} // namespace osr
