// What a site says of the front end's place there (compiler/canonical/points.h).
#pragma once

#include "compiler/base/site.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/InstrTypes.h>

#include <optional>

namespace osr {

/// The values that its point names, of types that are kept; a frame state at the call has to have them.
llvm::SmallVector<llvm::Value *, 8> point_values(llvm::CallBase &call);

/// Nothing: the call is no point. `state` is the frame state there.
std::optional<Point> describe_point(llvm::CallBase &call, llvm::ArrayRef<llvm::Value *> state);

/// Where a value is while a call runs at which `state` is the frame state.
PointValue describe_value(llvm::Value &value, llvm::ArrayRef<llvm::Value *> state, const llvm::DataLayout &layout);

} // namespace osr
