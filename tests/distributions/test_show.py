"""Distributions as text, LaTeX and HTML tables."""

from thermostats import P0, R, T, dumb, third

from causalopt import Distribution, finite


def test_text_is_the_table_of_the_post():
    assert str(P0.push(dumb)) == (
        "      hot  warm  cold\nhigh    0   1/3     0\nlow     0   1/3     0\noff     0   1/3     0"
    )
    assert repr(P0).startswith("<P(T, R), exact: T = high, R = cold: 1/3;")


def test_three_variables_print_the_last_in_columns():
    a, b, c = (finite(name, [0, 1]) for name in "abc")
    lines = str(Distribution.delta({a: 1, b: 0, c: 1})).splitlines()
    assert lines[0].split() == ["0", "1"]
    assert [line.split() for line in lines[1:]] == [
        ["0", "0", "0", "0"], ["0", "1", "0", "0"], ["1", "0", "0", "1"], ["1", "1", "0", "0"],
    ]  # fmt: skip


def test_labels_are_escaped():
    sly = finite("sly", ["<b>&", "$x_1^2$ \\ {%#~}"])
    P = Distribution.uniform(sly)
    assert "<b>" not in P._repr_html_()
    assert "&lt;b&gt;&amp;" in P._repr_html_()
    latex = P._repr_latex_()
    assert r"\text{\$x\_1\textasciicircum{}2\$ \textbackslash{} \{\%\#\textasciitilde{}\}}" in latex
    assert r"\text{<b>\&}" in latex


def test_latex_and_html_hold_the_masses():
    assert r"\frac{1}{3}" in P0._repr_latex_()
    third = "<mfrac><mn>1</mn><mn>3</mn></mfrac>"
    assert P0._repr_html_().count(f"<td><math>{third}</math></td>") == 3
    assert P0._repr_html_().count("<td>0</td>") == 6


def test_a_large_distribution_is_cut_short():
    a, b = finite("a", range(100)), finite("b", range(100))
    P = Distribution.uniform(a, b).floats()
    assert len(str(P).splitlines()) == 22
    assert "... 9980 more" in str(P)
    assert repr(P) == "<P(a, b), float: 10000 of 10000 states have mass>"


def test_equality_and_labels():
    assert Distribution.uniform(T, R) != P0
    assert P0 != 3
    assert hash(P0) == hash(Distribution.of((T, R), [[0, 0, third], [0, third, 0], [third, 0, 0]]))
    array = P0.to_xarray()
    assert array.sel(T="off", R="hot").item() == 1 / 3
    assert array.dims == ("T", "R")
