"""What is declared is frozen: equal and hashed by value, read-only, carried between processes."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Network,
    System,
    World,
    comp,
    noise,
    op,
    parameters,
    run,
    variable,
    variables,
)
from tests.model.kinds import MODELS, everything, worlds

T, R, a, b = variables("T R a b")
k, d, g = parameters("k d g")
ROOT = Path(__file__).parent.parent.parent
NAMES = list(everything())


def thermostat(**changes):
    start = {T: 10, R: 35} | changes.pop("start", {})
    return System({T: R - d, R: R - k * T}, start=start, parameters={k: 0.01, d: 25} | changes)


# -- equal by value --------------------------------------------------------------------------------


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_declared_twice_is_equal_and_hashed_alike(name):
    first, second = everything()[name], everything()[name]
    assert first is not second
    assert first == second
    assert hash(first) == hash(second)
    assert len({first, second}) == 1


def test_different_declarations_are_different():
    distinct = everything()
    assert len(set(distinct.values())) == len(distinct)
    for name, one in distinct.items():
        assert [other for other, two in distinct.items() if one == two] == [name]
        assert one != 3


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.with_parameters({k: 0.02}),
        lambda s: s.with_start({R: 34}),
        lambda s: System(s.mechanisms, start=s.start, parameters=s.parameters, dt=0.5),
        lambda s: System({**s.mechanisms, T: R}, start=s.start, parameters=s.parameters),
        lambda s: System(s.mechanisms, start=s.start, parameters={**s.parameters, g: 1}),
    ],
)
def test_a_system_with_any_part_changed_is_another(change):
    before = thermostat()
    after = change(before)
    assert after != before
    assert before == thermostat()
    assert after.world(steps=3) != before.world(steps=3)


HALVES = [0.5, Fraction(1, 2), np.float32(0.5), np.array(0.5), sp.Rational(1, 2)]


def test_a_network_with_any_part_changed_is_another():
    def network(formula=k * a, start=1, value=2, also=None):
        formulas = {b: formula, **(also or {})}
        return Network(formulas, start={a: start}, parameters={k: value})

    kinds = [network(), network(k + a), network(start=3), network(value=3), network(also={T: b})]
    for i, one in enumerate(kinds):
        for j, other in enumerate(kinds):
            assert (one == other) == (i == j)
            assert (one.world() == other.world()) == (i == j)


@pytest.mark.parametrize("half", HALVES)
def test_numbers_are_compared_by_what_they_are(half):
    plain = System({a: k * a}, start={a: 1}, parameters={k: 0.5})
    assert System({a: k * a}, start={a: np.int64(1)}, parameters={k: half}) == plain
    assert hash(plain.with_parameters({k: half})) == hash(plain)
    flat = Network({b: k * a}, start={a: 0.5}, parameters={k: 0.5})
    assert Network({b: k * a}, start={a: half}, parameters={k: half}) == flat
    assert flat.with_start({a: half}) == flat


def test_both_zeros_are_one():
    zero, minus = (System({a: sp.atan2(a, -1)}, start={a: start}) for start in (0.0, -0.0))
    assert zero == minus
    assert hash(zero) == hash(minus)
    assert run(minus.world(steps=1)).a.values[0, 1] == np.pi


def test_formulas_and_methods_tell_systems_apart():
    rates = {"start": {a: 1}, "dt": 0.5}
    kinds = [System.from_ode({a: -a}, **rates, method=method) for method in ("euler", "rk4")]
    kinds.append(System({a: -a}, start={a: 1}, dt=0.5))
    assert len(set(kinds)) == 3


def test_a_law_of_scipys_is_compared_by_its_numbers():
    import scipy.stats

    laws = [scipy.stats.gamma(2.5), scipy.stats.gamma(3.5), scipy.stats.gamma(2.5, scale=2),
            scipy.stats.expon(2.5), scipy.stats.poisson(2.5)]  # fmt: skip
    systems = [System({a: noise("e", law)}, start={a: 0}) for law in laws]
    assert len(set(systems)) == len(laws)
    again = System({a: noise("e", scipy.stats.gamma(np.float64(2.5)))}, start={a: 0})
    assert again == systems[0]
    assert hash(again) == hash(systems[0])


def test_laws_made_of_data_are_the_same_as_themselves_alone():
    import scipy.stats

    low, high = (scipy.stats.rv_histogram(np.histogram(data)) for data in ([1, 2.0], [10, 20.0]))
    one, two = (System({a: noise("e", law)}, start={a: 0}) for law in (low, high))
    assert one != two
    assert one == System({a: noise("e", low)}, start={a: 0})


# -- read-only -------------------------------------------------------------------------------------


def test_mappings_of_a_model_cannot_be_set_and_say_what_to_write():
    system, network = thermostat(), Network({b: k * a}, start={a: 1}, parameters={k: 2})
    for mapping, key, told in [
        (system.parameters, k, r"with_parameters\(\{k: \.\.\.\}\)"),
        (system.start, R, r"with_start\(\{R: \.\.\.\}\)"),
        (system.mechanisms, T, "stays as it is: T cannot be set"),
        (network.parameters, k, r"with_parameters\(\{k: \.\.\.\}\)"),
    ]:
        with pytest.raises(DeclarationError, match=told):
            mapping[key] = 3.0
        with pytest.raises(DeclarationError, match="cannot be taken out"):
            del mapping[key]
        with pytest.raises((DeclarationError, AttributeError)):
            mapping.update({key: 3.0})
    assert system == thermostat()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", NAMES)
def test_fields_cannot_be_set(name):
    held = everything()[name]
    for field in dataclasses.fields(held):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(held, field.name, None)


def test_arrays_of_a_network_cannot_be_written():
    network = MODELS["arrays"]()
    columns = network.columns
    for column in (network.roots.numbers, columns.kinds, columns.offsets, columns.arguments,
                   columns.levels):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_what_a_user_gave_stays_the_users_own():
    kinds, parents, start = np.array([-1, 0]), np.array([[-1], [0]]), np.array([1.0, 2.0])
    labels = ["x", "y"]
    network = Network.from_arrays([lambda u: 2 * u], kinds, parents, start=start, labels=labels)
    expected = run(network.world()).value.values
    kinds[0], parents[1], start[0], labels[0] = 0, 1, 9.0, "z"
    assert np.array_equal(run(network.world()).value.values, expected)
    assert list(network.nodes) == ["x", "y"]
    mechanisms, begin, constants = {a: k * a}, {a: 1}, {k: 0.5}
    system = System(mechanisms, start=begin, parameters=constants)
    mechanisms[a], begin[a], constants[k] = a, 7, 3
    assert system == System({a: k * a}, start={a: 1}, parameters={k: 0.5})


def test_labels_are_compared_by_what_they_are():
    def labelled(labels):
        return Network.from_arrays([lambda u: 2 * u], [-1, 0], [[-1], [0]], start=1, labels=labels)

    assert labelled(["x", "y"]) == labelled(("x", "y"))
    assert labelled(None) == labelled([0, 1]) == labelled(np.array([0, 1])) == labelled(range(2))
    assert len({labelled(None), labelled([0, 1]), labelled(np.array([0, 1]))}) == 1
    assert labelled([0, 2]) != labelled([0, 1])


def test_a_label_given_twice_is_refused():
    with pytest.raises(DeclarationError, match="x"):
        Network.from_arrays([lambda u: u], [-1, 0], [[-1], [0]], start=1, labels=["x", "x"])


@pytest.mark.parametrize("dt", [0.5, np.float32(0.5), np.array(0.5), Fraction(1, 2)])
def test_the_length_of_a_step_is_a_number_like_any_other(dt):
    system = System({a: a}, start={a: 1}, dt=dt)
    assert system == System({a: a}, start={a: 1}, dt=0.5)
    assert hash(system) == hash(System({a: a}, start={a: 1}, dt=0.5))
    assert run(system.world(steps=2)).time.values.tolist() == [0, 0.5, 1]


def test_equal_networks_give_equal_numbers_for_both_zeros():
    def shared(start):
        return Network.from_arrays([lambda u: sp.atan2(u, -1)], [-1, 0], [[-1], [0]], start=start)

    assert shared(0.0) == shared(-0.0)
    assert run(shared(-0.0).world()).value.values[0, 1] == np.pi


# -- new ones from old -----------------------------------------------------------------------------


def test_op_follows_the_parameters():
    nats = {0.02: 20.607089919, 0.01: 10.143165859}
    system = thermostat()
    for value in (0.01, 0.02, 0.01, 0.02):
        changed = system.with_parameters({k: value})
        found = op(changed, A=T, n=R[0], m=R[1000]).item()
        assert found == pytest.approx(nats[value], abs=5e-10)
    assert system == thermostat()


def test_with_parameters_keeps_everything_else():
    system = System.from_ode(
        {a: -k * a}, start={a: 1}, parameters={k: 1, d: 2}, dt=0.1, method="rk4"
    )
    changed = system.with_parameters({d: 3})
    assert dict(changed.parameters) == {**system.parameters, d: 3.0}
    assert (changed.start, changed.method, changed.dt) == (system.start, "rk4", system.dt)
    network = Network({b: k * a}, start={a: 1}, parameters={k: 2, d: 5})
    assert dict(network.with_parameters({k: 7}).parameters) == {k: 7.0, d: 5.0}
    assert network.with_parameters({k: 7}).value(a) == 1.0


def test_unrolling_and_changing_commute():
    system = thermostat()
    changed = system.with_start({R: 30}).with_parameters({k: 0.03})
    flat = system.unroll(4).with_start({R[0]: 30}).with_parameters({k: 0.03})
    assert flat == changed.unroll(4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.with_parameters({variable("kk"): 1}), "names kk.* Did you mean k?"),
        (lambda s: s.with_parameters({T: 1}), "names T"),
        (lambda s: s.with_start({variable("RR"): 1}), "names RR.* Did you mean R?"),
        (lambda s: s.with_start({k: 1}), "names k"),
        (lambda s: s.with_start([1]), "write a dict"),
        (lambda s: s.with_parameters({k: float("nan")}), "the value of k is nan"),
        (lambda s: s.with_parameters({k: "1"}), "the value of k is '1'"),
        (lambda s: s.with_start({R: True}), "the value of R is True"),
        (lambda s: s.unroll(2).with_start({R[1]: 1}), r"names R\[1\].* Did you mean R\[0\]?"),
        (lambda s: s.unroll(2).with_parameters({variable("dd"): 1}), "Did you mean d?"),
        (lambda s: MODELS["graph"]().with_start({"inn": 1}), "names inn.* Did you mean in?"),
        (lambda s: MODELS["declared"]().with_start({b: 1}), "names b"),
    ],
)
def test_what_is_not_there_cannot_be_changed(change, told):
    with pytest.raises(DeclarationError, match=told):
        change(thermostat())


def walked(k_value, d_value, start, steps):
    """R over time, and Comp(T; R[0], R) over time: plain loops, the derivative carried by hand."""
    T_value, R_value, values, moved, comps = *start, [], (0.0, 1.0), []
    for _ in range(steps + 1):
        values.append(R_value)
        comps.append(moved[1])  # With T held, R keeps the difference 1.
        T_value, R_value = R_value - d_value, R_value - k_value * T_value
        moved = moved[1], moved[1] - k_value * moved[0]
    return values, comps


quarters = st.integers(-8, 8).map(lambda n: n / 4)


@given(
    st.lists(
        st.one_of(st.tuples(st.sampled_from(["k", "d", "T", "R"]), quarters), st.just(("dt", 0.0))),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 9),
)
@settings(max_examples=40)
def test_plans_that_are_remembered_never_give_an_old_number(changes, steps):
    system, now = thermostat(), {"k": 0.01, "d": 25.0, "T": 10.0, "R": 35.0}
    for name, value in changes:
        if name == "dt":
            # The same declaration made anew.
            system = System(system.mechanisms, start=system.start, parameters=system.parameters)
        else:
            now[name] = value
            symbol = {"k": k, "d": d, "T": T, "R": R}[name]
            change = system.with_parameters if name in "kd" else system.with_start
            system = change({symbol: value})
        values, comps = walked(now["k"], now["d"], (now["T"], now["R"]), steps)
        found = run(system.world(steps=steps), backend="numpy").R.values[0]
        assert found.tolist() == pytest.approx(values, rel=1e-12, abs=1e-12)
        answered = comp(system, A=T, n=R[0], m=R, steps=steps, backend="numpy")
        assert answered.values.tolist() == pytest.approx(comps, rel=1e-12, abs=1e-12)


# -- copies, and other processes -------------------------------------------------------------------


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda held: pickle.loads(pickle.dumps(held))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_equal_and_gives_the_same(name, copied):
    held = everything()[name]
    hash(held)
    again = copied(held)
    assert again == held
    assert hash(again) == hash(held)
    assert repr(again) == repr(held)


def arrays_of(held):
    """Every array that can be reached from a value of the package, through whatever holds it."""
    waiting, seen = [held], set()
    while waiting:
        reached = waiting.pop()
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        if isinstance(reached, np.ndarray):
            yield reached
        elif isinstance(reached, Mapping):
            waiting += list(reached.values())
        elif isinstance(reached, tuple | list | frozenset):
            waiting += list(reached)
        elif type(reached).__module__.startswith("causalopt"):
            waiting += list(getattr(reached, "__dict__", {}).values())


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "copied",
    [lambda held: held, copy.deepcopy, lambda held: pickle.loads(pickle.dumps(held))],
    ids=["itself", "deepcopy", "pickle"],
)
def test_no_array_that_can_be_reached_can_be_written_to(name, copied):
    assert not any(array.flags.writeable for array in arrays_of(copied(everything()[name])))


@pytest.mark.parametrize("name", list(worlds()))
def test_a_copied_world_gives_the_same_numbers(name):
    held = everything()[name]
    again = pickle.loads(pickle.dumps(held))
    assert isinstance(again, World)
    assert run(again, labels=["w"]).identical(run(held, labels=["w"]))


# What a second process does with the first one's values: all of it asked of equal ones made there.
RECEIVER = """
import pickle, sys
from tests.model.kinds import everything
with open(sys.argv[1], "rb") as file:
    sent = pickle.load(file)
made = everything()
assert sent.keys() == made.keys()
for name, value in made.items():
    assert sent[name] == value and value == sent[name], name
    assert hash(sent[name]) == hash(value), name
    assert sent[name] in {value} and {sent[name]: 1}[value] == 1, name
    assert repr(sent[name]) == repr(value), name
for name in ("formulas", "noisy", "euler", "rk4", "tables"):
    assert sent[name].world(steps=6) == made[name].world(steps=6), name
    assert hash(sent[name].world(steps=6)) == hash(made[name].world(steps=6)), name
print(hash("text"))
"""


def test_values_are_the_same_in_a_process_with_another_hash_of_text(tmp_path):
    sent = everything()
    # What is worked out on the way, hashes above all, must not travel.
    for value in sent.values():
        hash(value)
    run(sent["every intervention"], backend="numpy")
    file = tmp_path / "sent.pickle"
    file.write_bytes(pickle.dumps(sent))
    hashes = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", RECEIVER, str(file)], capture_output=True, text=True, env=env,
            cwd=ROOT, check=False,
        )  # fmt: skip
        assert not done.returncode, done.stderr
        hashes.add(done.stdout)
    assert len(hashes) == 2  # They do differ in what they hash text to.
