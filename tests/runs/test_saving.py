"""Results are saved by xarray's own ``to_netcdf``, without a word on how, and come back whole."""

import numpy as np
import pytest
import xarray as xr

from causalopt import (
    Distribution,
    Network,
    System,
    comp,
    every_m,
    every_n,
    finite,
    noise,
    normal,
    op,
    parameter,
    run,
    table,
    tangents,
    variables,
)

# Units of other letters were always possible; names are this field's Greek habit.
θ, α, ж, warmth = variables("θ α ж 温度", unit="Ω")
k, e = parameter("κ"), noise("ε", normal())
F = finite("Φ", ["ä b", "α", 3])
system = System(
    {θ: α / 3 - k * θ, α: θ + e / 9, ж: θ + α, warmth: ж},
    start={θ: 1, α: 0, ж: 2, warmth: 3},
    parameters={k: 0.5},
)
still = System({θ: α / 3 - k * θ, α: -θ}, start={θ: 1, α: 0}, parameters={k: 0.5})
states = System({F: table(F, {"ä b": "α", "α": 3, 3: "ä b"})}, start={F: 3})
network = Network({α: 3 * θ, ж: α + θ}, start={θ: 3})
W = system.world(steps=4)

RESULTS = {
    "run": lambda: run(W, W.perturb(θ[0])),
    "draws": lambda: run(W, draws=3, over={k: [0.1, 0.2]}),
    "tangents": lambda: tangents(W.perturb(θ[0])),
    "comp": lambda: comp(still, A=α, n=θ[0], m=θ, steps=6, over={θ[0]: [1, 2], k: [0.1, 0.2]}),
    "op": lambda: op(still, A=α, n=θ[0], m=θ[6]),
    "complex op": lambda: op(still, A=α, n=θ[0], m=θ, steps=6, branch="complex"),
    "complex point": lambda: op(still, A=α, n=θ[0], m=θ[6], branch="complex"),
    "every_m": lambda: every_m(still, A=α, n=θ[0], steps=6),
    "every_n": lambda: every_n(still, A=α, m=θ[6]),
    "named values": lambda: run(states.world(steps=3), over={F[0]: ["ä b", 3]}),
    "network": lambda: run(network.world(), network.world().perturb(θ), over={θ: [1, 2]}),
    "every_m of a network": lambda: every_m(network, A=[α], n=θ),
    "distribution": lambda: Distribution.uniform(F).to_xarray(),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_come_back_whole(name, tmp_path):
    result = RESULTS[name]()
    result.to_netcdf(tmp_path / "data.nc")
    load = xr.load_dataset if isinstance(result, xr.Dataset) else xr.load_dataarray
    assert load(tmp_path / "data.nc").identical(result)


def test_a_complex_value_stays_beside_what_has_the_name_of_its_part(tmp_path):
    rate = op(still, A=α, n=θ[0], m=θ, steps=3, branch="complex")
    both = xr.Dataset({"x": rate, "x_real": rate.real + 7, "x_imag": rate.real})
    both.to_netcdf(tmp_path / "data.nc")
    back = xr.load_dataset(tmp_path / "data.nc")
    assert back.identical(both)
    assert np.iscomplexobj(back.x)
    assert len(back.data_vars) == 3
