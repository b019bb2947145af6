#!/bin/sh
# Writes .env and the secrets that docker-compose.yml reads, once; what is there stays. Usage: prepare.sh HOST_NAME
set -eu
cd "$(dirname "$0")/../.."
site=${1:?the host name that users see, such as jobs.example.org}
place=deploy/compose/secrets
mkdir -p "$place" deploy/compose/kubeconfigs
chmod 0700 "$place" # nobody else on this machine; the containers get each file by itself, and read it as another user

random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep() {
    [ -e "$place/$1" ] || { umask 022 && printf '%s' "$2" >"$place/$1"; }
}
keep secret_key "$(random 32)"
keep postgres_password "$(random 24)"
keep admin_password "$(random 9)"
keep database_url "postgresql://platform:$(cat "$place/postgres_password")@postgres:5432/platform"
[ -e .env ] || sed "s/^SITE=.*/SITE=$site/" .env.example >.env
echo "Ready. Next: docker compose up --detach --build"
echo "Then log in at https://$site as admin, with the password in $place/admin_password."
