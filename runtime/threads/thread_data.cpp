#include "runtime/threads/thread_data.h"

#include "compiler/base/address_of.h"

#include <array>
#include <atomic>
#include <climits>
#include <pthread.h>
#include <threads.h>

namespace osr {
namespace {

using Destructor = void (*)(void *);

/// By key; null where the program has none.
std::array<std::atomic<Destructor>, PTHREAD_KEYS_MAX> destructors;

int program_pthread_key_create(pthread_key_t *key, Destructor destructor) {
  int error = pthread_key_create(key, nullptr);
  if (error == 0)
    destructors[*key].store(destructor, std::memory_order_release);
  return error;
}

int program_pthread_key_delete(pthread_key_t key) {
  if (key < destructors.size())
    destructors[key].store(nullptr, std::memory_order_release);
  return pthread_key_delete(key);
}

int program_tss_create(tss_t *key, tss_dtor_t destructor) {
  return program_pthread_key_create(key, destructor) == 0 ? thrd_success : thrd_error;
}

void program_tss_delete(tss_t key) { program_pthread_key_delete(key); }

/// Whether there was any value to destroy.
bool run_one_round(ProgramThread &self) {
  bool any = false;
  for (pthread_key_t key = 0; key < destructors.size(); ++key) {
    Destructor destructor = destructors[key].load(std::memory_order_acquire);
    void *value = destructor ? pthread_getspecific(key) : nullptr;
    if (!value)
      continue;
    any = true;
    pthread_setspecific(key, nullptr);
    enter(self, reinterpret_cast<std::uint64_t>(destructor), reinterpret_cast<std::uint64_t>(value));
  }
  return any;
}

} // namespace

std::vector<AbsoluteSymbol> thread_data_symbols() {
  return {{"pthread_key_create", address_of(program_pthread_key_create)},
          {"pthread_key_delete", address_of(program_pthread_key_delete)},
          {"tss_create", address_of(program_tss_create)},
          {"tss_delete", address_of(program_tss_delete)}};
}

void destroy_thread_data(ProgramThread &self) {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS && run_one_round(self); ++round)
    ;
}

} // namespace osr
