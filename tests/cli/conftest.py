"""A way to run commands in this process, and small tables."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.samples import table, write_csv
from glassnet.cli import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of an error; there must be no other on stderr."""
        assert self.code == 2, self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("glassnet: error: ")
        assert self.out == ""
        return lines[0]


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command line in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLASSNET_DEBUG", raising=False)

    def command(*argv: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in argv])
        done = capsys.readouterr()
        assert "Traceback" not in done.err
        return Result(code, done.out, done.err)

    return command


@pytest.fixture
def good(tmp_path) -> Path:
    return write_csv(tmp_path / "good.csv", table())


@pytest.fixture(scope="session")
def model_bytes(tmp_path_factory) -> bytes:
    """A trained model of good.csv."""
    folder = tmp_path_factory.mktemp("model")
    path = write_csv(folder / "good.csv", table())
    words = "-t label --hidden 8 --epochs 60 --lr 0.05 --patience 0 -q --json -o"
    assert main(["fit", str(path), *words.split(), f"{folder}/m.glassnet"]) == 0
    return (folder / "m.glassnet").read_bytes()


@pytest.fixture
def model(tmp_path, model_bytes) -> Path:
    path = tmp_path / "m.glassnet"
    path.write_bytes(model_bytes)
    return path
