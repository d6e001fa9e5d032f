#!/bin/sh
# Builds the supervisor as one static program: build.sh OUT. Honours CC and CFLAGS.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$1")"
# The result appears whole or not at all, even when two builds run at once.
new="$1.$$"
trap 'rm -f "$new"' EXIT
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror ${LINK--static} ${CFLAGS--O2} -o "$new" "$here"/*.c
mv -f "$new" "$1"
