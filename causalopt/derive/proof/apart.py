"""The first file of the checker's process: it loads this package, and nothing from where it runs.

It is run by its path. What is installed comes before whatever else the parent's path names, and the
package is the one that this file is of: no file of the working folder can stand in for either.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

PACKAGE = "causalopt"


def load() -> None:
    """Load the package that this file is of, with the parent's path behind the installed one."""
    sys.path += [entry for entry in sys.argv[1:] if entry not in sys.path]
    spec = spec_from_file_location(PACKAGE, Path(__file__).parents[2] / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(PACKAGE)
    package = sys.modules[PACKAGE] = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    load()
    from causalopt.derive.proof.serving import serve  # there is no package before it is loaded

    serve()
