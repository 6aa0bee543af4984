#!/usr/bin/env bash
# Install floe into a virtual environment and start two hosts that form a cluster.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

hosts=(h1 h2)
token=.floe/h1/admin-token # h1 creates it; h2 uses the same
ready_s=60
gone_s=60
unset FLOE_ADMIN FLOE_URL FLOE_TOKEN FLOE_CLUSTER_TOKEN # settings of a different host

usage() {
  cat <<'TEXT'
Usage: ./start.sh [start|stop|restart|status] [--port N]

  start    (default) installs floe into .venv, starts the hosts h1 and h2 in the background, waits
           until both answer, and says where to look and what to type
  stop     stops the hosts and waits until they are gone; the commands of their runs go on, and the
           next start takes the runs up again
  restart  stops the hosts and starts them again at the same ports, with the code that is here now:
           git pull && ./start.sh restart. A host that does not run is started.
  status   says which hosts run; exits 0 if both do, 1 if not

  --port N   where h1 answers on 127.0.0.1 (default: $FLOE_PORT, else 8080; a restart keeps the port
             unless N is given); h2 answers on N + 10

The flows are those of ./default.yml beside this script, or of configs/default.yml if there is none.
Needs Python >= 3.11 and git. Keeps everything in .venv and .floe beside this script, and the login
of the command line in ${XDG_CONFIG_HOME:-~/.config}/floe/client.json.
TEXT
}

die() {
  printf 'floe: %s\n' "$@" >&2
  exit 1
}

# Sets pid and port to those of a running host. Compares its arguments too, since after a reboot the pid may belong to any process.
is_running() {
  local recorded_pid recorded_port
  [[ -f .floe/$1/host.pid ]] && read -r recorded_pid recorded_port <".floe/$1/host.pid" &&
    is_host "$1" "$recorded_pid" && pid=$recorded_pid port=$recorded_port
}

is_host() {
  local args
  args=$(tr '\0' ' ' 2>/dev/null <"/proc/$2/cmdline") && [[ $args == *" host "*" --root .floe/$1 "* ]]
}

is_taken() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# HTTP by hand: curl may be missing, and no proxy from the environment may be used.
is_ready() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" &&
      printf 'GET /build/api/healthz HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$1" >&3 &&
      read -r -t 5 -u 3 status && [[ $status == *" 200 "* ]]
  ) 2>/dev/null
}

