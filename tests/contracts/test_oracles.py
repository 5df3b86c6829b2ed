"""The word on missing oracles, and that CI fails where a test was skipped for want of one."""

from oracles import oracle_line, unmet

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
