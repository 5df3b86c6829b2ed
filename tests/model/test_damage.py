"""A model file with any bit flipped, or cut off anywhere, is refused: whole models, not only the container."""

import pytest

import glassnet
from glassnet import Dense, ModelFileError, Network, TableRegressor


@pytest.fixture(params=["network", "regressor"])
def small_file(request, tmp_path):
    path = tmp_path / "small.glassnet"
    if request.param == "network":
        Network(1, [Dense(1)]).save(path)
    else:
        TableRegressor((), epochs=1).fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]).save(path)
    return path


def test_every_flipped_bit_is_refused(small_file):
    whole = small_file.read_bytes()
    assert len(whole) <= 4096
    glassnet.load(small_file)
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            small_file.write_bytes(damaged)
            with pytest.raises(ModelFileError):
                glassnet.load(small_file)


def test_every_truncation_is_refused(small_file):
    whole = small_file.read_bytes()
    for length in range(len(whole)):
        small_file.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            glassnet.load(small_file)
