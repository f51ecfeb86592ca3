// The object stack: where the local objects of replaceable functions live.
//
// A replaceable frame holds values only. Objects whose address is taken live on a second stack, one per machine stack,
// which grows down from `osr_object_stack_top` (thread-local). So frames can be moved, split and rebuilt, and a pointer
// to an object stays good. A function with objects pushes one *object frame* at entry and pops it before it returns:
//
//        older object frames
//      +-----------------------------+ <- top before the push
//      | objects, largest alignment  |
//      | first                       |
//      | (align > 16 only: 8 bytes   |    offset 0: the top before the push, for it cannot be computed
//      |  with the old top)          |    from the frame when the push had to align downwards
//      +-----------------------------+ <- %frame = the new top, a multiple of max(align, 16)
//      | dynamic objects (alloca)    |
//      +-----------------------------+ <- top while dynamic objects exist
//
// Canonical IR says this with calls, which the tiers lower after optimisation:
//
//      %frame = call ptr @osr.object.push(i64 size, i64 align)            size is a multiple of 16, align >= 16
//      %obj   = call noalias ptr @osr.object.address(ptr %frame, i64 offset)
//               call void @osr.object.expose(ptr %obj)
//      %dyn   = call noalias ptr @osr.object.alloca(i64 bytes, i64 align)
//      %top   = call ptr @osr.object.save()                               llvm.stacksave, setjmp, landing pads
//               call void @osr.object.restore(ptr %top)
//               call void @osr.object.pop(ptr %frame, i64 size, i64 align)   frees dynamic objects too
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

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>

namespace osr {

/// Names of the operations.
inline constexpr const char *object_push = "osr.object.push";
inline constexpr const char *object_address = "osr.object.address";
inline constexpr const char *object_expose = "osr.object.expose";
inline constexpr const char *object_pop = "osr.object.pop";
inline constexpr const char *object_alloca = "osr.object.alloca";
inline constexpr const char *object_save = "osr.object.save";
inline constexpr const char *object_restore = "osr.object.restore";

/// Every object frame and every dynamic object begins at a multiple of this.
inline constexpr std::uint64_t object_stack_align = 16;

/// Bytes at offset 0 of an over-aligned object frame that hold the top before the push.
inline constexpr std::uint64_t object_frame_link_size = 8;

/// LLVM's x86 address space for fs-relative addresses: those of the thread.
inline constexpr unsigned fs_segment = 257;

/// Declares the operation `name` in `module`, or finds it there.
llvm::Function *declare_object_operation(llvm::Module &module, llvm::StringRef name);

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

/// Replaces all operations by code on the thread-local top of stack at `fs:tls_offset`. Run it once, after all
/// optimisation; afterwards no operation and no declaration of one is left. Frames of which nothing is used any more
/// are not pushed at all.
///
/// The top is accessed volatile, and it moves before new memory is used and after old memory was used for the last
/// time: a signal handler may run on this thread at any moment and use what lies below.
void lower_object_stack(llvm::Module &module, std::int64_t tls_offset);

} // namespace osr
