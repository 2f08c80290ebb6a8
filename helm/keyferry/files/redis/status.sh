#!/bin/sh
# How the cluster stands, for people.
. "${SCRIPTS:-/scripts}/lib.sh"
[ "${CLUSTER:-no}" = yes ] || exec "$CLI" -h "${LOCAL%:*}" -p "${LOCAL##*:}" INFO server
ask "$LOCAL" CLUSTER INFO | grep -E '^cluster_(state|slots_ok|known_nodes|size)'
table | awk '
  BEGIN { format = "%-10.10s %-8s %6s  %-10.10s  %-20s %s\n"; printf format, "id", "role", "slots", "follows", "node", "server" }
  { printf format, $1, $4, $6, $5, $3, $2 }'
