#!/bin/sh
# Before the server is told to end: a master hands over to a replica, so that nobody waits until its absence is noticed.
. "${SCRIPTS:-/scripts}/lib.sh"
[ "${CLUSTER:-no}" = yes ] || exit 0

is_master() {
  ask "$LOCAL" ROLE | head -n 1 | grep -q master
}

# A replica of this server that is up to date.
heir() {
  nodes "$LOCAL" | awk -v me="$1" '$5 == me && $6 == "connected" && $8 !~ /fail/ { print $2 }' | while read -r replica; do
    ask "$replica" INFO replication | grep -q '^master_link_status:up' && echo "$replica" && break
  done
}

is_master || exit 0
for _ in 1 2 3; do
  replica=$(heir "$(ask "$LOCAL" CLUSTER MYID)")
  [ -n "$replica" ] || exit 0
  ask "$replica" CLUSTER FAILOVER >/dev/null
  # Redis gives up by itself after 5 s.
  for _ in 1 2 3 4 5 6; do
    is_master || exit 0
    sleep 1
  done
done
exit 0
