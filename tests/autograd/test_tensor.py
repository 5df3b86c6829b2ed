"""What a Tensor is, and that every misuse ends in one clear line instead of a wrong gradient."""

import copy
import gc
import pickle
import re
import sys
import threading
import weakref

import numpy as np
import pytest

import glassnet.autograd as ag
from glassnet import AutogradError, GlassnetError
from glassnet.autograd import Tensor, enable_grad, grad, gradient, no_grad, value_and_gradient
from glassnet.autograd.tape import RULES


def leaf(value=2.0, name="x"):
    return Tensor(value, requires_grad=True, name=name)


def refused(match, error=AutogradError):
    """One line of the expected kind."""

    class Refused:
        def __enter__(self):
            self.context = pytest.raises(error, match=match)
            self.caught = self.context.__enter__()

        def __exit__(self, *exc):
            done = self.context.__exit__(*exc)
            assert "\n" not in str(self.caught.value)
            return done

    return Refused()


# --- values and dtypes ------------------------------------------------------------------------------------------


def test_dtypes_are_kept():
    assert Tensor(2).dtype == Tensor([1, 2]).dtype == Tensor([[0.5]]).dtype == np.float64
    assert Tensor(np.float32([1])).dtype == np.float32
    assert Tensor([1.0], dtype="float32").dtype == np.float32
    x = Tensor(np.ones(3, np.float32), True)
    for y in (
        x * 2,
        2.5 - x,
        x**2,
        x / 3,
        x.mean(),
        ag.where(x > 0, x, 0.0),
        ag.maximum(x, 0),
        x @ np.ones(3, np.float32),
    ):
        assert y.dtype == np.float32
    wide = (x * np.ones(3)).sum()  # as NumPy: an array of float64 is wider
    assert wide.dtype == np.float64
    wide.backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("value", [np.arange(3), np.array([True]), np.array([1j]), "abc", None, [1, [2]], {}, object()])
def test_what_is_no_floating_point_number_is_refused(value):
    with refused("a Tensor holds"):
        Tensor(value)


def test_a_tensor_owns_its_numbers():
    a = np.ones(2)
    x = Tensor(a, True)
    a[0] = 5
    assert x.value.tolist() == [1, 1]
    y = x * 1
    with pytest.raises(ValueError, match="read-only"):
        y.value[0] = 3
    with pytest.raises(ValueError, match="read-only"):
        x.T.value[0] = 3
    assert not np.shares_memory(x.reshape(2, 1).value, x.value)


def test_one_number():
    x = Tensor([[1.5]])
    assert x.item() == float(x) == 1.5 and bool(x) and not bool(Tensor(0.0))
    assert len(Tensor([1.0, 2.0])) == 2 and abs(Tensor(-2.0)).item() == 2
    for wrong in (float, bool):
        with refused("Tensor 'x' \\(2,\\)"):
            wrong(Tensor([1.0, 2.0], name="x"))
    with refused("no length"):
        len(Tensor(1.0))


def test_comparisons_are_plain():
    x = leaf([1.0, 2.0])
    assert (x > 1).tolist() == [False, True] and type(x <= x) is np.ndarray
    assert (x == 1).tolist() == [True, False] and (x != 1).tolist() == [False, True]
    assert {x: 1}[x] == 1  # a key by identity
    assert (np.greater(x, 1)).tolist() == [False, True] and np.isfinite(x).all()


def test_repr_tells_value_and_origin():
    assert repr(leaf()) == "Tensor(2., name='x', requires_grad=True)"
    assert repr(leaf() * 2) == "Tensor(4., by multiply)"
    assert repr(Tensor([1.0], dtype="float32")) == "Tensor([1.], dtype=float32)"


# --- NumPy's functions on Tensors -------------------------------------------------------------------------------


def test_numpy_functions_of_the_table_are_recorded():
    x = leaf([[0.5, 1.0], [2.0, 3.0]])
    for y in (
        np.sin(x),
        np.exp(x) + np.ones(2) * x,
        np.sum(x, axis=0),
        np.mean(x),
        np.max(x, axis=1),
        np.where(x > 1, x, 0.0),
        np.concatenate([x, x]),
        np.stack([x, x], axis=1),
        np.reshape(x, (4,)),
        np.transpose(x),
        np.clip(x, 0, 1),
        np.maximum(0, x),
        np.dot(np.ones((3, 2)), x),
        np.ones((3, 2)) @ x,
    ):
        assert isinstance(y, Tensor) and y.requires_grad
    assert np.shape(x) == (2, 2)
    assert np.matmul(x, x).value.tolist() == (x.value @ x.value).tolist()


