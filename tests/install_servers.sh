#!/bin/sh
# Installs the servers that the tests start privately, through the system's package manager; what cannot be had is said and skipped.
missing=""
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v rabbitmq-server >/dev/null 2>&1 || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing="$missing rabbitmq-server"
command -v prometheus >/dev/null 2>&1 || missing="$missing prometheus"
[ -z "$missing" ] && exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "Installing$missing with apt-get ..."
    # In run level 1 a package does not start its service: the tests start servers of their own on free ports.
    $as_root apt-get update -qq >/dev/null 2>&1
    $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 && exit 0
fi
echo "These servers are not installed and could not be installed:$missing. Their tests will be skipped (with CI=true: fail)."
exit 0
