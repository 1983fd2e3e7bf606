"""Models in SBML as text, part by part: what tests read. libsbml writes formulas."""

import pytest

from causalopt.exchange import read_sbml

libsbml = pytest.importorskip("libsbml", reason="python-libsbml is not installed")

LISTS = {
    "functionDefinition": "listOfFunctionDefinitions",
    "unitDefinition": "listOfUnitDefinitions",
    "compartment": "listOfCompartments",
    "species": "listOfSpecies",
    "parameter": "listOfParameters",
    "initialAssignment": "listOfInitialAssignments",
    "assignmentRule": "listOfRules",
    "rateRule": "listOfRules",
    "algebraicRule": "listOfRules",
    "reaction": "listOfReactions",
    "event": "listOfEvents",
}


def math(infix):
    """A formula as MathML."""
    parsed = libsbml.parseL3Formula(infix)
    assert parsed is not None, libsbml.getLastParseL3Error()
    return libsbml.writeMathMLToString(parsed).partition("?>")[2]


def element(name, attributes, inside=""):
    written = " ".join(f'{key}="{as_text(value)}"' for key, value in attributes.items())
    return f"<{name} {written}>{inside}</{name}>\n"


def as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def compartment(name, size=1, constant=True, **more):
    given = {"id": name, "size": size, "constant": constant, "spatialDimensions": 3, **more}
    return element("compartment", given)


def species(name, concentration=None, amount=None, within="c", *, is_amount=False, **more):
    given = {"initialConcentration": concentration, "initialAmount": amount}
    shape = {"hasOnlySubstanceUnits": is_amount, "boundaryCondition": False, "constant": False}
    given = {key: value for key, value in given.items() if value is not None}
    return element("species", {"id": name, "compartment": within, **given, **shape, **more})


def parameter(name, value=None, constant=True, **more):
    given = {} if value is None else {"value": value}
    return element("parameter", {"id": name, **given, "constant": constant, **more})


def start(name, infix):
    return element("initialAssignment", {"symbol": name}, math(infix))


def assignment(name, infix):
    return element("assignmentRule", {"variable": name}, math(infix))


def rate(name, infix):
    return element("rateRule", {"variable": name}, math(infix))


def algebraic(infix):
    return element("algebraicRule", {}, math(infix))


def function(name, infix):
    return element("functionDefinition", {"id": name}, math(infix))


def reference(name, stoichiometry=1, constant=True, **more):
    number = {} if stoichiometry is None else {"stoichiometry": stoichiometry}
    return element("speciesReference", {"species": name, **number, "constant": constant, **more})


def reaction(name, reactants, products, infix, local="", **more):
    sides = {"listOfReactants": reactants, "listOfProducts": products}
    inside = "".join(f"<{side}>{given}</{side}>" for side, given in sides.items() if given)
    own = f"<listOfLocalParameters>{local}</listOfLocalParameters>" if local else ""
    law = "" if infix is None else f"<kineticLaw>{math(infix)}{own}</kineticLaw>"
    return element("reaction", {"id": name, "reversible": False, **more}, inside + law)


def local(name, value):
    return element("localParameter", {"id": name, "value": value})


def event(trigger, sets, *, delay=None, priority=None, true_before=True, persistent=True,
          values_then=True, **more):  # fmt: skip
    told = {"initialValue": true_before, "persistent": persistent}
    inside = element("trigger", told, math(trigger))
    for name, infix in (("delay", delay), ("priority", priority)):
        inside += "" if infix is None else element(name, {}, math(infix))
    every = "".join(element("eventAssignment", {"variable": v}, math(f)) for v, f in sets.items())
    inside += f"<listOfEventAssignments>{every}</listOfEventAssignments>"
    return element("event", {"useValuesFromTriggerTime": values_then, **more}, inside)


#: A clock.
CLOCK = (parameter("x", 0, constant=False), rate("x", "1"))


def reader(folder, dt):
    """What reads a small model of some parts, or a whole text, with steps of a length."""

    def read(*parts, level=3, version=2, **how):
        is_whole = parts[0].startswith("<?xml")
        path = folder / "m.xml"
        path.write_text(parts[0] if is_whole else model(*parts, level=level, version=version))
        return read_sbml(path, **{"dt": dt, "method": "rk4", **how})

    return read


def model(*parts, level=3, version=2, attributes="", inside=""):
    """A file with these parts, each in the list that it belongs to."""
    lists = {}
    for part in parts:
        name = part[1 : part.index(" ")]
        lists.setdefault(LISTS[name], []).append(part)
    ordered = dict.fromkeys(LISTS.values())
    body = "".join(f"<{one}>\n{''.join(lists[one])}</{one}>\n" for one in ordered if one in lists)
    space = {3: f"level3/version{version}/core", 2: f"level2/version{version}", 1: "level1"}[level]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<sbml xmlns="http://www.sbml.org/sbml/{space}" '
        f'level="{level}" version="{version}" {attributes}>\n<model id="m">\n'
        f"{body}{inside}</model></sbml>\n"
    )
