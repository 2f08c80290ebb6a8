#!/bin/sh
# Ready is a server that does its part: a master that has slots, or a replica that follows its master, in a cluster that takes
# commands. One that is not tries to become so, each time that it is asked: it looks for the others by their names, which outlive
# their addresses; and where its volume was lost, and its identity with it, it takes the place of a replica.
. "${SCRIPTS:-/scripts}/lib.sh"

ask "$LOCAL" PING | grep -q PONG || exit 1
[ "${CLUSTER:-no}" = yes ] || exit 0

is_ready() {
  ask "$LOCAL" CLUSTER INFO | grep -q '^cluster_state:ok' || return 1
  # shellcheck disable=SC2046
  set -- $(myself "$LOCAL")
  case $4 in
    master) [ "$7" -gt 0 ] ;;
    *) ask "$LOCAL" INFO replication | grep -q '^master_link_status:up' ;;
  esac
}

# Those who have an older server of this name in their list: a volume of this pod was lost.
was_lost() {
  peers | while read -r peer; do nodes "$peer"; done | grep -v "^$1 " | grep -q " ${SELF%:*} "
}

# The master that has the fewest replicas; of those one on another Kubernetes node.
poorest_master() {
  table | awk -v self="$SELF" -v here="${NODE_NAME:--}" '
    $6 > 0 { masters[$1] = $3 }
    $4 == "replica" && $2 != self { replicas[$5]++ }
    END {
      for (id in masters) {
        rank = 2 * replicas[id] + (masters[id] == here)
        if (best == "" || rank < least || (rank == least && id < best)) { best = id; least = rank }
      }
      print best
    }'
}

take_place() {
  # shellcheck disable=SC2046
  set -- $(myself "$LOCAL")
  [ "$4" = master ] && [ "$7" -eq 0 ] && was_lost "$1" || return 0
  # Until a replica has taken over what this server had, it would only be in the way.
  [ "$(nodes "$LOCAL" | awk '$8 !~ /fail/ { sum += $7 } END { print sum + 0 }')" -eq "$SLOTS" ] || return 0
  master=$(poorest_master)
  [ -n "$master" ] && ask "$LOCAL" CLUSTER REPLICATE "$master" >/dev/null || return 0
  say "the volume of this server was lost: it follows $master now"
  forget_dead "${SELF%:*}"
}

is_ready && exit 0
for peer in $(peers); do
  [ "$peer" = "$SELF" ] || meet "$LOCAL" "$peer" &
done
wait
take_place
echo "not ready: $(ask "$LOCAL" CLUSTER INFO | grep '^cluster_state:'), $(myself "$LOCAL" | cut -d' ' -f4,7) slots"
exit 1
