#!/bin/sh
# Alive is a server that answers, be it that it loads its data or has no time. Only silence calls for a restart.
. "${SCRIPTS:-/scripts}/lib.sh"
[ -n "$(cli "$LOCAL" PING 2>/dev/null)" ]
