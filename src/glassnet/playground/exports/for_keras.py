"""The program for Keras 3."""

from glassnet.network.architecture import Architecture, Dense
from glassnet.playground.exports.frameworks import KERAS
from glassnet.playground.exports.shared import decay_of, filled, holes, listed, rule_text, written
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment

__all__ = ["keras_program"]

TEMPLATE = '''$head
import keras
from keras import layers, ops

$data
def new_model():
    """All layers, the output's activation last."""
    return keras.Sequential(
        [
            keras.Input(($inputs,)),
$layers        ]
    )


NORM = ("gamma", "beta", "mean", "var")


def load_weights(model):
    """The playground's weights; Keras keeps W the other way round."""
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    norms = iter([layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)])
    for number, layer in enumerate(dense, start=1):
        bias = [np.array(WEIGHTS[f"b{number}"])] if f"b{number}" in WEIGHTS else []
        layer.set_weights([np.array(WEIGHTS[f"W{number}"]).T, *bias])
        if f"gamma{number}" in WEIGHTS:
            next(norms).set_weights([np.array(WEIGHTS[f"{name}{number}"]) for name in NORM])
    return model


model = load_weights(new_model())


def predict(X):
    """Outputs (n, $outputs) for inputs (n, $inputs)."""
    return model.predict(np.asarray(X, np.float32), verbose=0)


def loss(y, a):
    """Of each example, the sum over the outputs."""
    return $loss

$rate_function
${planned_class}def train(X, y, epochs=$epochs):
    """A new model, trained with the playground's settings; y (n, $outputs).$planned$differs"""
    keras.utils.set_random_seed($seed)
    X, y = np.asarray(X, np.float32), np.asarray(y, np.float32)
    model = new_model()
$rates    optimizer = $rule
$exclude    model.compile(optimizer=optimizer, loss=loss)
    model.fit(X, y, batch_size=$batch_size, epochs=epochs, verbose=0)
    return model
'''
PLANNED = '''class Planned(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rates of the steps, in turn."""

    def __init__(self, rates):
        self.rates = np.array(rates, np.float32)

    def __call__(self, step):
        return ops.take(self.rates, ops.cast(step, "int32"))


'''
DIFFERS = " Keras knows NAdam with momentum_decay 1 alone."
RATES = """    steps = -(-len(X) // $batch_size)  # of an epoch
    rates = [$rate_now for step in range(epochs * steps)]
"""
EXCLUDE = """    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])  # weights alone shrink
"""


def keras_program(problem: Problem, moment: Moment) -> str:
    """The session for Keras 3."""
    a, clip, decay = problem.architecture, problem.program.clip_norm, decay_of(problem)
    rule = problem.program.optimizer
    texts = holes(problem, moment, "Keras 3 (pip install keras, and a backend)", "step / steps")
    scheduled = texts["rate_now"] != ""
    more = (f", global_clipnorm={clip!r}" if clip else "") + (f", weight_decay={decay!r}" if decay else "")
    return filled(
        TEMPLATE,
        **texts,
        layers=listed(_layers(a), 12),
        loss=written(KERAS, "loss", a.loss),
        planned_class=PLANNED if scheduled else "",
        rates=filled(RATES, **texts) if scheduled else "",
        differs=DIFFERS if rule.name == "nadam" and rule.constants["momentum_decay"] != 1 else "",
        rule=rule_text(KERAS, problem, "Planned(rates)" if scheduled else texts["rate"], more),
        exclude=EXCLUDE if decay else "",
    )


def _layers(a: Architecture) -> list[str]:
    lines: list[str] = []
    penalty = f"kernel_regularizer=keras.regularizers.L1L2({a.l1!r}, {a.l2 / 2!r})" if a.l1 or a.l2 else ""
    for layer in a.layers:
        if not isinstance(layer, Dense):
            lines.append(f"layers.Dropout({float(getattr(layer, 'rate', 0.0))!r})")
            continue
        more = [*([] if layer.has_bias else ["use_bias=False"]), *([penalty] if penalty else [])]
        lines.append(f"layers.Dense({', '.join([str(layer.units), *more])})")
        lines += ["layers.BatchNormalization(momentum=0.9, epsilon=1e-5)"] if layer.norm is not None else []
        lines.append(written(KERAS, "activation", layer.activation))
    return lines