@pytest.mark.parametrize(
    "f",
    [np.linalg.norm, np.cumsum, np.arcsinh, np.add.reduce, lambda x: np.add(np.ones(2), x, out=np.ones(2)), np.sort],
)
def test_other_numpy_functions_say_so(f):
    with refused("numpy\\."):
        f(leaf([1.0, 2.0]))


def test_an_array_of_numpy_would_lose_the_gradient():
    with refused("would lose its gradient"):
        np.asarray(leaf([1.0]))
    with refused("would lose its gradient"):
        Tensor([leaf(), leaf()])
    assert np.asarray(Tensor([1.0])).tolist() == [1]
    with no_grad():
        assert np.asarray(leaf([1.0])).tolist() == [1]


# --- backward ---------------------------------------------------------------------------------------------------


def test_a_tensor_used_twice_adds_both_ways():
    x = leaf(3.0)
    (x * x + x).backward()
    assert x.grad == 7
    (2 * x).backward()  # accumulates
    assert x.grad == 9
    x.zero_grad()
    assert x.grad is None


def test_every_tensor_on_the_way_has_its_gradient():
    x = leaf()
    u = x**2
    f = ag.sin(u)
    f.backward()
    assert f.grad == 1 and u.grad == np.cos(4.0) and x.grad == 4 * np.cos(4.0)
    u.grad[...] = 0  # nobody else's array
    assert x.grad == 4 * np.cos(4.0)


def test_an_upstream_gradient():
    x = leaf([1.0, 2.0])
    (x * x).backward([1.0, 10.0])
    assert x.grad.tolist() == [2, 40]
    with refused("not one number"):
        (x * x).backward()
    with refused("must have the shape of"):
        (x * x).backward([1.0])
    x.zero_grad()
    (x * x).backward(leaf([1.0, 1.0]) * 3)  # a Tensor will do
    assert type(x.grad) is np.ndarray and x.grad.tolist() == [6, 12]
    y = x[0] ** 3
    with no_grad():
        [slope] = grad(y, [x], create_graph=True)  # was asked for
    assert grad(slope[0], [x])[0].tolist() == [6, 0]


def test_nothing_to_differentiate():
    with refused("does not depend on a tensor with requires_grad=True"):
        (Tensor(1.0, name="c") * 2).backward()
    x, c = leaf(), Tensor(3.0)
    (x * c).backward()
    assert c.grad is None and x.grad == 3


def test_no_grad_records_nothing():
    x = leaf()
    with no_grad():
        y = x * 2
        with enable_grad():
            z = x * 2
    assert not y.requires_grad and z.requires_grad and y.is_leaf
    assert not x.detach().requires_grad and (x * x.detach()).requires_grad

    @no_grad()
    def f(t):
        return t * 2

    assert not f(x).requires_grad and (x * 2).requires_grad


def test_no_grad_holds_for_one_thread():
    x, found = leaf(), []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


# --- misuse -----------------------------------------------------------------------------------------------------


