#!/usr/bin/env bash
# What floe does with git: one attempt of git-checkout or git-merge, and reading one file.
#
#   git.sh checkout WHERE KIND VALUE URL ''      check out one commit, shallowly
#   git.sh merge    WHERE KIND VALUE URL FROM    merge FROM into it
#   git.sh show     WHERE KIND VALUE URL PATH    print the commit, then the file
#
# WHERE is the repository's folder, KIND one of hash, ref, branch. Operands are data: they are
# checked, then passed after `--` or inside a full ref name, and never become shell text. The
# environment that forbids questions and foreign transports is set by git.py.
set -euo pipefail
shopt -s inherit_errexit

OPERATION=$1 WHERE=$2 KIND=$3 VALUE=$4 URL=$5 OTHER=$6
readonly OPERATION WHERE KIND VALUE URL OTHER
readonly ALL=2147483647 # a depth that means the whole history
readonly EVERYTHING=('+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*')
readonly SHOWN_MAX=1048576

git() { command git -c core.hooksPath=/dev/null -c commit.gpgSign=false -c advice.detachedHead=false \
  -c protocol.ext.allow=never -c gc.auto=0 "$@"; }
say() { printf '%s\n' "$*" >&2; }
fail() { say "floe: $*"; exit 1; }

# --- operands

check() {
  [[ $URL != -* && ! $URL =~ ^[A-Za-z0-9+.-]*:: ]] || fail "url '$(shown)' is not allowed"
  case $KIND in
    hash) is_hash "$VALUE" || fail "hash '$VALUE' is not a commit hash" ;;
    branch) is_name "$VALUE" || fail "branch '$VALUE' is not a branch name" ;;
    ref) is_name "$VALUE" || fail "ref '$VALUE' is not a ref name" ;;
    *) fail "'$KIND' is neither hash, ref nor branch" ;;
  esac
  [[ $OPERATION != merge ]] || is_name "$OTHER" || fail "from-branch '$OTHER' is not a ref name"
}
is_hash() { [[ $1 =~ ^[0-9a-f]{7,64}$ ]]; }
is_full_hash() { [[ $1 =~ ^([0-9a-f]{40}|[0-9a-f]{64})$ ]]; }
is_name() { [[ $1 != [-+]* ]] && git check-ref-format --allow-onelevel "$1"; }

# --- the repository

enter() { # a repository at WHERE, made if there is none; "$1" is --bare or nothing
  mkdir -p -- "$WHERE"
  cd -- "$WHERE"
  export GIT_DIR=$PWD
  [[ ${1-} == --bare ]] || GIT_DIR+=/.git
  if [[ ! -e $GIT_DIR/HEAD ]]; then
    [[ -n ${1-} || -e .git || -z $(ls -A) ]] || fail "$PWD is there already and is not a git repository"
    git init --quiet --template= ${1:+"$1"}
  fi
  rm -f -- "$GIT_DIR"/{index,shallow,HEAD,config}.lock # of an attempt that was killed
  git config remote.origin.url "$URL"
  git config remote.origin.fetch "${EVERYTHING[0]}"
}

fetch() { # DEPTH REFSPEC...
  local depth=$1
  shift
  git fetch --quiet --no-tags --force --depth "$depth" -- origin "$@"
}

# Prints the commit of a hash: from here, by name, or, where the server refuses that, by fetching
# every branch and tag.
commit_of_hash() { # HASH DEPTH
  if ! has "$1"; then
    { is_full_hash "$1" && fetch "$2" "$1" 2>/dev/null; } || fetch "$ALL" "${EVERYTHING[@]}"
    has "$1" || fail "$(shown) has no commit $1"
  elif [[ $2 == "$ALL" ]]; then
    complete
  fi
  git rev-parse --verify --quiet "$1^{commit}"
}
complete() { [[ ! -e $GIT_DIR/shallow ]] || fetch "$ALL" "${EVERYTHING[@]}"; }
shown() { sed -E 's#^(https?://)[^/@]+@#\1***@#' <<<"$URL"; }
has() { git cat-file -e "$1^{commit}" 2>/dev/null; }

