#!/bin/sh
# Makes corpus/stackmap from seeds/*.ll: the .llvm_stackmaps section of each, at -O0 and -O2. Needs llc and objcopy of
# LLVM 22; run it after changing a seed and commit the result.
set -eu
cd "$(dirname "$0")"
llc=${LLC:-llc-22}
objcopy=${OBJCOPY:-llvm-objcopy-22}
object=$(mktemp)
trap 'rm -f "$object"' EXIT
for seed in seeds/*.ll; do
  name=$(basename "$seed" .ll)
  for level in 0 2; do
    "$llc" -O$level -mtriple=x86_64-linux-gnu -relocation-model=pic -filetype=obj "$seed" -o "$object"
    "$objcopy" --dump-section=.llvm_stackmaps=corpus/stackmap/"$name"-O$level.bin "$object" /dev/null
  done
done
cat corpus/stackmap/plain-O2.bin corpus/stackmap/statepoint-O2.bin > corpus/stackmap/two-maps.bin
