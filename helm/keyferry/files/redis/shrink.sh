#!/bin/sh
# The Job before an upgrade to fewer nodes: empties the servers that are to go, and has the others forget them. PEERS_FILE names
# those that stay. Whatever it did stays done where it is cut off, and the next run goes on from there.
#   STRICT: yes where it is known that servers are to go
. "${SCRIPTS:-/scripts}/lib.sh"
. "${SCRIPTS:-/scripts}/steps.sh"

first=$(peers | while read -r peer; do ask "$peer" PING | grep -q PONG && echo "$peer" && break; done)
if [ -z "$first" ]; then
  [ "${STRICT:-no}" = yes ] && fail 'none of the servers that stay answers: nothing can be moved to them. Mend that first'
  say 'no server answers: there is nothing to move'
  exit 0
fi

leaving() {
  strangers "$first"
}

leaving_owners() {
  leaving | awk '$7 > 0'
}

owners_that_stay() {
  table | awk '$6 > 0' | wc -l
}

# A server that stays, to take over from the master: a replica of it, or else one of the master that has the most.
successor_of() {
  table | awk -v master="$1" '
    $4 == "replica" { follows[$2] = $5; count[$5]++ }
    END {
      for (peer in follows) {
        rank = follows[peer] == master ? 1000000 : count[follows[peer]]
        if (rank > most || (rank == most && peer < best)) { best = peer; most = rank }
      }
      print best
    }'
}

enough_owners_stay() {
  [ "$(owners_that_stay)" -lt "$MASTERS" ] || return 0
  owner=$(leaving_owners | head -n 1 | cut -d' ' -f1)
  heir=$(successor_of "$owner")
  [ -n "$owner" ] && [ -n "$heir" ] || fail 'too few servers stay that could be masters: give redis.cluster.nodes more'
  say "$heir takes over from $owner"
  [ "$(myself "$heir" | cut -d' ' -f5)" = "$owner" ] || ask "$heir" CLUSTER REPLICATE "$owner" >/dev/null
  until_true "$heir to take over" leads "$heir"
  return 1
}

leaving_are_empty() {
  owners=$(leaving_owners)
  [ -n "$owners" ] || return 0
  echo "$owners" | awk '$8 ~ /fail/' | grep -q . && fail "a server that is to go has slots and is out of reach: $owners"
  say "moving the slots of $(echo "$owners" | cut -d' ' -f3 | tr '\n' ' ')"
  # shellcheck disable=SC2046
  rebalance "$first" --cluster-weight $(leaving | awk '$4 == "master" { print $1 "=0" }')
  return 1
}

if [ -z "$(leaving)" ]; then
  say 'no server is to go'
  exit 0
fi
say "to go: $(leaving | cut -d' ' -f3 | tr '\n' ' ')"
until_true 'the cluster to take commands' state_is_ok
until_true 'enough masters among those that stay' enough_owners_stay
until_true 'the servers that go to be empty' leaving_are_empty
until_true 'replicas to have masters that stay' replicas_are_placed
until_true 'the servers that go to be forgotten' strangers_are_forgotten
say 'the cluster stands:'
exec sh "${SCRIPTS:-/scripts}/status.sh"