def test_a_second_backward_needs_the_graph():
    x = leaf()
    y = ag.sin(x * x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == pytest.approx(2 * 4 * np.cos(4.0))
    with refused("freed by an earlier backward.*retain_graph=True"):
        y.backward()
    u = x * x
    a, b = ag.sin(u), ag.cos(u)
    a.backward()
    with refused("made by 'multiply', was freed"):
        b.backward()


def test_changes_in_place_are_caught_where_they_matter():
    w = leaf([1.0, 2.0], "w")
    y = (w * w).sum()
    w.value[0] = 7
    with refused("Tensor 'w' \\(2,\\) was changed in place after 'multiply'"):
        y.backward()
    w = leaf([1.0, 2.0], "w")
    y = (w * w).sum()
    with no_grad():
        w -= 0.5
    with refused("'w'"):
        y.backward()
    data = np.ones(2)  # the caller's own array
    y = (w * data).sum()
    data[1] = 3
    with refused("an array \\(2,\\) was changed"):
        y.backward()
    index = np.array([0, 1])
    y = w[index].sum()
    index[:] = 0  # an index was copied
    w.zero_grad()
    y.backward()
    assert w.grad.tolist() == [1, 1]


def test_a_change_after_backward_is_a_step_of_training():
    w = leaf([1.0, 2.0], "w")
    for _ in range(50):
        w.zero_grad()
        ((w - 3) ** 2).sum().backward()
        w.value -= 0.1 * w.grad
    assert w.value == pytest.approx([3, 3], abs=1e-3)
    with no_grad():
        w += 1
        w *= 2
        w /= 2
        w[0] = 0
    assert w.value == pytest.approx([0, 4], abs=1e-3) and w.is_leaf
    w.value = [5, 6]
    assert w.value.dtype == np.float64
    with refused("keeps its shape"):
        w.value = 1.0
    with no_grad(), refused("keeps its shape"):
        w += np.ones((2, 2))
    with no_grad(), refused("keeps its shape"):
        w -= np.ones(3)
    with no_grad(), refused("keeps its shape and dtype"):
        w *= 1j


def test_in_place_outside_of_no_grad():
    w = leaf([1.0])
    with refused("within no_grad"):
        w += 1
    with refused("within no_grad"):
        w[0] = 1
    y = w * 2
    with refused("not changed in place: write t = where"):
        y[0] = 1
    with refused("is a result"):
        y.value = [1.0]
    with no_grad(), refused("not changed in place"):
        y[0] = 1
    assert w.value == [1] and y.value == [2]


def test_adding_up_gives_new_tensors():
    """The sum of a loop keeps its gradient: t += u is t = t + u where operations are recorded."""
    w, total, products = leaf(), Tensor(0.0), Tensor(1.0)
    first = total
    for _ in range(3):
        total += w * w
        products *= w
    products -= 1
    products /= 2
    (total + products).backward()
    assert w.grad == 3 * 2 * 2 + 3 * 2**2 / 2 and first.item() == 0
    y = w * 2
    with no_grad():
        z = y
        z += 1
    assert (y.item(), z.item()) == (4, 5)


def test_rows_and_formats():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert [row.shape for row in x] == [(2,), (2,)] and sum(x).value.tolist() == [4, 6]
    assert f"{x[0, 1]:.2f}" == "2.00" and f"{Tensor(1.0)}" == "Tensor(1.)"
    with refused("no length"):
        list(leaf())


def test_copies_and_pickles_of_parameters():
    w = leaf([1.0, 2.0], "w")
    for other in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert other is not w and other.name == "w" and other.requires_grad and other.value.tolist() == [1, 2]
        other.value[0] = 5
    assert w.value[0] == 1


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda a, b: a + b, r"add of Tensor 'A' \(2, 3\) and Tensor 'b' \(4,\): their shapes do not broadcast"),
        (lambda a, b: a @ b, r"matmul of Tensor 'A' \(2, 3\) and Tensor 'b' \(4,\): their shapes do not fit"),
        (lambda a, b: a[7], "index 7 is out of bounds"),
        (lambda a, b: a[b], "cannot be an index"),
        (lambda a, b: a.reshape(7), r"reshape of Tensor 'A' \(2, 3\)"),
        (lambda a, b: a.sum(axis=5), "axis 5 is out of bounds"),
        (lambda a, b: a + "x", "takes Tensors, arrays and numbers, got a str"),
        (lambda a, b: a * None, "takes Tensors, arrays and numbers, got a NoneType"),
        (lambda a, b: ag.sin(), "sin takes 1 tensor, got 0"),
        (lambda a, b: ag.maximum(a), "maximum takes 2 tensors, got 1"),
        (lambda a, b: ag.stack([a, b]), "one shape"),
        (lambda a, b: ag.concatenate([a, b]), "concatenate of"),
        (lambda a, b: a.sum(wrong=1), "wrong"),
        (lambda a, b: Tensor(a), "is a Tensor already"),
        (lambda a, b: a.T.backward(), "not one number"),
    ],
)
def test_one_line_says_what_is_wrong(f, match):
    error = TypeError if match == "wrong" else AutogradError
    with refused(match, error):
        f(leaf(np.ones((2, 3)), "A"), leaf(np.ones(4), "b"))
    assert issubclass(AutogradError, GlassnetError) and issubclass(AutogradError, ValueError)


