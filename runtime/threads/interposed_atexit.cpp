// Registers static objects so that those of the compiler can stay when the process ends (static_objects.h). Linked into
// executables that want this; they have to export their symbols.
#include "runtime/process/in_library.h"
#include "runtime/threads/static_objects.h"

#include <llvm-c/Core.h>

#include <cstdint>

namespace {

/// A static object's destructor, as its library registers it.
struct StaticObject {
  void (*destructor)(void *);
  void *object;
};

void destroy(void *argument) {
  const auto *registered = static_cast<const StaticObject *>(argument);
  if (!osr::static_objects_stay())
    registered->destructor(registered->object);
}

struct Range {
  std::uintptr_t begin = 0, end = 0;
  bool contains(const void *place) const {
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    return address >= begin && address < end;
  }
};

/// That may be this executable, whose own objects then stay with the compiler's.
Range compilers_library() {
  dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void *>(&LLVMContextCreate), &found) != 0)
    return {};
  return {reinterpret_cast<std::uintptr_t>(found.dlfo_map_start), reinterpret_cast<std::uintptr_t>(found.dlfo_map_end)};
}

} // namespace

/// `library`: the __dso_handle of whoever calls. What somebody registers by atexit() has no object and is no destructor.
extern "C" int __cxa_atexit(void (*destructor)(void *), void *object, void *library) noexcept {
  static const auto next = osr::in_library(&__cxa_atexit, "__cxa_atexit");
  static const Range compiler = compilers_library();
  if (!object || !compiler.contains(library))
    return next(destructor, object, library);
  osr::set_static_objects_can_stay();
  return next(destroy, new StaticObject{destructor, object}, library);
}
