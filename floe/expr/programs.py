"""The list of programs that read code or start other programs; data only.

`arguments` reads command lines with this list, and the table in docs/flows.md is generated from it.

Rules of this file: names and options are separated by blanks; `git:rebase` is a command of git. If
an option takes no argument in one of the named programs, it is not listed as taking one, because
the next argument may be code. A program that is not listed gets values as arguments.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from floe.model.nouns import dataclass

Operand = Literal[
    "command",
    "assignments",
    "program",
    "code",
    "plain",
    "package",
    "data",
    "anywhere",
    "key",
    "setting",
]
"""The role of an argument that is not an option.

command: a nested command begins here. assignments: `NAME=value` until a command begins. program: a
file or module that is run. code: code. key: the name of a setting. setting: its value, which names
a program except for harmless keys. plain: read as code if it has special characters. package: what
is installed, and so may run; data after `==` and its like. data: data. anywhere: data, but a shell
or interpreter may begin there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How the programs of these names read their arguments."""

    names: str
    operands: tuple[Operand, ...] = ("data",)
    """Roles of the operands in order; the last one is for all further operands."""
    code: str = ""
    """Options whose argument is code; if one is given, operands are data."""
    files: str = ""
    """Options whose argument names a file or module of code; if given, operands are data."""
    loads: str = ""
    """Options whose argument names code that runs before the program's own."""
    takes: str = ""
    """Options with any other argument."""
    pairs: str = ""
    """Options with two arguments, both data."""
    glued: str = ""
    """Short options that take the rest of their word, if any, as their argument."""
    flag: str = ""
    """The short option that makes the first operand code, such as `-c` of shells."""
    runs: str = ""
    """Options that begin a command, which ends at `;` or `+`."""
    entry: str = ""
    """Options whose argument is the program that gets the operands."""
    stop: str = ""
    """The argument after which everything is data."""
    settings: str = ""
    """Options whose argument `key=value` is code, except for harmless keys."""
    is_shell: bool = False
    """Whether its code is for a shell, which expands `$NAME` from the environment, as data."""
    ends: bool = False
    """Whether an option with code is the last option."""
    permutes: bool = False
    """Whether options may come after operands."""
    goes_on: bool = False
    """Whether options may come after `--`, for the program that it starts."""
    has_words: bool = False
    """Whether options are words with one hyphen, never combined letters."""
    hides_env: str = ""
    """Options that hide the environment from the program it starts; `always` if none is needed."""
    flags: str = ""
    """Options without an argument. If any are listed, an option that is in no list may take the
    next argument, so it is not certain where the command begins."""
    at_files: bool = False
    """Whether an argument `@NAME` stands for the content of a file, which may have any option."""
    named: str = ""
    """Options that replace the first operand."""
    marks: bool = False
    """Whether the program that it starts begins after the first `--`, if there is one."""
    instead: str = ""
    """A hint: how to pass a value to it."""


BY_CONTAINER_ENV: Final = (
    "`-e NAME=$VALUE` or an argument after the code: `sh -c '… \"$1\"' -- $NAME`"
)
COMPOSE_TAKES: Final = (
    "-f -p --file --project-name --project-directory --profile --env-file --ansi --parallel "
    "--progress"
)
BY_FOLDER: Final = "a name that begins with `./`, such as `./$NAME`"
BY_VERSION: Final = "write the name and take the version from the value: `NAME==$VALUE`"
BY_ENV: Final = "read the environment in the code itself, or pass a file with the values"