# --- depth, memory, threads -------------------------------------------------------------------------------------


def test_a_chain_of_a_hundred_thousand_operations():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    y.backward()
    assert x.grad == pytest.approx(1.00001**100_000, rel=1e-9)
    y = x
    for _ in range(100_000):
        y = y + x
    del y  # taking it down needs no depth either
    gc.collect()


def test_backward_frees_what_nobody_holds():
    x = leaf(np.ones(1000))
    u = x * 2
    held = weakref.ref(u)
    y = u.sum()
    del u
    assert held() is not None
    y.backward()
    assert held() is None  # by its count of references: no cycle waits for the collector


def test_threads_share_parameters():
    x = leaf(np.ones(20_000))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # and NumPy lets others run while it adds large arrays
    try:
        threads = [threading.Thread(target=lambda: [(x * 2).sum().backward() for _ in range(100)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad.tolist() == [800] * 20_000


# --- derivatives of functions -----------------------------------------------------------------------------------


def test_gradient_of_a_function():
    assert gradient(lambda x: ag.sin(x**2))(2.0) == pytest.approx(4 * np.cos(4.0))
    assert gradient(lambda a, b: (a * b).sum(), 1)([1.0, 2.0], [3.0, 4.0]).tolist() == [1, 2]
    value, (da, db) = value_and_gradient(lambda a, b: a * b**2, (0, 1))(3.0, 2.0)
    assert (value, da, db) == (12, 4, 12)
    assert gradient(lambda x: Tensor(1.0))(2.0) == 0
    with refused("must give a Tensor"):
        gradient(lambda x: 3)(1.0)
    with no_grad():
        assert gradient(lambda x: x * x)(3.0) == 6
    with refused("argument 1, but the function was called with 1"):
        gradient(lambda x: x * x, 1)(3.0)


def test_derivatives_of_derivatives():
    f = ag.tanh
    x = 0.7
    t = np.tanh(x)
    first = gradient(f)
    second, third = gradient(first), gradient(gradient(first))
    assert first(x) == pytest.approx(1 - t**2)
    assert second(x) == pytest.approx(-2 * t * (1 - t**2))
    assert third(x) == pytest.approx((1 - t**2) * (6 * t**2 - 2))


def test_inner_and_outer_variables_are_not_confused():
    # d/dx [x d/dy (x y)] = d/dx x^2 = 2 x
    assert gradient(lambda x: x * gradient(lambda y: x * y)(2.0))(3.0) == 6
    # the inner variable may be the outer one: d/dy (x y) at y = x is x
    assert gradient(lambda x: x * gradient(lambda y: x * y)(x))(3.0) == 6
    assert gradient(lambda x: x * gradient(lambda y: x + y)(2.0))(3.0) == 1


def test_a_hessian_by_rows_equals_pytorchs():
    torch = pytest.importorskip("torch")
    point = np.array([0.3, -0.8, 1.2])
    slopes = gradient(lambda x: ag.exp(x[0] * x[1]) * ag.sin(x[2]))
    rows = [gradient(lambda x, i=i: slopes(x)[i])(point) for i in range(3)]
    theirs = torch.autograd.functional.hessian(lambda x: torch.exp(x[0] * x[1]) * torch.sin(x[2]), torch.tensor(point))
    assert np.allclose(rows, theirs.numpy(), rtol=1e-12)


def test_grad_leaves_everything_as_it_was():
    x = leaf()
    y = x**3
    assert grad(y, [x]) == grad(y, x) == [12] and x.grad is None
    assert grad(y, [y, x]) == [1, 12]
    with refused("does not depend on Tensor 'z'"):
        grad(y, [leaf(1.0, "z")])


def test_functions_on_plain_numbers_give_plain_numbers():
    assert ag.sin(0.0) == 0 and isinstance(ag.sin(0.0), float)
    assert ag.sum(np.ones((2, 3)), 1).tolist() == [3, 3]
    assert ag.relu(np.array([-1.0, 2.0])).tolist() == [0, 2]


def test_every_rule_is_documented():
    assert all(re.match(r".+\.$", rule.says, re.DOTALL) for rule in RULES.values())
