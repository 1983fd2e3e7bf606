"""Special graphs: functions that return ordinary systems."""

from causalopt.processes.descent import gradient_descent, newton, sgd
from causalopt.processes.updates import Adam, Momentum, Plain

__all__ = ["Adam", "Momentum", "Plain", "gradient_descent", "newton", "sgd"]
