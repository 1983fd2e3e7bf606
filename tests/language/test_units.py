"""Units as text: what is read, what it comes to, and that no text does harm."""

import math
from fractions import Fraction

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pint.util import ParserHelper

from causalopt import DeclarationError, noise, normal, parameter, variable
from causalopt.language.base_units import base_of, factor, have_one_zero, is_pure
from causalopt.language.units import PURE, times, unit_of


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("degC", "degC"),
        ("kg*m/s**2", "kg*m/s^2"),
        ("kg m^2 / s^2", "kg*m^2/s^2"),
        ("W m-2", "W/m^2"),
        ("W/(m^2 K)", "W/(K*m^2)"),
        ("m/s/s", "m/s^2"),
        ("N·m", "N*m"),
        ("kg.m.s-2", "kg*m/s^2"),
        ("s⁻¹", "1/s"),
        ("m²", "m^2"),
        ("m^(1/2)", "m^(1/2)"),
        ("kg^0.75", "kg^(3/4)"),
        ("people per year", "people/year"),
        ("1/step", "1"),
        ("steps", "1"),
        ("dimensionless", "1"),
        ("1", "1"),
        ("a.u.", "a.u."),
        ("m/m", "1"),
        (" m ", "m"),
    ],
)
def test_units_are_read_from_text(text, read):
    assert str(unit_of(text)) == read


@pytest.mark.parametrize(
    "text",
    ["m//s", "m/", "/s", "*m", "m**", "m^", "^2", "m***s", "m/*s", "m·/s", "(m", "m)", "m)(",
     "W/(m^2 K", "()", "m/()", "(/s)", "m / / s", "1/"],
)  # fmt: skip
@pytest.mark.parametrize(
    "make", [variable, parameter, lambda name, unit: noise(name, normal(), unit)]
)
def test_a_formula_that_cannot_be_read_is_refused(make, text):
    with pytest.raises(DeclarationError, match="written as a formula") as told:
        make("T", text)
    assert f'"{text}"' in str(told.value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "m/s", "m**2", "J/kg K", "W/m·K", "10 m", "things", "%", "€/h", "[K]", "m - s",
     "a.u.", "people (thousands)", "m^(1/2)", "kg.m.s-2", "m^-1", "m**-1", "m ** 2"],
)  # fmt: skip
def test_what_is_a_name_or_may_mean_more_than_one_thing_is_kept(text):
    assert variable("T", text).unit == text


@pytest.mark.parametrize(
    "text",
    ["", "  ", "J/kg K", "W/m·K", "10 m", "0", "m^", "^2", "m//s", "m*", "(m", "m)", "()",
     "m^(1/0)", "m^(.)", "m^^2", "m^2^3", "[K]", "-", "m - s", "m+s", "9**9**9", "m**9**9**9",
     "m^1e9", "m^101", "((m^99)^99)", "m^99*m^99",
     "((((((((m^9)^9)^9)^9)^9)^9)^9)^9)", "__import__('os')",
     "½m", "m½", "m;s", "x" * 101, "٣", "m^٣", "\0", "1/", "/s", "m" + "*m" * 60],
)  # fmt: skip
def test_what_may_mean_more_than_one_thing_or_none_is_not_read(text):
    assert unit_of(text) is None


@given(st.text(max_size=120) | st.text("m s(/*^)²-1.9°%", max_size=120))
def test_no_text_does_harm(text):
    unit = unit_of(text)
    if unit is not None:
        factor(unit, unit_of("m"))
        have_one_zero(unit, unit_of("degC"))
        is_pure(unit)
        # No power is large, whatever towers are written.
        assert all(abs(power) <= 100 for _, power in unit.powers)
        # What is written is read back, but where it has grown too long.
        again = unit_of(str(unit))
        assert len(str(unit)) > 100 or again.powers == unit.powers


