#!/bin/sh
# Runs the evalset binary in a memory cgroup (v1 or v2) of its own, so that the system holds it to a number of bytes: its own
# memory, mapped files and the files that the system caches for it, together. Over that it is killed. Needs root. For the
# benchmark, which starts a binary:
#
#     sync; echo 3 > /proc/sys/vm/drop_caches
#     BYTES=1073741824 EVALSET=target/release/evalset evalset-bench --binary bench/within.sh --data DIR --only page
#
# Caches are dropped first, since what is cached already counts for whoever read it. The group stays; `rmdir` removes it.
set -eu
root=/sys/fs/cgroup
if [ -d "$root/memory" ]; then
    group=$root/memory/evalset-bench
    limit=memory.limit_in_bytes
else
    group=$root/evalset-bench
    limit=memory.max
    echo +memory >"$root/cgroup.subtree_control"
fi
mkdir -p "$group"
echo "${BYTES:-1073741824}" >"$group/$limit"
echo $$ >"$group/cgroup.procs"
exec "${EVALSET:-target/release/evalset}" "$@"
