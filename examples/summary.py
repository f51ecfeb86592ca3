#!/usr/bin/env python3
"""Says in words what the statistics of a run hold."""
import json
import sys

with open(sys.argv[1]) as file:
    run = json.load(file)
moved = run["transitions"]
print(f"{run['frames']['rewritten']} return PCs rewritten: {moved['in_place']} frames landed in baseline code, "
      f"{moved['continuation']} went on in optimised code, {moved['split']} frames of inlined calls became several; "
      f"{run['sites']['certified']} of {run['sites']['compiled_baseline']} baseline sites certified")
