"""Files of every format version so far go on predicting the same."""

import json
from pathlib import Path

import numpy as np
import pytest

import glassnet
from glassnet.files.container import read_container
from golden.make_golden import predictions

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.glassnet"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_it_predicts_what_it_did(file):
    version, _, kind = file.stem.partition("_")
    expected = json.loads((GOLDEN / f"{version}_expected.json").read_text())[kind]
    actual = predictions(glassnet.load(file))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)
    assert np.ptp(expected) > 0.01, "the rows differ"


def test_every_kind_of_every_version_is_there():
    kinds = {"network", "table_classifier", "table_regressor"}
    versions = {file.stem.partition("_")[0] for file in FILES}
    assert versions == {"v1"}
    assert {file.stem for file in FILES} == {f"{version}_{kind}" for version in versions for kind in kinds}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_reading_and_writing_again_changes_nothing(file, tmp_path):
    again = tmp_path / file.name
    glassnet.load(file).save(again)
    old, new = read_container(file), read_container(again)
    assert new.document == old.document and new.kind == old.kind
    assert set(new.tensors) == set(old.tensors)
    assert all(np.array_equal(new.tensors[name], old.tensors[name]) for name in old.tensors)
