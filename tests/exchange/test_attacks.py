"""Files made to do harm, and files that are broken: each is told in words, with its place."""

import contextlib
import random
import re
import warnings

import pytest
from exchange.breaking import mutated

from causalopt import DeclarationError, FileError
from causalopt.exchange import chances, elements, read_bif, read_xmlbif

BIF = """network "n" { property a = "b;c" ; } // a comment
variable a { type discrete [ 2 ] { yes, no }; }
variable "b c" { type discrete [ 3 ] { <5, >=10, "5 to 10" }; property x ; }
probability ( a ) { table 0.25, 7.5e-1; }
/* all
   rows */
probability ( "b c" | a ) { default 0.5 0.25 0.25; (yes) 1e-3, 0.999, 0; }
"""
XMLBIF = """<?xml version="1.0"?>
<!DOCTYPE BIF [ <!ELEMENT BIF ( NETWORK )*> <!ATTLIST VARIABLE TYPE CDATA "nature"> ]>
<BIF VERSION="0.3"><NETWORK><NAME>n</NAME>
<VARIABLE TYPE="nature"><NAME>a</NAME><OUTCOME>&lt;5</OUTCOME><OUTCOME>no</OUTCOME></VARIABLE>
<VARIABLE><NAME>b</NAME><OUTCOME>u</OUTCOME><OUTCOME>v</OUTCOME></VARIABLE>
<DEFINITION><FOR>a</FOR><TABLE>0.25 0.75</TABLE></DEFINITION>
<DEFINITION><FOR>b</FOR><GIVEN>a</GIVEN><TABLE>0.5 0.5 1e-3 0.999</TABLE></DEFINITION>
</NETWORK></BIF>
"""
READ = {"bif": (read_bif, BIF), "xmlbif": (read_xmlbif, XMLBIF)}


# What is told of a file as a whole has no place in it.
OF_THE_WHOLE = ("is empty", "bytes that are no text", "no UTF-8", "MOST_BYTES")


