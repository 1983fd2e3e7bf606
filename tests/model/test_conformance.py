"""One suite for every kind of model: the members of its interface, answered consistently."""

from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    CausaloptError,
    DeclarationError,
    Network,
    QueryError,
    System,
    parameter,
    run,
    variable,
)
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.interface import Axis, Model, Place, Series, as_model
from causalopt.model.selection import Stretch
from causalopt.model.template import is_inner
from tests.model.kinds import MODELS, NETWORKS, STEPS, SYSTEMS, a, g, k, world_of

MADE = {name: build() for name, build in MODELS.items()}
EVERY = pytest.mark.parametrize("name", MADE)


def steps_of(model):
    return world_of(model).steps


def nodes_of(model):
    return list(model.wiring(STEPS).parents)


def all_kinds(kind=Model):
    found = {kind} if not kind.__abstractmethods__ else set()
    return found.union(*map(all_kinds, kind.__subclasses__()))


def test_every_kind_of_model_is_here():
    own = {kind for kind in all_kinds() if kind.__module__.startswith("causalopt.")}
    assert own == {type(model) for model in MADE.values()}


def test_every_member_is_asked_here():
    """A member that joins the interface is asked in this file too."""
    text = Path(__file__).read_text()
    assert not [member for member in Model.__abstractmethods__ if f".{member}" not in text]


@EVERY
def test_it_is_a_model_as_it_stands(name):
    assert as_model(MADE[name]) is MADE[name]
    with pytest.raises(QueryError, match="cannot be measured"):
        as_model(world_of(MADE[name]))


@EVERY
def test_it_is_of_numbers_alone(name):
    MADE[name].check_numbers("every_n")


# -- what it is made of ----------------------------------------------------------------------------


@EVERY
def test_parameters_are_known_by_value_and_can_be_changed(name):
    model = MADE[name]
    assert model.with_parameters({}) == model
    assert set(model.parameters) == set(model.parameter_values)
    for symbol, value in model.parameter_values.items():
        assert isinstance(value, float)
        assert (model.formula_of(symbol) is None) == (model.parameters[symbol] == value)
        # Delays stay whole numbers of steps that are half as long.
        new = value / 2 if symbol == getattr(model, "dt", None) else value + 1
        other = model.with_parameters({symbol: new})
        assert other.parameters[symbol] == other.parameter_values[symbol] == new
        assert other != model
        assert other.with_parameters({symbol: model.parameters[symbol]}) == model


@EVERY
def test_noises_come_by_name_and_each_once(name):
    noises = MADE[name].noises
    assert isinstance(noises, tuple)
    assert [str(noise) for noise in noises] == sorted({str(noise) for noise in noises})
    # Those, and only those, are drawn: a run of several chains needs one.
    W = world_of(MADE[name])
    if noises:
        drawn = run(W, draws=3, backend="numpy")
        assert drawn.sizes["draw"] == 3
    else:
        with pytest.raises(QueryError, match="no noise"):
            run(W, draws=3)


@EVERY
def test_start_values_are_those_of_a_run(name):
    model = MADE[name]
    values = run(world_of(model), backend="numpy")
    without = [n for n in nodes_of(model) if model.account(*model.key_of(n)).start is not None]
    assert without
    for node in without:
        assert read(values, model, node) == model.account(*model.key_of(node)).start
    assert model.with_start({}) == model


@EVERY
def test_what_starts_has_no_mechanism_and_no_parents(name):
    model = MADE[name]
    wiring = model.wiring(STEPS)
    for node in nodes_of(model):
        key, step = model.key_of(node)
        account = model.account(key, step)
        has_mechanism = account.declared is not None
        assert has_mechanism == (account.assigned is not None) == (account.start is None)
        if has_mechanism:
            assert isinstance(account.declared, Mechanism)
            assert isinstance(account.assigned, Mechanism)
        else:
            assert wiring.parents[node] == wiring.inputs[node] == ()
        if not getattr(model, "method", None) and not getattr(model, "delayed", None):
            assert account.declared == account.assigned


