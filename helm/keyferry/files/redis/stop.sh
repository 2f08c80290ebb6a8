#!/bin/sh
# Before the server is told to end: a master hands over to a replica, so that nobody waits until its absence is noticed.
. "${SCRIPTS:-/scripts}/lib.sh"
[ "${CLUSTER:-no}" = yes ] || exit 0

# Known to be none: a server that is too busy to answer in time may be one still.
is_no_master() {
  role=$(ask "$LOCAL" ROLE) && ! echo "$role" | head -n 1 | grep -q master
}

# Known to have no replica.
is_alone() {
  role=$(ask "$LOCAL" ROLE) && [ -z "$(echo "$role" | sed -n 3p)" ]
}

# A replica of this server that is up to date.
heir() {
  nodes "$LOCAL" | awk -v me="$1" '$5 == me && $6 == "connected" && $8 !~ /fail/ { print $2 }' | while read -r replica; do
    ask "$replica" INFO replication | grep -q '^master_link_status:up' && echo "$replica" && break
  done
}

for _ in 1 2 3 4; do
  is_no_master && exit 0
  replica=$(heir "$(ask "$LOCAL" CLUSTER MYID)")
  if [ -z "$replica" ]; then
    is_alone && exit 0
    # It has joined a moment ago, and is not known to the servers as a replica; or it is behind.
    sleep 2
    continue
  fi
  ask "$replica" CLUSTER FAILOVER >/dev/null
  # Redis gives up by itself after 5 s.
  for _ in 1 2 3 4 5 6; do
    is_no_master && exit 0
    sleep 1
  done
done
exit 0
