"""Which runs a delivery starts, with which values."""

from typing import Any

import pytest

from floe.host.pushes import PUSHES_MAX, HookDelivery, HookStart, HookVerdict, Push, judged
from floe.model.flow import Trigger
from floe.model.ids import NodeId
from floe.model.work import Git

HASH = "d6fde92930d4715a2b49857d24b940956b26d2d3"
URL = "https://github.com/octo/app.git"


def a_trigger(**options: Any) -> Trigger:
    return Trigger(id=NodeId("hook"), type="push", name="hook", **options)


def a_push(ref: str = "refs/heads/main", **options: Any) -> Push:
    return Push(ref=ref, **{"hash": HASH, "url": URL, "subject": "Fix", **options})


def a_delivery(*pushes: Push, event: str = "push", body: Any = "body") -> HookDelivery:
    return HookDelivery(id="d-1", event=event, body=body, pushes=pushes)


def why(trigger: Trigger, *pushes: Push, event: str = "push") -> str:
    """The reason for which nothing starts; empty if something does."""
    verdict = judged(trigger, a_delivery(*pushes, event=event))
    assert bool(verdict.begins) is not bool(verdict.passed_over)
    return ", ".join(verdict.passed_over)


def values(trigger: Trigger, push: Push) -> dict[str, Any]:
    (begin,) = judged(trigger, a_delivery(push)).begins
    return begin.values


def test_run_of_a_push_has_its_branch_commit_url_and_subject() -> None:
    assert values(a_trigger(), a_push()) == {
        "event": "push",
        "ref": "refs/heads/main",
        "hash": HASH,
        "branch": "main",
        "url": URL,
        "subject": "Fix",
        "push": "body",
    }


def test_run_of_a_tag_has_the_tag() -> None:
    run = values(a_trigger(), a_push("refs/tags/v1"))

    assert (run["tag"], run["ref"], run["hash"]) == ("v1", "refs/tags/v1", HASH)
    assert "branch" not in run


def test_tag_hides_the_branch_of_its_trigger() -> None:
    assert values(a_trigger(git=Git(branch="main")), a_push("refs/tags/v1"))["branch"] == ""


def test_url_of_the_trigger_is_kept() -> None:
    assert "url" not in values(a_trigger(git=Git(url="git@github.com:octo/app.git")), a_push())


def test_push_without_known_parts_has_only_its_ref() -> None:
    run = values(a_trigger(), a_push(hash="", url="", subject=""))

    assert run == {"event": "push", "ref": "refs/heads/main", "branch": "main", "push": "body"}


def test_delivery_in_no_known_shape_starts_a_run_with_its_body() -> None:
    verdict = judged(a_trigger(), a_delivery(event="", body={"any": 1}))

    assert verdict == HookVerdict(begins=(HookStart(0, {"push": {"any": 1}}),))


def test_only_pushes_start_runs_by_default() -> None:
    assert why(a_trigger(), event="issues") == "the event issues is not in `events`: push"


def test_listed_event_starts_a_run_whatever_the_other_filters_are() -> None:
    trigger = a_trigger(events=("pull_request",), branches=("main",))

    assert why(trigger, event="pull_request") == ""
    assert why(trigger, a_push()) == "the event push is not in `events`: pull_request"


def test_deleted_branch_starts_nothing() -> None:
    deleted = a_push("refs/heads/topic", hash="", is_deleted=True)

    assert why(a_trigger(), deleted) == "the branch topic was deleted"


def test_branches_and_tags_filter_their_own_kind() -> None:
    trigger = a_trigger(branches=("main", "release/**"), tags=("v*",))

    assert why(trigger, a_push("refs/heads/release/2/x")) == ""
    assert why(trigger, a_push("refs/tags/v1")) == ""
    topic = "the branch topic matches nothing in `branches`: main, release/**"
    assert why(trigger, a_push("refs/heads/topic")) == topic
    assert why(trigger, a_push("refs/tags/w1")) == "the tag w1 matches nothing in `tags`: v*"


def test_branches_alone_leave_out_tags_and_the_other_way_round() -> None:
    tag = "the tag v1 is left out: the trigger has `branches` and no `tags`"
    branch = "the branch main is left out: the trigger has `tags` and no `branches`"

    assert why(a_trigger(branches=("**",)), a_push("refs/tags/v1")) == tag
    assert why(a_trigger(tags=("**",)), a_push()) == branch


def test_paths_take_a_push_that_changes_one_of_them() -> None:
    trigger = a_trigger(paths=("src/**", "!**/*.md"))

    assert why(trigger, a_push(paths=frozenset({"a", "src/b"}))) == ""
    unmatched = "no changed file of the branch main matches `paths`: src/**, !**/*.md"
    assert why(trigger, a_push(paths=frozenset({"a", "src/c.md"}))) == unmatched


def test_paths_are_not_applied_to_tags() -> None:
    assert why(a_trigger(paths=("src/**",)), a_push("refs/tags/v1")) == ""


def test_paths_are_not_applied_where_not_all_files_are_known() -> None:
    push = a_push(paths=frozenset({"a"}), paths_unknown="the body names only 5 commits")

    verdict = judged(a_trigger(paths=("src/**",)), a_delivery(push))

    assert len(verdict.begins) == 1
    assert verdict.notes == ("`paths` was not applied: the body names only 5 commits",)


@pytest.mark.parametrize("key", ["branches", "tags", "paths"])
def test_filter_starts_nothing_for_a_body_without_a_ref(key: str) -> None:
    expected = f"`{key}` is set, but the body names no branch and no tag"

    assert why(a_trigger(**{key: ("*",)}), event="") == expected


def test_each_ref_of_a_push_starts_its_own_run() -> None:
    pushes = (a_push("refs/heads/a"), a_push("refs/heads/b"), a_push("refs/heads/c"))

    verdict = judged(a_trigger(branches=("[ac]",)), a_delivery(*pushes))

    assert [(b.number, b.values["branch"]) for b in verdict.begins] == [(0, "a"), (2, "c")]
    assert verdict.passed_over == ("the branch b matches nothing in `branches`: [ac]",)


def test_push_of_many_refs_starts_a_bounded_number_of_runs() -> None:
    pushes = [a_push(f"refs/heads/b{i}") for i in range(PUSHES_MAX + 1)]

    verdict = judged(a_trigger(), a_delivery(*pushes))

    assert len(verdict.begins) == PUSHES_MAX
    assert verdict.passed_over == ("of one push at most 50 branches and tags start runs",)


def test_large_body_is_left_out_of_the_values() -> None:
    verdict = judged(a_trigger(), a_delivery(a_push(), body="x" * 1_100_000))

    assert "push" not in verdict.begins[0].values
    assert verdict.notes == ("the body is above 1 MiB, so the run has no value `push`",)


def test_long_list_of_patterns_is_cut_in_a_reason() -> None:
    trigger = a_trigger(branches=tuple(f"b{i}" for i in range(9)))

    assert why(trigger, a_push()).endswith("`branches`: b0, b1, b2, b3, b4, …")
