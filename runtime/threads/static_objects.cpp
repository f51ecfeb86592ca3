#include "runtime/threads/static_objects.h"

#include <atomic>

namespace osr {
namespace {

constinit std::atomic<bool> can_stay = false, stay = false;

} // namespace

bool keep_static_objects() {
  stay = can_stay.load();
  return stay;
}

bool static_objects_stay() { return stay; }

void set_static_objects_can_stay() { can_stay = true; }

} // namespace osr
