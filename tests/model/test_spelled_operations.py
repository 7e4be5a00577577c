"""Every operation of the catalogue, by every word for it, in a document that runs with batch axes on every library."""

from __future__ import annotations

import numpy as np
import pytest
from model_documents import loaded

from lemmata.backends import numpy as plain
from lemmata.operations import call, catalogue
from lemmata.program import build as b
from lemmata.program.node import Axis
from libraries import LIBRARIES, library

SPELLED = [(o.name, word) for o in catalogue().values() for word in o.spellings]
GREEK = {"Phi": "distribution function", "varphi": "density"}


def document(word):
    written = rf"\{word}" if word in GREEK else rf"\text{{{word.replace('_', chr(92) + '_')}}}"
    said = rf" $\{word}$ is the {GREEK[word]} of the standard normal distribution." if word in GREEK else ""
    return rf"Let $X \in \mathbb{{R}}^{{n \times d}}$.{said}" + f"\n\n$$\nF(X) = {written}(X)\n$$\n"


def expected(operation, x):
    axes = [Axis.fresh(f"a{n}", size) for n, size in enumerate(x.shape)]
    along = {"axis": axes[-1]} if any("axis" in e.attrs for e in catalogue()[operation].examples) else {}
    return plain.run([call(operation, [b.input("x", axes)], **along)], {"x": x})[0]


@pytest.mark.parametrize("operation, word", SPELLED)
def test_on_numpy(operation, word, tmp_path):
    function = loaded(tmp_path, document(word)).F
    for shape in ((4, 5), (2, 3, 4, 5)):
        x = np.random.default_rng(8).uniform(0.1, 0.9, shape)
        np.testing.assert_allclose(function(x), expected(operation, x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LIBRARIES)
def test_on_other_libraries(name, tmp_path_factory):
    lib = library(name)
    for operation, (word, *_) in ((o.name, o.spellings) for o in catalogue().values() if o.spellings):
        function = loaded(tmp_path_factory.mktemp(operation), document(word)).F
        x = np.random.default_rng(9).uniform(0.1, 0.9, (3, 2, 4))
        found = lib.array(function(lib.tensor(x)))
        np.testing.assert_allclose(found, expected(operation, x), rtol=1e-9, atol=1e-12, err_msg=operation)
