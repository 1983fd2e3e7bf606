"""What is declared and asked is a value: equal by what it holds, in any process."""

import functools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import causalopt as co
from causalopt.plan import steps
from causalopt.study import load_model, model_files
from tests.model.kinds import MODELS
from tests.test_house import exported
from tests.values import BUILDERS, DECLARED, decay, nothing_of, x, y

ROOT = Path(__file__).parent.parent
SHIPPED = sorted(model_files())


@functools.cache
def shipped(name):
    """The system of a model that comes with the package; None where it is of derivations alone."""
    return load_model(name).system


def sent(value):
    return pickle.loads(pickle.dumps(value))


def check_same(one, other):
    assert one == other
    assert other == one
    assert hash(one) == hash(other)
    assert {one: 1}[other] == 1


@pytest.mark.filterwarnings("ignore:No mechanism reads the present value")
@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_made_twice_or_sent_is_one_value(name):
    value = BUILDERS[name]()
    hash(value)
    check_same(sent(value), value)
    check_same(BUILDERS[name](), value)


@pytest.mark.filterwarnings("ignore:No mechanism reads the present value")
def test_every_public_class_is_tried():
    public = {name for _, name in exported() if isinstance(getattr(co, name), type)}
    raised = {name for name in public if issubclass(getattr(co, name), Exception)}
    made = {kind.__name__ for build in BUILDERS.values() for kind in type(build()).__mro__}
    assert public - raised <= made


def mechanisms_of(model):
    return getattr(model, "declarations", None) or dict(enumerate(model.columns.mechanisms))


@pytest.mark.parametrize("name", SHIPPED)
def test_systems_of_models_are_values_and_so_are_their_parts(name):
    system = shipped(name)
    if system is None:
        return
    check_same(sent(system), system)
    for mechanism in mechanisms_of(system).values():
        check_same(sent(mechanism), mechanism)
    for symbol in system.parameters:
        check_same(sent(symbol), symbol)


def test_many_models_have_a_system():
    assert sum(shipped(name) is not None for name in SHIPPED) > 25


@pytest.mark.parametrize("name", MODELS)
def test_mechanisms_of_every_kind_are_values(name):
    for mechanism in mechanisms_of(MODELS[name]()).values():
        check_same(sent(mechanism), mechanism)


# -- values that differ in one thing ---------------------------------------------------------------


DIFFERENT = {
    "start": (decay(), decay().with_start({x: 2})),
    "question's values": [co.Question(decay(), x, y[0], y[3], over={x[0]: v}) for v in ([1], [2])],
    "question's order": [
        co.Question(decay(), x, y[0], y[3], over={v: [1, 2] for v in order})
        for order in ((x[0], y[0]), (y[0], x[0]))
    ],
    "question's length": [co.Question(decay(), x, y[0], y, steps=n) for n in (3, 4)],
    "question's draws": [
        co.Question(BUILDERS["question of draws"]().of, BUILDERS["question of draws"]().A,
                    *(BUILDERS["question of draws"]().n, BUILDERS["question of draws"]().m),
                    draws=draws)
        for draws in (3, 4)
    ],
    "samples": [co.Ensemble.of({x: [1.0, number]}) for number in (2, 3)],
    "moments": [co.Gaussian.of({x: (0, deviation)}) for deviation in (1, 2)],
    "sides": [co.Box.of({x: (0, top)}) for top in (1, 2)],
    "enthalpies": [
        co.Enthalpies.of(v := co.finite("v", [0, 1]), {0: 0, 1: 1}, how)
        for how in ("maximise", "minimise")
    ],
    "kernel": [co.Chain(co.finite("v", [0, 1]), [[p, 1 - p], [0, 1]]) for p in (0.25, 0.5)],
    "operator": [
        co.TransferOperator.of(co.System({x: x + co.noise("e", co.choice([-1, 1]))}, start={x: 1}),
                               inside=(0, top), cells=4)
        for top in (4, 5)
    ],
    "survey's values": [co.Survey(nothing_of, {"n": [1, top]}) for top in (2, 3)],
    "survey's order": [
        co.Survey(nothing_of, {v: [1, 2] for v in order}) for order in ("nm", "mn")
    ],
    "formula": [co.symbolic_op(decay(), x, y[0], y[steps]) for steps in (2, 3)],
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENT)
def test_values_that_differ_in_one_thing_are_two(name):
    one, other = DIFFERENT[name]
    assert one != other
    assert one == sent(one)


def test_a_question_is_what_is_asked_and_not_how_it_was_written():
    plain = co.Question(decay(), x, y[0], y[3], over={x[0]: [1, 2]})
    check_same(plain, co.Question(decay(), x, y[0], y[3], over={x[0]: (1.0, 2.0)}))
    check_same(plain, co.Question(decay(), x, y[0], y[3], steps=3, over={x[0]: range(1, 3)}))


# -- caches, and other processes -------------------------------------------------------------------


def test_what_was_sent_is_found_in_the_caches():
    system = decay((x, co.variable("only_here")))
    co.op(system, A=x, n=system.variables[1][0], m=system.variables[1][7])
    before = steps.flatten_system.cache_info()
    again = sent(system)
    co.op(again, A=x, n=again.variables[1][0], m=again.variables[1][7])
    after = steps.flatten_system.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 0)


RECEIVER = """
import pickle, sys
from tests.values import DECLARED
with open(sys.argv[1], "rb") as file:
    sent = pickle.load(file)
for name, build in DECLARED.items():
    made = build()
    assert sent[name] == made and made == sent[name], name
    assert hash(sent[name]) == hash(made) and {sent[name]: 1}[made] == 1, name
print(hash("text"))
"""


def test_values_are_the_same_in_a_process_with_another_hash_of_text(tmp_path):
    values = {name: build() for name, build in DECLARED.items()}
    for value in values.values():  # what is worked out on the way must not travel
        hash(value)
    file = tmp_path / "sent.pickle"
    file.write_bytes(pickle.dumps(values))
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"}
    done = subprocess.run(
        [sys.executable, "-c", RECEIVER, str(file)], capture_output=True, text=True, env=env,
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert int(done.stdout) != hash("text")
