#!/usr/bin/env bash
# Start one host of a cluster in the foreground: for a service manager, or for a terminal.
set -euo pipefail

if [[ $# -lt 2 || $1 == -* ]]; then
  cat <<'TEXT'
Usage: configs/start-host.sh NAME TAG,TAG… [FLOE-HOST-OPTION…]

Starts the host NAME with these tags. Its other settings come from the environment, here with their
defaults; see `floe host --help`:

  FLOE_ADMIN      the token of the cluster and its administrators, or @FILE; needed
  FLOE_CONF       the config               [cluster.yml beside this script]
  FLOE_ROOT       folder of its data        [/var/lib/floe/NAME]
  FLOE_PUB_BIND   address to serve at       [0.0.0.0:8080]
  FLOE            the command               [floe on PATH, else this checkout's]

An address that other machines can reach needs TLS (FLOE_PUB_CERT and FLOE_PUB_KEY), or --insecure where the
network is trusted. To stop it: SIGTERM; commands of its runs go on and are found again by the next
start. To empty it first: `floe host drain NAME`.
TEXT
  [[ ${1-} == -h || ${1-} == --help ]] && exit
  exit 2
fi

name=$1 tags=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ -z ${FLOE_ADMIN-} ]]; then
  echo "floe: FLOE_ADMIN is not set: every host of a cluster needs the same token, such as @/etc/floe/token" >&2
  exit 2
fi
export FLOE_CONF=${FLOE_CONF:-$here/cluster.yml}
export FLOE_ROOT=${FLOE_ROOT:-/var/lib/floe/$name}
export FLOE_PUB_BIND=${FLOE_PUB_BIND:-0.0.0.0:8080}
floe=${FLOE:-$(command -v floe || echo "$here/../.venv/bin/floe")}
exec "$floe" host --host-name "$name" --tags "$tags" "$@"