def test_a_mechanism_may_stand_in_for_a_nodes_own():
    for name, model in MADE.items():
        nodes = [n for n in nodes_of(model) if model.account(*model.key_of(n)).start is None]
        key, step = model.key_of(nodes[-1])
        other = model.account(key, step).declared.renamed({})
        account = model.account(key, step, other)
        assert account.declared == account.assigned == other, name
        assert set(account.names) == set(other.arguments), name


def test_rates_are_told_where_steps_have_inner_stages():
    told = {name: [model.account(*model.key_of(n)) for n in nodes_of(model)]
            for name, model in MADE.items()}  # fmt: skip
    in_stages = [name for name, accounts in told.items() if any(a.in_stages for a in accounts)]
    assert in_stages == ["rk4", "governed", "jumping"]
    euler = MADE["euler"].account(a, 1)
    assert euler.declared != euler.assigned


@EVERY
def test_the_graph_and_the_wiring_as_written_say_what_formulas_name(name):
    model = MADE[name]
    written, computed = model.wiring(STEPS, written=True), model.wiring(STEPS)
    assert list(written.parents) == list(computed.parents)
    for node, parents in written.parents.items():
        # A method's inner stages bring parents, and take none.
        assert set(parents) <= set(computed.parents[node])
    arrows = {(parent, node) for node, parents in written.parents.items() for parent in parents}
    if name in SYSTEMS:
        over_time = {(parent.variable, node.variable) for parent, node in arrows}
        # What a rate is added to is no part of the rate.
        assert all(source == target for source, target in over_time ^ set(model.graph.edges))
        assert set(model.graph.edges) <= over_time
    else:
        assert arrows == set(model.graph.edges)


@EVERY
def test_arguments_are_the_parents_and_inputs_of_the_wiring(name):
    model = MADE[name]
    wiring = model.wiring(STEPS)
    for node, parents in wiring.parents.items():
        key, step = model.key_of(node)
        account = model.account(key, step)
        if account.assigned is None:
            continue
        assert set(account.names) == set(account.assigned.arguments)
        meant = set(account.names.values())
        if not account.in_stages:
            assert meant == {*parents, *wiring.inputs[node]}
        assert meant & set(wiring.parents) <= set(parents)


@EVERY
def test_causes_come_first_in_the_wiring(name):
    model = MADE[name]
    wiring = model.wiring(STEPS)
    seen = set()
    for node, parents in wiring.parents.items():
        assert set(parents) <= seen
        seen.add(node)
    assert wiring.parents.keys() == wiring.inputs.keys()
    assert not {label for labels in wiring.inputs.values() for label in labels} & seen
    assert len(seen) == model.size(STEPS)


@EVERY
def test_wiring_is_what_a_difference_follows(name):
    """A node that is not downstream of another does not move with it."""
    model = MADE[name]
    if name.startswith("tables"):
        return
    W, wiring = world_of(model), model.wiring(STEPS)
    nodes = nodes_of(model)
    first = nodes[0]
    downstream = {first}
    for node in nodes:
        if downstream & set(wiring.parents[node]):
            downstream.add(node)
    before, after = (run(w, backend="numpy") for w in (W, W.perturb(first, by=0.37)))
    moved = {n for n in nodes if read(before, model, n) != read(after, model, n)}
    assert moved <= downstream
    assert len(moved) > 1


@EVERY
def test_formulas_that_replace_are_checked(name):
    model = MADE[name]
    key, _ = model.key_of(nodes_of(model)[-1])
    with pytest.raises(DeclarationError):
        model.mechanism(key, variable("nobody") * 2)
    with pytest.raises(DeclarationError):
        model.mechanism(key, "text")
    if name in SYSTEMS or name == "declared":
        # In the language of the declaration, what was declared fits.
        own = model.account(*model.key_of(nodes_of(model)[-1])).declared
        in_steps = model.declarations[key] if name in SYSTEMS else own
        assert model.mechanism(key, own) == in_steps


