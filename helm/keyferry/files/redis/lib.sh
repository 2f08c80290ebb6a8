# shellcheck shell=sh
# What the scripts have in common. POSIX sh and awk: they run in whatever image brings the server, Redis or Valkey, from 7.0 on.
#
#   LOCAL          host:port of the server in this pod
#   SELF           host:port by which the others know it
#   PEERS_FILE     a line of host:port for each server of the cluster, in the order of the pods
#   MASTERS        how many of them are to be masters
#   PASSWORD_FILE  where there is one
#   TLS_FLAGS      for redis-cli, where servers speak TLS

CLI=$(command -v redis-cli || command -v valkey-cli) || {
  echo 'the image has neither redis-cli nor valkey-cli' >&2
  exit 1
}
if [ -r "${PASSWORD_FILE:-}" ]; then
  REDISCLI_AUTH=$(cat "$PASSWORD_FILE")
  VALKEYCLI_AUTH=$REDISCLI_AUTH
  export REDISCLI_AUTH VALKEYCLI_AUTH
fi
# shellcheck disable=SC2034
SLOTS=16384
ANSWER_SECONDS=${ANSWER_SECONDS:-2}

say() {
  echo "$(date -u +%H:%M:%S) $*"
}

peers() {
  cat "$PEERS_FILE"
}

# cli HOST:PORT ARGUMENT...
cli() {
  cli_at=$1
  shift
  # shellcheck disable=SC2086
  "$CLI" -h "${cli_at%:*}" -p "${cli_at##*:}" ${TLS_FLAGS:-} "$@"
}

# ask HOST:PORT COMMAND...: the reply; fails where the server does not answer in time, or with an error.
ask() {
  ask_at=$1
  shift
  # shellcheck disable=SC2086
  timeout "$ANSWER_SECONDS" "$CLI" -h "${ask_at%:*}" -p "${ask_at##*:}" ${TLS_FLAGS:-} -e "$@" 2>/dev/null
}

# nodes HOST:PORT: what the server knows of the cluster, a line for each node:
# ID IP:PORT HOST ROLE MASTER LINK SLOTS FLAGS BUS; HOST is the announced name, "-" stands for nothing, SLOTS is a count, BUS the
# port that the servers use among themselves.
nodes() {
  ask "$1" CLUSTER NODES | awk '
    NF >= 8 {
      split($2, place, /[@,]/)
      host = place[3] == "" ? "-" : place[3]
      count = 0
      for (at = 9; at <= NF; at++) {
        if ($at ~ /^\[/) continue
        ends = split($at, range, "-")
        count += ends == 2 ? range[2] - range[1] + 1 : 1
      }
      print $1, place[1], host, ($3 ~ /master/ ? "master" : "replica"), $4, $8, count, $3, place[2]
    }'
}

# myself HOST:PORT: the line of `nodes` that the server has for itself.
myself() {
  nodes "$1" | awk '$8 ~ /myself/'
}

# A row for each server that answers, and is who it should be: ID HOST:PORT WHERE ROLE MASTER SLOTS.
# WHERE is the Kubernetes node; the start script tells it to the server as syslog-ident, which Redis itself makes no use of.
table() {
  peers | while read -r peer; do
    me=$(myself "$peer") && [ -n "$me" ] || continue
    where=$(ask "$peer" CONFIG GET syslog-ident | sed -n 2p)
    echo "$me" | awk -v peer="$peer" -v host="${peer%:*}" -v where="${where:--}" '$3 == host { print $1, peer, where, $4, $5, $7 }'
  done
}

# meet HOST:PORT PEER: introduces the two where the first has no link to the second at the address where that is now.
# An address that somebody else has by now, a server of another cluster too, is left alone: the name has to fit.
meet() {
  its=$(myself "$2") || return 0
  at=$1
  name=$2
  # shellcheck disable=SC2086
  set -- $its
  [ "${3:-}" = "${name%:*}" ] || return 0
  nodes "$at" | grep -q "^$1 $2 .* connected " && return 0
  ask "$at" CLUSTER MEET "${2%:*}" "${2##*:}" "$9" >/dev/null
}

# forget_dead [HOST]: has every server forget those that are gone and own nothing. Of that name; or without one all of them, which
# takes that all servers answer.
forget_dead() {
  alive=" $(table | cut -d' ' -f1 | tr '\n' ' ')"
  peers | while read -r peer; do
    nodes "$peer" | awk -v alive="$alive" -v host="${1:-}" '
      $8 ~ /fail|noaddr/ && $7 == 0 && (host == "" || $3 == host) && !index(alive, " " $1 " ") { print $1 }' |
      while read -r id; do
        ask "$peer" CLUSTER FORGET "$id" >/dev/null && say "$peer forgets $id, which is gone"
      done
  done
}
