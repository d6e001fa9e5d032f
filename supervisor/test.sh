#!/bin/sh
# Tests the supervisor: fuzzing, then the behaviour of a normal and of an ASan + UBSan build. Any finding makes the exit code non-zero.
# FUZZ_SECONDS (default 3) and FUZZ_SEED change the fuzzing; CC the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}
san="-std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99
python=${PYTHON:-python3}

mkdir "$work/normal" "$work/asan"
chmod 755 "$work"
"$here/build.sh" "$work/normal/corral-supervisor"
# shellcheck disable=SC2086
$cc $san -o "$work/asan/corral-supervisor" "$here"/*.c
# shellcheck disable=SC2086
$cc $san -Wno-clobbered -o "$work/fuzz" "$here"/fuzz/*.c "$here/frame.c" "$here/connection.c" "$here/dispatch.c" "$here/spawn_request.c" "$here/util.c" "$here/launch_request.c" "$here/plan.c" "$here/glob.c"

"$python" "$here/fuzz/corpus.py" "$work/corpus"
ASAN_OPTIONS=detect_leaks=1 "$work/fuzz" "$work/corpus" "${FUZZ_SECONDS:-3}" "${FUZZ_COUNT:-100000000}" ${FUZZ_SEED:+"$FUZZ_SEED"}

echo "normal build"
"$python" "$here/test/run.py" "$work/normal/corral-supervisor"
"$python" "$here/test/run_plan.py" "$work/normal/corral-supervisor"
"$python" "$here/test/run_changes.py" "$work/normal/corral-supervisor"
echo "a clock that jumps"
mkdir "$work/jumping"
# shellcheck disable=SC2086
$cc -std=gnu11 -O1 -Dclock_gettime=jumping_clock_gettime -o "$work/jumping/corral-supervisor" "$here"/*.c "$here/test/jumping_clock.c"
"$python" "$here/test/run.py" "$work/jumping/corral-supervisor" --only echo_and_codes,graceful_and_forced,deadline,output_that_waits_has_files,stream_holder,order_file,lease,lifetime,shutdown,ports,wait_for_a_file,watch,inspect,watched_input,memory
echo "sanitised build"
"$python" "$here/test/run.py" "$work/asan/corral-supervisor"
"$python" "$here/test/run_plan.py" "$work/asan/corral-supervisor"
"$python" "$here/test/run_changes.py" "$work/asan/corral-supervisor"
if bwrap --unshare-user --unshare-pid --ro-bind / / true 2>/dev/null; then
    echo "normal build as pid 1 in bubblewrap"
    "$python" "$here/test/run.py" "$work/normal/corral-supervisor" --bwrap
    "$python" "$here/test/run_changes.py" "$work/normal/corral-supervisor" --bwrap
fi
