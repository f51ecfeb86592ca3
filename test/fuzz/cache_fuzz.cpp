// libFuzzer entry of the compile cache's file: any bytes either are entries, which make the same file again, or an error; and any text is
// a report of code generation or an error. Run: cache_fuzz -max_len=4096 test/fuzz/corpus/cache
#include "compiler/base/check.h"
#include "compiler/codegen/codegen_report.h"
#include "runtime/engine/compile_cache_file.h"

#include <cstddef>
#include <cstdint>

using namespace osr;

namespace {

void read_file(const std::string &file) {
  std::string again = llvm::cantFail(begin_cache_file());
  const std::size_t beginning = again.size();
  llvm::Error error = read_cache_file(
      file, [&](const CompileCache::Key &key, llvm::StringRef bytes) { add_to_cache_file(again, key, bytes); });
  if (!error && again.size() > beginning)
    OSR_CHECK(again == file, "{} bytes were written as {}", file.size(), again.size());
  if (error)
    OSR_CHECK(again.size() == beginning, "{} bytes of a damaged file were used", again.size() - beginning);
  llvm::consumeError(std::move(error));
}

void read_report(llvm::StringRef text) {
  llvm::Expected<CodegenReport> report = report_from_json(text);
  if (!report)
    return llvm::consumeError(report.takeError());
  OSR_CHECK(llvm::cantFail(report_from_json(to_json(*report))) == *report, "a report is another one behind its text");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const llvm::StringRef input(reinterpret_cast<const char *>(data), size);
  read_file(input.str());
  read_file(llvm::cantFail(begin_cache_file()) + input.str());
  read_report(input);
  return 0;
}
