#!/usr/bin/env bash
# Builds the small binaries of docs/SIZE.md: it compiles the standard library as well, without its reader of debug
# information. Prints the path of the binary.
#
#   .ci/smallest.sh           the smallest one
#   .ci/smallest.sh release   optimised like other releases; a panic ends one connection only
#
# `.ci/rust-src` finds the source of the standard library.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

triple=x86_64-unknown-linux-gnu
target=${CARGO_TARGET_DIR:-target}/smallest-std

RUSTC=$(.ci/rust-src)
export RUSTC
# docs/SIZE.md explains the flags.
profile=${1:-smallest}
case $profile in
smallest)
  panic=panic_abort
  flags="-Zunstable-options -Cpanic=immediate-abort -Cforce-unwind-tables=no -Crelocation-model=static"
  ;;
release)
  panic=panic_unwind
  flags="-Clink-arg=-Wl,-z,pack-relative-relocs"
  ;;
*) echo "usage: $0 [smallest|release]" >&2 && exit 2 ;;
esac
RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" CARGO_TARGET_DIR=$target \
  cargo build -q --locked --bin chinwag --profile "$profile" --no-default-features --features cli --target $triple \
  -Zbuild-std=std,$panic -Zbuild-std-features=optimize_for_size >&2
echo "$target/$triple/$profile/chinwag"
