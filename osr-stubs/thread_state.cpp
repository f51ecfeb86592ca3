#include "osr-stubs/thread_state.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/vfork.h"

#include <llvm/Support/Errno.h>

#include <sys/mman.h>
#include <unistd.h>
#include <utility>

constinit thread_local char *osr_object_stack_top = nullptr; // C linkage and TLS model: see the header
constinit thread_local std::uint32_t osr_vforks = 0;

namespace osr {

namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

} // namespace

std::int64_t thread_pointer_offset(const void *variable) {
  return reinterpret_cast<std::int64_t>(variable) - thread_pointer();
}

std::int64_t object_stack_tls_offset() { return thread_pointer_offset(&osr_object_stack_top); }

llvm::Expected<ObjectStack> ObjectStack::reserve(std::size_t bytes) {
  const std::size_t page = page_bytes();
  const std::size_t mapped = (bytes + page - 1) / page * page + page;
  void *mapping = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return make_error(ErrorCode::NoMemory,
                      "cannot reserve {} bytes of address space for an object stack: {}; raise the limit (ulimit -v)",
                      mapped, llvm::sys::StrError());
  ObjectStack stack(static_cast<char *>(mapping), mapped);
  if (mprotect(stack.limit(), mapped - page, PROT_READ | PROT_WRITE) != 0)
    return make_error(ErrorCode::NoMemory,
                      "cannot make the {} bytes of an object stack writable: {}; free memory or allow overcommit",
                      mapped - page, llvm::sys::StrError());
  madvise(mapping, mapped, MADV_DONTDUMP); // values on their way: core files can do without
  return stack;
}

ObjectStack::ObjectStack(ObjectStack &&other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)), mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      previous_top_(other.previous_top_), installed_(std::exchange(other.installed_, false)) {}

ObjectStack &ObjectStack::operator=(ObjectStack &&other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(previous_top_, other.previous_top_);
  std::swap(installed_, other.installed_);
  return *this;
}

ObjectStack::~ObjectStack() {
  if (installed_)
    uninstall();
  if (mapping_)
    munmap(mapping_, mapped_bytes_);
}

char *ObjectStack::limit() const { return mapping_ + page_bytes(); }

void ObjectStack::install() {
  OSR_CHECK(mapping_ && !installed_, "object stack at {} is already installed or was moved away",
            static_cast<void *>(mapping_));
  previous_top_ = std::exchange(osr_object_stack_top, base());
  installed_ = true;
}

void ObjectStack::uninstall() {
  OSR_CHECK(installed_ && osr_object_stack_top >= limit() && osr_object_stack_top <= base(),
            "object stack {}..{} is not this thread's: its top is {}", static_cast<void *>(limit()),
            static_cast<void *>(base()), static_cast<void *>(osr_object_stack_top));
  osr_object_stack_top = previous_top_;
  installed_ = false;
}

} // namespace osr
