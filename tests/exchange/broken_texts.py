"""Every reader of texts beside files that are broken: each is read, or told in words.

Run as a program it reads so many in this process alone, and tells what came of them.
"""

import json
import re
import sys
import time
import warnings
from pathlib import Path

from exchange import test_attacks, test_dagitty, test_dynamic_attacks, test_sbml_attacks
from exchange import test_model_text_attacks as model_texts
from exchange.breaking import broken
from exchange.reader_attacks import READERS

from causalopt import FileError
from causalopt.exchange.biology import process, worker

#: For each reader texts that are sound, and what is put in.
TEXTS = {
    "bif": ([test_attacks.BIF], test_attacks.ODD),
    "xmlbif": ([test_attacks.XMLBIF], test_attacks.ODD),
    "dagitty": ([text for text in test_dagitty.DRAWN if len(text) > 20], test_attacks.ODD),
    "vensim": ([test_dynamic_attacks.MDL], test_dynamic_attacks.ODD),
    "xmile": ([test_dynamic_attacks.XML], test_dynamic_attacks.ODD),
    "sbml": ([test_sbml_attacks.SOUND], test_sbml_attacks.ODD),
    "toml": (model_texts.FILES, model_texts.ODD),
}
#: How many of 100,000 each reader is given: those that answer sooner get more.
SHARES = {"bif": 17_000, "xmlbif": 17_000, "dagitty": 16_000, "vensim": 10_000, "xmile": 12_000,
          "sbml": 8_000, "toml": 20_000}  # fmt: skip
_OF_THE_WHOLE = ("is empty", "bytes that are no text", "no UTF-8", "MOST_BYTES", "is not text",
                 "beyond the largest float", "no finite real number")  # fmt: skip


def outcome(reader, path, content):
    """Whether a content is read, and what is wrong with what is told of it: nothing, where it is
    an error of the house that says where in the file, in few words.
    """
    read, _ = READERS[reader]
    path.write_bytes(content)
    try:
        read(path)
    except FileError as error:
        told = str(error)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    else:
        return True, ""
    is_placed = re.search(r", line \d+, column \d+: .", told, re.DOTALL)
    # What libsbml and the checks of a whole model tell has no one place.
    is_whole = reader == "sbml" or any(words in told for words in _OF_THE_WHOLE)
    is_told = (is_placed or is_whole) and path.name in told and len(told) < 4_000
    return False, "" if is_told else f"told is {told}"


def tried(reader, path, seeds):
    """How many of the broken texts of some seeds are read, what is wrong, and the slowest."""
    texts, odd = TEXTS[reader]
    sound, wrong, slowest, slow = 0, {}, (0.0, -1), {}
    for seed in seeds:
        content = broken(texts[seed // 3 % len(texts)], seed, odd)
        begun = time.process_time()
        is_read, fault = outcome(reader, path, content)
        took = time.process_time() - begun
        sound += is_read
        slowest = max(slowest, (took, seed))
        if fault:
            wrong[seed] = fault
        if took > 1:
            slow[seed] = took
    return {"read": sound, "wrong": wrong, "slowest": slowest, "slow": slow}


def in_this_process():
    """Have libsbml read in this process: a process for each of many files would take long."""
    process._told = lambda source: worker.description_of(process.undeclared(source.text))


def main(folder, reader, first, count):
    warnings.simplefilter("ignore", RuntimeWarning)
    in_this_process()
    path = Path(folder) / "m"
    path.write_text(READERS[reader][1], encoding="utf-8")
    # What is imported on first use is not counted.
    READERS[reader][0](path)
    seeds = range(int(first), int(first) + int(count))
    print(json.dumps({"reader": reader, "count": len(seeds), **tried(reader, path, seeds)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
