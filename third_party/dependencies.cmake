# Finds what the project links against. Each message names the Debian package that provides it.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)

function(osr_need found package what)
  if(NOT ${found})
    message(FATAL_ERROR "${what} was not found. On Debian: apt-get install ${package}")
  endif()
endfunction()

find_package(LLVM CONFIG QUIET) # its version file accepts one minor version only, so ask for the major one here
if(LLVM_VERSION_MAJOR EQUAL 22)
  set(OSR_LLVM_FOUND TRUE)
endif()
osr_need(OSR_LLVM_FOUND llvm-22-dev "LLVM 22")
if(OSR_LLVM_INSIDE) # what its archives refer to
  osr_need(ZLIB_FOUND zlib1g-dev "zlib")
  osr_need(zstd_FOUND libzstd-dev "zstd")
  osr_need(LibEdit_FOUND libedit-dev "libedit")
endif()
add_library(osr_llvm INTERFACE)
target_include_directories(osr_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
# LLVM's shared library, unless an executable has the property OSR_LLVM_INSIDE: what it uses of LLVM becomes a part of that.
llvm_map_components_to_libnames(OSR_LLVM_PARTS analysis bitreader bitwriter codegen core debuginfodwarf irreader lineeditor linker
  native orcjit passes)
set(llvm_inside $<BOOL:$<TARGET_PROPERTY:OSR_LLVM_INSIDE>>)
target_link_libraries(osr_llvm INTERFACE "$<IF:${llvm_inside},${OSR_LLVM_PARTS},LLVM>")
target_link_directories(osr_llvm INTERFACE ${LLVM_LIBRARY_DIRS})

find_path(LIBUNWIND_INCLUDE libunwind.h)
find_library(LIBUNWIND_LIBRARY unwind)
osr_need(LIBUNWIND_LIBRARY libunwind-dev "nongnu libunwind")
# libgcc_s first: libunwind also defines _Unwind_*, and exceptions of the host must keep using libgcc's.
add_library(osr_libunwind INTERFACE)
target_include_directories(osr_libunwind SYSTEM INTERFACE ${LIBUNWIND_INCLUDE})
target_link_libraries(osr_libunwind INTERFACE gcc_s ${LIBUNWIND_LIBRARY})

find_path(ASMJIT_INCLUDE asmjit/x86.h)
find_library(ASMJIT_LIBRARY asmjit)
osr_need(ASMJIT_LIBRARY libasmjit-dev "asmjit")
add_library(osr_asmjit INTERFACE)
target_include_directories(osr_asmjit SYSTEM INTERFACE ${ASMJIT_INCLUDE})
target_link_libraries(osr_asmjit INTERFACE ${ASMJIT_LIBRARY})

find_path(MIMALLOC_INCLUDE mimalloc.h)
find_library(MIMALLOC_LIBRARY mimalloc)
osr_need(MIMALLOC_LIBRARY libmimalloc-dev "mimalloc")
add_library(osr_mimalloc INTERFACE)
target_include_directories(osr_mimalloc SYSTEM INTERFACE ${MIMALLOC_INCLUDE})
target_link_libraries(osr_mimalloc INTERFACE ${MIMALLOC_LIBRARY})

find_package(fmt QUIET)
osr_need(fmt_FOUND libfmt-dev "fmt")
find_package(nlohmann_json 3.11 QUIET)
osr_need(nlohmann_json_FOUND nlohmann-json3-dev "nlohmann-json")
if(NOT PROJECT_IS_TOP_LEVEL) # the rest is for tools, tests and benchmarks
  return()
endif()
find_package(CLI11 QUIET)
osr_need(CLI11_FOUND libcli11-dev "CLI11")
find_package(Catch2 QUIET)
osr_need(Catch2_FOUND catch2 "Catch2")
find_package(benchmark QUIET)
osr_need(benchmark_FOUND libbenchmark-dev "Google Benchmark")
