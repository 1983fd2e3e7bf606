"""What formulas call, as LLVM's text: functions of C's library, or LLVM's own of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from causalopt.backends.llvm_text import Kind, NotCovered, Text, Value, number, whole

# None of these looks at memory.
_FUNCTIONS: Mapping[str, str] = {
    **{f"math.{name}": f"llvm.{name}.f64" for name in ("exp", "log", "sin", "cos", "sqrt")},
    **{f"math.{name}": name for name in ("tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{f"math.{name}": name for name in ("asinh", "acosh", "atanh", "erf", "erfc")},
    "math.atan2": "atan2",
    "math.hypot": "hypot",
    "numpy.floor": "llvm.floor.f64",
    "numpy.ceil": "llvm.ceil.f64",
}


def called(text: Text, name: str, given: Sequence[Value]) -> Value:
    """What a function, by its name in Python, gives for some values."""
    if name in _FUNCTIONS:
        floats = [text.converted(each, Kind.FLOAT) for each in given]
        return text.called(_FUNCTIONS[name], *floats)
    if name not in _CALLS:
        raise NotCovered(name)
    return _CALLS[name](text, *given)


def parted(text: Text, given: Value) -> tuple[Value, Value]:
    """A float as one of size 1/2 to 1 and a power of two, as ``math.frexp`` gives them."""
    room = text.room("i32")
    part = text.value(Kind.FLOAT, f"call double @frexp({given}, ptr {room})")
    power = text.result(f"load i32, ptr {room}")
    power = text.result(f"sext i32 {power} to i64")
    # C leaves open what the power of what is not finite is.
    return part, text.chosen(_finite(text, given), Value(Kind.WHOLE, power), whole(0))


def remainder(text: Text, one: Value, other: Value) -> Value:
    """Python's remainder of floats, which has the sign of what is divided by."""
    rest = text.value(Kind.FLOAT, f"frem {one}, {other.name}")
    is_below, rest_below = (
        text.value(Kind.TRUTH, f"fcmp olt {each}, 0.0") for each in (other, rest)
    )
    differ = text.value(Kind.TRUTH, f"xor {is_below}, {rest_below.name}")
    moved = text.value(Kind.FLOAT, f"fadd {rest}, {other.name}")
    nothing = text.chosen(is_below, number(-0.0), number(0.0))
    return text.chosen(text.asked(rest), text.chosen(differ, moved, rest), nothing)


def whole_division(text: Text, one: Value, other: Value) -> tuple[Value, Value]:
    """A whole number divided by one that is written down, rounded down, and what is left."""
    if not other.name.isdigit() or other.name == "0":
        raise NotCovered("division of whole numbers")
    rest = text.value(Kind.WHOLE, f"srem {one}, {other.name}")
    is_below = text.value(Kind.TRUTH, f"icmp slt {rest}, 0")
    more = text.value(Kind.WHOLE, f"add {rest}, {other.name}")
    quotient = text.value(Kind.WHOLE, f"sdiv {one}, {other.name}")
    less = text.value(Kind.WHOLE, f"sub {quotient}, 1")
    return text.chosen(is_below, less, quotient), text.chosen(is_below, more, rest)


def _choose(text: Text, condition: Value, x: Value, y: Value) -> Value:
    one, other = (text.converted(each, Kind.FLOAT) for each in (x, y))
    return text.chosen(text.converted(condition, Kind.TRUTH), one, other)


def _size(text: Text, x: Value) -> Value:
    if x.kind is not Kind.FLOAT:
        raise NotCovered("the size of a whole number")
    return text.called("llvm.fabs.f64", x)


def _cut(text: Text, x: Value) -> Value:
    if x.kind is Kind.FLOAT:
        return text.value(Kind.WHOLE, f"fptosi {x} to i64")
    return text.converted(x, Kind.WHOLE)


def _counted(text: Text, x: Value) -> Value:
    if x.kind not in (Kind.WHOLE, Kind.COUNT):
        raise NotCovered("a count that is no whole number")
    return Value(Kind.COUNT, x.name)


def _raised(text: Text, x: Value, power: Value) -> Value:
    given, by = text.converted(x, Kind.FLOAT), text.converted(power, Kind.WHOLE)
    short = text.result(f"trunc {by} to i32")
    return text.value(Kind.FLOAT, f"call double @ldexp({given}, i32 signext {short})")


def _finite(text: Text, x: Value) -> Value:
    given = text.converted(x, Kind.FLOAT)
    gone = text.value(Kind.FLOAT, f"fsub {given}, {given.name}")
    return text.value(Kind.TRUTH, f"fcmp ord {gone}, 0.0")


def _upper_half(text: Text, x: Value, y: Value) -> Value:
    one, other = (
        text.result(f"zext {text.converted(each, Kind.COUNT)} to i128") for each in (x, y)
    )
    product = text.result(f"mul i128 {one}, {other}")
    upper = text.result(f"lshr i128 {product}, 64")
    return text.value(Kind.COUNT, f"trunc i128 {upper} to i64")


def _bits(text: Text, x: Value) -> Value:
    given = text.converted(x, Kind.FLOAT)
    return text.value(Kind.WHOLE, f"bitcast {given} to i64")


def _of_bits(text: Text, x: Value) -> Value:
    return text.value(Kind.FLOAT, f"bitcast {text.converted(x, Kind.WHOLE)} to double")


def _outermost(sign: str) -> Callable[..., Value]:
    def found(text: Text, first: Value, *others: Value) -> Value:
        for other in others:
            if not first.kind is other.kind is Kind.WHOLE:
                raise NotCovered("the least or the most of floats")
            is_first = text.value(Kind.TRUTH, f"icmp {sign} {first}, {other.name}")
            first = text.chosen(is_first, first, other)
        return first

    return found


_CALLS: Mapping[str, Callable[..., Value]] = {
    "choose": _choose,
    "abs": _size,
    "int": _cut,
    "min": _outermost("slt"),
    "max": _outermost("sgt"),
    "high_product": _upper_half,
    "bits_of": _bits,
    "float_of_bits": _of_bits,
    "numpy.uint64": _counted,
    "math.ldexp": _raised,
    "math.isfinite": _finite,
}