def outcome(read, path, content):
    """Whether a content is read; what is told must say where."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = message_of(read, path)
    if not told:
        return True
    assert re.search(r", line \d+, column \d+: .", told) or any(w in told for w in OF_THE_WHOLE)
    assert len(told) < 2000
    return False


def message_of(read, path):
    """What is told of a file; nothing where it is read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            read(path, normalise=True)
    except (FileError, DeclarationError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("form", READ)
def test_the_whole_files_are_sound(form, tmp_path):
    read, text = READ[form]
    assert outcome(read, tmp_path / "m", text)


@pytest.mark.parametrize("form", READ)
def test_files_that_end_early_are_told(form, tmp_path):
    read, text = READ[form]
    whole = text.rstrip().encode()
    for end in range(len(whole)):
        assert not outcome(read, tmp_path / "m", whole[:end]), end


ODD = ['"', "{", "}", "(", ")", ";", "|", "/*", "//", "<", ">", "&", "&x;", "]]>", "<!--", "-1",
       "1e999", "nan", "inf", "0x1", "é", "\u202e", "\x1b", "table", "default", "property",
       "<!ENTITY x 'y'>", "[ 0 ]", "__import__('os')", "", " ", "%s", "{0}", "1_000",
       "٣"]  # fmt: skip


def fuzz(form, folder, count, first=0):
    """How many of so many broken files are read all the same."""
    read, text = READ[form]
    path, draw = folder / "m", random.Random(first)
    sound = sum(outcome(read, path, mutated(text, first + seed, ODD)) for seed in range(count))
    for _ in range(count // 5):
        content = text.encode()
        kind = draw.randrange(3)
        if kind == 0:
            content = draw.randbytes(draw.randint(1, 300))
        elif kind == 1:
            at = draw.randrange(len(content))
            content = content[:at] + draw.randbytes(draw.randint(1, 4)) + content[at + 1 :]
        else:
            content = bytes(draw.choices(b'{}()[]<>;|"/*!&ab01.e- \n,', k=draw.randint(1, 300)))
        with contextlib.suppress(UnicodeEncodeError):
            outcome(read, path, content)
    return sound


@pytest.mark.parametrize("form", READ)
def test_broken_files_are_told(form, tmp_path):
    # Both happen: else the changes would be too small, or too large, to ask anything.
    assert 0 < fuzz(form, tmp_path, 300) < 300


@pytest.mark.long
@pytest.mark.parametrize("form", READ)
def test_ten_thousand_broken_files_are_told(form, tmp_path):
    assert 0 < fuzz(form, tmp_path, 10_000, first=1_000) < 10_000


def test_rows_are_read_at_once(tmp_path, monkeypatch):
    # One by one they would take long; those that are divided, or refused, are few.
    text = (
        variables(13)
        + priors(12)
        + "probability ( v12 | "
        + " ".join(f"v{i}" for i in range(12))
        + " ) { table "
        + "0.5 " * 2**13
        + "; }"
    )
    (tmp_path / "m").write_text("network n { }" + text)
    monkeypatch.setattr(chances, "_masses", lambda *_: pytest.fail("a row is read by itself"))
    assert len(read_bif(tmp_path / "m").nodes) == 13


@pytest.mark.parametrize("form", READ)
def test_more_rows_to_divide_than_are_read_are_refused(form, tmp_path, monkeypatch):
    monkeypatch.setattr(chances, "MOST_DIVIDED", 1)
    read, text = READ[form]
    text = text.replace("0.75", "0.749").replace("7.5e-1", "0.749").replace("0.999", "0.998")
    (tmp_path / "m").write_text(text)
    assert re.search(
        r"line \d+, column \d+: more than 1 rows do not sum to 1 \(MOST_DIVIDED",
        message_of(read, tmp_path / "m"),
    )


def test_code_in_names_is_a_label(tmp_path):
    made = tmp_path / "made"
    name = f"__import__('pathlib').Path('{made}').touch()"
    text = (
        f'network n {{ }} variable "{name}" {{ type discrete [ 2 ] {{ "{name}" "exec(1)" }}; }}'
        f' probability ( "{name}" ) {{ table 0.5 0.5; }}'
    )
    path = tmp_path / "m"
    path.write_text(text)
    (node,) = read_bif(path).nodes
    assert node.values == (name, "exec(1)")
    assert repr(read_bif(path).mechanism(node, node))
    assert not made.exists()


def variables(count):
    return "".join(f"variable v{i} {{ type discrete [2] {{ a b }}; }}" for i in range(count))


def priors(count):
    return "".join(f"probability ( v{i} ) {{ table 0.5 0.5; }}" for i in range(count))


LARGE = {
    "variables": (variables(50_000), "MOST_VARIABLES"),
    "tables": (variables(1) + priors(1) * 6_000, "MOST_VARIABLES"),
    "a table": (
        variables(30) + priors(29)
        + f"probability ( v29 | {' '.join(f'v{i}' for i in range(29))} ) {{ default 0.5 0.5; }}",
        "v29 has 1,073,741,824 entries.* MOST_ENTRIES|v29 has 1,073,741,824 entries",
    ),
    "parents": (
        variables(50) + f"probability ( v49 | {' '.join(f'v{i}' for i in range(49))} ) {{ }}",
        "'v49' has more than 30 parents",
    ),
    # Told before the rest is read, which has no end.
    "parents without end": (variables(1) + "probability ( v0 |" + " v0" * 1000, "MOST_PARENTS"),
    "values": ("variable a { type discrete [20000] {" + " x" * 20_000 + "}; }", "MOST_VALUES"),
    "rows of whole tables": (
        variables(18) + "probability ( v0 | " + " ".join(f"v{i}" for i in range(1, 18))
        + " ) { table " + "0.5 " * 2**18 + "; }" + priors(18).partition("}")[2], "MOST_ROWS"),
    "odd numbers": (
        variables(1) + "probability ( v0 ) { table " + "0.5x " * 200_000 + "; }",
        "100,000 are read: write numbers alone"),
    "rows": (variables(2) + "probability ( v0 | v1 ) {" + "(a) 1 0;" * 300_001, "MOST_ROWS"),
    "brackets": ("(" * 100_000, "was expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_what_is_too_large_is_refused_before_it_is_made(case, tmp_path):
    text, told = LARGE[case]
    (tmp_path / "m").write_text("network n { }" + text)
    with pytest.raises(FileError, match=told):
        read_bif(tmp_path / "m")
    assert chances.MOST_ENTRIES < 2**30


def lol(levels):
    entities = [f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(levels)]
    return f'<!DOCTYPE BIF [<!ENTITY a0 "lol">{"".join(entities)}]><BIF>&a{levels};</BIF>'


HARMFUL = {
    "a bomb": (lol(12), "an entity is declared"),
    "a long entity": (
        f'<!DOCTYPE B [<!ENTITY a "{"x" * 9999}">]><B>{"&a;" * 9999}</B>',
        "an entity is declared",
    ),
    "a file": ('<!DOCTYPE B [<!ENTITY a SYSTEM "{}">]><B>&a;</B>', "an entity is declared"),
    "a parameter": ('<!DOCTYPE B [<!ENTITY % a SYSTEM "{}"> %a;]><B/>', "an entity is declared"),
    "elsewhere": ('<!DOCTYPE B SYSTEM "{}"><B>&a;</B>', "an entity is declared or used"),
    "unparsed": ('<!DOCTYPE B [<!NOTATION n SYSTEM "n"><!ENTITY a SYSTEM "{}" NDATA n>]><B/>',
                 "an entity"),
    "depth": ("<a>" * 100_000, "deeper than 100"),
    "elements": ("<a>" + "<b/>" * (elements.MOST_ELEMENTS + 1) + "</a>", "MOST_ELEMENTS"),
    "attributes": (
        f"<!DOCTYPE B [<!ATTLIST B {' '.join(f'a{i} CDATA #IMPLIED' for i in range(999))}>]><B/>",
        "more than 200 attributes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_harmful_xml_is_refused_and_opens_nothing(case, tmp_path):
    text, told = HARMFUL[case]
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    (tmp_path / "m").write_text(text.replace("{}", secret.as_uri()))
    with pytest.raises(FileError, match=told) as caught:
        read_xmlbif(tmp_path / "m")
    assert re.search(r"line \d+, column \d+: ", str(caught.value))
    assert "a secret" not in str(caught.value)


def test_what_a_dtd_adds_to_elements_is_left_out(tmp_path):
    # Once for each of many elements it would take without end.
    long = "x" * 100_000
    declared = "".join(f'<!ATTLIST NAME a{i} CDATA "{long}">' for i in range(40))
    text = XMLBIF.replace("<!ELEMENT", declared + "<!ELEMENT").replace("</NETWORK>", "")
    network = text.replace("</BIF>", "<PROPERTY/>" * 50_000 + "</NETWORK></BIF>")
    source = elements.FileText("m", network)
    root = elements.root_of(source)
    names = [child for child in root.children[0].children if child.name == "NAME"]
    assert [name.attributes for name in names] == [{}]
