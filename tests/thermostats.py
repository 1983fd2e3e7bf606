"""The two thermostats of "Defining Optimization in a Deeper Way", parts 1 and 2, for tests."""

from sympy import Rational

from causalopt import Distribution, System, finite, table

T = finite("T", ["high", "low", "off"])
R = finite("R", ["hot", "warm", "cold"])

O_T = {
    "high": "hot -> hot, warm -> hot, cold -> warm",
    "low": "hot -> hot, warm -> warm, cold -> cold",
    "off": "hot -> warm, warm -> cold, cold -> cold",
}
DUMB = {
    "hot": "high -> off, low -> off, off -> off",
    "warm": "high -> low, low -> low, off -> low",
    "cold": "high -> high, low -> high, off -> high",
}
SMART = {
    "hot": "high -> off, low -> off, off -> low",
    "warm": "high -> low, low -> low, off -> low",
    "cold": "high -> low, low -> high, off -> high",
}


def thermostat(O_R):
    return System({T: table((R, T), O_R), R: table((T, R), O_T)}, start={T: "high", R: "cold"})


dumb, smart = thermostat(DUMB), thermostat(SMART)

third = Rational(1, 3)
P0 = Distribution.of((T, R), [[0, 0, third], [0, third, 0], [third, 0, 0]])
