"""The page of desiderata: each cell is what random systems say, and each block runs."""

import re
import warnings

import desiderata
import pytest
import scenes
from desiderata import DESIDERATA, MEASURES

import causalopt

# In the order of the page: no null action, no repetition, no uncertainty, no absolute time, free of
# m's coordinates, sees the policy, zero if A hears nothing, sign, no goal.
EXPECTED = {
    "comp": "✓✓✓✓✓✓✓✓✓",
    "op": "✓✓✓✓✓✓✓✓✓",
    "effects (through A)": "✓✓✓✓✗✓✓✓✓",
    "conditional_exponents": "✓✗✓✗✗✓✗✓✓",
    "optimizing_strength": "✓✓✗✗✓✓✗✓✓",
    "adjusted_optimizing_strength": "✓✓✗✗✓✓✗✓✓",
    "optimization_bits": "✓✓✓✗✓✓✗✗✗",
    "basin_stability": "✓✗✓✗✓✓✗✗✗",
    "empowerment": "✓✓✓✗✓✗✗✗✓",
    "information_flow": "✓✓✗✗✓✓✗✗✓",
    "transfer_entropy": "✓✓✗✗✓✓✗✗✓",
    "causal_strength": "✓✓✗✗✓✗✗✗✓",
    "effective_information": "✓✓✓✗✓✓✗✗✓",
    "viability": "✓✓✗✗✓✓✗✓✓",
    "semantic_information": "✓✓✗✗✓✓✗✗✓",
    "control_bound": "✓✓✓✗✓✗✗✓✓",
}
CELLS = [(measure, wanted.name) for measure in MEASURES for wanted in DESIDERATA]


@pytest.mark.sampled(10)
@pytest.mark.parametrize(("measure", "desired"), CELLS)
def test_a_cell_is_what_random_systems_say(measure, desired):
    found = desiderata.cell(measure, desired)
    place = [wanted.name for wanted in DESIDERATA].index(desired)
    assert found.holds == (EXPECTED[measure][place] == "✓")
    wanted = DESIDERATA[place]
    # What never changes is shown where it does, and what can be where it is.
    assert bool(found.shown) == (found.holds == wanted.differ)
    if found.shown:
        check_block(desiderata.code(found), found)


def check_block(text, found):
    """The block declares what was asked, and gives the numbers that stand in it."""
    for said in found.shown:
        assert said.text in text
        if said.ask == "the neutral value":
            continue
        alone = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            exec(desiderata.IMPORTS + said.text, alone)
            if isinstance(said.value, str):
                name, message = said.value.split(": ", 1)
                with pytest.raises(getattr(causalopt, name), match=re.escape(message)):
                    eval(said.ask, alone)
                continue
            value = eval(f"float({said.ask})", alone)
        assert value == pytest.approx(said.value, rel=1e-12, abs=1e-12)
        assert f"float({said.ask})  # {value:.10g}" in text


def test_the_page_has_every_cell_and_every_block():
    # Of two measures, since the cells have tests of their own.
    few = dict(list(MEASURES.items())[:2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desiderata, "MEASURES", few)
        page = desiderata.page()
    assert page.startswith("# Desiderata")
    assert page.count("```python") == sum(
        bool(desiderata.cell(measure, wanted.name).shown)
        for measure in few
        for wanted in DESIDERATA
    )
    for measure in few:
        assert f"| `{measure}` | {' | '.join(EXPECTED[measure])} |" in page


def test_every_measure_of_the_literature_is_asked():
    public = {
        name
        for name in causalopt.__all__
        if getattr(getattr(causalopt, name), "__module__", "").startswith(
            "causalopt.measures.literature."
        )
        and callable(getattr(causalopt, name))
        and name[0].islower()
    }
    # Two ask one decision, by what it wants, and not a part of a system.
    asked = public - {"compare", "goal_directedness", "incentives"}
    assert asked <= {name.split(" ")[0] for name in MEASURES}


@pytest.mark.parametrize("kind", ["finite", "real", "sure"])
def test_scenes_differ_and_are_declared_as_they_say(kind):
    made = scenes.real_scenes(8) if kind == "real" else scenes.finite_scenes(8, sure=kind == "sure")
    texts = [scene.text() for scene in made]
    assert len(set(texts)) == len(texts)
    for scene in made:
        system = scenes.declared(scene.text())["system"]
        assert [v.name for v in system.variables] == ["A", "m"]
        # Twice round a circle of codes is where it began, as often as there are values.
        if kind != "real":
            again = scene
            for _ in range(scene.sizes[1]):
                again = again.recoded(1)
            assert again.text() == scene.text()
