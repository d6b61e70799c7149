#!/usr/bin/env bash
# Installs the Debian packages that the tests of this folder run against, where they are missing.
set -euo pipefail

packages=(
  chromium libnss3-tools # the connection page in a real browser, with a client certificate
  testssl.sh bsdextrautils # the listener as a scanner sees it (hexdump is what it reads bytes with)
  systemd # systemd-analyze, which reads the units; nothing of it is started
  prometheus # promtool: metrics, alert rules and their tests; the server itself never runs
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# nothing that is installed for a test may begin to serve by itself
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
