#!/bin/sh
# Random passwords and tokens for compose.yaml, once: deploy/secrets and deploy/.env, readable by their owner alone.
# The engine runs as user 1000; as root, this hands its files over, as another user it must be that one.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "deploy/.env is there already; delete it and deploy/secrets to make new ones" >&2
  exit 1
fi
umask 077
secret() { openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n'; }
mkdir -p secrets/engine secrets/prometheus
redis=$(secret) clickhouse=$(secret) reader=$(secret)
printf '%s\n' "$redis" > secrets/engine/redis-password
printf '%s\n' "$clickhouse" > secrets/engine/clickhouse-password
{
  printf 'prometheus reader %s\n' "$reader"
  printf 'desk operator %s\n' "$(secret)"
  printf 'producer producer %s\n' "$(secret)"
} > secrets/engine/gateway-tokens
printf '%s' "$reader" > secrets/prometheus/scorestream.token
# Prometheus runs as nobody and the token only reads.
chmod 755 secrets secrets/prometheus && chmod 644 secrets/prometheus/scorestream.token
printf 'REDIS_PASSWORD=%s\nCLICKHOUSE_PASSWORD=%s\nGRAFANA_PASSWORD=%s\n' "$redis" "$clickhouse" "$(secret)" > .env
if [ "$(id -u)" -eq 0 ]; then
  chown -R 1000:1000 secrets/engine
elif [ "$(id -u)" -ne 1000 ]; then
  echo "note: the engine runs as user 1000 and will not be able to read deploy/secrets/engine: chown it as root" >&2
fi
echo "deploy/secrets and deploy/.env are written; tokens for callers stand in deploy/secrets/engine/gateway-tokens"
