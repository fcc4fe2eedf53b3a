#!/bin/sh
# Before the files go, if they are not replaced by newer ones: the daemon ends. The
# state directory, with its keys, stays.
set -e
case "$1" in
  remove | 0)
    if [ -z "${DPKG_ROOT-}" ] && [ -d /run/systemd/system ]; then
      systemctl disable --now keyman.service
    fi
    ;;
esac
