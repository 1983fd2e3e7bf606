"""Files that somebody else wrote: what is read, and what is refused before anything looks at it."""

import pytest

from causalopt import FileError
from causalopt.exchange.reading import MOST_BYTES, place, read_text


def test_text_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "model.txt"
    path.write_bytes("\ufeffa = 1\r\nβ = 2\rc".encode())
    assert read_text(path) == "a = 1\nβ = 2\nc"


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"a\n\xff", "line 2: byte 2 is no UTF-8"),
        ("a".encode("utf-16"), "byte 0 is no UTF-8"),
        (b"a\0b", "no text"),
        (b"a" * (MOST_BYTES + 1), "MOST_BYTES"),
    ],
)
def test_what_is_no_text_is_told(tmp_path, held, told):
    path = tmp_path / "model.txt"
    path.write_bytes(held)
    with pytest.raises(FileError, match=told):
        read_text(path)


def test_what_is_no_file_is_told(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileError, match="cannot be read"):
            read_text(path)


def test_places_are_those_of_an_editor():
    text = "ab\n\ncd"
    assert [place(text, i) for i in (0, 2, 3, 4, 5)] == [
        "line 1, column 1",
        "line 1, column 3",
        "line 2, column 1",
        "line 3, column 1",
        "line 3, column 2",
    ]
