#!/usr/bin/env python3
"""Compiles one program of this folder natively and to bitcode of each level, for differential.py."""
import argparse
import pathlib

from program import Program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--libcxx", action="store_true", help="for libc++")
    parser.add_argument("--into", type=pathlib.Path, required=True, help="folder that gets NAME.native and NAME-O0.bc etc.")
    parser.add_argument("source", type=pathlib.Path)
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    Program(options.source).compile(options.clang, options.libcxx, options.into)


if __name__ == "__main__":
    main()
