"""The project's own sources, for checks that read them."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def sources():
    """(path relative to the project, path) of all that is compiled into the product."""
    for folder in ["include", "compiler", "osr-stubs", "runtime", "osrctl"]:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp", ".S"):
                yield path.relative_to(ROOT).as_posix(), path