PROGRAMS: Final = (
    # shells
    Program(
        names="bash rbash",
        operands=("program", "data"),
        flag="-c",
        loads="--rcfile --init-file",
        takes="-o +o -O +O",
        is_shell=True,
    ),
    Program(
        names="sh dash ash ksh ksh93 mksh zsh yash posh csh tcsh",
        operands=("program", "data"),
        flag="-c",
        takes="-o +o",
        is_shell=True,
    ),
    Program(
        names="fish",
        operands=("program", "data"),
        code="-c -C --command --init-command",
        takes="-d -D -f -p",
        is_shell=True,
    ),
    Program(names="eval", operands=("code",), is_shell=True),
    Program(
        names="pwsh powershell nu xonsh elvish",
        operands=("program", "data"),
        code="-c -Command -command --command -e --execute",
        files="-f -File --file",
        ends=True,
        has_words=True,
        instead="give it as an argument after the code",
    ),
    # interpreters
    Program(
        names="python pypy ipython bpython ptpython micropython graalpy",
        operands=("program", "data"),
        code="-c",
        files="-m",
        takes="-W -X --check-hash-based-pycs",
        ends=True,
        instead="`import os; os.environ['NAME']`, or sys.argv and the value as an argument",
    ),
    Program(
        names="perl",
        operands=("program", "data"),
        code="-e -E",
        loads="-I",
        glued="-i -C -D -V -d -M -m -F -x",
        instead="`$ENV{NAME}`, or @ARGV and the value as an argument",
    ),
    Program(
        names="ruby jruby",
        operands=("program", "data"),
        code="-e",
        files="-S",
        loads="-r -I",
        takes="-C -E -X",
        glued="-i -K -T -W -x -F",
        instead="`ENV['NAME']`, or ARGV and the value as an argument",
    ),
    Program(
        names="node nodejs bun tsx ts-node",
        operands=("program", "data"),
        code="-e -p -pe --eval --print",
        loads="-r --require --import --loader --experimental-loader --preload",
        takes="-C --conditions",
        instead="`process.env.NAME`, or process.argv and the value as an argument",
    ),
    Program(
        names="deno",
        operands=("data", "program", "data"),
        loads="--preload --import-map --config",
        instead="`Deno.env.get('NAME')`, or Deno.args and the value as an argument",
    ),
    Program(
        names="php php-cli php-cgi",
        operands=("program", "data"),
        code="-r -B -R -E --run --process-begin --process-code --process-end",
        settings="-d --define",
        files="-f -F -z --file --process-file",
        takes="-c -t",
        instead="`getenv('NAME')`, or $argv and the value as an argument",
    ),
    Program(
        names="lua luajit texlua",
        operands=("program", "data"),
        code="-e -j",
        loads="-l",
        instead="`os.getenv('NAME')`, or `...` and the value as an argument",
    ),
    Program(
        names="awk gawk mawk nawk original-awk",
        operands=("code", "data"),
        code="-e --source",
        files="-f -E --file --exec",
        loads="-l -i --load --include",
        takes="-F -v --field-separator --assign",
        instead='`ENVIRON["NAME"]` in the program; never -v, which reads escapes',
    ),
    Program(
        names="sed gsed ssed",
        operands=("code", "data"),
        code="-e --expression",
        files="-f --file",
        takes="-l --line-length",
        glued="-i",
        permutes=True,
        instead="write it in `shell` and quote the value for sed, or use a different program",
    ),
    Program(
        names="jq gojq jaq yq",
        operands=("code", "data"),
        files="-f --from-file",
        takes="-L --indent",
        pairs="--arg --argjson --slurpfile --rawfile",
        permutes=True,
        instead="`--arg name $NAME` and `$$name` in the filter, or `env.NAME`",
    ),
    Program(
        names="yq:e yq:eval yq:ea yq:eval-all",
        operands=("code", "data"),
        files="--from-file",
        permutes=True,
        instead="`strenv(NAME)` in the expression",
    ),
    Program(
        names="Rscript R julia elixir erl groovy scala osascript ghc raku octave lldb",
        operands=("program", "data"),
        code="-e -E --eval --print -eval -o",
        files="-f --file",
        has_words=True,
        instead=BY_ENV,
    ),
    Program(
        names="expect guile swipl tclsh wish racket",
        operands=("program", "data"),
        code="-c -e -g",
        files="-f",
        loads="-l",
        has_words=True,
        instead=BY_ENV,
    ),
    Program(
        names="vim vi view nvim ex gvim",
        code="-c --cmd",
        loads="-S -u",
        permutes=True,
        has_words=True,
        instead=BY_ENV,
    ),
    Program(
        names="emacs emacsclient gdb",
        code="--eval --execute -eval -ex -iex --eval-command",
        loads="-l --load -x -f --funcall --command",
        permutes=True,
        has_words=True,
        instead=BY_ENV,
    ),
    Program(
        names="bc dc m4 gnuplot",
        operands=("program",),
        code="-e --expression",
        files="-f --file",
        instead="pass it on standard input, after checking it",
    ),
    # databases: their clients have a `!command`, and SQL is code
    Program(
        names="sqlite3 duckdb",
        operands=("data", "code"),
        code="-cmd -c",
        files="-init",
        takes="-separator -nullvalue -newline",
        has_words=True,
        instead="`.parameter set` with a checked value, or a program that binds values",
    ),
    Program(
        names="psql",
        code="-c --command",
        loads="-f --file",
        takes="-h -p -U -d -v -o -L -F -R -T -P --set --variable --host --port --username --dbname",
        permutes=True,
        instead="`psql -v name=$NAME -f FILE`, and :'name' in the file",
    ),
    Program(
        names="mysql mariadb",
        code="-e --execute --init-command",
        takes="-h -P -u -D -S --host --port --user --database --socket",
        glued="-p",
        permutes=True,
        instead="a program that binds values",
    ),
    Program(
        names="mongosh mongo cqlsh clickhouse-client influx redis-cli",
        code="-e --eval --query -q --execute",
        loads="-f --file",
        permutes=True,
        has_words=True,
        instead="a program that binds values",
    ),
    # programs that start another
    Program(
        names="env",
        operands=("assignments",),
        code="-S --split-string",
        takes="-u --unset -C --chdir",
        hides_env="-i - --ignore-environment",
        instead="`NAME=$VALUE` before the program, or an argument after it",
    ),
    Program(
        names="xargs",
        operands=("command",),
        takes="-I -n -P -L -d -a -E -s --max-args --max-procs --delimiter "
        "--arg-file --max-chars --process-slot-var",
        glued="-i -l -e",
    ),
    Program(
        names="parallel",
        operands=("code",),
        takes="-j -a -N -n -L -S --jobs --arg-file --colsep --joblog --results --tmpdir -I",
        stop=":::",
        is_shell=True,
    ),
    Program(
        names="find gfind",
        operands=("data",),
        takes="-name -iname -path -ipath -wholename -iwholename -regex -iregex -lname -ilname "
        "-newer -anewer -cnewer -samefile -type -xtype -size -mtime -atime -ctime -mmin -amin "
        "-cmin -maxdepth -mindepth -user -group -uid -gid -perm -links -inum -fstype -used "
        "-printf -fprint -fprint0 -fls -regextype -D -O",
        pairs="-fprintf",
        runs="-exec -execdir -ok -okdir",
        permutes=True,
        has_words=True,
        instead="begin a folder with `./`",
    ),
    Program(
        names="fd fdfind",
        takes="-t -e -E -d -S -o --type --extension --exclude --max-depth --size --owner",
        runs="-x -X --exec --exec-batch",
        permutes=True,
    ),
    Program(names="nice", operands=("command",), takes="-n --adjustment"),
    Program(
        names="nohup setsid unbuffer busybox toybox exec command builtin dbus-run-session setarch",
        operands=("command",),
    ),
    Program(
        names="stdbuf",
        operands=("command",),
        takes="-i -o -e --input --output --error",
    ),
    Program(names="time gtime", operands=("command",), takes="-f -o --format --output"),
    Program(
        names="ionice",
        operands=("command",),
        takes="-c -n -p -P -u --class --classdata",
    ),
    Program(names="chrt", operands=("data", "command"), takes="-T -P -D"),
    Program(
        names="timeout gtimeout",
        operands=("data", "command"),
        takes="-s -k --signal --kill-after",
    ),
    Program(names="taskset chroot", operands=("data", "command"), takes="--userspec --groups"),
    Program(
        names="sudo doas sudoedit",
        operands=("assignments",),
        takes="-u -g -h -p -C -r -t -T -U -D -R -a --user --group --host --prompt --chdir --chroot "
        "--role --type --close-from --other-user --command-timeout",
        hides_env="always",
        instead="an argument after the code: `sudo sh -c '… \"$1\"' -- $NAME`",
    ),
    Program(
        names="su runuser",
        operands=("anywhere",),
        code="-c --command --session-command",
        loads="-s --shell",
        takes="-g -G -u -w --user --group --supp-group --whitelist-environment",
        is_shell=True,
        permutes=True,
        goes_on=True,
        hides_env="- -l --login",
        instead="without `-`, so that the environment stays, or an argument after the code",
    ),
    Program(
        names="strace",
        operands=("command",),
        takes="-a -b -e -I -o -O -p -P -s -S -u -U -X",
        flags="-A -c -C -d -D -f -F -i -k -n -N -q -r -t -T -v -w -x -y -Y -z -Z",
    ),
    Program(
        names="ltrace",
        operands=("command",),
        takes="-A -a -D -e -F -l -n -o -p -s -u -x -X -w",
        flags="-b -c -C -f -i -L -r -S -t -T",
    ),
    Program(
        names="unshare",
        operands=("command",),
        takes="-S -G -R -w --setuid --setgid --root --wd --map-user --map-group --map-users "
        "--map-groups --propagation --setgroups --monotonic --boottime",
        flags="-m -u -i -n -p -U -C -T -f -r -c --mount --uts --ipc --net --pid --user --cgroup "
        "--time --fork --mount-proc --kill-child --keep-caps --map-root-user --map-current-user "
        "--map-auto",
    ),
    Program(
        names="nsenter",
        operands=("command",),
        takes="-t -S -G --target --setuid --setgid",
        flags="-a -m -u -i -n -p -U -C -T -r -w -F -Z --all --mount --uts --ipc --net --pid --user "
        "--cgroup --time --root --wd --no-fork --preserve-credentials --follow-context",
    ),
    Program(
        names="bwrap",
        operands=("command",),
        takes="--args --argv0 --userns --userns2 --pidns --uid --gid --hostname --chdir --unsetenv "
        "--lock-file --sync-fd --remount-ro --exec-label --file-label --proc --dev --tmpfs "
        "--mqueue --dir --seccomp --add-seccomp-fd --block-fd --userns-block-fd --info-fd "
        "--json-status-fd --cap-add --cap-drop --perms --size --overlay-src --tmp-overlay "
        "--ro-overlay",
        pairs="--bind --bind-try --bind-fd --dev-bind --dev-bind-try --ro-bind --ro-bind-try "
        "--ro-bind-fd --file --bind-data --ro-bind-data --symlink --setenv --chmod",
        flags="--unshare-all --share-net --unshare-user --unshare-user-try --unshare-ipc "
        "--unshare-pid --unshare-net --unshare-uts --unshare-cgroup --unshare-cgroup-try "
        "--disable-userns --die-with-parent --as-pid-1 --new-session",
        hides_env="--clearenv",
    ),
    Program(
        names="setpriv",
        operands=("command",),
        takes="--ambient-caps --inh-caps --bounding-set --ruid --euid --rgid --egid --reuid "
        "--regid --groups --securebits --pdeathsig --selinux-label --apparmor-profile",
        flags="--nnp --no-new-privs --clear-groups --keep-groups --init-groups --reset-env",
    ),
    Program(
        names="chpst",
        operands=("command",),
        takes="-u -U -b -e -/ -C -n -m -d -o -p -f -c -r -t -l -L",
        flags="-v -V -P -0 -1 -2",
    ),
    Program(
        names="tini dumb-init with-contenv",
        operands=("command",),
        takes="-p -e -r --rewrite",
        flags="-g -v -w -s -c --single-child --verbose",
    ),
    Program(
        names="xvfb-run",
        operands=("command",),
        takes="-e -f -n -p -s -w --error-file --auth-file --server-num --xauth-protocol "
        "--server-args --wait",
        flags="-a -l --auto-servernum --listen-tcp",
    ),
    Program(
        names="numactl",
        operands=("command",),
        takes="-i -N -C -m -p -P --interleave --cpunodebind --physcpubind --membind --preferred",
        flags="-a -b -l --all --balancing --localalloc",
    ),
    Program(
        names="fakeroot",
        operands=("command",),
        takes="-l -f -i -s -b --lib --faked",
        flags="-u -h -v --unknown-is-real",
    ),
    Program(
        names="proot",
        operands=("command",),
        takes="-r -R -S -b -q -w -v -m -k -i",
        flags="-0 -h -l",
    ),
    Program(names="cgexec", operands=("command",), takes="-g", flags="-b --sticky"),
    Program(names="firejail valgrind", operands=("command",)),
    Program(
        names="gosu su-exec s6-setuidgid faketime",
        operands=("data", "command"),
        flags="-m -f --exclude-monotonic",
    ),
    Program(names="ip:netns ip:vrf", operands=("data", "data", "command")),
    Program(
        names="poetry:run pipenv:run rye:run hatch:run bundle:exec",
        operands=("command",),
        flags="-v -q --verbose --quiet",
    ),
    Program(
        names="uv:run",
        operands=("command",),
        files="-m -s --module --script",
        takes="-p -i -f -P -C --with --with-editable --with-requirements --extra --group "
        "--only-group --no-group --env-file --python --package --project --directory --index "
        "--index-url --default-index --extra-index-url --find-links",
        flags="-q -v -n -U --quiet --verbose --no-cache --upgrade --frozen --locked --no-sync "
        "--isolated --active --no-project --all-extras --all-groups --all-packages --no-dev "
        "--only-dev --offline --no-config --no-env-file --exact",
    ),
    Program(
        names="conda:run mamba:run",
        operands=("command",),
        takes="-n -p --name --prefix --cwd",
        flags="-v --verbose --no-capture-output --live-stream --dev",
    ),
    Program(
        names="perf:stat perf:record",
        operands=("command",),
        takes="-e -o -p -t -r -C -D --event --output --pid --tid --repeat --cpu --delay",
        flags="-a -d -v --all-cpus --verbose",
    ),
    Program(
        names="npx npm:exec npm:x pnpm:exec pnpm:dlx yarn:exec yarn:dlx bunx",
        operands=("command",),
        code="-c --call",
        takes="-p -w --package --workspace",
        is_shell=True,
    ),
    Program(names="direnv:exec", operands=("data", "command")),
    Program(
        names="perf ip poetry pipenv uv rye hatch conda mamba bundle yarn pnpm npm nix "
        "nix-shell direnv dotenv script",
        operands=("anywhere",),
        code="-c --command --run --call",
        is_shell=True,
        permutes=True,
    ),
    Program(
        names="flock",
        operands=("data", "command"),
        code="-c --command",
        takes="-w -E --timeout --wait --conflict-exit-code",
        is_shell=True,
        permutes=True,
    ),
    Program(
        names="systemd-run",
        operands=("command",),
        code="-p --property --path-property --socket-property --timer-property",
        takes="-u -E -M -H -C --unit --description --slice --service-type --uid --gid --nice "
        "--working-directory --setenv --expand-environment --background --machine --host --json "
        "--capsule --job-mode --on-active --on-boot --on-startup --on-unit-active "
        "--on-unit-inactive --on-calendar",
        hides_env="always",
        instead="`-E NAME=$VALUE` or an argument after the code: `sh -c '… \"$1\"' -- $NAME`",
    ),
    Program(names="entr", operands=("command",), flag="-s", is_shell=True),
    Program(
        names="tmux",
        operands=("data", "code"),
        code="-c",
        loads="-f",
        takes="-L -S -s -t -n -F -x -y -T -e",
        permutes=True,
        hides_env="always",
        instead="write it in `shell`; tmux passes its arguments to a shell",
    ),
    Program(
        names="screen",
        operands=("code",),
        loads="-c -s",
        takes="-S -p -t -T -e -h",
        hides_env="always",
        instead="write it in `shell`; screen has commands of its own, such as `stuff`",
    ),
    Program(
        names="ansible ansible-console ansible-playbook ansible-pull",
        code="-a -e --args --extra-vars",
        loads="-i -M --inventory --module-path --playbook-dir --vault-password-file "
        "--become-method --ssh-common-args --ssh-extra-args --sftp-extra-args --scp-extra-args",
        takes="-m -u -l -f -t --module-name --user --limit --forks --tags --skip-tags "
        "--become-user --private-key --key-file --timeout --connection -c",
        permutes=True,
        hides_env="always",
        instead="`-e @FILE` with values marked `!unsafe`: ansible reads templates in values",
    ),
    Program(names="sshpass", operands=("command",), takes="-f -d -p -P"),
    Program(
        names="docker podman nerdctl",
        operands=("anywhere",),
        entry="--entrypoint",
        takes="-H --host --context --config --log-level --url --connection --identity --root "
        "--runroot -c -l",
        flags="-D --debug --tls --tlsverify",
        permutes=True,
        hides_env="always",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="docker:container podman:container nerdctl:container docker:compose podman:compose "
        "nerdctl:compose",
        operands=("anywhere",),
        takes=COMPOSE_TAKES,
        flags="--compatibility --dry-run --all-resources --verbose",
        permutes=True,
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="docker-compose podman-compose",
        operands=("anywhere",),
        takes=COMPOSE_TAKES,
        flags="--compatibility --dry-run --all-resources --verbose",
        permutes=True,
        hides_env="always",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="docker:exec podman:exec nerdctl:exec docker-compose:exec podman-compose:exec",
        operands=("data", "command"),
        takes="-e -u -w --env --env-file --user --workdir --detach-keys --preserve-fds --cidfile "
        "--index",
        flags="-d -i -t -T -l --detach --interactive --tty --no-tty --privileged --latest "
        "--no-session",
        named="-l --latest --cidfile",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="docker:run podman:run nerdctl:run docker:create podman:create nerdctl:create "
        "docker-compose:run podman-compose:run",
        operands=("data", "command"),
        entry="--entrypoint",
        code="--health-cmd --health-startup-cmd",
        takes="-a -c -e -h -l -m -p -u -v -w --add-host --annotation --arch --attach --authfile "
        "--blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-conf --cgroup-parent "
        "--cgroupns --cgroups --cidfile --conmon-pidfile --cpu-period --cpu-quota --cpu-rt-period "
        "--cpu-rt-runtime --cpu-shares --cpus --cpuset-cpus --cpuset-mems --detach-keys --device "
        "--device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps "
        "--device-write-iops --dns --dns-opt --dns-option --dns-search --domainname --env "
        "--env-file --expose --gidmap --gpus --group-add --health-interval --health-retries "
        "--health-start-period --health-timeout --hostname --ip --ip6 --ipc --isolation --label "
        "--label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory "
        "--memory-reservation --memory-swap --memory-swappiness --mount --name --net --net-alias "
        "--network --network-alias --oom-score-adj --os --pid --pids-limit --platform --pod "
        "--pod-id-file --publish --pull --restart --runtime --secret --security-opt --shm-size "
        "--stop-signal --stop-timeout --storage-opt --subgidname --subuidname --sysctl --systemd "
        "--timeout --tmpfs --tz --uidmap --ulimit --umask --unsetenv --user --userns --uts "
        "--variant --volume --volume-driver --volumes-from --workdir",
        flags="-d -i -t -q -P --detach --disable-content-trust --init --interactive --tty --quiet "
        "--no-healthcheck --oom-kill-disable --privileged --publish-all --read-only --rm --rmi "
        "--sig-proxy --use-api-socket --env-host --http-proxy --no-hosts --no-hostname --passwd "
        "--replace --rootfs --tls-verify -T --build --no-deps --no-TTY --service-ports "
        "--use-aliases --quiet-pull --remove-orphans",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="kubectl oc",
        operands=("anywhere",),
        takes="-n -s --namespace --context --cluster --kubeconfig --user --server --token --as "
        "--as-group --request-timeout --cache-dir --profile --profile-output",
        flags="--insecure-skip-tls-verify --match-server-version --warnings-as-errors",
        permutes=True,
        hides_env="always",
        instead="an argument after the code: `sh -c '… \"$1\"' -- $NAME`",
    ),
    Program(
        names="kubectl:exec oc:exec oc:rsh kubectl:run oc:run kubectl:debug oc:debug",
        operands=("data", "command"),
        marks=True,
        named="-f --filename",
        flags="-i -t -q --stdin --tty --quiet --rm --command --attach --leave-stdin-open "
        "--share-processes",
        takes="-n -s -c -f --namespace --context --cluster --kubeconfig --user --server --token "
        "--as --as-group --request-timeout --container --filename --pod-running-timeout "
        "-l --image --env --labels --port --overrides --restart --target --profile --copy-to",
        permutes=True,
        instead="an argument after the code: `sh -c '… \"$1\"' -- $NAME`",
    ),
    Program(
        names="lxc incus machinectl vagrant",
        operands=("anywhere",),
        permutes=True,
        hides_env="always",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="lxc:exec incus:exec",
        operands=("data", "command"),
        marks=True,
        takes="--user --group --cwd --env --mode",
        permutes=True,
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="machinectl:shell",
        operands=("data", "command"),
        takes="--uid --setenv -E -M -H",
        permutes=True,
    ),
    Program(
        names="lxc-attach",
        operands=("command",),
        takes="-n -P -a -s -v -u -g -f -o -l --name --lxcpath --arch --namespaces --set-var --uid "
        "--gid --rcfile --logfile --logpriority",
        flags="-e -R -q --elevated-privileges --clear-env --keep-env --remount-sys-proc --quiet",
        hides_env="always",
        instead=BY_CONTAINER_ENV,
    ),
    Program(
        names="watch",
        operands=("code",),
        takes="-n --interval -q --equexit",
        is_shell=True,
    ),
    Program(
        names="ssh autossh mosh slogin",
        operands=("data", "code"),
        code="-o",
        loads="-F",
        takes="-b -c -D -E -e -I -i -J -L -l -m -O -p -Q -R -S -W -w -B -P",
        hides_env="always",
        instead="send it on standard input: `shell: printf '%s\\n' \"$NAME\" | ssh HOST "
        "'read -r x; … \"$x\"'`",
    ),
    Program(
        names="scp sftp",
        code="-o -S -D",
        loads="-F",
        takes="-c -i -J -l -P -b -X",
        permutes=True,
    ),
    Program(
        names="rsync",
        code="-e --rsh --rsync-path",
        takes="-f -T -B -M --filter --exclude --include --files-from --temp-dir",
        permutes=True,
    ),
    Program(
        names="tar gtar bsdtar",
        code="--checkpoint-action --to-command --use-compress-program -I --info-script -F "
        "--new-volume-script --rmt-command --rsh-command",
        takes="-f -C -T -X -b -g -K -L -N -V --file --directory --files-from --exclude "
        "--exclude-from --transform --xform --owner --group --mode --mtime",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="git",
        operands=("program", "data"),
        code="--upload-pack --receive-pack --exec --tree-filter --index-filter --msg-filter "
        "--env-filter --commit-filter --parent-filter --tag-name-filter --open-files-in-pager "
        "--extcmd --sendmail-cmd",
        loads="--exec-path --template",
        settings="-c --config",
        takes="-C -m -F -b -B --git-dir --work-tree --namespace --message --file --author --date "
        "--branch --depth --format --pretty --grep --since --until --reference",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="git:rebase",
        code="-x --exec",
        takes="-s -X --onto",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="git:config",
        operands=("key", "setting", "data"),
        takes="-f --file --blob --type --default --comment --value --url",
        permutes=True,
    ),
    Program(names="git:bisect", operands=("data", "command")),
    Program(names="git:submodule", operands=("data", "code"), permutes=True),
    Program(
        names="git:filter-branch",
        code="--setup --env-filter --tree-filter --index-filter "
        "--parent-filter --msg-filter --commit-filter --tag-name-filter",
        takes="-d --original --state-branch --subdirectory-filter",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="git:difftool",
        code="-x --extcmd",
        takes="-t --tool",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="git:grep",
        code="-O --open-files-in-pager",
        takes="-e -f -A -B -C -m --max-depth --threads",
        permutes=True,
        is_shell=True,
    ),
    Program(
        names="make gmake bmake",
        operands=("plain",),
        code="--eval -E",
        loads="-f --file --makefile -I --include-dir",
        takes="-C -o -W --directory --old-file --what-if --new-file --assume-new --assume-old",
        glued="-j -l -O",
        permutes=True,
        instead='read it from the environment in the recipe: `"$$NAME"`',
    ),
    Program(
        names="gcc g++ cc c++ clang clang++ gfortran",
        loads="-wrapper -B -specs --specs -fplugin -fpass-plugin -load -Xclang -Xlinker -fuse-ld "
        "--config -iplugindir",
        takes="-o -D -U -I -L -l -x -O -include -imacros -isystem -iquote -idirafter -MF -MT -MQ "
        "-std -march -mtune -mcpu -arch -target --target --sysroot -isysroot",
        permutes=True,
        has_words=True,
        at_files=True,
        instead=BY_FOLDER,
    ),
    Program(
        names="javac",
        loads="-processor -processorpath --processor-path -J",
        takes="-d -s -h -cp -classpath --class-path --release -source -target -encoding",
        permutes=True,
        has_words=True,
        at_files=True,
        instead=BY_FOLDER,
    ),
    Program(
        names="rustc",
        loads="-C -Z --codegen --sysroot",
        takes="-o -L -l -A -W -D -F --out-dir --edition --crate-name --crate-type --emit --target "
        "--cfg --cap-lints",
        permutes=True,
        at_files=True,
        instead=BY_FOLDER,
    ),
    Program(
        names="ld as ar",
        loads="-plugin --plugin",
        takes="-o -L -l -T -I --output",
        permutes=True,
        has_words=True,
        at_files=True,
        instead=BY_FOLDER,
    ),
    Program(
        names="java",
        operands=("program", "data"),
        files="-jar -m --module",
        loads="-cp -classpath -p --class-path --module-path",
        takes="--add-modules --add-opens --add-exports --add-reads",
        has_words=True,
    ),
    Program(
        names="curl",
        loads="-K --config",
        takes="-A -b -c -C -d -D -e -E -F -H -m -o -P -Q -r -t -T -u -U -w -x -X -y -Y -z --data "
        "--header --output --request --url --user",
        permutes=True,
    ),
    Program(
        names="wget",
        code="-e --execute --use-askpass",
        loads="--config",
        takes="-a -A -B -D -i -I -l -o -O -P -Q -R -t -T -U -w -X",
        permutes=True,
    ),
    Program(
        names="cmake",
        code="-P -C --toolchain",
        takes="-S -B -G -T -A -D -U --build --install --preset --target --config --prefix",
        runs="-E",
        permutes=True,
    ),
    Program(
        names="ctest",
        loads="-S -SP --script --script-new-process",
        code="--test-command --build-makeprogram",
        takes="-R -E -L -LE -C -D -M -T -j -I -O --output-on-failure --test-dir --preset",
        permutes=True,
        has_words=True,
    ),
    Program(
        names="pytest py.test",
        loads="-p -c --config-file --rootdir --confcutdir -o --override-ini",
        takes="-k -m -r -n -W --ignore --deselect --maxfail --durations --junitxml --tb --basetemp",
        permutes=True,
    ),
    Program(
        names="pip:install pip:wheel pip:download",
        operands=("package",),
        loads="-r --requirement -e --editable -i --index-url --extra-index-url -f --find-links "
        "-C --config-settings --config-setting --global-option --build-option --proxy",
        takes="-c -t -d -w -b --constraint --target --dest --wheel-dir --platform --python-version "
        "--implementation --abi --root --prefix --src --cache-dir --log --timeout --retries "
        "--only-binary --no-binary --progress-bar --trusted-host --cert --client-cert "
        "--exists-action --upgrade-strategy --report --python",
        permutes=True,
        instead=BY_VERSION,
    ),
    Program(names="pip", loads="--python", takes="--cert --log --proxy --timeout --cache-dir"),
    Program(names="go", operands=("data",), loads="-C"),
    Program(
        names="go:run",
        operands=("program", "data"),
        code="-exec -toolexec -ldflags -gcflags -asmflags -gccgoflags",
        loads="-C -overlay -modfile",
        takes="-p -tags -mod -coverpkg",
        has_words=True,
    ),
    Program(
        names="go:build go:test go:vet go:install go:generate go:list",
        code="-exec -toolexec -vettool -ldflags -gcflags -asmflags -gccgoflags",
        loads="-overlay -modfile",
        takes="-o -p -C -tags -mod -run -bench -count -timeout -coverprofile",
        permutes=True,
        has_words=True,
    ),
    Program(
        names="sort gsort",
        code="--compress-program",
        takes="-k -t -o -S -T --key --field-separator --output --buffer-size --files0-from "
        "--temporary-directory --parallel",
        permutes=True,
    ),
    Program(
        names="zip",
        code="-TT --unzip-command",
        takes="-b -i -n -P -t -tt -x -ws --exclude --include",
        permutes=True,
        has_words=True,
    ),
    Program(
        names="cargo",
        code="--config",
        takes="-C -Z -p -F -j --color --package --features --target --target-dir --manifest-path "
        "--bin --test --example --profile",
        permutes=True,
    ),
    Program(
        names="socat",
        operands=("code",),
        takes="-b -t -T -lf -lp -L -W -r -R",
        has_words=True,
        instead="write the address in `shell`",
    ),
)