commit_of() { # KIND VALUE DEPTH
  case $1 in
    hash) commit_of_hash "$2" "$3" ;;
    branch)
      fetch "$3" "+refs/heads/$2:refs/remotes/origin/$2"
      git rev-parse --verify --quiet "refs/remotes/origin/$2^{commit}"
      ;;
    ref) # a branch, a tag, a full ref name, or a hash where no ref has that name
      if is_hash "$2" && ! fetch "$3" "$2" 2>/dev/null; then
        commit_of_hash "$2" "$3"
      else
        is_hash "$2" || fetch "$3" "$2"
        git rev-parse --verify --quiet 'FETCH_HEAD^{commit}'
      fi
      ;;
  esac
}

# --- what was checked out here: a second merge of a run builds on the first

run() { printf 'run %s\n' "${FLOE_ATTEMPT%.*.*.*}"; }
noted() { [[ -e $GIT_DIR/floe ]] && grep --quiet --line-regexp --fixed-strings -- "$1" "$GIT_DIR/floe"; }

put() { # COMMIT: HEAD, index and files as in the commit; ignored files stay (a reused workspace)
  if [[ $KIND == branch ]]; then
    git checkout --quiet --force -B "$VALUE" "$1" --
  else
    git checkout --quiet --force --detach "$1" --
  fi
  git clean --quiet -ffd
  printf '%s\n' "$(run)" "$KIND $VALUE" >"$GIT_DIR/floe"
}

report() {
  local commit
  commit=$(git rev-parse --verify HEAD)
  printf 'hash=%s\ndir=%s\n' "$commit" "$PWD" >>"$FLOE_OUTPUTS"
  git --no-pager log -1 --format='%h %s (%an, %ad)' --date=iso
}

# --- operations

checkout() {
  enter
  say "checking out $KIND $VALUE of $(shown) into $PWD"
  git merge --abort 2>/dev/null || true
  local commit
  commit=$(commit_of "$KIND" "$VALUE" 1)
  put "$commit"
  report
}

# The whole history: with part of it the best common ancestor may lie beyond the cut, and a merge
# from an older one can undo work without a conflict.
merge() {
  enter
  say "merging $OTHER into $KIND $VALUE of $(shown) in $PWD"
  git merge --abort 2>/dev/null || true
  local commit from
  if noted "$(run)" && noted "$KIND $VALUE"; then
    complete
  else
    commit=$(commit_of "$KIND" "$VALUE" "$ALL")
    noted "$(run)" && [[ $(git rev-parse HEAD) == "$commit" ]] || put "$commit"
  fi
  from=$(commit_of ref "$OTHER" "$ALL")
  export GIT_AUTHOR_NAME=floe GIT_AUTHOR_EMAIL="floe@$FLOE_HOST"
  export GIT_COMMITTER_NAME=floe GIT_COMMITTER_EMAIL="floe@$FLOE_HOST"
  if ! git merge --ff --no-edit -m "Merge $OTHER into $VALUE" "$from"; then
    say "floe: $OTHER does not merge into $VALUE; files in conflict:"
    git diff --name-only --diff-filter=U >&2
    exit 1
  fi
  report
}

show() {
  enter --bare
  local commit size
  commit=$(commit_of "$KIND" "$VALUE" 1)
  size=$(git cat-file -s "$commit:$OTHER" 2>/dev/null) || { say "floe: commit $commit has no file $OTHER"; exit 3; }
  ((size <= SHOWN_MAX)) || fail "$OTHER is larger than $SHOWN_MAX bytes"
  printf '%s\n' "$commit"
  git cat-file blob "$commit:$OTHER"
}

check
"$OPERATION"
