"""What stands above a derivation: the network in one line, and how to read what follows."""

from collections.abc import Iterator

from glassnet.explain.places import Setting
from glassnet.explain.symbols import Notation
from glassnet.network.architecture import Architecture, Dropout

__all__ = ["conventions", "title"]


def title(s: Setting) -> str:
    """The network in one line."""
    parts = [f"{'-'.join(map(str, s.sizes))} network", *map(str, s.activations)]
    parts += [str(s.loss)] if s.loss else []
    parts += [f"{s.rule.name} with learning rate {s.rule.learning_rate}"] if s.rule else []
    return ", ".join(parts)


def conventions(s: Setting, architecture: Architecture, symbols: Notation, steps: int) -> tuple[str, ...]:
    """How to read it: which index is which, where the bias is, what is averaged, what is drawn."""
    return tuple(_conventions(s, architecture, symbols, steps))


def _conventions(s: Setting, architecture: Architecture, symbols: Notation, steps: int) -> Iterator[str]:
    z, W, a = (symbols.letter(letter)[0] for letter in ("z", "W", "a"))
    order = "(outputs, inputs)" if symbols.order == "out,in" else "by (input, output)"
    if symbols.bias == "unit":
        yield f"{W} is {order}, {z} = W {a}; the bias is the weight of a unit 0 that is always 1; units count from 1"
    else:
        turned = "W" if symbols.order == "out,in" else "W^T"
        yield f"{W} is {order}, {z} = {turned} {a} + b, with the bias apart; indices count from 1"
    if symbols.name not in ("parentheses", "brackets", "subscript"):
        yield f"symbols as in {symbols.where}: {_letters(symbols)}"
    if s.rows > 1 and symbols.batch == "rows":
        yield f"the first index of x, {z}, {a}, delta is the example: a batch is rows"
    if s.rows > 1 and symbols.batch == "columns":
        yield f"the last index of x, {z}, {a}, delta is the example: a batch is columns"
    if s.loss is not None:
        yield from _of_loss(s, architecture)
    if s.loss is not None and not s.passes(s.depth):
        yield "nothing comes back from the loss: the derivative of the output's activation is 0 wherever it exists"
    elif s.loss is not None and not all(map(s.passes, range(1, s.depth + 1))):
        yield "the backward pass is left out: the derivative of a hidden activation is 0 wherever it exists"
    if s.by_batch or s.between or s.norms:
        yield _of_pass(s)
    if architecture.label_smoothing:
        yield f"the targets are smoothed by {architecture.label_smoothing:g}"
    if s.frozen and s.rule is not None:
        yield f"frozen, and so never updated: {', '.join(s.frozen)}"
    if steps > 1:
        yield f"{steps} steps, each over all examples; every step starts from the parameters of the one before"


def _letters(symbols: Notation) -> str:
    pairs = {"the pre-activation": symbols.letter("z")[0], "the activation": symbols.letter("a")[0]}
    pairs |= {"the target": symbols.target[0], "the learning rate": symbols.rate[0]}
    if symbols.output is not None:
        pairs["the output"] = symbols.output[0]
    return ", ".join(f"{symbol} is {what}" for what, symbol in pairs.items())


def _of_loss(s: Setting, architecture: Architecture) -> Iterator[str]:
    weight = f"1/{s.rows}" if s.reduction == "mean" and s.rows > 1 else "1"
    if s.weighted:
        each = "each has its own weight v, which is part of delta"
    else:
        each = f"each has the weight v = {weight}, which is part of delta"
    yield f"the loss sums over the outputs and takes the {s.reduction} over the examples: {each}"
    if architecture.average_penalty and (s.l1 or s.l2):
        yield f"the penalties are divided by the number of examples, {s.rows}"


def _of_pass(s: Setting) -> str:
    drawn = any(isinstance(what, Dropout) for _, what in s.between) or s.training
    if drawn or s.by_batch:
        return (
            "a training pass: masks and slopes are drawn by the seed, batch normalization uses the batch's statistics"
        )
    return "a prediction pass: nothing is drawn, and batch normalization uses its running statistics"
