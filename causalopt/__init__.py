"""Which part of a system is steering which other part, where to, and how strongly?

The public face: `__init__.pyi` lists what is exported; each name is imported on first use, so that
`import causalopt` and the command line start at once.
"""

import sys

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# For ``from causalopt import *``: ``time``, called as a module that scripts import often, is
# imported by name alone, and so are rooms.
__all__ = [name for name in __all__ if name not in {"time", "derive", "exchange", "plots"}]

if "IPython" in sys.modules:
    from causalopt.study import notebook

    notebook.register(sys.modules["IPython"].get_ipython())
    del notebook

del lazy_loader, sys
