"""The word on missing oracles, and that CI fails where a test was skipped for want of one."""

import sys

import pytest

from oracles import import_or_skip, oracle_line, unmet

SKIPPED = "Skipped: could not import 'torch': No module named 'torch'"


def test_missing_oracles_are_named_with_their_skipped_tests():
    assert oracle_line(["torch"], [SKIPPED, SKIPPED, "Skipped: not for root"]) == "oracles missing: torch (2 skipped)"
    assert "all here" in oracle_line([], [])


def test_ci_fails_for_want_of_an_oracle_and_for_nothing_else():
    assert unmet(["torch"], [])
    assert unmet([], [SKIPPED])
    assert unmet([], ["Skipped: this file system has no links"]) == []


def test_an_oracle_is_named_as_a_word():
    assert unmet([], ["Skipped: torchvision is absent"]) == []


@pytest.mark.parametrize(("wants", "outcome"), [("torch", pytest.skip.Exception), ("flask", ModuleNotFoundError)])
def test_a_module_that_wants_an_oracle_is_skipped_without_it(wants, outcome, monkeypatch, tmp_path):
    (tmp_path / "wanting.py").write_text(f"import {wants}\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wanting", raising=False)
    monkeypatch.setitem(sys.modules, wants, None)
    with pytest.raises(outcome, match=wants):
        import_or_skip("wanting")
