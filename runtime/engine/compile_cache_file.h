// How a compile cache lies in a file, least recently used first. Numbers are little-endian.
//
//     bytes   what
//     8       "osrcache"
//     32      build_identity()
//             then for each entry
//     32      its key
//     8       n
//     8       XXH3 of what follows, 64 bits (https://xxhash.com)
//     n       what was put
#pragma once

#include "osr/compile_cache.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <string>

namespace osr {

using CompileCacheVisitor = llvm::function_ref<void(const CompileCache::Key &key, llvm::StringRef bytes)>;

/// The beginning of a file of this build; the error says why there can be none.
llvm::Expected<std::string> begin_cache_file();
void add_to_cache_file(std::string &file, const CompileCache::Key &key, llvm::StringRef bytes);

/// Visits all entries, or none if the file is of another build. The error says what is wrong, and then none is visited either.
llvm::Error read_cache_file(llvm::StringRef file, CompileCacheVisitor visit);

/// The whole file, if nobody but this user can have written it; null if there is none.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> open_cache_file(const std::string &path);
/// In place of what is there, at once. The error says what is there instead, if it is no compile cache of this user's, or what went wrong.
llvm::Error replace_cache_file(const std::string &path, llvm::StringRef file);

} // namespace osr
