// Local objects of replaceable functions: they lie in frames of their own.
//
// A replaceable frame holds values only; so it can be moved, split and rebuilt, and a pointer to an object stays good.
// Objects whose address is taken lie in the frame of a *holder* between the caller and the body. It is never replaced,
// and returns what the body returns:
//
//        caller                                call F
//      +-----------------------------+
//      | return PC, what callers     |     F's entry jumps to the holder, which makes room and calls the body
//      | have in registers           |
//      | objects of F, and of what   |
//      | was inlined into it: *area* |
//      | copy of F's arguments on    |
//      | the stack, if there are any |
//      +-----------------------------+ <- CFA of the body
//      | return PC into the holder   |
//      | values of F                 |     replaceable: baseline, optimised and continuation bodies take turns here
//      +-----------------------------+
//
// So objects lie where natively they would: between the frames of the caller and of whom F calls, on whatever stack
// the thread is running on, and longjmp and exceptions give them back without knowing of them.
//
// Canonical IR says this with calls, which the tiers lower after optimisation (lower_objects.h):
//
//      %frame = call ptr @osr.object.push(i64 size, i64 align)            size is a multiple of 16, align >= 16
//      %obj   = call noalias ptr @osr.object.address(ptr %frame, i64 offset)
//               call void @osr.object.expose(ptr %obj)
//               call void @osr.object.pop(ptr %frame)                     the objects are dead
//
// All are declared as reading and writing inaccessible memory. For the address that is on purpose more than it does:
// it must never be duplicated, or moved away from its push. Two noalias results for one object would be a lie, and the
// optimiser would believe it.
//
// Exposing: an object whose address does not escape looks to the optimiser as if no call could read it, so it would
// forward what was stored and delete the store. But at a site the frame may be replaced by one whose code reads the
// object. `expose` lets the address escape: from then on every call counts as a reader.
//
// Frame states never contain object addresses (is_object_address): a landing computes them again from %frame, which is
// an ordinary value. Where a frame state is taken, a live object address therefore counts as a use of its frame.
#pragma once

#include "osr-stubs/frame_words.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>

namespace osr {

/// Names of the operations.
inline constexpr const char *object_push = "osr.object.push";
inline constexpr const char *object_address = "osr.object.address";
inline constexpr const char *object_expose = "osr.object.expose";
inline constexpr const char *object_pop = "osr.object.pop";
/// Two more concern the thread's stack of state buffers, from which a continuation takes its values: its top now, and
/// the top from now on.
inline constexpr const char *buffers_save = "osr.buffers.save";
inline constexpr const char *buffers_restore = "osr.buffers.restore";

/// Metadata of an address, where a program's variables are looked at: as DIAssignID at the instruction that made the
/// object.
inline constexpr const char *object_assignment = "osr.object.assignment";

/// Metadata of an alloca: where it has to lie, for it is the same object as one of another body.
inline constexpr const char *object_offset = "osr.object.offset";

/// Every object frame begins at a multiple of this.
inline constexpr std::uint64_t object_frame_align = call_alignment;

/// Declares the operation `name` in `module`, or finds it there.
llvm::Function *declare_object_operation(llvm::Module &module, llvm::StringRef name);

/// A call of the operation `name`, or null.
llvm::CallInst *as_object_operation(llvm::Value *value, llvm::StringRef name);

/// The result of osr.object.push: an ordinary value for frame states.
bool is_object_frame(const llvm::Value *value);

/// The result of osr.object.address.
bool is_object_address(const llvm::Value *value);

/// Parts of an object address; `object` must be one.
llvm::Value *frame_of_object(const llvm::Value *object);
std::uint64_t offset_of_object(const llvm::Value *object);

/// The address of `object` again, from `frame`, for code that goes on with an object frame which other code pushed.
/// Not noalias: pointers to the object may already be anywhere.
llvm::CallInst *recompute_object_address(const llvm::CallInst &object, llvm::Value &frame,
                                         llvm::IRBuilderBase &builder);

} // namespace osr
