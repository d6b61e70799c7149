#!/usr/bin/env bash
# Installs the Debian packages that the tests of this folder run against, where they are missing.
set -euo pipefail
here=$(dirname "$0")

packages=(
  chromium libnss3-tools # the connection page in a real browser, with a client certificate
  testssl.sh bsdextrautils # the listener as a scanner sees it (hexdump is what it reads bytes with)
  slowhttptest # slow headers, bodies and readers
  systemd # systemd-analyze, which reads the units; nothing of it is started
  prometheus # promtool: metrics, alert rules and their tests; the server itself never runs
)
mapfile -t rivals < <(bash "$here/../../bench/install.sh" --list) # what the bench runs beside the gateway

exec bash "$here/install-packages.sh" "${packages[@]}" "${rivals[@]}"
