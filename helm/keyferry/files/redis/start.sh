#!/bin/sh
# Starts the server. Who it is stands in nodes.conf on the volume; where it is today, the pod's address, is told anew each time.
#   DATA_DIR: the volume; CONF_FILE: redis.conf; RUN_DIR: in memory, for the configuration with its passwords
#   USERS_FILE: a line for each further ACL user, NAME KEY RULES...; SECRETS_DIR/KEY holds the password.
. "${SCRIPTS:-/scripts}/lib.sh"
set -eu
umask 077

SERVER=$(command -v redis-server || command -v valkey-server) || {
  echo 'the image has neither redis-server nor valkey-server' >&2
  exit 1
}

# Passwords are not for the command line, which everybody on the node sees.
conf=$RUN_DIR/redis.conf
cat "$CONF_FILE" >"$conf"
if [ -r "${PASSWORD_FILE:-}" ]; then
  password=$(sed 's/[\\"]/\\&/g' "$PASSWORD_FILE")
  printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password" >>"$conf"
fi
if [ -r "${USERS_FILE:-}" ]; then
  while read -r name key rules; do
    [ -n "$name" ] || continue
    hash=$(tr -d '\n' <"$SECRETS_DIR/$key" | sha256sum | cut -d' ' -f1)
    printf 'user %s on #%s %s\n' "$name" "$hash" "$rules" >>"$conf"
  done <"$USERS_FILE"
fi

# Whether the others know a server of this name that has slots.
has_former_self() {
  peers | while read -r peer; do nodes "$peer"; done | awk -v self="${SELF%:*}" '$3 == self && $7 > 0' | grep -q .
}

if [ "${CLUSTER:-no}" = yes ]; then
  if [ ! -s "$DATA_DIR/nodes.conf" ]; then
    # The volume was lost, and who this server was. It stays silent until a replica has taken over: at the address that it
    # had before, another one would look like a mistake, and not like a death.
    tries=0
    while [ $tries -lt 40 ] && has_former_self; do
      tries=$((tries + 1))
      sleep 1
    done
  fi
  set -- --cluster-announce-ip "$POD_IP" --cluster-announce-hostname "${SELF%:*}" --syslog-ident "${NODE_NAME:-}"
fi
exec "$SERVER" "$conf" "$@"
