"""The refs of a repository: which changed since the last look, and which are forgotten."""

from floe.host.seen_refs import (
    ALWAYS,
    RefScope,
    SeenRef,
    SeenRefs,
    SeenRepository,
    compare_seen,
    forget_gone,
)

MAIN, WIP = "refs/heads/main", "refs/heads/wip"


def known(**refs: SeenRef) -> SeenRefs:
    """A repository of which branches and tags were looked at before."""
    return SeenRefs(
        about=SeenRepository(scopes=ALWAYS),
        refs={f"refs/heads/{name}": seen for name, seen in refs.items()},
    )


def test_scope_leaves_out_what_is_excluded() -> None:
    scope = RefScope("refs/heads/*", "refs/heads/wip.*")

    assert (scope.covers(MAIN), scope.covers(WIP)) == (True, False)


def test_ref_with_a_new_commit_gets_the_next_number() -> None:
    repository = known(main=SeenRef(commit="a", change=1))
    repository.change = 1

    changed = compare_seen(repository, {MAIN: "b"})

    assert changed == {MAIN}
    assert repository.refs[MAIN] == SeenRef(commit="b", change=2)


def test_ref_that_no_poll_looked_for_before_is_no_change() -> None:
    repository = SeenRefs(about=SeenRepository())

    compare_seen(repository, {MAIN: "a"})

    assert (repository.refs[MAIN].change, repository.change) == (0, 0)


def test_deleted_ref_is_forgotten() -> None:
    repository = known(main=SeenRef(commit="a"), wip=SeenRef(commit="b"))

    rows = forget_gone(repository, "repo", {MAIN: "a"}, {*ALWAYS}, alone=True)

    assert [(row.key, row.value) for row in rows] == [(f"{WIP} repo", None)]
    assert list(repository.refs) == [MAIN]


def test_repository_without_any_branch_forgets_nothing_and_its_refs_come_back_unchanged() -> None:
    repository = known(main=SeenRef(commit="a", change=3))
    forget_gone(repository, "repo", {}, {*ALWAYS}, alone=True)
    emptied = repository.refs[MAIN].emptied

    compare_seen(repository, {MAIN: "a"})

    assert (emptied, repository.refs[MAIN]) == (True, SeenRef(commit="a", change=3))
