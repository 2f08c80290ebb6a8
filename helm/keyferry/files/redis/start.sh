#!/bin/sh
# Starts the server. Who it is stands in nodes.conf on the volume; where it is today, the pod's address, is told anew each time.
#   USERS_FILE: a line for each further ACL user, NAME KEY RULES...; SECRETS_DIR/KEY holds the password.
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

if [ "${CLUSTER:-no}" = yes ]; then
  set -- --cluster-announce-ip "$POD_IP" --cluster-announce-hostname "${SELF%:*}" --syslog-ident "${NODE_NAME:-}"
fi
exec "$SERVER" "$conf" "$@"
