#include "runtime/code/perf_dump.h"

#include "compiler/base/error.h"

#include <llvm/ExecutionEngine/Orc/Shared/PerfSharedStructs.h>
#include <llvm/ExecutionEngine/Orc/Shared/WrapperFunctionUtils.h>
#include <llvm/ExecutionEngine/Orc/TargetProcess/JITLoaderPerf.h>

#include <atomic>
#include <unistd.h>

using namespace llvm;
using namespace llvm::orc;

namespace osr {
namespace {

std::atomic<pid_t> dumped_process = 0;
std::atomic<std::uint64_t> next_index = 0;

PerfJITCodeLoadRecord record_of(const DebugSymbol &symbol) {
  constexpr std::uint32_t fixed_size = 2 * 4 + 8 + 2 * 4 + 4 * 8; // of the format: with the prefix and its time stamp
  PerfJITCodeLoadRecord record;
  record.Prefix = {PerfJITRecordType::JIT_CODE_LOAD, std::uint32_t(fixed_size + symbol.name.size() + 1 + symbol.size)};
  record.Pid = std::uint32_t(getpid());
  record.Tid = std::uint32_t(gettid());
  record.Vma = record.CodeAddr = symbol.address;
  record.CodeSize = symbol.size;
  record.CodeIndex = next_index++;
  record.Name = symbol.name;
  return record;
}

} // namespace

Error open_perf_dump() {
  Error result = Error::success();
  if (Error error = shared::WrapperFunction<shared::SPSError()>::call(
          [](const char *data, std::size_t size) {
            return shared::WrapperFunctionBuffer(llvm_orc_registerJITLoaderPerfStart(data, size));
          },
          result))
    return joinErrors(std::move(error), std::move(result));
  if (result)
    return make_error("cannot write a dump for perf: {}; JITDUMPDIR names the folder", toString(std::move(result)));
  dumped_process = getpid();
  return Error::success();
}

void note_in_perf_dump(const DebugCode &code) {
  if (dumped_process.load(std::memory_order_relaxed) != getpid())
    return;
  PerfJITRecordBatch batch{};
  for (const DebugSymbol &symbol : code.symbols)
    if (symbol.size != 0)
      batch.CodeLoadRecords.push_back(record_of(symbol));
  Error result = Error::success();
  consumeError(shared::WrapperFunction<shared::SPSError(shared::SPSPerfJITRecordBatch)>::call(
      [](const char *data, std::size_t size) {
        return shared::WrapperFunctionBuffer(llvm_orc_registerJITLoaderPerfImpl(data, size));
      },
      result, batch));
  consumeError(std::move(result)); // a full disk costs names only
}

} // namespace osr