NAMES = """m cm km g kg lb s min h day A mol cd W kW Pa psi bar L gal N eV Hz rad"""
POWERS = st.dictionaries(
    st.sampled_from(NAMES.split()), st.integers(-3, 3).filter(bool), min_size=1, max_size=3
)


@given(POWERS, POWERS)
def test_factors_are_those_of_pint(first, second):
    registry = pint.get_application_registry()
    texts = ["*".join(f"{n}**{p}" for n, p in powers.items()) for powers in (first, second)]
    one, other = (unit_of(text.replace("**-", "^-")) for text in texts)
    quantities = [registry.Quantity(1, text) for text in texts]
    try:
        expected = quantities[0].to(quantities[1].units).magnitude
    except pint.DimensionalityError:
        assert factor(one, other) is None
    else:
        assert factor(one, other) == pytest.approx(expected, rel=1e-9)


@given(POWERS, POWERS)
def test_products_and_powers_obey_their_laws(first, second):
    one, other = (
        times([unit_of(name).to_the(Fraction(p)) for name, p in powers.items()])
        for powers in (first, second)
    )
    assert times([one, other]).powers == times([other, one]).powers
    assert times([one, one.to_the(Fraction(-1))]).powers == PURE.powers
    assert (
        times([one, other]).to_the(Fraction(1, 2)).to_the(Fraction(2)).powers
        == times([one, other]).powers
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("m", "cm", 100),
        ("°C", "degC", 1),
        ("Celsius", "celsius", 1),
        ("m2", "m^2", 1),
        ("L", "dm^3", 1),
        ("%", "1", 0.01),
        ("deg", "rad", math.pi / 180),
        ("rad", "1", 1),
        ("person", "persons", 1),
        ("people/s", "people/min", 60),
        ("m^(1/2)", "cm^(1/2)", 10),
        ("nats", "1", None),
        ("nat", "Pa", None),
        ("dB", "1", None),
        ("pH", "henry", None),
        ("units", "candela/m^2", None),
        ("people", "cars", None),
        ("a.u.", "1", None),
        ("m", "s", None),
        ("mg dry weight", "mg", 1),
        ("truckload", "truckload", 1),
    ],
)
def test_units_and_names_of_their_own(first, second, expected):
    given_factor = factor(unit_of(first), unit_of(second))
    assert given_factor is expected if expected is None else given_factor == pytest.approx(expected)


def test_scales_that_begin_elsewhere_are_told_apart():
    names = ["K", "degC", "degF", "degR", "m"]
    alike = {(a, b) for a in names for b in names if have_one_zero(unit_of(a), unit_of(b))}
    assert {pair for pair in alike if pair[0] != pair[1] and "m" not in pair} == {
        ("K", "degR"),
        ("degR", "K"),
    }
    # A difference has no zero, and a rate of degrees is one of kelvin.
    assert have_one_zero(unit_of("delta_degC"), unit_of("K"))
    assert have_one_zero(unit_of("degC/s"), unit_of("K/s"))
    warmed = times([unit_of("K/s"), unit_of("s")])
    assert have_one_zero(warmed, unit_of("degC"))
    assert have_one_zero(times([warmed, unit_of("1")]), unit_of("degC"))


def test_pint_reads_names_of_its_own_alone(monkeypatch):
    # What pint itself ships is read first.
    base_of(unit_of("inch"))
    known, seen = pint.UnitRegistry(), []
    parse = ParserHelper.from_string
    monkeypatch.setattr(
        ParserHelper, "from_string", lambda text, *how: seen.append(text) or parse(text, *how)
    )
    base_of.cache_clear()
    for text in ("furlong^2/(glug*fortnight)", "__class__", "rm_rf/µmile", "°C", "m2", "9*m"):
        unit = unit_of(text)
        if unit is not None:
            base_of(unit)
    assert {"furlong", "fortnight"} <= set(seen)
    assert not [name for name in seen if not known.parse_unit_name(name)]
