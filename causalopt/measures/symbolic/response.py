"""How m moves with n in X and in Y, as formulas of W; arrow by arrow, or by a finite difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Label
from causalopt.measures.question import Question
from causalopt.measures.symbolic.assigned import AnyWorld, assigned_in
from causalopt.measures.symbolic.courses import Courses

_ZERO = Integer(0)


class Responses(NamedTuple):
    """The difference at m in X and in Y, in the names of lines."""

    x: Expr
    y: Expr


def label_of(question: Question, nodes: object, name: str) -> Label:
    """The label of the one node that is named."""
    stretches = question.model.select(nodes, question.base.steps)
    if len(stretches) != 1 or stretches[0].stop != stretches[0].start + 1:
        named = question.model.label(stretches[0].key, stretches[0].stop - 1)
        raise QueryError(
            f"{name} = {nodes} names many nodes, and a formula is of one: write {name}={named}; "
            "for all steps of a linear system at once, closed_form_comp."
        )
    return question.model.label(stretches[0].key, stretches[0].start)


def finite_responses(question: Question, courses: Courses) -> Responses:
    """x_m - w_m and y_m - w_m, where n is moved by the ``delta`` of the courses."""
    W, X, Y = question.worlds()
    m = label_of(question, question.m, "m")
    w, x, y = (
        courses.values(world, prefix)[m] for world, prefix in ((W, ""), (X, "x."), (Y, "y."))
    )
    return Responses(x - w, y - w)


def exact_responses(question: Question, courses: Courses) -> Responses:
    """dx_m/dn and dy_m/dn: along the arrows of W, with those into A cut in Y."""
    W, X, Y = question.worlds()
    courses.values(W)
    m = label_of(question, question.m, "m")
    x, y = (
        tangents(courses, W, world, name).get(m, _ZERO) for world, name in ((X, "dx"), (Y, "dy"))
    )
    return Responses(x, y)


def tangents(courses: Courses, W: AnyWorld, world: AnyWorld, name: str) -> Mapping[Label, Expr]:
    """How each node of X or Y moves with the nudge: those that it reaches, the others left out."""
    moved: dict[Label, Expr] = {}
    for assigned in assigned_in(world.model, world):
        seen = courses.seen(world, assigned, at=W)
        terms = [Mul(arrow.slope, moved[arrow.source]) for arrow in seen.arrows
                 if arrow.source in moved]  # fmt: skip
        if not terms and seen.nudge == 0:
            continue
        line = Symbol(f"{name}.{courses.inputs.symbol(assigned.label).name}", real=True)
        moved[assigned.label] = courses.lines.written(line, Add(seen.nudge, *terms))
    return moved
