#!/usr/bin/env bash
# Builds the small binaries of docs/SIZE.md: it compiles the standard library as well, without its reader of debug
# information. Prints the path of the binary.
#
#   .ci/smallest.sh           the smallest one
#   .ci/smallest.sh release   optimised like other releases; a panic ends one connection only
#
# It needs the source of the compiler's standard library: `rustup component add rust-src`. Without it, Debian's compiler and
# source are unpacked (not installed) under ${XDG_CACHE_HOME:-~/.cache}/chinwag-ci/debian-rust: 140 MB to download and
# 850 MB on disk, once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/chinwag-ci/debian-rust
triple=x86_64-unknown-linux-gnu
target=${CARGO_TARGET_DIR:-target}/smallest-std

unpack_debian_rust() {
  [ ! -e "$cache/ready" ] || return 0
  local version release llvm
  rm -rf "$cache" && mkdir -p "$cache" && cd "$cache"
  apt-get update -qq || true # a stale index may be good enough
  version=$(apt-cache policy rust-web-src | awk '/Candidate/ { print $2 }')
  release=$(cut -d. -f1,2 <<<"$version")
  llvm=$(apt-cache depends "libstd-rust-web-$release" | awk '/Depends: libllvm/ { print $2 }')
  apt-get download -qq "rust-web-src=$version" "rustc-web=$version" "libstd-rust-web-dev=$version" \
    "libstd-rust-web-$release=$version" "$llvm" 2>apt.log || { cat apt.log; exit 3; }
  for package in ./*.deb; do dpkg -x "$package" root; done && rm ./*.deb
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$cache/root/usr/lib/x86_64-linux-gnu" "$cache/root/usr/bin/rustc" >rustc
  chmod +x rustc && ./rustc -V && touch ready && cd - >/dev/null
}

if [ ! -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
  unpack_debian_rust >&2
  export RUSTC=$cache/rustc
fi
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