@EVERY
def test_what_was_before_is_asked_of_systems_alone(name):
    model = MADE[name]
    key, step = model.key_of(nodes_of(model)[-1])
    before = model.earlier(key, lambda _: None)
    assert isinstance(before, tuple)
    assert len(set(before)) == len(before)
    if name in NETWORKS:
        assert before == ()
        return
    # Those of the wiring one step back, and, through the same step, what these follow from.
    wiring = model.wiring(STEPS)
    parents, sources = [model.label(key, step)], set()
    for node in parents:
        for other in (*wiring.parents[node], *wiring.inputs[node]):
            at = getattr(other, "step", None)
            if at == step:
                parents.append(other)
            elif at == step - 1 and str(other.variable) != "t":
                sources.add(other.variable)
    assert set(before) == sources
    constant = Expression(sp.Integer(1))
    assert model.earlier(key, lambda v: constant if v == key else None) == ()


# -- which nodes are meant -------------------------------------------------------------------------


@EVERY
def test_a_node_is_found_by_itself_by_its_key_and_by_its_name(name):
    model = MADE[name]
    steps = steps_of(model)
    for node in nodes_of(model):
        key, step = model.key_of(node)
        assert model.label(key, step) == node
        for target in (node, [node], (node,)):
            assert model.select(target, steps) == (Stretch(key, step, step + 1),)
        assert model.single(node, steps, "n") == Stretch(key, step, step + 1)
        assert model.select(model.find(str(node)), steps) == model.select(node, steps)


@EVERY
def test_several_nodes_are_their_stretches_in_order(name):
    model = MADE[name]
    steps, nodes = steps_of(model), nodes_of(model)[:3]
    alone = tuple(stretch for node in nodes for stretch in model.select(node, steps))
    assert model.select(nodes, steps) == alone
    with pytest.raises(QueryError, match="n = "):
        model.single(nodes, steps, "n")


@EVERY
@pytest.mark.parametrize("target", ["nobody", 10**9, variable("nobody"), [], None, 0.5])
def test_what_is_no_node_is_refused(name, target):
    model = MADE[name]
    with pytest.raises(QueryError):
        model.select(target, steps_of(model))
    with pytest.raises(QueryError):
        model.single(target, steps_of(model), "n")
    with pytest.raises(QueryError):
        model.check_swept(target)


