#!/bin/sh
# Makes the secrets that docker-compose.yml names: sh new-secrets.sh [FOLDER], by default the folder `secrets` beside this
# file. It never overwrites: delete the folder for new ones (PostgreSQL keeps the password of its first start).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/secrets}
holdfast=${HOLDFAST:-$here/../.venv/bin/holdfast}

if [ -e "$folder" ]; then
	echo "$folder exists; nothing was changed" >&2
	exit 1
fi

random() {
	od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# Nobody else enters the folder. The files themselves are readable, because a container's user has another id than yours.
umask 077
mkdir -p "$folder"
password=$(random)
printf %s "$password" >"$folder/postgres_password"
for service in staff clients orders offboarding; do
	printf %s "postgresql://holdfast:$password@postgres:5432/$service" >"$folder/${service}_database_url"
done
random >"$folder/grafana_password"
# Unquoted, so that HOLDFAST may be a command with arguments.
$holdfast token --new-key "$folder/signing_key"
chmod 644 "$folder"/*
