#!/usr/bin/env bash
# floe from nothing: a virtual environment, the installation, and one host that answers.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

root=.floe/h1
pid_file=$root/host.pid
log=$root/host.log
ready_s=60
gone_s=60
unset FLOE_ADMIN FLOE_URL FLOE_TOKEN # of another host: the one here makes its own token

usage() {
  cat <<'TEXT'
Usage: ./start.sh [start|stop|status] [--port N]

  start    (default) installs floe into .venv, starts a host in the background, waits until it
           answers, and says where to look and what to type
  stop     stops the host and waits until it is gone; the commands of its runs go on, and the next
           start takes the runs up again
  status   says whether the host runs; exits 0 if it does, 1 if not

  --port N   where the dashboard and the API answer on 127.0.0.1 (default: $FLOE_PORT, else 8080)

Needs Python >= 3.11 and git. Keeps everything in .venv and .floe/h1 beside this script, and the
login of the command line in ${XDG_CONFIG_HOME:-~/.config}/floe/client.json.
TEXT
}

die() {
  printf 'floe: %s\n' "$@" >&2
  exit 1
}

# Sets pid and port to those of the running host. Its arguments are compared as well: after a reboot the
# number in the file may be anybody's.
is_running() {
  local recorded_pid recorded_port
  [[ -f $pid_file ]] && read -r recorded_pid recorded_port <"$pid_file" && is_host "$recorded_pid" &&
    pid=$recorded_pid port=$recorded_port
}

is_host() {
  local args
  args=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") && [[ $args == *" host "*" --root $root "* ]]
}

is_taken() { (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# Spoken by hand: curl may not be there, and no proxy from the environment may come between.
is_ready() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$port" &&
      printf 'GET /build/api/readyz HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$port" >&3 &&
      read -r -t 5 -u 3 status && [[ $status == *" 200 "* ]]
  ) 2>/dev/null
}

# A session of its own, so that neither ^C nor the end of this terminal reaches the host. Not `setsid &`:
# a shell starts background commands with SIGINT ignored, and the users' commands would inherit that.
start_detached() {
  .venv/bin/python - "$log" "$@" <<'PYTHON'
import subprocess, sys

with open(sys.argv[1], "ab") as log:
    host = subprocess.Popen(
        sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
print(host.pid)
PYTHON
}

terminate() {
  kill -TERM "$pid" 2>/dev/null || true
  local deadline=$((SECONDS + gone_s))
  while is_host "$pid"; do
    ((SECONDS < deadline)) ||
      die "the host (pid $pid) is still there after $gone_s s; see $(path $log), or: kill -9 $pid"
    sleep 0.1
  done
  rm -f "$pid_file"
}

# How to write a file of this checkout where the user stands.
path() {
  if [[ $from -ef . ]]; then echo "$1"; else printf '%q\n' "$PWD/${1#./}"; fi
}

start() {
  if is_running; then
    echo "floe runs already (pid $pid): http://127.0.0.1:$port/app/dash"
    return
  fi
  command -v git >/dev/null || die "needs git on PATH. On Debian and Ubuntu: apt-get install git"
  if is_taken; then
    die "port $port is taken by another program; choose another one: ./start.sh --port 8081"
  fi
  scripts/venv

  (umask 077 && mkdir -p "$root")
  echo "floe: starting host h1"
  pid=$(start_detached .venv/bin/floe host --host-name h1 --tags linux,go,couch \
    --pub-bind "127.0.0.1:$port" --conf configs/default.yml --root "$root")
  trap terminate EXIT # until it answers, a failure here or a ^C leaves nothing behind
  echo "$pid $port" >"$pid_file"
  local deadline=$((SECONDS + ready_s))
  until is_ready; do
    if ! is_host "$pid"; then
      tail -n 5 "$log" >&2
      die "the host did not start; the lines above are the end of $(path $log)"
    fi
    ((SECONDS < deadline)) || die "the host does not answer after $ready_s s; see $(path $log)"
    sleep 0.1
  done
  .venv/bin/floe login --url "http://127.0.0.1:$port" --token "@$root/admin-token" >/dev/null
  trap - EXIT

  cat <<TEXT

floe runs (pid $pid).

  Dashboard  http://127.0.0.1:$port/app/dash
  Log in     with the token that this prints:  cat $(path $root/admin-token)
  Try        $(path .venv/bin/floe) trigger hello --wait
  Log        $(path $log)
  Stop       $(path ./start.sh) stop
TEXT
}

stop() {
  if ! is_running; then
    echo "floe does not run"
    return
  fi
  echo "floe: stopping host h1 (pid $pid)"
  terminate
  echo "floe is stopped"
}

status() {
  if ! is_running; then
    echo "floe does not run"
    return 1
  fi
  echo "floe runs (pid $pid): http://127.0.0.1:$port/app/dash"
}

action=start
port=${FLOE_PORT:-8080}
while [[ $# -gt 0 ]]; do
  case $1 in
    start | stop | status) action=$1 ;;
    --port) port=${2-} && shift ;;
    --port=*) port=${1#*=} ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
[[ $port =~ ^[1-9][0-9]{0,4}$ ]] || die "--port takes a number from 1 to 65535, not \"$port\""
"$action"