@EVERY
def test_onward_is_the_node_and_all_later_ones(name):
    model = MADE[name]
    steps = steps_of(model)
    for node in nodes_of(model)[:: max(1, model.size(STEPS) // 5)]:
        if not hasattr(node, "step"):
            with pytest.raises(QueryError, match="no later step"):
                model.onward(node, steps)
            continue
        places = {
            (stretch.key, i) for stretch in model.onward(node, steps)
            for i in range(stretch.start, stretch.stop)
        }  # fmt: skip
        later = [n for n in nodes_of(model) if n.variable == node.variable and n.step >= node.step
                 and not is_inner(n)]  # fmt: skip
        if not is_inner(node):
            assert places == {model.key_of(n) for n in later}


@EVERY
def test_what_can_be_swept_runs_and_the_rest_is_refused(name):
    model = MADE[name]
    W = world_of(model)
    targets = [node for node in nodes_of(model)[:1] if not name.startswith("tables")]
    targets += [p for p in model.parameters if p in (k, g)]
    for target in targets:
        model.check_swept(target)
        swept = run(W, over={target: [0.25, 0.5]}, backend="numpy")
        assert swept.sizes[str(target)] == 2
        values = [0.25, 0.5]
        for i, value in enumerate(values):
            alone = changed(model, target, value)
            for series in model.series:
                found = swept[series.name].isel({str(target): i}).values
                expected = run(world_of(alone), backend="numpy")[series.name].values
                np.testing.assert_allclose(found, expected, rtol=1e-14)
    for unknown in (sp.Symbol("k"), variable("q"), parameter("q")):
        with pytest.raises(QueryError):
            model.check_swept(unknown)


def changed(model, target, value):
    if target in (k, g):
        return model.with_parameters({target: value})
    start = target.variable if isinstance(model, System) else target
    return model.with_start({start: value})


# -- runs and results ------------------------------------------------------------------------------


def read(values, model, node):
    """The value of a node in a result, by its place."""
    key, step = model.key_of(node)
    place = model.place(Stretch(key, step, step + 1))
    series = next(one for one in model.series if one.key == place.series)
    (row,) = place.rows
    return values[series.name].values[0, row]


@EVERY
def test_series_rows_and_axis_are_those_of_results(name):
    model = MADE[name]
    values = run(world_of(model), backend="numpy")
    rows = model.rows(steps_of(model))
    axis = model.axis(rows)
    assert all(isinstance(series, Series) for series in model.series)
    assert isinstance(axis, Axis)
    assert [series.name for series in model.series] == list(values)
    assert [series.key for series in model.series] == list(
        dict.fromkeys(s.key for s in model.series)
    )
    assert dict(values.sizes) == {"world": 1, axis.dim: len(rows)}
    assert values[axis.dim].values.tolist() == [*map(type_of(values, axis), axis.values)]
    assert len(axis.values) == len(rows) == len(axis.rows)
    if axis.unit is not None:
        assert values[axis.dim].attrs["units"] == axis.unit
        assert list(axis.values) == [model.time_of(row) for row in rows]
    some = model.axis(rows[1:3])
    assert list(some.values) == list(axis.values)[1:3]


def type_of(values, axis):
    """Labels that are whole numbers stay so in results; elsewhere they are text."""
    return int if values[axis.dim].dtype.kind == "i" else lambda value: value


@EVERY
def test_every_node_has_a_place_of_its_own(name):
    model = MADE[name]
    rows, keys = model.rows(steps_of(model)), [series.key for series in model.series]
    places = []
    for node in nodes_of(model):
        key, step = model.key_of(node)
        place = model.place(Stretch(key, step, step + 1))
        assert isinstance(place, Place)
        assert place.series in keys
        assert len(place.rows) == 1
        assert place.rows[0] in rows
        places.append((place.series, place.rows[0]))
    assert len(set(places)) == len(places)
    assert len(places) <= len(keys) * len(rows)


@EVERY
def test_the_length_of_a_run_follows_from_what_is_named(name):
    model = MADE[name]
    node = nodes_of(model)[-1]
    if name in NETWORKS:
        assert model.run_length(None) is None
        assert model.run_length(None, [node]) is None
        return
    assert model.run_length(4) == model.run_length(np.int64(4), [node]) == 4
    assert model.run_length(None, [model.variables[0][3]]) == 3
    assert model.run_length(None, [model.variables[0][3], node]) == STEPS
    for none in ([], [model.variables[0]]):
        with pytest.raises(QueryError, match="steps is missing"):
            model.run_length(None, none)
    for bad in (0, -1, 2.5, True, "3"):
        with pytest.raises(QueryError, match="steps is"):
            model.run_length(bad)


@EVERY
def test_what_lies_along_the_rows(name):
    model = MADE[name]
    node = nodes_of(model)[0]
    assert not model.along_rows(node)
    if name in SYSTEMS:
        variable_ = model.variables[0]
        assert model.along_rows(variable_)
        assert model.along_rows(variable_[2:4])
        assert not model.along_rows(variable_[2])


@EVERY
def test_worlds_are_of_the_model(name):
    model = MADE[name]
    W = world_of(model)
    assert W.model is model
    assert W.treatments == []
    assert (W.steps is None) == isinstance(model, Network)
    with pytest.raises(CausaloptError):
        model.world(seed=-1, **({} if isinstance(model, Network) else {"steps": 3}))
