# Who is a master, and who follows whom: masters spread over the Kubernetes nodes, each replica on another node than its master
# where that can be, and as little as possible changed. Pure: rows of `table` in, decisions out.
#
#   in:  ID PEER WHERE ROLE MASTER SLOTS, a row for each server; -v masters=N
#   out: own ID PEER            an empty master that is to get slots
#        follow ID PEER MASTER  a server that is to be a replica of that master
#        free ID PEER           a replica that is to be emptied, since there are too few masters
#        lead ID PEER           a replica that is to take over, since its master shares a Kubernetes node with others
{
  id[NR] = $1; peer[NR] = $2; where[NR] = $3 == "-" ? $1 : $3; master[NR] = $5
  isEmpty[NR] = $4 == "master" && $6 == 0
  isReplica[NR] = $4 == "replica"
  rowOf[$1] = NR
  if ($6 > 0) own(NR)
}

END {
  while (ownerCount < masters && (best = nextOwner())) {
    own(best)
    print "own", id[best], peer[best]
  }
  for (row = 1; row <= NR; row++) if (!(row in isOwner)) followers[++followerCount] = row
  if (ownerCount == 0) exit
  seats = int((followerCount + ownerCount - 1) / ownerCount)
  if (ownerCount < masters) { freeOne(); exit }
  # Whom a server follows it goes on following; then those who have to move, each with a chain of others that move for it.
  for (at = 1; at <= followerCount; at++) keep(followers[at])
  for (at = 1; at <= followerCount; at++) if (!(followers[at] in seat)) { split("", seen); place(followers[at]) }
  for (at = 1; at <= followerCount; at++) if (!(followers[at] in seat)) settle(followers[at])
  for (at = 1; at <= followerCount; at++) {
    row = followers[at]
    if (master[row] != id[seatOwner(seat[row])]) print "follow", id[row], peer[row], id[seatOwner(seat[row])]
  }
  leadOne()
}

function own(row) { owners[++ownerCount] = row; isOwner[row]; onNode[where[row]]++ }

# Of the empty masters the one whose node has the fewest owners.
function nextOwner(   row, best) {
  for (row = 1; row <= NR; row++)
    if (isEmpty[row] && !(row in isOwner) && (!best || onNode[where[row]] + 0 < onNode[where[best]] + 0)) best = row
  return best
}

# Seats are numbered 1 .. ownerCount * seats.
function seatOwner(number) { return owners[int((number - 1) / seats) + 1] }

function keep(row,   number) {
  for (number = 1; number <= ownerCount * seats; number++)
    if (!(number in taken) && id[seatOwner(number)] == master[row] && where[seatOwner(number)] != where[row]) {
      taken[number] = row; seat[row] = number
      return
    }
}

# A free seat on another node; or else a taken one, whose holder finds another in turn (an augmenting path of bipartite matching).
function place(row,   number) {
  for (number = 1; number <= ownerCount * seats; number++)
    if (!(number in taken) && where[seatOwner(number)] != where[row]) {
      taken[number] = row; seat[row] = number
      return 1
    }
  for (number = 1; number <= ownerCount * seats; number++) {
    if (number in seen || where[seatOwner(number)] == where[row]) continue
    seen[number]
    if (place(taken[number])) {
      taken[number] = row; seat[row] = number
      return 1
    }
  }
  return 0
}

# No seat on another node is left: its own master's, or any.
function settle(row,   number, best) {
  for (number = 1; number <= ownerCount * seats; number++)
    if (!(number in taken) && (!best || id[seatOwner(number)] == master[row])) best = number
  taken[best] = row; seat[row] = best
}

# A replica of the master that has the most.
function freeOne(   at, count, row, most) {
  for (at = 1; at <= followerCount; at++) count[master[followers[at]]]++
  for (at = 1; at <= followerCount; at++) if (!most || count[master[followers[at]]] > count[master[most]]) most = followers[at]
  if (most) print "free", id[most], peer[most]
}

# Where most masters are on one node, its loss would leave too few to agree on anything.
function leadOne(   row, owner) {
  for (row = 1; row <= NR; row++) {
    owner = rowOf[master[row]]
    if (isReplica[row] && owner && onNode[where[owner]] - onNode[where[row]] >= 2) {
      print "lead", id[row], peer[row]
      return
    }
  }
}