# A session of its own, so that neither ^C nor the end of this terminal reaches the host. Not `setsid &`:
# a shell starts background commands with SIGINT ignored, and the users' commands would inherit that.
# A program that has just been executed has no arguments for a moment; is_host would report it as gone.
start_detached() {
  .venv/bin/python - "$@" <<'PYTHON'
import subprocess, sys, time
from pathlib import Path

with open(sys.argv[1], "ab") as log:
    host = subprocess.Popen(
        sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
while host.poll() is None and not Path(f"/proc/{host.pid}/cmdline").read_bytes():
    time.sleep(0.001)
print(host.pid)
PYTHON
}

start_host() {
  local host=$1 pid
  shift
  (umask 077 && mkdir -p ".floe/$host")
  echo "floe: starting host $host"
  local log=.floe/$host/host.log deadline=$((SECONDS + ready_s))
  pid=$(start_detached "$log" .venv/bin/floe host --host-name "$host" --tags linux,go,couch \
    --pub-bind "127.0.0.1:${ports[$host]}" --root ".floe/$host" \
    --hosts "http://127.0.0.1:${ports[h1]},http://127.0.0.1:${ports[h2]}" --keeper h1 "$@")
  echo "$pid ${ports[$host]}" >".floe/$host/host.pid"
  until is_ready "${ports[$host]}"; do
    if ! is_host "$host" "$pid"; then
      tail -n 5 "$log" >&2
      die "host $host did not start; the lines above are the end of $(path "$log")"
    fi
    ((SECONDS < deadline)) || die "host $host does not answer after $ready_s s; see $(path "$log")"
    sleep 0.1
  done
}

terminate_all() {
  local host pid port deadline=$((SECONDS + gone_s))
  for host in "${hosts[@]}"; do
    if is_running "$host"; then kill -TERM "$pid" 2>/dev/null || true; fi
  done
  for host in "${hosts[@]}"; do
    while is_running "$host"; do
      ((SECONDS < deadline)) || die "host $host (pid $pid) is still there after $gone_s s;" \
        "see $(path ".floe/$host/host.log"), or: kill -9 $pid"
      sleep 0.1
    done
    rm -f ".floe/$host/host.pid"
  done
}

# The path of a file of this checkout, as seen from the user's folder.
path() {
  if [[ $from -ef . ]]; then echo "$1"; else printf '%q\n' "$PWD/${1#./}"; fi
}

# Makes the port of a running host, and where it expects the other one, those of this start.
take_port() {
  first=$((port - (ports[$1] - first)))
  ports=([h1]=$first [h2]=$((first + 10)))
}

start() {
  local host missing=()
  for host in "${hosts[@]}"; do
    if is_running "$host"; then
      echo "floe: host $host runs already (pid $pid): http://127.0.0.1:$port/app/dash"
      take_port "$host"
    else
      missing+=("$host")
    fi
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v git >/dev/null || die "needs git on PATH. On Debian and Ubuntu: apt-get install git"
  for host in "${missing[@]}"; do
    if is_taken "${ports[$host]}"; then
      die "port ${ports[$host]} of $host is taken by another program;" \
        "choose other ports, N and N + 10: ./start.sh --port 8081"
    fi
  done
  scripts/venv

  # Until all hosts reply, a failure or a ^C removes everything that this script created.
  hosts=("${missing[@]}")
  trap terminate_all EXIT
  for host in "${missing[@]}"; do
    if [[ $host == h1 ]]; then start_host h1; else start_host "$host" --admin "@$token"; fi
  done
  .venv/bin/floe login --url "http://127.0.0.1:${ports[h1]}" --token "@$token" >/dev/null
  trap - EXIT

  cat <<TEXT

floe runs: h1 and h2, which share their work.

  Dashboard  http://127.0.0.1:${ports[h1]}/app/dash   and on h2  http://127.0.0.1:${ports[h2]}/app/dash
  Log in     with the token that this prints:  cat $(path $token)
  Try        $(path .venv/bin/floe) trigger hello --wait
  Hosts      $(path .venv/bin/floe) hosts
  Log        $(path .floe/h1/host.log), $(path .floe/h2/host.log)
  Stop       $(path ./start.sh) stop   (restart: the same, then start)
TEXT
}

stop() {
  local host any=
  for host in "${hosts[@]}"; do
    if is_running "$host"; then
      echo "floe: stopping host $host (pid $pid)"
      any=yes
    fi
  done
  if [[ -z $any ]]; then
    echo "floe does not run"
    return
  fi
  terminate_all
  echo "floe is stopped"
}

# The installation comes before the stop: if it fails, the hosts go on with what they have loaded.
restart() {
  local host pid port
  scripts/venv
  if [[ -z $chosen ]]; then
    for host in "${hosts[@]}"; do
      if is_running "$host"; then take_port "$host"; fi
    done
  fi
  stop
  start
}

status() {
  local host all=0
  for host in "${hosts[@]}"; do
    if is_running "$host"; then
      echo "host $host runs (pid $pid): http://127.0.0.1:$port/app/dash"
    else
      echo "host $host does not run"
      all=1
    fi
  done
  return "$all"
}

action=start
first=${FLOE_PORT:-8080}
chosen=
while [[ $# -gt 0 ]]; do
  case $1 in
    start | stop | restart | status) action=$1 ;;
    --port)
      first=${2-} chosen=yes
      [[ $# -eq 1 ]] || shift
      ;;
    --port=*) first=${1#*=} chosen=yes ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
[[ $first =~ ^[1-9][0-9]{0,4}$ ]] && ((first <= 65525)) ||
  die "--port takes a number from 1 to 65525, not \"$first\""
declare -A ports=([h1]=$first [h2]=$((first + 10)))
"$action"
