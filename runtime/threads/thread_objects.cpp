#include "runtime/threads/thread_objects.h"

#include "compiler/base/check.h"
#include "runtime/threads/program_thread.h"
#include "runtime/threads/undisturbed.h"

#include <memory>
#include <utility>

extern "C" {
extern void *__dso_handle; // names this executable
int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *library);
}

namespace osr {
namespace {

using Destructor = void (*)(void *);

struct ThreadObject {
  Destructor destructor; ///< null: has been called
  void *address;
  ThreadObject *older;
};

constinit thread_local ThreadObject *newest = nullptr;

void destroy(ThreadObject &object) {
  Destructor destructor = std::exchange(object.destructor, nullptr);
  if (!destructor)
    return;
  ProgramThread of_foreign_thread;
  ProgramThread *self = ThreadRegistry::current();
  enter(self ? *self : of_foreign_thread, reinterpret_cast<std::uint64_t>(destructor),
        reinterpret_cast<std::uint64_t>(object.address));
}

/// Called by the C library, for the newest first.
void at_thread_end(void *argument) {
  std::unique_ptr<ThreadObject> object(static_cast<ThreadObject *>(argument));
  OSR_CHECK(newest == object.get(), "thread-local object at {} ends before a newer one at {}", object->address,
            newest ? newest->address : nullptr);
  newest = object->older;
  destroy(*object);
}

int program_cxa_thread_atexit(Destructor destructor, void *address, void *) {
  Undisturbed undisturbed;
  newest = new ThreadObject{destructor, address, newest};
  return __cxa_thread_atexit_impl(at_thread_end, newest, &__dso_handle);
}

} // namespace

std::vector<AbsoluteSymbol> thread_object_symbols() {
  const auto address = reinterpret_cast<std::uint64_t>(program_cxa_thread_atexit);
  return {{"__cxa_thread_atexit", address}, {"__cxa_thread_atexit_impl", address}};
}

void destroy_thread_objects() {
  for (ThreadObject *object = newest; object != nullptr;) {
    const bool was_destroyed = !object->destructor;
    destroy(*object);
    object = was_destroyed ? object->older : newest; // a destructor may make further objects
  }
}

void forget_thread_objects() {
  for (ThreadObject *object = newest; object != nullptr; object = object->older)
    object->destructor = nullptr;
}

} // namespace osr
