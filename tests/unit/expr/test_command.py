"""What each argument of a command line is for, and what variables become in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.dialects.floe.command_lines import argv_of, split
from floe.expr.arguments import arguments_of
from floe.expr.command import command_faults, expanded
from floe.expr.env_entries import env_values_of
from floe.expr.programs import BY_NAME, PROGRAMS
from floe.expr.variables import with_variables
from floe.model.errors import Yours

VALUE = "$(touch pwned); touch pwned"
ENV = {"FLOE_IN_X": VALUE, "HOME": "/home/ci", "PATH": "/bin"}


def roles(cmd: str) -> list[str]:
    return [argument.role for argument in arguments_of(split(cmd))]


def run(cmd: str, env: dict[str, str] = ENV, *entries: str) -> tuple[str, ...]:
    return expanded(split(cmd), env, env_values_of(entries, escapes=True), escapes=True)


def wrong(cmd: str, *entries: str) -> list[str]:
    is_value = env_values_of(entries, escapes=True)
    return [
        fault.what
        for fault in command_faults(split(cmd), is_value, escapes=True)
        if fault.is_certain
    ]


SHELLS = [
    "bash -c 'echo {}'",
    'bash -c "echo {}"',
    "bash -ec 'echo {}'",
    "sh -lc 'echo {}'",
    "bash +x -c 'echo {}'",
    "bash --norc --noprofile -c 'echo {}'",
    "bash -o pipefail -c 'echo {}'",
    "bash -euxo pipefail -c 'echo {}'",
    "bash -ceo pipefail 'echo {}'",
    "bash -c -e 'echo {}'",
    "bash -c -- 'echo {}'",
    "bash --rcfile /dev/null -c 'echo {}'",
    "/usr/bin/env bash -c 'echo {}'",
    "/usr/bin/env -u A B=1 sh -ec 'echo {}'",
    "env -C /tmp -- dash -c 'echo {}'",
    "nice -n 5 nohup setsid stdbuf -oL timeout -k 1 9 sh -c 'echo {}'",
    "xargs -0 -n1 -I% sh -c 'echo {}' _",
    "find . -type f -exec sh -c 'echo {}' _ {{}} ;",
    "find . -exec sh -c 'echo {}' _ {{}} + -name x",
    "busybox sh -c 'echo {}'",
    "su ci -c 'echo {}'",
    "su -c 'echo {}' ci",
    "runuser -u ci -- sh -c 'echo {}'",
    "flock lock -c 'echo {}'",
    "flock lock sh -c 'echo {}'",
    "watch -n1 'echo {}'",
    "git -c alias.x=!a rebase -x 'echo {}'",
    "strace -f -o log bash -c 'echo {}'",
    "my-own-wrapper --fast bash -c 'echo {}'",
    "tar -cf a.tar --to-command='echo {}' .",
    "eval 'echo {}'",
    'runuser -u ci -- sh -c "echo {}"',
    'su ci -- -c "echo {}"',
    'su -- ci -c "echo {}"',
    'su -T -c "echo {}" ci',
    'entr -rs "echo {}"',
    'git filter-branch --msg-filter "echo {}"',
    'git difftool -yx "echo {}"',
    'git rebase --ex "echo {}" main',
]


@pytest.mark.parametrize("cmd", SHELLS)
def test_a_shell_gets_its_code_as_it_is_written(cmd: str) -> None:
    argv = run(cmd.format("$FLOE_IN_X $HOME $$"))

    assert next(a for a in argv if "FLOE_IN_X" in a).endswith("echo $FLOE_IN_X $HOME $$")
    assert not any(VALUE in argument for argument in argv)


@pytest.mark.parametrize("cmd", SHELLS)
def test_the_checker_reports_nothing_of_what_a_shell_expands(cmd: str) -> None:
    assert wrong(cmd.format("$FLOE_IN_X")) == []


@pytest.mark.parametrize(
    "cmd",
    [
        'python3 -c "print({})"',
        'python3.11 -Ic "print({})"',
        'python -W ignore -c"print({})"',
        'pypy3 -c "{}"',
        'perl -e "print {}"',
        'perl -lane "print {}"',
        'perl -i.bak -pe "s/a/{}/" file',
        "perl -M{} -e 1",
        'ruby -e "puts {}"',
        'node -e "log({})"',
        'node --eval="log({})"',
        'node -pe "{}"',
        'php -r "echo {};"',
        "php -d auto_prepend_file={} x.php",
        'lua -e "print({})"',
        'awk "{{print {}}}" file',
        'awk -f lib.awk --source "{}"',
        'sed -n "s/a/{}/p" file',
        'sed file -e "s/a/{}/"',
        'sed -ne "s/a/{}/p"',
        'jq ".name == {}" file',
        'ssh host "echo {}"',
        "ssh -p 22 host echo {}",
        "ssh -oProxyCommand={} host",
        'env -S "sh -c {}"',
        'env -i sh -c "echo {}"',
        'sudo -u ci sh -c "echo {}"',
        'docker run --rm image sh -c "echo {}"',
        'kubectl exec pod -- bash -ec "echo {}"',
        'su - ci -c "echo {}"',
        'su -lc "echo {}" ci',
        'su -c "echo {}" - ci',
        'runuser -c "echo {}" --login ci',
        "env PATH={} make",
        "rsync -e {} a b",
        'git -c core.pager="{}" log',
        "psql -c \"select '{}'\"",
        "sqlite3 db \"select '{}'\"",
        "vim -c {} file",
        "make --eval={} all",
        "socat - {}",
        "xargs awk {}",
        'docker exec web awk "{{print {}}}"',
        "docker exec db psql -c \"select '{}'\"",
        'kubectl exec pod -- env A=1 sed "s/a/{}/" file',
        "my-own-wrapper mysql -e \"select '{}'\"",
        'git submodule foreach "echo {}"',
        "my-own-wrapper python3 -c {}",
        'env --split="sh -c {}"',
        'jq --tab ".name == {}" file',
        'scp -B -o "ProxyCommand={}" file host:',
        'sed --expr="s/a/{}/" file',
        "psql --comm \"select '{}'\"",
        'docker run --rm --entrypoint sh image -c "echo {}"',
        'docker run --entrypoint=/bin/bash image -lc "echo {}"',
        'podman run --entrypoint python3 image -c "print({})"',
        "docker compose run --entrypoint 'sh -c' web \"echo {}\"",
        "docker run --entrypoint awk image '{{print}}' {}",
        'runuser -u ci -- python3 -c "print({})"',
        'runuser -l ci -- -c "echo {}"',
        'su - -- ci -c "echo {}"',
        "sshpass -p secret ssh host echo {}",
        'fd -Hx python3 -c "print({})"',
        'python3.13t -c "print({})"',
        'python3.12-dbg -c "print({})"',
        'pypy3.10-v7.3 -c "print({})"',
        'ipython -c "print({})"',
        'tsx -e "log({})"',
        "yq e '.a = \"'{}'\"' file",
        "yq -i eval '.a = \"'{}'\"' file",
        "xargs --max-p 4 awk '{{print '{}'}}'",
        "nice --adj 5 sed s/a/{}/",
        "timeout --sig KILL 5 awk '{{print '{}'}}'",
        'tmux new-session -d "echo {}"',
        "tmux send-keys -t ci {} Enter",
        "tmux -c {}",
        'screen -dmS ci sh -c "echo {}"',
        "screen -S ci -X stuff {}",
        'ansible all -m shell -a "echo {}"',
        "ansible -i hosts -a {} web",
        "ansible-playbook -e name={} site.yml",
        'systemd-run --user sh -c "echo {}"',
        "systemd-run -p ExecStartPre={} true",
        "docker run --health-cmd {} image",
        'docker container exec web awk "{{print {}}}"',
        'kubectl -n ci exec pod -- awk "{{print {}}}"',
        "docker exec --new a web sed s/a/{}/",
        "bwrap --new a b sed s/a/{}/",
        "ip netns exec blue awk '{{print '{}'}}'",
        "strace -c python3 -c {}",
    ],
)
def test_a_value_in_code_that_is_not_a_shells_is_refused(cmd: str) -> None:
    cmd = cmd.format("$FLOE_IN_X")

    assert wrong(cmd) != []
    with pytest.raises(Yours, match="FLOE_IN_X"):
        run(cmd)


@pytest.mark.parametrize(
    "cmd",
    [
        "{}",
        "{}/bin/tool",
        "./bin/{}",
        "bash {}",
        "bash scripts/{}.sh",
        "bash -{} script",
        "python3 {}",
        "python3 -m {}",
        "env {} make",
        "env A=1 {}",
        "nice {}",
        "xargs -n1 {}",
        "timeout 5 {}",
        "sudo {}",
        "find . -exec {} ;",
        "awk -f {} file",
        "node -r {} x.js",
        "make -f {}",
        "bash -c '{}'",
        "bash -c '\"{}\"; true'",
        "xargs --{} x",
        "git {}",
        "tar -cf a.tar -I{} .",
        "tar -cf a.tar --to-command={} .",
        "tar -cf a.tar --checkpoint-action=exec={} .",
        "git rebase --exec={} main",
        "git rebase -x {} main",
        "bash --rcfile {} -i",
        "docker run image sh {}",
        "docker run --entrypoint {} image",
        "fd --exec={} x",
        "parallel -X {} ::: a",
        "git ls-remote -b --upload-pack={} there",
        "tar -xf a.tar --to-comm={}",
        "tar -xf a.tar --to-comm {}",
        "tar -cf a.tar --use-compress-prog={} .",
        "git ls-remote --upload-pa={} there",
        "git grep -O{} word",
        "git difftool -y -x {}",
        "git filter-branch --msg-fil={}",
        "entr -rs {}",
        "gcc -wrapper {} -c main.c",
        "clang++-17 -fplugin={} -c main.cc",
        "gcc -B {} main.c",
        "git config core.pager {}",
        "git config --global core.sshCommand {}",
        "git config --file config alias.ci {}",
        "git config set alias.ci {}",
        "git config --add init.templateDir {}",
        "git config {} less",
        "git -c core.pager=less {}",
        "flock lock {}",
        "flock -w 5 lock {} a",
        "flock lock -c {}",
        "systemd-run --unit ci {}",
        "docker exec -it -u ci web {}",
        "podman exec --env A=1 web {}",
        "docker container exec web {}",
        "docker run --rm -v /a:/b --network host image {}",
        "docker --context ci run image {}",
        "kubectl exec pod -- {}",
        "kubectl -n ci exec -c main pod -- {}",
        "oc exec pod -n ci -- {}",
        "docker exec --new a web {}",
        "docker exec -z a web {}",
        "docker --new a exec web {}",
        "kubectl -v 5 exec pod -- {}",
        "docker run --rm --new a image {}",
        "podman run -ditz a image {}",
        "strace -e trace=file -o log {}",
        "strace --new a {}",
        "strace -x {}",
        "strace -fo log {}",
        "nsenter -w {}",
        "uv run -n {}",
        "uv run -m {}",
        "proot -q qemu {}",
        "lxc-attach -n web -e -- {}",
        "unshare --map-users 0,1,1 {}",
        "unshare -rS 0 {}",
        "nsenter -t 1 -m {}",
        "bwrap --ro-bind / / --proc /proc {}",
        "bwrap --new / / {}",
        "setpriv --reuid ci --clear-groups {}",
        "chpst -u ci {}",
        "tini -g {}",
        "firejail --quiet {}",
        "xvfb-run --auto-servernum {}",
        "gosu ci {}",
        "su-exec ci {}",
        "faketime -f +1d {}",
        "podman exec -l {}",
        "podman exec --latest -it {}",
        "kubectl exec -f pod.yml -- {}",
        "kubectl exec --filename=pod.yml -- {}",
        "kubectl exec --new a pod -- {}",
        "kubectl run job --image x --command -- {}",
        "kubectl debug pod --image x -- {}",
        "docker compose exec web {}",
        "docker compose -f ci.yml run --rm web {}",
        "docker-compose exec -T web {}",
        "lxc exec web -- {}",
        "machinectl shell ci@web {}",
        "poetry run {}",
        "uv run --with requests {}",
        "uv run --new a {}",
        "bundle exec {}",
        "conda run -n ci {}",
        "npx --yes {}",
        "npm exec -- {}",
        "pnpm dlx {}",
        "perf stat -e cycles {}",
        "direnv exec . {}",
        "ip netns exec blue {}",
        "gcc @{}",
        "javac @{}",
        "rustc -C linker={} main.rs",
        "rustc -Clinker={} main.rs",
        "ld -plugin {} main.o",
        "java -jar {}",
        "java -cp {} Main",
        "java -javaagent:{} Main",
        "java {}",
        "go run {}",
        "go test -exec {} ./...",
        "go build -toolexec={} ./...",
        "sort --compress-program={} file",
        "sort --compress-prog {} file",
        "zip -T -TT {} a.zip b",
        "cargo --config build.rustc-wrapper={} build",
        "cargo build --config {}",
        "cargo +{} build",
        "curl -K {}",
        "curl -sK {} https://there",
        "curl --config={} https://there",
        "wget -e {} https://there",
        "wget --use-askpass={} https://there",
        "cmake -P {}",
        "cmake -C {} -S .",
        "cmake --toolchain {} -S .",
        "cmake -E env {}",
        "cmake -E env A=1 sh -c {}",
        "ctest -S {}",
        "ctest --test-command {}",
        "pytest -p {}",
        "pytest -p{}",
        "pytest tests -c {}",
        "pytest --rootdir={} tests",
        "pytest -o addopts={}",
        "pip install {}",
        "pip3 install requests {}",
        "pip install requests{}",
        'pip install "requests @ {}"',
        "pip install git+https://{}/x",
        "pip install -e {}",
        "pip install -r {}",
        "pip install --index-url {} requests",
        "pip install --extra-index={} requests",
        "pip wheel {}",
        "go build -ldflags {} ./...",
        'go build "-ldflags=-X main.version={}" ./...',
        "go test -gcflags={} ./...",
    ],
)
def test_a_value_names_no_program_and_no_option(cmd: str) -> None:
    cmd = cmd.format("$FLOE_IN_X")

    assert wrong(cmd) != []
    with pytest.raises(Yours, match="FLOE_IN_X"):
        run(cmd)


@pytest.mark.parametrize(
    "cmd",
    [
        "bash -c 'echo \"$1\"' -- {}",
        "bash -c 'echo \"$1\"' _ a {}",
        "bash script.sh {}",
        "python3 -c 'import sys' {}",
        "python3 script.py --name={}",
        "perl -e 'print @ARGV' -- {}",
        "awk -v a=1 '{{print $1}}' -- {}",
        "jq --arg x {} '.a == $x' file",
        "env NAME={} make",
        "git commit -m {}",
        "git -c user.name={} commit",
        "docker run -e X={} image",
        "find . -name {}",
        "tar -cf {} .",
        "echo {}",
        "my-own-program --flag {}",
        "grep -e {} file",
        "timeout 5 printf %s {}",
        "docker run --entrypoint sh -e X={} image -c 'echo'",
        "docker run --entrypoint sh image -c 'echo \"$1\"' -- {}",
        "git grep -e {}",
        "xargs --replace grep -e {} file",
        "python3-config --prefix={}",
        "gcc -DVERSION={} -std=c17 -o out main.c",
        "gcc -o {} main.c",
        "git config user.name {}",
        "git config --global safe.directory {}",
        "flock lock printf %s {}",
        "tmux new-session -d -s {} top",
        "ansible all --limit {} -m ping",
        "systemd-run -E NAME={} make",
        "docker exec -e X={} web make",
        "docker exec web printf %s {}",
        "docker run --rm image printf %s {}",
        "docker run --label a={} image",
        "kubectl exec pod -- printf %s {}",
        "xargs --max-p 4 printf %s {}",
        "docker exec -it -u ci web printf {}",
        "docker exec --new=a web printf {}",
        "docker exec --new -- web printf {}",
        "docker run -itv /a:/b --rm image printf {}",
        "podman run --no-healthcheck image printf {}",
        "strace -ff -olog -e trace=file printf {}",
        "nsenter -t 1 -mnp printf {}",
        "nsenter -t1 -m printf {}",
        "unshare --map-root-user printf {}",
        "bwrap --ro-bind / / --unshare-all printf {}",
        "bwrap --bind {} /data true",
        "setpriv --reuid ci printf {}",
        "gosu ci printf {}",
        "ip netns add {}",
        "java -jar app.jar {}",
        "javac -d {} Main.java",
        "go run ./cmd {}",
        "go test -run {} ./...",
        "go build -o {} ./...",
        "sort -k {} file",
        "zip -x {} a.zip b",
        "cargo run -- {}",
        "cargo test --features {}",
        "kubectl exec -it -n ci pod -- printf {}",
        "kubectl exec pod -c {} -- true",
        "docker compose -p {} exec web true",
        "docker --debug exec web printf {}",
        "docker --new exec web printf {}",
        "docker run --new --rm image printf %s {}",
        "docker compose exec -T web printf {}",
        "poetry run pytest -k {}",
        "poetry version {}",
        "uv run --with requests pytest {}",
        "uv pip install {}",
        "bundle exec rspec {}",
        "npm run build -- {}",
        "npx eslint {}",
        "conda install {}",
        "perf stat -e cycles true {}",
        "ip netns exec blue printf {}",
        "curl -d {} https://there",
        "curl -o {} https://there",
        'curl -fsS -H "X-Who: {}" https://there',
        "curl https://there/{}",
        "wget -O {} https://there",
        "cmake -S . -B {}",
        "cmake -DVERSION={} -S .",
        "cmake -E copy {} there",
        "ctest -R {}",
        "pytest -k {} tests",
        "pytest --junitxml={} tests",
        "pip install requests=={}",
        'pip install "requests[socks]~={}"',
        "pip install --target {} requests==1.0",
        "pip list --path {}",
        "go build -tags {} ./...",
    ],
)
def test_an_argument_that_is_data_takes_the_value_as_it_is(cmd: str) -> None:
    argv = run(cmd.format("$FLOE_IN_X"))

    assert wrong(cmd.format("$FLOE_IN_X")) == []
    assert sum(argument.count(VALUE) for argument in argv) == 1


@pytest.mark.parametrize(
    "cmd", ["tar -xf a.tar {}", "git log {}", "find {} -name x", "ssh {} uptime", "rsync {} there"]
)
def test_a_value_with_a_hyphen_is_refused_where_options_are_read(cmd: str) -> None:
    cmd = cmd.format("$FLOE_IN_X")

    assert run(cmd, {"FLOE_IN_X": "plain"})
    with pytest.raises(Yours, match="hyphen"):
        run(cmd, {"FLOE_IN_X": "--checkpoint-action=exec=touch pwned"})


def test_a_value_with_a_hyphen_is_data_behind_two_hyphens() -> None:
    assert run("tar -xf a.tar -- $FLOE_IN_X", {"FLOE_IN_X": "-x"})[-1] == "-x"


@pytest.mark.parametrize("value", ["$(shell touch x)", "A=b c", "-f x", "a`b`", "--eval=x"])
def test_make_takes_no_value_that_it_would_read_as_code(value: str) -> None:
    with pytest.raises(Yours, match="make"):
        run("make V=$FLOE_IN_X", {"FLOE_IN_X": value})


@pytest.mark.parametrize(
    "cmd",
    [
        "gcc $FLOE_IN_X",
        "gcc -o $FLOE_IN_X main.c",
        "javac $FLOE_IN_X",
        "rustc $FLOE_IN_X",
        "ar $FLOE_IN_X",
    ],
)
def test_a_compiler_takes_no_value_that_names_a_file_of_options(cmd: str) -> None:
    assert run(cmd, {"FLOE_IN_X": "main"})
    with pytest.raises(Yours, match="`@`"):
        run(cmd, {"FLOE_IN_X": "@options"})


def test_make_takes_a_value_of_plain_characters() -> None:
    assert run("make V=$FLOE_IN_X", {"FLOE_IN_X": "1.2-rc_3"})[1] == "V=1.2-rc_3"


@pytest.mark.parametrize(
    ("cmd", "argv"),
    [
        ("echo $$HOME", ("echo", "$HOME")),
        ("echo '$HOME'", ("echo", "$HOME")),
        ("echo '$$'", ("echo", "$$")),
        ("echo \\$HOME", ("echo", "$HOME")),
        ('echo "\\$HOME"', ("echo", "$HOME")),
        ('echo "$HOME"', ("echo", "/home/ci")),
        ("echo ${HOME}x", ("echo", "/home/cix")),
        ("echo $$$HOME", ("echo", "$/home/ci")),
        ("echo $UNKNOWN $1", ("echo", "$UNKNOWN", "$1")),
        ("echo 'a b'\"c d\"e\\ f", ("echo", "a bc de f")),
        ("perl -e 'print $HOME'", ("perl", "-e", "print $HOME")),
        ("$HOME/bin/tool a", ("/home/ci/bin/tool", "a")),
    ],
)
def test_quotes_and_two_dollars_protect(cmd: str, argv: tuple[str, ...]) -> None:
    assert run(cmd) == argv


def test_arguments_of_a_list_are_read_as_those_of_a_line() -> None:
    argv = argv_of("bash", ["-c", "echo $$ $FLOE_IN_X", "--", "$FLOE_IN_X", "$$"])

    found = expanded(argv, ENV, env_values_of((), escapes=True), escapes=True)

    assert found == ("bash", "-c", "echo $$ $FLOE_IN_X", "--", VALUE, "$")


def test_a_shell_that_a_variable_names_gets_its_code_as_it_is_written() -> None:
    argv = run('$SHELL -c "echo $FLOE_IN_X"', {**ENV, "SHELL": "/bin/bash"})

    assert argv == ("/bin/bash", "-c", "echo $FLOE_IN_X")


def test_a_variable_made_of_a_value_is_a_value() -> None:
    assert wrong('python3 -c "$B"', "A=x$FLOE_IN_X", "B=$A") != []
    assert wrong("$B", "A=x$FLOE_IN_X", "B=$A") != []
    assert wrong("$B x", "A=x$FLOE_IN_X", "B=$A", "B=const") == []


# -- flows that floe 0.1 compiled: two dollars are two, and single quotes are not known any more


def old(*argv: str) -> tuple[str, ...]:
    return expanded(argv, ENV, env_values_of((), escapes=False), escapes=False)


def test_an_old_flow_keeps_its_meaning_where_it_is_safe() -> None:
    argv = ("bash", "-c", "echo $$ '$HOME' $FLOE_IN_X", "--", "$FLOE_IN_X", "$$")

    assert old(*argv) == ("bash", "-c", "echo $$ '/home/ci' $FLOE_IN_X", "--", VALUE, "$$")
    assert old("python3", "-c", "print('$HOME', '$x')") == (
        "python3",
        "-c",
        "print('/home/ci', '$x')",
    )


@pytest.mark.parametrize("argv", [("python3", "-c", "print('$FLOE_IN_X')"), ("$FLOE_IN_X",)])
def test_an_old_flow_fails_where_its_meaning_is_not_safe(argv: tuple[str, ...]) -> None:
    with pytest.raises(Yours, match="FLOE_IN_X"):
        old(*argv)


# -- the list itself, and any line


def test_no_name_is_in_the_list_twice() -> None:
    assert len(BY_NAME) == sum(len(program.names.split()) for program in PROGRAMS)


NAMES = st.sampled_from(sorted(BY_NAME))
OPTIONS = st.sampled_from(
    sorted({o for p in PROGRAMS for o in f"{p.code} {p.takes} {p.flag} {p.runs}".split()})
)
WORDS = st.one_of(
    NAMES, OPTIONS, st.sampled_from(["--", "-", ";", "a", "A=b", "$FLOE_IN_X", "x${FLOE_IN_X}y"])
)


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_value_is_only_ever_put_into_data(words: list[str]) -> None:
    argv = with_variables(argv_of(words[0], words[1:])).texts
    try:
        found = expanded(argv, ENV, env_values_of((), escapes=True), escapes=True)
    except Yours:
        return

    roles = [
        argument.role
        for argument, text in zip(arguments_of(argv), found, strict=True)
        if VALUE in text
    ]
    assert set(roles) <= {"data", "word"}


@given(st.text(alphabet="ab '\"\\$;{}", max_size=30))
def test_splitting_is_that_of_a_shell_but_for_dollars(text: str) -> None:
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        return

    assert [w.replace("$", "").replace("\\", "") for w in split(text)] == [
        w.replace("$", "").replace("\\", "") for w in words
    ]


def test_reading_a_long_line_costs_no_more_than_its_length() -> None:
    for words in (
        ["env"],
        ["x", "bash"],
        ["find", "-exec"],
        ["docker", "python"],
        ["unshare", "--a", "--b", "x", "strace"],
        ["kubectl", "exec", "a", "b", "--"],
        ["x", "--a", "bwrap", "npx", "-c"],
    ):
        assert len(arguments_of(words * 20_000)) == len(words) * 20_000
