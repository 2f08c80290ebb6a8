#!/bin/sh
# For people: this server, which is empty, takes the slots that nobody has any more, where a master and its replicas lost their volumes.
. "${SCRIPTS:-/scripts}/lib.sh"

refuse() {
  say "$*"
  exit 1
}

# shellcheck disable=SC2046
set -- $(myself "$LOCAL")
[ "${4:-}" = master ] && [ "$7" -eq 0 ] || refuse 'this server is none that lost its volume: it has slots, or follows a master'

# What each server says of itself: one that is silent may have any slots.
owners=$(peers | while read -r peer; do ask "$peer" CLUSTER NODES | grep myself || exit 1; done) ||
  refuse 'not all servers answer, and one of them may have the slots'

ranges=$(echo "$owners" | awk -v slots="$SLOTS" '
  {
    for (at = 9; at <= NF; at++) {
      if ($at ~ /^\[/) continue
      ends = split($at, range, "-")
      for (slot = range[1] + 0; slot <= range[ends] + 0; slot++) taken[slot]
    }
  }
  END {
    for (slot = 0; slot < slots; slot++) {
      if (slot in taken) continue
      begin = slot
      while (slot + 1 < slots && !((slot + 1) in taken)) slot++
      print begin, slot
    }
  }')
[ -n "$ranges" ] || refuse 'each slot has an owner: there is nothing to take'

# shellcheck disable=SC2046,SC2086
ask "$LOCAL" CLUSTER ADDSLOTSRANGE $(echo $ranges) >/dev/null || refuse "this server does not take the slots: $ranges"
# Newer than what the others know of the owner that is dead.
ask "$LOCAL" CLUSTER BUMPEPOCH >/dev/null
say "this server has the slots $(echo "$ranges" | tr ' \n' '- ')"
