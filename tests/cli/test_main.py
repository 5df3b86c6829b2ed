"""What `main` does with help, bugs, interrupts and hang-ups."""

import subprocess
import sys

import pytest

import glassnet
from glassnet.cli import main
from glassnet.cli.names import estimator_defaults

CODE = "import sys; from glassnet.cli import main; sys.exit(main())"


def test_version(run):
    assert run("--version").out == f"glassnet {glassnet.__version__}\n"


def test_no_arguments_show_help(run):
    done = run()
    assert done.code == 0
    for word in ("fit", "predict", "evaluate", "summary", "gradcheck", "datasets"):
        assert word in done.out


def test_help_lists_the_registries(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = " ".join(run("fit", "--help").out.split())
    for registry in (glassnet.ACTIVATIONS, glassnet.LOSSES, glassnet.OPTIMIZERS, glassnet.SCHEDULES):
        for name in registry:
            assert name in text
    for panel in ("Data", "Network", "Training", "Output"):
        assert f"─ {panel} " in text


def test_defaults_are_those_of_the_estimator():
    parameters = glassnet.TableClassifier().get_params(deep=False)
    assert estimator_defaults() == parameters


def test_help_loads_nothing_heavy():
    heavy = "numpy", "sklearn", "polars", "scipy"
    code = (
        f"import sys; from glassnet.cli import main; main(['--help']); sys.exit(any(m in sys.modules for m in {heavy}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def breaking(monkeypatch):
    def install(error):
        def run(self):
            raise error

        monkeypatch.setattr("glassnet.cli.summary.Summary.run", run)

    return install


def test_a_bug_says_so(run, breaking):
    breaking(RuntimeError("oh\nno"))
    done = run("summary", "m")
    assert done.code == 70
    assert done.err.startswith("glassnet: this is a bug in glassnet: RuntimeError: oh no")
    assert done.err.count("\n") == 1


def test_a_bug_shows_its_traceback_on_demand(breaking, capsys, monkeypatch):
    monkeypatch.setenv("GLASSNET_DEBUG", "1")
    breaking(RuntimeError("oh no"))
    assert main(["summary", "m"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_out_of_memory_is_one_line(run, breaking):
    breaking(MemoryError())
    assert "out of memory" in run("summary", "m").complaint


def test_an_interrupt_is_one_line(run, breaking):
    breaking(KeyboardInterrupt())
    done = run("summary", "m")
    assert (done.code, done.err) == (130, "glassnet: interrupted\n")


def test_an_interrupted_fit_names_the_checkpoint(run, good, monkeypatch):
    from glassnet.training.progress import Progress

    def interrupt(self, run, record):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_epoch_end", interrupt)
    done = run("fit", good, "-t", "label")
    assert done.code == 130
    assert "nothing was saved" in done.err.splitlines()[-1]
    done = run("fit", good, "-t", "label", "--checkpoint", "c.ck")
    assert done.err.splitlines()[-1].startswith("glassnet: interrupted; nothing was saved")
    good.with_name("c.ck").write_bytes(b"as if saved")
    done = run("fit", good, "-t", "label", "--checkpoint", "c.ck")
    assert done.err.splitlines()[-1] == "glassnet: interrupted; go on with the same command and --resume c.ck"


@pytest.mark.parametrize("words", [["predict", "--help"], ["datasets", "--json"]])
def test_a_reader_that_hangs_up_hears_nothing(words):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() != 0
