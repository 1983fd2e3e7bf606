"""Defects put in on purpose: each is a change of one line, and names the tests that must fail.

The list grows with every fault that no test had noticed. ``tests/test_mutants.py`` holds that each
change still fits the code, and, in the long run, that each is noticed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A change of a file of the package, and the quick tests, as pytest names them, that see it."""

    says: str
    file: str
    before: str
    after: str
    tests: str


MUTANTS = [
    Mutant("the exponent of the adjoint is off by one",
           "backends/adjoint.py", "np.where(mantissa == 0.0, 0, top + more)",
           "np.where(mantissa == 0.0, 0, top + more + 1)",
           "tests/backends/test_scales.py -k all_n"),
    Mutant("NumPy adds the powers of two of tangents the wrong way round",
           "backends/bands.py", "self.powers[group] += power", "self.powers[group] -= power",
           "tests/backends/test_scales.py -k 'alone_is and numpy'"),
    Mutant("NumPy's tangents in bands are off by one power of two",
           "backends/bands.py", "np.where(total == 0.0, 0, top + more)",
           "np.where(total == 0.0, 0, top + more + 1)",
           "tests/backends/test_scales.py -k 'sustained and numpy'"),
    Mutant("compiled loops add the powers of two of tangents the wrong way round",
           "backends/rescaling.py", "= math.frexp(size)[1]", "= -math.frexp(size)[1]",
           "tests/backends/test_scales.py -k 'alone_is and numba'"),
    Mutant("the compiled loop in bands is off by one power of two",
           "backends/banding.py", "power = top[group[j]] + lift",
           "power = top[group[j]] + lift + 1",
           "tests/backends/test_scales.py -k 'sustained and numba'"),
    Mutant("networks take the power of two of a sum off by one",
           "backends/layering.py", "power = top + more", "power = top + more + 1",
           "tests/backends/test_scales.py -k 'all_m and numpy'"),
    Mutant("a nudge made later has the scale of what is there already",
           "plan/terms.py", "self.names.before(Slot(self.place, UNIT)) if self.step else _ONE",
           "_ONE", "tests/backends/test_scales.py -k 'sustained and numpy'"),
    Mutant("one stream serves all noises",
           "plan/draws.py", "hashlib.sha256(name.encode())", "hashlib.sha256(b'')",
           "tests/runs/test_noise.py"),
    Mutant("noise begins anew at each stretch of a compiled run",
           "backends/numba.py", "drawn = drawn_by(streams, stop - first)",
           "drawn = drawn_by(streams_of(run, batch), stop - first)",
           "tests/backends/test_conformance.py -k nois"),
    Mutant("time is one step late in the compiled loop of one point",
           "backends/codegen.py", '"        t = (i - 1) * dt",\n        (f"        p{given + j}',
           '"        t = i * dt",\n        (f"        p{given + j}',
           "tests/mechanisms/test_clock.py -k every_backend"),
    Mutant("keep=k counts from the k-th step",
           "runs/keeping.py", "steps[::every]", "steps[every::every]",
           "--doctest-modules causalopt/runs/keeping.py"),
    Mutant("compiled code is looked up without versions and processor",
           "backends/cache.py", '[*_machine(), source,', "[source,",
           "tests/backends/test_sealed.py -k another"),
    Mutant("a cache folder that others may write into is trusted",
           "backends/sealed.py", "about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)", "False",
           "tests/backends/test_sealed.py -k others"),
    Mutant("the check of memory is 16 times too lax",
           "runs/simulation.py", "    needed = 8 * (", "    needed = 0.5 * (",
           "tests/runs/test_memory.py -k needed"),
    Mutant("at a tie Max has the slope of the other branch",
           "mechanisms/differentiation.py", "sympy.Max, sympy.Ge,", "sympy.Max, sympy.Gt,",
           "tests/mechanisms/test_differentiation.py -k tie"),
    Mutant("the chance of a compiled spin's flip is 3 % off in rise/T",
           "processes/spins.py", "np.exp(-rise / temperature)",
           "np.exp(-1.03 * rise / temperature)",
           "tests/processes/test_spins.py -k half_a"),
    Mutant("the chance of a compiled spin's heat bath is 3 % off in rise/T",
           "processes/spins.py", "np.exp(rise / temperature)) < 1",
           "np.exp(1.03 * rise / temperature)) < 1", "tests/processes/test_spins.py -k half_a"),
    Mutant("what correlates parts of three variables is kept",
           "distributions/real/affine.py", "if owner[i] == owner[j] else 0",
           "if owner[i] == owner[j] or abs(i - j) > 1 else 0",
           "tests/distributions/test_affine.py -k decorrelat"),
    Mutant("the reason of a claim reaches a page as it is",
           "study/pages.py", "because {_text(claim.reason.text)}", "because {claim.reason.text}",
           "tests/study/test_pages.py"),
    Mutant("the worker that checks derivations has no limit of memory",
           "derive/proof/serving.py", "(resource.RLIMIT_AS, MEMORY),", "",
           "tests/derive/proof/test_worker.py -k memory"),
    Mutant("a value at a single point has a slope of its own",
           "mechanisms/differentiation.py", "sympy.nan if is_here or is_alone else slope", "slope",
           "tests/backends/test_careful.py -k 'hole and numpy'"),
    Mutant("a limit asks one side alone",
           "backends/limits.py", "for sign in (-1, 1)]\n        center",
           "for sign in (1,)]\n        center",
           "tests/backends/test_limits.py"),
    Mutant("a condition on time has no room for rounding",
           "mechanisms/clock.py", "_ROOM = Rational(1, 10**6)", "_ROOM = Rational(1, 10**30)",
           "tests/mechanisms/test_clock.py"),
    Mutant("units of other dimensions are alike",
           "language/base_units.py", "        return None\n    apart",
           "        return 1.0\n    apart",
           "tests/model/test_units.py -k wrong"),
    Mutant("a rate of change has the unit of its variable",
           "model/units.py", "        if is_rate:", "        if False:",
           "tests/model/test_units.py -k rate"),
    Mutant("a number that turns one unit into another is refused",
           "mechanisms/dimensions.py", "<= math.sqrt(_height(number))", "< -1",
           "tests/model/test_units.py -k conversion"),
    Mutant("a vector may name a variable twice",
           "language/vectors.py", "            if name in pairs:", "            if False:",
           "tests/language/test_vectors.py -k no_vector"),
]  # fmt: skip
