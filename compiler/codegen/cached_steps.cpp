#include "compiler/codegen/cached_steps.h"

#include "compiler/codegen/move_module.h"
#include "compiler/tiers/optimize.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Support/BLAKE3.h>
#include <llvm/Support/Endian.h>

using namespace llvm;

namespace osr {
namespace {

/// All that the result of a step depends on, but for the build of LLVM and of this library.
CompileCache::Key key_of(StringRef step, const CodeGenerator &generator, StringRef module) {
  BLAKE3 hash;
  hash.update(step);
  hash.update(StringRef("\0", 1));
  hash.update(generator.identity());
  hash.update(StringRef("\0", 1));
  hash.update(module);
  return hash.final<std::tuple_size_v<CompileCache::Key>>();
}

StringRef text_of(const SmallVector<char, 0> &bytes) { return {bytes.data(), bytes.size()}; }

/// An object with its report: the report's size, the report, the object.
std::string to_bytes(const CodegenReport &report, StringRef object) {
  const std::string text = to_json(report);
  std::string bytes(sizeof(std::uint64_t), '\0');
  support::endian::write64le(bytes.data(), text.size());
  return bytes + text + object.str();
}

/// Nothing: it is none.
std::optional<CachedSteps::Emitted> from_bytes(StringRef bytes, StringRef name) {
  if (bytes.size() < sizeof(std::uint64_t))
    return std::nullopt;
  const std::uint64_t size = support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(sizeof(std::uint64_t));
  if (size > bytes.size())
    return std::nullopt;
  auto report = report_from_json(bytes.take_front(size));
  if (!report) {
    consumeError(report.takeError());
    return std::nullopt;
  }
  return CachedSteps::Emitted{MemoryBuffer::getMemBufferCopy(bytes.drop_front(size), name), std::move(*report), true};
}

/// In the same context. False: it cannot be, and `module` is as it was. A program may have metadata that LLVM writes and does not take
/// back.
bool read_again(std::unique_ptr<Module> &module, StringRef bitcode) {
  auto read = parseBitcodeFile(MemoryBufferRef(bitcode, module->getModuleIdentifier()), module->getContext());
  if (!read) {
    consumeError(read.takeError());
    return false;
  }
  module = std::move(*read);
  return true;
}

} // namespace

Error CachedSteps::optimize(std::unique_ptr<Module> &module, CodeGenerator &generator,
                            const CanonicalProgram *verify_with) const {
  if (!cache_ || verify_with)
    return osr::optimize(*module, generator.machine(), verify_with);
  const CompileCache::Key key = key_of("optimize", generator, text_of(to_bitcode(*module)));
  if (auto known = cache_->find(key); known && read_again(module, known->getBuffer()))
    return Error::success();
  if (Error error = osr::optimize(*module, generator.machine(), verify_with))
    return error;
  const SmallVector<char, 0> optimized = to_bitcode(*module);
  // Read again although it is there: what becomes of it must not depend on whether it was known. LLVM's order of uses is not written.
  if (read_again(module, text_of(optimized)))
    cache_->put(key, text_of(optimized));
  return Error::success();
}

Expected<CachedSteps::Emitted> CachedSteps::emit_anew(Module &module, CodeGenerator &generator) {
  Emitted emitted;
  auto object = generator.emitter().emit(module, emitted.report);
  if (!object)
    return object.takeError();
  emitted.object = std::move(*object);
  return emitted;
}

Expected<CachedSteps::Emitted> CachedSteps::emit(Module &module, CodeGenerator &generator) const {
  if (!cache_)
    return emit_anew(module, generator);
  const CompileCache::Key key = key_of("emit", generator, text_of(to_bitcode(module)));
  if (auto known = cache_->find(key))
    if (auto emitted = from_bytes(known->getBuffer(), module.getName()))
      return std::move(*emitted);
  auto emitted = emit_anew(module, generator);
  if (emitted)
    cache_->put(key, to_bytes(emitted->report, emitted->object->getBuffer()));
  return emitted;
}

} // namespace osr
