"""Exports are programs that run and give the session's predictions; imports check everything against the limits."""

import numpy as np
import pytest

import glassnet
from exported import SETUPS, run, trained
from glassnet import Dense, Dropout, Network
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.playground.exports import PROGRAMS, frameworks
from glassnet.playground.inputs import ELEMENTWISE
from glassnet.playground.portable import imported, model_bytes
from playing import ORIGIN, connected, playground, trainer


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
@pytest.mark.parametrize("kind", PROGRAMS)
def test_programs_compile(kind, setup):
    subject = trained(setup)
    compile(PROGRAMS[kind](subject.problem, subject.moment()), kind, "exec")


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_the_glassnet_program_gives_the_same_bits(setup):
    subject = trained(setup)
    names = run(PROGRAMS["python"](subject.problem, subject.moment()))
    data, state = subject.problem.dataset, subject.state
    expected = subject.problem.engine.predict(
        subject.problem.architecture, state.theta, state.buffers, subject.problem.test.X
    )
    assert np.array_equal(names["predict"](data.X_test), expected)
    if "inputs" in names:
        points = data.shown[:, :1].T if data.line else data.shown.T
        assert np.allclose(names["inputs"](*points), data.X, atol=1e-12)
    again = names["train"](data.X, data.y, epochs=2)
    if "schedule" not in setup:  # a schedule plans for the epochs that it is told
        assert again.parameters.vector.tobytes() == state.theta.tobytes()


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_the_pytorch_program_gives_the_same_predictions(setup):
    pytest.importorskip("torch")
    subject = trained(setup)
    names = run(PROGRAMS["pytorch"](subject.problem, subject.moment()))
    data, state = subject.problem.dataset, subject.state
    expected = subject.problem.engine.predict(
        subject.problem.architecture, state.theta, state.buffers, subject.problem.test.X
    )
    assert np.allclose(names["predict"](data.X_test), expected, atol=1e-5)
    names["train"](data.X, subject.problem.train.Y, epochs=1)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "step"])
def test_every_activation_is_pytorch_s(name):
    torch = pytest.importorskip("torch")
    written = frameworks.PYTORCH.activations[name].format(**ACTIVATIONS[name].constants)
    module = run(f"import torch\nfrom torch import nn\n{ELEMENTWISE_LAYER}\nlayer = {written}")["layer"]
    z = np.linspace(-4, 4, 24).reshape(6, 4)
    assert np.allclose(module(torch.tensor(z)).numpy(), ACTIVATIONS[name].value(z), atol=1e-12)


ELEMENTWISE_LAYER = """
class Elementwise(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
    def forward(self, z):
        return self.function(z)
"""


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "perceptron"])
def test_every_loss_is_pytorch_s(name):
    torch = pytest.importorskip("torch")
    record = LOSSES[name]
    a = np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    text = frameworks.PYTORCH.losses[name].format(**record.constants)
    names = {"torch": torch, "nn": torch.nn, "a": torch.tensor(a), "y": torch.tensor(y)}
    theirs = float(eval(text, names))
    ours = float(np.mean(np.sum(np.broadcast_to(record.function(a, y, *record.constants.values()), a.shape), axis=1)))
    assert theirs == pytest.approx(ours)


def test_frameworks_know_all_records():
    assert set(frameworks.PYTORCH.activations) == set(ACTIVATIONS) == set(frameworks.KERAS.activations)
    assert set(frameworks.PYTORCH.losses) == set(LOSSES) == {*frameworks.KERAS.losses, "perceptron"}
    assert set(frameworks.PYTORCH.optimizers) == set(OPTIMIZERS) == set(frameworks.KERAS.optimizers)
    assert set(frameworks.NUMPY_FUNCTIONS) == ELEMENTWISE


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_made_in_pytorch(name):
    pytest.importorskip("torch")
    subject = trainer({"optimizer": {"name": name}})
    names = run(PROGRAMS["pytorch"](subject.problem, subject.moment()))
    names["train"](subject.problem.dataset.X, subject.problem.train.Y, epochs=1)
    compile(PROGRAMS["keras"](subject.problem, subject.moment()), "keras", "exec")


