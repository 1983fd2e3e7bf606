"""What generated code needs and numba lacks; imported when something is first compiled."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _choose(context: Any, condition: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """x where the condition holds, else y, both computed: one instruction instead of a branch.

    A branch for every Piecewise would keep the compiler from vector code, and overflow the
    recursion in which numba follows variables through branches.
    """

    def code(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return types.float64(types.boolean, types.float64, types.float64), code


def _high_product(context: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The upper 64 bits of the product of two whole numbers of 64 bits."""
    from llvmlite import ir

    def code(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


def _bits_of(context: Any, x: Any) -> tuple[Any, Any]:
    """The 64 bits of a float, as a whole number."""
    from llvmlite import ir

    def code(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


def _float_of_bits(context: Any, x: Any) -> tuple[Any, Any]:
    """The float that has some 64 bits."""
    from llvmlite import ir

    def code(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


#: Each by its name in generated code.
BY_NAME: dict[str, Any] = {
    "choose": intrinsic(_choose),
    "high_product": intrinsic(_high_product),
    "bits_of": intrinsic(_bits_of),
    "float_of_bits": intrinsic(_float_of_bits),
}
