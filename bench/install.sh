#!/usr/bin/env bash
# Installs the Debian packages of the rivals that `npm run bench` measures; `--list` names them alone.
set -euo pipefail

packages=(
  nginx libnginx-mod-http-lua lua-cjson # the establishment rule in LuaJIT
  haproxy # its Lua is 5.3, and lua-cjson holds a build for it
  caddy
)

[ "${1-}" = --list ] && printf '%s\n' "${packages[@]}" && exit 0
exec bash "$(dirname "$0")/../test/system/install-packages.sh" "${packages[@]}"
