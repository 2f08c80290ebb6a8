# shellcheck shell=sh
# Steps that the Jobs have in common, on top of lib.sh. Each looks first, and does only what lacks.

PAUSE_SECONDS=${PAUSE_SECONDS:-2}

fail() {
  say "$*"
  exit 1
}

# until_true WHAT COMMAND...: waits until the command succeeds; the Job's own deadline ends what never does.
until_true() {
  what=$1
  shift
  tries=0
  until "$@"; do
    [ $((tries % 10)) -eq 0 ] && say "waiting for $what"
    tries=$((tries + 1))
    sleep "$PAUSE_SECONDS"
  done
}

all_answer() {
  [ "$(table | wc -l)" -eq "$(peers | wc -l)" ]
}

state_is_ok() {
  peers | while read -r peer; do
    ask "$peer" CLUSTER INFO | grep -q '^cluster_state:ok' || exit 1
  done
}

plan() {
  table | awk -v masters="$MASTERS" -f "${SCRIPTS:-/scripts}/plan.awk" | grep "^$1 "
}

# Succeeds once nobody has to move any more.
replicas_are_placed() {
  moves=$(plan follow) || return 0
  echo "$moves" | while read -r _ _ peer master; do
    ask "$peer" CLUSTER REPLICATE "$master" >/dev/null && say "$peer follows $master"
  done
  return 1
}

replicas_are_synced() {
  table | awk '$4 == "replica" { print $2 }' | while read -r peer; do
    ask "$peer" INFO replication | grep -q '^master_link_status:up' || exit 1
  done
}

# leads HOST:PORT: has the replica take its master's place; succeeds once it has.
leads() {
  [ "$(myself "$1" | cut -d' ' -f7)" -gt 0 ] && return 0
  ask "$1" INFO replication | grep -q '^master_link_status:up' && ask "$1" CLUSTER FAILOVER >/dev/null
  return 1
}

masters_are_spread() {
  leader=$(plan lead | cut -d' ' -f3)
  [ -n "$leader" ] || return 0
  say "$leader takes over: its master shares a node with others"
  until_true "$leader to take over" leads "$leader"
  return 1
}

# strangers HOST:PORT: the lines of `nodes`, as that server has them, for servers that PEERS_FILE does not name.
strangers() {
  nodes "$1" | awk -v named="$(peers | sed 's/:[0-9]*$//')" '
    BEGIN { count = split(named, names, "\n"); for (at = 1; at <= count; at++) isNamed[names[at]] }
    $3 != "-" && !($3 in isNamed)'
}

# Those that own nothing. Every server is looked at: one that has not forgotten them would tell the others again, a minute later.
strangers_are_forgotten() {
  gone=$(peers | while read -r peer; do strangers "$peer"; done | awk '$7 == 0 { print $1 }' | sort -u)
  [ -n "$gone" ] || return 0
  peers | while read -r peer; do
    for id in $gone; do ask "$peer" CLUSTER FORGET "$id" >/dev/null; done
  done
  return 1
}

# Slots on their way, which a move left behind that was cut off.
no_slot_is_open() {
  peers | while read -r peer; do
    ask "$peer" CLUSTER NODES | grep myself | grep -q '\[' && exit 1
    true
  done
}

# rebalance HOST:PORT ARGUMENT...: moves slots until the masters have about the same number, or what the arguments say. It fails where a server
# restarts meanwhile, and is to be called again.
rebalance() {
  # redis-cli mends nothing while a server is in the list that cannot be reached.
  all_answer && forget_dead
  if ! no_slot_is_open; then
    cli "$1" --cluster fix "$1"
  fi
  cli "$1" --cluster rebalance "$@" --cluster-use-empty-masters && no_slot_is_open
}
