#!/bin/sh
# Starts Valkey with three users and no other way in. What the users may do is written here; their passwords come from
# the environment and go to a file that lies in memory. Arguments are handed on to the server.
set -eu

model=${SCORER_MODEL:?is missing: the model whose scorers may write their instance keys}
rights=${TMPDIR:-/tmp}/users.acl

password() {
    case $1 in
        '' | *[!A-Za-z0-9._~-]*)
            echo "$2 must be letters, digits, '.', '_', '~' and '-': it also stands in addresses. See docker-compose.yml" >&2
            exit 1
            ;;
    esac
}
password "${VALKEY_SCORER_PASSWORD-}" VALKEY_SCORER_PASSWORD
password "${VALKEY_MONITOR_PASSWORD-}" VALKEY_MONITOR_PASSWORD
password "${VALKEY_OPERATOR_PASSWORD-}" VALKEY_OPERATOR_PASSWORD

# The scorer reads the registry and writes its instance keys. The monitor reads, holds
# its lease and answers commands. An operator may do everything with
# the registry, but cannot change the server.
umask 077
cat >"$rights" <<END
user default off
user scorer on >$VALKEY_SCORER_PASSWORD %R~scorer:* %W~scorer:$model:instance:* &scorer:$model:wake +mget +type +strlen +getrange +xrange +xrevrange +multi +exec +set +del +subscribe +unsubscribe +ping +select +client|setinfo
user monitor on >$VALKEY_MONITOR_PASSWORD %R~scorer:* ~scorer:$model:lease ~scorer:$model:fence ~scorer:$model:commands ~scorer:$model:answer:* +mget +get +type +strlen +getrange +xrange +multi +exec +watch +unwatch +eval +set +del +pexpire +time +xadd +xdel +ping +select +client|setinfo
user operator on >$VALKEY_OPERATOR_PASSWORD ~scorer:* &scorer:* +@all -@admin -@dangerous
END

exec valkey-server --aclfile "$rights" "$@"