def test_names_in_programs_are_literals_only(tmp_path):
    nasty = 'a"""; raise SystemExit #\\'
    with playground() as client, connected(client) as page:
        page.do("hello")
        quoted = nasty.replace('"', '""')
        content = f'"{quoted}",b\n' + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(20))
        url = f"/upload?session={page.session}&name=t.csv"
        table = client.post(url, content=content.encode(), headers=ORIGIN).json()["table"]
        page.do("change", setup={"data": {"kind": "table", "table": table}})
        names = run(client.get(f"/export/python?session={page.session}").text)
        assert names["INPUTS"] == [nasty] and names["CLASSES"] == ["u", "v"]


# --- model files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_model_goes_out_and_comes_in_again(setup, tmp_path):
    subject = trained(setup)
    data = model_bytes(subject.problem, subject.moment())
    path = tmp_path / "network.glassnet"
    path.write_bytes(data)
    network = Network.load(path)
    assert np.array_equal(network.parameters.vector, subject.state.theta)
    network.save(tmp_path / "again.glassnet")
    assert (tmp_path / "again.glassnet").read_bytes() == data
    theta = subject.state.theta.copy()
    subject.reset()
    problem, state = imported(data, "network.glassnet", subject)
    subject.load(problem, state)
    assert np.array_equal(subject.state.theta, theta) and subject.can_undo == "import"
    assert subject.setup.output_activation == subject.setup.loss == "auto" or "loss" in setup


def _file(*layers, inputs=2, **options) -> bytes:
    from glassnet.files.model_file import network_bytes

    network = Network(inputs, layers, **options)
    return network_bytes(network.architecture, network.parameters.vector, network.buffers.vector, network.seed)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"nonsense" * 20, "not a"),
        (_file(Dense(3, "tanh"), Dense(1, "sigmoid"))[:-5], "damaged"),
        (_file(Dense(3, "tanh"), Dense(1, "sigmoid"), inputs=5), "5 inputs"),
        (_file(Dense(3, "tanh"), Dense(4, "softmax")), "4 outputs"),
        (_file(Dense(100, "tanh"), Dense(1, "sigmoid")), "layers.0.units"),
        (_file(*[Dense(2, "tanh")] * 9, Dense(1, "sigmoid")), "9 hidden layers"),
        (_file(Dense(3, "tanh", bias=False), Dense(1, "sigmoid")), "without bias"),
        (_file(Dropout(0.5), Dense(1, "sigmoid")), "dropout on the inputs"),
        (_file(Dense(3, "tanh"), Dense(1, "sigmoid"), reduction="sum"), "sum over the examples"),
        (_file(Dense(3, "tanh"), Dense(1, "sigmoid"), frozen=("W1",)), "frozen"),
    ],
    ids=range(11),
)
def test_a_model_that_does_not_fit_is_refused_in_one_line(data, words):
    subject = trainer()
    before = subject.state.theta.copy()
    with pytest.raises(glassnet.GlassnetError) as caught:
        imported(data, "m.glassnet", subject)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert np.array_equal(subject.state.theta, before) and not subject.marks


def test_weights_of_double_precision_are_taken_as_single():
    subject = trainer()
    data = _file(Dense(3, "tanh"), Dense(1, "sigmoid"), dtype="float64", seed=5)
    problem, state = imported(data, "m.glassnet", subject)
    assert state.theta.dtype == np.float32 and problem.setup.seed == 5
    network = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], dtype="float64", seed=5)
    assert np.allclose(state.theta, network.parameters.vector)


def test_json_holds_setup_weights_and_history():
    with playground() as client, connected(client) as page:
        page.do("hello")
        page.do("step", unit="epoch", count=3)
        response = client.get(f"/export/json?session={page.session}")
        document = response.json()
        assert response.headers["content-disposition"] == 'attachment; filename="network.json"'
        assert document["setup"] == page.last("setup")[0]["setup"]
        theta = np.concatenate([np.ravel(tensor) for tensor in document["tensors"].values()])
        assert np.allclose(theta, page.snapshot()[1]["theta"])
        assert document["history"][-1]["epoch"] == 3
        assert client.get(f"/export/onnx?session={page.session}").status_code == 400
        assert client.get("/export/json?session=other").status_code == 400
