"""Pictures: graphs of networks, systems and worlds, and plots of labelled results."""

from causalopt.drawing.graph import Drawing, draw

__all__ = ["Drawing", "draw"]
