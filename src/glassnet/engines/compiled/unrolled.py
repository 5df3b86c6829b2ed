"""Loops that are written out when they are compiled, over tuples and over vectors."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled.translate import compiled

__all__ = ["each_of", "tuple_of", "vectors_of"]


def tuple_of(count, item):
    """A function (*arguments): the tuple (item(0, *arguments), item(1, *arguments), ...) of `count` entries."""
    if count == 0:
        return compiled(lambda *arguments: ())
    before, last = tuple_of(count - 1, item), count - 1
    return compiled(lambda *arguments: (*before(*arguments), item(last, *arguments)))


def each_of(count, action):
    """A function (*arguments) that calls action(0, *arguments), action(1, *arguments), ... `count` times."""
    if count == 0:
        return compiled(lambda *arguments: None)
    before, last = each_of(count - 1, action), count - 1

    @compiled
    def in_turn(*arguments):
        before(*arguments)
        action(last, *arguments)

    return in_turn


def vectors_of(count, body):
    """A function (start, stop, state, *arguments): `state = body(i, stop of the vector, state, *arguments)` for each.

    Whole vectors first, for which `body` is compiled without a mask, then the last, partly filled one.
    """
    body = compiled(body)

    @compiled
    def run(start, stop, state, *arguments):
        full = start + (stop - start) // count * count
        for i in range(start, full, count):
            state = body(i, i + count, state, *arguments)
        if full < stop:
            state = body(full, stop, state, *arguments)
        return state

    return run
