#!/bin/sh
# The Job of install and upgrade: makes the cluster where there is none, and gives new masters their part of the slots. It looks,
# does what lacks, and looks again, so that it may be stopped and started at any point.
#   REBALANCE: yes where masters are to have about the same number of slots
. "${SCRIPTS:-/scripts}/lib.sh"
. "${SCRIPTS:-/scripts}/steps.sh"

first=$(peers | head -n 1)

# Every server has a link to every other one, at its address of today.
all_know_all() {
  peers | while read -r peer; do [ "$peer" = "$first" ] || meet "$first" "$peer"; done
  ids=$(peers | while read -r peer; do myself "$peer" | cut -d' ' -f1; done)
  peers | while read -r peer; do
    view=$(nodes "$peer")
    for id in $ids; do
      echo "$view" | grep -q "^$id .* connected " || exit 1
    done
  done
}

# What a dead server owned counts for nothing: where a replica could take over, one has by now.
slots_owned() {
  nodes "$first" | awk '$6 == "connected" || $8 !~ /fail|noaddr/ { sum += $7 } END { print sum + 0 }'
}

# owns HOST:PORT BEGIN END: gives an empty master these slots; succeeds once it has some.
owns() {
  slots=$(myself "$1" | cut -d' ' -f7)
  [ "${slots:-0}" -gt 0 ] || { ask "$1" CLUSTER ADDSLOTSRANGE "$2" "$3" >/dev/null && say "$1 has the slots $2 to $3"; }
}

# A new cluster: each master gets its part, also one that was too busy to take it at once.
share_out() {
  at=0
  plan own | while read -r _ _ peer; do
    begin=$((SLOTS * at / MASTERS))
    at=$((at + 1))
    end=$((SLOTS * at / MASTERS - 1))
    until_true "$peer to have its slots" owns "$peer" "$begin" "$end"
  done
}

# Too few masters, and nobody empty: a replica that can be spared becomes one.
spare_is_freed() {
  spare=$(plan free | cut -d' ' -f3)
  [ -n "$spare" ] || return 0
  say "$spare is to be a master"
  ask "$spare" CLUSTER RESET SOFT >/dev/null
  until_true 'all servers to know each other' all_know_all
  return 1
}

until_true 'all servers to answer' all_answer
until_true 'all servers to know each other' all_know_all
forget_dead
owned=$(slots_owned)
if [ "$owned" -eq 0 ]; then
  share_out
elif [ "$owned" -lt "$SLOTS" ]; then
  fail "$((SLOTS - owned)) slots have no owner: see \"Slots without an owner\" in docs/kubernetes.md"
fi
until_true 'the cluster to take commands' state_is_ok
until_true 'enough servers that can be masters' spare_is_freed
until_true 'replicas to have masters' replicas_are_placed
until_true 'replicas to have the data' replicas_are_synced
until_true 'masters to be on different nodes' masters_are_spread
if [ "${REBALANCE:-yes}" = yes ]; then
  until_true 'masters to have their slots' rebalance "$first"
fi
# One that an upgrade took away may have introduced itself again, after it was forgotten and before its end.
until_true 'servers that are gone to be forgotten' strangers_are_forgotten
say 'the cluster stands:'
exec sh "${SCRIPTS:-/scripts}/status.sh"