BY_NAME: Final[Mapping[str, Program]] = {
    name: program for program in PROGRAMS for name in program.names.split()
}

AT_FILES: Final = frozenset(name for name, program in BY_NAME.items() if program.at_files)

_CODE_VARIABLES: Final = (
    "PATH BASH_ENV ZDOTDIR SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND IFS SHELL FPATH "
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH "
    "PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONWARNINGS PYTHONBREAKPOINT "
    "PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH LUA_INIT LUA_PATH "
    "LUA_CPATH PHPRC PHP_INI_SCAN_DIR JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH "
    "MAKEFLAGS MFLAGS GNUMAKEFLAGS MAKEFILES TAR_OPTIONS RSYNC_RSH LESSOPEN LESSCLOSE "
    "EDITOR VISUAL PAGER MANPAGER BROWSER GIT_SSH GIT_SSH_COMMAND GIT_EDITOR GIT_SEQUENCE_EDITOR "
    "GIT_PAGER GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS SUDO_ASKPASS "
    "GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM "
    "GIT_CONFIG_PARAMETERS GIT_DIR GIT_WORK_TREE GIT_ALLOW_PROTOCOL HOME XDG_CONFIG_HOME "
    "DOCKER_HOST KUBECONFIG CC CXX LD AR RUSTC_WRAPPER CARGO_BUILD_RUSTC_WRAPPER"
)
CODE_VARIABLES: Final = frozenset(_CODE_VARIABLES.split())
"""Variables that other programs read code from, or the location of their code."""

_VERSION: Final = re.compile(r"(-?[0-9][0-9.]*(t|m|d|-dbg|-v[0-9.]+)?)?(\.exe|\.static)?$")


def program_name(text: str) -> str:
    """A program's name in the list: the last part of its path, without a version."""
    name = text.rsplit("/", 1)[-1]
    return name if name in BY_NAME else _VERSION.sub("", name, count=1)
